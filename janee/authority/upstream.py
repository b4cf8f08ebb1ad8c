"""Calls to services' APIs.

Guarantees
- A request goes to exactly the service's own origin: the name is resolved here, every address checked, the connection made to a
  checked address, and TLS verified against the name. No redirect is followed, no proxy or `.netrc` of the environment is used.
- A response is bounded: in time (the caller's deadline), in size, also after decompression; an encoding that we cannot look
  into is refused, because a secret in it could not be seen.
- No error names an address or quotes what the upstream sent.
It never decides and never scrubs: `janee.authority.execute` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import zlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import httpx

from janee.authority.addresses import resolve, verify_addresses
from janee.config.schema import Service
from janee.errors import ProtocolError
from janee.protocol import ErrorCode

MAX_RESPONSE_BYTES: Final = 10 << 20
OVERLAP_BYTES: Final = 128 << 10  # read beyond the limit, so that a secret across it is seen whole before the cut
CONNECT_S: Final = 10.0
MAX_CONNECTIONS: Final = 64  # to one service
MAX_CALLS: Final = 8  # of one agent to one service at once; more wait for their turn, so that others get theirs
_KEPT_SERVICES: Final = 32
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """What to send. path: canonical, below the service's base path; headers: all of them, the credential's too."""

    method: str
    path: str
    query: str
    headers: Mapping[bytes, bytes]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class UpstreamResponse:
    """What came back, unscrubbed.

    headers: as they were sent, not decoded. body: decoded, up to MAX_RESPONSE_BYTES + OVERLAP_BYTES. is_cut: there was more.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    is_cut: bool


@dataclass(slots=True)
class _Turns:
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CALLS))
    users: int = 0


class Upstreams:
    """Connections to the services, kept alive apart for each of them. For one event loop."""

    def __init__(self) -> None:
        self._transports: OrderedDict[tuple[str, str | None], httpx.AsyncHTTPTransport] = OrderedDict()
        self._default_context: ssl.SSLContext | None = None
        self._turns: dict[tuple[str, str], _Turns] = {}

    @contextlib.asynccontextmanager
    async def turn(self, service: Service, crowd: str) -> AsyncGenerator[None]:
        """Wait until fewer than MAX_CALLS of those that are counted together call the service."""
        key = (service.name, crowd)
        turns = self._turns.setdefault(key, _Turns())
        turns.users += 1
        try:
            async with turns.free:
                yield
        finally:
            turns.users -= 1
            if turns.users == 0:
                del self._turns[key]

    async def send(self, service: Service, request: UpstreamRequest) -> UpstreamResponse:
        """Send one request and read its response. The caller sets the deadline.

        Raises ProtocolError UPSTREAM_FAILED; TimeoutError.
        """
        url = urlsplit(service.base_url)
        if url.scheme not in _DEFAULT_PORTS:
            why = f"the service {service.name} is no HTTP service ({url.scheme})"
            raise ProtocolError(ErrorCode.UPSTREAM_FAILED, why, "only commands can use it: a capability with mode exec")
        host, port = url.hostname or "", url.port or _DEFAULT_PORTS[url.scheme]
        addresses = await resolve(host, port)
        verify_addresses(host, addresses, allow_private=service.allow_private, is_plain_http=url.scheme == "http")
        prepared = _prepare(service, request, addresses[0], port)
        try:
            transport = await self._transport(service)
            response = await transport.handle_async_request(prepared)
            _acknowledge(response)
            try:
                body, is_cut = await _read(response, request.method)
            finally:
                await response.aclose()
        except httpx.ConnectTimeout:
            why = f"the host {host} took no connection within {CONNECT_S:g} s"
            raise ProtocolError(ErrorCode.UPSTREAM_TIMEOUT, why, "is it running, and reachable from the Authority?") from None
        except httpx.TimeoutException:
            raise TimeoutError from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as error:
            raise _translated(host, error) from None
        return UpstreamResponse(response.status_code, tuple(response.headers.raw), body, is_cut)

    async def close(self) -> None:
        while self._transports:
            await self._transports.popitem()[1].aclose()

    async def _transport(self, service: Service) -> httpx.AsyncHTTPTransport:
        # One for each origin: a pool is keyed by address, and a connection verified for one name must not serve another.
        url = urlsplit(service.base_url)
        key = (f"{service.name} {url.scheme}://{url.netloc}", service.ca)
        found = self._transports.get(key)
        if found is None:
            context: ssl.SSLContext | bool = self._context(service) if url.scheme == "https" else False
            limits = httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=8, keepalive_expiry=30)
            found = httpx.AsyncHTTPTransport(verify=context, trust_env=False, http2=False, limits=limits, retries=0)
            self._transports[key] = found
            if len(self._transports) > _KEPT_SERVICES:
                await self._transports.popitem(last=False)[1].aclose()
        self._transports.move_to_end(key)
        return found

    def _context(self, service: Service) -> ssl.SSLContext:
        if service.ca is not None:
            try:
                return ssl.create_default_context(cafile=service.ca)
            except (OSError, ssl.SSLError):
                raise ProtocolError(
                    ErrorCode.UPSTREAM_FAILED, f"the CA file of the service {service.name} cannot be used", "check `ca`"
                ) from None
        if self._default_context is None:
            self._default_context = ssl.create_default_context()
        return self._default_context


def _prepare(service: Service, request: UpstreamRequest, address: str, port: int) -> httpx.Request:
    url = urlsplit(service.base_url)
    literal = f"[{address}]" if ":" in address else address
    target = url.path.rstrip("/") + request.path + (f"?{request.query}" if request.query else "")
    host = url.netloc.rpartition("@")[2]
    return httpx.Request(
        request.method,
        # raw_path goes on the wire as it is: httpx must not normalise what the rules have seen
        httpx.URL(scheme=url.scheme, host=literal.strip("[]"), port=port, raw_path=target.encode("ascii")),
        headers={b"host": host.encode("ascii"), **request.headers},
        content=request.body,
        extensions={
            "sni_hostname": url.hostname or "",
            "timeout": {"connect": CONNECT_S, "read": None, "write": None, "pool": None},
        },
    )


def _acknowledge(response: httpx.Response) -> None:
    """Acknowledge the response's head now.

    A server that writes head and body apart, with Nagle's algorithm (RFC 896), holds the body back until our kernel's delayed
    acknowledgement, some 40 ms.
    """
    stream = response.extensions.get("network_stream")
    connection = stream.get_extra_info("socket") if stream is not None else None
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


async def _read(response: httpx.Response, method: str) -> tuple[bytes, bool]:
    """The decoded body, bounded, and whether there was more."""
    if response.status_code == 206 or "content-range" in response.headers:
        # A few bytes of a secret are no secret to look at; put together they are.
        raise ProtocolError(ErrorCode.UPSTREAM_FAILED, "the response is a part of one that was not asked for in parts")
    if method == "HEAD" or response.status_code in (204, 304):
        return b"", False
    decoder = _decoder(response.headers.get("content-encoding", ""))
    limit = MAX_RESPONSE_BYTES + OVERLAP_BYTES
    body = bytearray()
    stream = response.stream
    if not isinstance(stream, httpx.AsyncByteStream):
        raise ProtocolError(ErrorCode.UPSTREAM_FAILED, "the response is not a stream")
    async for piece in _decoded(stream, decoder, limit + 1):
        body += piece
        if len(body) > limit:
            return bytes(body[:limit]), True
    return bytes(body), len(body) > MAX_RESPONSE_BYTES


async def _decoded(
    stream: AsyncIterator[bytes] | httpx.AsyncByteStream, decoder: zlib._Decompress | None, most: int
) -> AsyncIterator[bytes]:
    async for chunk in stream:
        if decoder is None:
            yield chunk
            continue
        try:
            # Bounded: of a bomb no more is unpacked than the limit, where the reader cuts.
            yield decoder.decompress(chunk, most)
        except zlib.error:
            raise ProtocolError(ErrorCode.UPSTREAM_FAILED, "the response's content encoding is damaged") from None
        if decoder.unused_data:
            raise ProtocolError(ErrorCode.UPSTREAM_FAILED, "the response's content encoding has several parts")


def _decoder(encoding: str) -> zlib._Decompress | None:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by its header
    raise ProtocolError(
        ErrorCode.UPSTREAM_FAILED, "the response has a content encoding that was not asked for and cannot be looked into"
    )


def _translated(host: str, error: BaseException) -> ProtocolError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            hint = "check the certificate; for a private CA set `ca` of the service"
            return ProtocolError(
                ErrorCode.UPSTREAM_FAILED, f"the certificate of {host} is not valid: {cause.verify_message}", hint
            )
        if isinstance(cause, ConnectionRefusedError):
            return ProtocolError(ErrorCode.UPSTREAM_FAILED, f"{host} refuses the connection", "is it running?")
        cause = cause.__cause__ or cause.__context__
    return ProtocolError(ErrorCode.UPSTREAM_FAILED, f"the call to {host} failed ({type(error).__name__})", "try again")
