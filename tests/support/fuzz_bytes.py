"""``make parsers``: invents bytes for every parser of what strangers and Xporter send, by coverage.

Atheris keeps the bytes that reach new branches and changes them on. It is run by hand, and not by
``make test``, where Hypothesis draws documents (``fuzz.py``): atheris has wheels for Linux alone.
A crash ends the run, and libFuzzer prints the bytes that lead to it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["xporter_bridge"]):
    from xporter_bridge import exact_json
    from xporter_bridge.availability.read_callback import read_statuses
    from xporter_bridge.callbacks.bodies import fields_of
    from xporter_bridge.callbacks.request import read_request
    from xporter_bridge.errors import XporterBridgeError
    from xporter_bridge.onboarding.payloads import read_authentication
    from xporter_bridge.timestamps import parse
    from xporter_bridge.writebacks.read_callback import parse_subject, read_outcome
    from xporter_bridge.xporter import envelopes
    from xporter_bridge.xporter.client import check_response
    from xporter_bridge.xporter.gzip import TooLargeError, UnreadableError, unpack
    from xporter_bridge.xporter.pages import read_page
    from xporter_bridge.xporter.retry_after import seconds_of

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CALLS = (
    envelopes.GET_TOKEN,
    envelopes.TOKEN_DETAILS,
    envelopes.REGISTER_WEBHOOK,
    envelopes.WRITE,
    envelopes.data_call(frozenset({"students"}), with_callback=True),
)
BEGINNINGS = (
    b'{"schoolSecret":"a","schoolId":"3281102","partnerId":"x","installCompleted":1}',
    b"schoolSecret=a&schoolId=3281102&partnerId=x&schoolName=A & B",
    b'{"XodCompleted":true,"trackingid":"t","Result":[{"IncidentId":1,"ActualId":"2"}]}',
    b'{"DbStatus":[{"DatabaseName":"X","Status":"OK"}]}',
    b'{"Students":[{"Id":"1"}],"__Pagination__":[{"RowCount":1}],"meta":[{"DateTime":"2026-11-24"}]}',
    b'{"Students_Deleted":[{"Id":"1"}],"__ChangedRows__":[{"NextChangedRows":"x"}]}',
    b'{"token":"a","expires":"2026-11-24T02:25:06.223"}',
    b'{"Estab":"328/1102","RelyingParty":"x","Scopes":"a,b"}',
    b"Tue, 24 Nov 2026 03:00:00 GMT",
)


Parser = tuple[Callable[[], object], tuple[type[Exception], ...]]


def parsers(data: bytes) -> list[Parser]:
    """Return every parser, with the bytes or the text that they make, and how it may refuse."""
    text = data.decode("utf-8", "surrogateescape")
    event = {
        "requestContext": {"http": {"method": "POST"}},
        "rawQueryString": text,
        "body": text,
        "isBase64Encoded": True,
    }
    ours = (XporterBridgeError,)
    packed = (UnreadableError, TooLargeError)
    return [
        (lambda: read_authentication(fields_of(data)), ours),
        (lambda: read_outcome({}, data), ours),
        (lambda: read_statuses(data), ours),
        (lambda: read_request(event).body, ours),
        (lambda: parse_subject(text), ()),
        (lambda: read_page(_document(data)), ours),
        (lambda: exact_json.mended(data), ()),
        (lambda: unpack(data, "gzip", most_bytes=10_000), packed),
        (lambda: unpack(data, "deflate", most_bytes=10_000), packed),
        (lambda: seconds_of(text, NOW), ()),
        (lambda: parse(text), (ValueError,)),
        *((lambda call=call: check_response(call, 200, {}, data), ours) for call in CALLS),
    ]


def one(data: bytes) -> None:
    """Give the bytes to each parser; what is neither read nor refused ends the run."""
    for parser, refusals in parsers(data):
        with contextlib.suppress(*refusals):
            parser()


def _document(data: bytes) -> dict[str, Any]:
    try:
        found = exact_json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def main(minutes: float, corpus: Path) -> None:
    """Run until the time is over; libFuzzer ends the process itself."""
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(BEGINNINGS):
        (corpus / f"beginning-{number}").write_bytes(data)
    seconds = f"-max_total_time={int(minutes * 60)}"
    settings = ["-timeout=20", "-print_final_stats=1", f"-artifact_prefix={corpus.parent}/"]
    atheris.Setup([sys.argv[0], str(corpus), seconds, *settings], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(float(sys.argv[1]), Path(sys.argv[2]))
