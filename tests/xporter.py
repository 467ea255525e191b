"""Drives the simulator in tests, over HTTP, as a stranger does."""

from __future__ import annotations

from typing import Any

import requests

from tests.builders import ESTAB


class Xporter:
    """The simulator and its control calls."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = requests.Session()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Make a control call and return its answer."""
        answer = self._http.request(method, f"{self.url}/_sim/{path}", json=body, timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    def school(self, estab: str = ESTAB, **facts: Any) -> str:
        """Found a small school and return its secret."""
        made = self.control("POST", "schools", {"estab": estab, "students": 5, "seed": 1, **facts})
        return str(made["secret"])

    def set_school(self, estab: str = ESTAB, **facts: Any) -> None:
        """Pause, revoke, or change the scopes of the school."""
        self.control("PATCH", f"schools/{estab}", facts)

    def set_faults(self, *faults: dict[str, Any]) -> None:
        """Switch on these faults and no others."""
        self.control("PUT", "faults", list(faults))

    def requests(self) -> list[dict[str, Any]]:
        """Return every request that was made to Xporter since the test began."""
        return list(self.control("GET", "requests")["requests"])

    def paths(self) -> list[str]:
        """Return ``METHOD /path`` of every request, in lower case."""
        return [f"{each['method']} {each['path'].lower()}" for each in self.requests()]

    def webhooks(self, estab: str = ESTAB) -> dict[str, str]:
        """Return the URL that is registered for each database of the school."""
        listed = self.control("GET", f"schools/{estab}")["webhooks"]
        return {entry["database"]: entry["url"] for entry in listed}

    def truth(self, table: str, estab: str = ESTAB) -> list[dict[str, Any]]:
        """Return the rows of a table as the school has them now."""
        return list(self.control("GET", f"schools/{estab}/truth/{table}"))

    def close(self) -> None:
        """Close the connection."""
        self._http.close()
