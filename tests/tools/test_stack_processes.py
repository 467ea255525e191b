import os
import subprocess
import sys
import time
from tempfile import TemporaryFile

import pytest

from tools.stack.errors import StackError
from tools.stack.processes import listen, running, url_of, wait_until

PARENT = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
time.sleep(60)
"""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_a_child_started_ends_with_it() -> None:
    command = [sys.executable, "-c", PARENT]
    with TemporaryFile() as log:
        with running(command, environment={}, log=log, stdout=subprocess.PIPE) as process:
            assert process.stdout
            grandchild = int(process.stdout.readline())
            process.stdout.close()
            assert is_running(grandchild)
        assert process.returncode is not None
    deadline = time.monotonic() + 5
    while is_running(grandchild):
        assert time.monotonic() < deadline, "the grandchild outlived its session"


def test_a_child_that_ends_early_is_not_waited_for() -> None:
    command = [sys.executable, "-c", ""]
    with (
        TemporaryFile() as log,
        running(command, environment={}, log=log) as process,
        pytest.raises(StackError, match="it ended with status 0"),
    ):
        wait_until(lambda: False, process, what="it", timeout_seconds=30)


def test_a_child_that_never_gets_ready_is_given_up() -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with (
        TemporaryFile() as log,
        running(command, environment={}, log=log) as process,
        pytest.raises(StackError, match="it was not ready"),
    ):
        wait_until(lambda: False, process, what="it", timeout_seconds=0.1)


def test_a_port_in_use_is_named() -> None:
    with listen(0) as first:
        port = int(url_of(first).rpartition(":")[2])
        with pytest.raises(StackError, match=f"port {port} cannot be used"):
            listen(port)
