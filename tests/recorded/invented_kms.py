"""Answers for KMS, so that what was sealed in a recording opens in every later run."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from tests.support.moto_cloud import Cloud


@contextmanager
def hooks_on(
    cloud: Cloud, hooks: Mapping[str, Callable[..., Any]], *, is_first: bool = False
) -> Iterator[None]:
    with ExitStack() as stack:
        for name, hook in hooks.items():
            events = cloud.client(name.split(".")[1]).meta.events
            (events.register_first if is_first else events.register)(name, hook)
            stack.callback(events.unregister, name, hook)
        yield


@contextmanager
def invented_kms(cloud: Cloud) -> Iterator[None]:
    """Answer for KMS, so that what was sealed in a recording opens in every later run."""

    def hook(model: Any, params: Mapping[str, Any], **_: Any) -> Any:
        said = json.loads(params["body"])
        estab = said["EncryptionContext"]["estab"]
        key = hashlib.sha256(f"invented data key of {estab}".encode()).digest()
        wrapped, sealed = f"wrapped key of {estab}".encode(), f"sealed for {estab}: ".encode()
        answer: dict[str, Any] = {"KeyId": "key", "ResponseMetadata": {"HTTPStatusCode": 200}}
        if model.name == "GenerateDataKey":
            answer |= {"Plaintext": key, "CiphertextBlob": wrapped}
        elif model.name == "Encrypt":
            text = base64.b64decode(said["Plaintext"])
            answer["CiphertextBlob"] = sealed + bytes(each ^ 0x5A for each in text)
        else:
            blob = base64.b64decode(said["CiphertextBlob"])
            assert blob == wrapped or blob.startswith(sealed), "sealed for somebody else"
            text = bytes(each ^ 0x5A for each in blob.removeprefix(sealed))
            answer["Plaintext"] = key if blob == wrapped else text
        return mock.Mock(status_code=200, headers={}), answer

    with hooks_on(
        cloud, {f"before-call.kms.{n}": hook for n in ("GenerateDataKey", "Encrypt", "Decrypt")}
    ):
        yield
