"""`evidence`: what an auditor or a data-protection officer asks for, in a folder."""

import json
from pathlib import Path
from typing import Any

import click

from .. import evidence as facts
from .. import output
from ..evidence_pages import PAGES
from ..settings import common_options
from .session import Session, iso, open_session


@click.command(short_help="Write the evidence of a stack as it runs now.")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default="evidence",
    show_default=True,
    help="The folder to write to.",
)
@common_options
def evidence(into: Path) -> None:
    """Write the evidence of a stack as it runs now, as Markdown and JSON.

    The record of processing and a starter of a DPIA (both with gaps for what no stack can know),
    the table of retention, the data inventory by scope with the fields that are left out, what
    each function may touch, who may decrypt, and the erasures. It holds no data of a person.

    \b
    Example:
      xporter-bridge evidence --into evidence-2026-11
    """
    session = open_session()
    found = _gathered(session)
    into.mkdir(parents=True, exist_ok=True)
    written = []
    for name, page in PAGES.items():
        (into / f"{name}.md").write_text(page(found), encoding="utf-8")
        written.append(f"{name}.md")
    (into / "evidence.json").write_text(
        json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8"
    )
    written.append("evidence.json")
    says = f"{into}: {', '.join(written)}."
    session.show({"folder": str(into), "files": written, "at": found["at"]}, says)


def _gathered(session: Session) -> dict[str, Any]:
    """Read everything; nothing is written before all of it was read."""
    target, api = session.target, session.api
    inventory = api.get("/v1/inventory")
    with output.progress("parts of the evidence", 6) as advance:
        found: dict[str, Any] = {
            "at": iso(session.now),
            "stack": target.name,
            "region": target.region,
            "parameters": dict(sorted(target.parameters.items())),
            "field_profile": inventory.get("field_profile", "all"),
            "inventory": inventory["datasets"],
            "fields_by_scope": facts.scopes_of(inventory),
            "minimised": facts.minimised_of(inventory),
        }
        for name, read in (
            ("beyond_catalogue", lambda: facts.beyond_catalogue(api, inventory)),
            ("fleet", lambda: facts.fleet(api)),
            ("stores", lambda: list(facts.stores(target))),
            ("rights", lambda: list(facts.rights(target))),
            ("keys", lambda: facts.key_policies(target)),
            ("erasures", lambda: facts.erasures(api)),
        ):
            found[name] = read()
            advance(1)
    return found
