"""One local stack for all end-to-end tests of the main job, with the demo's schools onboarded."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tools.demo.context import Journey
from tools.demo.steps.onboard_schools import onboard_schools
from tools.set_up import ROOT
from tools.simulator.http.server import RunningSimulator
from tools.stack.local_stack import LocalStack
from tools.stack.request_rules import REFUSED

UP = [sys.executable, "-m", "tools.stack", "up"]
# A message whose function failed comes back after its queue's visibility timeout of 180 seconds.
WAIT_SECONDS = 300


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Let the steps of the demo wait longer than they let a person wait, here and in trials."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("WAIT_SECONDS", str(WAIT_SECONDS))
        yield


@pytest.fixture(scope="session")
def stack(
    simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalStack]:
    """`XPORTER_URL=… make up`: a stack whose Xporter is another server."""
    directory = str(tmp_path_factory.mktemp("stack"))
    environment = {**os.environ, "STACK_DIR": directory, "XPORTER_URL": simulator.url}
    with subprocess.Popen(
        UP, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        fields = json.loads(process.stdout.readline())
        assert fields.pop("ready")
        local_stack = LocalStack(**fields)
        yield local_stack
        process.terminate()
    log = Path(local_stack.log_file).read_text(errors="replace").splitlines()
    assert [line for line in log if REFUSED in line] == []


@pytest.fixture(scope="session")
def journey(stack: LocalStack) -> Iterator[Journey]:
    """The stack after three schools have authorised us and were pulled."""
    with closing(Journey.on(stack)) as made:
        onboard_schools(made)
        yield made
