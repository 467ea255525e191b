"""The one application that schools share with, and the whole state of the simulated service."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tools.simulator.http.errors import ControlError
from tools.simulator.http.request_log import RequestLog
from tools.simulator.school.likeness import Likeness
from tools.simulator.school.schools import Schools
from tools.simulator.service.callback_sender import Callbacks
from tools.simulator.service.changesets import Snapshots
from tools.simulator.service.faults import Faults
from tools.simulator.service.page_cache import PageCache

_CHOICES = {
    "unknown_hash": ("error", "restart"),
    "deleted_paging": ("every_page", "first_page", "sliced"),
    "webhook_method": ("GET", "POST"),
    "availability_reply": ("data", "dbstatus", "empty"),
    "availability_body": ("__DbStatus__", "DbStatus", "__DBStatus__", "list", "form"),
    "availability_outcome": ("ok", "not_ok", "error", "never", "late"),
}


@dataclass
class Application:
    """The settings of the application in the Xporter Portal, and the simulator's choices."""

    relying_party: str = "live.example.app"
    name: str = "Example Application (unverified)"
    authentication_url: str | None = None
    management_secret: str = "00000000-0000-4000-8000-000000000000"
    installed_field: str = "xodInstalled"
    completed_field: str = "installCompleted"
    token_lifetime_seconds: float = 5 * 24 * 3600
    live_token_scopes: bool = False
    unknown_hash: str = "error"
    deleted_paging: str = "every_page"
    webhook_method: str = "POST"
    availability_reply: str = "data"
    availability_body: str = "__DbStatus__"
    availability_outcome: str = "ok"
    availability_delay_seconds: float = 0.0
    outcome_delay_seconds: float = 0.0

    def change(self, settings: dict[str, Any]) -> None:
        """Take new settings, all or none.

        Raises:
            ControlError: One is unknown or of the wrong kind.
        """
        current = self.describe()
        for name, value in settings.items():
            if name not in current:
                raise ControlError(f"unknown setting {name!r}; known: {', '.join(current)}")
            self._check(name, value, current[name])
        for name, value in settings.items():
            setattr(self, name, value)

    def _check(self, name: str, value: Any, present: Any) -> None:
        if name in _CHOICES and value not in _CHOICES[name]:
            raise ControlError(f"{name} must be one of {', '.join(_CHOICES[name])}")
        if name == "authentication_url":
            fits = value is None or isinstance(value, str)
        elif isinstance(present, bool):
            fits = isinstance(value, bool)
        elif isinstance(present, float | int):
            fits = isinstance(value, float | int) and not isinstance(value, bool) and value >= 0
        else:
            fits = isinstance(value, str) and bool(value)
        if not fits:
            raise ControlError(f"{name} has a wrong value: {value!r}")

    def describe(self) -> dict[str, Any]:
        """Return the settings."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class World:
    """Everything one running simulator holds; nothing of it is global."""

    application: Application
    time_scale: float = 1.0
    now: Callable[[], datetime] = _utc_now
    schools: Schools = field(default_factory=Schools)
    snapshots: Snapshots = field(default_factory=Snapshots)
    faults: Faults = field(default_factory=Faults)
    callbacks: Callbacks = field(default_factory=Callbacks)
    requests: RequestLog = field(default_factory=RequestLog)
    pages: PageCache = field(default_factory=PageCache)
    likeness: Likeness = field(default_factory=Likeness)
    #: The revision that the pages after page 1 of one pull go on reading.
    pins: dict[tuple[object, ...], int] = field(default_factory=dict)
    #: When the data of a parameterised call were first asked for.
    fetches: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def scaled(self, wait: timedelta) -> float:
        """Return a documented wait as seconds of this simulator's time."""
        return wait.total_seconds() / self.time_scale

    def reset(self) -> None:
        """Forget every school, hash, fault, callback and request; keep the settings."""
        self.schools.clear()
        self.snapshots.forget()
        self.faults.clear()
        self.callbacks.clear()
        self.requests.clear()
        self.pins.clear()
        self.fetches.clear()
