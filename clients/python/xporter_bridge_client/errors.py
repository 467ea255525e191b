"""The package's errors, sorted by what the caller can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class BridgeError(Exception):
    """Every error of this package."""


class NotFoundError(BridgeError):
    """The bucket has no data of the school or dataset, or the dataset no such table."""


class ErasedError(NotFoundError):
    """The dataset's data was erased: delete your copies.

    Attributes:
        at: When, as ISO 8601 text.
        reason: Why, for example ``scope_removed`` or ``expired``.
    """

    def __init__(self, dataset: str, at: str, reason: str) -> None:
        super().__init__(f"{dataset} was erased at {at} ({reason}); delete your copies")
        self.at, self.reason = at, reason


class SupersededError(BridgeError):
    """An object that a manifest named is deleted: read the dataset's ``latest.json`` again."""


class DamagedError(BridgeError):
    """An object is not what its manifest says."""


class NotAllowedError(BridgeError):
    """AWS refuses the request; the message names the permission that is missing."""


class NotReachableError(BridgeError):
    """The API has not answered after all repetitions; whether it acted is not known."""


class MissingExtraError(BridgeError):
    """A package that is needed for this result is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs {package}: pip install 'xporter-bridge-client[{extra}]'",
        )


class WaitTimeoutError(BridgeError):
    """The wait has ended before the pull or writeback; it goes on, and may be waited for again."""


class ApiError(BridgeError):
    """The API refused a request.

    Attributes:
        status: The HTTP status: 400, 403, 404, 409, 413, 415, 429, 500 or 503.
        detail: The API's own words; no pupil's value.
        errors: The places of a 400, each with ``at`` and ``message``.
        instance: The request's id in the log.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[Mapping[str, str]] = (),
        instance: str = "",
    ) -> None:
        places = "; ".join(f"{each.get('at')}: {each.get('message')}" for each in errors)
        super().__init__(f"{status}: {'; '.join(filter(None, (detail, places)))}")
        self.status, self.detail, self.errors, self.instance = status, detail, errors, instance
