"""`adopt`: a new stack takes over what a deleted one has left."""

import json
from pathlib import Path

import click

from ..adopt import imported, kept, left_by
from ..settings import DEFAULT_STACK, common_options
from .session import open_session


@click.command(short_help="Prepare a new stack's import of what a deleted one left.")
@click.argument("stack_id")
@click.option(
    "--template",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default="template.yaml",
    show_default=True,
)
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=".aws-sam",
    show_default=True,
    help="The folder to write to.",
)
@common_options
def adopt(stack_id: str, template: Path, into: Path) -> None:
    """Prepare the import of the tables, buckets, keys and secrets of a deleted stack.

    STACK_ID is its ARN, in CloudFormation's console under "Deleted" for 90 days. Writes the two
    files that `aws cloudformation create-change-set --change-set-type IMPORT` takes; the commands
    that follow are in docs/runbook.md, "Take over what a deleted stack left".
    """
    session = open_session()
    document = kept(template)
    resources = imported(document, left_by(session.target, stack_id))
    into.mkdir(parents=True, exist_ok=True)
    files = {into / "kept.json": document, into / "kept-resources.json": resources}
    for path, content in files.items():
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    found = {
        "template": str(into / "kept.json"),
        "resources": str(into / "kept-resources.json"),
        "imports": [each["LogicalResourceId"] for each in resources],
    }
    session.show(
        found,
        f"{found['template']} and {found['resources']} are written: {len(resources)} resources.",
        f"Next: aws cloudformation create-change-set --stack-name {DEFAULT_STACK} "
        "--change-set-name readopt --change-set-type IMPORT "
        f"--template-body file://{found['template']} "
        f"--resources-to-import file://{found['resources']}",
    )
