"""Which fields are stored, by dataset and scope: the data inventory, as the running code has it."""

from __future__ import annotations

from pydantic import BaseModel

from xporter_bridge.datasets.config import DatasetConfig
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.xporter.endpoints import Table


class TableInventory(BaseModel):
    """One table: the catalogued fields that are stored, and those that are dropped.

    `allowed` are fields outside the catalogue that are stored although their names are sensitive.
    """

    table: str
    key: str
    stored: list[str]
    left_out: list[str]
    allowed: list[str]


class DatasetInventory(BaseModel):
    """One configured dataset. `scope` is Xporter's expression; `scopes` are all that affect it."""

    dataset: str
    endpoint: str
    database: str
    scope: str
    scopes: list[str]
    options: list[str]
    new_columns: str
    tables: list[TableInventory]


class InventoryView(BaseModel):
    """Everything that is pulled by itself. Data pulled on request leaves out the same fields.

    `field_profile` is `minimal` if special categories and other sensitive fields are left out
    unless a dataset keeps them, else `all`.
    """

    field_profile: str
    datasets: list[DatasetInventory]


def present_inventory(config: DatasetConfig) -> InventoryView:
    """Return the inventory of a configuration, in the order of the names."""
    found = sorted(config.values(), key=lambda dataset: dataset.name)
    return InventoryView(
        field_profile=config.field_profile, datasets=[_of_dataset(dataset) for dataset in found]
    )


def _of_dataset(dataset: Dataset) -> DatasetInventory:
    endpoint = dataset.endpoint
    return DatasetInventory(
        dataset=dataset.name,
        endpoint=endpoint.name,
        database=endpoint.database,
        scope=endpoint.scope,
        scopes=sorted(endpoint.scopes),
        options=list(dataset.options),
        new_columns=dataset.drift,
        tables=[_of_table(table, dataset) for table in endpoint.tables.values()],
    )


def _of_table(table: Table, dataset: Dataset) -> TableInventory:
    dropped = dataset.leave_out.get(table.name.casefold(), frozenset())
    known = {name.casefold() for name in table.fields}
    return TableInventory(
        table=table.name,
        key=table.key,
        stored=sorted(name for name in table.fields if name.casefold() not in dropped),
        # A field outside the catalogue may be left out too, before Xporter sends it.
        left_out=sorted({name for name in table.fields if name.casefold() in dropped})
        + sorted(dropped - known),
        allowed=sorted(dataset.allow.get(table.name.casefold(), frozenset())),
    )
