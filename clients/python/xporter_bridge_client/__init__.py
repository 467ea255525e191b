"""Reads and follows the schools' data that Xporter Bridge publishes, and calls its API."""

from .api import Api
from .api_changes import Change, Changes
from .bridge import Bridge, Dataset, School, Table
from .errors import (
    ApiError,
    BridgeError,
    DamagedError,
    ErasedError,
    MissingExtraError,
    NotAllowedError,
    NotFoundError,
    NotReachableError,
    SupersededError,
    WaitTimeoutError,
)
from .events import parse
from .follow import Step, TableStep
from .idempotency import idempotency_key
from .manifest import Manifest, TableFacts
from .verify import Finding, Verification

__all__ = [
    "Api",
    "ApiError",
    "Bridge",
    "BridgeError",
    "Change",
    "Changes",
    "DamagedError",
    "Dataset",
    "ErasedError",
    "Finding",
    "Manifest",
    "MissingExtraError",
    "NotAllowedError",
    "NotFoundError",
    "NotReachableError",
    "School",
    "Step",
    "SupersededError",
    "Table",
    "TableFacts",
    "TableStep",
    "Verification",
    "WaitTimeoutError",
    "idempotency_key",
    "parse",
]
