"""The demo's steps and the checks of a trial, in an account and on an emulator."""

from dataclasses import dataclass

from tools.demo.steps import Step
from tools.demo.steps.follow_changes import follow_changes
from tools.demo.steps.hold_mass_change import hold_a_mass_change
from tools.demo.steps.onboard_schools import onboard_schools
from tools.demo.steps.receive_events import hear_what_was_announced
from tools.demo.steps.reject_forgeries import reject_forgeries
from tools.demo.steps.request_data import pull_in_spite_of_silence, pull_on_request
from tools.demo.steps.write_back import write_marks_back
from tools.trial.access import follow_a_callback_through_the_logs, refuse_unsigned_requests
from tools.trial.alarms import hear_an_alarm, list_every_alarm, look_at_every_alarm
from tools.trial.dashboard import (
    ask_every_query,
    ask_plain_queries,
    draw_the_widget,
    run_every_saved_query,
)
from tools.trial.large_table import pull_a_large_table

#: The demo's steps without the one that kills a process, which nobody can in Lambda.
STEPS: tuple[tuple[Step, ...], ...] = (
    (onboard_schools,),
    (reject_forgeries,),
    (follow_changes, hold_a_mass_change, pull_in_spite_of_silence),
    (pull_on_request, write_marks_back),
    (hear_what_was_announced,),
    (pull_a_large_table,),
)


@dataclass(frozen=True)
class Check:
    """A look at the stack after the steps.

    Attributes:
        on_aws: What is looked at in a real account.
        on_emulator: What an emulator can show of it, if anything.
        because: Why that is less.
    """

    on_aws: Step
    on_emulator: Step | None
    because: str = ""


CHECKS = (
    Check(draw_the_widget, draw_the_widget),
    Check(
        refuse_unsigned_requests,
        None,
        "the emulator has no authorisers, so its API is open",
    ),
    Check(
        follow_a_callback_through_the_logs,
        None,
        "the emulator writes no access log",
    ),
    Check(
        ask_every_query,
        ask_plain_queries,
        "the emulator knows neither SEARCH nor metrics in logs",
    ),
    Check(
        run_every_saved_query,
        None,
        "the emulator has no Logs Insights",
    ),
    Check(hear_an_alarm, hear_an_alarm),
    Check(
        look_at_every_alarm,
        list_every_alarm,
        "the emulator counts nothing, so most alarms have no data",
    ),
)
