"""The relay's side of the Authority's egress gateway: one HTTP request of the command is one encrypted stream to it.

Guarantees: what is sent and received is `janee.tunnel`'s, so that only the Authority that sealed the grant can read or answer;
each stream has an id of its own, used once; an answer that was cut off is an error, never a short body. Nothing is kept whole:
both directions go only as fast as the other end takes. Connections are kept for the next stream, one stream on each at a time.
It never signs as the Runner (it has no runner key) and never sees a credential.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import h11

from janee.errors import JaneeError, ProtocolError
from janee.runner.order import AuthorityAddress
from janee.tunnel import (
    EGRESS_PATH,
    STREAM_HEADER,
    STREAM_ID_BYTES,
    Direction,
    EgressKey,
    FrameKind,
    TunnelReader,
    TunnelWriter,
    parse_json,
)

CONNECT_S: Final = 10.0
MAX_IDLE: Final = 16
IDLE_S: Final = 3.0  # the Authority closes what was idle for longer
READ_BYTES: Final = 256 << 10
HIGH_WATER: Final = 512 << 10  # bytes that wait to be sent on one connection
_MAX_ERROR: Final = 64 << 10


class GatewayError(JaneeError):
    """The gateway's refusal, or that it cannot be had. status: HTTP, for the tool."""

    def __init__(self, code: str, message: str, hint: str, status: int) -> None:
        super().__init__(code, message, hint)
        self.status = status


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    http: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT, max_incomplete_event_size=64 << 10))
    used: float = 0.0

    def close(self) -> None:
        with suppress(OSError, RuntimeError):
            self.writer.transport.abort()


class Gateway:
    """Makes the streams of one grant. Used from one event loop."""

    def __init__(self, address: AuthorityAddress, key: EgressKey) -> None:
        self._address = address
        self._key = key
        self._tls = _client_context(address) if address.tls else None
        self._idle: list[_Connection] = []

    async def open(self) -> GatewayStream:
        """Raises GatewayError."""
        return GatewayStream(self, await self._connection(), self._key, self._target())

    def give_back(self, connection: _Connection) -> None:
        """Keep a connection whose stream is complete, or close it."""
        http = connection.http
        if http.our_state is h11.DONE and http.their_state is h11.DONE and len(self._idle) < MAX_IDLE:
            http.start_next_cycle()
            connection.used = time.monotonic()
            self._idle.append(connection)
        else:
            connection.close()

    def _target(self) -> tuple[str, str]:
        return self._address.host_header, f"{self._address.base}{EGRESS_PATH}{self._key.grant_id}"

    async def _connection(self) -> _Connection:
        while self._idle:
            kept = self._idle.pop()
            if time.monotonic() - kept.used < IDLE_S and not kept.reader.at_eof() and not kept.writer.is_closing():
                return kept
            kept.close()
        address = self._address
        try:
            async with asyncio.timeout(CONNECT_S):
                if address.socket_path is not None:
                    pair = await asyncio.open_unix_connection(address.socket_path, limit=READ_BYTES)
                else:
                    pair = await asyncio.open_connection(address.host, address.port, ssl=self._tls, limit=READ_BYTES)
        except (OSError, TimeoutError) as error:
            cause = getattr(error, "strerror", None) or type(error).__name__
            raise _unreachable(f"no connection to the authority: {cause}") from None
        pair[1].transport.set_write_buffer_limits(HIGH_WATER)
        return _Connection(*pair)


class GatewayStream:
    """One request and its answer. Send the head, data, the end; read the head, then the chunks. `close` it."""

    def __init__(self, owner: Gateway, connection: _Connection, key: EgressKey, target: tuple[str, str]) -> None:
        stream_id = os.urandom(STREAM_ID_BYTES)
        self._owner = owner
        self._connection: _Connection | None = connection
        self._http = connection.http
        self._up = TunnelWriter(key, stream_id, Direction.UP)
        self._down = TunnelReader(key, stream_id, Direction.DOWN)
        self._pending = bytearray()
        self._frames: list[tuple[FrameKind, bytes]] = []
        text = base64.urlsafe_b64encode(stream_id).rstrip(b"=").decode()
        headers = [
            ("host", target[0]),
            (STREAM_HEADER, text),
            ("content-type", "application/octet-stream"),
            ("transfer-encoding", "chunked"),
        ]
        self._pending += self._http.send(h11.Request(method="POST", target=target[1], headers=headers)) or b""

    def head(self, value: Mapping[str, Any]) -> None:
        """Queue the request's head. Raises GatewayError: it is too large."""
        try:
            self._queue(self._up.head(value))
        except ProtocolError as error:
            raise GatewayError("REQUEST_MALFORMED", error.message, "", 431) from None

    async def data(self, payload: bytes) -> None:
        """Send a piece of the body; returns when there is room for more. Raises GatewayError."""
        self._queue(self._up.data(payload))
        await self.flush()

    async def end(self) -> None:
        self._queue(self._up.end())
        self._pending += self._http.send(h11.EndOfMessage()) or b""
        await self.flush()

    async def flush(self) -> None:
        connection = self._open_connection()
        try:
            if self._pending:
                connection.writer.write(bytes(self._pending))
                self._pending.clear()
            await connection.writer.drain()
        except OSError:
            raise _unreachable("the connection to the authority broke") from None

    async def answer(self) -> dict[str, Any]:
        """The answer's HEAD. Raises GatewayError: refused, or cut off."""
        kind, payload = await self._frame()
        try:
            head = parse_json(payload)
        except ProtocolError as error:
            raise _unreachable(error.message) from None
        if kind is not FrameKind.HEAD:
            raise _unreachable("the answer has no head")
        if "refused" in head:
            raise _refusal(head["refused"])
        return head

    async def chunks(self) -> AsyncIterator[bytes]:
        """The answer's body, after `answer`. Raises GatewayError when it was cut off."""
        while True:
            kind, payload = await self._frame()
            if kind is FrameKind.END:
                refused = _refused_at_end(payload)
                if refused is not None:
                    raise refused
                return
            yield payload

    async def close(self) -> None:
        """Keep the connection for another stream if this one is complete, else end it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._down.is_ended and not self._frames:
            try:
                async with asyncio.timeout(IDLE_S):
                    while await self._read(connection):
                        pass
            except (GatewayError, TimeoutError):
                connection.close()
                return
        self._owner.give_back(connection)

    def abort(self) -> None:
        """End the stream at once: without its END the gateway knows that it was cut off."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _queue(self, frames: bytes) -> None:
        if frames:
            self._pending += self._http.send(h11.Data(data=frames)) or b""

    def _open_connection(self) -> _Connection:
        if self._connection is None:
            raise _unreachable("the stream has ended")
        return self._connection

    async def _frame(self) -> tuple[FrameKind, bytes]:
        while not self._frames:
            if not await self._read(self._open_connection()):
                raise _unreachable("its answer was cut off")
        return self._frames.pop(0)

    async def _read(self, connection: _Connection) -> bool:
        """Take one event of the answer; False at its end."""
        try:
            event = self._http.next_event()
            while event is h11.NEED_DATA:
                self._http.receive_data(await connection.reader.read(READ_BYTES))
                event = self._http.next_event()
            if isinstance(event, h11.Response) and event.status_code != 200:
                raise await self._error(connection, event.status_code)
            if isinstance(event, h11.Data):
                self._frames += self._down.feed(bytes(event.data))
        except (OSError, h11.RemoteProtocolError):
            raise _unreachable("the connection to the authority broke") from None
        except ProtocolError as error:
            raise _unreachable(error.message) from None
        return event is not h11.PAUSED and not isinstance(event, h11.EndOfMessage | h11.ConnectionClosed)

    async def _error(self, connection: _Connection, status: int) -> GatewayError:
        """What the Authority says before a stream is one: not proven to be its word, so only text for the tool."""
        body = bytearray()
        while len(body) <= _MAX_ERROR:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await connection.reader.read(READ_BYTES))
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                break
        try:
            value = json.loads(body)
            texts = [str(value.get(name) or "")[:500] for name in ("code", "error", "hint")]
        except (ValueError, AttributeError):
            texts = [f"HTTP_{status}", f"HTTP status {status}", ""]
        return GatewayError(texts[0] or f"HTTP_{status}", f"the authority refused: {texts[1]}", texts[2], 502)


def _refusal(value: object) -> GatewayError:
    if not isinstance(value, Mapping):
        return _unreachable("a refusal that cannot be read")
    status = value.get("status")
    return GatewayError(
        str(value.get("code") or "REFUSED")[:64],
        str(value.get("message") or "refused")[:1000],
        str(value.get("nextStep") or "")[:500],
        status if isinstance(status, int) and 400 <= status <= 599 else 403,
    )


def _refused_at_end(payload: bytes) -> GatewayError | None:
    """An END that says that the answer is not complete: its head had gone out before that was known."""
    try:
        end = parse_json(payload)
    except ProtocolError as error:
        return _unreachable(error.message)
    return _refusal(end["refused"]) if "refused" in end else None


def _unreachable(cause: str) -> GatewayError:
    return GatewayError("GATEWAY_FAILED", f"the request did not get through: {cause}", "try again", 502)


def _client_context(address: AuthorityAddress) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=address.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if address.cert is not None:
        context.load_cert_chain(address.cert, address.key)
    return context
