"""Findings about the two clocks of freshness: data not refreshed, not announced, or not pulled."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from .findings import WITHOUT_DATA, Code, Facts, Finding, View, listed, said, time_of

# Every database is refreshed at least daily; what the watchdog grants beyond that is three hours.
SILENT_AFTER = timedelta(hours=27)
# A callback that was received is pulled within minutes, in a long night within hours.
_PULLED_WITHIN = timedelta(hours=6)
# Registering takes seconds; until then a missing registration says nothing.
_REGISTERED_WITHIN = timedelta(seconds=30)
# A callback announces data that is as old as the time that Xporter took to prepare it.
_PREPARED_WITHIN = timedelta(hours=2)


def of_clocks(facts: Facts, school: View) -> Iterator[Finding]:
    """Say which databases are not refreshed, not announced, or not pulled."""
    old = [each for each in school["freshness"] if _says(each, "as_of is old")]
    unregistered = _unregistered(school, facts.now)
    silent: list[View] = []
    unserved: list[View] = []
    for each in school["freshness"]:
        if each["database"] in unregistered or each in old:
            continue
        heard = _heard(facts, school, each["database"])
        if _was_in_vain(each, heard, school, facts.now):
            unserved.append(each)
        elif _is_silent(each, heard, school, facts):
            (old if _is_unchanged_since(each, heard) else silent).append(each)
    yield from _not_refreshed(old)
    yield from _not_announced(school, unregistered, silent)
    if unserved:
        yield Finding(
            Code.OUR_FAULT,
            f"{_names(unserved)} should have been pulled hours ago, and nothing says why not.",
            "`xporter-bridge doctor` shows queues, schedules and dead letters; `xporter-bridge "
            f"ask {school['estab']}` pulls again.",
        )


def _not_refreshed(old: Sequence[View]) -> Iterator[Finding]:
    if old:
        since = min((str(each["as_of"]) for each in old), default="long ago")
        yield Finding(
            Code.MIS_NOT_REFRESHED,
            f"Xporter answers, and its data of {_names(old)} is of {said(since)}: Xporter on "
            "Demand at the school does not reach the MIS.",
            "Ask the school whether its server and Xporter's agent run; holidays are the usual "
            "reason. Nothing is lost.",
        )


def _not_announced(
    school: View, unregistered: Sequence[str], silent: Sequence[View]
) -> Iterator[Finding]:
    if unregistered:
        yield Finding(
            Code.WEBHOOK_LOST,
            f"Xporter holds no webhook for {listed(unregistered)}, so no change is announced; the "
            "data is asked for once a day all the same.",
            f"`xporter-bridge ask {school['estab']}` registers anew; if that is refused again, see "
            '"registration-failed" in docs/runbook.md.',
        )
    if silent:
        yield Finding(
            Code.WEBHOOK_LOST,
            f"Xporter has not announced {_names(silent)} for more than a day, although a webhook "
            "is registered.",
            f"`xporter-bridge ask {school['estab']}` registers anew and pulls; if many schools are "
            'silent, see "datasets-silent" in docs/runbook.md.',
        )


def _unregistered(school: View, now: datetime) -> list[str]:
    """Return the databases with data that have no registration, once there was time to make it."""
    since = time_of(school.get("state_since"))
    if since is None or now - since < _REGISTERED_WITHIN:
        return []
    registered = {each["database"].casefold() for each in school["registrations"]}
    wanted = {
        each["database"]
        for each in school["datasets"]
        if each["database"] and not each["parameters"] and each["state"] not in WITHOUT_DATA
    }
    return sorted(name for name in wanted if name.casefold() not in registered)


def _heard(facts: Facts, school: View, database: str) -> datetime | None:
    """Return when the database was last announced; None if never, or if that is not known."""
    heard = facts.heard_at or {}
    return max(
        (
            heard[each["dataset"]]
            for each in school["datasets"]
            if each["database"] == database and each["dataset"] in heard
        ),
        default=None,
    )


def _was_in_vain(each: View, heard: datetime | None, school: View, now: datetime) -> bool:
    """Tell whether a callback, or the school's authorisation, has led to no pull for hours."""
    checked = time_of(each["checked_at"])
    wanted = heard if checked else heard or time_of(school.get("state_since"))
    if wanted is None or now - wanted < _PULLED_WITHIN:
        return False
    return checked is None or wanted > checked


def _is_silent(each: View, heard: datetime | None, school: View, facts: Facts) -> bool:
    """Tell whether no callback came for a day, though one could have."""
    if _says(each, "checked_at is old"):
        return each["checked_at"] is not None
    if facts.heard_at is None:
        return False
    since = heard or time_of(school.get("state_since"))
    return since is not None and facts.now - since > SILENT_AFTER


def _is_unchanged_since(each: View, heard: datetime | None) -> bool:
    """Tell whether there was nothing to announce: the data is as old as the last callback."""
    as_of = time_of(each["as_of"])
    is_checked = not _says(each, "checked_at is old")
    return bool(is_checked and heard and as_of and as_of <= heard + _PREPARED_WITHIN)


def _says(each: View, clock: str) -> bool:
    return clock in (each.get("reason") or "")


def _names(databases: Sequence[View]) -> str:
    return listed(each["database"] for each in databases)
