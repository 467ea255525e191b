"""KMS as far as a night needs it: one key for every school, and a secret that is sealed already."""

from __future__ import annotations

import base64

from nights.stores import TimedCalls
from tests.support.fakes import Vault
from xporter_bridge.schools.model import School

SEALED = base64.b64encode(b"sealed").decode()


class NightVault(Vault):
    """No school of a night was erased before."""

    def was_erased(self, school: School, secret: str) -> bool:
        del school, secret
        return False


class Transit:
    """In place of ``TransitEncryption``: one call of KMS a secret."""

    def __init__(self, calls: TimedCalls) -> None:
        self._calls = calls

    def unseal(self, estab: str, sealed: bytes) -> str:
        del sealed
        return self._calls.make("Decrypt", lambda: f"the secret of {estab}", _never)


def _never(call: str, is_done: bool) -> Exception:
    return AssertionError(f"{call} does not fail here ({is_done})")
