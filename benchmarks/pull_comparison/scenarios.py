"""The behaviour of the page server in one measurement: size of the table, delay, and faults."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scenario:
    """One measurement's settings.

    ``fault`` strikes once: ``server_error``, ``cut_json`` and ``duplicate_page`` at page
    ``fault_page``; ``page_drift`` changes the data for good before that page is answered: one row
    goes, two come. ``kill_pid`` is killed the moment ``kill_after`` pages have left.
    """

    rows: int = 0
    delay_ms: float = 0
    fault: str = ""
    fault_page: int = 0
    kill_pid: int = 0
    kill_after: int = 0


@dataclass(frozen=True)
class Version:
    """The table at one moment: ``gone`` is left out of the first rows of the file."""

    rows: int
    gone: int | None = None

    @property
    def hash(self) -> str:
        """The hash of the change set, as Xporter gives one."""
        return hashlib.md5(f"{self.rows} {self.gone}".encode()).hexdigest()

    def pieces(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Return which rows of the file are rows ``start`` to ``stop`` of the table."""
        stop = min(stop, self.rows)
        gone = self.gone
        if gone is None or stop <= gone:
            return [(start, stop)]
        if start > gone:
            return [(start + 1, stop + 1)]
        return [(start, gone), (gone + 1, stop + 1)]


@dataclass
class Stage:
    """The scenario under way, and which pages were answered in full, in order."""

    scenario: Scenario = field(default_factory=Scenario)
    answered: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    has_struck: bool = False

    def strike(self, page: int) -> str:
        """Return the fault that this request meets, if it is its turn."""
        scenario = self.scenario
        with self.lock:
            if self.has_struck or not scenario.fault or page < scenario.fault_page:
                return ""
            self.has_struck = True
        return scenario.fault

    def version(self) -> Version:
        """Return the table as it is now."""
        scenario = self.scenario
        before, after = versions(scenario.rows)
        return after if scenario.fault == "page_drift" and self.has_struck else before


def versions(rows: int) -> tuple[Version, Version]:
    """Return the table before and after a drift."""
    return Version(rows), Version(rows + 1, gone=rows // 3)
