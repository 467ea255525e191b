"""The emulator: MiniStack on loopback, with the functions' IAM policies enforced."""

import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tools.set_up import ROOT
from tools.stack.processes import listen, running, url_of, wait_until
from tools.stack.settings import REGION

PYTHON = ROOT / ".tools" / "stack" / "bin" / "python"
# -P: no module in tools/stack may shadow one of the standard library.
MINISTACK = [str(PYTHON), "-P", str(Path(__file__).parent / "emulator_patches.py")]
KEY = "test"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": KEY}


@contextmanager
def emulator(port: int, directory: Path, log: IO[bytes]) -> Iterator[str]:
    """Yield the URL of an empty AWS account; its state ends with the block."""
    with listen(port) as probe:  # it takes no open socket, so the port is only found for it
        url = url_of(probe)
    with running(MINISTACK, environment=_environment(url, directory), log=log) as process:
        wait_until(lambda: _is_healthy(url), process, what="MiniStack", timeout_seconds=30)
        yield url


def aws_environment(endpoint_url: str, home: Path) -> dict[str, str]:
    """Return an environment in which AWS's tools can reach only the emulator.

    It hides the user's own profile and credentials; tools write to ``home``.
    """
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    region = {"AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION}
    return {
        **_minimal_environment(home),
        **CREDENTIALS,
        **nowhere,
        **region,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _environment(url: str, directory: Path) -> Mapping[str, str]:
    """Return MiniStack's settings; the functions inherit all of it, so there is nothing else."""
    return {
        **_minimal_environment(directory),
        **CREDENTIALS,
        "AUTH": "true",
        "LOG_LEVEL": "WARNING",  # at INFO it repeats what the functions log
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "GATEWAY_PORT": url.rpartition(":")[2],
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(directory / "state"),
        "S3_DATA_DIR": str(directory / "s3"),
        "TMPDIR": str(directory),
    }


def _minimal_environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_ministack/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False
