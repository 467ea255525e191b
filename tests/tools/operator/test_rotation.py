"""How `xporter-bridge rotate key` follows a rotation, without a stack and without waiting."""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from tools.operator import rotation
from tools.operator.rotation import READ_ANEW_SECONDS, Following, sentence_of


class Stack:
    """Answers as ``rotate_secrets`` does while schools are registered one after the other."""

    def __init__(self, schools: int, wait_seconds: int, never: int = 0) -> None:
        self.schools, self.left, self.never = schools, schools, never
        self.wait_seconds, self.accepted = wait_seconds, 2
        self.slept = 0.0
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def invoke(self, _: Any, function: str, event: Mapping[str, Any]) -> Any:
        self.asked.append((function, dict(event)))
        if function != "rotate_secrets":
            return {"due": self.schools}
        is_asked = any(name == "schedule_registrations" for name, _ in self.asked)
        self.left = max(self.never, self.left - 2) if is_asked else self.left
        if not self.left and not self.wait_seconds:
            self.accepted = 1
        return self.state()

    def state(self) -> dict[str, int]:
        return {
            "accepted": self.accepted,
            "schools": self.schools,
            "on_current": self.schools - self.left,
            "on_previous": self.left,
            "wait_seconds": self.wait_seconds,
        }

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.wait_seconds = max(0, self.wait_seconds - int(seconds))


def followed(monkeypatch: pytest.MonkeyPatch, stack: Stack, seconds: float = 60) -> dict[str, int]:
    monkeypatch.setattr(rotation, "invoke", stack.invoke)
    following = Following(None, time.monotonic() + seconds, stack.sleep)  # type: ignore[arg-type]
    return dict(following.drop(following.renew(stack.state())))


def test_schools_are_asked_once_after_every_function_has_read_the_new_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = Stack(schools=5, wait_seconds=100)
    over = followed(monkeypatch, stack)
    assert (over["accepted"], over["on_previous"]) == (1, 0)
    first, *others = stack.asked
    assert first == ("schedule_registrations", {"everyone": True, "pulls": False})
    assert set(map(str, others)) == {str(("rotate_secrets", {"secret": "key"}))}
    assert stack.slept >= 100 > READ_ANEW_SECONDS > 60


def test_a_rotation_that_nobody_holds_waits_for_exchanges_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = Stack(schools=0, wait_seconds=25)
    assert followed(monkeypatch, stack)["accepted"] == 1
    assert 25 <= stack.slept < READ_ANEW_SECONDS


def test_when_time_is_up_the_rest_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack(schools=5, wait_seconds=0, never=1)
    monkeypatch.setattr(time, "monotonic", iter(range(1000)).__next__)
    monkeypatch.setattr(rotation, "invoke", stack.invoke)
    following = Following(None, 200, stack.sleep)  # type: ignore[arg-type]
    left = following.drop(following.renew(stack.state()))
    assert left["on_previous"] == 1
    assert sentence_of(left).startswith("4 of 5 schools are on the new key, 1 on the old one")


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"accepted": 1}, "the rotation is over"),
        ({"accepted": 2, "on_previous": 0, "wait_seconds": 61}, "for 2 more minutes"),
    ],
)
def test_how_it_stands_is_said_in_a_sentence(state: dict[str, int], says: str) -> None:
    assert says in sentence_of(state)
