"""Compares the schools that have authorised the application at Xporter with those of the stack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

# The states of a school here that agree with an authorisation at Xporter, and those that agree with
# none. A paused school is still choosing the people to include, and Xporter lists it or not.
_AGREE_WITH_AUTHORISED = frozenset({"authorised", "installed", "live", "paused"})
_AGREE_WITH_UNKNOWN = frozenset({"invited", "paused", "revoked", "erased"})
_ABSENT = "unknown"

_AUTHORISED_THERE = {
    _ABSENT: (
        "has authorised you at Xporter, and no authentication callback was received",
        "ask the school to authorise again (`xporter-bridge invite`): only that sends its secret",
    ),
    "invited": (
        "has authorised you at Xporter, and its secret has opened nothing here yet",
        "see `xporter-bridge explain`",
    ),
    "revoked": (
        "has authorised you at Xporter, and Xporter refused its secret here",
        "ask the school to authorise again (`xporter-bridge invite`)",
    ),
    "erased": (
        "was erased here and still has authorised you at Xporter",
        "ask the school to withdraw the authorisation, or to authorise anew",
    ),
}
_NOT_AUTHORISED_THERE = (
    "is {state} here, and not among the schools that have authorised you at Xporter",
    "ask the school; its data is kept until Xporter refuses its secret, or you erase it",
)


@dataclass(frozen=True)
class Difference:
    """A school about which Xporter and the stack disagree; ``state`` is its state in the stack."""

    estab: str
    state: str
    says: str
    do: str

    def document(self) -> dict[str, str]:
        """Return the difference for JSON."""
        return asdict(self)


def differences(at_xporter: Iterable[str], here: Mapping[str, str]) -> list[Difference]:
    """Return the schools about which both disagree, by number.

    Args:
        at_xporter: The numbers of the schools that have authorised the application.
        here: The state of each school of the stack.
    """
    authorised = set(at_xporter)
    found = []
    for estab in sorted(authorised | here.keys()):
        state = here.get(estab, _ABSENT)
        if estab in authorised:
            if state not in _AGREE_WITH_AUTHORISED:
                found.append(Difference(estab, state, *_AUTHORISED_THERE[state]))
        elif state not in _AGREE_WITH_UNKNOWN:
            says, do = _NOT_AUTHORISED_THERE
            found.append(Difference(estab, state, says.format(state=state), do))
    return found
