"""Distinguishes drift from odd data: rows that share an identity, or another count than stated.

Drift means that the same request gets different answers. So a pull with an odd answer is repeated
once. If the same answer comes again, it is accepted as the data (xporter-api.md 5.3 and 5.4). A
digest of the oddity is stored, so that the next pull with the same oddity need not be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from xporter_bridge.errors import AnswerDoubtedError, ChangeSetUnusableError, PageDriftError
from xporter_bridge.ingestion.collect_tables import TableStream
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.xporter.pages import ALL_ROWS, PageMetadata, meets_row_count

Tables = Mapping[str, TableStream]


@dataclass(frozen=True)
class Oddity:
    """The reason why an answer is doubted, and a digest of the oddity.

    ``is_short`` is true if no way of counting gives the announced number of rows.
    """

    reason: str
    digest: str
    is_short: bool = False


def find_oddity(facts: PageMetadata, came: Tables, gone: Tables) -> Oddity | None:
    """Return why the pages of a pull may not belong to one moment; None if they surely do.

    A row that comes twice in one page, and two rows of one identity in one page, are no reason:
    a page is of one moment.
    """
    if not any(_meets(facts, came, gone, kind) for kind in ("distinct", "paged", "all")):
        digest = f"{facts.row_count} {digest_of(came, gone)}"
        return Oddity("row_count_not_met", digest, is_short=True)
    if any(table.clashes and table.evidence for table in came.values()):
        return Oddity("identity_repeated", _digest_of_repeats(came))
    if not any(_meets(facts, came, gone, kind) for kind in ("distinct", "paged")):
        return Oddity("row_repeated", _digest_of_repeats(came, gone))
    return None


def require_belief(odd: Oddity, came: Tables, gone: Tables, seen: str) -> None:
    """Raise unless an odd answer was seen before, or one that was odd alike was taken.

    Args:
        seen: What an earlier pull remembered: the evidence of an answer that was doubted, or
            the digest of an oddity that was taken.

    Raises:
        AnswerDoubtedError: The answer must come once more.
    """
    if seen == odd.digest:
        return
    evidence = f"{odd.digest}/{digest_of(came, gone)}"
    if seen != evidence:
        raise AnswerDoubtedError(odd.reason, evidence)


def require_usable(came: Tables, odd: Oddity | None) -> None:
    """Raise unless every row of a change set can be followed, and none is missing.

    Raises:
        ChangeSetUnusableError: Rows share an identity, or are not as many as announced.
    """
    clashes = {table: found.clashes for table, found in came.items() if found.clashes}
    if clashes:
        raise ChangeSetUnusableError("identity_repeated", clashes)
    if odd and odd.is_short:
        raise ChangeSetUnusableError("row_count_not_met", {})


def start_over(
    item: DatasetRecord, error: ChangeSetUnusableError | PageDriftError
) -> DatasetRecord:
    """Return the dataset without the pull that an error has stopped; the next one begins anew.

    A change set that does not fit, and an answer of all rows that was doubted, are followed by
    the question for all rows: the same question must get the same answer.
    """
    under_way = item.progress.checkpoint
    is_whole = under_way is not None and under_way.requested_changed_rows == ALL_ROWS
    is_doubted = isinstance(error, AnswerDoubtedError)
    seen = error.evidence if isinstance(error, AnswerDoubtedError) else item.noticed.oddities_seen
    if isinstance(error, ChangeSetUnusableError) or (is_doubted and is_whole):
        item = replace(item, chain=item.chain.broken())
    return replace(
        item,
        progress=replace(item.progress, checkpoint=None),
        noticed=replace(item.noticed, oddities_seen=seen),
    )


def digest_of(*all_tables: Tables) -> str:
    """Return a digest of all rows of an answer."""
    digest = sha256()
    for tables in all_tables:
        for name, table in sorted(tables.items()):
            digest.update(f"{name} {table.rows}\n".encode())
            for block in table.stream():
                digest.update(block.data)
    return digest.hexdigest()[:32]


def _meets(facts: PageMetadata, came: Tables, gone: Tables, kind: str) -> bool:
    return meets_row_count(facts, _counts(came, kind), _counts(gone, kind))


def _counts(tables: Tables, kind: str) -> dict[str, int]:
    """Count distinct rows, those with what a page itself repeats, or all that came.

    Rows that were left out because of an erased person came as well.
    """
    return {
        name: sum(
            each.rows
            + (each.repeats if kind != "distinct" else 0)
            + (each.repeats_elsewhere if kind == "all" else 0)
            for each in (table, table.withheld)
        )
        for name, table in tables.items()
    }


def _digest_of_repeats(*all_tables: Tables) -> str:
    digest = sha256()
    for tables in all_tables:
        for name, table in sorted(tables.items()):
            if table.evidence:
                counts = f"{table.repeats_elsewhere} {table.clashes} {table.evidence}"
                digest.update(f"{name} {counts}\n".encode())
    return digest.hexdigest()[:32]
