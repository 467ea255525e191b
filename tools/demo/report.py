"""The tables at the end."""

from collections import Counter
from collections.abc import Iterable, Sequence

from tools.demo.context import Journey
from tools.demo.progress import Ended
from tools.demo.schools import SCHOOLS, DemoSchool
from tools.demo.verification import sequences


def steps_table(ended: Iterable[Ended]) -> str:
    """Return one line per step."""
    rows = [(each.mark, each.name, f"{each.seconds:.1f} s", each.finding) for each in ended]
    return _table(("", "step", "took", "seen"), rows)


def schools_table(journey: Journey) -> str:
    """Return one line per school: callbacks received, requests sent, snapshots proved."""
    header = ("school", "callbacks", "webhooks", "pulls", "pages", "rows", "equal snapshots")
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
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    lines = [header, ["─" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
