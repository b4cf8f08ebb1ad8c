"""What a command's HTTP request looks like to its relay: one request at a time, read in one way only. Sans I/O.

Guarantees: a head that is returned is HTTP/1.0 or 1.1 with CRLF line ends, no folded line, no control character, one framing,
one Host that is the listener's own, an origin-form target and no other protocol to switch to; anything else is refused with a
status and words for the tool's own output. What follows a request's body is the next request, never part of this one.
It never looks into bodies, and decides nothing about methods, paths or credentials: the Authority does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import h11

MAX_HEAD: Final = 64 << 10  # bytes of request line and headers
_END: Final = b"\r\n\r\n"
_BARE_LF: Final = re.compile(rb"(?<!\r)\n")
_BARE_CR: Final = re.compile(rb"\r(?!\n)")
_FOLDED: Final = re.compile(rb"\r\n[ \t]")
_LENGTHS: Final = re.compile(rb"\r\ncontent-length[ \t]*:", re.IGNORECASE)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_VERSIONS: Final = frozenset({b"1.0", b"1.1"})
_METHOD: Final = re.compile(rb"[A-Z]{1,32}")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


class BadRequestError(Exception):
    """A request that is not passed on. status: HTTP. The message names no content of the request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Origin:
    """What a listener stands for. scheme: http or https."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Request:
    """headers: latin-1, in order. has_body: one may follow."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    has_body: bool

    def to_head(self, origin: Origin) -> dict[str, Any]:
        """The HEAD for the gateway."""
        return {
            "kind": "http",
            "scheme": origin.scheme,
            "host": origin.host,
            "port": origin.port,
            "method": self.method,
            "target": self.target,
            "headers": [list(pair) for pair in self.headers],
        }


def split_head(received: bytes) -> int | None:
    """Where the body begins in what was received of a request; None: the head is not complete. Raises BadRequestError."""
    end = received.find(_END)
    head = received if end < 0 else received[: end + len(_END)]
    if head.startswith(b"PRI * HTTP/2"):
        raise BadRequestError(505, "HTTP/2 is not spoken here, use HTTP/1.1")
    if head[:1] == b"\x16":
        raise BadRequestError(400, "this port is for http://, not for https://")
    if len(head) > MAX_HEAD:
        raise BadRequestError(431, f"the head of the request is longer than {MAX_HEAD} bytes")
    if _BARE_LF.search(head) or _BARE_CR.search(head if end >= 0 else head.removesuffix(b"\r")):
        raise BadRequestError(400, "a line of the request's head does not end in CRLF")
    if _FOLDED.search(head):
        raise BadRequestError(400, "a header is folded over two lines")
    if _CONTROL.search(head):
        raise BadRequestError(400, "there is a control character in the request's head")
    if len(_LENGTHS.findall(head)) > 1:  # h11 would make one of two that are equal
        raise BadRequestError(400, "the request has more than one Content-Length")
    return None if end < 0 else end + len(_END)


def parse_request(event: h11.Request, origin: Origin) -> Request:
    """What h11 read of a head that `split_head` took. Raises BadRequestError."""
    if event.http_version not in _VERSIONS:
        raise BadRequestError(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
    if event.method == b"CONNECT":
        raise BadRequestError(405, "this is no proxy: CONNECT is refused")
    if not _METHOD.fullmatch(event.method):
        raise BadRequestError(400, "the method is none that is passed on")
    if not event.target.startswith(b"/"):
        raise BadRequestError(400, "the request's target is not a path: this is no proxy")
    _check_host(event, origin)
    has_body = _check_framing(event)
    _check_upgrade(event)
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers)
    return Request(event.method.decode(), event.target.decode("latin-1"), headers, has_body)


def _all(event: h11.Request, name: bytes) -> list[bytes]:
    return [value for header, value in event.headers if header == name]


def _check_host(event: h11.Request, origin: Origin) -> None:
    hosts = _all(event, b"host")
    if not hosts and event.http_version == b"1.0":
        return
    if len(hosts) != 1:
        raise BadRequestError(400, "the request needs exactly one Host")
    accepted = {f"{origin.host}:{origin.port}"}
    if origin.port == _DEFAULT_PORTS[origin.scheme]:
        accepted.add(origin.host)
    if hosts[0].decode("latin-1").lower().replace(".:", ":").rstrip(".") not in accepted:
        raise BadRequestError(421, f"the request's Host is not {origin.host}:{origin.port}, where it was sent to")


def _check_framing(event: h11.Request) -> bool:
    lengths, codings = _all(event, b"content-length"), _all(event, b"transfer-encoding")
    if lengths and codings:
        raise BadRequestError(400, "both Content-Length and Transfer-Encoding frame the request's body")
    if len(lengths) > 1 or any(not _LENGTH.fullmatch(length) for length in lengths):
        raise BadRequestError(400, "the request needs exactly one Content-Length, a number")
    if codings and (event.http_version == b"1.0" or [coding.lower() for coding in codings] != [b"chunked"]):
        raise BadRequestError(501, "no Transfer-Encoding but chunked is taken, once, in HTTP/1.1")
    return bool(codings) or (bool(lengths) and int(lengths[0]) > 0)


def _check_upgrade(event: h11.Request) -> None:
    # h2c is an offer that any server may leave aside (RFC 9110, 7.8), and so do we; others wait for the new protocol.
    asked = b",".join(_all(event, b"upgrade")).lower()
    if asked and asked.strip() != b"h2c":
        raise BadRequestError(501, "no other protocol can be switched to (Upgrade, WebSocket)")
