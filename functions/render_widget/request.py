"""What a person has asked the widget for: by the dashboard, by a form in it, or by a button."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xporter_bridge.api.fleet_pages import SchoolFilter
from xporter_bridge.schools.states import SchoolState

_ESTAB = re.compile(r"[0-9]{7}")
_LONGEST_TEXT = 100
# In the list of states, beside the states themselves.
TROUBLED = "troubled"
# The page of every held change.
HOLDS = "holds"


@dataclass(frozen=True)
class WidgetRequest:
    """A page of schools that ``q`` and ``state`` select, the school ``estab``, or all holds."""

    estab: str = ""
    q: str = ""
    state: str = ""
    cursor: str = ""
    view: str = ""

    @property
    def wanted(self) -> SchoolFilter:
        """Which schools are wanted."""
        state = SchoolState(self.state) if self.state in set(SchoolState) else None
        return SchoolFilter(state, True if self.state == TROUBLED else None, self.q)


def read_request(event: Mapping[str, Any]) -> WidgetRequest:
    """Return what is asked for; what cannot be asked for is left out.

    A button says more than the form, which a person may have changed without sending it, and the
    form more than the widget's own parameters in the dashboard.
    """
    context = _mapping(event.get("widgetContext"))
    form = _mapping(_mapping(context.get("forms")).get("all"))
    said = {**_mapping(context.get("params")), **form, **event}
    state = _text(said, "state")
    estab = _text(said, "estab")
    return WidgetRequest(
        estab=estab if _ESTAB.fullmatch(estab) else "",
        q=_text(said, "q"),
        state=state if state in {TROUBLED, *SchoolState} else "",
        cursor=_text(said, "cursor", 300),
        view=HOLDS if _text(said, "view") == HOLDS else "",
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(said: Mapping[str, Any], name: str, longest: int = _LONGEST_TEXT) -> str:
    value = said.get(name)
    return value.strip()[:longest] if isinstance(value, str) else ""
