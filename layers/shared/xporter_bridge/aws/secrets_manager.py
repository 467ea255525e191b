"""Secrets Manager: a secret by version stage."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from xporter_bridge.aws.errors import translate_aws_errors


def read_secret_version(client: Any, secret_id: str, stage: str) -> tuple[str, str] | None:
    """Return the id and the text of the version with the stage, or None."""
    with translate_aws_errors("secretsmanager:GetSecretValue"):
        try:
            answer = client.get_secret_value(SecretId=secret_id, VersionStage=stage)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
    return answer["VersionId"], answer["SecretString"]
