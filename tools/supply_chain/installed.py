"""The packages in a folder, as their installation describes them: METADATA, licences, parts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

from tools.supply_chain.licences import licence_of
from tools.supply_chain.locks import normalised

_TEXTS = re.compile(r"(?i)licen[cs]e|notice|copying|authors")


@dataclass(frozen=True)
class Installed:
    """One package in a folder of packages.

    Attributes:
        information: Its ``.dist-info`` folder.
    """

    information: Path
    metadata: Message

    @property
    def name(self) -> str:
        """Its normalised name."""
        return normalised(str(self.metadata["Name"]))

    @property
    def version(self) -> str:
        """Its version."""
        return str(self.metadata["Version"])

    @property
    def licence(self) -> str:
        """Its SPDX expression; empty if it states none that is known."""
        return licence_of(self.metadata)

    @property
    def requires(self) -> list[str]:
        """The normalised names of what it needs, extras aside, whatever the machine."""
        stated = [str(each) for each in self.metadata.get_all("Requires-Dist") or []]
        names = [re.match(r"[A-Za-z0-9._-]+", each) for each in stated if "extra ==" not in each]
        return [normalised(name[0]) for name in names if name]

    def licence_texts(self) -> dict[str, str]:
        """Return the texts of its licences and notices, by path below ``information``."""
        files = sorted(path for path in self.information.rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.information)): path.read_text(encoding="utf-8")
            for path in files
            if _TEXTS.search(path.name)
        }

    def compiled_in(self) -> list[dict[str, Any]]:
        """Return the components that its machine code contains, as CycloneDX has them.

        The package itself states them (PEP 770); a package that states none returns none.
        """
        found = []
        for path in sorted(self.information.glob("sboms/*.json")):
            document = json.loads(path.read_bytes())
            if document.get("bomFormat") == "CycloneDX":
                found += document.get("components", [])
        return found


def installed_in(folder: Path) -> Iterator[Installed]:
    """Yield the packages of a folder, by name of their ``.dist-info``."""
    for information in sorted(folder.glob("*.dist-info")):
        text = (information / "METADATA").read_text(encoding="utf-8")
        yield Installed(information, Parser().parsestr(text, headersonly=True))
