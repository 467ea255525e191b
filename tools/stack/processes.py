"""Processes that end with the stack, together with all their child processes."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tools.stack.errors import StackError

GRACE_SECONDS = 2.0
_SHOWN_LINES = 12


@contextmanager
def running(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: IO[bytes],
    stdout: int | None = None,
    pass_fds: Sequence[int] = (),
    cwd: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``command`` in a session of its own for as long as the block lasts.

    Args:
        stdout: ``subprocess.PIPE`` to read it; it goes to ``log`` otherwise, as stderr does.
    """
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log if stdout is None else stdout,
        stderr=log,
        pass_fds=pass_fds,
        cwd=cwd,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)


def wait_until(
    ready: Callable[[], bool],
    process: subprocess.Popen[bytes],
    *,
    what: str,
    timeout_seconds: float,
) -> None:
    """Poll ``ready``.

    Raises:
        StackError: The process ended, or the time is over.
    """
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        if process.poll() is not None:
            raise StackError(f"{what} ended with status {process.returncode} before it was ready")
        if time.monotonic() > deadline:
            raise StackError(f"{what} was not ready within {timeout_seconds:.0f} s")
        time.sleep(0.05)


def listen(port: int) -> socket.socket:
    """Open a listening socket on loopback, to be handed to a child: nobody can take its port.

    Raises:
        StackError: The port is in use.
    """
    try:
        return socket.create_server(("127.0.0.1", port), backlog=512)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise StackError(
            f"port {port} cannot be used ({why}): set another, or 0 for any free port"
        ) from error


def url_of(listening: socket.socket) -> str:
    """Return the URL at which ``listening`` is reached."""
    address, port = listening.getsockname()
    return f"http://{address}:{port}"


class LogEnd:
    """Shows how a log ended that a child has written to since this object was made."""

    def __init__(self, log: IO[bytes]) -> None:
        # A log that is no file, such as a terminal, has been read already.
        self._path = Path(str(log.name))
        self._begin = self._path.stat().st_size if self._path.is_file() else 0

    def __str__(self) -> str:
        """Return the last lines, indented, below a colon; or nothing."""
        if not self._path.is_file():
            return ""
        with self._path.open("rb") as log:
            log.seek(self._begin)
            lines = log.read().decode(errors="replace").splitlines()
        last = [line.rstrip()[:300] for line in lines if line.strip()][-_SHOWN_LINES:]
        return ":" + "".join(f"\n    {line}" for line in last) if last else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Send the whole session SIGTERM, and SIGKILL if that is not enough."""
    _signal_session(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):  # what follows does not ask
        process.wait(GRACE_SECONDS)
    _signal_session(process, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def _signal_session(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):  # all of it has ended already
        os.killpg(process.pid, number)
