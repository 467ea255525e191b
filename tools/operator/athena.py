"""The statement that makes a typed Athena table of the Parquet files of one table."""

import re
from collections.abc import Mapping
from typing import Any

# Athena's name of each form of a column (docs/data.md); every other column is text.
_TYPES = {
    "date": "date",
    "time": "timestamp",
    "time, three decimals": "timestamp",
    "whole number": "bigint",
    "number": "decimal(38, 10)",
    "number, always a fraction": "decimal(38, 10)",
    "truth": "boolean",
    "truth, in words": "boolean",
}
_PARTITIONS = ("estab", "dataset")


def create_table(bucket: str, dataset: str, table: str, entry: Mapping[str, Any]) -> str:
    """Return the statement for the table of a manifest; its files must exist.

    Athena compares names in small letters. A column that has the name of a partition is left out.

    Args:
        dataset: The dataset's name, for the name of Athena's table.
        entry: The table's entry in the manifest.
    """
    types = {name.lower(): kind for name, kind in entry["parquet_types"].items()}
    names = dict.fromkeys(name.lower() for name in entry["columns"])
    columns = ",\n".join(
        f"  {_quoted(name)} {_TYPES.get(types.get(name, ''), 'string')}"
        for name in names
        if name not in _PARTITIONS
    )
    place = f"s3://{bucket}/snapshots/"
    template = f"{place}estab=${{estab}}/dataset=${{dataset}}/format=parquet/table={table}/"
    return (
        f"CREATE EXTERNAL TABLE {_quoted(_name(dataset, table))} (\n{columns}\n)\n"
        "PARTITIONED BY (estab string, dataset string)\n"
        f"STORED AS PARQUET\nLOCATION {_literal(place)}\n"
        "TBLPROPERTIES (\n"
        "  'projection.enabled' = 'true',\n"
        "  'projection.estab.type' = 'injected',\n"
        "  'projection.dataset.type' = 'injected',\n"
        f"  'storage.location.template' = {_literal(template)}\n)"
    )


def _name(dataset: str, table: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", f"{dataset}_{table}".lower())


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
