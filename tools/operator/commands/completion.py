"""`completion`: the shell completes commands and options."""

import click
from click.shell_completion import get_completion_class

from ..settings import common_options


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@common_options
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    Set it up:
      bash  eval "$(xporter-bridge completion bash)"            in ~/.bashrc
      zsh   eval "$(xporter-bridge completion zsh)"             in ~/.zshrc
      fish  xporter-bridge completion fish > ~/.config/fish/completions/xporter-bridge.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(context.find_root().command, {}, "xporter-bridge", "_XPORTER_BRIDGE_COMPLETE")
    click.echo(script.source())
