"""Paths of HTTP requests: one spelling for each, and none for what two servers could read differently.

Guarantees: a path that `canonical_path` returns starts with one `/`, holds no dot segment, empty segment, backslash, parameter
(`;`), encoded slash, dot or percent sign, no control or look-alike character, and is percent-encoded in exactly one way. What
is ambiguous is refused, not repaired: a rule is matched against the very bytes that are sent.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from janee.authority.policy._pattern import is_plain

MAX_PATH: Final = 8192
_KEPT: Final = "/-._~!$&'()*+,=:@"  # RFC 3986, pchar without ";" and "%"
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})?")
# %2F %5C are separators to one server and data to another; %2E hides dot segments; %25 is decoded twice by somebody; %3B hides
# parameters; %3F and %23 end the path for whoever decodes before splitting.
_FORBIDDEN_ESCAPES: Final = frozenset({"2F", "5C", "2E", "25", "3B", "3F", "23"})


class PathError(ValueError):
    """Why a path is refused, in words for the agent."""


def canonical_path(raw: str) -> str:
    """The one spelling of a path without query. Raises PathError."""
    if len(raw) > MAX_PATH:
        raise PathError(f"the path has more than {MAX_PATH} characters")
    if not raw.startswith("/"):
        raise PathError("the path does not start with `/` (absolute URLs are not taken)")
    for forbidden, name in (("\\", "a backslash"), (";", "a parameter (`;`)"), ("#", "a fragment"), ("?", "a query")):
        if forbidden in raw:
            raise PathError(f"the path holds {name}")
    text = _decode(raw)
    _verify_characters(text)
    _verify_segments(text)
    return quote(text, safe=_KEPT)


def _decode(raw: str) -> str:
    for escape in _ESCAPE.finditer(raw):
        if escape[1] is None:
            raise PathError("the path holds a `%` that starts no escape")
        if escape[1].upper() in _FORBIDDEN_ESCAPES:
            raise PathError(f"the path holds the ambiguous escape `%{escape[1]}`")
    try:
        return unquote_to_bytes(raw).decode()  # strict: overlong forms and lone surrogates are errors
    except UnicodeError:
        raise PathError("the path is not valid UTF-8") from None


def _verify_characters(text: str) -> None:
    for character in text:
        if not is_plain(character):
            raise PathError("the path holds a control or invisible character")
        if ord(character) > 0x7F:
            folded = unicodedata.normalize("NFKC", character)
            if any(special in folded for special in "/\\.%;?#:@"):
                raise PathError("the path holds a look-alike of a separator")


def _verify_segments(text: str) -> None:
    segments = text[1:].split("/")
    if "" in segments[:-1]:
        raise PathError("the path holds an empty segment (`//`)")
    for segment in segments:
        if segment in (".", ".."):
            raise PathError(f"the path holds a dot segment (`{segment}`)")
        if segment.endswith((".", " ")) or segment.startswith(" "):
            raise PathError("a segment of the path ends with a dot or has a blank at its edge")
