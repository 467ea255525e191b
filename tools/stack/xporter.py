"""The Xporter of a local stack: the simulator, unless the settings name another."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from tools.set_up import ROOT
from tools.stack.errors import StackError
from tools.stack.processes import listen, running
from tools.stack.settings import StackSettings


@contextmanager
def xporter(settings: StackSettings, log: IO[bytes]) -> Iterator[str]:
    """Yield the URL of Xporter; a simulator that was started for it ends with the block.

    Raises:
        StackError: The simulator did not start.
    """
    if settings.xporter_url:
        yield settings.xporter_url
        return
    listen(settings.simulator_port).close()  # the simulator opens it; here it has a better error
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "RELYING_PARTY": settings.relying_party,
        "SIMULATOR_PORT": str(settings.simulator_port),
    }
    command = [sys.executable, "-m", "tools.simulator"]
    with running(command, environment=environment, log=log, stdout=subprocess.PIPE) as process:
        ready = process.stdout.readline() if process.stdout else b""
        if not ready.startswith(b"{"):
            raise StackError("the simulator ended before it was ready")
        yield json.loads(ready)["xporter_url"]


def set_authentication_url(xporter_url: str, authentication_url: str) -> None:
    """Tell the simulator what a partner enters in the Xporter Portal."""
    body = json.dumps({"authentication_url": authentication_url}).encode()
    headers = {"Content-Type": "application/json"}
    url = f"{xporter_url}/_sim/application"
    request = urllib.request.Request(url, body, headers, method="PUT")
    with urllib.request.urlopen(request, timeout=10):
        pass
