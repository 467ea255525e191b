"""Starts a local stack step by step, and stops it in the opposite order."""

import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from tools.stack.build import built_for_this_machine, machine_parameters
from tools.stack.deployment import deploy, outputs
from tools.stack.earlier import LOG, remove_earlier
from tools.stack.emulator import aws_environment, emulator
from tools.stack.emulator_routes import routed_apis
from tools.stack.errors import StackError
from tools.stack.event_tap import open_event_tap
from tools.stack.function_logs import followed
from tools.stack.gateway import serving
from tools.stack.local_stack import STACKS, LocalStack, client
from tools.stack.processes import listen, url_of
from tools.stack.settings import REGION, StackSettings
from tools.stack.xporter import set_authentication_url, xporter

# The demo's stack takes 460 MB while it runs.
_NEEDED_BYTES = 600 * 10**6


def say(message: str) -> None:
    """Show progress on the terminal; stdout belongs to the ready line."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def local_stack(
    settings: StackSettings | None = None, *, progress: Callable[[str], None] = say
) -> Iterator[LocalStack]:
    """Yield a stack that is ready; everything but its log is deleted at the block's end.

    Raises:
        StackError: A part of the stack did not start.
    """
    settings = settings or StackSettings()
    directory = settings.directory or STACKS / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
    directory.mkdir(parents=True, exist_ok=True)
    if settings.directory is None:
        remove_earlier(STACKS, directory, progress)
    _expect_space(directory)
    log_file = directory / LOG
    progress(f"the log is {log_file}")
    with ExitStack() as held:
        log = held.enter_context(log_file.open("ab", buffering=0))
        _take(log, directory)
        stack = _start(settings, directory, log, held, progress)
        held.enter_context(_announced(stack, directory))
        yield stack


def _expect_space(directory: Path) -> None:
    """Refuse a folder in which the emulator would fail somewhere in the middle."""
    free = shutil.disk_usage(directory).free
    if free < _NEEDED_BYTES:
        raise StackError(
            f"{directory} has {free // 10**6} MB left, and a stack needs {_NEEDED_BYTES // 10**6}: "
            "free some disk, or set STACK_DIR to a folder elsewhere"
        )


def _take(log: IO[bytes], directory: Path) -> None:
    """Refuse a folder whose log another stack, or a process that it left, has open."""
    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StackError(
            f"another stack runs in {directory}: stop that one, or set STACK_DIR to another folder"
        ) from error


def _start(
    settings: StackSettings,
    directory: Path,
    log: IO[bytes],
    held: ExitStack,
    progress: Callable[[str], None],
) -> LocalStack:
    """Open everything; ``held`` closes it."""
    scratch = TemporaryDirectory(dir=directory, ignore_cleanup_errors=True)
    home = Path(held.enter_context(scratch))
    ports = (settings.callbacks_port, settings.api_port)
    listening = [held.enter_context(listen(port)) for port in ports]
    callbacks_url, api_url = (url_of(socket) for socket in listening)

    progress("starting the AWS emulator and Xporter …")
    endpoint_url = held.enter_context(emulator(settings.aws_port, home, log))
    xporter_url = held.enter_context(xporter(settings, log))

    progress("building and deploying template.yaml …")
    parameters = _parameters(settings, xporter_url, callbacks_url)
    with built_for_this_machine(log) as template:
        deploy(template, parameters, environment=aws_environment(endpoint_url, home), log=log)

    progress("opening its APIs …")
    cloudformation, gateway = (client(s, endpoint_url) for s in ("cloudformation", "apigatewayv2"))
    targets = routed_apis(cloudformation, gateway, endpoint_url)
    for target, socket in zip(targets, listening, strict=True):
        held.enter_context(serving(socket, target, log))
    held.enter_context(followed(client("logs", endpoint_url), log))
    stack = _describe(settings, endpoint_url, callbacks_url, api_url, xporter_url, log)
    if not settings.xporter_url:
        set_authentication_url(xporter_url, stack.authentication_url)
    return stack


def _parameters(settings: StackSettings, xporter_url: str, callbacks_url: str) -> dict[str, str]:
    return {
        "Stage": "local",
        "XporterUrl": xporter_url,
        "RelyingParty": settings.relying_party,
        "CallbackBaseUrl": callbacks_url,
        "LogLevel": settings.log_level,
        "FieldProfile": "all",  # its people are invented, and its rows are compared with Xporter's
        "ConcurrentPulls": "4",  # each is a process of this machine
        **machine_parameters(),
        **settings.parameters,
    }


def _describe(
    settings: StackSettings,
    endpoint_url: str,
    callbacks_url: str,
    api_url: str,
    xporter_url: str,
    log: IO[Any],
) -> LocalStack:
    names = outputs(client("cloudformation", endpoint_url))
    secrets = client("secretsmanager", endpoint_url)
    token = secrets.get_secret_value(SecretId=names["AuthenticationTokenSecretArn"])["SecretString"]
    sqs, events = client("sqs", endpoint_url), client("events", endpoint_url)
    return LocalStack(
        callbacks_url=callbacks_url,
        api_url=api_url,
        aws_endpoint_url=endpoint_url,
        region=REGION,
        xporter_url=xporter_url,
        bucket=names["BucketName"],
        event_tap_queue_url=open_event_tap(sqs, events, names["EventBusName"]),
        authentication_url=f"{callbacks_url}/callbacks/authentication/{token}",
        relying_party=settings.relying_party,
        log_file=log.name,
        pid=os.getpid(),
    )


@contextmanager
def _announced(stack: LocalStack, directory: Path) -> Iterator[None]:
    """Let `python -m tools.stack` find the stack for as long as the block lasts."""
    announcement = directory / "ready.json"
    announcement.write_text(stack.ready_line())
    try:
        yield
    finally:
        announcement.unlink()
