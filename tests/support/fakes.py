"""AWS in plain dictionaries: fast, and every call of it can fail, lose its answer or be the last.

One contract (``integration/test_fakes.py``) holds for these and for moto.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.support.dynamodb_in_memory import ItemsInMemory
from xporter_bridge.errors import TransientError
from xporter_bridge.schools.vault import OpenedKey

T = TypeVar("T")
KEY = b"k" * 32


class KilledError(BaseException):
    """The process is no more: nothing catches this, and nothing can be called after it."""


class Mishap(StrEnum):
    """What becomes of one call."""

    REFUSED = "refused before anything was done"
    ANSWER_LOST = "done, but the answer was lost"
    KILLED_BEFORE = "the process died before it"
    KILLED_AFTER = "the process died after it"
    STALLED = "the process stood still before it, long enough to lose what it held"


@dataclass
class Calls:
    """Counts the calls to AWS, and lets one of them go wrong."""

    names: list[str] = field(default_factory=list)
    at: int | None = None
    mishap: Mishap | None = None
    is_dead: bool = False
    meanwhile: Callable[[], object] = field(default=lambda: None)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, at: int | None, mishap: Mishap | None = None) -> None:
        """Begin to count anew; the call with that number, from 0, goes wrong.

        ``meanwhile`` is what others do while the process stands still.
        """
        self.names, self.at, self.mishap, self.is_dead = [], at, mishap, False

    def make(self, name: str, work: Callable[[], T], fault: Callable[[str, bool], Exception]) -> T:
        with self._lock:
            if self.is_dead:
                raise KilledError
            mishap = self.mishap if len(self.names) == self.at else None
            self.names.append(name)
            if mishap is Mishap.KILLED_BEFORE:
                self._die()
        if mishap is Mishap.REFUSED:
            raise fault(name, False)
        if mishap is Mishap.STALLED:
            self.at = None
            self.meanwhile()
        answer = work()
        if mishap is Mishap.ANSWER_LOST:
            raise fault(name, True)
        if mishap is Mishap.KILLED_AFTER:
            self._die()
        return answer

    def _die(self) -> None:
        self.is_dead = True
        raise KilledError


def _botocore_fault(name: str, is_done: bool) -> Exception:
    if is_done:
        return ReadTimeoutError(endpoint_url="https://aws.invalid")
    return ClientError({"Error": {"Code": "InternalError"}}, name)


def _own_fault(name: str, is_done: bool) -> Exception:
    return TransientError(f"{name}: {'lost' if is_done else 'refused'}")


class CountedItems(ItemsInMemory):
    """A table whose every call is counted, in place of ``Items``."""

    def __init__(self, calls: Calls, *key: str) -> None:
        super().__init__(*key)
        self._calls = calls

    def get(self, *key: str) -> Any:
        return self._calls.make("GetItem", lambda: super(CountedItems, self).get(*key), _own_fault)

    def update(self, *key: str, **arguments: Any) -> Any:
        return self._calls.make(
            "UpdateItem", lambda: super(CountedItems, self).update(*key, **arguments), _own_fault
        )

    def delete(self, *key: str, **arguments: Any) -> None:
        self._calls.make(
            "DeleteItem", lambda: super(CountedItems, self).delete(*key, **arguments), _own_fault
        )

    def query_partition(self, partition: str) -> Iterator[Any]:
        found = self._calls.make(
            "Query", lambda: list(super(CountedItems, self).query_partition(partition)), _own_fault
        )
        yield from found

    def query_due(self, now: str, shards: Iterable[int]) -> Iterator[Any]:
        found = self._calls.make(
            "Query", lambda: list(super(CountedItems, self).query_due(now, shards)), _own_fault
        )
        yield from found


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "S3")


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class _Body(io.BytesIO):
    def iter_chunks(self, size: int) -> Iterator[bytes]:
        while chunk := self.read(size):
            yield chunk


class S3:
    """The calls of boto3's S3 client that the system makes, over any mapping of objects.

    Objects are keyed by ``bucket/key``; versions are not kept.
    """

    def __init__(self, calls: Calls, objects: MutableMapping[str, bytes] | None = None) -> None:
        self.objects: MutableMapping[str, bytes] = {} if objects is None else objects
        self._calls = calls
        self._uploads: dict[str, dict[int, bytes]] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **given: str) -> dict[str, Any]:  # noqa: N803
        name = f"{Bucket}/{Key}"

        def put() -> dict[str, Any]:
            seen = given.get("IfMatch")
            is_other = seen is not None and _etag(self._found(name)) != seen
            if is_other or ("IfNoneMatch" in given and name in self.objects):
                raise _error("PreconditionFailed")
            self.objects[name] = bytes(Body)
            return {}

        return self._make("PutObject", put)

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return self._make("HeadObject", lambda: {"ETag": _etag(self._found(f"{Bucket}/{Key}"))})

    def get_object(self, *, Bucket: str, Key: str, Range: str = "") -> dict[str, Any]:  # noqa: N803
        def get() -> dict[str, Any]:
            body = self._found(f"{Bucket}/{Key}")
            if Range:
                first, last = Range.removeprefix("bytes=").split("-")
                body = body[int(first) : int(last) + 1]
            return {"Body": _Body(body)}

        return self._make("GetObject", get)

    def copy_object(
        self, *, Bucket: str, Key: str, CopySource: Mapping[str, str], **_: Any  # noqa: N803
    ) -> dict[str, Any]:  # fmt: skip
        def copy() -> dict[str, Any]:
            source = f"{CopySource['Bucket']}/{CopySource['Key']}"
            self.objects[f"{Bucket}/{Key}"] = self._found(source)
            return {}

        return self._make("CopyObject", copy)

    def delete_objects(self, *, Bucket: str, Delete: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        def delete() -> dict[str, Any]:
            for entry in Delete["Objects"]:
                self.objects.pop(f"{Bucket}/{entry['Key']}", None)
            return {}

        return self._make("DeleteObjects", delete)

    def get_paginator(self, _: str) -> S3:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterable[dict[str, Any]]:  # noqa: N803
        def listed() -> list[dict[str, Any]]:
            place = f"{Bucket}/{Prefix}"
            keys = sorted(key for key in list(self.objects) if key.startswith(place))
            names = [key.removeprefix(f"{Bucket}/") for key in keys]
            return [{"Contents": [{"Key": name, "Size": 0} for name in names]}]

        return self._make("ListObjectsV2", listed)

    def create_multipart_upload(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        def create() -> dict[str, Any]:
            name = f"{Bucket}/{Key}#{len(self._uploads)}"
            self._uploads[name] = {}
            return {"UploadId": name}

        return self._make("CreateMultipartUpload", create)

    def upload_part(
        self, *, UploadId: str, PartNumber: int, Body: bytes, **_: Any  # noqa: N803
    ) -> dict[str, Any]:  # fmt: skip
        def upload() -> dict[str, Any]:
            self._uploads[UploadId][PartNumber] = bytes(Body)
            return {"ETag": str(PartNumber)}

        return self._make("UploadPart", upload)

    def complete_multipart_upload(
        self, *, Bucket: str, Key: str, UploadId: str, **_: Any  # noqa: N803
    ) -> dict[str, Any]:  # fmt: skip
        def complete() -> dict[str, Any]:
            parts = self._uploads.pop(UploadId)
            self.objects[f"{Bucket}/{Key}"] = b"".join(parts[n] for n in sorted(parts))
            return {}

        return self._make("CompleteMultipartUpload", complete)

    def _found(self, name: str) -> bytes:
        try:
            return self.objects[name]
        except KeyError:
            raise _error("NoSuchKey") from None

    def _make(self, name: str, work: Callable[[], T]) -> T:
        return self._calls.make(name, work, _botocore_fault)


class Sqs:
    """One queue behind boto3's SQS client; a delayed message comes when its time has come."""

    def __init__(self, calls: Calls, now: Callable[[], datetime]) -> None:
        self.messages: list[tuple[datetime, dict[str, Any]]] = []
        self._calls, self._now = calls, now

    def send_message(self, *, MessageBody: str, DelaySeconds: int = 0, **_: Any) -> dict[str, Any]:  # noqa: N803
        def send() -> dict[str, Any]:
            due = self._now() + timedelta(seconds=DelaySeconds)
            self.messages.append((due, json.loads(MessageBody)))
            return {}

        return self._calls.make("SendMessage", send, _botocore_fault)

    def send_message_batch(self, *, Entries: list[dict[str, Any]], **_: Any) -> dict[str, Any]:  # noqa: N803
        def send() -> dict[str, Any]:
            bodies = [json.loads(entry["MessageBody"]) for entry in Entries]
            self.messages += [(self._now(), body) for body in bodies]
            return {}

        return self._calls.make("SendMessageBatch", send, _botocore_fault)

    def take(self) -> list[dict[str, Any]]:
        """Take every message whose time has come."""
        now = self._now()
        ready = [body for due, body in self.messages if due <= now]
        self.messages = [entry for entry in self.messages if entry[0] > now]
        return ready


class Events:
    """EventBridge's PutEvents."""

    def __init__(self, calls: Calls) -> None:
        self.details: list[dict[str, Any]] = []
        self._calls = calls

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        def put() -> dict[str, Any]:
            self.details += [json.loads(entry["Detail"]) for entry in Entries]
            return {"FailedEntryCount": 0}

        return self._calls.make("PutEvents", put, _botocore_fault)


class Vault:
    """Gives every school the same key: what it protects is proved elsewhere."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def open(self, estab: str, credentials: object) -> OpenedKey:
        return self._calls.make("Decrypt", lambda: OpenedKey(estab, KEY, b"wrapped"), _own_fault)
