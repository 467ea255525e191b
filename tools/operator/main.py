"""The command line: its commands, its help, and how an error ends."""

import errno
import importlib
import os
import sys
from collections.abc import Sequence
from importlib import metadata

import click

from .errors import Exit, OperatorError
from .settings import common_options

# Where each command is. A module is imported when its command is wanted, so that help is quick.
COMMANDS = {
    "explain": "explain:explain",
    "status": "status:status",
    "schools": "schools:schools",
    "doctor": "doctor:doctor",
    "probe": "probe:probe",
    "history": "history:history",
    "logs": "logs:logs",
    "tail": "logs:tail",
    "pull": "pull:pull",
    "hold": "hold:hold",
    "writeback": "writeback:writeback",
    "ask": "ask:ask",
    "trigger": "trigger:trigger",
    "replay": "replay:replay",
    "redrive": "redrive:redrive",
    "invite": "invite:invite",
    "reconcile": "reconcile:reconcile",
    "erase": "erase:erase",
    "rotate": "rotate:rotate",
    "audit": "audit:audit",
    "evidence": "evidence:evidence",
    "data": "data:data",
    "export": "export:export",
    "events": "events:events",
    "output": "outputs:output",
    "adopt": "adopt:adopt",
    "restore": "restore:restore",
    "completion": "completion:completion",
}
_DEBUG = "XPORTER_BRIDGE_DEBUG"


class Commands(click.Group):
    """The commands in the order of the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return every command's name."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Return a command; None for one that there is not."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        found = importlib.import_module(f".commands.{module}", __package__)
        command: click.Command = getattr(found, name)
        return command


def _print_version(context: click.Context, _: click.Parameter, is_wanted: bool) -> None:
    if is_wanted and not context.resilient_parsing:
        try:
            click.echo(metadata.version("xporter-bridge-operator"))
        except metadata.PackageNotFoundError:
            click.echo("of this repository")
        context.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@common_options
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
def cli() -> None:
    """Operate Xporter Bridge: ask it, decide for it, mend it.

    The command works with your own AWS credentials and rights, and says which right is missing.
    Options may stand before the command's name or after it.

    \b
    Which stack:
      STACK_DIR=FOLDER   a local stack, by the folder that `make up` uses
      --stack NAME       a stack of AWS, by its CloudFormation outputs (xporter-bridge),
      --region REGION    where it is; else AWS_REGION or your profile says so
      --profile NAME     whose rights; else AWS_PROFILE or the environment
      --endpoint-url URL another AWS, as an emulator; else AWS_ENDPOINT_URL

    \b
    Exit status:
      0  done
      1  found something wrong, or refused
      2  wrong use
      3  not allowed: a right or a credential is missing
      4  not reachable: no stack, no API, no network
      130  stopped by Ctrl-C

    Results go to stdout; progress and errors go to stderr. NO_COLOR is respected, and so is a
    stdout that is no terminal. `xporter-bridge completion --help` sets up your shell.
    """


# What files and disks refuse, and what to do.
_OF_FILES = {
    errno.ENOSPC: "free some disk, or write elsewhere",
    errno.EDQUOT: "free some of your quota, or write elsewhere",
    errno.EROFS: "write elsewhere",
    errno.EACCES: "write where you may, or read what you may",
    errno.EPERM: "write where you may, or read what you may",
    errno.ENOENT: "name a folder that there is",
    errno.ENOTDIR: "name a folder that there is",
    errno.EISDIR: "name a file",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; no error leaves a traceback."""
    try:
        status = cli.main(
            args=None if arguments is None else list(arguments),
            prog_name="xporter-bridge",
            standalone_mode=False,
        )
    except (BrokenPipeError, SystemExit):
        # click exits by itself when a reader has closed our output, as `| head` does, and when it
        # has completed a word for the shell. Python would report the former at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except (Exception, KeyboardInterrupt) as error:
        if os.environ.get(_DEBUG):
            raise
        message, status = _told(error)
        click.echo(message, err=True)
    return int(status or Exit.DONE)


def _told(error: BaseException) -> tuple[str, int]:
    """Return the sentence for a person about an error, and the exit status."""
    match error:
        case OperatorError():
            return f"error: {error}", error.status
        case click.exceptions.NoArgsIsHelpError():
            return error.format_message(), Exit.WRONG_USE
        case click.UsageError():
            path = error.ctx.command_path if error.ctx else "xporter-bridge"
            message = error.format_message().rstrip(".")
            return f"error: {message}: `{path} --help` says how", Exit.WRONG_USE
        case click.ClickException():
            return f"error: {error.format_message()}", Exit.FOUND
        case click.Abort() | KeyboardInterrupt():
            return "stopped; what was done before stays done", Exit.INTERRUPTED
        case OSError() if error.errno in _OF_FILES:
            place = f"{error.filename}: " if error.filename else ""
            says = f"{place}{str(error.strerror).lower()}"
            return f"error: {says}: {_OF_FILES[error.errno]}", Exit.FOUND
    says = f"xporter-bridge itself failed with {type(error).__name__}"
    return f"error: {says}: set {_DEBUG}=1, run it again, and open an issue", Exit.FOUND
