"""Waits for other processes by looking again until a deadline."""

import os
import time
from collections.abc import Callable
from typing import TypeVar

from tools.demo.errors import NotYetError, StepFailedError

T = TypeVar("T")
_LOOK_EVERY_SECONDS = 0.2
_WAIT_SECONDS = 90


def until(look: Callable[[], T]) -> T:
    """Return what ``look`` returns as soon as it does not raise ``NotYetError``.

    Raises:
        StepFailedError: ``look`` still raises after ``WAIT_SECONDS`` of the environment; the
            message is that of its last error.
    """
    seconds = float(os.environ.get("WAIT_SECONDS") or _WAIT_SECONDS)
    deadline = time.monotonic() + seconds
    while True:
        try:
            return look()
        except NotYetError as missing:
            if time.monotonic() > deadline:
                raise StepFailedError(f"after {seconds:.0f} s: {missing}") from missing
        time.sleep(_LOOK_EVERY_SECONDS)


def expect(is_true: bool, otherwise: str) -> None:
    """Raise unless a condition holds.

    Raises:
        StepFailedError: It does not hold; the message is ``otherwise``.
    """
    if not is_true:
        raise StepFailedError(otherwise)
