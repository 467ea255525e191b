"""The steps of the demo; each returns what it saw, in half a sentence, or raises."""

from collections.abc import Callable

from tools.demo.journey import Journey
from tools.demo.steps.changing import follow_changes
from tools.demo.steps.forging import turn_away_forgeries
from tools.demo.steps.holding import hold_a_mass_change
from tools.demo.steps.listening import hear_what_was_announced
from tools.demo.steps.onboarding import onboard_schools
from tools.demo.steps.requesting import pull_in_spite_of_silence, pull_on_request
from tools.demo.steps.resuming import resume_a_killed_pull
from tools.demo.steps.writing_back import write_marks_back

Step = Callable[[Journey], str]
# The steps of one group run at the same time, at different schools; the groups one after another.
STEPS: tuple[tuple[Step, ...], ...] = (
    (onboard_schools,),
    (turn_away_forgeries,),
    (follow_changes, hold_a_mass_change, pull_in_spite_of_silence),
    (resume_a_killed_pull,),
    (pull_on_request, write_marks_back),
    (hear_what_was_announced,),
)
