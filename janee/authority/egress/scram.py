"""SCRAM-SHA-256 as a client (RFC 5802, RFC 7677), with channel binding to the server's certificate (RFC 5929). Pure.

Guarantees: the password never goes to the server, in no form that can be used again; a server that does not know the password
(its signature is wrong), that answers another nonce than ours, that asks for a cheap hash (a dictionary would do) or for one
that would keep us busy, is refused; one that hides channel binding from us is found out by itself (flag `y`).
It does no I/O and makes no random numbers.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import stringprep
import unicodedata
from dataclasses import dataclass
from typing import Final

from janee.secret import Secret

PLAIN: Final = "SCRAM-SHA-256"
PLUS: Final = "SCRAM-SHA-256-PLUS"
NONCE_BYTES: Final = 18
MIN_ITERATIONS: Final = 4096  # RFC 7677, section 4
MAX_ITERATIONS: Final = 1_000_000
MAX_MESSAGE: Final = 4096
_FIRST: Final = re.compile(r"r=([!-+\--~]{1,512}),s=([A-Za-z0-9+/]{4,1024}={0,2}),i=([1-9][0-9]{0,7})(?:,[^\0]*)?")
_FINAL: Final = re.compile(r"v=([A-Za-z0-9+/]{43}=)(?:,[^\0]*)?")
_PROHIBITED: Final = (  # RFC 4013, 2.3
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


class ScramError(ValueError):
    """The server did not keep to the protocol, or is not the one that knows the password. The text holds no value of either."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """The server's first message, checked."""

    text: str
    nonce: str
    salt: bytes
    iterations: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """One authentication. nonce: ours, base64. header: GS2; binding: the channel's data, empty without."""

    nonce: str
    header: str
    binding: bytes = b""

    @property
    def first(self) -> bytes:
        """The client's first message. PostgreSQL takes the user name from the startup packet, and ignores the one here."""
        return f"{self.header}{self._first_bare}".encode()

    @property
    def _first_bare(self) -> str:
        return f"n=,r={self.nonce}"

    def challenge(self, message: bytes) -> Challenge:
        """Raises ScramError."""
        found = _FIRST.fullmatch(_ascii(message))
        if found is None:
            raise ScramError("its challenge cannot be read")
        nonce, salt, count = found[1], found[2], int(found[3])
        if not nonce.startswith(self.nonce) or len(nonce) == len(self.nonce):
            raise ScramError("its nonce does not continue ours")
        if not MIN_ITERATIONS <= count <= MAX_ITERATIONS:
            raise ScramError(f"it asks for {count} iterations, {MIN_ITERATIONS} to {MAX_ITERATIONS} are done")
        return Challenge(found[0], nonce, _decoded(salt), count)

    def finish(self, challenge: Challenge, password: Secret) -> tuple[bytes, Secret]:
        """The client's final message, and the signature that the server must answer with. Slow: PBKDF2."""
        salted = hashlib.pbkdf2_hmac("sha256", prepare(password).expose(), challenge.salt, challenge.iterations)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        bound = base64.b64encode(self.header.encode() + self.binding).decode()
        without_proof = f"c={bound},r={challenge.nonce}"
        signed = f"{self._first_bare},{challenge.text},{without_proof}".encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        expected = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode(), Secret(expected)


def begin(nonce: bytes, mechanisms: tuple[str, ...], binding: bytes | None) -> tuple[str, Exchange]:
    """The mechanism, and the exchange. binding: tls-server-end-point's data; None: no TLS, or none for its certificate.

    Raises ScramError.
    """
    text = base64.b64encode(nonce).decode()
    if binding is not None and PLUS in mechanisms:
        return PLUS, Exchange(text, "p=tls-server-end-point,,", binding)
    if PLAIN not in mechanisms:
        raise ScramError("it offers no SCRAM-SHA-256")
    # `y`: we could bind. A server that offered it, and whose offer somebody took away, refuses then (RFC 5802, section 6).
    return PLAIN, Exchange(text, "y,," if binding is not None else "n,,")


def verify_final(message: bytes, expected: Secret) -> None:
    """Raises ScramError: the server does not know the password."""
    found = _FINAL.fullmatch(_ascii(message))
    if found is None or not hmac.compare_digest(_decoded(found[1]), expected.expose()):
        raise ScramError("it did not prove that it knows the password")


def prepare(password: Secret) -> Secret:
    """SASLprep (RFC 4013); what cannot be prepared stays as it is, as with PostgreSQL's own server and client."""
    raw = password.expose()
    if raw.isascii():
        return password
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return password
    mapped = "".join(" " if stringprep.in_table_c12(one) else one for one in text if not stringprep.in_table_b1(one))
    normal = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if not normal or any(table(one) for one in normal for table in _PROHIBITED) or not _is_fit(normal):
        return password
    return Secret(normal)


def _is_fit(text: str) -> bool:
    """RFC 3454, section 6 (directions), and no unassigned character."""
    if any(stringprep.in_table_a1(one) for one in text):
        return False
    if not any(stringprep.in_table_d1(one) for one in text):
        return True
    ends = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    return ends and not any(stringprep.in_table_d2(one) for one in text)


def _ascii(message: bytes) -> str:
    if len(message) > MAX_MESSAGE or not message.isascii():
        raise ScramError("its message cannot be read")
    return message.decode("ascii")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ScramError("its message is no base64") from None
