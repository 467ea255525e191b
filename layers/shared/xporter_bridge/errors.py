"""Errors, sorted by what should happen next.

XporterBridgeError
├─ CallbackRejectedError       the caller must change it: 400, 404, 413
├─ RequestRejectedError        our own software asked for something impossible: 400, 404, 409,
│                              413, 415
├─ TransientError              the same input may succeed later
│  ├─ RateLimitedError         Xporter said when to come back
│  ├─ XporterUnavailableError  no answer, a 5xx, or half an answer
│  │  └─ UnrecognisedAnswerError   an answer, and none that Xporter is known to give
│  │     └─ UnauthorisedError          with 401: perhaps the token has ended
│  ├─ ConflictError            somebody else changed the item first
│  ├─ PageDriftError           the school's data changed under a pull
│  │  └─ AnswerDoubtedError    or it is odd: the same answer a second time is the data
│  └─ ChangeSetUnusableError   the change set does not fit our snapshot: all rows are asked for
├─ PermanentError              the same input never will
│  ├─ XporterRefusedError      Xporter understood and said no
│  │  ├─ AuthorisationPausedError   a state of the school, not a fault
│  │  │  └─ EstabChangedError          likewise: its secret opens another school
│  │  └─ SecretRefusedError         the secret opens nothing
│  ├─ SchoolNotReadyError      its state forbids calls for it (schools/session.py)
│  └─ ContractError            an answer that no version of Xporter should give
├─ OutOfTimeError              no fault: another invocation goes on (ingestion/fetch.py)
└─ ConfigurationError          we are wrong: a setting or a secret is missing
"""

from __future__ import annotations

from collections.abc import Mapping


class XporterBridgeError(Exception):
    """Every error that this system raises on purpose."""


class CallbackRejectedError(XporterBridgeError):
    """A callback that only its sender can correct.

    Args:
        status: The HTTP status to answer.
        reason: A word for metrics and logs; never shown to the caller.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class RequestRejectedError(XporterBridgeError):
    """A request from the company's own software that cannot be carried out as it stands.

    Args:
        status: The HTTP status to answer.
        detail: What is wrong and what to do, for a person; without personal data.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class TransientError(XporterBridgeError):
    """The same input may succeed later.

    Args:
        reason: A stable word or phrase, safe to log.
        retry_after_seconds: How long the other side asked us to wait, if it did.
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
    """Something answered in words that are not Xporter's: they say nothing of the school."""


class UnauthorisedError(UnrecognisedAnswerError):
    """Likewise, with 401: a fresh token may help, and nobody has said that none will."""


class ConflictError(TransientError):
    """An item changed between reading and writing it."""


class PageDriftError(TransientError):
    """Pages of one pull do not belong to the same moment of the school's data."""


class AnswerDoubtedError(PageDriftError):
    """Rows share an identity, or do not come to the count announced: drift, or odd data.

    Drift is when the same question gets different answers.

    Args:
        evidence: A digest of what is odd. The next pull that finds the same takes it for the data.
    """

    def __init__(self, reason: str, evidence: str) -> None:
        super().__init__(reason)
        self.evidence = evidence


class ChangeSetUnusableError(TransientError):
    """A change set cannot be applied to our snapshot: all rows must be pulled and compared.

    Args:
        tables: How many entries of each table are in the way.
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
        said: Xporter's own words, which may quote personal data: to be sorted, never to be
            logged or stored, and so no part of the error's text.
    """

    def __init__(self, reason: str, said: str = "") -> None:
        super().__init__(reason)
        self.said = said


class AuthorisationPausedError(XporterRefusedError):
    """The school is still choosing whom to include; its secret stays good."""


class EstabChangedError(AuthorisationPausedError):
    """The secret that is stored for a school opens another one: its number may have changed.

    Args:
        estab: The number that the token names.
    """

    def __init__(self, estab: str) -> None:
        super().__init__("estab_changed")
        self.estab = estab


class SecretRefusedError(XporterRefusedError):
    """The school secret yields no token, or a token for somebody else."""


class ContractError(PermanentError):
    """An answer whose shape contradicts everything known of Xporter."""


class ConfigurationError(XporterBridgeError):
    """A setting or a secret of ours is missing or unusable."""
