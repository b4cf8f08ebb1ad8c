"""The part of a relay that ends a command's PostgreSQL connections, and passes each to the Authority's gateway.

Guarantees: a connection goes only where its listener stands for; it reaches nothing but the gateway, which decides and logs in;
the command is asked for no password (its network is its own, and whoever is in it has the grant), and gets TLS with the grant's
CA if it wants it; what is refused, here or there, is an ErrorResponse that its client shows. Both directions go only as fast as
the other side takes them. It looks at nothing but the first packet, never holds a credential, and never logs.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import struct
from contextlib import suppress
from typing import Any, Final

from janee.pgwire import PREFIX, WANTS_GSS, WANTS_TLS, read_prefix, refusal_response
from janee.runner.egress import HANDSHAKE_S, Served, discard, streams_of
from janee.runner.gateway import READ_BYTES, Gateway, GatewayError, GatewayStream

FIRST_S: Final = 15.0
REASON_S: Final = 2.0
LINGER_S: Final = 5.0
_MAX_ASKED: Final = 2  # for GSSAPI and for TLS, once each


class _BadClientError(Exception):
    """What came is no PostgreSQL."""


def serve_postgres(
    served: tuple[Served, ...], gateway: Gateway, tls: ssl.SSLContext, slots: asyncio.Semaphore
) -> tuple[asyncio.Task[None], ...]:
    """Start serving. slots: connections at one time, beyond which one is closed at once."""
    return tuple(asyncio.ensure_future(_accept(one, gateway, tls, slots)) for one in served)


async def _accept(one: Served, gateway: Gateway, tls: ssl.SSLContext, slots: asyncio.Semaphore) -> None:
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()
    while True:
        try:
            client, _peer = await loop.sock_accept(one.listener)
        except OSError:
            await asyncio.sleep(0.1)  # no descriptor is free: one will be
            continue
        if slots.locked():
            one.count(refused=1)
            client.close()
            continue
        task = asyncio.ensure_future(_serve(one, gateway, tls, slots, client))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def _serve(one: Served, gateway: Gateway, tls: ssl.SSLContext, slots: asyncio.Semaphore, client: socket.socket) -> None:
    async with slots:
        one.count(connections=1)
        client.setblocking(False)
        try:
            async with asyncio.timeout(FIRST_S):
                reader, writer, packet = await _begin(client, tls)
        except (_BadClientError, OSError, EOFError):
            one.count(refused=1)
            client.close()
            return
        except BaseException:
            client.close()
            raise
        with suppress(OSError):
            await _Conversation(one, gateway, reader, writer).run(packet)
        with suppress(OSError, RuntimeError):
            writer.close()


async def _begin(client: socket.socket, tls: ssl.SSLContext) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
    """Until the first packet that is no question for encryption; it is returned whole.

    Each question is read to its last byte and no further, so that nothing sent in clear is taken for what came through TLS.
    """
    loop = asyncio.get_running_loop()
    for _ in range(_MAX_ASKED + 1):
        prefix = await _exactly(client, PREFIX)
        length, code = _prefix(prefix)
        if code == WANTS_TLS and length == PREFIX:
            await loop.sock_sendall(client, b"S")
            reader, writer = await streams_of(client, ssl=tls, ssl_handshake_timeout=HANDSHAKE_S)
            try:
                return reader, writer, await _inner(reader)
            except BaseException:
                writer.transport.abort()  # it has the socket now: closed under it, its number would be another's
                raise
        if code == WANTS_GSS and length == PREFIX:
            await loop.sock_sendall(client, b"N")
            continue
        packet = prefix + await _exactly(client, length - PREFIX)
        return *await streams_of(client), packet
    raise _BadClientError


async def _inner(reader: asyncio.StreamReader) -> bytes:
    """The first packet inside of TLS, where nothing is asked any more."""
    prefix = await reader.readexactly(PREFIX)
    length, code = _prefix(prefix)
    if code in (WANTS_TLS, WANTS_GSS):
        raise _BadClientError
    return prefix + await reader.readexactly(length - PREFIX)


def _prefix(prefix: bytes) -> tuple[int, int]:
    try:
        return read_prefix(prefix)
    except (ValueError, struct.error):
        raise _BadClientError from None


async def _exactly(client: socket.socket, count: int) -> bytes:
    loop, received = asyncio.get_running_loop(), b""
    while len(received) < count:
        data = await loop.sock_recv(client, count - len(received))
        if not data:
            raise EOFError
        received += data
    return received


class _Conversation:
    """One connection of the command."""

    def __init__(self, one: Served, gateway: Gateway, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._one = one
        self._gateway = gateway
        self._reader = reader
        self._writer = writer
        self._is_begun = False  # something of the server's has gone out

    async def run(self, packet: bytes) -> None:
        self._one.count(requests=1)
        stream: GatewayStream | None = None
        try:
            stream = await self._gateway.open()
            stream.head(_head(self._one, packet))
            await stream.flush()
            await self._both(stream)
            await stream.close()
            if not self._reader.at_eof():
                await discard(self._reader)  # the server's last word must reach who is still sending
        except GatewayError as error:
            self._one.count(refused=1)
            if not self._is_begun:
                await self._refuse(error)
            else:
                self._writer.transport.abort()  # not in order: the tool must not take what it has for the whole
        finally:
            if stream is not None:
                stream.abort()

    async def _both(self, stream: GatewayStream) -> None:
        upload = asyncio.ensure_future(self._upload(stream))
        download = asyncio.ensure_future(self._download(stream))
        try:
            await asyncio.wait({upload, download}, return_when=asyncio.FIRST_COMPLETED)
            if not download.done():  # the client is gone, or the gateway reads no more: its answer says why
                await asyncio.wait({download}, timeout=REASON_S)
                if not download.done():
                    upload.result()
                    raise ConnectionResetError
            download.result()
        finally:
            for task in (upload, download):
                task.cancel()
            await asyncio.gather(upload, download, return_exceptions=True)

    async def _upload(self, stream: GatewayStream) -> None:
        while data := await self._reader.read(READ_BYTES):
            await stream.data(data)
            self._one.count(bytes_out=len(data))
        await stream.end()

    async def _download(self, stream: GatewayStream) -> None:
        await stream.answer()
        async for chunk in stream.chunks():
            self._is_begun = True
            self._one.count(bytes_in=len(chunk))
            self._writer.write(chunk)
            await self._writer.drain()

    async def _refuse(self, error: GatewayError) -> None:
        self._writer.write(refusal_response(error.code, error.message, error.hint))
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(LINGER_S):
                await self._writer.drain()


def _head(one: Served, packet: bytes) -> dict[str, Any]:
    """The HEAD for the gateway."""
    return {
        "kind": "tunnel",
        "scheme": one.origin.scheme,
        "host": one.origin.host,
        "port": one.origin.port,
        "first": base64.b64encode(packet).decode(),
    }
