"""The certificates of erasures, items of the datasets table beside the datasets of the school."""

from __future__ import annotations

from typing import Any

import orjson

from xporter_bridge.aws.dynamodb import DynamoTable
from xporter_bridge.erasure.certificate import Certificate

_PREFIX = "#erasure-"


class CertificateRepository:
    """The certificates of every school."""

    def __init__(self, client: Any, table: str) -> None:
        self._items = DynamoTable(client, table, "estab", "dataset")

    def get(self, estab: str, digest: str) -> Certificate | None:
        """Return the certificate of a tombstone.

        Raises:
            ValueError: It is not as it was written.
        """
        item = self._items.get(estab, _PREFIX + digest)
        return Certificate.read(orjson.loads(item["certificate"])) if item else None

    def put(self, certificate: Certificate) -> None:
        """Store a certificate in place of what was stored."""
        document = certificate.document()
        self._items.update(
            document["estab"],
            _PREFIX + document["id"],
            set_={"certificate": orjson.dumps(document).decode()},
        )

    def of_school(self, estab: str) -> dict[str, dict[str, Any]]:
        """Return the certificates of a school by digest, each as its JSON object."""
        found = self._items.query_partition(estab)
        return {
            item["dataset"].removeprefix(_PREFIX): orjson.loads(item["certificate"])
            for item in found
            if item["dataset"].startswith(_PREFIX)
        }

    def delete(self, estab: str, digest: str) -> None:
        """Delete a certificate, if it is there."""
        self._items.delete(estab, _PREFIX + digest)
