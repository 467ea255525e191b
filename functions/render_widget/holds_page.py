"""Every change that waits for a person, over all schools: what would go, and how to decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape

from functions.render_widget.html import ago, button, table, until
from functions.render_widget.request import HOLDS
from xporter_bridge.api.fleet_overview import HeldChanges
from xporter_bridge.api.schemas import DatasetView, SchoolView

_COLUMNS = ("School", "Dataset", "What would change", "Held since", "Dropped in", "To decide")
# A school has some dozens of datasets; more come from requests with parameters.
_MOST_OF_A_SCHOOL = 10
_MOST_REASONS = 10
_LONGEST_NAME = 60


def render_holds(found: HeldChanges, endpoint: str, now: datetime) -> str:
    """Return a page of the held changes."""
    back = button("All schools", endpoint, {"q": "", "state": "", "estab": "", "view": ""})
    rows = [row for school in found.schools for row in _rows(school, endpoint, now)]
    shown = table("Changes that wait for a person", _COLUMNS, rows) if rows else _nothing(found)
    return (
        f"<p>{back}</p><h2>Held changes</h2><p>{escape(_summary(found))}</p>{shown}"
        f"{_following(found, endpoint)}"
        "<p>Readers keep the data of before. Undecided, a change is dropped after a week. "
        "Which rows would go: <code>xporter-bridge hold show ESTAB</code></p>"
    )


def held(school: SchoolView) -> list[DatasetView]:
    """Return the datasets of a school whose change waits, or is being decided on."""
    return [each for each in school.datasets if each.hold]


def reasons(dataset: DatasetView) -> str:
    """Return what would change, with counts by table; HTML."""
    return escape("; ".join(dataset.hold.reasons[:_MOST_REASONS]) if dataset.hold else "")


def decision(estab: str, dataset: DatasetView) -> str:
    """Return the commands that decide, or the decision that was made; HTML."""
    if dataset.hold and dataset.hold.decision:
        return f"decided: {escape(dataset.hold.decision)}; it is being carried out"
    told = f"{escape(estab)} {escape(dataset.dataset)}"
    return (
        f"<code>xporter-bridge hold approve {told}</code> or "
        f"<code>xporter-bridge hold reject {told}</code>"
    )


def _rows(school: SchoolView, endpoint: str, now: datetime) -> Iterator[Sequence[str]]:
    page = button(school.estab, endpoint, {"estab": school.estab}, f"Show school {school.estab}")
    named = f"{page} {escape((school.name or '')[:_LONGEST_NAME])}"
    changes = held(school)
    for each in changes[:_MOST_OF_A_SCHOOL]:
        if each.hold:
            yield (
                named,
                escape(each.dataset),
                reasons(each),
                ago(each.hold.since, now),
                until(each.hold.expires_at, now),
                decision(school.estab, each),
            )
    more = len(changes) - _MOST_OF_A_SCHOOL
    if more > 0:
        yield named, f"{more} more", "", "", "", f"{page} has all of them"


def _summary(found: HeldChanges) -> str:
    counts = Counter(each.dataset for school in found.schools for each in held(school))
    listed = ", ".join(f"{count} {name}" for name, count in counts.most_common(_MOST_REASONS))
    more = " on this page; others follow" if found.cursor else ""
    schools = len(found.schools)
    said = f"{counts.total()} held changes of {schools} schools{more}"
    if schools > 1 and counts.total():
        listed += ". One dataset at many schools at once is rather Xporter's fault than theirs"
    return f"{said}: {listed}." if listed else f"{said}."


def _nothing(found: HeldChanges) -> str:
    if found.is_unknown:
        return "<p>The index of schools in trouble is being made: look again in some minutes.</p>"
    return "<p>Nothing is held.</p>" if not found.cursor else "<p>None on this page.</p>"


def _following(found: HeldChanges, endpoint: str) -> str:
    if not found.cursor:
        return ""
    return f"<p>{button('Next page', endpoint, {'view': HOLDS, 'cursor': found.cursor})}</p>"
