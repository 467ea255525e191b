"""The simulator's control calls (docs/simulator.md): what a school and Xporter do."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx


class Simulator:
    """A simulator that runs somewhere."""

    def __init__(self, url: str, auth: httpx.Auth | None = None) -> None:
        self._http = httpx.Client(base_url=f"{url}/_sim", timeout=60, trust_env=False, auth=auth)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def found(self, estab: str, students: int, seed: int, **facts: Any) -> dict[str, Any]:
        """Create a school, in place of any with the same estab."""
        body = {"estab": estab, "students": students, "seed": seed, **facts}
        return self._call("POST", "/schools", body)

    def schools(self) -> list[dict[str, Any]]:
        """Return every school, with the webhooks that are registered for it."""
        return list(self._call("GET", "/schools")["schools"])

    def school(self, estab: str) -> dict[str, Any]:
        """Return a school, with the webhooks that are registered for it."""
        return self._call("GET", f"/schools/{estab}")

    def authorise(self, estab: str, **options: Any) -> list[dict[str, Any]]:
        """Let the school authorise us; return the authentication callbacks that were made."""
        return list(self._call("POST", f"/schools/{estab}/authorise", options)["callbacks"])

    def change(self, estab: str, database: str, **counts: Any) -> dict[str, dict[str, list[str]]]:
        """Change data; return the ids of the changed rows, by table and kind of change."""
        path = f"/schools/{estab}/databases/{database}/change"
        return dict(self._call("POST", path, counts)["changed"])

    def nightly(self, estab: str) -> None:
        """Call the webhooks of all databases that changed without notice."""
        self._call("POST", f"/schools/{estab}/nightly")

    def forget_hashes(self, estab: str) -> None:
        """Let every change-set hash of the school expire."""
        self._call("POST", f"/schools/{estab}/forget-hashes")

    def truth(self, estab: str, table: str, query: Mapping[str, str]) -> list[bytes]:
        """Return the rows of a table as they are now, one JSON object per line."""
        parameters = {**query, "format": "ndjson", "gzip": "true"}
        answer = self._http.get(f"/schools/{estab}/truth/{table}", params=parameters)
        return answer.raise_for_status().content.splitlines()

    def written(self, estab: str) -> list[dict[str, Any]]:
        """Return what writebacks left in the school's MIS."""
        return list(self._call("GET", f"/schools/{estab}/mis")["written"])

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the requests that Xporter received after the given number, in order."""
        return list(self._call("GET", f"/requests?since={since}")["requests"])

    def callbacks(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the callbacks that Xporter made after the given number, in order."""
        return list(self._call("GET", f"/callbacks?since={since}")["callbacks"])

    def last_request(self) -> int:
        """Return the number of the newest request."""
        return max((entry["sequence"] for entry in self.requests()), default=0)

    def set_faults(self, *faults: Mapping[str, Any]) -> None:
        """Switch these faults on, and all others off."""
        self._call("PUT", "/faults", faults)

    def set_application(self, **settings: Any) -> None:
        """Change the application's settings in the Xporter Portal."""
        self._call("PUT", "/application", settings)

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | Sequence[Any] | None = None
    ) -> dict[str, Any]:
        content = None if body is None else json.dumps(body)
        answer = self._http.request(method, path, content=content)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found
