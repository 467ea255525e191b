"""Makes a virtual environment hold exactly what a lock file names.

Runs on the machine's bare Python, before anything is installed: standard library only.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV_ENVIRONMENT = ROOT / ".tools" / "uv"
UV = UV_ENVIRONMENT / "bin" / "uv"
_TICK_SECONDS = 15.0


class SetUpError(Exception):
    """Nothing can be installed; the message says what to do."""


def main() -> int:
    """Set up the environment of the first argument from the lock of the second."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this is where the minimum is held
        sys.exit("Xporter Bridge needs Python 3.11 or newer: PYTHON=/path/to/python3.11 make …")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what it runs ends with it
    if len(sys.argv) != 3:
        sys.exit("usage: python -m tools.set_up ENVIRONMENT LOCK, as the Makefile calls it")
    environment, lock = (ROOT / argument for argument in sys.argv[1:])
    try:
        with locked(ROOT / ".tools" / "set-up.lock"):
            set_up(environment, lock)
    except KeyboardInterrupt:
        print("stopped; the next `make` goes on", file=sys.stderr)
        return 130
    except (SetUpError, OSError) as error:
        print(f"error: {environment.relative_to(ROOT)} cannot be set up: {error}", file=sys.stderr)
        return 1
    return 0


def set_up(environment: Path, lock: Path) -> None:
    """Make ``environment`` unless its stamp says that it is already what ``lock`` asks for.

    The stamp is written last, so an interrupted installation is begun again.
    """
    stamp, wanted = environment / ".ready", _fingerprint(environment, lock)
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"setting up {environment.relative_to(ROOT)} …", file=sys.stderr, flush=True)
        install = _install_with_pip if environment == UV_ENVIRONMENT else _install_with_uv
        install(environment, lock)
        stamp.write_text(wanted)
    stamp.touch()


def uv_settings() -> dict[str, str]:
    """Return this process's environment, with pip's settings where uv has none of its own.

    A machine behind a mirror is often configured for pip only, which uv does not read.
    """
    pip = [str(UV_ENVIRONMENT / "bin" / "python"), "-m", "pip", "config", "get", "global.index-url"]
    index = (
        os.environ.get("PIP_INDEX_URL")
        or subprocess.run(pip, capture_output=True, text=True, check=False).stdout.strip()
    )
    from_pip = {"UV_DEFAULT_INDEX": index, "SSL_CERT_FILE": os.environ.get("PIP_CERT", "")}
    if not _is_writable(Path.home()):
        from_pip["UV_CACHE_DIR"] = str(ROOT / ".tools" / "cache")
    return {**{name: value for name, value in from_pip.items() if value}, **os.environ}


def _is_writable(home: Path) -> bool:
    """Tell whether uv can keep its cache at home, which is read-only in some containers."""
    cache = home / ".cache"
    return os.access(cache if cache.exists() else home, os.W_OK)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes; it ends with the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fingerprint(environment: Path, lock: Path) -> str:
    """Return what changes with the lock, with the interpreter, and when the clone is moved."""
    parts = (lock.read_text(), sys.version, os.path.realpath(sys.executable), str(environment))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _install_with_pip(environment: Path, lock: Path) -> None:
    try:
        venv.create(environment, with_pip=True, clear=True)
    except subprocess.CalledProcessError as error:
        raise SetUpError(
            "this Python makes no environments with pip: `sudo apt-get install python3-venv`"
        ) from error
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    _run([*pip, "--require-hashes", "--requirement", str(lock)], os.environ)


def _install_with_uv(environment: Path, lock: Path) -> None:
    settings = uv_settings()
    create = [str(UV), "venv", "--quiet", "--clear", "--python", sys.executable]
    _run([*create, str(environment)], settings)
    install = [str(UV), "pip", "install", "--quiet", "--require-hashes"]
    if environment.parent == ROOT / ".tools":
        # Programs of this kind start again and again. Of .venv, Python compiles what is imported:
        # compiling all of it takes 200 MB of disk.
        install.append("--compile-bytecode")
    python = str(environment / "bin" / "python")
    _run([*install, "--python", python, "--requirement", str(lock)], settings)


def _run(command: list[str], settings: Mapping[str, str]) -> None:
    """Run a command, whose own words go to stderr; say every quarter of a minute that it runs.

    Raises:
        SetUpError: The command failed.
    """
    begun = time.monotonic()
    with subprocess.Popen(command, stdout=sys.stderr, env=settings) as process:
        try:
            while _is_running(process):
                seconds = time.monotonic() - begun
                print(f"  … still installing, {seconds:.0f} s", file=sys.stderr, flush=True)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise SetUpError(
            f"{Path(command[0]).name} failed, as it says above. It needs PyPI, or a mirror that pip"
            " is told of (PIP_INDEX_URL), and a gigabyte of disk; then run make again"
        )


def _is_running(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_TICK_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


if __name__ == "__main__":
    sys.exit(main())
