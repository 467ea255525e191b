"""The certificate of one person's erasure: what was deleted, when, and what is left for how long.

It names nobody: the person is the digest of the tombstone. It is stored beside the datasets of the
school, and deleted with the tombstone or the school.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson

from xporter_bridge.schools.erased_people import PersonTombstone
from xporter_bridge.timestamps import iso, iso_or_none

# So long DynamoDB's point-in-time recovery remembers every item.
_BACKUPS_KEPT = timedelta(days=35)


@dataclass(frozen=True)
class DatasetErasure:
    """What one new sequence of a dataset holds no more.

    ``rows`` counts rows about the person, ``mentions`` rows that lost the person from a list, and
    ``sha256`` is the digest of each snapshot that was written anew; all by table.
    """

    dataset: str
    sequence: int
    rows: Mapping[str, int]
    mentions: Mapping[str, int]
    sha256: Mapping[str, str]


@dataclass(frozen=True)
class Certificate:
    """One certificate; ``facts`` are those of its stored form, without the seal."""

    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def begun(cls, estab: str, person: PersonTombstone) -> Certificate:
        """Return the certificate of an erasure that begins."""
        return cls(
            {
                "id": person.digest,
                "estab": estab,
                "kind": str(person.kind),
                "requested_at": iso(person.requested_at),
                "erased_at": None,
                "verified_at": None,
                "backups_until": None,
                "objects": 0,
                "operations": 0,
                "dead_letters": 0,
                "datasets": {},
            }
        )

    def is_of(self, person: PersonTombstone) -> bool:
        """Tell whether the certificate belongs to this request, and not to an earlier one."""
        return self.facts.get("requested_at") == iso(person.requested_at)

    def adding(self, done: DatasetErasure) -> Certificate:
        """Return the certificate with one sequence; the same sequence again replaces itself."""
        facts = {
            "rows": dict(done.rows),
            "mentions": dict(done.mentions),
            "sha256": dict(done.sha256),
        }
        before = self.facts["datasets"]
        of_dataset = {**before.get(done.dataset, {}), str(done.sequence): facts}
        return Certificate({**self.facts, "datasets": {**before, done.dataset: of_dataset}})

    def counting(
        self, *, objects: int = 0, operations: int = 0, dead_letters: int = 0
    ) -> Certificate:
        """Return the certificate with more deleted objects of S3, operations and dead letters.

        A certificate of earlier code counts no dead letters until some are deleted.
        """
        added = {"objects": objects, "operations": operations}
        if dead_letters or "dead_letters" in self.facts:
            added["dead_letters"] = dead_letters
        return Certificate(
            {**self.facts, **{name: self.facts.get(name, 0) + more for name, more in added.items()}}
        )

    def stamped(self, person: PersonTombstone) -> Certificate:
        """Return the certificate with the times of the tombstone."""
        erased_at = person.erased_at
        return Certificate(
            {
                **self.facts,
                "erased_at": iso_or_none(erased_at),
                "verified_at": iso_or_none(person.verified_at),
                "backups_until": iso(erased_at + _BACKUPS_KEPT) if erased_at else None,
            }
        )

    def document(self) -> dict[str, Any]:
        """Return the JSON object, with a digest of all other fields."""
        return {**self.facts, "sha256": self._seal()}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Certificate:
        """Return the certificate of a JSON object.

        Raises:
            ValueError: It is not as it was written.
        """
        facts = {name: value for name, value in document.items() if name != "sha256"}
        found = cls(facts)
        if document.get("sha256") != found._seal():
            raise ValueError("the certificate was changed after it was written")
        return found

    def _seal(self) -> str:
        return sha256(orjson.dumps(self.facts, option=orjson.OPT_SORT_KEYS)).hexdigest()


def of_request(found: Certificate | None, estab: str, person: PersonTombstone) -> Certificate:
    """Return the certificate to go on with: the stored one, if it is of this request."""
    if found is not None and found.is_of(person):
        return found
    return Certificate.begun(estab, person)
