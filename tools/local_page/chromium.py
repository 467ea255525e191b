"""Drives a headless Chromium over its debugging pipe: pictures of pages, and their measures.

The protocol is https://chromedevtools.github.io/devtools-protocol/. A pipe needs no library for
web sockets, and nobody else can connect to the browser.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
_WAIT_SECONDS = 30.0
# Chromium reads from descriptor 3 and writes to descriptor 4.
_START = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
HOW_TO_GET_IT = "install Chromium for a picture: `sudo apt-get install chromium fonts-dejavu-core`"


class BrowserError(Exception):
    """Chromium did not start, or did not do what it was told."""


def chromium() -> str | None:
    """Return the path of a Chromium of this machine: ``CHROMIUM``, or the first on the PATH."""
    named = os.environ.get("CHROMIUM")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, _NAMES)), None)


class Page:
    """One page of a browser."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd, self._write_fd = read_fd, write_fd
        self._number = 0
        self._session = ""
        self._unread = b""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]

    def show(self, url: str, width: int, *, is_dark: bool = False) -> None:
        """Load a page into a window of this width, and wait until it is complete."""
        theme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[theme])
        self._resize(width, 800)
        self._call("Page.navigate", url=url)
        deadline = time.monotonic() + _WAIT_SECONDS
        while self.evaluate("location.href + ' ' + document.readyState") != f"{url} complete":
            if time.monotonic() > deadline:
                raise BrowserError(f"{url} was not loaded")
            time.sleep(0.05)

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript, as JSON can hold it."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def picture(self, width: int, most_height: int) -> bytes:
        """Return the page from its top as PNG, at most so high in pixels."""
        height = min(int(self.evaluate("document.documentElement.scrollHeight")), most_height)
        self._resize(width, height)
        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])

    def _resize(self, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        asked = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            asked["sessionId"] = self._session
        os.write(self._write_fd, json.dumps(asked).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error'].get('message')}")
                result: dict[str, Any] = answer["result"]
                return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._read_fd], [], [], _WAIT_SECONDS)
            received = os.read(self._read_fd, 1 << 20) if ready else b""
            if not received:
                raise BrowserError("Chromium has ended" if ready else "Chromium does not answer")
            self._unread += received
        text, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message


@contextmanager
def browser(program: str) -> Iterator[Page]:
    """Yield a page of a browser with an empty profile, which ends with the block.

    Raises:
        BrowserError: Chromium does not start.
    """
    with ExitStack() as held:
        profile = held.enter_context(TemporaryDirectory(ignore_cleanup_errors=True))
        (their_in, our_out), (our_in, their_out) = os.pipe(), os.pipe()
        for number in (our_out, our_in):
            held.callback(os.close, number)
        process = _start(program, Path(profile), their_in, their_out)
        held.callback(process.wait)
        held.callback(process.kill)
        yield Page(our_in, our_out)


def _start(program: str, profile: Path, their_in: int, their_out: int) -> "subprocess.Popen[bytes]":
    # Chromium refuses its sandbox to root, as which containers run; it loads our own pages only.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    options = [
        "--headless=new", "--remote-debugging-pipe", "--hide-scrollbars", "--disable-gpu",
        "--no-first-run", "--disable-dev-shm-usage", "--disable-extensions",
        f"--user-data-dir={profile}",
    ]  # fmt: skip
    # From ten on, so that neither is in the other's way when the child moves them to 3 and 4.
    numbers = [fcntl.fcntl(number, fcntl.F_DUPFD, 10) for number in (their_in, their_out)]
    try:
        return subprocess.Popen(
            [sys.executable, "-c", _START, *map(str, numbers), program, *sandbox, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=numbers,
            env={**os.environ, "HOME": str(profile)},
        )
    finally:
        for number in (their_in, their_out, *numbers):
            os.close(number)
