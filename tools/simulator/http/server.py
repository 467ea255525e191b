"""The simulator as a web application, and as a server in a test's own process."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware

from tools.simulator.http import api, control, school_control, writebacks
from tools.simulator.http.more_headers import MoreHeaders
from tools.simulator.http.request_log import Droppable, FoldedPaths, Recorder
from tools.simulator.school.likeness import Likeness
from tools.simulator.service.application import Application, World

LOOPBACK = "127.0.0.1"


def application(world: World) -> Starlette:
    """Return the web application of one simulated world."""
    app = Starlette(
        routes=[
            *api.routes(),
            *writebacks.routes(),
            *control.routes(),
            *school_control.routes(),
            *api.last_routes(),
        ],
        middleware=[
            Middleware(Recorder, log=world.requests),
            Middleware(FoldedPaths),
            Middleware(MoreHeaders, names=world.likeness.headers),
        ],
    )
    app.router.redirect_slashes = False
    app.state.world = world
    return app


class _Server(uvicorn.Server):
    """A server that leaves signals to its caller, so that a stop is a clean exit."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals."""
        yield


class Listener:
    """A bound socket and the server that answers on it; on loopback unless told otherwise."""

    def __init__(self, world: World, port: int = 0, host: str = LOOPBACK) -> None:
        # Named as TCP, so that asyncio sets TCP_NODELAY: without it each small reply takes 40 ms.
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((host, port))
        self.url = f"http://{host}:{self.socket.getsockname()[1]}"
        self.world = world
        self.server = _Server(
            uvicorn.Config(
                Droppable(application(world)),
                log_level="error",
                access_log=False,
                lifespan="off",
                http="h11",
                ws="none",
                timeout_graceful_shutdown=1,
                timeout_keep_alive=75,
                backlog=512,
            )
        )

    def stop(self) -> None:
        """Ask the server to exit; at most a second is left to replies under way."""
        self.server.should_exit = True

    async def serve(self) -> None:
        """Answer until the server is told to exit, then drop what was still to be sent."""
        try:
            await self.server.serve(sockets=[self.socket])
        finally:
            self.world.callbacks.clear()
            self.socket.close()


class RunningSimulator:
    """A simulator in a thread of this process: ``with RunningSimulator() as simulator: …``."""

    def __init__(
        self,
        *,
        relying_party: str = "live.example.app",
        authentication_url: str | None = None,
        time_scale: float = 1.0,
        port: int = 0,
        likeness: Likeness | None = None,
    ) -> None:
        application_ = Application(relying_party, authentication_url=authentication_url)
        like = likeness or Likeness()
        self.world = World(application_, time_scale=time_scale, likeness=like)
        self._listener = Listener(self.world, port)
        self.url = self._listener.url
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._listener.serve()),
            name="xporter-simulator",
            daemon=True,
        )

    def start(self) -> Self:
        """Start answering; the socket already queues connections."""
        self._listener.socket.listen(512)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop answering, within about a second."""
        self._listener.stop()
        self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
