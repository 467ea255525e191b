"""The stack, API and clock of a command, each opened at its first use."""

import os
import sys
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import click

from .. import output
from ..api import Api
from ..errors import WrongUseError
from ..management import Management
from ..settings import Settings
from ..target import Target, find

# No option: a shell remembers those.
_SECRET = "XPORTER_MANAGEMENT_SECRET"


class Session:
    """One run of one command."""

    def __init__(self, settings: Settings) -> None:
        self.is_json = settings.json
        self._settings = settings

    @cached_property
    def target(self) -> Target:
        """The stack."""
        return find(self._settings)

    @cached_property
    def api(self) -> Api:
        """Its API."""
        return Api(self.target)

    def management(self, xporter_url: str | None) -> Management:
        """Return Xporter's management API, opened with the management secret of the caller.

        Args:
            xporter_url: Another Xporter than the stack's.

        Raises:
            OperatorError: Xporter issues no token for the secret, or does not answer.
        """
        parameters = self.target.parameters
        management = Management(xporter_url or parameters["XporterUrl"])
        secret = os.environ.get(_SECRET)
        secret = secret or click.prompt("Management secret", hide_input=True, err=True)
        management.take_token(parameters["RelyingParty"], secret)
        return management

    @property
    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)

    def show(self, document: Any, *drawn: Any) -> None:
        """Print the result: the document as JSON if that was asked for, else what is drawn."""
        if self.is_json:
            output.print_json(document)
            return
        console = output.stdout()
        for each in drawn:
            console.print(each)

    def confirm(self, question: str, *, is_sure: bool) -> None:
        """Ask before something is changed, unless the caller was sure already.

        Raises:
            WrongUseError: Nobody can answer.
            click.Abort: The answer was no.
        """
        if is_sure:
            return
        if not sys.stdin.isatty():
            raise WrongUseError(
                "this command asks before it acts, and nobody can answer", "give it --yes"
            )
        click.confirm(question, abort=True, err=True)

    def say(self, text: str) -> None:
        """Print a remark to stderr, unless the output is JSON."""
        output.note(text)


def open_session() -> Session:
    """Return the session of the command that runs now."""
    return Session(click.get_current_context().ensure_object(Settings))


def iso(time: datetime) -> str:
    """Return a time as the product's messages write it."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Estab(click.ParamType[str]):
    """A school's number."""

    name = "estab"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the number without a slash between its parts; refuse what is none."""
        text = str(value).replace("/", "").strip()
        if len(text) != 7 or not text.isascii() or not text.isdigit():
            self.fail(f"{value!r} is no school's number: seven digits, as 3281102", param, ctx)
        return text


ESTAB = Estab()
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
