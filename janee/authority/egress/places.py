"""Where a placeholder may stand, and what takes its place there. Pure.

Guarantees: a credential is put exactly where the service's auth type has it, and only for the placeholder of the very grant,
alone in its place; a placeholder that stands anywhere else in a head, in any form that the scrubber knows, is refused. A
request without any placeholder is passed as it is. Bodies are `stream`'s.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_plus

from janee.authority.delivery import basic_pair
from janee.authority.egress.heads import EgressHead, Headers
from janee.authority.egress.refusal import misplaced
from janee.authority.egress.signers import Scope, ToSign, payload_of, read_authorization, sign
from janee.config.schema import AWS_SESSION, Auth, AuthType
from janee.errors import StoreError
from janee.scrubber import Scrubber
from janee.secret import Secret

_AUTHORIZATION: Final = b"authorization"
_SESSION_HEADER: Final = b"x-amz-security-token"
_BEARER_SCHEMES: Final = frozenset({b"bearer", b"token"})


@dataclass(frozen=True, slots=True)
class Values:
    """The secrets of a service and their stand-ins, by field; what is public has none."""

    secrets: Mapping[str, Secret]
    placeholders: Mapping[str, Secret]

    def real(self, field: str) -> bytes:
        return self.secrets[field].expose()

    def stand_in(self, field: str) -> bytes | None:
        found = self.placeholders.get(field)
        return None if found is None else found.expose()


@dataclass(frozen=True, slots=True)
class Placed:
    """A head with the credential in it. is_used: whether there was a placeholder."""

    target: str
    headers: Headers
    is_used: bool
    signing: Signing | None = None


@dataclass(frozen=True, slots=True)
class Signing:
    """A signature that is still to be made. payload: what covers the body; None: its digest, once it is here."""

    scope: Scope
    access_key: Secret
    secret_key: Secret
    payload: str | None


def place_credentials(auth: Auth, head: EgressHead, target: str, values: Values, scan: Scrubber) -> Placed:
    """Put the credential where the placeholder stands. target: as decided. scan: of the grant's placeholders.

    Raises RefusedError PLACEHOLDER_MISPLACED; StoreError SECRET_UNUSABLE.
    """
    if auth.type is AuthType.AWS_SIGV4:
        return _to_sign(head, target, values, scan)
    replace = _REPLACERS.get(auth.type, _nowhere)
    headers: list[tuple[bytes, bytes]] = []
    untouched: list[tuple[bytes, bytes]] = []
    for name, value in head.headers:
        new = replace(auth, name, value, values)
        headers.append((name, value if new is None else _verified(new)))
        untouched.append((name, value if new is None else b""))
    new_target, seen_target = _query_replaced(auth, target, values) if auth.type is AuthType.QUERY else (target, target)
    verify_head([*untouched, *head.dropped], seen_target, head, scan)
    return Placed(new_target, tuple(headers), headers != list(head.headers) or new_target != target)


def _to_sign(head: EgressHead, target: str, values: Values, scan: Scrubber) -> Placed:
    """A signature made with the placeholder, and the session token's placeholder, are what may stand in such a head."""
    headers: list[tuple[bytes, bytes]] = []
    untouched: list[tuple[bytes, bytes]] = []
    scope: Scope | None = None
    session = values.stand_in(AWS_SESSION)
    for name, value in head.headers:
        if name == _AUTHORIZATION and (found := read_authorization(value.decode("latin-1"))) is not None:
            key, signed = found
            if key.encode() == values.stand_in("accessKeyId"):
                scope = signed
                continue
        if name == _SESSION_HEADER and session is not None:
            if value != session:
                untouched.append((name, value))
            continue
        headers.append((name, value))
        untouched.append((name, value))
    verify_head([*untouched, *head.dropped], target, head, scan)
    if scope is None:
        return Placed(target, head.headers, is_used=False)
    if session is not None:
        headers.append((_SESSION_HEADER, _verified(values.real(AWS_SESSION))))
    payload = payload_of((name.decode("ascii"), value.decode("latin-1")) for name, value in headers)
    signing = Signing(scope, values.secrets["accessKeyId"], values.secrets["secretAccessKey"], payload)
    return Placed(target, tuple(headers), is_used=True, signing=signing)


def signed_headers(head: EgressHead, placed: Placed, body_sha256: str) -> Headers:
    """The headers with the credential's own signature. body_sha256: in hex. Raises RefusedError SIGNATURE_UNSUPPORTED."""
    signing = placed.signing
    if signing is None:
        return placed.headers
    texts = [(name.decode("ascii"), value.decode("latin-1")) for name, value in placed.headers]
    texts.append(("host", head.authority))
    if head.length is not None:
        texts.append(("content-length", str(head.length)))
    request = ToSign(head.method, placed.target, tuple(texts), signing.payload or body_sha256)
    made = sign(request, signing.scope, signing.access_key.expose_text(), signing.secret_key.expose())
    return (*placed.headers, (_AUTHORIZATION, _verified(made.encode("latin-1"))))


def verify_head(headers: list[tuple[bytes, bytes]], target: str, head: EgressHead, scan: Scrubber) -> None:
    """Return None if no placeholder stands in these parts. Raises RefusedError PLACEHOLDER_MISPLACED."""
    texts = [target.encode(), head.host.encode(), head.method.encode(), *(b"\0".join(pair) for pair in headers)]
    if not scan.scrub(b"\0".join(texts))[1]:
        return
    for name, value in headers:
        if scan.scrub(value)[1]:
            raise misplaced(f"the header {name.decode('ascii')[:64]}")
    raise misplaced("the target" if scan.scrub(target.encode())[1] else "the head")


def _bearer(auth: Auth, name: bytes, value: bytes, values: Values) -> bytes | None:
    stand_in = values.stand_in("key")
    if name != _AUTHORIZATION or stand_in is None:
        return None
    scheme, _, rest = value.partition(b" ")
    if scheme.lower() in _BEARER_SCHEMES and rest.strip() == stand_in:
        return scheme + b" " + values.real("key")
    pair = _decoded_pair(scheme, rest)
    if pair is None or stand_in not in pair:
        return None
    user, password = (values.real("key") if part == stand_in else part for part in pair)
    return b"Basic " + basic_pair(user, password)


def _basic(auth: Auth, name: bytes, value: bytes, values: Values) -> bytes | None:
    if name != _AUTHORIZATION:
        return None
    pair = _decoded_pair(*value.partition(b" ")[::2])
    expected = tuple(values.stand_in(field) or values.real(field) for field in ("username", "password"))
    if pair is None or pair != expected or not values.placeholders:
        return None
    return b"Basic " + basic_pair(values.real("username"), values.real("password"))


def _named_header(auth: Auth, name: bytes, value: bytes, values: Values) -> bytes | None:
    for field in auth.secret_fields:
        if field.lower().encode("ascii") == name and value == values.stand_in(field):
            return values.real(field)
    return None


def _nowhere(auth: Auth, name: bytes, value: bytes, values: Values) -> bytes | None:
    return None


_REPLACERS: Final[Mapping[AuthType, Callable[[Auth, bytes, bytes, Values], bytes | None]]] = {
    AuthType.BEARER: _bearer,
    AuthType.BASIC: _basic,
    AuthType.HEADERS: _named_header,
}


def _decoded_pair(scheme: bytes, rest: bytes) -> tuple[bytes, bytes] | None:
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = base64.b64decode(rest.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None


def _query_replaced(auth: Auth, target: str, values: Values) -> tuple[str, str]:
    """The target with the credential, and the one that must hold no placeholder any more."""
    path, mark, query = target.partition("?")
    stand_in = values.stand_in("key")
    if not mark or stand_in is None:
        return target, target
    sent: list[str] = []
    seen: list[str] = []
    for piece in query.split("&"):
        name, _, value = piece.partition("=")
        if unquote_plus(name) == auth.options["param"] and unquote_plus(value).encode() == stand_in:
            sent.append(f"{name}={quote(values.real('key'), safe='')}")
            seen.append(f"{name}=")
        else:
            sent.append(piece)
            seen.append(piece)
    return f"{path}?{'&'.join(sent)}", f"{path}?{'&'.join(seen)}"


def _verified(value: bytes) -> bytes:
    if any(byte < 0x20 or byte == 0x7F for byte in value):
        raise StoreError(
            "SECRET_UNUSABLE", "the credential holds a control character, so no header can carry it", "store it anew"
        )
    return value
