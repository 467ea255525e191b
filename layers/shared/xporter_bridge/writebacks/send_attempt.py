"""One request to write, and whether it may have reached Xporter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xporter_bridge.errors import (
    AuthorisationPausedError,
    RateLimitedError,
    XporterRefusedError,
    XporterUnavailableError,
)
from xporter_bridge.xporter.client import XporterApi

_NOT_CONNECTED = "xporter_not_connected"


class SendAttempt:
    """A writeback's request, to be made by ``Session.call``.

    ``may_have_been_received`` is true from the moment the request leaves until Xporter answers
    that it did not take the request. Only while it is false may the request be sent again.
    """

    def __init__(self, xporter: XporterApi, path: str, body: Mapping[str, Any]) -> None:
        self._xporter = xporter
        self._path = path
        self._body = body
        self.may_have_been_received = False

    def __call__(self, token: str) -> dict[str, Any] | XporterRefusedError:
        """Make the request; return the answer, or the refusal of a request with a good token.

        Raises:
            XporterRefusedError: The token was refused: a fresh one may be accepted.
            TransientError: As ``may_have_been_received`` says.
        """
        self.may_have_been_received = True
        try:
            return self._xporter.write(self._path, token, self._body)
        except AuthorisationPausedError:
            self.may_have_been_received = False
            raise
        except XporterRefusedError as refusal:
            self.may_have_been_received = False
            # Xporter does not say what it refuses; a token that still works is not the reason.
            self._xporter.token_details(token)
            return refusal
        except RateLimitedError:
            self.may_have_been_received = False
            raise
        except XporterUnavailableError as error:
            self.may_have_been_received = error.reason != _NOT_CONNECTED
            raise
