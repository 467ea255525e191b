"""The notice of third-party software that ships in the layer of dependencies."""

from __future__ import annotations

from collections.abc import Iterable

from tools.supply_chain.installed import Installed
from tools.supply_chain.parts import licences_of_parts

NOTICE = "THIRD-PARTY-NOTICES.txt"
_HEAD = """\
Xporter Bridge contains the following software of others, unchanged. The source of every package is
on the Python Package Index under the name and version given here, and the source of every part
that a package has compiled in is in the registry that its package URL names.
"""


def third_party_notice(packages: Iterable[Installed]) -> str:
    """Return the notice: every package with its licence, the texts of it, and its parts.

    Raises:
        ValueError: A package states no licence that is known, or ships no text of its licence.
    """
    parts = [_HEAD]
    for package in packages:
        texts = package.licence_texts()
        if not package.licence or not texts:
            raise ValueError(f"{package.name} states no licence, or ships no text of it")
        parts.append(f"{'=' * 80}\n{package.name} {package.version}: {package.licence}\n")
        compiled = [f"  {part}: {licence}\n" for part, licence in licences_of_parts(package)]
        if compiled:
            parts.append("Parts that it has compiled in:\n" + "".join(compiled))
        parts += [f"--- {name}\n{text.strip()}\n" for name, text in texts.items()]
    return "\n".join(parts)
