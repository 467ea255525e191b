"""What becomes of a request whose answer does not come whole, against a server that misbehaves."""

import gzip
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from xporter_bridge.errors import ContractError, XporterUnavailableError
from xporter_bridge.xporter import client as xporter_api
from xporter_bridge.xporter import http
from xporter_bridge.xporter.client import XporterApi
from xporter_bridge.xporter.gzip import TooLargeError, UnreadableError, gunzip
from xporter_bridge.xporter.http import HttpClient

BODY = b'{"Students":[{"Id":"1"}]}' * 100
PACKED = gzip.compress(BODY)
# Its check sum is of something else.
WRONG = PACKED[:-8] + bytes(4) + PACKED[-4:]


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Answer one request with exactly these bytes, then close the connection."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(65536))
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        thread.join()


def head(length: int, encoding: str = "identity") -> bytes:
    return (
        f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nContent-Encoding: {encoding}\r\n\r\n"
    ).encode()


def get(url: str) -> bytes:
    return HttpClient(url).send("GET", "/page", {}, read_seconds=5).content


MEMBERS = b"".join(gzip.compress(BODY[start : start + 7]) for start in range(0, len(BODY), 7))
RAW = zlib.compressobj(wbits=-15)
DEFLATED = RAW.compress(BODY) + RAW.flush()


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("identity", BODY),
        ("gzip", PACKED),
        (" X-GZip ", PACKED),
        ("gzip", gzip.compress(BODY[:50]) + gzip.compress(BODY[50:])),
        ("gzip", MEMBERS),
        ("gzip", MEMBERS + bytes(512)),
        ("gzip, gzip", gzip.compress(PACKED)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", DEFLATED),
        ("deflate, gzip", gzip.compress(DEFLATED)),
        ("deflate", PACKED),
        ("identity", PACKED),
        ("", PACKED),
        ("utf-8", BODY),
        ("utf-8", PACKED),
        ("gzip", BODY),
        ("deflate", BODY),
    ],
    ids=lambda value: value if isinstance(value, str) else str(len(value)),
)
def test_an_answer_is_returned_as_it_was_before_it_was_packed(encoding: str, packed: bytes) -> None:
    with answering(head(len(packed), encoding) + packed) as (url, _):
        assert get(url) == BODY


def test_members_are_bounded_together_and_a_cut_one_is_half_an_answer() -> None:
    with pytest.raises(TooLargeError):
        gunzip(MEMBERS, most_bytes=len(BODY) - 1)
    with pytest.raises(UnreadableError):
        gunzip(MEMBERS[:-3], most_bytes=len(BODY))
    many = gzip.compress(b"x") * 20_000
    assert gunzip(many, most_bytes=len(many)) == b"x" * 20_000


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "a\0b", "\u2028", "a\n"])
def test_a_token_that_fits_no_header_is_refused_and_nothing_is_sent(token: str) -> None:
    with pytest.raises(ContractError, match="header_unsendable"):
        XporterApi("http://127.0.0.1:9").school_data("3281102", "Students", token, {})


@pytest.mark.parametrize(
    "header", [b"Retry-After: 5\x01", b"Content-Encoding: gz\x00ip", b"X: \x0b"]
)
def test_control_characters_in_a_header_cost_no_answer(header: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n\r\n" % (len(BODY), header)
    with answering(answer + BODY) as (url, _):
        assert get(url) == BODY


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (head(len(BODY)) + BODY[:50], "xporter_answer_cut"),
        (head(len(PACKED) - 9, "gzip") + PACKED[:-9], "xporter_answer_cut"),
        (head(len(WRONG), "gzip") + WRONG, "xporter_answer_cut"),
        (head(5, "gzip") + b"plain", "xporter_answer_cut"),
        (head(0, "gzip"), "xporter_answer_cut"),
        (b"", "xporter_unreachable"),
        (b"what is this?\r\n\r\n", "xporter_unreachable"),
    ],
    ids=["cut", "cut gzip", "wrong gzip", "no gzip", "empty gzip", "nothing", "no HTTP"],
)
def test_half_an_answer_is_no_answer(answer: bytes, reason: str) -> None:
    with answering(answer) as (url, _), pytest.raises(XporterUnavailableError) as caught:
        get(url)
    assert caught.value.reason == reason


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        head(len(BODY)) + BODY,
        head(len(PACKED), "gzip") + PACKED,
        CHUNKED % (len(BODY), BODY),
        b"HTTP/1.1 200 OK\r\n\r\n" + BODY,
    ],
    ids=["plain", "gzip", "chunked", "without a length"],
)
def test_an_answer_may_be_as_large_as_it_may_be_and_no_larger(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_BYTES", len(BODY))
    with answering(answer) as (url, _):
        assert get(url) == BODY
    monkeypatch.setattr(http, "MAX_BYTES", len(BODY) - 1)
    with answering(answer) as (url, _), pytest.raises(ContractError, match="answer_too_large"):
        get(url)


@pytest.mark.parametrize("said", [0, 1, len(BODY) - 1, len(BODY) + 1, 2**32 - 1])
def test_how_much_an_answer_says_it_holds_is_not_believed(said: int) -> None:
    lie = PACKED[:-4] + said.to_bytes(4, "little")
    with pytest.raises(UnreadableError):
        gunzip(lie, most_bytes=2 * len(BODY))
    with pytest.raises(TooLargeError):
        gunzip(lie, most_bytes=100)


def test_what_follows_a_gzip_file_is_left_alone() -> None:
    assert gunzip(PACKED + bytes(4), most_bytes=len(BODY)) == BODY


def test_of_a_bomb_no_more_is_unpacked_than_may_be() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    tracemalloc.start()
    with pytest.raises(TooLargeError):
        gunzip(bomb, most_bytes=1024 * 1024)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 * 1024 * 1024


def test_who_is_silent_for_too_long_is_waited_for_no_longer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(XporterUnavailableError, match="xporter_timed_out"):
            HttpClient(url).send("GET", "/page", {}, read_seconds=0.05)


def test_only_what_failed_soon_is_repeated_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xporter_api, "_SOON_SECONDS", 0.0)
    refusal = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
    with answering(refusal) as (url, _), pytest.raises(XporterUnavailableError, match="_500"):
        XporterApi(url).token_details("token")


def test_only_a_connection_that_was_never_made_is_reported_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(XporterUnavailableError) as caught:
        get(f"http://127.0.0.1:{port}")
    assert caught.value.reason == "xporter_not_connected"


def test_a_redirect_is_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    with answering(moved) as (url, _):
        assert HttpClient(url).send("GET", "/page", {}, read_seconds=5).status == 302


def test_a_callback_url_is_encoded_whole_and_json_is_sent_as_such() -> None:
    query = {"changedRows": "*", "callbackUrl": "https://we.example/c?estab=1&id=2"}
    with answering(head(2) + b"{}") as (url, asked):
        HttpClient(url).send(
            "POST", "/page", {"Accept": "application/json"}, read_seconds=5, query=query, json={}
        )
    said = asked[0].decode()
    assert "callbackUrl=https%3A%2F%2Fwe.example%2Fc%3Festab%3D1%26id%3D2" in said
    assert "changedRows=%2A" in said
    assert "content-type: application/json" in said.lower()


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(head(2) + b"{}") as (url, asked):
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert get("http://xporter.example") == b"{}"
    assert asked[0].startswith(b"GET http://xporter.example/page ")
