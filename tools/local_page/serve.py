"""Runs the page beside a stack."""

import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.set_up import ROOT
from tools.stack.errors import StackError
from tools.stack.local_stack import LocalStack
from tools.stack.processes import running, url_of

_WAIT_SECONDS = 30


@contextmanager
def local_page(stack: LocalStack, listening: socket.socket) -> Iterator[str]:
    """Serve the page of a stack at ``listening`` while the block lasts; yield its URL."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    directory, number = str(Path(stack.log_file).parent), listening.fileno()
    command = [sys.executable, "-m", "tools.local_page", directory, str(number)]
    with (
        Path(stack.log_file).open("ab", buffering=0) as log,
        running(command, environment=environment, log=log, pass_fds=[number]),
    ):
        yield url_of(listening)


def read_page(url: str) -> str:
    """Return a document of the page, which may just be starting.

    Raises:
        StackError: The page does not answer with one.
    """
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=_WAIT_SECONDS) as answer:
                text: str = answer.read().decode()
                return text
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline or isinstance(error, urllib.error.HTTPError):
                raise StackError(f"{url} does not answer: {error}; the log says why") from error
        time.sleep(0.2)
