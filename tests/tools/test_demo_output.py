"""What the demo prints at its end fits a terminal of 80 columns, and a file."""

import signal
import subprocess
import sys

from tools.demo.main import _verdict
from tools.demo.progress import Ended
from tools.demo.report import steps_table
from tools.set_up import ROOT

LONG = Ended("resume a killed pull", "✓", 128.84, "15 pages, 9 of them safe at the kill; " * 5)
FAILED = Ended("hold a mass change", "✗", 0, "NotYetError: [bold]3281102[/bold]/students " * 4)


def test_a_table_has_80_columns_at_most_and_no_colour() -> None:
    lines = steps_table([LONG, FAILED]).splitlines()
    assert len(lines) > 6
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in "".join(lines)
    assert "128.8 s" in lines[2]


def test_brackets_of_a_finding_are_no_markup_and_no_word_is_lost() -> None:
    words = " ".join(steps_table([FAILED]).split())
    assert words.count("[bold]3281102[/bold]/students") == 4


def test_the_last_line_says_what_failed() -> None:
    assert _verdict([LONG, FAILED], 60, "stack.log").startswith("failed: hold a mass change.")
    assert _verdict([LONG], 60.4, "stack.log").startswith("Every step was verified, in 60 s.")


def test_ctrl_c_is_how_a_kept_stack_ends() -> None:
    script = (
        # A shell has its background processes ignore Ctrl-C, and they hand this down.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from tools.demo import main; from tools.stack.clock import Clock;"
        "main._keep('http://page', Clock()); print('stack and page end here')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        said = next(line for line in process.stderr if "Ctrl-C ends it" in line)
        assert said
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (0, "stack and page end here\n")
    assert "stopping" in errors
    assert "Traceback" not in errors
