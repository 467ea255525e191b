"""Parquet files of the snapshots that a pull makes, if the deployment wants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from xporter_bridge.datasets.model import Dataset
from xporter_bridge.ingestion.dependencies import PullDependencies
from xporter_bridge.snapshots.layout import DatasetLayout
from xporter_bridge.xporter.column_types import type_of

if TYPE_CHECKING:
    from xporter_bridge.snapshots.convert import ParquetFiles


def parquet_files(
    deps: PullDependencies,
    place: DatasetLayout,
    dataset: Dataset,
    out: str,
    heartbeat: Callable[[], None],
    remaining_seconds: Callable[[], float],
) -> ParquetFiles | None:
    """Return what adds Parquet files, or None if none are wanted.

    Args:
        remaining_seconds: The time for fetching and writing; what comes after has time of its own.
    """
    if not deps.has_parquet:
        return None
    from xporter_bridge.snapshots.convert import (  # noqa: PLC0415 - no cold start pays unasked
        ParquetConverter,
        ParquetFiles,
    )

    converter = ParquetConverter(
        deps.store,
        place,
        dataset.endpoint.name,
        type_of,
        has_time=lambda: remaining_seconds() > 0,
        heartbeat=heartbeat,
    )
    return ParquetFiles(deps.store, converter, out)
