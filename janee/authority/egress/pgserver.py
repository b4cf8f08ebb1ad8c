"""The connection to a real PostgreSQL server: made, proven, logged in.

Guarantees: it goes to an address that was checked, with TLS verified against the service's name (but where the operator said
`sslMode: disable`, or on loopback, unless a mode is named; then never to a public address); the password is used in
SCRAM-SHA-256 alone, never sent as it is nor as an MD5 hash; a server that neither its certificate nor SCRAM proves gets no
session. It never scrubs and never decides.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
import ssl
import struct
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from janee.authority.addresses import resolve, verify_addresses
from janee.authority.egress import scram
from janee.authority.egress.pgstartup import Cancel, PgHead, Startup
from janee.authority.egress.refusal import Refusal, RefusedError
from janee.authority.egress.upstream import CONNECT_S, READ_BYTES, translated
from janee.config.schema import Service
from janee.errors import ProtocolError
from janee.pgwire import CANCEL, PREFIX, WANTS_TLS, message_of
from janee.secret import Secret

LOGIN_S: Final = 30.0
MAX_LOGIN_MESSAGE: Final = 32 << 10
_HEAD: Final = struct.Struct(">cI")
_OK, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 10, 11, 12
_ASKED: Final = {
    2: "Kerberos", 3: "the password as it is", 5: "an MD5 hash of the password", 7: "GSSAPI", 9: "SSPI",
}  # fmt: skip


class ServerRefusedError(Exception):
    """The server refused the login. message: its ErrorResponse, whole."""

    def __init__(self, message: bytes) -> None:
        super().__init__("the server refused the login")
        self.message = message


@dataclass(slots=True)
class Server:
    """One connection. binding: of SCRAM to its certificate; None without TLS."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_tls: bool
    binding: bytes | None = None

    def close(self) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            self.writer.close()

    def abort(self) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            self.writer.transport.abort()


@dataclass(slots=True)
class Databases:
    """Makes connections. For one event loop."""

    _contexts: dict[str | None, ssl.SSLContext] = field(default_factory=dict)

    async def connect(self, service: Service, head: PgHead) -> Server:
        """Raises RefusedError UPSTREAM_FAILED, UPSTREAM_TIMEOUT."""
        host = head.host.strip("[]")
        is_tls = uses_tls(service, host)
        try:
            addresses = await resolve(host, head.port)
            verify_addresses(host, addresses, allow_private=service.allow_private, is_plain_http=not is_tls)
            return await _open(addresses, head.port, host, self._context(service.ca) if is_tls else None)
        except ProtocolError as error:
            raise RefusedError(Refusal.UPSTREAM_FAILED, error.message, error.hint) from None
        except OSError as error:
            raise translated(host, error) from None

    def _context(self, ca: str | None) -> ssl.SSLContext:
        found = self._contexts.get(ca)
        if found is None:
            try:
                found = ssl.create_default_context(cafile=ca)
            except (OSError, ssl.SSLError):
                raise RefusedError(Refusal.UPSTREAM_FAILED, "the service's CA file cannot be used", "check `ca`") from None
            found.minimum_version = ssl.TLSVersion.TLSv1_2
            found.set_alpn_protocols(["postgresql"])
            self._contexts[ca] = found
        return found


def uses_tls(service: Service, host: str) -> bool:
    """By the name, not by what it resolves to: DNS must not decide about TLS."""
    mode = service.auth.options.get("sslMode")
    if mode is not None:
        return mode != "disable"
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


async def _open(addresses: tuple[str, ...], port: int, host: str, context: ssl.SSLContext | None) -> Server:
    """To the first of the addresses that takes a connection. Raises OSError, RefusedError."""
    last: OSError = OSError("no address")
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            async with asyncio.timeout(CONNECT_S):
                return await _dial(connection, address, port, host, context)
        except TimeoutError:
            connection.close()
            last = TimeoutError()
        except ssl.SSLError:
            connection.close()
            raise
        except OSError as error:
            connection.close()
            last = error
        except BaseException:
            connection.close()
            raise
    raise last


async def _dial(connection: socket.socket, address: str, port: int, host: str, context: ssl.SSLContext | None) -> Server:
    loop = asyncio.get_running_loop()
    connection.setblocking(False)
    await loop.sock_connect(connection, (address, port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is None:
        return Server(*await asyncio.open_connection(sock=connection, limit=READ_BYTES), is_tls=False)
    await loop.sock_sendall(connection, struct.pack(">II", PREFIX, WANTS_TLS))
    # One byte and no more: what comes in clear behind it must not be taken for what comes through TLS (CVE-2021-23222).
    if await loop.sock_recv(connection, 1) != b"S":
        raise RefusedError(
            Refusal.UPSTREAM_FAILED,
            f"the server of {host} speaks no TLS",
            "switch it on there; in a private network of your own: sslMode: disable under the service's auth",
        )
    reader, writer = await asyncio.open_connection(sock=connection, ssl=context, server_hostname=host, limit=READ_BYTES)
    return Server(reader, writer, is_tls=True, binding=_end_point(writer.get_extra_info("ssl_object").getpeercert(True)))


def _end_point(certificate: bytes) -> bytes | None:
    """tls-server-end-point (RFC 5929, 4.1); None: the certificate's signature names no hash."""
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except ValueError:
        return None
    if algorithm is None:
        return None
    digest = hashes.Hash(hashes.SHA256() if isinstance(algorithm, hashes.MD5 | hashes.SHA1) else algorithm)
    digest.update(certificate)
    return digest.finalize()


async def cancel(server: Server, wanted: Cancel) -> None:
    """Ask the server to cancel; it answers nothing but the end. Raises OSError."""
    server.writer.write(struct.pack(">IIII", 16, CANCEL, wanted.pid, wanted.key))
    await server.writer.drain()
    async with asyncio.timeout(CONNECT_S):
        await server.reader.read(1)


async def login(server: Server, startup: Startup, password: Secret) -> None:
    """Until AuthenticationOk. Raises RefusedError, ServerRefusedError, OSError."""
    try:
        async with asyncio.timeout(LOGIN_S):
            server.writer.write(startup.packet())
            await _authenticate(server, password)
    except TimeoutError:
        raise RefusedError(Refusal.UPSTREAM_TIMEOUT, f"the server let nobody in within {LOGIN_S:g} s", "try again") from None
    except asyncio.IncompleteReadError:
        raise RefusedError(Refusal.UPSTREAM_FAILED, "the server closed the connection at the login", "try again") from None
    except scram.ScramError as error:
        raise RefusedError(
            Refusal.UPSTREAM_FAILED, f"the server's login is not accepted: {error}", "ask the operator"
        ) from None


async def _authenticate(server: Server, password: Secret) -> None:
    kind, body = await _request(server)
    if kind == _SASL:
        await _sasl(server, body, password)
        kind, body = await _request(server)
        if kind == _OK:
            return
    elif kind == _OK:
        if server.is_tls:
            return
        why = "the server asks for no password, and has no TLS: nothing shows that it is the service's"
        raise RefusedError(Refusal.UPSTREAM_FAILED, why, "let it ask for scram-sha-256, or switch TLS on")
    asked = _ASKED.get(kind, "another way of login")
    raise RefusedError(
        Refusal.UPSTREAM_FAILED,
        f"the server asks for {asked}, only SCRAM-SHA-256 is done",
        "set scram-sha-256 in its pg_hba.conf",
    )


async def _sasl(server: Server, offer: bytes, password: Secret) -> None:
    mechanisms = tuple(name.decode("ascii", "replace") for name in offer.split(b"\0") if name)
    name, exchange = scram.begin(os.urandom(scram.NONCE_BYTES), mechanisms, server.binding)
    first = exchange.first
    server.writer.write(message_of(b"p", name.encode() + b"\0" + struct.pack(">I", len(first)) + first))
    kind, body = await _request(server)
    if kind != _SASL_CONTINUE:
        raise scram.ScramError("it gave no challenge")
    challenge = exchange.challenge(body)
    # In a thread: a million rounds take most of a second.
    final, expected = await asyncio.to_thread(exchange.finish, challenge, password)
    server.writer.write(message_of(b"p", final))
    kind, body = await _request(server)
    if kind != _SASL_FINAL:
        raise scram.ScramError("it did not prove that it knows the password")
    scram.verify_final(body, expected)


async def _request(server: Server) -> tuple[int, bytes]:
    """The next authentication request: its kind and data. Raises RefusedError, ServerRefusedError, IncompleteReadError."""
    for _ in range(16):
        head = await server.reader.readexactly(_HEAD.size)
        kind, length = _HEAD.unpack(head)
        if not 4 <= length <= MAX_LOGIN_MESSAGE:
            break
        body = await server.reader.readexactly(length - 4)
        if kind == b"E":
            raise ServerRefusedError(head + body)
        if kind == b"R" and len(body) >= 4:
            return int.from_bytes(body[:4], "big"), body[4:]
        if kind not in (b"N", b"v"):
            break
    raise RefusedError(Refusal.UPSTREAM_FAILED, "the server does not speak PostgreSQL's protocol", "check baseUrl")
