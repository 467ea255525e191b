"""`output`: names of resources for other tools."""

import click

from .. import output as terminal
from ..errors import WrongUseError
from ..settings import common_options
from .session import open_session


@click.command("output", short_help="Print an output of the stack by its name.")
@click.argument("name", required=False)
@common_options
def output(name: str | None) -> None:
    """Print an output of the stack, the physical id of a resource, or all outputs.

    \b
    Example:
      aws secretsmanager describe-secret --secret-id "$(xporter-bridge output CallbackKeySecretArn)"
    """
    session = open_session()
    target = session.target
    if name is None:
        rows = sorted(target.outputs.items())
        session.show(dict(rows), terminal.table(("output", "value"), rows))
        return
    found = target.outputs.get(name) or (
        target.resources[name].physical_id if name in target.resources else None
    )
    if found is None:
        raise WrongUseError(
            f"the stack has no output and no resource {name}",
            "`xporter-bridge output` lists the outputs",
        )
    if session.is_json:
        session.show({name: found})
    else:
        click.echo(found)
