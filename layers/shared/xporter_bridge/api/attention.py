"""The one sentence about a school: the worst of its datasets and of the school itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.pulls.attention import of_datasets
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.schools.attention import (
    ALL_IS_WELL,
    WITHOUT_PULLS,
    Attention,
    Severity,
    of_school,
)
from xporter_bridge.schools.model import School


def attention_of(
    school: School, items: Iterable[DatasetRecord], config: DatasetConfig, now: datetime
) -> Attention:
    """Return what matters most about the school; never all is well beside any trouble.

    A school from which nothing can be pulled explains why its data are old, so the datasets then
    only make its own sentence weigh more.
    """
    own = of_school(school)
    if school.is_being_erased or school.state in WITHOUT_PULLS:
        return max(own, key=Attention.weight)
    of_items = of_datasets(items, config, school.state_since, now)
    if not school.is_pullable:
        is_troubled = any(each.severity is Severity.TROUBLE for each in of_items)
        raised = Severity.TROUBLE if is_troubled else Severity.NOTICE
        own = [replace(each, severity=max(each.severity, raised, key=_order)) for each in own]
        return max(own, key=Attention.weight)
    return max([ALL_IS_WELL, *own, *of_items], key=Attention.weight)


def _order(severity: Severity) -> int:
    return list(Severity).index(severity)
