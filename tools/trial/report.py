"""The result of a trial as a file to share, without secrets and without the account's number."""

import json
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tools.demo.progress import Ended
from tools.set_up import ROOT
from tools.trial.account import Account
from tools.trial.cleanup import Cleanup

VERIFIED, NOT_SHOWN = "✓", "-"


@dataclass
class Report:
    """Is completed step by step, so that a report exists however the trial ends.

    Attributes:
        error: What ended it early, if anything.
        events: What CloudFormation said of resources that failed.
        cleanup: None until everything was deleted, or tried to be.
    """

    stack: str
    account: Account
    begun_at: datetime
    steps: list[Ended] = field(default_factory=list)
    checks: list[Ended] = field(default_factory=list)
    alarms: dict[str, str] = field(default_factory=dict)
    not_shown: dict[str, str] = field(default_factory=dict)
    error: str | None = None
    events: Sequence[str] = ()
    cleanup: Cleanup | None = None

    @property
    def is_success(self) -> bool:
        """Tell whether every possible check succeeded, and no resource is left."""
        ended = [*self.steps, *self.checks]
        is_verified = bool(ended) and all(
            each.is_verified or each.name in self.not_shown for each in ended
        )
        is_clean = self.cleanup is not None and not self.cleanup.left
        return is_verified and is_clean and self.error is None

    def document(self, now: datetime) -> dict[str, Any]:
        """Return the report as JSON has it."""
        cleanup = self.cleanup or Cleanup(left=["nothing was deleted"])
        return self._masked(
            {
                "succeeded": self.is_success,
                "stack": self.stack,
                "commit": _commit(),
                "on": "an emulator" if self.account.is_emulator else "AWS",
                "account": self.account.number,
                "region": self.account.region,
                "begun_at": _text(self.begun_at),
                "ended_at": _text(now),
                "machine": f"{platform.system()}, Python {platform.python_version()}",
                "error": self.error,
                "cloudformation": list(self.events),
                "steps": _rows(self.steps),
                "checks": _rows(self.checks),
                "alarms": self.alarms,
                "not_shown": self.not_shown,
                "deleted": cleanup.deleted,
                "left": cleanup.left,
            }
        )

    def write(self, path: Path) -> None:
        """Write the report, in place of any that is there."""
        document = self.document(datetime.now(UTC))
        text = json.dumps(document, indent=2, ensure_ascii=False)
        path.write_text(f"{text}\n", encoding="utf-8")

    def _masked(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return it without the account's number, which ARNs in messages repeat."""
        number = self.account.number
        masked: dict[str, Any] = json.loads(
            json.dumps(document).replace(number, f"{'*' * 8}{number[-4:]}")
        )
        return masked


def _rows(ended: Iterable[Ended]) -> list[dict[str, Any]]:
    return [{**asdict(each), "seconds": round(each.seconds, 1)} for each in ended]


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _commit() -> str:
    """Return what was tried; empty outside a clone."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""
