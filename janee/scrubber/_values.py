"""The secrets inside a secret: what must not come out although it is only a part of the configured value.

Pure. Never yields structure: a URL's host, the frame of a PEM block, the names in a JSON document.
"""

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote_to_bytes

PART_BYTES: Final = 6
"""A password inside a longer value is looked for on its own from this length on, whatever the minimum of whole values."""

LINE_BYTES: Final = 16
"""A line of a longer value is looked for on its own from this length on."""

_PEM_FRAME: Final = re.compile(rb"-----(?:BEGIN|END) [A-Z0-9 ]+-----")
_PEM_BLOCK: Final = re.compile(
    rb"-----BEGIN [A-Z0-9 ]+-----((?:\r?\n|\\n)(?:[A-Za-z0-9+/=]|\r?\n|\\n)+)-----END [A-Z0-9 ]+-----"
)
_USERINFO: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://(?:([^\s/?#@:]*):)?([^\s/?#]+)@")
_ASSIGNED: Final = re.compile(
    rb"(?i)\b(?:[a-z0-9_.-]*(?:password|passwd|passphrase|pwd|secret|token|api_?key|access_?key|account_?key|credentials?)"
    rb"[a-z0-9_.-]*)\s*[=:]\s*(?:'([^']+)'|\"([^\"]+)\"|([^\s;,&'\"]+))"
)
_TELLING_KEY: Final = re.compile(
    r"(?i)private_?key|password|passwd|passphrase|pwd|secret|token|api_?key|access_?key|credential|^auth$|^key$|^pass$"
)
_BASIC: Final = re.compile(rb"(?i)basic\s+([a-z0-9+/_-]{8,}={0,2})\s*")
_SCHEME: Final = re.compile(rb"(?i)(?:bearer|token|basic|apikey|bot|key)\s+(\S+)\s*")
_PAIR: Final = re.compile(rb"([^\s:/@]{1,256}):([^\s]+)")
_PUNCTUATION: Final = b" \t{}[](),:\"';"


def trimmed(value: bytes) -> Iterator[bytes]:
    """Without the white space around it: `$(cat file)` takes the last line end away."""
    yield value.strip()


def charsets(value: bytes) -> Iterator[bytes]:
    """A value that is not ASCII in other character sets and normal forms."""
    if value.isascii():
        return
    try:
        text = value.decode()
    except UnicodeDecodeError:  # then perhaps of one of these itself
        yield from (value.decode(code, "replace").encode() for code in ("latin-1", "cp1252"))
        return
    for code in ("latin-1", "cp1252"):
        yield text.encode(code, "replace")
        yield text.encode(code, "ignore")
    for normal in ("NFC", "NFD", "NFKC", "NFKD"):
        other = unicodedata.normalize(normal, text)
        yield other.encode()
        yield other.encode("ascii", "ignore")  # the letters without their accents


def lines(value: bytes) -> Iterator[bytes]:
    """Each line of a value of several lines that is long enough, and the body of a PEM block as one line."""
    if b"\n" not in value.strip() and b"\\n" not in value:
        return
    for line in re.split(rb"\r?\n|\\n", value):
        stripped = line.strip(_PUNCTUATION)
        if len(stripped) >= LINE_BYTES and not _PEM_FRAME.fullmatch(stripped) and not _only_names(stripped):
            yield stripped
    for block in _PEM_BLOCK.finditer(value):
        yield re.sub(rb"\s|\\n", b"", block[1])


def _only_names(line: bytes) -> bool:
    """A line of JSON without a value in it (`"client": {`), or with one that is no secret (`"type": "service_account"`)."""
    pair = re.match(rb'([A-Za-z0-9_.-]+)"\s*:\s*(.*)', line, re.DOTALL)
    if pair is None:
        return False
    return not _TELLING_KEY.search(pair[1].decode()) and not _random_text(pair[2].strip(_PUNCTUATION))


def _random_text(value: bytes) -> bool:
    from_to = set(value)
    return len(from_to) >= 12 and bool(re.search(rb"\d", value)) and not re.search(rb"[\s@]|://", value)


def parts(value: bytes) -> Iterator[bytes]:
    """Passwords in URLs and connection strings, keys in JSON documents, both halves of Basic authentication."""
    for url in _USERINFO.finditer(value):
        yield from _decoded(url[2])
        if url[1] is None:
            continue
        yield url[1] + b":" + url[2]
    for assigned in _ASSIGNED.finditer(value):
        yield from _decoded(next(group for group in assigned.groups() if group is not None))
    if value.lstrip()[:1] in (b"{", b"["):
        yield from _json_secrets(value)
    header = _SCHEME.fullmatch(value)
    if header:
        yield header[1]
    basic = _BASIC.fullmatch(value)
    if basic:
        try:
            value = base64.b64decode(basic[1] + b"=" * (-len(basic[1]) % 4), altchars=b"-_" if b"-" in basic[1] else None)
        except (binascii.Error, ValueError):
            return
        yield value
    pair = _PAIR.fullmatch(value)
    if pair and not pair[2].startswith(b"//"):
        yield pair[2]
        if _random_text(pair[1]):  # a key's id; a plain user's name would be masked wherever it stands
            yield pair[1]


def _decoded(value: bytes) -> Iterator[bytes]:
    yield value
    if b"%" in value:
        yield unquote_to_bytes(value)


def _json_secrets(value: bytes) -> Iterator[bytes]:
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return
    todo: list[tuple[str, Any]] = [("", document)]
    while todo:
        key, inner = todo.pop()
        if isinstance(inner, dict):
            todo += inner.items()
        elif isinstance(inner, list):
            todo += ((key, item) for item in inner)
        elif isinstance(inner, str):
            text = inner.encode("utf-8", "surrogatepass")
            if _TELLING_KEY.search(key) or (len(text) >= LINE_BYTES and _random_text(text)):
                yield text
