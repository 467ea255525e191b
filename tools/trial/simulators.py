"""Starts the trial's simulator: on an instance of the account, or on this machine."""

import json
import os
import platform
import subprocess
import sys
import zipfile
from contextlib import ExitStack
from pathlib import Path

from tools.set_up import UV_ENVIRONMENT
from tools.stack.deployment import outputs
from tools.stack.errors import StackError
from tools.stack.processes import running
from tools.trial.archive import INSTANCE, KEY, build_archive
from tools.trial.trial import RELYING_PARTY, Trial

_TEMPLATE = Path(__file__).parent / "simulator.yaml"
# It has none of what the project's own interpreter could import: only what the zip holds.
_BARE_PYTHON = UV_ENVIRONMENT / "bin" / "python"


def start_simulator(trial: Trial, held: ExitStack) -> str:
    """Upload the simulator and start it from there; return its URL.

    On this machine it ends with ``held``, in the account with its stack.
    """
    s3, is_local = trial.account.client("s3"), trial.account.is_emulator
    python, machine = _here() if is_local else INSTANCE
    archive = build_archive(trial.scratch, trial.log, python, machine)
    s3.upload_file(str(archive), trial.artifacts, KEY)
    archive.unlink()
    return _run_here(trial, held) if is_local else _run_on_instance(trial)


def _run_on_instance(trial: Trial) -> str:
    parameters = {
        "ArchiveBucket": trial.artifacts,
        "ArchiveKey": KEY,
        "RelyingParty": RELYING_PARTY,
    }
    trial.deploy(trial.simulator, _TEMPLATE, parameters)
    found = outputs(trial.account.client("cloudformation"), trial.simulator)
    return found["SimulatorUrl"]


def _run_here(trial: Trial, held: ExitStack) -> str:
    archive, home = trial.scratch / KEY, trial.scratch / "simulator"
    trial.account.client("s3").download_file(trial.artifacts, KEY, str(archive))
    with zipfile.ZipFile(archive) as file:
        file.extractall(home)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{home}{os.pathsep}{home / 'packages'}",
        "RELYING_PARTY": RELYING_PARTY,
    }
    command = [str(_BARE_PYTHON), "-m", "tools.simulator"]
    process = held.enter_context(
        running(command, environment=environment, log=trial.log, stdout=subprocess.PIPE, cwd=home)
    )
    ready = process.stdout.readline() if process.stdout else b""
    if not ready.startswith(b"{"):
        raise StackError("the simulator ended before it was ready")
    url: str = json.loads(ready)["xporter_url"]
    return url


def _here() -> tuple[str, str]:
    """Return the Python and the platform of this machine, as uv calls them."""
    machine = "aarch64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    return f"{sys.version_info.major}.{sys.version_info.minor}", f"{machine}-manylinux_2_28"
