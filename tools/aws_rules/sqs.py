"""What SQS refuses.

Quotas: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html.
A message may be 1 MiB since August 2025; the bound here is the older 256 KiB, as other partitions
and everything that forwards messages may still have it, and one of ours never needs more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

MAX_MESSAGE_BYTES = 256 * 1024
MAX_ENTRIES = 10
MAX_ATTRIBUTES = 10
_MAX_DELAY_SECONDS = 900
_MAX_VISIBILITY_SECONDS = 12 * 3600
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BATCH_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ATTRIBUTE_NAME = re.compile(r"(?!(?i:aws\.|amazon\.))[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_DATA_TYPE = re.compile(r"(String|Number|Binary)(\..{1,249})?")


def violations(operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return what SQS would refuse a request for."""
    is_fifo = str(parameters.get("QueueUrl", "")).endswith(".fifo")
    match operation:
        case "SendMessage":
            return list(_of_message(parameters, is_fifo=is_fifo))
        case "SendMessageBatch":
            return list(_of_batch(parameters.get("Entries", ()), is_fifo=is_fifo))
        case "DeleteMessageBatch" | "ChangeMessageVisibilityBatch":
            return list(_of_entries(parameters.get("Entries", ())))
        case "ReceiveMessage" | "ChangeMessageVisibility":
            return list(_of_bounds(parameters))
    return []


def _of_message(message: Mapping[str, Any], *, is_fifo: bool) -> Iterator[str]:
    body = message.get("MessageBody", "")
    if not body:
        yield "MessageBody: is empty"
    if found := _FORBIDDEN.search(body):
        yield f"MessageBody: U+{ord(found[0]):04X} is not allowed"
    if _size(message) > MAX_MESSAGE_BYTES:
        yield f"MessageBody: {_size(message)} bytes with attributes are above {MAX_MESSAGE_BYTES}"
    if not 0 <= message.get("DelaySeconds", 0) <= _MAX_DELAY_SECONDS:
        yield f"DelaySeconds: {message['DelaySeconds']} is not from 0 to {_MAX_DELAY_SECONDS}"
    if is_fifo and not message.get("MessageGroupId"):
        yield "MessageGroupId: is required of a FIFO queue"
    attributes = message.get("MessageAttributes", {})
    if len(attributes) > MAX_ATTRIBUTES:
        yield f"MessageAttributes: {len(attributes)} are above {MAX_ATTRIBUTES}"
    for name, value in attributes.items():
        yield from _of_attribute(name, value)


def _of_attribute(name: str, value: Mapping[str, Any]) -> Iterator[str]:
    if len(name) > 256 or not _ATTRIBUTE_NAME.fullmatch(name):
        yield f"MessageAttributes: {name!r} is no name for one"
    if not _DATA_TYPE.fullmatch(value.get("DataType", "")):
        yield f"MessageAttributes.{name}: {value.get('DataType')!r} is no data type"
    held = value.get("StringValue") or value.get("BinaryValue")
    if not held:
        yield f"MessageAttributes.{name}: the value is empty"
    if isinstance(held, str) and (found := _FORBIDDEN.search(held)):
        yield f"MessageAttributes.{name}: U+{ord(found[0]):04X} is not allowed"


def _of_batch(entries: list[Mapping[str, Any]], *, is_fifo: bool) -> Iterator[str]:
    yield from _of_entries(entries)
    for entry in entries:
        yield from (f"Entries.{found}" for found in _of_message(entry, is_fifo=is_fifo))
    total = sum(map(_size, entries))
    if total > MAX_MESSAGE_BYTES:
        yield f"Entries: {total} bytes together are above {MAX_MESSAGE_BYTES}"


def _of_entries(entries: list[Mapping[str, Any]]) -> Iterator[str]:
    if not 1 <= len(entries) <= MAX_ENTRIES:
        yield f"Entries: {len(entries)} is not from 1 to {MAX_ENTRIES}"
    ids = [str(entry.get("Id", "")) for entry in entries]
    if len(set(ids)) < len(ids):
        yield "Entries: an Id is given twice"
    yield from (f"Entries.Id: {each!r} is no id" for each in ids if not _BATCH_ID.fullmatch(each))


def _of_bounds(parameters: Mapping[str, Any]) -> Iterator[str]:
    for name, least, most in (
        ("MaxNumberOfMessages", 1, 10),
        ("WaitTimeSeconds", 0, 20),
        ("VisibilityTimeout", 0, _MAX_VISIBILITY_SECONDS),
    ):
        if not least <= parameters.get(name, least) <= most:
            yield f"{name}: {parameters[name]} is not from {least} to {most}"


def _size(message: Mapping[str, Any]) -> int:
    """Return what counts towards the limit: the body, and name, type and value of attributes."""
    total = _bytes(message.get("MessageBody", ""))
    for name, value in message.get("MessageAttributes", {}).items():
        total += _bytes(name) + _bytes(value.get("DataType", ""))
        total += _bytes(value.get("StringValue", "")) + len(value.get("BinaryValue", b""))
    return total


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
