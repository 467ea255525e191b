"""The software bill of materials of a build, in CycloneDX 1.6."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.supply_chain.installed import Installed
from tools.supply_chain.locks import Locked
from tools.supply_chain.parts import licence_of_part

_OURS = "xporter-bridge"


def bill_of_materials(
    lock: str,
    packages: list[Locked],
    built: Mapping[str, Installed],
    version: str,
    layers: Mapping[str, str],
) -> dict[str, Any]:
    """Return the bill of a build; the same build has the same bill, byte for byte.

    So there is no time in it, and its serial number is made of its contents.

    Args:
        lock: The text of the lock file.
        packages: The packages of the lock.
        built: What is in the built layer, by name.
        version: Xporter Bridge's own.
        layers: Digest of the contents of each built folder, by name.

    Raises:
        ValueError: The layer holds something else than the lock names.
    """
    wanted = {package.name: package.version for package in packages}
    held = {name: package.version for name, package in built.items()}
    if wanted != held:
        differing = sorted({name for name, _ in wanted.items() ^ held.items()})
        raise ValueError(f"the layer does not hold what the lock names: {differing}")
    ours = _own_component(version, lock, layers)
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": ours},
        "components": [_component(built[package.name]) for package in packages],
        "dependencies": _dependencies(ours["bom-ref"], packages),
    }
    serial = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(body, sort_keys=True))
    return {**body, "serialNumber": f"urn:uuid:{serial}"}


def write_bill(path: Path, bill: Mapping[str, Any]) -> None:
    """Write a bill as JSON with sorted keys."""
    path.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _own_component(version: str, lock: str, layers: Mapping[str, str]) -> dict[str, Any]:
    known = {"lock": hashlib.sha256(lock.encode()).hexdigest(), **layers}
    return {
        "type": "application",
        "bom-ref": f"{_OURS}@{version}",
        "name": _OURS,
        "version": version,
        "licenses": [{"license": {"id": "MIT"}}],
        "properties": [
            {"name": f"{_OURS}:sha256:{name}", "value": digest}
            for name, digest in sorted(known.items())
        ],
    }


def _component(package: Installed) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": _reference(package.name, package.version),
        "name": package.name,
        "version": package.version,
        "purl": _reference(package.name, package.version),
        "licenses": [{"expression": package.licence}],
    }
    parts = [_part(part) for part in package.compiled_in() if part.get("scope") != "excluded"]
    return {**component, "components": parts} if parts else component


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part as its package states it; its own reference may occur in two packages."""
    kept = {name: part[name] for name in ("type", "name", "version", "purl") if part.get(name)}
    return {**kept, "licenses": [{"expression": licence_of_part(part)}]}


def _dependencies(ours: str, packages: list[Locked]) -> list[dict[str, Any]]:
    references = {package.name: _reference(package.name, package.version) for package in packages}
    needed: dict[str, list[str]] = {ours: [], **{each: [] for each in references.values()}}
    for package in packages:
        parents = [references[name] for name in package.required_by]
        for parent in [ours, *parents] if package.is_direct else parents:
            needed[parent].append(references[package.name])
    return [{"ref": ref, "dependsOn": sorted(on)} for ref, on in needed.items()]


def _reference(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{version}"
