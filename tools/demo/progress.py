"""Runs the steps, shows progress on the terminal, and remembers how each ended."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.demo.context import Journey
from tools.demo.steps import Step
from tools.stack.clock import Clock


@dataclass(frozen=True)
class Ended:
    """How one step ended: verified, failed, or never begun because an earlier one failed."""

    name: str
    mark: str
    seconds: float
    finding: str

    @property
    def is_verified(self) -> bool:
        """Tell whether the step saw every result that it expects."""
        return self.mark == "✓"


def run(groups: Sequence[Sequence[Step]], journey: Journey, clock: Clock) -> list[Ended]:
    """Run the groups of steps in order until a step fails; return how each step ended."""
    ended: list[Ended] = []
    for steps in groups:
        if all(each.is_verified for each in ended):
            pool = ThreadPoolExecutor(len(steps))
            clock.doing = ", ".join(map(_name, steps))
            try:
                ended += pool.map(lambda step: _run(step, journey, clock), steps)
            except BaseException:
                clock.mute()  # how the steps fail, once they have no stack, tells nobody anything
                raise
            finally:  # an interruption takes the stack down, and the steps end by that
                pool.shutdown(wait=False, cancel_futures=True)
        else:
            ended += [Ended(_name(step), "-", 0, "not begun") for step in steps]
    return ended


def _run(step: Step, journey: Journey, clock: Clock) -> Ended:
    begun = clock.seconds
    clock.say(f"  {_name(step)}: {(step.__doc__ or '').strip()}", is_new=False)
    try:
        mark, finding = "✓", step(journey)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a step is its failure
        mark, finding = "✗", f"{type(error).__name__}: {error}"
    clock.say(f"{mark} {_name(step)}: {finding}", is_new=False)
    return Ended(_name(step), mark, clock.seconds - begun, finding)


def _name(step: Step) -> str:
    return step.__name__.replace("_", " ")
