"""Names of drift that was found at any school, so that the whole fleet raises one alarm."""

from __future__ import annotations

from datetime import datetime

from xporter_bridge.aws.dynamodb import DynamoTable
from xporter_bridge.errors import ConflictError
from xporter_bridge.timestamps import iso

# No estab has such a name.
_FLEET = "#fleet"
# Of a key, in characters: a sort key takes 1,024 bytes.
_MAX_NAME_CHARACTERS = 250


class FleetNotices:
    """Names of things that were noticed, items of the datasets' table."""

    def __init__(self, items: DynamoTable) -> None:
        self._items = items

    def is_first(self, name: str, now: datetime) -> bool:
        """Tell whether nothing of this name was noticed before, and remember it.

        Of any number of callers at once exactly one is told that it is the first.
        """
        try:
            self._items.update(
                _FLEET,
                name[:_MAX_NAME_CHARACTERS],
                set_={"noticed_at": iso(now)},
                condition="attribute_not_exists(noticed_at)",
            )
        except ConflictError:
            return False
        return True
