"""The network between a Runner and an Authority in a thief's hands: a recorder that can also lie, and a trap.

Guarantees: `Recorder` passes HTTP messages on unchanged and keeps every byte of both directions; only while `lie` is set does
it answer requests for that path with an older answer. `Trap` accepts connections and keeps what they bring.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final, Self

CONNECT_S: Final = 10.0
IDLE_S: Final = 120.0
MAX_HEAD: Final = 64 << 10
MAX_MESSAGE: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, as they were on the wire."""

    request: bytes
    response: bytes

    @property
    def path(self) -> str:
        parts = self.request.split(b" ", 2)
        return parts[1].decode("latin-1") if len(parts) == 3 else ""

    @property
    def status(self) -> int:
        return status_of(self.response)

    @property
    def response_body(self) -> bytes:
        return self.response.partition(b"\r\n\r\n")[2]


def status_of(response: bytes) -> int:
    parts = response.split(b" ", 2)
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0


def read_message(stream: BinaryIO) -> bytes:
    """One HTTP/1.1 message with a Content-Length or without a body; b"" at the end. Raises ValueError at anything else."""
    lines: list[bytes] = []
    length = 0
    while (line := stream.readline(MAX_HEAD)) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        elif name.lower() == b"transfer-encoding":
            raise ValueError("a chunked message is not expected here")
        lines.append(line)
        if sum(map(len, lines)) > MAX_HEAD or length > MAX_MESSAGE:
            raise ValueError("the message is too long")
    if not line:
        return b""
    return b"".join([*lines, line, stream.read(length)])


class _Listener:
    """Accepts on an ephemeral loopback port; one thread a connection; all of them end with `close`."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept(2); close(2) alone does not
        self._socket.close()
        self._thread.join(CONNECT_S)
        with self._lock:
            threads = tuple(self._open.values())
            for connection in self._open:
                _shut(connection)
        for thread in threads:
            thread.join(CONNECT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            connection.settimeout(IDLE_S)
            thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
            with self._lock:
                self._open[connection] = thread
            thread.start()

    def _run(self, connection: socket.socket) -> None:
        try:
            self._serve(connection)
        except (OSError, ValueError):
            pass  # a broken or foreign connection is dropped
        finally:
            with self._lock:
                self._open.pop(connection)
            _shut(connection)
            connection.close()


class Recorder(_Listener):
    """A proxy in front of the Authority at 127.0.0.1:`target`."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.exchanges: list[Exchange] = []
        self.lie: Exchange | None = None
        self.lies_told = 0
        super().__init__(self._pass_on)

    def all_bytes(self) -> bytes:
        return b"".join(part for exchange in tuple(self.exchanges) for part in (exchange.request, exchange.response))

    def find(self, path: str, status: int = 200) -> Exchange | None:
        """The latest exchange for `path` with this status."""
        return next((e for e in reversed(self.exchanges) if e.path == path and e.status == status), None)

    def replay(self, request: bytes) -> bytes:
        """Send recorded bytes to the Authority once more, over a connection of their own; its answer."""
        with self._connect() as server, server.makefile("rb") as answers:
            server.sendall(request)
            return read_message(answers)

    def _connect(self) -> socket.socket:
        server = socket.create_connection(("127.0.0.1", self._target), CONNECT_S)
        server.settimeout(IDLE_S)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return server

    def _pass_on(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._connect() as server, client.makefile("rb") as requests, server.makefile("rb") as answers:
            while request := read_message(requests):
                exchange = self._answer(request, server, answers)
                self.exchanges.append(exchange)
                client.sendall(exchange.response)

    def _answer(self, request: bytes, server: socket.socket, answers: BinaryIO) -> Exchange:
        lie = self.lie
        if lie is not None and Exchange(request, b"").path == lie.path:
            self.lies_told += 1
            return Exchange(request, lie.response)
        server.sendall(request)
        return Exchange(request, read_message(answers))


class Trap(_Listener):
    """A server of the thief's: whoever is tricked into connecting is counted."""

    def __init__(self) -> None:
        self.visits: list[bytes] = []
        super().__init__(self._take)

    def _take(self, connection: socket.socket) -> None:
        connection.settimeout(2.0)
        self.visits.append(b"")
        visit = len(self.visits) - 1
        self.visits[visit] = connection.recv(4096)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the peer may have been quicker
        connection.shutdown(socket.SHUT_RDWR)
