"""The evaluator of alarms that the game days rest on."""

from typing import Any

import pytest

from tests.support import template
from tests.support.alarm_conditions import STACK, State, is_rule_met, logical, state_of
from tools.stack.metric_lines import Metric, Sample

NOW = 600_030.0  # half a minute into a period of 60 and of 300 seconds
HELD = Metric(STACK, "PullHeld", (("Dataset", "students"),))
ALARMS = template.resources("AWS::CloudWatch::Alarm")
PARAMETERS = {name: facts.get("Default") for name, facts in template.load()["Parameters"].items()}


def alarm(**facts: Any) -> dict[str, Any]:
    return {
        "Namespace": {"Ref": STACK},
        "MetricName": "PullHeld",
        "Dimensions": [{"Name": "Dataset", "Value": "students"}],
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "EvaluationPeriods": 1,
        "Period": 60,
        "Statistic": "Sum",
        "Threshold": 2,
        "TreatMissingData": "notBreaching",
        **facts,
    }


def state(*samples: tuple[float, float], metric: Metric = HELD, **facts: Any) -> State:
    recorded = [Sample(metric, NOW - ago, (value,)) for ago, value in samples]
    return state_of(alarm(**facts), recorded, NOW)


@pytest.mark.parametrize(
    ("statistic", "value"),
    [("Sum", 6), ("Maximum", 3), ("Minimum", 1), ("Average", 2), ("SampleCount", 3), ("p99", 3)],
)
def test_a_statistic_is_taken_of_the_values_of_a_period(statistic: str, value: float) -> None:
    samples = [(1, 1), (2, 2), (3, 3), (61, 99)]
    name = "ExtendedStatistic" if statistic.startswith("p") else "Statistic"
    assert state(*samples, **{name: statistic}, Threshold=value) is State.ALARM
    assert state(*samples, **{name: statistic}, Threshold=value + 0.1) is State.OK


@pytest.mark.parametrize(
    ("operator", "at_the_threshold", "below", "above"),
    [
        ("GreaterThanOrEqualToThreshold", True, False, True),
        ("GreaterThanThreshold", False, False, True),
        ("LessThanOrEqualToThreshold", True, True, False),
        ("LessThanThreshold", False, True, False),
    ],
)
def test_a_value_is_compared_as_the_operator_says(
    operator: str, at_the_threshold: bool, below: bool, above: bool
) -> None:
    found = [state((1, value), ComparisonOperator=operator) for value in (2, 1.9, 2.1)]
    assert [each is State.ALARM for each in found] == [at_the_threshold, below, above]


def test_periods_begin_at_whole_multiples_of_their_length() -> None:
    assert state((29, 1), (1, 1)) is State.ALARM
    assert state((31, 1), (1, 1)) is State.OK, "the first is of the minute before"


def test_every_period_must_breach_or_as_many_as_datapoints_to_alarm() -> None:
    assert state((1, 2), (61, 2), (121, 2), EvaluationPeriods=3) is State.ALARM
    assert state((1, 2), (121, 2), EvaluationPeriods=3) is State.OK
    assert state((1, 2), (121, 2), EvaluationPeriods=3, DatapointsToAlarm=2) is State.ALARM
    assert state((61, 2), (121, 2), (181, 2), EvaluationPeriods=3) is State.OK


@pytest.mark.parametrize(
    ("treated", "alone", "beside"),
    [
        ("notBreaching", State.OK, State.OK),
        ("breaching", State.ALARM, State.ALARM),
        ("missing", State.INSUFFICIENT_DATA, State.OK),
        ("ignore", State.ALARM, State.OK),
    ],
)
def test_missing_data_are_what_the_alarm_takes_them_for(
    treated: str, alone: State, beside: State
) -> None:
    facts = alarm(TreatMissingData=treated, EvaluationPeriods=2)
    assert state_of(facts, [], NOW, before=State.ALARM) is alone
    breaching = [Sample(HELD, NOW - 61, (2,))]
    assert state_of(facts, breaching, NOW, before=State.ALARM) is beside


def test_another_metric_another_value_and_another_stack_do_not_count() -> None:
    for other in (
        Metric(STACK, "PullFailed", HELD.dimensions),
        Metric(STACK, "PullHeld", (("Dataset", "staff"),)),
        Metric("AWS/SQS", "PullHeld", HELD.dimensions),
        Metric(STACK, "PullHeld"),
    ):
        assert state((1, 9), metric=other) is State.OK


def test_a_query_adds_up_all_values_of_a_dimension() -> None:
    queried = {"Threshold": 3, "EvaluationPeriods": 1, "TreatMissingData": "notBreaching"}
    queried["ComparisonOperator"] = "GreaterThanOrEqualToThreshold"
    query = 'SELECT SUM(PullHeld) FROM SCHEMA("${AWS::StackName}", "Dataset")'
    made = {"Expression": {"Fn::Sub": query}, "Period": 300, "ReturnData": True}
    staff = Metric(STACK, "PullHeld", (("Dataset", "staff"),))
    school = Metric(STACK, "PullHeld", (("Estab", "3281102"),))
    recorded = [Sample(each, NOW, (2,)) for each in (HELD, school)]
    facts = {**queried, "Metrics": [made]}
    assert state_of(facts, recorded, NOW) is State.OK
    assert state_of(facts, [*recorded, Sample(staff, NOW, (1,))], NOW) is State.ALARM


@pytest.mark.parametrize(("of", "threshold"), [("SUM", 7), ("MAX", 4)])
def test_a_calculation_takes_metrics_without_data_as_nothing(of: str, threshold: float) -> None:
    ages = [
        {"Id": name, "ReturnData": False, "MetricStat": {"Stat": "Maximum", "Period": 60,
         "Metric": {
            "Namespace": "AWS/SQS", "MetricName": "Age",
            "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": [name, "QueueName"]}}],
        }}}
        for name in ("One", "Two", "Silent")
    ]  # fmt: skip
    total = {"Id": "all", "Expression": f"{of}(FILL(METRICS(), 0))", "ReturnData": True}
    facts = {k: v for k, v in alarm().items() if k not in {"MetricName", "Namespace", "Period"}}
    recorded = [
        Sample(Metric("AWS/SQS", "Age", (("QueueName", name),)), NOW, (value,))
        for name, value in (("One", 3.0), ("Two", 4.0))
    ]
    facts |= {"Metrics": [total, *ages], "Threshold": threshold}
    assert state_of(facts, recorded, NOW) is State.ALARM
    assert state_of({**facts, "Threshold": threshold + 1}, recorded, NOW) is State.OK
    assert state_of(facts, [], NOW) is State.OK


def test_a_threshold_may_be_a_parameter() -> None:
    facts = alarm(Threshold={"Ref": "Most"})
    recorded = [Sample(HELD, NOW, (5,))]
    for most, expected in ((5, State.ALARM), (6, State.OK)):
        found = state_of(facts, recorded, NOW, parameters={"Most": most})
        assert found is expected


@pytest.mark.parametrize(
    "facts",
    [
        {"Statistic": "TM(10%:90%)"},
        {"TreatMissingData": "perhaps"},
        {"Namespace": {"Fn::Join": []}},
        {"MetricName": None, "Metrics": []},
    ],
)
def test_what_is_not_known_is_refused(facts: dict[str, Any]) -> None:
    found = {name: value for name, value in {**alarm(), **facts}.items() if value is not None}
    with pytest.raises(ValueError, match=r"not known|may not be|one period"):
        state_of(found, [Sample(HELD, NOW, (5,))], NOW)


def test_a_composite_alarm_is_on_while_one_of_its_alarms_is() -> None:
    rule = 'ALARM("${One}") OR\nALARM("${Two}")'
    assert is_rule_met(rule, lambda name: name == "Two")
    assert not is_rule_met(rule, lambda _: False)
    with pytest.raises(ValueError, match="not known"):
        is_rule_met('ALARM("${One}") AND ALARM("${Two}")', lambda _: True)


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_of_the_template_can_be_evaluated_and_is_silent_without_trouble(
    name: str,
) -> None:
    is_heartbeat = ALARMS[name]["TreatMissingData"] == "breaching"
    expected = State.ALARM if is_heartbeat else State.OK
    assert state_of(ALARMS[name], [], NOW, parameters=PARAMETERS) is expected


def test_references_are_read_as_names() -> None:
    assert logical({"Ref": "PullQueue"}) == logical({"Fn::GetAtt": ["PullQueue", "Arn"]})
    assert logical("key") == "key"
