"""Follows a rotation of the callback key until the old key is refused."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import output
from .aws_errors import explained
from .functions import invoke
from .target import Target

# Functions read the secrets anew every minute; a webhook that is registered sooner may still be
# signed with the old key.
READ_ANEW_SECONDS = 65
_LOOK_EVERY_SECONDS = 10.0
_FUNCTION = "rotate_secrets"

State = Mapping[str, int]


def ask_for(target: Target, secret: str, **what: bool) -> State:
    """Have the stack rotate a secret, drop its old version, or say how it stands.

    Raises:
        OperatorError: The stack refuses it, or the caller may not ask.
    """
    by = {"by": _caller(target)} if what else {}
    state: State = invoke(target, _FUNCTION, {"secret": secret, **what, **by})
    return state


def _caller(target: Target) -> str:
    """Return the caller's own ARN, for the audit trail; nobody needs a right to ask for it."""
    with explained():
        return str(target.client("sts").get_caller_identity()["Arn"])


def document_of(secret: str, state: State) -> dict[str, Any]:
    """Return what a command prints of the state with --json."""
    old_is_accepted = state["accepted"] > 1
    return {"secret": secret, "old_is_accepted": old_is_accepted, **_of_schools(state)}


def sentence_of(state: State) -> str:
    """Say how a rotation of the key stands."""
    if state["accepted"] == 1:
        return "The old key is refused from the next minute on: the rotation is over."
    if state["on_previous"]:
        return (
            f"{state['on_current']} of {state['schools']} schools are on the new key, "
            f"{state['on_previous']} on the old one, which is accepted until they are not."
        )
    minutes = -(-state["wait_seconds"] // 60)
    return (
        "Every school is on the new key. Callbacks of requests and writebacks may bear the old one "
        f"for {minutes} more minutes; then it is dropped by itself, within the hour."
    )


@dataclass
class Following:
    """Watches a rotation of the key. Stopping it stops nothing: the stack goes on by itself."""

    target: Target
    until: float
    sleep: Callable[[float], None] = time.sleep

    def renew(self, state: State) -> State:
        """Have every school registered with the new key, and wait until all of them are."""
        if not state["on_previous"]:
            return state
        with output.progress("functions read the new key", READ_ANEW_SECONDS) as advance:
            for _ in range(READ_ANEW_SECONDS):
                self.sleep(1)
                advance(1)
        invoke(self.target, "schedule_registrations", {"everyone": True, "pulls": False})
        with output.progress("schools on the new key", state["on_previous"]) as advance:
            while state["on_previous"] and self._is_time():
                before, state = state["on_previous"], ask_for(self.target, "key")
                advance(before - state["on_previous"])
                if state["on_previous"]:
                    self.sleep(_LOOK_EVERY_SECONDS)
        return state

    def drop(self, state: State) -> State:
        """Wait until no callback can bear the old key; the stack then drops it."""
        with output.progress("seconds until the old key ends", state["wait_seconds"]) as advance:
            while state["accepted"] > 1 and not state["on_previous"] and self._is_time():
                left = state["wait_seconds"]
                self.sleep(min(max(left, 1), _LOOK_EVERY_SECONDS))
                state = ask_for(self.target, "key")
                advance(left - state["wait_seconds"])
        return state

    def _is_time(self) -> bool:
        return time.monotonic() < self.until


def _of_schools(state: State) -> dict[str, int]:
    names = {"schools": "schools", "on_current": "on_new_key", "on_previous": "on_old_key"}
    shown = {name: state[key] for key, name in names.items() if key in state}
    return shown | ({"wait_seconds": state["wait_seconds"]} if "wait_seconds" in state else {})
