"""What the datasets' table holds beside the datasets, and the index over all of them."""

from __future__ import annotations

from functools import cached_property

from xporter_bridge.aws.dynamodb import DynamoTable
from xporter_bridge.pulls.breaker import FleetBreaker
from xporter_bridge.pulls.change_index import ChangeIndex
from xporter_bridge.pulls.fleet_notices import FleetNotices
from xporter_bridge.pulls.slots import PullSlots


class FleetItems:
    """The other items of the table keyed by estab and dataset."""

    def __init__(self, items: DynamoTable) -> None:
        self._items = items

    @property
    def slots(self) -> PullSlots:
        """The slots in which datasets are pulled."""
        return PullSlots(self._items)

    @cached_property
    def breaker(self) -> FleetBreaker:
        """The breaker of the whole fleet."""
        return FleetBreaker(self._items)

    @property
    def notices(self) -> FleetNotices:
        """What was noticed at any school."""
        return FleetNotices(self._items)

    @property
    def changes(self) -> ChangeIndex:
        """What changed at any school."""
        return ChangeIndex(self._items)
