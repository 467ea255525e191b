"""Servers that answer to the byte what they are told, for what no proper HTTP server would do."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

#: What a connection does instead of answering: it closes, is reset, or says nothing any more.
CLOSE, RESET, SILENCE = "close", "reset", "silence"
_RESET_AT_ONCE = struct.pack("ii", 1, 0)
_PATIENCE_SECONDS = 10


class RawServer:
    """A server on loopback; its n-th connection answers the n-th list, request by request.

    Args:
        tls: What it shows when it is spoken to in TLS.
        greeting: What it says before it is asked anything.
    """

    def __init__(
        self,
        connections: Sequence[Sequence[bytes | str]],
        tls: ssl.SSLContext | None = None,
        greeting: bytes = b"",
    ) -> None:
        self.asked: list[list[bytes]] = []
        self._connections = connections
        self._tls = tls
        self._greeting = greeting
        self._is_over = threading.Event()
        self._made: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def run(self) -> None:
        """Answer until every connection has been made, or until ``stop``."""
        with self._listener:
            handlers = []
            for answers in self._connections:
                connection, _ = self._listener.accept()
                if self._is_over.is_set():
                    connection.close()
                    break
                connection.settimeout(_PATIENCE_SECONDS)
                self._made.append(connection)
                asked: list[bytes] = []
                self.asked.append(asked)
                handler = threading.Thread(target=self._handle, args=(connection, answers, asked))
                handler.start()
                handlers.append(handler)
        for handler in handlers:
            handler.join()

    def stop(self) -> None:
        """End the silences, and the wait for requests and connections that nobody makes."""
        self._is_over.set()
        for connection in self._made:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        with socket.socket() as caller:
            caller.connect_ex(("127.0.0.1", self.port))

    def _handle(
        self, connection: socket.socket, answers: Sequence[bytes | str], asked: list[bytes]
    ) -> None:
        try:
            connection.sendall(self._greeting)
            secured = self._tls.wrap_socket(connection, server_side=True) if self._tls else None
            with secured or connection as speaking:
                for answer in answers:
                    request = _request(speaking)
                    if not request:
                        return
                    asked.append(request)
                    if isinstance(answer, bytes):
                        speaking.sendall(answer)
                    else:
                        self._end(speaking, answer)
        except OSError:
            connection.close()  # the other side went first, or did not like our certificate

    def _end(self, connection: Any, how: str) -> None:
        if how == SILENCE:
            self._is_over.wait(_PATIENCE_SECONDS)
        if how == RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)


@contextmanager
def serving(
    *connections: Sequence[bytes | str], tls: ssl.SSLContext | None = None, greeting: bytes = b""
) -> Iterator[RawServer]:
    """Answer each connection's requests as its list says, then close it."""
    peer = RawServer(connections, tls, greeting)
    thread = threading.Thread(target=peer.run)
    thread.start()
    try:
        yield peer
    finally:
        peer.stop()
        thread.join()


def _request(connection: socket.socket) -> bytes:
    """Return one whole request, or nothing when the connection ends."""
    said = b""
    while b"\r\n\r\n" not in said:
        part = connection.recv(65536)
        if not part:
            return b""
        said += part
    head, _, body = said.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.partition(b":")[2]):
                body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
