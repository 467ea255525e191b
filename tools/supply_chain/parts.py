"""What packages have compiled in: Rust crates, OpenSSL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.supply_chain.installed import Installed

# Parts whose packages state no licence. OpenSSL has been under Apache-2.0 since its version 3.
_NOT_STATED = {"openssl": "Apache-2.0"}


def licences_of_parts(package: Installed) -> list[tuple[str, str]]:
    """Return name, version and SPDX expression of each part that ships in a package.

    A part that only built the package does not ship, and is left out.
    """
    return [
        (f"{part['name']} {part.get('version', '')}".strip(), licence_of_part(part))
        for part in package.compiled_in()
        if part.get("scope") != "excluded"
    ]


def licence_of_part(part: Mapping[str, Any]) -> str:
    """Return the SPDX expression of a CycloneDX component; empty if none is stated or known."""
    stated = [
        each.get("expression") or each.get("license", {}).get("id", "")
        for each in part.get("licenses") or []
    ]
    return " AND ".join(f"({each})" for each in stated) or _NOT_STATED.get(part["name"], "")
