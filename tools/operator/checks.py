"""What `doctor` checks of a stack: one function a check, each of them on its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from . import queues
from .api import Api
from .aws_errors import explained
from .errors import AwsRefusedError, NotAllowedError, OperatorError
from .example_values import example_values
from .target import Target

NOTHING = "Nothing needs to be done."
_NOT_ANSWERED = "Only AWS itself can answer this."
_SKEW_SECONDS = 60
_MANY_MESSAGES = 1000


@dataclass(frozen=True)
class Check:
    """The result of one check. One that was ``skipped`` is not wrong, and says why."""

    name: str
    ok: bool
    says: str
    do: str = NOTHING
    skipped: bool = False


Examination = Callable[[Target, Api], Check]


def examine(target: Target, api: Api, *others: tuple[str, Examination]) -> Iterator[Check]:
    """Yield the result of every check, and of others; one that cannot be made says why."""
    for name, check in (*EXAMINATIONS, *others):
        try:
            yield check(target, api)
        except NotAllowedError as error:
            yield Check(name, False, f"Not checked: {error.says}.", f"{error.do.capitalize()}.")
        except AwsRefusedError as error:
            says = f"Not checked: {error.says}."
            yield Check(name, target.is_emulated, says, _NOT_ANSWERED, skipped=target.is_emulated)
        except OperatorError as error:
            yield Check(name, False, f"{error.says.capitalize()}.", f"{error.do.capitalize()}.")


def check_configuration(target: Target, _: Api) -> Check:
    """Hold the stack's state and parameters against what a real deployment needs."""
    state, parameters = str(target.description["StackStatus"]), target.parameters
    says = f"Stack {target.name} in {target.region} is {state}, stage {parameters.get('Stage')}"
    if not state.endswith("_COMPLETE") or state in {"ROLLBACK_COMPLETE", "DELETE_COMPLETE"}:
        return Check("configuration", False, f"{says}.", "See its events in CloudFormation.")
    shown = example_values(parameters) if parameters.get("Stage") != "local" else []
    if shown:
        return Check(
            "configuration",
            False,
            f"{says}, and an example is still the value of {', '.join(shown)}.",
            "Set values of your own in samconfig.toml (docs/parameters.md), and deploy.",
        )
    profile = parameters.get("FieldProfile", "all")
    says += f", relying party {parameters.get('RelyingParty')}, field profile {profile}"
    return Check("configuration", True, f"{says}.")


def check_api(target: Target, api: Api) -> Check:
    """Call the API."""
    api.get("/v1/schools", limit=1)
    return Check("api", True, f"The API at {target.api_url} answers.")


def check_clock(_: Target, api: Api) -> Check:
    """Compare this machine's clock with the API's: a signature is valid for five minutes."""
    answer = api.send("GET", "/v1/schools", query={"limit": 1})
    said = answer.headers.get("date")
    if not said:
        return Check("clock", True, "Not checked: the API says no time.", skipped=True)
    skew = abs((datetime.now(UTC) - parsedate_to_datetime(said)).total_seconds())
    if skew > _SKEW_SECONDS:
        return Check(
            "clock",
            False,
            f"This machine's clock is {skew:.0f} s off.",
            "Set it by NTP: AWS refuses requests signed with another time.",
        )
    return Check("clock", True, f"This machine's clock is right to {_SKEW_SECONDS} s.")


def check_xporter(target: Target, _: Api) -> Check:
    """Ask Xporter for anything: that it answers is enough."""
    url = target.parameters.get("XporterUrl", "")
    status = _status_of(url)
    if status is None or status >= 500:
        fault = "does not answer" if status is None else f"answers with HTTP {status}"
        return Check(
            "xporter",
            False,
            f"Xporter at {url} {fault}, as seen from this machine.",
            "Look at Xporter's status page; pulls wait and go on by themselves.",
        )
    return Check("xporter", True, f"Xporter at {url} answers.")


def check_callbacks(target: Target, _: Api) -> Check:
    """Call the callbacks' URL unsigned, as a stranger would: the right answer is 404."""
    base = target.output("CallbacksUrl")
    url = f"{base}/callbacks/database"
    status = _status_of(url)
    if status != 404:
        found = "does not answer" if status is None else f"answers with HTTP {status}, not 404"
        return Check(
            "callbacks",
            False,
            f"{url} {found}: Xporter's callbacks do not reach us.",
            "Check the domain and CallbackBaseUrl; then `xporter-bridge ask` everybody.",
        )
    return Check("callbacks", True, f"{base} answers, and refuses what is not signed.")


def check_secrets(target: Target, _: Api) -> Check:
    """See that both secrets are there; their values are not read."""
    manager = target.client("secretsmanager")
    ages = []
    for name in ("CallbackKeySecretArn", "AuthenticationTokenSecretArn"):
        with explained():
            secret: Any = manager.describe_secret(SecretId=target.output(name))
        if secret.get("DeletedDate"):
            return Check(
                "secrets",
                False,
                f"{name} is marked for deletion.",
                "Restore it with `aws secretsmanager restore-secret`: every URL that Xporter holds "
                "dies with it.",
            )
        ages.append(f"{name.removesuffix('SecretArn')} of {secret['LastChangedDate']:%Y-%m-%d}")
    return Check("secrets", True, f"Both secrets are there: {', '.join(ages)}.")


def check_schedules(target: Target, _: Api) -> Check:
    """See that every schedule of the stack is enabled."""
    schedules = target.of_type("AWS::Scheduler::Schedule")
    scheduler = target.client("scheduler")
    off = []
    for name, physical in schedules.items():
        with explained():
            schedule: Any = scheduler.get_schedule(Name=physical.rpartition("/")[2])
        if schedule["State"] != "ENABLED":
            off.append(name)
    if off or not schedules:
        return Check(
            "schedules",
            False,
            f"Not enabled: {', '.join(off) or 'any schedule'}. Overdue work is not found.",
            "Enable it in EventBridge Scheduler, or deploy again.",
        )
    says = f"{len(schedules)} schedules are enabled."
    if target.is_emulated:
        return Check(
            "schedules",
            True,
            f"{says} An emulator runs none of them.",
            "`xporter-bridge trigger watch_deadlines` runs one.",
        )
    return Check("schedules", True, says)


def check_queues(target: Target, _: Api) -> Check:
    """Count what waits in the work queues."""
    counts = {
        each.name: queues.waiting(target, each.url) for each in queues.queues(target).values()
    }
    waiting = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    if any(count > _MANY_MESSAGES for count in counts.values()):
        return Check(
            "queues",
            True,
            f"Waiting: {waiting}.",
            'Normal at night; at noon see "queue-old" in docs/runbook.md.',
        )
    return Check("queues", True, f"Waiting: {waiting or 'nothing'}.")


def check_dead_letters(target: Target, _: Api) -> Check:
    """Count the dead letters."""
    counts = {
        each.name: queues.waiting(target, each.dead_letter_url)
        for each in queues.queues(target).values()
    }
    found = {name: count for name, count in counts.items() if count}
    if not found:
        return Check("dead letters", True, "There are none.")
    listed = ", ".join(f"{name} {count}" for name, count in found.items())
    return Check(
        "dead letters",
        False,
        f"There are some: {listed}.",
        f"`xporter-bridge redrive {next(iter(found))} --dry-run` shows them.",
    )


def check_alarms(target: Target, _: Api) -> Check:
    """Name the stack's alarms that are on."""
    names = {physical: name for name, physical in target.of_type("AWS::CloudWatch::Alarm").items()}
    pages = target.client("cloudwatch").get_paginator("describe_alarms")
    with explained():
        alarms = [
            alarm
            for page in pages.paginate(StateValue="ALARM", AlarmTypes=["MetricAlarm"])
            for alarm in page["MetricAlarms"]
            if alarm["AlarmName"] in names
        ]
    if alarms:
        listed = ", ".join(names[each["AlarmName"]] for each in alarms)
        about = str(alarms[0].get("AlarmDescription", "")).rpartition(" ")[2]
        return Check("alarms", False, f"On: {listed}.", f"See {about or 'docs/runbook.md'}.")
    return Check("alarms", True, f"None of {len(names)} alarms is on.")


def check_notifications(target: Target, _: Api) -> Check:
    """See that somebody hears of alarms."""
    if target.is_emulated:
        says = "Not checked: an emulator sends no mail."
        return Check("notifications", True, says, _NOT_ANSWERED, skipped=True)
    sns = target.client("sns")
    deaf = []
    for name in ("AlarmTopicArn", "PageTopicArn"):
        with explained():
            found: Any = sns.list_subscriptions_by_topic(TopicArn=target.output(name))
        if not [s for s in found["Subscriptions"] if s["SubscriptionArn"].startswith("arn:")]:
            deaf.append(name.removesuffix("Arn"))
    if deaf:
        return Check(
            "notifications",
            False,
            f"Nobody has confirmed a subscription to {', '.join(deaf)}.",
            "Set AlarmEmail and PageEmail in samconfig.toml, deploy, and confirm the mails.",
        )
    return Check("notifications", True, "Somebody is told of alarms, and somebody is woken.")


def check_versions(target: Target, _: Api) -> Check:
    """Say which runtime the functions have, and when they were deployed."""
    with explained():
        function: Any = target.client("lambda").get_function_configuration(
            FunctionName=target.physical_id("ServeApiFunction"), Qualifier="live"
        )
    runtime, at = function.get("Runtime", "unknown"), str(function.get("LastModified", ""))[:16]
    if function.get("State", "Active") not in {"Active", "Inactive"}:
        says = f"The API's function is {function['State']}: {function.get('StateReason', '')}."
        return Check("versions", False, says, "Deploy again.")
    return Check("versions", True, f"Functions run on {runtime}, deployed {at.replace('T', ' ')}.")


def _status_of(url: str) -> int | None:
    """Return the status that a URL answers; None if nothing does."""
    try:
        return requests.get(url, timeout=10, allow_redirects=False).status_code
    except requests.RequestException:
        return None


EXAMINATIONS: tuple[tuple[str, Examination], ...] = (
    ("configuration", check_configuration),
    ("api", check_api),
    ("clock", check_clock),
    ("xporter", check_xporter),
    ("callbacks", check_callbacks),
    ("secrets", check_secrets),
    ("schedules", check_schedules),
    ("queues", check_queues),
    ("dead letters", check_dead_letters),
    ("alarms", check_alarms),
    ("notifications", check_notifications),
    ("versions", check_versions),
)
