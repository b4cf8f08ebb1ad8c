"""The head of a request that a command's relay passes on: what one may look like. Pure.

Guarantees: an `EgressHead` that exists can be read in one way only, whoever wrote it (the relay is not trusted): a known
scheme, a plain host, a method and a target without blanks and control characters, header names that are tokens, values
without line breaks, one length at most, no upgrade, no tunnel; nothing that is sent on of it is hop by hop, or names who
asked. It never decides whether the request is allowed (`janee.authority.policy.decide_egress`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from janee.authority.egress.refusal import malformed

MAX_HEADERS: Final = 128
MAX_HEADER_BYTES: Final = 64 << 10  # of all names and values
MAX_TARGET: Final = 32 << 10
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")  # RFC 9110, 5.6.2
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_METHOD: Final = re.compile(r"[A-Z]{1,32}")
_TARGET: Final = re.compile(r"/[\x21-\x7e]*")
_HOST: Final = re.compile(r"[a-z0-9._-]{1,255}|\[[0-9a-f:.]{2,45}\]")
_LENGTH: Final = re.compile(r"[0-9]{1,15}")
_PORTS: Final = {"https": 443, "http": 80}
_REFUSED_METHODS: Final = frozenset({"CONNECT", "TRACE", "TRACK", "PRI"})
_ONCE: Final = frozenset({"host", "content-length", "transfer-encoding", "authorization", "content-type", "expect"})
# Hop by hop (RFC 9110, 7.6.1), a proxy's, or true only of the connection to the relay; Range: `stream` makes its own of it.
_STRIPPED_TEXT: Final = (
    "connection keep-alive proxy-connection te trailer transfer-encoding content-length host expect upgrade forwarded via "
    "x-real-ip max-forwards accept-encoding range if-range http2-settings alt-used priority want-digest "
    "want-content-digest want-repr-digest a-im cookie2"
)
_STRIPPED: Final = frozenset(_STRIPPED_TEXT.split())
_STRIPPED_PREFIXES: Final = ("proxy-", "x-forwarded-", "x-envoy-", "sec-websocket-")

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class EgressHead:
    """One request. host: lower case, IPv6 in brackets. target: origin form. headers: those that are sent on, in order.

    dropped: those that are not. length: of the body in bytes; None: not known, it is sent in chunks.
    """

    scheme: str
    host: str
    port: int
    method: str
    target: str
    headers: Headers
    length: int | None
    dropped: Headers = ()

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        """The value of `Host`."""
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"


def parse_head(value: Mapping[str, Any]) -> EgressHead:
    """Raises RefusedError REQUEST_MALFORMED."""
    if set(value) != {"kind", "scheme", "host", "port", "method", "target", "headers"} or value["kind"] != "http":
        raise malformed("the request's head does not have the form of one")
    scheme, host, port = value["scheme"], value["host"], value["port"]
    if scheme not in tuple(_PORTS) or not isinstance(host, str) or not _HOST.fullmatch(host.lower()):
        raise malformed("the request names no plain host")
    if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535:
        raise malformed("the request names no port")
    method, target = value["method"], value["target"]
    if not isinstance(method, str) or not _METHOD.fullmatch(method) or method in _REFUSED_METHODS:
        raise malformed("the method is none that is passed on")
    if not isinstance(target, str) or len(target) > MAX_TARGET or not _TARGET.fullmatch(target) or "#" in target:
        raise malformed("the target is no plain path, or too long")
    pairs = _pairs(value["headers"])
    _verify_host(pairs, host.lower(), port, scheme)
    sent, dropped = _sorted(pairs)
    return EgressHead(scheme, host.lower(), port, method, target, sent, _body_length(pairs), dropped)


def _pairs(value: Any) -> list[tuple[str, str]]:
    """The headers, names in lower case. Raises RefusedError."""
    if not isinstance(value, list) or len(value) > MAX_HEADERS:
        raise malformed(f"the request has more than {MAX_HEADERS} headers, or none that can be read")
    pairs: list[tuple[str, str]] = []
    size = 0
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise malformed("a header is no pair of name and value")
        name, content = pair
        size += len(name) + len(content)
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(content):
            raise malformed("a header holds a forbidden character")
        pairs.append((name.lower(), content.strip(" \t")))
    if size > MAX_HEADER_BYTES:
        raise malformed(f"the headers have more than {MAX_HEADER_BYTES} bytes")
    names = [name for name, _ in pairs]
    if twice := sorted(name for name in _ONCE if names.count(name) > 1):
        raise malformed(f"the header {twice[0]} is given twice")
    if "upgrade" in names or any(name.startswith("sec-websocket-") or name == "http2-settings" for name in names):
        raise malformed("a connection cannot become another protocol's (Upgrade, WebSocket, HTTP/2)")
    return pairs


def _verify_host(pairs: Iterable[tuple[str, str]], host: str, port: int, scheme: str) -> None:
    """`Host` names what the connection was made to: a server that believes it must not serve another site."""
    for name, content in pairs:
        if name == "host":
            given, _, number = content.lower().rpartition(":")
            if not number.isdecimal() or not given or given.endswith(":"):
                given, number = content.lower(), str(_PORTS[scheme])
            if (given, number) != (host, str(port)):
                raise malformed("the header Host names another host than the connection")


def _body_length(pairs: Iterable[tuple[str, str]]) -> int | None:
    """RFC 9112, 6.3, without the cases that two servers could read differently."""
    found = dict(pairs)
    coding, length = found.get("transfer-encoding"), found.get("content-length")
    if coding is not None:
        if length is not None:
            raise malformed("the request has two lengths (Content-Length and Transfer-Encoding)")
        if coding.lower() != "chunked":
            raise malformed("the transfer encoding is none that is passed on")
        return None
    if length is None:
        return 0
    if not _LENGTH.fullmatch(length):
        raise malformed("the content length is no number")
    return int(length)


def _sorted(pairs: Iterable[tuple[str, str]]) -> tuple[Headers, Headers]:
    """What is sent on, and what is not."""
    listed = list(pairs)
    named = {token.strip().lower() for name, content in listed if name == "connection" for token in content.split(",")}
    sent: list[tuple[bytes, bytes]] = []
    dropped: list[tuple[bytes, bytes]] = []
    for name, content in listed:
        plain = name.replace("_", "-")  # CGI and its heirs take the one for the other
        is_dropped = name in named or plain in _STRIPPED or plain.startswith(_STRIPPED_PREFIXES)
        (dropped if is_dropped else sent).append((name.encode("ascii"), content.encode("latin-1")))
    return tuple(sent), tuple(dropped)
