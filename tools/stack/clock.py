"""Progress on a terminal of 80 columns, or in a file: lines with seconds, and a sign of life."""

import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

COLUMNS = 80
_INDENT = " " * 10
_TICK_SECONDS = 1.0
_SILENCE_SECONDS = 15.0


class Clock:
    """Prints lines with the seconds since its own beginning; stdout belongs to results.

    While it ticks, a terminal shows in its last line what is being done. A file gets a line only
    after a quarter of a minute without any.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._begun = self._said = time.monotonic()
        self._lock = threading.Lock()
        self._is_mute = False
        self.doing = ""

    @property
    def seconds(self) -> float:
        """Seconds since the clock's beginning."""
        return time.monotonic() - self._begun

    def say(self, line: str, *, is_new: bool = True) -> None:
        """Print one line of progress, wrapped; if it is new, it is what is being done."""
        with self._lock:
            if not self._is_mute:
                self._write(line)
            if is_new:
                self.doing = line.strip().removesuffix("…").strip()

    def mute(self) -> None:
        """Say nothing any more: a person has interrupted what there was to say something of."""
        with self._lock:
            self._is_mute = True
            self.doing = ""

    def rest(self) -> None:
        """Show no sign of life until the next line: what goes on now is to wait for a person."""
        with self._lock:
            self.doing = ""
            self._stream.write(self._cleared())

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Show for as long as the block lasts that something is being done."""
        ended = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(ended,), name="clock", daemon=True)
        ticker.start()
        try:
            yield
        finally:
            ended.set()
            ticker.join()

    def _tick(self, ended: threading.Event) -> None:
        is_terminal = self._stream.isatty()
        while not ended.wait(_TICK_SECONDS):
            with self._lock:
                if not self.doing:
                    continue
                if is_terminal:
                    self._stream.write(self._cleared() + self._doing()[: COLUMNS - 1])
                    self._stream.flush()
                elif time.monotonic() - self._said > _SILENCE_SECONDS:
                    self._write(f"… {self.doing}")
        with self._lock:
            self._stream.write(self._cleared())
            self._stream.flush()

    def _doing(self) -> str:
        return f"{self.seconds:6.0f} s  … {self.doing}"

    def _write(self, line: str) -> None:
        text = f"{self.seconds:6.1f} s  {line}"
        indent = _INDENT + " " * (len(line) - len(line.lstrip()))
        wrapped = textwrap.wrap(
            text, COLUMNS - 1, subsequent_indent=indent, break_long_words=False,
            break_on_hyphens=False, drop_whitespace=True,
        )  # fmt: skip
        self._stream.write(self._cleared() + "\n".join(wrapped) + "\n")
        self._stream.flush()
        self._said = time.monotonic()

    def _cleared(self) -> str:
        return f"\r{' ' * (COLUMNS - 1)}\r" if self._stream.isatty() else ""
