"""The names that a grant's wildcards stand for, inside a sandbox: a resolver that asks nobody, and remembers what it said.

Guarantees: a name resolves only if it is named, or of a `*.domain` that is; it gets a loopback address of its own, by which a
connection is known later; nothing is ever asked outside (that the name exists shows when the connection is made, elsewhere).
Malformed questions get no answer, or FORMERR; there is no recursion, no transfer, no other class than IN. RFC 1035, RFC 8499.
Sans I/O.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

MAX_NAMES: Final = 1024  # of one command
MAX_QUESTION: Final = 1232  # bytes: what fits a datagram anywhere
_FIRST: Final = ipaddress.IPv4Address("127.78.0.1")
_TTL_S: Final = 60
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_MAX_NAME: Final = 253

_HEADER: Final = struct.Struct(">6H")
_QUESTION: Final = struct.Struct(">2H")
_RECORD: Final = struct.Struct(">3HIH4s")
_RESPONSE, _OPCODE, _RECURSION_WANTED, _RECURSION_HAD = 0x8000, 0x7800, 0x0100, 0x0080
_FORMAT_ERROR, _SERVER_FAILURE, _NO_NAME, _NOT_IMPLEMENTED = 1, 2, 3, 4
_TYPE_A, _CLASS_IN = 1, 1
_POINTER_TO_QUESTION: Final = 0xC000 | 12


class _MalformedError(Exception):
    """A question that cannot be read."""


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`*.domain` without its star and dot. is_deep: the star may be several labels."""

    domain: str
    is_deep: bool

    def covers(self, name: str) -> bool:
        star, mark, _ = name.partition("." + self.domain)
        return bool(star and mark) and name == f"{star}.{self.domain}" and (self.is_deep or "." not in star)


@dataclass(slots=True)
class Names:
    """exact: names that have their addresses already (they are in /etc/hosts)."""

    exact: Mapping[str, str]
    wildcards: Sequence[Wildcard]
    _addresses: dict[str, str] = field(default_factory=dict)
    _by_address: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_address.update({address: name for name, address in self.exact.items()})

    def is_known(self, name: str) -> bool:
        return name in self.exact or (_is_host_name(name) and any(wildcard.covers(name) for wildcard in self.wildcards))

    def address_of(self, name: str) -> str | None:
        """The address of a known name; None when there are too many."""
        found = self.exact.get(name) or self._addresses.get(name)
        if found is None and len(self._addresses) < MAX_NAMES:
            found = str(_FIRST + len(self._addresses))
            self._addresses[name] = found
            self._by_address[found] = name
        return found

    def name_at(self, address: str) -> str | None:
        return self._by_address.get(address)


def answer(question: bytes, names: Names) -> bytes | None:
    """The answer to one datagram, or None for what is no question."""
    if not _HEADER.size <= len(question) <= MAX_QUESTION:
        return None
    number, flags, count, *_others = _HEADER.unpack_from(question)
    if flags & _RESPONSE:
        return None
    kept = _RESPONSE | _RECURSION_HAD | (flags & (_OPCODE | _RECURSION_WANTED))
    if flags & _OPCODE:
        return _HEADER.pack(number, kept | _NOT_IMPLEMENTED, 0, 0, 0, 0)
    try:
        if count != 1:
            raise _MalformedError
        name, end = _read_name(question)
        kind, family = _QUESTION.unpack_from(question, end)
    except (_MalformedError, struct.error):
        return _HEADER.pack(number, kept | _FORMAT_ERROR, 0, 0, 0, 0)
    asked = question[_HEADER.size : end + _QUESTION.size]
    if family != _CLASS_IN or not names.is_known(name):
        return _HEADER.pack(number, kept | _NO_NAME, 1, 0, 0, 0) + asked
    if kind != _TYPE_A:
        return _HEADER.pack(number, kept, 1, 0, 0, 0) + asked  # it exists, but has no such record
    address = names.address_of(name)
    if address is None:
        return _HEADER.pack(number, kept | _SERVER_FAILURE, 1, 0, 0, 0) + asked
    record = _RECORD.pack(_POINTER_TO_QUESTION, _TYPE_A, _CLASS_IN, _TTL_S, 4, ipaddress.IPv4Address(address).packed)
    return _HEADER.pack(number, kept, 1, 1, 0, 0) + asked + record


def _read_name(question: bytes) -> tuple[str, int]:
    """The name asked for, in lower case, and where it ends. A question has no pointers."""
    labels: list[str] = []
    at = _HEADER.size
    while True:
        if at >= len(question):
            raise _MalformedError
        length = question[at]
        at += 1
        if not length:
            return ".".join(labels), at
        if length > 63 or at + length > len(question) or at > _HEADER.size + _MAX_NAME + 1:
            raise _MalformedError
        label = question[at : at + length]
        # What is no text, and a dot inside of a label, makes a name that nothing covers.
        labels.append(label.decode("ascii", "replace").lower().replace(".", "\ufffd"))
        at += length


def _is_host_name(name: str) -> bool:
    return len(name) <= _MAX_NAME and all(_LABEL.fullmatch(label) for label in name.split("."))
