"""Xporter's refusals, and the envelope in which they are sent."""

from dataclasses import dataclass

Envelope = dict[str, object]

#: The tail of every successful reply of the information endpoints.
NO_ERROR: Envelope = {
    "Message": None,
    "ExceptionType": None,
    "ExceptionMessage": None,
    "InnerException": None,
}


@dataclass(frozen=True)
class XporterError(Exception):
    """Xporter's refusal; answered with HTTP 200 unless the caller asked for real statuses."""

    status: int
    exception_type: str | None
    message: str

    def envelope(self) -> Envelope:
        """Return the exception envelope of xporter-api.md 9."""
        return {
            "Message": "An error has occurred.",
            "ExceptionType": self.exception_type,
            "ExceptionMessage": self.message,
            "InnerException": None,
        }


class ControlError(Exception):
    """A control call that cannot be obeyed; it changed nothing."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def unauthorised(message: str) -> XporterError:
    """Return the refusal of a token."""
    return XporterError(401, "UnauthorizedAccessException", message)


def forbidden(message: str) -> XporterError:
    """Return the refusal of data outside the token's school or scopes."""
    return XporterError(403, "UnauthorizedAccessException", message)


def bad_argument(message: str) -> XporterError:
    """Return the refusal of a parameter or body."""
    return XporterError(400, "ArgumentException", message)


def not_found(message: str) -> XporterError:
    """Return the refusal of an unknown resource or establishment."""
    return XporterError(404, None, message)
