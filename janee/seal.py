"""Sealing of grants and signing of requests: the cryptography between a Runner and an Authority.

Guarantees:
- A sealed grant opens only with the one Executor's ephemeral key and only under the same `GrantContext`: another grant, runner,
  agent, policy, expiry, command, executable, working directory or sandbox level and it does not open (HPKE, RFC 9180).
- A signed request shows that the sender holds the runner key, for this method, path, query and body, at this time, once; a
  signed response shows that it answers exactly that request (HTTP Message Signatures, RFC 9421, hmac-sha256). The key itself
  never crosses the wire.
It never remembers a nonce (the Authority's store does) and never reads a clock: `now` is a parameter.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from janee.errors import ProtocolError
from janee.secret import Secret

DEFAULT_KEY_NAME: Final = "default"
MAX_CLOCK_SKEW_S: Final = 60

_KEY_FORMAT: Final = re.compile(r"jnr\.([a-z0-9][a-z0-9_-]{0,62})\.[A-Za-z0-9_-]{43}")
_SCRYPT_N: Final = 1 << 15  # 32 MiB and some 80 ms a guess, so that recorded traffic does not make a short key guessable
_SCRYPT_R: Final = 8
_WRAP_PREFIX: Final = "jnw1."
_LABEL: Final = "janee"
_REQUEST_FIELDS: Final = ("@method", "@path", "@query", "content-digest")
_SIGNATURE_INPUT: Final = re.compile(
    r'janee=(?P<params>\((?P<fields>[^)]*)\);created=(?P<created>\d{1,12});nonce="(?P<nonce>[A-Za-z0-9_-]{22,64})"'
    r';keyid="(?P<keyid>[a-z0-9][a-z0-9_-]{0,62})";alg="hmac-sha256")'
)
_RESPONSE_INPUT: Final = re.compile(
    r'janee=(?P<params>\("@status" "content-digest" "signature";req;key="janee"\);created=\d{1,12}'
    r';keyid="[a-z0-9][a-z0-9_-]{0,62}";alg="hmac-sha256")'
)
_SIGNATURE: Final = re.compile(r"janee=:(?P<mac>[A-Za-z0-9+/]{43}=):")


# --- runner keys ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunnerKey:
    """A runner key, stretched: what requests are signed with. `name` is public, `mac_key` is 32 bytes."""

    name: str
    mac_key: Secret

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose (HKDF-Expand of RFC 5869 with a single block)."""
        return hmac.digest(self.mac_key.expose(), purpose.encode() + b"\x01", "sha256")


def key_name(api_key: Secret) -> str:
    """The name in a key made by `janee runner add`; `default` for any other string."""
    found = _KEY_FORMAT.fullmatch(api_key.expose_text())
    return found.group(1) if found else DEFAULT_KEY_NAME


def new_api_key(name: str, entropy: bytes) -> Secret:
    """The printable key of the Runner `name` from 32 random bytes."""
    return Secret(f"jnr.{name}.{_b64url(entropy)}")


def stretch_key(api_key: Secret) -> RunnerKey:
    """Stretch a printable key with scrypt (RFC 7914). Slow on purpose (about 80 ms): once per process."""
    name = key_name(api_key)
    salt = b"janee-runner-key-v1\0" + name.encode()
    stretched = hashlib.scrypt(
        api_key.expose(), salt=salt, n=_SCRYPT_N, r=_SCRYPT_R, p=1, maxmem=(130 * _SCRYPT_N * _SCRYPT_R), dklen=32
    )
    return RunnerKey(name, Secret(stretched))


def key_weakness(api_key: Secret) -> str | None:
    """Why a key is easy to guess, or None."""
    value = api_key.expose_text()
    if len(value) < 16:
        return f"it has {len(value)} characters; take 16 or more, or let `janee runner add` make one"
    if len(set(value)) < 8:
        return "it repeats a few characters"
    return None


# --- signed requests and responses ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignedParts:
    """What of a request is signed. path: as on the request line, percent-encoded; query: without `?`."""

    method: str
    path: str
    query: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """The claims of a signed request, as read from its headers; true only after `verify_request`."""

    key_name: str
    nonce: str
    created: int
    params: str
    mac: bytes


def sign_request(key: RunnerKey, parts: SignedParts, *, now: float, nonce: bytes) -> dict[str, str]:
    """The headers that sign a request. nonce: at least 16 random bytes; now: seconds since the epoch."""
    fields = " ".join(f'"{name}"' for name in _REQUEST_FIELDS)
    params = f'({fields});created={int(now)};nonce="{_b64url(nonce)}";keyid="{key.name}";alg="hmac-sha256"'
    mac = _mac(key, _request_base(parts, params))
    return _headers(parts.body, params, mac)


def read_signature(headers: Mapping[str, str]) -> Signature:
    """Read the signature headers (lower-case names) of a request; checks nothing but their form.

    Raises ProtocolError SIGNATURE_INVALID.
    """
    found = _SIGNATURE_INPUT.fullmatch(headers.get("signature-input", ""))
    mac = _SIGNATURE.fullmatch(headers.get("signature", ""))
    if found is None or mac is None:
        raise _invalid("the request carries no well-formed signature")
    if tuple(found["fields"].replace('"', "").split(" ")) != _REQUEST_FIELDS:
        raise _invalid("the signature does not cover method, path, query and body")
    return Signature(found["keyid"], found["nonce"], int(found["created"]), found["params"], base64.b64decode(mac["mac"]))


def verify_request(key: RunnerKey, signature: Signature, parts: SignedParts, headers: Mapping[str, str], *, now: float) -> None:
    """Return None if `key` signed exactly these parts at about `now`; the nonce is for the caller to check, afterwards.

    Raises ProtocolError SIGNATURE_INVALID or CLOCK_SKEW.
    """
    if not hmac.compare_digest(signature.mac, _mac(key, _request_base(parts, signature.params))):
        raise _invalid("the signature does not fit the request: another key, or the request was changed on its way")
    _verify_digest(headers, parts.body)
    if abs(now - signature.created) > MAX_CLOCK_SKEW_S:
        raise ProtocolError(
            "CLOCK_SKEW",
            f"the request was signed {int(now) - signature.created} s before our time, {MAX_CLOCK_SKEW_S} s are allowed",
            "set both clocks by NTP (timedatectl set-ntp true)",
        )


def sign_response(key: RunnerKey, request: Signature, *, status: int, body: bytes, now: float) -> dict[str, str]:
    """The headers that sign a response and tie it to its request."""
    params = (
        f'("@status" "content-digest" "signature";req;key="{_LABEL}");created={int(now)};keyid="{key.name}";alg="hmac-sha256"'
    )
    return _headers(body, params, _mac(key, _response_base(request.mac, status, body, params)))


def verify_response(
    key: RunnerKey, request_headers: Mapping[str, str], *, status: int, body: bytes, headers: Mapping[str, str]
) -> None:
    """Return None if the holder of `key` gave this answer to the request that was signed with `request_headers`.

    Raises ProtocolError SIGNATURE_INVALID.
    """
    request_mac = read_signature(request_headers).mac
    found = _RESPONSE_INPUT.fullmatch(headers.get("signature-input", ""))
    mac = _SIGNATURE.fullmatch(headers.get("signature", ""))
    if found is None or mac is None:
        raise _invalid("the answer is not signed")
    expected = _mac(key, _response_base(request_mac, status, body, found["params"]))
    if not hmac.compare_digest(base64.b64decode(mac["mac"]), expected):
        raise _invalid("the answer's signature does not fit: another key, or it was changed on its way")
    _verify_digest(headers, body)


def _request_base(parts: SignedParts, params: str) -> str:
    # RFC 9421, section 2.5; an empty query is "?" (section 2.2.7).
    values = {
        "@method": parts.method.upper(),
        "@path": parts.path or "/",
        "@query": f"?{parts.query}",
        "content-digest": _digest(parts.body),
    }
    lines = [f'"{name}": {values[name]}' for name in _REQUEST_FIELDS]
    return "\n".join([*lines, f'"@signature-params": {params}'])


def _response_base(request_mac: bytes, status: int, body: bytes, params: str) -> str:
    request_signature = f":{base64.b64encode(request_mac).decode()}:"
    return "\n".join(
        [
            f'"@status": {status}',
            f'"content-digest": {_digest(body)}',
            f'"signature";req;key="{_LABEL}": {request_signature}',
            f'"@signature-params": {params}',
        ]
    )


def _headers(body: bytes, params: str, mac: bytes) -> dict[str, str]:
    return {
        "content-digest": _digest(body),
        "signature-input": f"{_LABEL}={params}",
        "signature": f"{_LABEL}=:{base64.b64encode(mac).decode()}:",
    }


def _verify_digest(headers: Mapping[str, str], body: bytes) -> None:
    if not hmac.compare_digest(headers.get("content-digest", "").encode(), _digest(body).encode()):
        raise _invalid("the content digest does not fit the body")


def _digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"  # RFC 9530


def _mac(key: RunnerKey, base: str) -> bytes:
    return hmac.digest(key.mac_key.expose(), base.encode("utf-8", "surrogateescape"), "sha256")


def _invalid(message: str) -> ProtocolError:
    return ProtocolError("SIGNATURE_INVALID", message, "check that both sides have the same runner key")


# --- sealed grants ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GrantContext:
    """Everything a grant is exact about (invariant 3). Both sides build it from what they themselves know."""

    grant_id: str
    expires_at: str
    runner_key: str
    runner_id: str
    agent_id: str
    capability_id: str
    policy_hash: str
    command: tuple[str, ...]
    executable: tuple[str, str] | None  # path, sha256
    cwd: str | None
    sandbox_level: str
    constraints_digest: str  # `constraints_digest` of the grant's `constraints` object, as it crosses the wire
    timeout_ms: int

    def info(self) -> bytes:
        """The `info` of HPKE: unambiguous, because JSON in a fixed order is."""
        values = [getattr(self, name) for name in self.__slots__]
        return b"janee-grant-v1\0" + json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode()


def constraints_digest(constraints: Mapping[str, object]) -> str:
    """SHA-256 (hex) of a grant's constraints in canonical JSON (sorted keys, ASCII, no blanks)."""
    canonical = json.dumps(constraints, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SealedContent:
    """What only the Executor may read: environment and the values to scrub.

    placeholders: stand-ins for the credential that stands in `env` instead of it; scrubbed too, counted apart. egress_key: 32
    bytes, for `janee.tunnel`. files: by the name of the variable that gets the path, the contents of private files.
    """

    env: Mapping[str, Secret]
    scrub_values: tuple[Secret, ...]
    placeholders: tuple[Secret, ...] = ()
    egress_key: Secret | None = None
    files: Mapping[str, Secret] = field(default_factory=dict)


class SealKey:
    """An Executor's ephemeral X25519 key. One process, one key, one grant."""

    __slots__ = ("_private",)

    def __init__(self) -> None:
        self._private = X25519PrivateKey.generate()

    @property
    def public(self) -> str:
        """Base64 of the raw 32 bytes: a request's `sealTo`."""
        return base64.b64encode(self._private.public_key().public_bytes_raw()).decode()

    def open(self, sealed: str, context: GrantContext) -> SealedContent:
        """Open a grant.

        Raises ProtocolError GRANT_MISMATCH if it was not sealed to this key under exactly this context.
        """
        try:
            plain = _suite().decrypt(base64.b64decode(sealed, validate=True), self._private, info=context.info())
            content = json.loads(plain)
            egress_key = content["egressKey"]
            return SealedContent(
                env={str(name): Secret(value) for name, value in content["envInjections"].items()},
                scrub_values=tuple(Secret(value) for value in content["scrubValues"]),
                placeholders=tuple(Secret(value) for value in content["placeholders"]),
                egress_key=None if egress_key is None else Secret(base64.b64decode(egress_key, validate=True)),
                files={str(name): Secret(value) for name, value in content["files"].items()},
            )
        except (InvalidTag, binascii.Error, ValueError, KeyError, TypeError, AttributeError):
            raise ProtocolError(
                "GRANT_MISMATCH",
                "the grant does not fit this execution: it was made for another request, executor, policy or time",
                "ask again; if it recurs, compare `janee audit tail` with what the agent asked for",
            ) from None


def seal_content(seal_to: str, content: SealedContent, context: GrantContext) -> str:
    """Seal `content` to an Executor's public key, bound to `context`; base64.

    Raises ProtocolError BAD_REQUEST if `seal_to` is not the base64 of an X25519 public key.
    """
    try:
        public_key = X25519PublicKey.from_public_bytes(base64.b64decode(seal_to, validate=True))
        plain = json.dumps(
            {
                "envInjections": {name: value.expose_text() for name, value in content.env.items()},
                "scrubValues": [value.expose_text() for value in content.scrub_values],
                "placeholders": [value.expose_text() for value in content.placeholders],
                "egressKey": None if content.egress_key is None else base64.b64encode(content.egress_key.expose()).decode(),
                "files": {name: value.expose_text() for name, value in content.files.items()},
            }
        ).encode()
        return base64.b64encode(_suite().encrypt(plain, public_key, info=context.info())).decode()
    except (ValueError, binascii.Error):
        raise ProtocolError("BAD_REQUEST", "sealTo is not the base64 of an X25519 public key (32 bytes)") from None


def _suite() -> Suite:
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


# --- agent tokens on the wire -----------------------------------------------------------------------------------------


def wrap_token(key: RunnerKey, token: Secret, *, request_id: str, nonce: bytes) -> str:
    """Encrypt an agent's token for the Authority (AES-256-GCM, 12-byte nonce), so that recorded traffic does not hold it."""
    box = AESGCM(key.derive("agent-token")).encrypt(nonce, token.expose(), request_id.encode())
    return _WRAP_PREFIX + _b64url(nonce + box)


def unwrap_token(key: RunnerKey, wrapped: str, *, request_id: str) -> Secret:
    """The token behind `wrap_token`; a value that was never wrapped is returned as it is.

    Raises ProtocolError BAD_REQUEST if it was wrapped for another key or request.
    """
    if not wrapped.startswith(_WRAP_PREFIX):
        return Secret(wrapped)
    try:
        data = base64.urlsafe_b64decode(wrapped[len(_WRAP_PREFIX) :] + "==")
        return Secret(AESGCM(key.derive("agent-token")).decrypt(data[:12], data[12:], request_id.encode()))
    except (InvalidTag, ValueError, binascii.Error):
        raise ProtocolError("BAD_REQUEST", "the agent token was wrapped for another key or request") from None


def _b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
