"""The part of a relay that ends a command's TLS and HTTP, and passes each request to the Authority's gateway.

Guarantees: a request goes only where its listener stands for; it reaches nothing but the gateway, which decides; what is
refused, here or there, is answered with a readable text and the connection is closed; an answer that was cut off is never
ended in order. Bodies are passed on as they come, in both directions, and only as fast as the other side takes them.
It never holds a credential, and never logs.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import h11

from janee.runner.gateway import HIGH_WATER, READ_BYTES, Gateway, GatewayError, GatewayStream
from janee.runner.inside import MAX_HEAD, BadRequestError, Origin, Request, parse_request, split_head

HANDSHAKE_S: Final = 15.0
REASON_S: Final = 2.0
LINGER_S: Final = 20.0  # how long a refused upload is read and thrown away, so that the tool sees why
PAUSE_S: Final = 0.5  # a tool that sends nothing for so long waits for the end of the connection
_FRAMING: Final = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive", "upgrade"})

Count = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Served:
    """A listener of the sandbox, and what it stands for. count: adds to the host's counters."""

    listener: socket.socket
    origin: Origin
    count: Count


async def serve_egress(
    served: tuple[Served, ...], gateway: Gateway, tls: ssl.SSLContext, slots: asyncio.Semaphore
) -> tuple[asyncio.Server, ...]:
    """Start serving. slots: connections at one time, beyond which one is closed at once."""
    servers = []
    for one in served:
        is_tls = one.origin.scheme == "https"
        more: dict[str, Any] = {"ssl": tls, "ssl_handshake_timeout": HANDSHAKE_S} if is_tls else {}
        handler = _handler(one, gateway, slots)
        servers.append(await asyncio.start_server(handler, sock=one.listener, limit=READ_BYTES, **more))
    return tuple(servers)


async def serve_connection(
    client: socket.socket, one: Served, gateway: Gateway, tls: ssl.SSLContext, slots: asyncio.Semaphore
) -> None:
    """Serve one connection that was accepted elsewhere. slots: as above. Owns `client`, which does not block."""
    if slots.locked():
        one.count(refused=1)
        client.close()
        return
    more: dict[str, Any] = {"ssl": tls, "ssl_handshake_timeout": HANDSHAKE_S} if one.origin.scheme == "https" else {}
    try:
        reader, writer = await streams_of(client, **more)
    except (OSError, EOFError):
        client.close()
        return
    await _handler(one, gateway, slots)(reader, writer)


async def streams_of(client: socket.socket, **tls: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Streams for an accepted socket. tls: as for `asyncio.loop.connect_accepted_socket`. Raises OSError, ssl.SSLError."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=READ_BYTES, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, client, **tls)
    transport.set_write_buffer_limits(HIGH_WATER)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def _handler(one: Served, gateway: Gateway, slots: asyncio.Semaphore) -> Callable[..., Any]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if slots.locked():
            one.count(refused=1)
            writer.transport.abort()
            return
        async with slots:
            one.count(connections=1)
            writer.transport.set_write_buffer_limits(HIGH_WATER)
            with suppress(OSError, ssl.SSLError):
                await _Conversation(one, gateway, reader, writer).run()
            with suppress(OSError, ssl.SSLError, RuntimeError):
                writer.close()

    return handle


class _Conversation:
    """One connection of the command."""

    def __init__(self, one: Served, gateway: Gateway, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._one = one
        self._gateway = gateway
        self._reader = reader
        self._writer = writer
        self._received = b""
        # One for the whole connection: to cancel a wait for it would cancel what is waited for.
        self._closed = asyncio.ensure_future(writer.wait_closed())

    async def run(self) -> None:
        try:
            while await self._request():
                pass
        finally:
            self._closed.cancel()

    async def _request(self) -> bool:
        """Serve one request; whether another may follow."""
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        try:
            request = await self._head(http)
            if request is None:
                return False
        except BadRequestError as error:
            self._one.count(refused=1)
            await self._refuse(http, error.status, "REQUEST_MALFORMED", error.message, "", has_body=True)
            return False
        self._one.count(requests=1)
        exchange = _Exchange(http, self._reader, self._writer, self._closed, self._one.count)
        try:
            stream = await self._gateway.open()
        except GatewayError as error:
            await self._refuse(http, error.status, error.code, error.message, error.hint, has_body=request.has_body)
            return False
        try:
            again = await exchange.run(stream, request, self._one.origin)
        except GatewayError as error:
            stream.abort()
            if not exchange.answered:
                await self._refuse(http, error.status, error.code, error.message, error.hint, has_body=request.has_body)
            else:
                self._writer.transport.abort()  # not in order: the tool must not take what it has for the whole
            return False
        except BadRequestError as error:
            stream.abort()
            self._one.count(refused=1)
            if not exchange.answered:
                await self._refuse(http, error.status, "REQUEST_MALFORMED", error.message, "", has_body=True)
            return False
        except BaseException:
            stream.abort()
            raise
        await stream.close()
        self._received = http.trailing_data[0] if again else b""
        return again

    async def _head(self, http: h11.Connection) -> Request | None:
        """The next request; None at the end of the connection. Raises BadRequestError."""
        received = self._received
        while True:
            if received.startswith(b"\r\n"):
                received = received[2:]  # RFC 9112, 2.2: left over from a body of an old client
            at = split_head(received)
            if at is not None:
                break
            data = await self._reader.read(READ_BYTES)
            if not data:
                if received:
                    raise BadRequestError(400, "the request's head was cut off")
                return None
            received += data
        try:
            http.receive_data(received)
            event = http.next_event()
        except h11.RemoteProtocolError as error:
            raise BadRequestError(error.error_status_hint, "the request's head is not HTTP/1.1") from None
        if not isinstance(event, h11.Request):
            raise BadRequestError(400, "the request's head is not HTTP/1.1")
        return parse_request(event, self._one.origin)

    async def _refuse(self, http: h11.Connection, status: int, code: str, message: str, hint: str, *, has_body: bool) -> None:
        text = f"janee: error: {message} ({code})\n" + (f"janee: hint: {hint}\n" if hint else "")
        body = text.encode("utf-8", "replace")
        # By hand: h11 may be in a state from which it answers no more.
        head = f"HTTP/1.1 {status} Refused by Janee\r\ncontent-type: text/plain; charset=utf-8\r\n"
        head += f"content-length: {len(body)}\r\njanee-refused: {_token(code)}\r\nconnection: close\r\n\r\n"
        is_head = http.their_state is not h11.ERROR and getattr(http, "_request_method", None) == b"HEAD"
        self._writer.write(head.encode() + (b"" if is_head else body))
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                await self._writer.drain()
        if has_body:
            await discard(self._reader)


class _Exchange:
    """One request and its answer. closed: done when the tool is gone. answered: some of the answer has gone out."""

    def __init__(
        self,
        http: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        closed: asyncio.Future[None],
        count: Count,
    ) -> None:
        self._closed = closed
        self._http = http
        self._reader = reader
        self._writer = writer
        self._count = count
        self.answered = False

    async def run(self, stream: GatewayStream, request: Request, origin: Origin) -> bool:
        """Whether another request may follow on the connection. Raises GatewayError, BadRequestError."""
        stream.head(request.to_head(origin))
        if not request.has_body:
            self._http.next_event()  # its EndOfMessage
            await stream.end()
            await self._while_connected(asyncio.ensure_future(self._download(stream, request)))
            return self._is_reusable()
        await stream.flush()
        upload = asyncio.ensure_future(self._upload(stream))
        download = asyncio.ensure_future(self._download(stream, request))
        try:
            await asyncio.wait({upload, download}, return_when=asyncio.FIRST_COMPLETED)
            if not download.done() and isinstance(error := upload.exception(), GatewayError):
                await asyncio.wait({download}, timeout=REASON_S)  # the gateway reads no more: its answer says why
                if not download.done():
                    raise error
            elif not download.done() and error is not None:
                raise error
            await self._while_connected(download)
            if upload.done() and upload.exception() is None:
                return self._is_reusable()
        finally:
            for task in (upload, download):
                task.cancel()
            await asyncio.gather(upload, download, return_exceptions=True)
        await discard(self._reader)
        return False

    async def _while_connected(self, download: asyncio.Future[None]) -> None:
        """Wait for the answer, unless the tool goes away: then nobody wants it, and the service need not go on."""
        try:
            await asyncio.wait({download, self._closed}, return_when=asyncio.FIRST_COMPLETED)
            if not download.done():
                raise ConnectionResetError
            download.result()
        finally:
            download.cancel()
            await asyncio.gather(download, return_exceptions=True)

    async def _upload(self, stream: GatewayStream) -> None:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise BadRequestError(error.error_status_hint, "the request's body is not framed as HTTP/1.1 does") from None
            if event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue and not self.answered:
                    self._writer.write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
                self._http.receive_data(await self._reader.read(READ_BYTES))
            elif isinstance(event, h11.Data):
                await stream.data(bytes(event.data))
                self._count(bytes_out=len(event.data))
            else:
                await stream.end()
                return

    async def _download(self, stream: GatewayStream, request: Request) -> None:
        head = await stream.answer()
        response = _response(head)
        pending = self._http.send(response) or b""
        is_empty = request.method == "HEAD" or response.status_code in (204, 304)
        async for chunk in stream.chunks():
            if is_empty:
                continue
            self._count(bytes_in=len(chunk))
            pending += self._send(h11.Data(data=chunk))
            self.answered = True
            self._writer.write(pending)
            pending = b""
            await self._writer.drain()
        self.answered = True
        self._writer.write(pending + self._send(h11.EndOfMessage()))
        await self._writer.drain()

    def _send(self, event: h11.Data | h11.EndOfMessage) -> bytes:
        try:
            return self._http.send(event) or b""
        except h11.LocalProtocolError:
            raise GatewayError("GATEWAY_FAILED", "the answer is not as long as it said", "try again", 502) from None

    def _is_reusable(self) -> bool:
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE


def _response(head: Mapping[str, Any]) -> h11.Response:
    """The answer's head with framing of our own. Raises GatewayError."""
    try:
        pairs = [(str(name), str(value)) for name, value in head["headers"]]
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs if name.lower() not in _FRAMING]
        length = head.get("length")
        if length is not None and head["status"] != 204:
            headers.append((b"content-length", b"%d" % int(length)))
        reason = str(head.get("reason") or "").encode("latin-1", "replace")
        return h11.Response(status_code=int(head["status"]), headers=headers, reason=reason)
    except (KeyError, TypeError, ValueError, UnicodeError, h11.LocalProtocolError):
        raise GatewayError("GATEWAY_FAILED", "the answer's head cannot be passed on", "try again", 502) from None


def _token(code: str) -> str:
    return "".join(
        character if character.isascii() and (character.isalnum() or character in "_-") else "_" for character in code
    )


async def discard(reader: asyncio.StreamReader) -> None:
    """Read what is still sent and throw it away: closing with unread data is a reset, which would take the answer with it."""
    with suppress(TimeoutError, OSError):
        async with asyncio.timeout(LINGER_S):
            while await asyncio.wait_for(reader.read(READ_BYTES), PAUSE_S):
                pass
