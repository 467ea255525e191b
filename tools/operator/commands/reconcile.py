"""`reconcile`: which schools have authorised the application without the stack knowing it."""

import click

from .. import output
from ..errors import Exit
from ..reconciliation import Difference, differences
from ..settings import common_options
from .session import open_session


@click.command(short_help="Compare the authorised schools at Xporter with the stack's.")
@click.option("--xporter-url", help="Another Xporter than the stack's.")
@common_options
@click.pass_context
def reconcile(context: click.Context, xporter_url: str | None) -> None:
    """Compare the schools that have authorised you at Xporter with those of the stack.

    Shows every school whose authentication callback was lost, and every school that Xporter no
    longer lists. Nothing is changed. The management secret of your application is read from
    XPORTER_MANAGEMENT_SECRET, or asked for, and stored nowhere.

    Exit status: 0 if the two agree, 1 if they disagree about a school.
    """
    session = open_session()
    application = session.target.parameters["RelyingParty"]
    at_xporter = session.management(xporter_url).authorised_schools(application)
    here: dict[str, str] = {}
    with output.progress("schools") as advance:
        for page in session.api.schools():
            here |= {each["estab"]: each["state"] for each in page}
            advance(len(page))
    found = differences(at_xporter, here)
    session.show(
        {
            "at_xporter": len(at_xporter),
            "here": len(here),
            "differences": [each.document() for each in found],
        },
        _table(found)
        if found
        else f"Xporter and the stack agree: {len(at_xporter)} schools have authorised you.",
    )
    if found:
        context.exit(Exit.FOUND)


def _table(found: list[Difference]) -> object:
    return output.table(
        ("school", "state here", "what is wrong", "what to do"),
        ((each.estab, output.styled(each.state), each.says, each.do) for each in found),
    )
