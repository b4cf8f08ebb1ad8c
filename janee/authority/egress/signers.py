"""AWS Signature Version 4: a request that was signed with placeholders is signed anew with the credential. Pure.

Guarantees: the scope (day, region, service) and what is signed stay the command's; only key and signature change. A body is
covered as the command covered it: by its own digest, UNSIGNED-PAYLOAD or STREAMING-UNSIGNED-PAYLOAD-TRAILER; a body whose
chunks carry signatures of their own (STREAMING-AWS4-…) cannot be signed anew without holding it, and is refused.
Source: AWS General Reference, "Signature Version 4 signing process".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from janee.authority.egress.refusal import Refusal, RefusedError

ALGORITHM: Final = "AWS4-HMAC-SHA256"
EMPTY_SHA256: Final = hashlib.sha256(b"").hexdigest()
_AUTHORIZATION: Final = re.compile(
    rf"{ALGORITHM} +Credential=(?P<key>[A-Za-z0-9_-]{{1,128}})/(?P<day>\d{{8}})/(?P<region>[a-z0-9-]{{1,64}}|\*)/"
    r"(?P<service>[a-z0-9.-]{1,64})/aws4_request *, *SignedHeaders=(?P<signed>[a-z0-9;._-]{1,4096}) *, *"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_STAMP: Final = re.compile(r"\d{8}T\d{6}Z")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_UNSIGNED: Final = frozenset({"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"})


@dataclass(frozen=True, slots=True)
class Scope:
    """For what a signature counts, and which headers it covers (lower case)."""

    day: str
    region: str
    service: str
    signed: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


@dataclass(frozen=True, slots=True)
class ToSign:
    """A request to be signed. target: as it is sent. headers: names in lower case; all that are sent, `host` too."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    payload: str  # hex digest of the body, or the word that stands for it


def read_authorization(value: str) -> tuple[str, Scope] | None:
    """The access key and the scope of a signature; None: it is none."""
    found = _AUTHORIZATION.fullmatch(value)
    if found is None:
        return None
    return found["key"], Scope(found["day"], found["region"], found["service"], tuple(found["signed"].split(";")))


def payload_of(headers: Iterable[tuple[str, str]]) -> str | None:
    """What a request says of its body; None: nothing, so its digest is needed. Raises RefusedError SIGNATURE_UNSUPPORTED."""
    found = dict(headers).get("x-amz-content-sha256")
    if found is None or found in _UNSIGNED or _DIGEST.fullmatch(found):
        return found
    raise RefusedError(
        Refusal.SIGNATURE_UNSUPPORTED,
        "the body's chunks are signed one by one, which cannot be done anew",
        "make the client sign the whole (aws: https and payload_signing_enabled = false)",
    )


def sign(request: ToSign, scope: Scope, access_key: str, secret_key: bytes) -> str:
    """The value of Authorization. Raises RefusedError: there is no usable time stamp."""
    stamp = dict(request.headers).get("x-amz-date", "")
    if not _STAMP.fullmatch(stamp) or not stamp.startswith(scope.day):
        raise RefusedError(
            Refusal.SIGNATURE_UNSUPPORTED, "the signed request has no x-amz-date of its day", "use a current client"
        )
    names = {name for name, _ in request.headers}
    signed = sorted({name for name in (*scope.signed, "host", "x-amz-security-token") if name in names})
    lines = [
        request.method,
        _canonical_path(request.target.partition("?")[0], scope.service),
        _canonical_query(request.target.partition("?")[2]),
        *(f"{name}:{_joined(request.headers, name)}" for name in signed),
        "",
        ";".join(signed),
        request.payload,
    ]
    digest = hashlib.sha256("\n".join(lines).encode("latin-1")).hexdigest()
    to_sign = f"{ALGORITHM}\n{stamp}\n{scope.text}\n{digest}"
    key = b"AWS4" + secret_key
    for part in scope.text.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    return f"{ALGORITHM} Credential={access_key}/{scope.text}, SignedHeaders={';'.join(signed)}, Signature={signature}"


def _canonical_path(path: str, service: str) -> str:
    """S3 signs the path as it is sent; all others the normalised path, encoded once more."""
    if service.startswith("s3"):
        return path or "/"
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    plain = "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")
    return quote(plain, safe="/~-._")


def _canonical_query(query: str) -> str:
    pairs = sorted(piece.partition("=")[::2] for piece in query.split("&") if piece)
    return "&".join(f"{name}={value}" for name, value in pairs)


def _joined(headers: Iterable[tuple[str, str]], name: str) -> str:
    return ",".join(" ".join(value.split()) for other, value in headers if other == name)
