"""Secrets Manager: the versions of a secret, and the labels ("stages") on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from xporter_bridge.aws.errors import translate_aws_errors

CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"


@dataclass(frozen=True)
class StagedVersions:
    """The ids of a secret's labelled versions, empty where no version has the label.

    ``changed_at`` is the time of the secret's last change of any kind.
    """

    current: str
    previous: str
    pending: str
    changed_at: datetime


def read_secret_version(client: Any, secret_id: str, stage: str) -> tuple[str, str] | None:
    """Return the id and the text of the version with the stage, or None."""
    return _version(client, SecretId=secret_id, VersionStage=stage)


class VersionedSecret:
    """One secret whose versions are made and labelled here."""

    def __init__(self, client: Any, secret_id: str) -> None:
        self._client = client
        self.id = secret_id

    def versions(self) -> StagedVersions:
        """Return the ids of the labelled versions. A pending version may have no value yet."""
        with translate_aws_errors("secretsmanager:DescribeSecret"):
            answer = self._client.describe_secret(SecretId=self.id)
        stages = answer.get("VersionIdsToStages", {})

        def labelled(stage: str) -> str:
            return next((id_ for id_, labels in stages.items() if stage in labels), "")

        return StagedVersions(
            labelled(CURRENT), labelled(PREVIOUS), labelled(PENDING), answer["LastChangedDate"]
        )

    def value(self, version: str) -> str | None:
        """Return the text of a version, or None if the version has none."""
        found = _version(self._client, SecretId=self.id, VersionId=version)
        return found[1] if found else None

    def put_pending(self, version: str, value: str) -> None:
        """Give a version its value and the label of a pending one.

        Raises:
            TransientError: Among others, if the version has another value: none is ever changed.
        """
        with translate_aws_errors("secretsmanager:PutSecretValue"):
            self._client.put_secret_value(
                SecretId=self.id,
                ClientRequestToken=version,
                SecretString=value,
                VersionStages=[PENDING],
            )

    def make_current(self, version: str, instead_of: str) -> None:
        """Move the label of the current version; the other version becomes the previous one."""
        self._label(CURRENT, MoveToVersionId=version, RemoveFromVersionId=instead_of)

    def remove_label(self, stage: str, version: str) -> None:
        """Take a label off a version. A version without a label can no longer be found by one."""
        self._label(stage, RemoveFromVersionId=version)

    def _label(self, stage: str, **versions: str) -> None:
        with translate_aws_errors("secretsmanager:UpdateSecretVersionStage"):
            self._client.update_secret_version_stage(
                SecretId=self.id, VersionStage=stage, **versions
            )


def _version(client: Any, **named: str) -> tuple[str, str] | None:
    with translate_aws_errors("secretsmanager:GetSecretValue"):
        try:
            answer = client.get_secret_value(**named)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
    return answer["VersionId"], answer["SecretString"]
