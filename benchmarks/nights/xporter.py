"""Xporter as far as a night needs it: tokens, one page a question, and how it fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from nights.parameters import Night
from nights.virtual_time import Clock
from tests.support.builders import ALL_SCOPES, RELYING_PARTY
from xporter_bridge.datasets.config import configured
from xporter_bridge.errors import XporterUnavailableError
from xporter_bridge.xporter.client import Token, TokenDetails
from xporter_bridge.xporter.http import TIMED_OUT

_ROWS = 20
_TOKEN_LIFE = timedelta(days=5)  # xporter-api.md 2.3


class NightXporter:
    """In place of ``XporterApi``: a reply is one page without changes or with one changed row."""

    def __init__(self, clock: Clock, night: Night, hanging: frozenset[str]) -> None:
        self._clock, self._night, self._hanging = clock, night, hanging
        self._changed = {name.casefold() for name in night.changed}
        self._tables = {
            each.request()[0].casefold(): list(each.endpoint.tables.values())
            for each in configured().values()
        }
        self.has_refreshed = self.is_before_change = False
        self.counts: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def get_token(self, estab: str, relying_party: str, secret: str) -> Token:
        del secret, relying_party
        self._ask("token", estab)
        return Token(f"token-of-{estab}", self._clock.now() + _TOKEN_LIFE)

    def token_details(self, token: str) -> TokenDetails:
        estab = token.removeprefix("token-of-")
        self._ask("token_details", estab)
        return TokenDetails(estab, RELYING_PARTY, ALL_SCOPES)

    def register_webhook(self, token: str, url: str, database: str) -> None:
        del url, database
        self._ask("registration", token.removeprefix("token-of-"))

    def school_data(
        self,
        estab: str,
        resource: str,
        token: str,
        query: Mapping[str, str],
        *,
        read_seconds: float,
    ) -> dict[str, Any]:
        del token
        self._ask("page", estab, read_seconds)
        asked = query["changedRows"]
        is_changing = resource.casefold() in self._changed
        latest = "h2" if is_changing and self.has_refreshed else "h1"
        if is_changing and self.is_before_change:
            latest = "h0"
        tables = self._tables[resource.casefold()]
        rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in tables}
        first = tables[0]
        if asked != latest:
            many = _ROWS if asked == "*" else 1
            rows[first.name] = [
                {first.key: number, "Value": f"{latest}-{number}"} for number in range(many)
            ]
        count = len(rows[first.name])
        return {
            **rows,
            "__pagination": [{"pageSize": 1000, "pageCount": 1, "rowCount": count}],
            "__changedRows": [{"requestedChangedRows": asked, "nextChangedRows": latest}],
        }

    def _ask(self, what: str, estab: str, read_seconds: float = 0) -> None:
        self.counts[what] += 1
        latencies = self._night.latencies
        if self._night.is_outage(self._clock.now()):
            self.counts[what] += 1  # tried again at once, as XporterApi does
            self.failed[what] += 2
            self._clock.spend(latencies.refused)
            raise XporterUnavailableError("xporter_not_connected")
        if what == "page" and estab in self._hanging and self.has_refreshed:
            self.failed[what] += 1
            self._clock.spend(min(latencies.hang, read_seconds))
            raise XporterUnavailableError(TIMED_OUT)
        self._clock.spend(latencies.page)
