"""One school: what is the matter, what to do, how old its data are, and what waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from functions.render_widget.holds_page import decision, held, reasons
from functions.render_widget.html import ago, button, table
from xporter_bridge.api.schemas import DatabaseFreshness, DatasetView, SchoolView
from xporter_bridge.pulls.failures import in_words
from xporter_bridge.pulls.freshness import AS_OF_IS_OLD, CHECKED_AT_IS_OLD
from xporter_bridge.pulls.record import DatasetState

_FAILURES = {DatasetState.FAILED, DatasetState.FAILING}
_AFTER_HOLD = {
    "hold_rejected": "the held change was rejected",
    "hold_expired": "nobody decided on the held change in time: it is computed anew",
    "hold_outdated": "the held change was made under another configuration: pulled anew",
}
# A school has some dozens of datasets; more come from requests with parameters.
_MOST_DATASETS = 100


def render_school(school: SchoolView | None, estab: str, endpoint: str, now: datetime) -> str:
    """Return the school's page; a sentence for a school that there is not."""
    back = (
        f"<p>{button('All schools', endpoint, {'q': '', 'state': '', 'estab': '', 'view': ''})}</p>"
    )
    if school is None:
        return (
            f"{back}<h2>{escape(estab)}</h2><p>There is no such school, or it cannot be read.</p>"
        )
    attention = school.attention
    name = f" {school.name[:100]}" if school.name else ""
    since = ago(attention.since or school.state_since, now)
    return (
        f"{back}<h2>{escape(estab + name)}: {school.state}</h2>"
        f"<p><strong>{escape(attention.says)}</strong> {since}</p>"
        f"<p>{escape(attention.do)}</p>"
        f"{_holds(school, now)}{_freshness(school.freshness, now)}{_datasets(school.datasets, now)}"
        f"<p>More, with the history: <code>xporter-bridge explain {escape(estab)}</code></p>"
    )


def _holds(school: SchoolView, now: datetime) -> str:
    rows = [
        (
            escape(each.dataset),
            reasons(each),
            ago(each.hold.since, now),
            decision(school.estab, each),
        )
        for each in held(school)
        if each.hold
    ]
    if not rows:
        return ""
    heads = ("Dataset", "What would change", "Held since", "To decide")
    return f"<h3>Held changes</h3>{table('Changes that wait for a person', heads, rows)}"


def _freshness(freshness: Sequence[DatabaseFreshness], now: datetime) -> str:
    rows = [
        (
            escape(each.database),
            ago(each.as_of, now) or "not said",
            ago(each.checked_at, now) or "never",
            escape(_whose(each)),
        )
        for each in freshness
    ]
    heads = ("Database", "Data of", "Compared with Xporter", "Old, and whose fault")
    return f"<h3>How old the data are</h3>{table('By database', heads, rows)}" if rows else ""


def _whose(each: DatabaseFreshness) -> str:
    if not each.is_stale:
        return "no"
    reason = each.reason or ""
    if CHECKED_AT_IS_OLD in reason:
        return "yes: we have not compared with Xporter in time"
    if AS_OF_IS_OLD in reason:
        return "yes: Xporter has had no newer data from the school"
    return "yes: Xporter could not deliver fresh data when asked"


def _datasets(datasets: Sequence[DatasetView], now: datetime) -> str:
    rows = [
        (
            escape(each.dataset),
            each.state.replace("_", " "),
            ago(each.freshness.checked_at, now) if each.freshness else "",
            escape(_why(each)),
        )
        for each in datasets[:_MOST_DATASETS]
    ]
    heads = ("Dataset", "State", "Compared with Xporter", "Why")
    more = len(datasets) - len(rows)
    left_out = f"<p>{more} more are not shown.</p>" if more > 0 else ""
    return f"<h3>Datasets</h3>{table('Datasets of the school', heads, rows)}{left_out}"


def _why(dataset: DatasetView) -> str:
    if dataset.hold:
        return "a change waits for a decision"
    reason = dataset.reason or ""
    if dataset.state in _FAILURES:
        return in_words(reason)
    return _AFTER_HOLD.get(reason, reason if " " in reason else "")
