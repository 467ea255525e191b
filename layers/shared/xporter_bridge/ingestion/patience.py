"""How long a pull waits for the first answer of a school."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from statistics import median
from typing import TypeVar

from xporter_bridge.errors import TransientError
from xporter_bridge.xporter.client import DATA_SECONDS
from xporter_bridge.xporter.http import TIMED_OUT

T = TypeVar("T")

# A school that takes so many times as long as the others is slow, but not before so many seconds.
_TIMES_AS_LONG = 10
_AT_LEAST_SECONDS = 5.0
_REMEMBERED = 20
_ENOUGH = 5


class Patience:
    """The wait for the first answer of a school that is not known as slow.

    Schools that hang would each take an invocation for a minute, once. So the wait follows from the
    latest first answers that this process has met: if Xporter is slow for all schools, the wait
    grows to the usual limit, and no school counts as slow for it. A school known as slow is
    given the usual limit always. One instance belongs to one process.
    """

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED)

    def seconds(self) -> float:
        """Return how long the next first answer may take."""
        if len(self._seconds) < _ENOUGH:
            return DATA_SECONDS
        wanted = _TIMES_AS_LONG * median(self._seconds)
        return min(max(wanted, _AT_LEAST_SECONDS), DATA_SECONDS)

    def ask(
        self, request: Callable[[float], T], *, is_slow: bool, now: Callable[[], datetime]
    ) -> T:
        """Return the answer to a request, and remember how long the answer took.

        Args:
            request: Makes the request; its argument is how long Xporter may be silent.
            is_slow: The school did not answer in time before, and gets the usual limit.
        """
        if is_slow:
            return request(DATA_SECONDS)
        within, began = self.seconds(), now()
        try:
            answer = request(within)
        except TransientError as error:
            if error.reason == TIMED_OUT:
                self._seconds.append(2 * within)  # The answer would have taken longer.
            raise
        self._seconds.append((now() - began).total_seconds())
        return answer
