"""Placeholders: stand-ins for a credential, in its format, for a command that must not hold it. Pure.

Guarantees: a placeholder is made of the grant's seed and of the public part of the real value's format (its known prefix, its
alphabet, its length); it is never the real value and holds nothing else of it; at least 16 of its characters are random. For
the same seed and value it is the same, so nothing need be stored. It never decides where one may stand (`places`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import string
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from janee.config.schema import Auth, AuthType
from janee.secret import Secret

MIN_RANDOM: Final = 16  # characters
_LEAST: Final = 24  # characters of one without a format that is known
_MOST: Final = 4096
PUBLIC_USERNAME_BYTES: Final = 16  # a longer user name may be a key (Stripe, Twilio)

_ALNUM: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BASE32: Final = string.ascii_uppercase + "234567"
# What comes before the secret part of well-known keys; clients look at it.
_PREFIX: Final = re.compile(
    r"gh[opusr]_|github_pat_|A[KS]IA|sk-ant-[a-z0-9]+-|sk-proj-|sk-svcacct-|sk-or-v1-|sk-|[sr]k_(?:live|test)_|whsec_"
    r"|xox[abeoprs]-|xapp-1-|glpat-|gl[a-z]{2,5}-|npm_|pypi-|dop_v1_|shpat_|SG\.|hf_|AIza|ya29\.|dckr_pat_|lin_api_|nfp_|rnd_|key-"
)
_CHECKSUMMED: Final = re.compile(r"(gh[opusr]_|npm_)[0-9A-Za-z]{36}")  # the last six: CRC-32 of the others, in base 62
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_.-]+")


def placeholders(auth: Auth, secrets: Mapping[str, Secret], seed: Callable[[str], Secret]) -> Mapping[str, Secret]:
    """The stand-in of each secret of a service, by field; what is public has none. seed: of a field, 32 bytes."""
    return {
        name: make_placeholder(value, seed(name))
        for name, value in secrets.items()
        if value and not is_public(auth, name, secrets)
    }


def is_public(auth: Auth, name: str, secrets: Mapping[str, Secret]) -> bool:
    """A user name is public, but for HTTP without a password beside it, or as long as a key; an empty value is nothing."""
    if not secrets[name]:
        return True
    if auth.type is AuthType.POSTGRES and name == "username":
        return True  # it is asked for and shown in clear by the protocol itself
    is_username = auth.type is AuthType.BASIC and name == "username"
    return is_username and bool(secrets.get("password")) and len(secrets[name]) < PUBLIC_USERNAME_BYTES


def make_placeholder(real: Secret, seed: Secret) -> Secret:
    """A stand-in for one value."""
    text = real.expose_text()
    for attempt in range(256):
        made = _render(text, _Dice(seed.expose() + bytes((attempt,))))
        if made not in text and text not in made:
            return Secret(made)
    raise ValueError("no placeholder differs from the value")  # 2**-80 at most, again and again: the seed is none


class _Dice:
    """Random characters, the same ones for the same seed (HKDF-Expand like: HMAC of a counter)."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._count = 0
        self._kept = b""

    def bytes(self, count: int) -> bytes:
        while len(self._kept) < count:
            self._kept += hmac.digest(self._seed, self._count.to_bytes(4, "big"), hashlib.sha256)
            self._count += 1
        taken, self._kept = self._kept[:count], self._kept[count:]
        return taken

    def text(self, alphabet: str, count: int) -> str:
        # Two bytes a character: the bias is below 2**-9, and the attacker knows the alphabet anyway.
        raw = self.bytes(2 * count)
        return "".join(alphabet[int.from_bytes(raw[at : at + 2], "big") % len(alphabet)] for at in range(0, 2 * count, 2))


def _render(text: str, dice: _Dice) -> str:
    if _CHECKSUMMED.fullmatch(text):
        prefix, _, _ = text.partition("_")
        body = dice.text(_ALNUM, 30)
        return f"{prefix}_{body}{_checksum(body)}"
    if _UUID.fullmatch(text):
        return _uuid(text, dice)
    if text.startswith("eyJ") and text.count(".") == 2 and (token := _jwt(text, dice)) is not None:
        return token
    found = _PREFIX.match(text)
    if found is not None and len(text) > found.end():
        return found[0] + _body(text[found.end() :], dice, MIN_RANDOM, is_upper=found[0] in ("AKIA", "ASIA"))
    return _body(text, dice, _LEAST)


def _body(text: str, dice: _Dice, least: int, *, is_upper: bool = False) -> str:
    """Of the same length where that is long enough, and of the same alphabet as far as it is a well-known one."""
    length = min(len(text), _MOST)
    if is_upper:
        return dice.text(_BASE32, max(length, least))
    for alphabet in (string.digits, "0123456789abcdef", "0123456789ABCDEF", _BASE32, string.digits + string.ascii_lowercase):
        if length >= 2 * MIN_RANDOM and set(text) <= set(alphabet):
            return dice.text(alphabet, length)
    if length >= least and _BASE64.fullmatch(text) and text.endswith("="):
        return base64.b64encode(dice.bytes(len(base64.b64decode(text)))).decode()
    if _TOKEN.fullmatch(text) and length - sum(map(text.count, "-_.")) >= max(MIN_RANDOM, length * 3 // 4):
        # The separators of a token are its format (SG.….…, xoxb-…-…); of a password they would be a part of it.
        marks = [(at, mark) for at, mark in enumerate(text[:length]) if mark in "-_."]
        made = list(dice.text(_ALNUM, length))
        for at, mark in marks:
            made[at] = mark
        return "".join(made)
    return dice.text(_ALNUM, max(length, least))


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    while number:
        number, rest = divmod(number, 62)
        digits = _ALNUM[rest] + digits
    return digits.rjust(6, "0")


def _uuid(text: str, dice: _Dice) -> str:
    made = dice.text("0123456789abcdef", 32)
    made = f"{made[:8]}-{made[8:12]}-4{made[13:16]}-{'89ab'[int(made[16], 16) % 4]}{made[17:20]}-{made[20:]}"
    return made.upper() if text != text.lower() else made


def _jwt(text: str, dice: _Dice) -> str | None:
    """A token with a head and claims that can be decoded: algorithm and expiry as they were, since clients look at them."""
    head, claims = (_json_part(part) for part in text.split(".")[:2])
    if head is None or claims is None:
        return None
    algorithm = head.get("alg")
    shown: dict[str, Any] = {"sub": "placeholder", "jti": dice.text("0123456789abcdef", 32)}
    shown |= {name: claims[name] for name in ("exp", "iat", "nbf") if isinstance(claims.get(name), int)}
    parts = ({"alg": algorithm if isinstance(algorithm, str) and len(algorithm) <= 8 else "HS256", "typ": "JWT"}, shown)
    signature = len(text.rpartition(".")[2])
    coded = [_b64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts]
    return ".".join([*coded, _b64url(dice.bytes(max(32, min(signature, _MOST) * 3 // 4)))])


def _json_part(part: str) -> dict[str, Any] | None:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
