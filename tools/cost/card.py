"""Writes docs/cost.md from the bills for fleets of several sizes, with their assumptions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tools.cost.model import Facts, Line, bill, total

FLEETS = (100, 1_000, 5_000, 25_000)
_PAGE = Path(__file__).parent / "card.md"
_SHOWN = {
    "dynamodb_writes": "DynamoDB writes",
    "dynamodb_reads": "reads",
    "s3_writes": "S3 writes",
    "s3_reads": "reads",
    "sqs_requests": "SQS",
    "events": "events",
    "kms_requests": "KMS",
    "secret_reads": "secrets",
}


def card(facts: Facts) -> str:
    """Return the page."""
    bills = [bill(schools, facts) for schools in FLEETS]
    each = (total(bill(25_000, facts)) - total(bill(24_000, facts))) / 1_000
    return _PAGE.read_text(encoding="utf-8").format(
        pupils=facts.counts["pupils"],
        region=facts.prices["region"],
        date=facts.prices["date"],
        each=each,
        once=_once(facts),
        bills=_bills(bills),
        activities=_activities(facts),
        assumptions=_assumptions(facts),
        source=facts.prices["source"],
        prices=_prices(facts),
    )


def _bills(bills: list[list[Line]]) -> str:
    head = ["", *(f"{schools:,} schools" for schools in FLEETS)]
    rows = [
        [f"{lines[0].service}: {lines[0].what}", *(_money(line.cost) for line in lines)]
        for lines in zip(*bills, strict=True)
    ]
    return _table(head, [*rows, ["**all**", *(f"**{_money(total(lines))}**" for lines in bills)]])


def _activities(facts: Facts) -> str:
    rows = []
    for name, used in facts.counts["activities"].items():
        invoked = sum(value for key, value in used.items() if key.startswith("invocations:"))
        asked = sum(value for key, value in used.items() if key.startswith("xporter_requests:"))
        if invoked:
            shown = (f"{used.get(key, 0):g}" for key in _SHOWN)
            logged = f"{used.get('log_bytes', 0) / 1024:.0f}"
            rows.append([name, f"{invoked:g}", f"{asked:g}", *shown, logged])
    return _table(["", "invocations", "Xporter", *_SHOWN.values(), "KB logged"], rows)


def _assumptions(facts: Facts) -> str:
    rows = []
    for name, entry in facts.assumptions.items():
        several = entry if "value" not in entry else {"": entry}
        for part, each in several.items():
            label = f"{part}, a school and day" if part else name.replace("_", " ")
            rows.append([label, f"{each['value']:g}", each["why"]])
    return _table(["", "", "because"], rows)


def _prices(facts: Facts) -> str:
    rows = []
    for entry in facts.prices["prices"].values():
        price = f"{entry['each']:g}" if "each" in entry else f"{entry['per_million']:g} a million"
        rows.append([entry["unit"], price, "yes" if entry["confirmed"] else "no"])
    return _table(["", "US dollars", "confirmed"], rows)


def _once(facts: Facts) -> float:
    """Return the usage of a school's authorisation and first pull, for the main prices."""
    priced = {
        "dynamodb_writes": "dynamodb_write", "dynamodb_reads": "dynamodb_read",
        "s3_writes": "s3_write", "s3_reads": "s3_read", "sqs_requests": "sqs_request",
        "events": "event", "kms_requests": "kms_request", "secret_reads": "secret_read",
    }  # fmt: skip
    activities = facts.counts["activities"]
    used = (activities["authorise"], activities["pull everything"])
    costs = (
        float(each.get(key, 0)) * facts.price(price)
        for each in used
        for key, price in priced.items()
    )
    return sum(costs)


def _money(dollars: float) -> str:
    if 0 < dollars < 0.005:
        return "<0.01"
    return f"{dollars:,.2f}" if dollars < 10 else f"{dollars:,.0f}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table with its numbers aligned to the right."""
    lines = [list(head), *map(list, rows)]
    is_number = [cell.strip("*<")[:1].isdigit() for cell in lines[1]]
    lines.insert(1, ["---:" if each else "---" for each in is_number])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
