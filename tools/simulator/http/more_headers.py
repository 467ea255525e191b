"""Headers that a real account's replies were seen to have."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class MoreHeaders:
    """ASGI middleware: the service's replies have headers of these names, whatever their value."""

    def __init__(self, app: ASGIApp, names: Sequence[str]) -> None:
        self._app = app
        self._headers = [(name.encode("latin-1"), b"simulated") for name in names]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add what a reply does not have yet; control calls are not the service's."""
        if scope["type"] != "http" or scope["path"].startswith("/_sim") or not self._headers:
            await self._app(scope, receive, send)
            return

        async def extended(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                more = [each for each in self._headers if each[0] not in own]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await self._app(scope, receive, extended)
