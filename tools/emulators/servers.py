"""DynamoDB Local and s3rver, each on a port of loopback for as long as a block lasts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.emulators.installation import HOME, classpath, dynamodb_jar
from tools.stack.errors import StackError

_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m")  # short lives, little work
_S3RVER = Path(__file__).parent / "s3rver.cjs"
_GRACE_SECONDS = 5


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """Yield the URL of AWS's own DynamoDB Local, empty, in memory."""
    libraries = f"-Djava.library.path={dynamodb_jar().parent / 'DynamoDBLocal_lib'}"
    options = ("-inMemory", "-sharedDb", "-disableTelemetry")
    with _serving(
        ("java", *_JVM, libraries, "-cp", classpath(), "LoopbackDynamoDb", *options)
    ) as url:
        yield url


@contextmanager
def s3rver(directory: Path) -> Iterator[str]:
    """Yield the URL of an S3 without buckets that keeps its objects in ``directory``."""
    with _serving(("node", str(_S3RVER), str(directory))) as url:
        yield url


@contextmanager
def _serving(command: Sequence[str]) -> Iterator[str]:
    """Run a server that prints its port, and ends when its standard input does.

    So the server also ends if this process is killed.

    Raises:
        StackError: It ended before it was ready.
    """
    with subprocess.Popen(
        command,
        env={**os.environ, "NODE_PATH": str(HOME / "node_modules")},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            lines = (line for line in process.stdout if line.startswith("port "))
            port = next(lines, "").removeprefix("port ").strip()
            if not port:
                raise StackError(f"{command[0]} did not start")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.stdin.close()
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
