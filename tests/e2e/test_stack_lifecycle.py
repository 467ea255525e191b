"""`make up` as whoever drives it sees it: one ready line, and nothing left behind."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tools.set_up import ROOT

CONTRACT = {
    "ready", "callbacks_url", "api_url", "aws_endpoint_url", "region", "xporter_url", "bucket",
    "event_tap_queue_url", "authentication_url", "relying_party", "log_file", "pid",
}  # fmt: skip
STOP_SECONDS = 10
READY_SECONDS = 120

pytestmark = pytest.mark.xdist_group("stack")


@contextmanager
def make_up(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `make up` against an Xporter that is not there, in a process group of its own."""
    environment = {
        **os.environ,
        "STACK_DIR": str(directory),
        "XPORTER_URL": "http://127.0.0.1:9",
        "RELYING_PARTY": "other.example.app",
    }
    process = subprocess.Popen(
        ["make", "up"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=STOP_SECONDS + 5)


def ready_line(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout
    timer = threading.Timer(READY_SECONDS, process.terminate)
    timer.start()
    line = process.stdout.readline()
    timer.cancel()
    ready: dict[str, object] = json.loads(line)
    return ready


def processes_of(directory: Path) -> list[str]:
    """Return the commands that still run with something of the stack in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment, command = (entry / "environ").read_bytes(), (entry / "cmdline").read_text()
        except OSError:
            continue  # it has just ended
        if str(directory).encode() in environment and int(entry.name) != os.getpid():
            found.append(command.replace("\0", " "))
    return found


def stop(process: subprocess.Popen[str], number: signal.Signals, *, whole_group: bool) -> str:
    """Send the signal; return what stdout still had, once all of it has ended."""
    if whole_group:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    rest, _ = process.communicate(timeout=STOP_SECONDS)
    return rest


@pytest.mark.parametrize(
    ("number", "whole_group"), [(signal.SIGTERM, False), (signal.SIGINT, True)]
)
def test_a_signal_ends_everything_that_make_up_started(
    tmp_path: Path, number: signal.Signals, whole_group: bool
) -> None:
    with make_up(tmp_path) as process:
        ready = ready_line(process)
        assert set(ready) == CONTRACT
        assert ready["xporter_url"] == "http://127.0.0.1:9"
        assert ready["relying_party"] == "other.example.app"
        assert Path(str(ready["log_file"])).is_file()
        urls = [str(ready[key]) for key in ("callbacks_url", "api_url", "aws_endpoint_url")]
        assert [httpx.get(f"{url}/nothing-here", timeout=30).is_server_error for url in urls] == [
            False
        ] * 3
        assert stop(process, number, whole_group=whole_group) == ""
    assert processes_of(tmp_path) == []
    for url in urls:
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
    assert [path.name for path in tmp_path.iterdir()] == ["stack.log"]


@pytest.mark.parametrize("after_seconds", [0.2, 1.0, 2.5, 4.0])
def test_a_signal_during_the_start_ends_it_without_a_trace(
    tmp_path: Path, after_seconds: float
) -> None:
    with make_up(tmp_path) as process:
        time.sleep(after_seconds)  # the moment is what is tested
        stop(process, signal.SIGTERM, whole_group=False)
    assert processes_of(tmp_path) == []


def test_two_stacks_of_one_clone_run_side_by_side(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    with make_up(first) as one, make_up(second) as other:
        lines = ready_line(one), ready_line(other)
    for key in ("callbacks_url", "api_url", "aws_endpoint_url", "authentication_url", "log_file"):
        assert lines[0][key] != lines[1][key]
