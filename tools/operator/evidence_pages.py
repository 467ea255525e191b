"""Writes the evidence of a stack as pages for people."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Evidence = Mapping[str, Any]
# What no stack knows: a person writes it in.
_GAP = "**to be filled in**"
_PEOPLE = {
    "Student": "pupils",
    "Staff": "staff",
    "Contact": "contacts of pupils",
}


def processing(found: Evidence) -> str:
    """Return the processor's record of processing (Article 30(2) UK GDPR)."""
    parameters, fleet = found["parameters"], found["fleet"]
    facts = [
        ("Processor", f"{_GAP} (application at Xporter: {parameters['RelyingParty']})"),
        ("Data-protection officer", _GAP),
        ("Controllers", f"the schools: {_counted(fleet['states'])}"),
        ("Categories of processing", "storing what schools share through Xporter; writing back"),
        ("People concerned", ", ".join(people(found))),
        ("Scopes that schools grant", _counted(fleet["scopes"])),
        ("Recipients", f"readers: {parameters.get('DataReaderArns') or 'none'}; others: {_GAP}"),
        ("Transfers to third countries", f"none by the stack; all data is in {found['region']}"),
        ("Erasure", f"by school and by dataset; {len(found['erasures'])} so far (page Erasures)"),
        ("Retention", "page Retention"),
        ("Security measures", "page Access by role; docs/security.md of the product"),
    ]
    return _page("Record of processing", found, _table(("entry", "what"), facts))


def assessment(found: Evidence) -> str:
    """Return the beginning of a DPIA (Article 35 UK GDPR): the facts, and gaps for judgements."""
    needs = [
        (each["dataset"], each["scope"], str(_fields(each)), _GAP) for each in found["inventory"]
    ]
    risks = [
        (
            "somebody in the account reads pupils",
            f"keys open for functions and {_readers(found)}",
            _GAP,
        ),
        ("more is stored than is needed", f"{len(found['minimised'])} fields are left out", _GAP),
        ("data is kept too long", f"superseded data {found['parameters']['KeepDays']} days", _GAP),
        ("a mark is written wrongly", "each writeback is noted with its caller and its end", _GAP),
        ("a school's secret leaks", "sealed under a key of the school; see docs/security.md", _GAP),
    ]
    text = "\n\n".join(
        (
            f"Purpose and legal basis: {_GAP}. Consultation: {_GAP}. Decision: {_GAP}.",
            "## Is each dataset needed?",
            _table(("dataset", "scope", "fields stored", "needed for"), needs),
            "## Risks",
            _table(("risk", "measure in this stack", "what remains"), risks),
        )
    )
    return _page("Data-protection impact assessment: starter", found, text)


def retention(found: Evidence) -> str:
    """Return how long each store keeps what it holds, as AWS says it now."""
    rows = [
        (each["store"], each["type"].rpartition("::")[2], str(each["days"] or ""), each["kept"])
        for each in found["stores"]
    ]
    return _page("Retention", found, _table(("store", "kind", "days at most", "kept"), rows))


def inventory(found: Evidence) -> str:
    """Return the stored fields by dataset and scope, and those that are left out."""
    rows = [
        (
            each["dataset"],
            each["scope"],
            table["table"],
            ", ".join(table["stored"]),
            ", ".join(table["left_out"]),
            ", ".join(table["allowed"]),
        )
        for each in found["inventory"]
        for table in each["tables"]
    ]
    columns = ("dataset", "scope", "table", "stored", "left out", "allowed beside the catalogue")
    more = _table(
        ("table", "columns"),
        [(table, ", ".join(columns)) for table, columns in found["beyond_catalogue"].items()],
    )
    profiles = {
        "minimal": "FieldProfile is minimal: special categories and other sensitive columns are "
        "left out unless datasets.toml keeps them.",
        "all": "FieldProfile is all: every column is stored but for those of `leave_out`.",
    }
    text = (
        f"{profiles[found['field_profile']]}\n\n"
        "Columns outside the catalogue with sensitive names are withheld unless they are allowed; "
        "other new columns are stored, unless `drift` discards them.\n\n"
    )
    seen = f"\n\n## Stored beside the catalogue, as manifests of some schools name it\n\n{more}"
    return _page("Data inventory", found, text + _table(columns, rows) + seen)


def access(found: Evidence) -> str:
    """Return what each role of the stack may touch, and who may decrypt."""
    rows = [
        (each["role"], ", ".join(each["actions"]), ", ".join(each["resources"]))
        for each in found["rights"]
    ]
    keys = [
        (
            key,
            statement.get("Sid", ""),
            statement["Effect"],
            ", ".join(_listed(statement["Action"])),
            _principals(statement),
        )
        for key, policy in found["keys"].items()
        for statement in policy["Statement"]
    ]
    text = "\n\n".join(
        (
            f"Readers of pupils' rows beside the functions: {_readers(found)}.",
            "## What each function may touch",
            _table(("role", "may", "on"), rows),
            "## Who may use the keys",
            _table(("key", "statement", "effect", "actions", "for"), keys),
        )
    )
    return _page("Access by role", found, text)


def erasures(found: Evidence) -> str:
    """Return the erasures that came to their end."""
    rows = [
        (
            each["at"],
            each["estab"] or "",
            "school" if each["action"] == "eraseSchool" else each["about"].get("dataset", ""),
            each["about"].get("requested_at") or each["about"].get("reason", ""),
        )
        for each in found["erasures"]
    ]
    text = _table(("erased at", "estab", "what", "asked for at, or why"), rows) if rows else "None."
    text += (
        "\n\nFor 35 days after each erasure, a point-in-time recovery of the tables can still "
        "show their items as they were. Objects in the buckets are gone in every version."
    )
    return _page("Erasures", found, text)


PAGES: Mapping[str, Callable[[Evidence], str]] = {
    "record-of-processing": processing,
    "dpia": assessment,
    "retention": retention,
    "inventory": inventory,
    "access": access,
    "erasures": erasures,
}


def people(found: Evidence) -> list[str]:
    """Return the kinds of people whose data the configured datasets hold."""
    tables = [table["table"] for each in found["inventory"] for table in each["tables"]]
    return [who for start, who in _PEOPLE.items() if any(start in table for table in tables)]


def _page(title: str, found: Evidence, text: str) -> str:
    where = f"Stack {found['stack']} in {found['region']}, read at {found['at']}."
    return f"# {title}\n\n{where}\n\n{text}\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(
        f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |"
        for line in lines
    )


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items()) or "none"


def _fields(dataset: Mapping[str, Any]) -> int:
    return sum(len(table["stored"]) for table in dataset["tables"])


def _readers(found: Evidence) -> str:
    return found["parameters"].get("DataReaderArns") or "nobody else"


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _principals(statement: Mapping[str, Any]) -> str:
    named = statement["Principal"]
    said = named if isinstance(named, str) else ", ".join(map(str, named.values()))
    conditions = statement.get("Condition", {})
    under = "; ".join(
        f"{key} {operator} {', '.join(_listed(values))}"
        for operator, tests in conditions.items()
        for key, values in tests.items()
    )
    return f"{said} if {under}" if under else said
