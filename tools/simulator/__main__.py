"""``python -m tools.simulator [--like REPORT]``: the simulator alone, until it is stopped."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.simulator.http.server import LOOPBACK, Listener
from tools.simulator.school.likeness import Likeness
from tools.simulator.service.application import Application, World
from tools.simulator.service.page_cache import PageCache


@dataclass(frozen=True)
class Settings:
    """The environment of the simulator."""

    host: str
    port: int
    relying_party: str
    authentication_url: str | None
    time_scale: float
    cache_bytes: int
    like: str | None

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "Settings":
        """Read what docs/simulator.md lists under "Settings".

        Raises:
            ValueError: A number is malformed or out of range.
        """
        settings = cls(
            host=environment.get("SIMULATOR_HOST") or LOOPBACK,
            port=int(environment.get("SIMULATOR_PORT") or 0),
            relying_party=environment.get("RELYING_PARTY") or "live.example.app",
            authentication_url=environment.get("AUTHENTICATION_URL") or None,
            time_scale=float(environment.get("SIMULATOR_TIME_SCALE") or 1),
            cache_bytes=int(environment.get("SIMULATOR_CACHE_MB") or 128) * 1_000_000,
            like=environment.get("SIMULATOR_LIKE") or None,
        )
        if settings.time_scale <= 0 or not 0 <= settings.port < 65_536:
            raise ValueError("SIMULATOR_TIME_SCALE is above 0, SIMULATOR_PORT below 65536")
        return settings


async def _run(settings: Settings) -> None:
    application = Application(
        settings.relying_party, authentication_url=settings.authentication_url
    )
    world = World(
        application,
        settings.time_scale,
        pages=PageCache(settings.cache_bytes),
        likeness=_likeness(settings.like),
    )
    listener = Listener(world, settings.port, settings.host)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, listener.stop)
    serving = asyncio.create_task(listener.serve())
    while not listener.server.started and not serving.done():
        await asyncio.sleep(0.005)
    ready = {
        "ready": True,
        "xporter_url": listener.url,
        "relying_party": settings.relying_party,
    }
    print(json.dumps(ready), flush=True)
    await serving


def _likeness(report: str | None) -> Likeness:
    """Read a report, and say which of its contradictions are not imitated.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no report.
    """
    if report is None:
        return Likeness()
    try:
        likeness = Likeness.read(json.loads(Path(report).read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{report}: {error}") from error
    if likeness.contradicted:
        numbers = ", ".join(likeness.contradicted)
        print(f"not imitated, though {report} contradicts them: {numbers}", file=sys.stderr)
    return likeness


def main() -> int:
    """Run until SIGTERM or SIGINT."""
    arguments = argparse.ArgumentParser(prog="python -m tools.simulator", description=__doc__)
    arguments.add_argument("--like", metavar="REPORT", help="of `xporter-bridge probe --json`")
    given = {"SIMULATOR_LIKE": arguments.parse_args().like or ""}
    try:
        settings = Settings.from_env({**os.environ, **{k: v for k, v in given.items() if v}})
        asyncio.run(_run(settings))
    except (ValueError, OSError) as error:
        print(f"the simulator cannot start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
