"""The tables at the end."""

import io
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tools.demo.context import Journey
from tools.demo.progress import Ended
from tools.demo.schools import SCHOOLS, DemoSchool
from tools.demo.verification import sequences
from tools.stack.clock import COLUMNS


def steps_table(ended: Iterable[Ended]) -> str:
    """Return one line per step."""
    rows = [(each.mark, each.name, f"{each.seconds:.1f} s", each.finding) for each in ended]
    return _table(("", "step", "took", "seen"), rows)


def schools_table(journey: Journey) -> str:
    """Return one line per school: callbacks received, requests sent, snapshots proved."""
    header = ("school", "callbacks", "hooks", "pulls", "pages", "rows", "proved")
    return _table(header, [_school(school, journey) for school in SCHOOLS])


def _school(school: DemoSchool, journey: Journey) -> tuple[str, ...]:
    callbacks = Counter(
        entry["kind"]
        for entry in journey.simulator.callbacks(journey.first_callback)
        if entry["estab"] == school.estab and entry["status"] == 202
    )
    pages = sum(
        f"/school/{school.estab}/" in entry["path"].lower() and "page=" in entry["query"]
        for entry in journey.simulator.requests(journey.first_request)
    )
    shown = journey.simulator.school(school.estab)
    return (
        f"{school.estab} {shown['name']}",
        ", ".join(f"{count} {kind}" for kind, count in callbacks.items()),
        str(len(shown["webhooks"])),
        str(sum(sequences(school, journey.lake).values())),
        str(pages),
        f"{_rows(school, journey):,}",
        f"{journey.proved[school.estab]} ✓",
    )


def _rows(school: DemoSchool, journey: Journey) -> int:
    manifests = (journey.lake.latest(school.estab, name) for name in school.datasets)
    return sum(
        table["rows"] for manifest in manifests if manifest for table in manifest["tables"].values()
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of 80 columns at most, without colour; long cells are wrapped."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name, *cells in zip(header, *rows, strict=True):
        longest_word = max(len(word) for cell in (name, *cells) for word in cell.split() or [""])
        table.add_column(name, min_width=longest_word)
    table.add_row(*("─" * len(name) for name in header))
    for row in rows:
        table.add_row(*map(Text, row))
    written = io.StringIO()
    Console(file=written, width=COLUMNS, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in written.getvalue().rstrip().splitlines())
