"""What requests would do of its own accord, and what goes over a connection of its own."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import traceback
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.raw_server import CLOSE, RESET, SILENCE, serving
from xporter_bridge.errors import ConfigurationError, ContractError, XporterUnavailableError
from xporter_bridge.xporter import http
from xporter_bridge.xporter.client import XporterApi
from xporter_bridge.xporter.http import HttpClient, HttpResponse

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
TOKEN = "Idaas our-token"
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def get(url: str, path: str = "/page") -> HttpResponse:
    return HttpClient(url).send("GET", path, {"Authorization": TOKEN}, read_seconds=5)


def write(client: HttpClient, *, read_seconds: float = 5) -> HttpResponse:
    return client.send(
        "POST", "/write", {"Authorization": TOKEN}, json={"Mark": "N"},
        read_seconds=read_seconds, new_connection=True,
    )  # fmt: skip


def reason_of_write(url: str, *, read_seconds: float = 5) -> str:
    with pytest.raises(XporterUnavailableError) as caught:
        write(HttpClient(url), read_seconds=read_seconds)
    return caught.value.reason


# ---------------------------------------------------------------------- redirects


def moved(status: int, location: str, body: bytes = b"", more: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: {len(body)}\r\n"
        f"{more}\r\n"
    ).encode() + body


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_token_and_no_mark_follows_a_redirect(status: int) -> None:
    with serving([OK]) as elsewhere:
        away = moved(status, f"{elsewhere.url}/page")
        with serving([away], [away]) as peer:
            assert get(peer.url).status == status
            assert write(HttpClient(peer.url)).status == status
        assert elsewhere.asked == []


@pytest.mark.parametrize("location", ["", "/elsewhere", "//[", "http://[::1", "ftp://x", "\xff"])
def test_where_a_redirect_leads_is_of_no_interest(location: str) -> None:
    with serving([moved(302, location, b"see there")]) as peer:
        answer = get(peer.url)
    assert (answer.status, answer.content) == (302, b"see there")


@pytest.mark.parametrize("more", ["", "Content-Encoding: gzip\r\n"])
def test_of_a_redirect_no_more_is_read_than_of_another_answer(
    more: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = gzip.compress(bytes(10**6)) if more else bytes(10**6)
    monkeypatch.setattr(http, "MAX_BYTES", 10**6 - 1)
    with (
        serving([moved(302, "/elsewhere", body, more)]) as peer,
        pytest.raises(ContractError, match="answer_too_large"),
    ):
        get(peer.url)


# ---------------------------------------------------------------------- what is not ours to send


@pytest.mark.parametrize("cookie", ["a=b; Path=/", "a=b; Domain=127.0.0.1", "=;;;\xff", "a=b,c=d"])
def test_no_cookie_is_kept(cookie: str) -> None:
    cookies = f"HTTP/1.1 200 OK\r\nSet-Cookie: {cookie}\r\nContent-Length: 2\r\n\r\n{{}}"
    with serving([cookies.encode("latin-1"), OK]) as peer:
        kept = HttpClient(peer.url)
        for _ in range(2):
            kept.send("GET", "/page", {}, read_seconds=5)
    assert len(peer.asked[0]) == 2
    assert b"cookie" not in b"".join(peer.asked[0]).lower()


def test_a_netrc_does_not_take_the_place_of_our_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with serving([OK]) as peer:
        get(peer.url)
    assert f"Authorization: {TOKEN}\r\n".encode() in peer.asked[0][0]


def test_of_the_environments_proxies_only_that_for_our_scheme_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:9")
    with serving([OK]) as peer:
        assert get(peer.url).status == 200


@pytest.mark.parametrize("excepted", ["*", "127.0.0.1", "xporter.example,127.0.0.1"])
def test_what_is_excepted_from_the_proxy_is_called_without_it(
    excepted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", excepted)
    with serving([OK]) as peer:
        assert get(peer.url).status == 200


def test_a_proxy_that_comes_later_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving([OK]) as peer:
        made = HttpClient(peer.url)
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        assert made.send("GET", "/page", {}, read_seconds=5).status == 200


@pytest.mark.parametrize("value", ["t\r\nX: y", "t\nX", "t\rX", "t\x00", "t\x7f", "té", "t€"])
def test_nothing_is_sent_with_a_header_that_is_none(value: str) -> None:
    with serving([OK]) as peer, pytest.raises(ContractError, match="header_unsendable"):
        HttpClient(peer.url).send("GET", "/page", {"Authorization": value}, read_seconds=5)
    assert peer.asked == []


@pytest.mark.parametrize("token", ["a\r\nHost: b", "a\u20ac", "a\x00"])
def test_a_token_that_no_header_can_hold_is_none(token: str) -> None:
    answer = json.dumps({"token": token})
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n"
    with (
        serving([(head + answer).encode()]) as peer,
        pytest.raises(XporterUnavailableError, match="token_unsendable"),
    ):
        XporterApi(peer.url).get_token("3281102", "rp", "secret")


@pytest.mark.parametrize("part", ["a b", "a\r\nX: y", "a?b#c", "\u20ac"])
def test_what_stands_in_a_url_is_one_line_of_one_request(part: str) -> None:
    with serving([OK]) as peer:
        HttpClient(peer.url).send("GET", "/page", {}, read_seconds=5, query={part: part})
    line, *headers = peer.asked[0][0].decode().split("\r\n")
    assert line.startswith("GET /page?")
    assert line.count(" ") == 2
    assert [header.partition(":")[0] for header in headers if header] == [
        "Host", "Accept-Encoding", "User-Agent",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "url",
    [
        "", "xporter.example", "//xporter.example", "ftp://xporter.example", "file:///etc/passwd",
        "http://", "https://:443", "http://[::1", "http://.example", "https://a:b@xporter.example",
    ],
)  # fmt: skip
def test_what_is_no_address_of_xporter_is_said_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ConfigurationError):
        HttpClient(url)


# ---------------------------------------------------------------------- errors


def test_an_error_quotes_neither_the_url_nor_the_token() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    for address in (url, url.replace("http:", "https:")):
        with pytest.raises(XporterUnavailableError) as caught:
            HttpClient(address).send(
                "GET", "/page", {"Authorization": TOKEN}, read_seconds=5, query={"key": "signature"}
            )
        said = "".join(traceback.format_exception(caught.value))
        assert "xporter_not_connected" in said
        assert "signature" not in said
        assert "our-token" not in said


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 503 No\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n", 503),
        (b"HTTP/1.1 429 No\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n", 429),
        (b"HTTP/1.1 413 No\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n", 413),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200),
    ],
)
def test_what_is_answered_is_returned_at_once(answer: bytes, status: int) -> None:
    with serving([answer], [OK]) as peer:
        assert get(peer.url).status == status
    assert len(peer.asked) == 1


@pytest.mark.parametrize("how", [CLOSE, RESET])
def test_nothing_is_repeated_here(how: str) -> None:
    with serving([how], [OK]) as peer, pytest.raises(XporterUnavailableError):
        get(peer.url)
    assert len(peer.asked) == 1


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (CHUNKED + b"4\r\n{}", "xporter_answer_cut"),
        (CHUNKED + b"2\r\n{}\r\n", "xporter_answer_cut"),
        (CHUNKED + b"two\r\n{}\r\n0\r\n\r\n", "xporter_answer_cut"),
        (CHUNKED + b"-1\r\n{}\r\n0\r\n\r\n", "xporter_answer_cut"),
        (CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n", "xporter_answer_cut"),
        (CHUNKED + b"ffffffffffffffff\r\n{}\r\n0\r\n\r\n", "xporter_answer_cut"),
        (OK[:17] + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "xporter_unreachable"),
        (OK[:17] + b"X: y\r\n" * 200 + b"\r\n", "xporter_unreachable"),
        (OK[:17] + b"X: " + b"y" * 70_000 + b"\r\n\r\n", "xporter_unreachable"),
    ],
    ids=[
        "shorter than its chunk", "without an end", "no number", "all there is",
        "a negative number", "a number beyond all", "two lengths", "two hundred headers",
        "a long header",
    ],
)  # fmt: skip
def test_an_answer_that_lies_about_itself_is_none(answer: bytes, reason: str) -> None:
    with serving([answer]) as peer, pytest.raises(XporterUnavailableError) as caught:
        get(peer.url)
    assert caught.value.reason == reason


@pytest.mark.parametrize("says", [b"-1", b"-9", b"ffffffff"])
def test_a_chunk_without_an_end_is_read_no_further_than_an_answer_may_go(
    says: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_BYTES", 1024 * 1024)
    endless = CHUNKED + says + b"\r\n" + bytes(64 * 1024 * 1024)
    with serving([endless]) as peer:
        tracemalloc.start()
        with pytest.raises(ContractError, match="answer_too_large"):
            get(peer.url)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 8 * 1024 * 1024


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Type: ;;=;charset", b"Content-Type: text/html; charset=none", b"Location: x",
        b"Content-Encoding: br", b"Content-Encoding: ", b"Content-Encoding: deflate, deflate",
        b"Content-Length: -5", b"Content-Length: two", b"X-\xff: \xff",
    ],
)  # fmt: skip
def test_an_odd_header_costs_no_answer(header: bytes) -> None:
    with serving([b"HTTP/1.1 200 OK\r\n" + header + b"\r\n\r\n{}"]) as peer:
        assert get(peer.url).content == b"{}"


@pytest.mark.parametrize("label", ["gzip", "GZIP", "Gzip"])
def test_a_packed_answer_may_be_called_so_in_any_casing(label: str) -> None:
    packed = gzip.compress(b"{}")
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {label}\r\nContent-Length: {len(packed)}\r\n\r\n"
    with serving([head.encode() + packed]) as peer:
        assert get(peer.url).content == b"{}"


# ---------------------------------------------------------------------- kept connections


def test_a_connection_is_kept_for_what_is_read() -> None:
    with serving([OK, OK]) as peer:
        kept = HttpClient(peer.url)
        for path in ("/1", "/2"):
            kept.send("GET", path, {}, read_seconds=5)
    assert [len(requests) for requests in peer.asked] == [2]


@pytest.mark.parametrize("first", [[OK], [OK, CLOSE], [OK, RESET], [OK, SILENCE]])
def test_a_write_does_not_depend_on_a_connection_that_was_dropped(first: list[bytes | str]) -> None:
    with serving(first, [OK]) as peer:
        kept = HttpClient(peer.url)
        kept.send("GET", "/page", {}, read_seconds=5)
        assert write(kept).status == 200
        (before,), (sent,) = peer.asked
    assert before.startswith(b"GET ")
    assert sent.startswith(b"POST /write ")
    assert sent.endswith(b'{"Mark":"N"}')


def test_the_connection_of_a_write_is_used_once() -> None:
    with serving([OK], [OK], [OK]) as peer:
        kept = HttpClient(peer.url)
        write(kept)
        kept.send("GET", "/page", {}, read_seconds=5)
        write(kept)
    assert [len(requests) for requests in peer.asked] == [1, 1, 1]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (CLOSE, "xporter_unreachable"),
        (RESET, "xporter_unreachable"),
        (SILENCE, "xporter_timed_out"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "xporter_answer_cut"),
    ],
)
def test_what_has_left_may_have_been_taken(how: bytes | str, reason: str) -> None:
    with serving([how]) as peer:
        assert reason_of_write(peer.url, read_seconds=0.3) == reason
    assert len(peer.asked[0]) == 1


def test_nothing_was_sent_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for scheme in ("http", "https"):
        assert reason_of_write(f"{scheme}://127.0.0.1:{port}") == "xporter_not_connected"


@pytest.mark.parametrize(
    ("answers", "greeting"),
    [([], b""), ([SILENCE], b""), ([], b"HTTP/1.1 400 Bad Request\r\n\r\n")],
    ids=["closes", "says nothing", "speaks no TLS"],
)
def test_nothing_was_sent_where_no_secrets_were_exchanged(
    answers: list[bytes | str], greeting: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.3)
    with serving(answers, greeting=greeting) as peer:
        assert reason_of_write(f"https://127.0.0.1:{peer.port}") == "xporter_not_connected"


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 Who are you?\r\n\r\n", CLOSE, RESET])
def test_nothing_was_sent_where_the_proxy_lets_nothing_through(
    answer: bytes | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving([answer]) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        assert reason_of_write("https://xporter.example") == "xporter_not_connected"
    assert proxy.asked[0][0].startswith(b"CONNECT xporter.example:443 ")
    assert b"our-token" not in proxy.asked[0][0]


# ---------------------------------------------------------------------- TLS


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def trust(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))


def test_whom_the_platform_trusts_is_trusted_for_reads_and_writes(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(authority, monkeypatch)
    with serving([OK], [OK], tls=authority.server()) as peer:
        assert get(peer.url).content == b"{}"
        assert write(HttpClient(peer.url)).content == b"{}"


def test_the_authorities_are_read_once(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(authority, monkeypatch)
    with serving([OK], [OK], tls=authority.server()) as peer:
        made = HttpClient(peer.url)
        monkeypatch.delenv("SSL_CERT_FILE")
        assert [write(made).status for _ in range(2)] == [200, 200]


def test_the_authorities_that_requests_brings_along_are_nobodys(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(authority.file))
    refused(authority.server())


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", ""])
def test_whom_nobody_knows_is_told_nothing(
    variable: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable:
        monkeypatch.setenv(variable, str(authority.file))
    refused(authority.server())


@pytest.mark.parametrize(("host", "days"), [("localhost", 0), ("127.0.0.2", 0), ("127.0.0.1", -9)])
def test_a_certificate_of_another_host_or_another_time_is_none(
    host: str, days: int, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(authority, monkeypatch)
    refused(authority.server(host, now=datetime.now(UTC) + timedelta(days=days)))


def refused(tls: ssl.SSLContext) -> None:
    with serving([OK], [OK], tls=tls) as peer:
        assert reason_of_write(peer.url) == "xporter_not_connected"
        with pytest.raises(XporterUnavailableError):
            get(peer.url)
    assert peer.asked == [[], []]


# ---------------------------------------------------------------------- threads


class Echo(BaseHTTPRequestHandler):
    """Answers with the path that was asked for; remembers its connections."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    connections = 0
    counting = threading.Lock()

    def setup(self) -> None:
        super().setup()
        with self.counting:
            Echo.connections += 1

    def do_GET(self) -> None:
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", f"path={self.path}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def echo() -> Iterator[str]:
    Echo.connections = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_many_threads_share_as_few_connections_and_each_gets_its_own_answer(echo: str) -> None:
    shared = HttpClient(echo)

    def fetch(number: int) -> bool:
        path = f"/page/{number}"
        return shared.send("GET", path, {}, read_seconds=5).content == path.encode()

    for _ in range(2):  # A pull has threads of its own, and the connections outlive them.
        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(fetch, range(200)))
    assert Echo.connections <= 8
