"""One trial from the first bucket to the last log group."""

import os
from collections.abc import Iterable
from contextlib import ExitStack, closing, suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tools.demo.context import Journey
from tools.demo.errors import StepFailedError
from tools.demo.progress import Ended, run
from tools.stack.clock import Clock
from tools.stack.errors import StackError
from tools.trial.alarms import alarm_states
from tools.trial.bridge import deploy_bridge
from tools.trial.cleanup import delete_everything
from tools.trial.plan import CHECKS, STEPS, Check
from tools.trial.report import NOT_SHOWN, Report
from tools.trial.simulators import start_simulator
from tools.trial.trial import Trial

# On AWS an availability callback is waited for eleven minutes, and metrics come minutes later.
_AWS_WAIT_SECONDS = "900"


def try_out(trial: Trial, report: Report, clock: Clock) -> None:
    """Deploy, run the steps and the checks, and delete everything, whatever happens meanwhile."""
    if not trial.account.is_emulator:
        os.environ.setdefault("WAIT_SECONDS", _AWS_WAIT_SECONDS)
    try:
        with ExitStack() as held:
            _create_artifacts(trial)
            xporter_url = start_simulator(trial, held)
            stack = deploy_bridge(trial, xporter_url, held)
            with closing(Journey.on(stack)) as journey:
                report.steps += run(STEPS, journey, clock)
                for check in CHECKS:
                    report.checks += _checked(check, journey, report, clock)
                report.alarms = alarm_states(journey)
    except (StackError, StepFailedError, BotoCoreError, ClientError) as error:
        report.error = f"{type(error).__name__}: {error}"
        report.events = list(failures(trial))
        trial.say(f"error: {report.error}")
    except SystemExit:
        report.error = "stopped by a signal"
        raise
    finally:
        report.cleanup = delete_everything(trial)


def failures(trial: Trial) -> Iterable[str]:
    """Yield what CloudFormation said of each resource that it could not create."""
    cloudformation = trial.account.client("cloudformation")
    for name in (trial.simulator, trial.name):
        with suppress(ClientError):  # there is no such stack
            pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
            for page in pages:
                yield from (_event(each) for each in page["StackEvents"] if _is_failure(each))


def _is_failure(event: dict[str, Any]) -> bool:
    return str(event["ResourceStatus"]).endswith("FAILED")


def _event(event: dict[str, Any]) -> str:
    reason = event.get("ResourceStatusReason", "")
    return f"{event['LogicalResourceId']} {event['ResourceStatus']}: {reason}"


def _create_artifacts(trial: Trial) -> None:
    """Create the bucket that what is deployed is uploaded to."""
    trial.say(f"creating {trial.artifacts} …")
    region = trial.account.region
    where = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3 = trial.account.client("s3")
    s3.create_bucket(Bucket=trial.artifacts, **({} if region == "us-east-1" else where))
    s3.put_public_access_block(
        Bucket=trial.artifacts,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"),
            True,
        ),
    )


def _checked(check: Check, journey: Journey, report: Report, clock: Clock) -> list[Ended]:
    """Run a check, also after a step or a check has failed."""
    name = check.on_aws.__name__.replace("_", " ")
    if not report.account.is_emulator:
        return run([[check.on_aws]], journey, clock)
    if check.because:
        report.not_shown[name] = check.because
    if check.on_emulator is None:
        return [Ended(name, NOT_SHOWN, 0, f"only on AWS: {check.because}")]
    return run([[check.on_emulator]], journey, clock)
