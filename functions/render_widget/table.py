"""The schools as an HTML table; CloudWatch shows it inside the dashboard, scripts removed."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from html import escape

from xporter_bridge.api.fleet_overview import FleetOverview, is_troubled
from xporter_bridge.api.schemas import DatabaseFreshness, SchoolView
from xporter_bridge.pulls.freshness import CHECKED_AT_IS_OLD
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.timestamps import parse

_COLUMNS = ("School", "State", "Since", "What to know, what to do", "Datasets", "Oldest data")
_HOUR, _DAY = 3600, 86400


def render(found: FleetOverview, now: datetime) -> str:
    """Return the table, with everything escaped that came from outside."""
    counts = ", ".join(f"{count} {state}" for state, count in found.counts.items() if count)
    heads = "".join(f"<th>{column}</th>" for column in _COLUMNS)
    rows = "".join(_row(school, now) for school in found.schools)
    proved = sum(school.state is not SchoolState.INVITED for school in found.schools)
    summary = f"{proved} of {found.total} schools, the worst first"
    if found.unproved:
        summary += f"; {found.unproved} more that Xporter has not confirmed"
    return (
        f"<p>{summary}: {escape(counts) or 'none yet'}</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(school: SchoolView, now: datetime) -> str:
    attention = school.attention
    cells = (
        f"{school.estab} {school.name or ''}",
        f"\N{WARNING SIGN} {school.state}" if is_troubled(school) else str(school.state),
        _since(attention.since or school.state_since, now),
        f"{attention.says} {attention.do}",
        _datasets(school),
        _oldest(school),
    )
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _datasets(school: SchoolView) -> str:
    states = Counter(dataset.state.replace("_", " ") for dataset in school.datasets)
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))


def _oldest(school: SchoolView) -> str:
    ages = [each.age_seconds for each in school.freshness if each.age_seconds is not None]
    stale = sorted(_named(each) for each in school.freshness if each.is_stale)
    age = _age(max(ages)) if ages else ""
    return f"{age} (stale: {', '.join(stale)})" if stale else age


def _named(freshness: DatabaseFreshness) -> str:
    """Return the database, and why its data are old unless it is that they were not pulled."""
    is_ours = freshness.reason in {None, CHECKED_AT_IS_OLD}
    return freshness.database if is_ours else f"{freshness.database}: no newer data at Xporter"


def _since(moment: str | None, now: datetime) -> str:
    return f"{_age(int((now - parse(moment)).total_seconds()))} ago" if moment else ""


def _age(seconds: int) -> str:
    if seconds < 2 * _HOUR:
        return f"{seconds // 60} min"
    return f"{seconds // _HOUR} h" if seconds < 2 * _DAY else f"{seconds // _DAY} days"
