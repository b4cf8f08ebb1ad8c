"""How a command's PostgreSQL connection begins: what its first packet may say. Pure.

Guarantees: a `Startup` that exists names one user and one database, each parameter once, and is no replication connection (it
would stream the whole cluster, past every policy on statements); a `Cancel` names one connection. Whoever wrote the packet, it
can be read in one way only. It never decides whether user and database are the service's (`verify_target` does).
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from janee.authority.egress.refusal import Refusal, RefusedError, malformed, misplaced
from janee.config.schema import POSTGRES_SCHEME, Service
from janee.pgwire import CANCEL, MAX_FIRST_PACKET, PREFIX, PROTOCOL_MAJOR, message_of, read_prefix
from janee.scrubber import Scrubber

MAX_PARAMETERS: Final = 64
_HOST: Final = re.compile(r"[a-z0-9._-]{1,255}|\[[0-9a-f:.]{2,45}\]")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.$]{0,127}")
_CANCEL_BODY: Final = struct.Struct(">II")
_OFF: Final = frozenset({"false", "off", "no", "0", ""})


@dataclass(frozen=True, slots=True)
class Startup:
    """parameters: without user, database and what is the protocol's own. minor: of the version; extensions: `_pq_.…` names."""

    user: str
    database: str
    parameters: tuple[tuple[str, str], ...]
    minor: int = 0
    extensions: tuple[str, ...] = ()

    def packet(self) -> bytes:
        """What is sent to the server: protocol 3.0."""
        pairs = (("user", self.user), ("database", self.database), *self.parameters)
        text = "".join(f"{name}\0{value}\0" for name, value in pairs)
        body = struct.pack(">I", PROTOCOL_MAJOR << 16) + text.encode("utf-8", "surrogateescape") + b"\0"
        return struct.pack(">I", len(body) + 4) + body

    def negotiation(self) -> bytes:
        """What the client is told first, if it asked for more than 3.0: that it gets 3.0."""
        if not self.minor and not self.extensions:
            return b""
        names = b"".join(name.encode("utf-8", "surrogateescape") + b"\0" for name in self.extensions)
        return message_of(b"v", struct.pack(">II", PROTOCOL_MAJOR << 16, len(self.extensions)) + names)


@dataclass(frozen=True, slots=True)
class Cancel:
    """A request to cancel what another connection does."""

    pid: int
    key: int


@dataclass(frozen=True, slots=True)
class PgHead:
    """One connection. host: lower case, IPv6 in brackets."""

    host: str
    port: int
    wanted: Startup | Cancel

    @property
    def origin(self) -> str:
        return f"{POSTGRES_SCHEME}://{self.host}:{self.port}"


def parse_pg_head(value: Mapping[str, Any]) -> PgHead:
    """The HEAD of a stream of kind `tunnel`. Raises RefusedError REQUEST_MALFORMED."""
    if set(value) != {"kind", "scheme", "host", "port", "first"} or value["kind"] != "tunnel":
        raise malformed("the connection's head does not have the form of one")
    host, port, first = value["host"], value["port"], value["first"]
    if value["scheme"] != POSTGRES_SCHEME or not isinstance(host, str) or not _HOST.fullmatch(host.lower()):
        raise malformed("the connection names no plain host")
    if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535:
        raise malformed("the connection names no port")
    if not isinstance(first, str) or len(first) > 2 * MAX_FIRST_PACKET:
        raise malformed("the first packet of the connection cannot be read")
    try:
        packet = base64.b64decode(first, validate=True)
    except (binascii.Error, ValueError):
        raise malformed("the first packet of the connection cannot be read") from None
    return PgHead(host.lower(), port, parse_first(packet))


def parse_first(packet: bytes) -> Startup | Cancel:
    """Raises RefusedError REQUEST_MALFORMED."""
    try:
        length, code = read_prefix(packet[:PREFIX])
    except (ValueError, struct.error):
        raise malformed("the first packet of the connection is no PostgreSQL") from None
    body = packet[PREFIX:]
    if length != len(packet):
        raise malformed("the first packet of the connection is not as long as it says")
    if code == CANCEL:
        if len(body) != _CANCEL_BODY.size:
            raise malformed("the request to cancel has no key of four bytes")
        return Cancel(*_CANCEL_BODY.unpack(body))
    if code >> 16 != PROTOCOL_MAJOR:
        raise malformed("no version of the PostgreSQL protocol but 3 is spoken")
    return _startup(body, code & 0xFFFF)


def _startup(body: bytes, minor: int) -> Startup:
    *texts, last, end = body.split(b"\0") if body else [b"?", b"?"]
    if last or end or len(texts) % 2 or len(texts) > 2 * MAX_PARAMETERS:
        raise malformed("the parameters of the connection cannot be read")
    pairs: dict[str, str] = {}
    for at in range(0, len(texts), 2):
        name, value = (text.decode("utf-8", "surrogateescape") for text in texts[at : at + 2])
        if not _NAME.fullmatch(name) or name.lower() in (known.lower() for known in pairs):
            raise malformed("a parameter of the connection is given twice, or its name cannot be read")
        pairs[name] = value
    if pairs.pop("replication", "off").lower() not in _OFF:
        raise RefusedError(Refusal.RULE_DENY, "a replication connection is not made for a command", "connect without it")
    if any(name.lower() in ("user", "database", "replication") for name in pairs.keys() - {"user", "database"}):
        raise malformed("a parameter of the connection is spelled like another one")
    user = pairs.pop("user", "")
    if not user:
        raise malformed("the connection names no user")
    database = pairs.pop("database", "") or user
    extensions = tuple(name for name in pairs if name.startswith("_pq_."))
    kept = tuple((name, value) for name, value in pairs.items() if name not in extensions)
    return Startup(user, database, kept, minor, extensions)


def verify_target(startup: Startup, service: Service, username: str, scan: Scrubber) -> None:
    """User and database are the service's, and nothing holds a placeholder. Raises RefusedError."""
    texts = (startup.user, startup.database, *(text for pair in startup.parameters for text in pair), *startup.extensions)
    if scan.scrub("\0".join(texts).encode("utf-8", "surrogateescape"))[1]:
        raise misplaced("the connection's parameters")
    named = urlsplit(service.base_url).path.strip("/")
    if named and startup.database != named:
        step = f"connect to it: -d {named}, or PGDATABASE={named} in the capability's env"
        raise RefusedError(Refusal.RULE_DENY, f"the service {service.name} is the database {named}", step)
    if startup.user != username:
        step = f"connect as that user: -U {username}, or PGUSER={{{{username}}}} in the capability's env"
        raise RefusedError(Refusal.RULE_DENY, f"the user of the service {service.name} is {username}", step)
