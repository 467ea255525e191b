"""The account that a trial runs in: a real one, or an emulator of it."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import boto3

from tools.stack.emulator import KEY, aws_environment
from tools.stack.settings import REGION

_ONE_AT_A_TIME = threading.Lock()  # a session of boto3 is not made for threads, its clients are


@dataclass(frozen=True)
class Account:
    """An account, with credentials that may create and delete everything, and their owner."""

    number: str
    caller: str
    region: str
    endpoint_url: str | None
    session: Any

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Return the account that AWS's own tools would use here.

        With ``AWS_ENDPOINT_URL`` it is the emulator that answers there, and the user's own
        credentials are not even read.

        Raises:
            botocore.exceptions.BotoCoreError: There are no credentials, or no service answers.
            botocore.exceptions.ClientError: AWS does not accept them.
        """
        endpoint_url = environment.get("AWS_ENDPOINT_URL") or None
        if endpoint_url:
            session: Any = boto3.Session(KEY, KEY, region_name=REGION)
        else:
            session = boto3.Session()
            session = boto3.Session(region_name=session.region_name or REGION)
        identity = session.client("sts", endpoint_url=endpoint_url).get_caller_identity()
        return cls(
            number=identity["Account"],
            caller=identity["Arn"],
            region=session.region_name,
            endpoint_url=endpoint_url,
            session=session,
        )

    @property
    def is_emulator(self) -> bool:
        """Tell whether nothing of this costs money or proves anything of AWS."""
        return self.endpoint_url is not None

    @property
    def poll_seconds(self) -> float:
        """How long to wait before CloudFormation is asked again."""
        return 0.2 if self.is_emulator else 5

    def client(self, service: str) -> Any:
        """Make a client of an AWS service, from any thread."""
        with _ONE_AT_A_TIME:
            return self.session.client(service, endpoint_url=self.endpoint_url)

    def environment(self, home: Path, inherited: Mapping[str, str]) -> dict[str, str]:
        """Return the environment in which `sam` deploys into this account."""
        if self.endpoint_url:
            return aws_environment(self.endpoint_url, home)
        region = {"AWS_DEFAULT_REGION": self.region, "AWS_REGION": self.region}
        return {**inherited, **region, "SAM_CLI_POLL_DELAY": str(self.poll_seconds)}
