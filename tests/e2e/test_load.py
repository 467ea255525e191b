"""A small storm on the shared stack: what `make storm` measures, and that it counts truly."""

import pytest

from tools.demo.context import Journey
from tools.load.resources import sample, workers
from tools.load.storm import storm

pytestmark = pytest.mark.xdist_group("stack")


def test_a_storm_of_repeated_callbacks_and_faults_ends_with_the_truth(journey: Journey) -> None:
    lines: list[str] = []
    found = storm(journey, lines.append, schools=2, duplicates=5)
    assert (found["callbacks"], found["dead_letters"]) == (10, 0)
    assert found["statuses"] == {"202": 10}
    assert found["tables_compared"] > 0
    # Ten callbacks for each school cause at most two pulls of each dataset, and repeated ones.
    assert 1 <= found["questions_a_dataset"] <= 4
    assert journey.simulator.school("8880000")["webhooks"]
    assert any("callbacks" in line for line in lines)


def test_the_resources_of_a_stack_are_seen(journey: Journey) -> None:
    assert {each.function for each in workers(journey)} <= set(journey.stack.physical_ids.values())
    found = sample(journey, 0)
    assert found.workers > 0
    assert min(found.megabytes, found.files, found.threads, found.items) > 0
