from typing import Any

import pytest

from tools.local_page.alarms import OFF, ON, UNKNOWN, alarm_state
from tools.local_page.metrics import Metrics
from tools.stack.metric_lines import Metric, Sample

NOW = 10_000.0
DEAD = Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", (("QueueName", "dead"),))


def alarm(**facts: Any) -> dict[str, Any]:
    return {
        "AlarmName": "DeadLetters",
        "Namespace": DEAD.namespace,
        "MetricName": DEAD.name,
        "Dimensions": [{"Name": "QueueName", "Value": "dead"}],
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "EvaluationPeriods": 1,
        "Period": 60,
        "Statistic": "Maximum",
        "Threshold": 1,
        "TreatMissingData": "notBreaching",
        **facts,
    }


def state(samples: list[tuple[float, float]], **facts: Any) -> str:
    metrics = Metrics(Sample(DEAD, NOW - ago, (value,)) for ago, value in samples)
    return alarm_state(alarm(**facts), metrics, NOW).state


@pytest.mark.parametrize(
    ("samples", "expected"),
    [([(30, 1)], ON), ([(30, 0)], OFF), ([], OFF), ([(90, 5), (30, 0)], OFF), ([(90, 5)], OFF)],
)
def test_an_alarm_is_on_while_its_own_condition_holds(
    samples: list[tuple[float, float]], expected: str
) -> None:
    assert state(samples) == expected


def test_another_queue_does_not_raise_it() -> None:
    other = Metric(DEAD.namespace, DEAD.name, (("QueueName", "other"),))
    metrics = Metrics([Sample(other, NOW - 1, (9,))])
    assert alarm_state(alarm(), metrics, NOW).state == OFF


def test_every_one_of_its_periods_must_breach() -> None:
    assert state([(30, 1), (90, 1)], EvaluationPeriods=2) == ON
    assert state([(30, 1), (90, 0)], EvaluationPeriods=2) == OFF
    assert state([(30, 1), (90, 0)], EvaluationPeriods=2, DatapointsToAlarm=1) == ON


def test_silence_is_not_known_of_a_run_that_is_younger() -> None:
    silent = {
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "breaching",
        "Statistic": "Sum",
        "Threshold": 3,
    }
    assert state([(30, 1)], **silent) == UNKNOWN
    assert state([(300, 9), (30, 1)], **silent) == ON
    assert state([(300, 9)], **silent) == ON
    assert state([(300, 9), (30, 3)], **silent) == OFF


def test_what_is_not_measured_is_not_known() -> None:
    facts = {"Namespace": "AWS/DynamoDB", "MetricName": "ReadThrottleEvents"}
    found = alarm_state(alarm(**facts), Metrics(), NOW)
    assert found.state == UNKNOWN
    assert "not measured locally" in found.about
