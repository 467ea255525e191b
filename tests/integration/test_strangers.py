"""What is left of authentication callbacks that a stranger invents, who knows our URL's token."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support import template
from tests.support.builders import (
    ESTAB,
    SECRET,
    authorise,
    onboard,
    records,
    school_table,
    stored_school,
    stored_secret,
    vault,
)
from tests.support.company_api import CompanyApi
from tests.support.moto_cloud import Cloud
from tests.support.xporter import LyingXporter, Xporter
from xporter_bridge.api.fleet_overview import FleetReader
from xporter_bridge.api.fleet_pages import SchoolFilter
from xporter_bridge.datasets.config import configured
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools import vault as vaults
from xporter_bridge.schools.model import UNPROVED_KEPT, School
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.timestamps import parse

GENUINE = "22222222-2222-4222-8222-222222222222"
FORGED = [f"{number:08d}-ffff-4fff-8fff-ffffffffffff" for number in range(12)]
TOKEN = {"token": "a-token", "expires": "2126-01-01T00:00:00Z"}
DETAILS = {"Estab": ESTAB, "RelyingParty": "live.example.app", "Scopes": ["School"]}


def of(cloud: Cloud, estab: str = ESTAB) -> School:
    school = school_table(cloud).get(estab)
    assert school is not None
    return school


def waiting(cloud: Cloud) -> tuple[str, ...]:
    held = of(cloud).credentials
    return vaults.pending_of(vault(cloud).open(ESTAB, held), held) if held else ()


class PausedXporter:
    """Says that the school is paused whatever the secret is; then accepts the genuine one."""

    def __init__(self) -> None:
        self.is_paused = True
        self.tried: list[str] = []

    def __call__(self, target: str, body: bytes) -> tuple[int, Any]:
        if "tokendetails" in target.casefold():
            return 200, DETAILS
        if self.is_paused:
            return 200, {"token": None, "AuthorisationPaused": True}
        self.tried.append(body.decode())
        is_genuine = GENUINE in body.decode()
        return 200, TOKEN if is_genuine else {"token": None, "ExceptionMessage": "No school found"}


@pytest.fixture
def paused(deploy: Callable[..., Cloud]) -> Iterator[tuple[Cloud, PausedXporter]]:
    answers = PausedXporter()
    with LyingXporter(answers) as lying:
        yield deploy(XporterUrl=lying.url), answers


# -- a school that was never proved


def test_a_school_that_only_a_callback_speaks_of_expires(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school()
    onboard(connected, FORGED[0])
    (item,) = connected.items("SchoolsTable")
    expires = datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC)
    assert timedelta(0) <= datetime.now(UTC) + UNPROVED_KEPT - expires < timedelta(minutes=1)
    facts = template.load()["Resources"]["SchoolsTable"]["Properties"]["TimeToLiveSpecification"]
    assert facts == {"AttributeName": "expires_at", "Enabled": True}
    assert connected.events() == []
    assert onboard(connected, secret).state is SchoolState.INSTALLED
    (item,) = connected.items("SchoolsTable")
    assert "expires_at" not in item


def test_callbacks_without_a_new_secret_do_not_prolong_it(
    connected: Cloud, xporter: Xporter
) -> None:
    xporter.school()
    onboard(connected, FORGED[0])
    school_table(connected).change(ESTAB, lambda school: replace(school, expires_at=1_800_000_000))
    onboard(connected, FORGED[0])
    onboard(connected, SECRET, partnerId="somebody.else.app")
    assert of(connected).expires_at == 1_800_000_000


def test_deleting_a_school_that_was_never_proved_announces_nothing_and_its_tombstone_expires(
    connected: Cloud, xporter: Xporter
) -> None:
    xporter.school()
    onboard(connected, FORGED[0])
    assert CompanyApi(connected).delete(f"/v1/schools/{ESTAB}").status == 202
    connected.settle("ErasureQueue")
    assert connected.events() == []
    assert of(connected).state is SchoolState.ERASED
    assert of(connected).expires_at
    assert CompanyApi(connected).get(f"/v1/schools/{ESTAB}").document["state"] == "erased"


def test_schools_that_were_never_proved_do_not_push_others_off_the_dashboard(
    cloud: Cloud,
) -> None:
    invited = [str(3_280_000 + number) for number in range(20)]
    for estab in invited:
        school_table(cloud).change(estab, lambda school: replace(school, last_refusal="forged"))
    stored_school(cloud)
    datasets = DatasetRepository(cloud.client("dynamodb"), cloud.ref("DatasetsTable"), configured())
    reader = FleetReader(school_table(cloud), datasets, configured())
    found = reader.overview(SchoolFilter(), 15, None, datetime.now(UTC))
    assert ESTAB in {school.estab for school in found.schools}
    assert (found.total, found.unproved) == (1, 20)
    shown = cloud.invoke("render_widget", {})
    assert "1 schools, 0 in trouble" in shown
    assert "20 more that Xporter has not confirmed" in shown


# -- secrets that wait


@pytest.mark.parametrize("order", [[GENUINE, FORGED[0]], [FORGED[0], GENUINE], [*FORGED, GENUINE]])
def test_a_waiting_secret_is_not_replaced_by_another_that_nobody_has_proved(
    paused: tuple[Cloud, PausedXporter], order: list[str]
) -> None:
    cloud, answers = paused
    stored_school(cloud, secret=SECRET)
    for secret in order:
        assert onboard(cloud, secret).state is SchoolState.PAUSED
    assert stored_secret(cloud) == SECRET
    assert GENUINE in waiting(cloud)
    answers.is_paused = False
    cloud.invoke("onboard_school", records({"estab": ESTAB}))
    assert stored_secret(cloud) == GENUINE
    assert waiting(cloud) == ()


def test_however_many_come_only_a_few_secrets_wait(paused: tuple[Cloud, PausedXporter]) -> None:
    cloud, _ = paused
    stored_school(cloud, secret=SECRET)
    for secret in [GENUINE, GENUINE, *FORGED, *FORGED]:
        authorise(cloud, secret)
    cloud.settle("AuthenticationQueue")
    assert len(waiting(cloud)) == 5
    assert waiting(cloud)[0] == GENUINE


def test_a_secret_that_comes_late_has_days_of_its_own_to_be_proved_in(
    connected: Cloud, xporter: Xporter
) -> None:
    secret = xporter.school()
    xporter.set_school(revoked=True)
    onboard(connected, FORGED[0])
    before = of(connected)
    school_table(connected).change(
        ESTAB, lambda school: replace(school, first_refused_at=parse("2026-01-01T00:00:00.000Z"))
    )
    onboard(connected, secret)
    after = of(connected)
    assert waiting(connected) == (FORGED[0], secret)
    assert after.first_refused_at >= before.first_refused_at
