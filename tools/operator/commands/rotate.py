"""`rotate`: new values for the two secrets of the stack."""

import time

import click

from ..aws_errors import explained
from ..rotation import Following, ask_for, document_of, sentence_of
from ..settings import common_options
from ..target import Target
from .session import open_session, yes_option

_drop_option = click.option("--drop", is_flag=True, help="Refuse the old value at once.")


@click.group()
@common_options
def rotate() -> None:
    """Give the callback key or the authentication token a new value.

    The old value is accepted beside the new one until nobody needs it, so no callback is refused.
    """


@rotate.command(short_help="Rotate the key of callback URLs; register every webhook anew.")
@_drop_option
@click.option("--no-wait", is_flag=True, help="Make the new key, and do not wait.")
@click.option("--timeout", type=click.IntRange(1), default=43200, show_default=True)
@yes_option
@common_options
def key(drop: bool, no_wait: bool, timeout: int, yes: bool) -> None:
    """Rotate the key that signs callback URLs, and register every school's webhooks anew.

    The old key is dropped when no school's webhook and no request under way can bear it. Stopped
    and run again, the command continues: it makes no other key before the old one is dropped.
    With --no-wait, schools are registered anew within a day, and the rest happens by itself.

    --drop is for a key that leaked: callbacks of schools that still bear it are refused. Their
    webhooks are registered anew within a day, or by `ask --everyone --no-pulls`.

    \b
    Examples:
      xporter-bridge rotate key --yes
      xporter-bridge rotate key --drop
    """
    session = open_session()
    target = session.target
    state = ask_for(target, "key")
    if drop:
        session.confirm(_loss(state["on_previous"]), is_sure=yes)
        state = ask_for(target, "key", drop=True)
        session.show(document_of("key", state), sentence_of(state))
        return
    if state["accepted"] == 1:
        session.confirm("Make a new callback key and register every school anew?", is_sure=yes)
        state = ask_for(target, "key", rotate=True)
    else:
        session.say("The last rotation is not over; it is continued, and no other key is made.")
    if not no_wait:
        following = Following(target, time.monotonic() + timeout)
        state = following.drop(following.renew(state))
    session.show(document_of("key", state), sentence_of(state))


@rotate.command(short_help="Rotate the token of the authentication URL.")
@click.option("--entered", is_flag=True, help="The Xporter Portal has the new URL: drop the old.")
@yes_option
@common_options
def token(entered: bool, yes: bool) -> None:
    """Rotate the token in which the authentication URL ends, and print the new URL.

    Enter the URL in the Xporter Portal as your application's authorisation URL, then run the
    command with --entered, which has the old URL refused. The Portal cannot be asked which URL it
    has; so nobody but you can say so, and no other token is made before. Without --entered, the
    command prints the URL again.

    \b
    Examples:
      xporter-bridge rotate token
      xporter-bridge rotate token --entered
    """
    session = open_session()
    target = session.target
    state = ask_for(target, "token")
    if entered:
        session.confirm("Refuse the old authentication URL from now on?", is_sure=yes)
        state = ask_for(target, "token", drop=True)
        says = "The old URL is refused from the next minute on."
        session.show(document_of("token", state), says)
        return
    if state["accepted"] == 1:
        session.confirm("Make a new authentication token?", is_sure=yes)
        state = ask_for(target, "token", rotate=True)
    url = _authentication_url(target)
    says = "Enter it in the Xporter Portal, then run `xporter-bridge rotate token --entered`."
    session.show({**document_of("token", state), "authentication_url": url}, url, says)


def _authentication_url(target: Target) -> str:
    """Return the URL for the Portal, with the secret in which it ends."""
    secret_id = target.output("AuthenticationTokenSecretArn")
    with explained():
        answer = target.client("secretsmanager").get_secret_value(SecretId=secret_id)
    return f"{target.output('CallbacksUrl')}/callbacks/authentication/{answer['SecretString']}"


def _loss(schools: int) -> str:
    lost = f"Callbacks of {schools} schools are refused until they are registered anew. "
    return f"{lost if schools else ''}Refuse the old key from now on?"
