from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.support.builders import BASE_URL, ESTAB, KEY, NOW
from xporter_bridge.callbacks.signed_urls import SigningKey
from xporter_bridge.datasets.config import configured
from xporter_bridge.errors import ConfigurationError
from xporter_bridge.registrations.model import (
    RENEW_AFTER,
    DesiredRegistration,
    desired,
    missing,
    next_due,
)
from xporter_bridge.schools.model import Registration

NEW = SigningKey("key-0002", b"the secret after the rotation")


def wanted(
    *scopes: str, base_url: str = BASE_URL, keys: tuple[SigningKey, ...] = (KEY,)
) -> list[DesiredRegistration]:
    return desired(ESTAB, scopes, configured().values(), base_url=base_url, keys=keys)


def recorded(
    registrations: list[DesiredRegistration], at: datetime = NOW
) -> dict[str, Registration]:
    return {
        each.database: Registration(each.database, each.url_fingerprint, KEY.id, at)
        for each in registrations
    }


def test_each_database_of_the_covered_datasets_is_wanted_once() -> None:
    databases = [each.database for each in wanted("School", "Student", "Staff", "Attendance")]
    assert databases == sorted(set(databases))
    assert {"XodSchoolData", "XodAttendanceSummary"} <= set(databases)


@pytest.mark.parametrize("scopes", [(), ("WritebackAttendance",)])
def test_a_school_that_allows_nothing_gets_no_registration(scopes: tuple[str, ...]) -> None:
    assert wanted(*scopes) == []


def test_the_urls_are_signed_for_this_school() -> None:
    (each,) = wanted("School")
    assert each.url.startswith(
        f"{BASE_URL}/callbacks/database?estab={ESTAB}&database=XodSchoolData"
    )
    assert "signature=" in each.url


def test_without_a_key_nothing_is_wanted() -> None:
    with pytest.raises(ConfigurationError):
        wanted("School", keys=())


def test_what_is_recorded_recent_and_on_the_right_url_is_left_alone() -> None:
    everything = wanted("School", "Student", "Attendance")
    assert missing(everything, recorded(everything), NOW) == []


def test_what_is_not_recorded_is_missing() -> None:
    everything = wanted("School", "Student", "Attendance")
    assert missing(everything, {}, NOW) == everything
    rest = recorded(everything)
    del rest[everything[0].database]
    assert missing(everything, rest, NOW) == everything[:1]


def test_what_is_a_week_old_is_renewed() -> None:
    everything = wanted("School")
    before = recorded(everything, NOW - RENEW_AFTER + timedelta(seconds=1))
    assert missing(everything, before, NOW) == []
    assert missing(everything, before, NOW + timedelta(seconds=1)) == everything


def test_a_rotated_key_and_a_moved_domain_both_make_it_missing() -> None:
    before = recorded(wanted("School"))
    rotated = wanted("School", keys=(NEW, KEY))
    moved = wanted("School", base_url="https://other.example.app")
    assert missing(rotated, before, NOW) == rotated
    assert missing(moved, before, NOW) == moved


def test_a_registration_for_another_school_is_none() -> None:
    (each,) = wanted("School")
    other = replace(recorded([each])["XodSchoolData"], url_fingerprint="0" * 16)
    assert missing([each], {"XodSchoolData": other}, NOW) == [each]


def test_the_next_look_comes_within_a_day_and_never_for_all_at_once() -> None:
    waits = [next_due(str(3_280_000 + n), NOW) - NOW for n in range(25_000)]
    assert all(timedelta(hours=20) <= wait <= timedelta(days=1) for wait in waits)
    busiest = max(waits.count(wait) for wait in set(waits[:500]))
    assert busiest < 200


def test_a_school_is_always_looked_at_at_its_own_time() -> None:
    assert next_due(ESTAB, NOW) == next_due(ESTAB, NOW)
