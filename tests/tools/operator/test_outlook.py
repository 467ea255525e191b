"""What `xporter-bridge doctor` says of quotas, of the next night, and of the month's cost."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.operator.outlook import check_cost, check_night, check_quotas

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
API: Any = None


def target(answer: Any = None, *, error: str = "", **facts: Any) -> Any:
    """Return a stack whose AWS answers every call so, or refuses it."""

    def call(**_: Any) -> Any:
        if error:
            response: Any = {"Error": {"Code": error, "Message": "no"}}
            raise ClientError(response, "GetCostAndUsage")
        return answer

    names = ("get_account_settings", "get_metric_data", "get_cost_and_usage")
    client = SimpleNamespace(**dict.fromkeys(names, call))
    known = {"is_emulated": False, "name": "xb", "parameters": {"ConcurrentPulls": "20"}}
    return SimpleNamespace(**known | facts, client=lambda _: client)


@pytest.mark.parametrize(("free", "ok"), [(10, False), (190, False), (191, True), (250, True)])
def test_a_quota_that_the_stack_may_exceed_is_wrong(free: int, ok: bool) -> None:
    found = check_quotas(target({"AccountLimit": {"UnreservedConcurrentExecutions": free}}), API)
    assert (found.ok, found.skipped) == (ok, False)
    assert str(free) in found.says
    assert ok or "Service Quotas" in found.do


def metrics(schools: float, *milliseconds: float) -> Any:
    results = [
        {"Id": "schools", "Label": "live", "Values": [schools]},
        {"Id": "schools", "Label": "erased", "Values": [99_999.0]},
        *({"Id": "seconds", "Label": f"d{n}", "Values": [n]} for n in milliseconds),
        {"Id": "seconds", "Label": "quiet", "Values": []},
    ]
    return {"MetricDataResults": results}


@pytest.mark.parametrize(("schools", "ok"), [(100.0, True), (25_000.0, False)])
def test_a_night_of_more_than_four_hours_names_the_number_of_pulls_that_it_needs(
    schools: float, ok: bool
) -> None:
    found = check_night(target(metrics(schools, 2000.0, 4000.0)), API, NOW)
    assert found.ok is ok
    assert "3.0 s a pull" in found.says
    # 25,000 schools x 8 datasets x 1.1 pulls x 3 s in 14,400 s
    assert ok or "ConcurrentPulls to 46" in found.do


def test_without_a_measured_pull_nothing_is_forecast() -> None:
    found = check_night(target({"MetricDataResults": []}), API, NOW)
    assert (found.ok, found.skipped) == (True, True)


def costs(amount: str) -> Any:
    total = {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}
    return {"ResultsByTime": [{"Total": total}]}


def test_the_month_is_told_and_projected() -> None:
    found = check_cost(target(costs("45.5")), API, NOW)
    assert found.says == "45.50 USD this month, so 91 USD a month."


@pytest.mark.parametrize("error", ["AccessDeniedException", "DataUnavailableException"])
def test_who_may_not_see_the_bill_is_told_so_and_nothing_is_wrong(error: str) -> None:
    found = check_cost(target(error=error), API, NOW)
    assert (found.ok, found.skipped) == (True, True)
    assert "Not known" in found.says


def test_a_tag_that_is_not_activated_is_said() -> None:
    found = check_cost(target(costs("0")), API, NOW)
    assert found.skipped
    assert "Cost allocation tags" in found.do
