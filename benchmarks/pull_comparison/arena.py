"""Starts the page server and the contestants, each in a process of its own, and ends them all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from pull_comparison.scenarios import Scenario

ROOT = Path(__file__).resolve().parent.parent.parent
_PATH = (ROOT / "benchmarks", ROOT, ROOT / "layers" / "shared")
# dlt and Singer need a minute for what takes the others a second; longer than this is a hang.
_PATIENCE_SECONDS = 240
_SCRATCH_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Result:
    """The result of one run; ``seconds`` is None if the contestant failed or was killed."""

    seconds: float | None
    peak_rss_mb: float | None
    folder: Path

    @property
    def is_done(self) -> bool:
        """Tell whether the contestant reports that it has pulled everything."""
        return self.seconds is not None


class Arena:
    """One page server and a folder for results."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._runs = 0

    def run(
        self, name: str, scenario: Scenario, *, into: Path | None = None, kill_after: int = 0
    ) -> Result:
        """Let a contestant pull once under a scenario.

        Args:
            into: The folder of an earlier, killed run, to resume it.
            kill_after: Kill the contestant when the server has sent this many pages.
        """
        folder, attempt = self._folder_for(into)
        if into is None:
            self.serve(scenario)
        command = [sys.executable, "-m", "pull_comparison.contestant", name, self._url, str(folder)]
        with subprocess.Popen(
            [*command, str(attempt)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / "stderr").open("wb"),
            env=_environment(),
            text=True,
        ) as contestant:
            assert contestant.stdout
            if contestant.stdout.readline() != "ready\n":
                raise RuntimeError(f"{name} does not start")
            pid = contestant.pid if kill_after else 0
            self._call("POST", "/_kill", {"kill_pid": pid, "kill_after": kill_after})
            answer, _ = contestant.communicate("go\n", timeout=_PATIENCE_SECONDS)
        said = json.loads(answer) if answer.strip() else {}
        return Result(said.get("seconds"), said.get("peak_rss_mb"), folder)

    def serve(self, scenario: Scenario) -> str:
        """Let the server serve a scenario, and return its URL."""
        self._call("PUT", "/_scenario", asdict(scenario))
        return self._url

    def answered(self) -> list[int]:
        """Return the pages that were answered in full since the scenario began, in order."""
        return list(self._call("GET", "/_answered")["answered"])

    def clear(self, result: Result) -> None:
        """Delete what a run left."""
        shutil.rmtree(result.folder)

    def _folder_for(self, into: Path | None) -> tuple[Path, int]:
        if into:
            return into, 2
        self._runs += 1
        folder = self._folder / f"{self._runs:03d}"
        folder.mkdir()
        return folder, 1

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        request = Request(self._url + path, json.dumps(body).encode(), method=method)
        with urlopen(request, timeout=30) as answer:
            return dict(json.loads(answer.read()))


@contextmanager
def arena(rows: int) -> Iterator[Arena]:
    """Run a page server that can serve tables of up to so many rows."""
    with tempfile.TemporaryDirectory(prefix="xporter-bench-", dir=_scratch()) as folder:
        command = [sys.executable, "-m", "pull_comparison.page_server", f"{folder}/rows", str(rows)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, env=_environment(), text=True)
        try:
            assert server.stdout
            yield Arena(json.loads(server.stdout.readline())["url"], Path(folder))
        finally:
            server.kill()
            server.wait()


def _scratch() -> str | None:
    """Return a folder in memory if there is one, so that the disk does not affect the times."""
    memory = Path("/dev/shm")
    is_usable = memory.is_dir() and shutil.disk_usage(memory).free > _SCRATCH_BYTES
    return str(memory) if is_usable else None


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, _PATH)),
        # As template.yaml has it for the functions; it does no other contestant harm.
        "MALLOC_ARENA_MAX": "1",
        # Nothing here reaches AWS; boto3 is only imported.
        "AWS_EC2_METADATA_DISABLED": "true",
        "POWERTOOLS_METRICS_NAMESPACE": "bench",
    }
