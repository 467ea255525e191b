"""Prints the result to stdout, progress and errors to stderr."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

# Without a terminal, progress is a line at a time: often enough to see that something runs.
_LINE_EVERY_SECONDS = 10.0
_STYLES = {
    "live": "green",
    "current": "green",
    "completed": "green",
    "ok": "green",
    "installed": "cyan",
    "pending": "cyan",
    "held": "yellow",
    "paused": "yellow",
    "failing": "yellow",
    "unknown": "yellow",
    "failed": "red",
    "revoked": "red",
    "wrong": "red",
}


class _Results(Console):
    """A console whose reader may stop early, as `head` does, without that being a failure."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def stdout() -> Console:
    """Return the console of results; NO_COLOR and a pipe take its colours away."""
    return _Results(highlight=False)


def stderr() -> Console:
    """Return the console of progress and errors."""
    return Console(stderr=True, highlight=False)


def print_json(document: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


def styled(word: str) -> str:
    """Return a state in its colour, as rich's markup."""
    style = _STYLES.get(word)
    return f"[{style}]{escape(word)}[/]" if style else escape(word)


def moment(time: Any) -> str:
    """Return a time as short as a table wants it, in UTC; empty where there is none."""
    at = time if isinstance(time, datetime) else datetime.fromisoformat(time) if time else None
    if at is None:
        return ""
    is_this_year = at.year == datetime.now(UTC).year
    return f"{at.day} {at:%b %H:%M}" if is_this_year else f"{at.day} {at:%b %Y}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table that wraps rather than cuts; cells may hold rich's markup."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def note(text: str) -> None:
    """Print a remark to stderr."""
    stderr().print(text, soft_wrap=True, markup=False)


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show how far something is; the function that is yielded takes the steps done since."""
    if not sys.stderr.isatty():
        yield _Lines(what, total).advance
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=stderr(), transient=True) as shown:
        task = shown.add_task(escape(what), total=total)
        yield lambda steps: shown.advance(task, steps)


class _Lines:
    """Progress into a file or a pipe."""

    def __init__(self, what: str, total: int | None) -> None:
        self._what, self._total, self._done = what, total, 0
        self._said_at = time.monotonic()

    def advance(self, steps: int) -> None:
        self._done += steps
        if time.monotonic() - self._said_at >= _LINE_EVERY_SECONDS:
            self._said_at = time.monotonic()
            of = f" of {self._total}" if self._total else ""
            note(f"{self._what}: {self._done}{of}")
