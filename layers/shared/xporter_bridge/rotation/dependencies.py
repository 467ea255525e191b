"""The dependencies of rotating, and its entries in the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from xporter_bridge.audit.model import ITSELF, STACK, AuditEntry
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.aws.secrets_manager import VersionedSecret
from xporter_bridge.rotation.model import SecretKind
from xporter_bridge.schools.repository import SchoolRepository


@dataclass(frozen=True)
class RotationDependencies:
    """The dependencies of one invocation.

    ``longest_exchange`` is the longest wait for the callback of a request or a writeback; ``by``
    is who asked for the rotation, as far as it is known.
    """

    secrets: Mapping[SecretKind, VersionedSecret]
    schools: SchoolRepository
    audit: AuditTrail
    longest_exchange: timedelta
    now: Callable[[], datetime]
    by: str = ITSELF

    def note(self, act: str, kind: SecretKind, version: str, outcome: str) -> None:
        """Store an entry about a version of a secret, never about its value.

        Raises:
            TransientError: Nothing is stored; before an act, the act must not be carried out.
        """
        action, about = f"{act}{kind.title()}", {"version": version}
        self.audit.add(AuditEntry(STACK, self.now(), version, action, outcome, self.by, about))
