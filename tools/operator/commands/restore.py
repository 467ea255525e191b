"""`restore`: puts back the items that a table has lost, from a copy."""

from typing import Any

import click

from .. import output
from ..aws_errors import explained
from ..restore import Restorer
from ..settings import common_options
from .session import open_session, yes_option


@click.command(short_help="Put back the items that a table has lost, from a copy.")
@click.argument("table", type=click.Choice(("SchoolsTable", "DatasetsTable", "OperationsTable")))
@click.argument("copy")
@yes_option
@common_options
def restore(table: str, copy: str, yes: bool) -> None:
    """Put the items that TABLE has lost back, from COPY, a table that DynamoDB made of it.

    What is there stays, as it is newer. What was erased does not come back, an open writeback does
    not either, and no sequence comes a second time. It may be repeated, and the system may run
    meanwhile. docs/runbook.md, "Restore a table", says how to make a copy.
    """
    session = open_session()
    target = session.target
    session.confirm(f"Put what {table} lacks back from {copy}?", is_sure=yes)
    dynamodb: Any = target.session.resource("dynamodb", endpoint_url=target.endpoint_url)
    restorer = Restorer(
        dynamodb,
        target.client("s3"),
        target.output("SchoolsTableName"),
        target.output("BucketName"),
    )
    with output.progress("items") as advance, explained():
        found = restorer.restore(copy, target.output(f"{table}Name"), advance)
    session.show(
        dict(found),
        f"{found['restored']} items restored, {found['there']} were there, "
        f"{found['left_out']} left out.",
    )
