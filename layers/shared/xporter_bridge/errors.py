"""Errors, sorted by the reaction that they require.

XporterBridgeError
├─ CallbackRejectedError       the sender must change the callback: 400, 404, 413
├─ RequestRejectedError        the company's software must change its request: 400, 404, 409,
│                              413, 415
├─ TransientError              the same input may succeed later
│  ├─ RateLimitedError         Xporter answered 429
│  ├─ XporterUnavailableError  no response, a 5xx, or an incomplete response
│  │  └─ UnrecognisedAnswerError   a response that is not known to be Xporter's
│  │     └─ UnauthorisedError          the same with 401: the token may have expired
│  ├─ ConflictError            another writer changed the item first
│  ├─ IndexNotReadyError       a new index is being made (schools/trouble_index.py)
│  ├─ PageDriftError           the school's data changed during a pull
│  │  └─ AnswerDoubtedError    or the data is odd: an identical second response is accepted
│  └─ ChangeSetUnusableError   the change set does not fit our snapshot: pull all rows
├─ PermanentError              the same input will never succeed
│  ├─ XporterRefusedError      Xporter understood the request and refused it
│  │  ├─ AuthorisationPausedError   a state of the school, not a fault
│  │  │  └─ EstabChangedError          the same: the secret belongs to another estab
│  │  └─ SecretRefusedError         the secret yields no token
│  ├─ RotationRefusedError     the old value is still needed (rotation/model.py)
│  ├─ SchoolNotReadyError      the school's state forbids calls for it (schools/session.py)
│  └─ ContractError            a response that contradicts all known versions of Xporter
├─ OutOfTimeError              no fault: another invocation continues (ingestion/fetch.py)
└─ ConfigurationError          our own fault: a setting or a secret is missing
"""

from __future__ import annotations

from collections.abc import Mapping


class XporterBridgeError(Exception):
    """Every error that this system raises on purpose."""


class CallbackRejectedError(XporterBridgeError):
    """A callback that only its sender can correct.

    Args:
        status: The HTTP status of the reply.
        reason: A word for metrics and logs; never shown to the caller.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class RequestRejectedError(XporterBridgeError):
    """A request of the company's own software that is invalid or impossible now.

    Args:
        status: The HTTP status of the response.
        detail: The fault and its remedy, for a person; without personal data.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class TransientError(XporterBridgeError):
    """The same input may succeed later.

    Args:
        reason: A stable word or phrase, safe to log.
        retry_after_seconds: The wait that the other side requested, if any.
    """

    def __init__(self, reason: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class RateLimitedError(TransientError):
    """Xporter answered 429."""


class XporterUnavailableError(TransientError):
    """Xporter could not be reached, failed, or sent half an answer."""


class UnrecognisedAnswerError(XporterUnavailableError):
    """A response without Xporter's envelope; it proves nothing about the school."""


class UnauthorisedError(UnrecognisedAnswerError):
    """A response with 401 and without Xporter's envelope; a new token may be accepted."""


class ConflictError(TransientError):
    """An item changed between reading and writing it."""


class PageDriftError(TransientError):
    """Pages of one pull do not belong to the same moment of the school's data."""


class AnswerDoubtedError(PageDriftError):
    """Rows share an identity, or their number differs from RowCount.

    The cause is drift or odd data. With drift, the same request gets different responses.

    Args:
        evidence: A digest of the oddity. The next pull that finds the same oddity accepts it.
    """

    def __init__(self, reason: str, evidence: str) -> None:
        super().__init__(reason)
        self.evidence = evidence


class ChangeSetUnusableError(TransientError):
    """A change set cannot be applied to our snapshot: all rows must be pulled and compared.

    Args:
        tables: The number of unusable entries by table.
    """

    def __init__(self, reason: str, tables: Mapping[str, int]) -> None:
        super().__init__(reason)
        self.tables = tables


class PermanentError(XporterBridgeError):
    """The same input will never succeed.

    Args:
        reason: A stable word or phrase, safe to log.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class XporterRefusedError(PermanentError):
    """Xporter understood the request and refused it, whatever the HTTP status.

    Args:
        reason: A stable word or phrase, safe to log.
        said: Xporter's own message. It may quote personal data, so it is never logged or stored,
            and is not part of the error's text.
    """

    def __init__(self, reason: str, said: str = "") -> None:
        super().__init__(reason)
        self.said = said


class AuthorisationPausedError(XporterRefusedError):
    """The school is still choosing the people to include; its secret stays valid."""


class EstabChangedError(AuthorisationPausedError):
    """The stored secret of a school belongs to another estab; the school's number may have changed.

    Args:
        estab: The establishment number in the token.
    """

    def __init__(self, estab: str) -> None:
        super().__init__("estab_changed")
        self.estab = estab


class SecretRefusedError(XporterRefusedError):
    """The school secret yields no token, or a token of another school."""


class ContractError(PermanentError):
    """A response whose shape contradicts all that is known of Xporter."""


class ConfigurationError(XporterBridgeError):
    """A setting or a secret of ours is missing or unusable."""
