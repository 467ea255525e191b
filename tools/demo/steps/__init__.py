"""The steps of the demo; each returns its result in half a sentence, or raises."""

from collections.abc import Callable

from tools.demo.context import Journey
from tools.demo.steps.follow_changes import follow_changes
from tools.demo.steps.hold_mass_change import hold_a_mass_change
from tools.demo.steps.onboard_schools import onboard_schools
from tools.demo.steps.receive_events import hear_what_was_announced
from tools.demo.steps.reject_forgeries import reject_forgeries
from tools.demo.steps.request_data import pull_in_spite_of_silence, pull_on_request
from tools.demo.steps.resume_after_kill import resume_a_killed_pull
from tools.demo.steps.write_back import write_marks_back

Step = Callable[[Journey], str]
# The steps of one group run at the same time, at different schools; the groups one after another.
STEPS: tuple[tuple[Step, ...], ...] = (
    (onboard_schools,),
    (reject_forgeries,),
    (follow_changes, hold_a_mass_change, pull_in_spite_of_silence),
    (resume_a_killed_pull,),
    (pull_on_request, write_marks_back),
    (hear_what_was_announced,),
)
