"""Checks a company's own datasets.toml against the product's and against the catalogue: pure."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from tools.company.findings import Finding, line_of, syntax_error, table
from xporter_bridge.datasets.config import read, shipped_text
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.errors import ConfigurationError

FILE = "datasets.toml"
_DO = "The comments of layers/shared/xporter_bridge/datasets/datasets.toml explain every key."


def check_datasets(text: str) -> Iterator[Finding]:
    """Yield what is wrong with a text that is to be laid over the product's datasets.toml."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        yield Finding(FILE, syntax_error(text, error), f"No TOML: {error}.", "Correct the line.")
        return
    for name in document.keys() - {"hold", "datasets"}:
        says = f"There is no key {name!r}; there are hold and datasets."
        yield Finding(FILE, line_of(text, [name]), says, _DO)
    yield from _check_hold(text, document)
    for name in table(document, "datasets"):
        yield from _check_dataset(text, document, name)


def _check_hold(text: str, document: Mapping[str, Any]) -> Iterator[Finding]:
    limits = table(document, "hold")
    shipped = table(tomllib.loads(shipped_text()), "hold")
    for key in limits.keys() - shipped.keys():
        yield Finding(FILE, line_of(text, ["hold", key]), f"There is no limit {key!r}.", _DO)
    error = _error_of({"hold": limits})
    if error:
        yield Finding(FILE, line_of(text, ["hold"]), f"{error}.", _DO)


def _check_dataset(text: str, document: Mapping[str, Any], name: str) -> Iterator[Finding]:
    entry = table(document, "datasets", name)
    error = _error_of(_only(name, entry))
    if error:
        blamed = next((key for key in entry if f"'{key}'" in error or key in error.split()), "")
        yield Finding(FILE, line_of(text, ["datasets", name, blamed]), f"{error}.", _DO)
        return
    yield from _check_fields(text, _read(_only(name, entry))[name], entry)


def _check_fields(text: str, dataset: Dataset, entry: Mapping[str, Any]) -> Iterator[Finding]:
    """Doubt fields that Xporter does not document: a misspelt one would go on to be stored."""
    tables = {each.name.casefold(): each for each in dataset.endpoint.tables.values()}
    for key in ("leave_out", "keep", "allow"):
        for name, fields in table(entry, key).items():
            path = ["datasets", dataset.name, key, name]
            if name.casefold() not in tables:
                says = f"Doubtful: {dataset.name} has no table {name!r} that Xporter documents."
                do = f"It has {', '.join(each.name for each in tables.values())}."
                yield Finding(FILE, line_of(text, path, name), says, do, wrong=False)
                continue
            known = {field.casefold() for field in tables[name.casefold()].fields}
            for field in fields:
                is_documented = str(field).casefold() in known
                if is_documented is (key == "allow"):
                    yield _doubt(text, path, str(field), is_documented=is_documented)


def _doubt(text: str, path: list[str], field: str, *, is_documented: bool) -> Finding:
    line = line_of(text, path, field)
    if is_documented:
        says = f"Doubtful: {field} is in the catalogue, so it is stored without `allow`."
        return Finding(FILE, line, says, "Remove it here.", wrong=False)
    says = f"Doubtful: {field} is no field of {path[-1]} that Xporter documents."
    return Finding(FILE, line, says, "Compare the spelling with docs/tables.md.", wrong=False)


def _error_of(document: Mapping[str, Any]) -> str:
    """Return why the product refuses a part of the configuration; empty if it does not."""
    try:
        _read(document)
    except ConfigurationError as error:
        return str(error).rstrip(".")
    except (TypeError, AttributeError) as error:
        return f"a value has the wrong type ({error})"
    return ""


def _only(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration of one dataset, looked at even if its entry disables it."""
    return {"datasets": {name: {**entry, "enabled": True}}}


def _read(document: Mapping[str, Any]) -> Mapping[str, Dataset]:
    return read(tomllib.loads(shipped_text()), document)
