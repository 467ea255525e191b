"""Progress as a terminal and a file show it."""

import io
import time

import pytest

from tools.stack import clock as module
from tools.stack.clock import Clock

LONG = "  hold a mass change: " + "30 % of the pupils vanish and " * 6


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TICK_SECONDS", 0.01)


def ticked(stream: io.StringIO, doing: str) -> str:
    clock = Clock(stream)
    with clock.ticking():
        clock.say(doing)
        deadline = time.monotonic() + 5
        while "s  … " not in stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    return stream.getvalue()


def test_a_long_line_is_wrapped_below_80_columns_and_indented() -> None:
    stream = io.StringIO()
    Clock(stream).say(LONG)
    lines = stream.getvalue().splitlines()
    assert len(lines) > 2
    assert all(len(line) < 80 for line in lines)
    assert all(line.startswith(" " * 12) for line in lines[1:])
    assert " ".join(stream.getvalue().split()).endswith("the pupils vanish and")


def test_a_terminal_shows_what_is_being_done_in_its_last_line_and_clears_it() -> None:
    shown = ticked(Terminal(), "building")
    assert "s  … building" in shown
    assert shown.endswith("\r")
    assert all(len(part) < 80 for part in shown.replace("\r", "\n").splitlines())


def test_a_file_has_whole_lines_and_a_sign_of_life_after_a_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_SILENCE_SECONDS", 0.05)
    shown = ticked(io.StringIO(), "building …")
    assert "\r" not in shown
    assert shown.splitlines()[1].endswith("s  … building")


def test_nothing_is_shown_while_it_waits_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SILENCE_SECONDS", 0.0)
    stream = io.StringIO()
    clock = Clock(stream)
    clock.say("ready")
    clock.rest()
    with clock.ticking():
        time.sleep(0.1)
    assert stream.getvalue().count("\n") == 1


def test_what_ends_after_an_interruption_is_not_told() -> None:
    stream = io.StringIO()
    clock = Clock(stream)
    clock.mute()
    clock.say("\N{BALLOT X} a step: its stack is gone", is_new=False)
    assert stream.getvalue() == ""
