"""Adds bytecode to a build, because Lambda cannot store any: its code and layers are read-only.

Like any Python, Lambda's looks for `.pyc` files of its version. Files of the kind "unchecked hash"
(PEP 552) are used even if a zip archive has changed the times of the sources.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.stack.errors import StackError

# The folders of artifacts on Lambda, which tracebacks show.
_LAYER, _FUNCTION = "/opt", "/var/task"
_WHO = "import sys; v = sys.version_info; print(sys.implementation.name, *v[:2], v.releaselevel)"


def interpreter(runtime: str) -> Path | None:
    """Return an interpreter of this machine that is Lambda's ``runtime``: ``python3.13``.

    Bytecode is valid for all patch releases and processors of one minor version.
    """
    major, minor = runtime.removeprefix("python").split(".")
    for candidate in _candidates(f"{major}.{minor}"):
        if _says(candidate) == f"cpython {major} {minor} final":
            return candidate
    return None


def compile_artifacts(build: Path, python: Path) -> int:
    """Compile every source in the folders of a build, and return their number.

    Raises:
        StackError: ``python`` cannot compile one of them.
    """
    for artifact in sorted(path for path in build.iterdir() if path.is_dir()):
        prefix = _LAYER if (artifact / "python").is_dir() else _FUNCTION
        command = [str(python), "-I", "-m", "compileall", "-q", "-f", "-o", "0"]
        command += ["--invalidation-mode", "unchecked-hash", "-s", str(artifact), "-p", prefix]
        done = subprocess.run(
            [*command, str(artifact)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise StackError(f"{artifact.name} cannot be compiled: {done.stdout[-2000:]}")
    return sum(1 for _ in build.rglob("*.pyc"))


def _candidates(version: str) -> Iterator[Path]:
    """Yield possible interpreters, the most likely first; a shim of pyenv may not work."""
    yield Path(sys.executable)
    for directory in os.get_exec_path():
        yield Path(directory) / f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)


def _says(python: Path) -> str:
    if not python.exists():
        return ""
    command = [str(python), "-I", "-c", _WHO]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
