"""The fleet as an HTML table with a search above it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from html import escape

from functions.render_widget.html import age, ago, button, table
from functions.render_widget.request import HOLDS, TROUBLED, WidgetRequest
from xporter_bridge.api.fleet_overview import FleetOverview, is_troubled
from xporter_bridge.api.schemas import DatabaseFreshness, SchoolView
from xporter_bridge.pulls.freshness import CHECKED_AT_IS_OLD
from xporter_bridge.schools.states import SchoolState

_COLUMNS = ("School", "State", "Since", "What to know, what to do", "Datasets", "Oldest data")
_LONGEST_NAME = 60


def render(found: FleetOverview, asked: WidgetRequest, endpoint: str, now: datetime) -> str:
    """Return the widget's first page, or another page of it.

    Args:
        endpoint: The function that the buttons call: this one.
    """
    rows = [_row(school, endpoint, now) for school in found.schools]
    shown = table(f"{len(rows)} schools, the worst first", _COLUMNS, rows)
    if not rows:
        shown = "<p>There are none.</p>" if asked != WidgetRequest() else "<p>No schools yet.</p>"
    return (
        f"<h2>Schools</h2><p>{escape(_summary(found))}</p>"
        f"{_search(asked, endpoint)}{shown}{_following(found, asked, endpoint)}"
    )


def _summary(found: FleetOverview) -> str:
    counts = ", ".join(f"{count} {state}" for state, count in found.counts.items() if count)
    troubled = (
        "the index of schools in trouble is being made"
        if found.troubled is None
        else f"{found.troubled} in trouble"
    )
    summary = f"{found.total} schools, {troubled}"
    if found.unproved:
        summary += f"; {found.unproved} more that Xporter has not confirmed"
    return f"{summary}: {counts or 'none yet'}"


def _search(asked: WidgetRequest, endpoint: str) -> str:
    options = [("", "any state"), (TROUBLED, "in trouble"), *((s, s) for s in SchoolState)]
    choices = "".join(
        f'<option value="{value}"{" selected" if value == asked.state else ""}>{label}</option>'
        for value, label in options
    )
    return (
        '<form role="search"><label>Number or name '
        f'<input type="search" name="q" maxlength="100" value="{escape(asked.q)}"></label> '
        f'<label>State <select name="state">{choices}</select></label></form>'
        f"{button('Search', endpoint, {})} "
        f"{button('Show all', endpoint, {'q': '', 'state': ''})} "
        f"{button('Held changes', endpoint, {'view': HOLDS})}"
    )


def _following(found: FleetOverview, asked: WidgetRequest, endpoint: str) -> str:
    if not found.cursor:
        return ""
    position = {"q": asked.q, "state": asked.state, "cursor": found.cursor}
    return f"<p>{button('Next page', endpoint, position)}</p>"


def _row(school: SchoolView, endpoint: str, now: datetime) -> tuple[str, ...]:
    attention = school.attention
    page = button(school.estab, endpoint, {"estab": school.estab}, f"Show school {school.estab}")
    state = f"\N{WARNING SIGN} {school.state}" if is_troubled(school) else str(school.state)
    return (
        f"{page} {escape((school.name or '')[:_LONGEST_NAME])}",
        state,
        ago(attention.since or school.state_since, now),
        escape(f"{attention.says} {attention.do}"),
        escape(_datasets(school)),
        escape(_oldest(school)),
    )


def _datasets(school: SchoolView) -> str:
    states = Counter(dataset.state.replace("_", " ") for dataset in school.datasets)
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))


def _oldest(school: SchoolView) -> str:
    ages = [each.age_seconds for each in school.freshness if each.age_seconds is not None]
    stale = sorted(_named(each) for each in school.freshness if each.is_stale)
    oldest = age(max(ages)) if ages else ""
    return f"{oldest} (stale: {', '.join(stale)})" if stale else oldest


def _named(freshness: DatabaseFreshness) -> str:
    """Return the database, and why its data are old unless it is that they were not pulled."""
    is_ours = freshness.reason in {None, CHECKED_AT_IS_OLD}
    return freshness.database if is_ours else f"{freshness.database}: no newer data at Xporter"
