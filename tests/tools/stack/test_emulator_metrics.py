"""What the emulator writes of functions and queues, without the emulator."""

import threading
from typing import Any

import pytest

from tools.stack.emulator_metrics import measured, queue_depth
from tools.stack.metric_lines import samples

CONFIG = {"FunctionName": "pull"}


def written(text: str, name: str) -> list[float]:
    found = (sample for line in text.splitlines() for sample in samples(line))
    return [s.values[0] for s in found if s.metric.name == name]


@pytest.mark.parametrize(("result", "errors"), [({"body": {}}, 0), ({"error": True}, 1), (None, 0)])
def test_every_invocation_is_written_and_its_result_returned(
    capsys: pytest.CaptureFixture[str], result: Any, errors: float
) -> None:
    assert measured(lambda *_: result)({}, CONFIG, {}, "id", 0.0) is result
    text = capsys.readouterr().err
    assert written(text, "Invocations") == [1]
    assert written(text, "Errors") == [errors]
    assert written(text, "Duration")[0] > 0
    [sample, *_] = samples(text)
    assert sample.metric.dimensions == (("FunctionName", "pull"),)


def test_invocations_at_the_same_time_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    both = threading.Barrier(2, timeout=10)
    execute = measured(lambda *_: both.wait())
    threads = [threading.Thread(target=execute, args=({}, CONFIG, {}, "id", 0.0)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    measured(lambda *_: None)({}, CONFIG, {}, "id", 0.0)
    assert sorted(written(capsys.readouterr().err, "ConcurrentExecutions")) == [1, 1, 2]


def test_a_failure_of_the_emulator_does_not_count_for_ever(
    capsys: pytest.CaptureFixture[str],
) -> None:
    results = iter([1 / 2])

    def dispatch(*_: object) -> object:
        return next(results)

    execute = measured(dispatch)
    execute({}, CONFIG, {}, "id", 0.0)
    with pytest.raises(StopIteration):
        execute({}, CONFIG, {}, "id", 0.0)
    results = iter([1 / 2])
    execute({}, CONFIG, {}, "id", 0.0)
    assert written(capsys.readouterr().err, "ConcurrentExecutions") == [1, 1]


def test_the_depth_of_a_queue_is_what_can_be_received_and_its_age_what_is_not_deleted() -> None:
    hidden, waiting = {"visible_at": 200.0, "sent_at": 40.0}, {"visible_at": 90.0, "sent_at": 90.0}
    assert queue_depth([hidden, waiting], 100.0) == {
        "ApproximateNumberOfMessagesVisible": 1.0,
        "ApproximateAgeOfOldestMessage": 60.0,
    }
    assert set(queue_depth([], 100.0).values()) == {0.0}
