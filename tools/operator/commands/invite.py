"""`invite`: a school is asked to authorise the application."""

import click

from ..errors import WrongUseError
from ..invitations import Invitation, kind_of
from ..settings import common_options
from .session import ESTAB, open_session, yes_option


@click.command(short_help="Have Xporter write to a school's contact.")
@click.argument("estab", type=ESTAB)
@click.option("--name", required=True, help="The school's name.")
@click.option("--first-name", required=True, help="Of the school's contact.")
@click.option("--last-name", required=True, help="Of the school's contact.")
@click.option("--email", required=True, help="Of the school's contact, to whom Xporter writes.")
@click.option("--phone", required=True, help="Of the school's contact.")
@click.option("--partner", required=True, help="Your company's name, as Xporter knows it.")
@click.option("--partner-email", required=True, help="Your address that is registered there.")
@click.option("--kind", type=click.Choice(["Live", "Test"]), help="By default as RelyingParty.")
@click.option("--xporter-url", help="Another Xporter than the stack's.")
@click.option("--accept-usage-policy", is_flag=True, help="Your company accepts Xporter's policy.")
@yes_option
@common_options
def invite(
    estab: str,
    kind: str | None,
    xporter_url: str | None,
    accept_usage_policy: bool,
    yes: bool,
    **contact: str,
) -> None:
    """Have Xporter write to a school's contact and ask for the authorisation of the application.

    The management secret of your application is read from XPORTER_MANAGEMENT_SECRET, or asked
    for. Secret and contact are sent to Xporter and stored nowhere. The school appears in `schools`
    after it has authorised you. An invitation that was sent cannot be taken back.
    """
    session = open_session()
    if not accept_usage_policy:
        raise WrongUseError(
            "Xporter invites only for companies that accept its usage policy",
            "read it in the Xporter Portal, then give --accept-usage-policy",
        )
    application = session.target.parameters["RelyingParty"]
    invitation = Invitation(
        estab, kind=kind or kind_of(application), application=application, **contact
    )
    session.confirm(
        f"Have Xporter write to {invitation.email} for {estab} ({invitation.kind})?", is_sure=yes
    )
    session.management(xporter_url).invite(invitation)
    session.show(
        {"estab": estab, "kind": invitation.kind, "invited": True},
        f"Xporter has written to the contact of {estab} ({invitation.kind}).",
    )
