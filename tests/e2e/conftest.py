"""One local stack for all end-to-end tests of the main job, with the demo's schools onboarded."""

from collections.abc import Iterator

import pytest

from tools.demo.journey import Journey
from tools.demo.steps.onboarding import onboard_schools
from tools.demo.steps.requesting import AVAILABILITY_DEADLINE_SECONDS
from tools.stack.local_stack import LocalStack
from tools.stack.settings import StackSettings
from tools.stack.starting import local_stack

SCALED_DEADLINE = {"AvailabilityDeadlineSeconds": str(AVAILABILITY_DEADLINE_SECONDS)}


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """A stack as `make up` starts it; its log stays under .local/stacks."""
    with local_stack(StackSettings(parameters=SCALED_DEADLINE)) as running:
        yield running


@pytest.fixture(scope="session")
def journey(stack: LocalStack) -> Journey:
    """The stack after three schools have authorised us and were pulled."""
    made = Journey.on(stack)
    onboard_schools(made)
    return made
