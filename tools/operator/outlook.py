"""What `doctor` says of what is to come: quotas, the next night, and what the month costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from .api import Api
from .aws_errors import explained
from .checks import Check
from .errors import AwsRefusedError, NotAllowedError, NotReachableError
from .target import Target

# Three functions run ConcurrentPulls at a time. Beside them run the other consumers (55 by their
# MaximumConcurrency), the watchdog (16), and callbacks and the API of a busy time.
_PULLERS, _OTHERS = 3, 55 + 16 + 60
# docs/parameters.md: how many pulls at a time serve every dataset of the schools in four hours.
_DATASETS, _PULLS_PER_DATASET, _NIGHT_SECONDS = 8, 1.1, 4 * 3600
_DAY = 86_400
_PAGE = "docs/parameters.md"


def check_quotas(target: Target, _: Api) -> Check:
    """Hold the account's quota of concurrent executions against what the stack may use."""
    if target.is_emulated:
        says = "Not checked: an emulator has no quotas."
        return Check("quotas", True, says, "Only AWS itself can answer this.", skipped=True)
    with explained():
        limits: Any = target.client("lambda").get_account_settings()["AccountLimit"]
    free = int(limits["UnreservedConcurrentExecutions"])
    needed = _PULLERS * int(target.parameters.get("ConcurrentPulls") or 2) + _OTHERS
    says = f"Lambda runs {free} functions at a time in this account, and the stack may use {needed}"
    if free < needed:
        return Check(
            "quotas",
            False,
            f"{says}: callbacks would be throttled.",
            'Ask AWS for more (Service Quotas, Lambda, "Concurrent executions"), or lower '
            "ConcurrentPulls.",
        )
    return Check("quotas", True, f"{says}.")


def check_night(target: Target, _: Api, now: datetime | None = None) -> Check:
    """Forecast whether the next night ends by 08:00, from the pulls of the last day."""
    now = now or datetime.now(UTC)
    concurrent = int(target.parameters.get("ConcurrentPulls") or 2)
    with explained():
        answer: Any = target.client("cloudwatch").get_metric_data(
            StartTime=now - timedelta(days=1),
            EndTime=now,
            MetricDataQueries=[
                _search("seconds", target.name, "Dataset", "PullDuration", "Average"),
                _search("schools", target.name, "State", "SchoolsInState", "Maximum"),
            ],
        )
    values = {
        (each["Id"], each.get("Label", "")): max(each["Values"])
        for each in answer["MetricDataResults"]
        if each.get("Values")
    }
    seconds = [value / 1000 for (id_, _), value in values.items() if id_ == "seconds"]
    live = max((v for (id_, label), v in values.items() if id_ == "schools" and "live" in label),
               default=0)  # fmt: skip
    if not seconds or not live:
        says = "No pull of the last day is measured, so that nothing is forecast."
        return Check("night", True, says, skipped=True)
    return _forecast(round(live), sum(seconds) / len(seconds), concurrent)


def _forecast(schools: int, seconds: float, concurrent: int) -> Check:
    work_seconds = schools * _DATASETS * _PULLS_PER_DATASET * seconds
    hours = work_seconds / concurrent / 3600
    says = (
        f"{schools} schools, {seconds:.1f} s a pull, {concurrent} at a time: the next night takes "
        f"{hours:.1f} hours from 03:00"
    )
    if work_seconds / concurrent > _NIGHT_SECONDS:
        needed = ceil(work_seconds / _NIGHT_SECONDS)
        do = f"Set ConcurrentPulls to {needed}, and deploy; {_PAGE} says what else to look at."
        return Check("night", False, f"{says}, and more than four are too many.", do)
    return Check("night", True, f"{says}.")


def check_cost(target: Target, _: Api, now: datetime | None = None) -> Check:
    """Ask Cost Explorer for the month so far. The question itself costs a cent."""
    now = now or datetime.now(UTC)
    period = {"Start": f"{now:%Y-%m-01}", "End": f"{now + timedelta(days=1):%Y-%m-%d}"}
    tag = {"Key": "aws:cloudformation:stack-name", "Values": [target.name]}
    request: dict[str, Any] = {
        "TimePeriod": period,
        "Granularity": "MONTHLY",
        "Metrics": ["UnblendedCost"],
        "Filter": {"Tags": tag},
    }
    try:
        with explained():
            answer: Any = target.client("ce").get_cost_and_usage(**request)
    except (NotAllowedError, AwsRefusedError, NotReachableError) as error:
        # Nothing of the product is wrong where somebody may not see the bill.
        return Check("cost", True, f"Not known: {error.says}.", skipped=True)
    amounts = [each["Total"]["UnblendedCost"] for each in answer["ResultsByTime"] if each["Total"]]
    total = sum(float(each["Amount"]) for each in amounts)
    if not total:
        return Check(
            "cost",
            True,
            "Not known: no cost of this month is booked under aws:cloudformation:stack-name.",
            "Activate that tag under Billing, Cost allocation tags; costs appear after a day.",
            skipped=True,
        )
    a_month = total / max(now.day, 1) * 30
    unit = amounts[0]["Unit"]
    return Check("cost", True, f"{total:.2f} {unit} this month, so {a_month:.0f} {unit} a month.")


def _search(id_: str, namespace: str, dimension: str, name: str, statistic: str) -> dict[str, Any]:
    text = f'{{"{namespace}",{dimension}}} MetricName="{name}"'
    return {"Id": id_, "Expression": f"SEARCH('{text}', '{statistic}', {_DAY})"}


# What every run of `doctor` asks beside its other checks.
OUTLOOK = (("quotas", check_quotas), ("night", check_night))
