"""HTTP requests against `METHOD PATH` rules.

Guarantees: deny rules first, then what no allow rule names is denied (no allow rule: nothing is allowed); rules are matched on
the canonical path that is sent; deny is wide (decoded and case-folded, with and without trailing slash), allow is narrow
(exact). Headers and fields that change the method, the target, the credential or what of an answer is sent are refused.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote, unquote_plus, urlencode

from janee.authority.policy._glob import glob_matches
from janee.authority.policy._path import PathError, canonical_path
from janee.authority.policy._pattern import is_plain

METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
MAX_HEADERS: Final = 64
MAX_HEADER_BYTES: Final = 8192
MAX_QUERY: Final = 16_384
_RULE: Final = re.compile(r"(\*|[A-Za-z]+)[ \t]+(\S+)")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^`|~-]{1,128}")  # RFC 9110 token without "_", which CGI takes for "-"
_DROPPED: Final = frozenset({"accept-encoding", "content-length", "user-agent"})  # we set our own
_REFUSED_TEXT: Final = (
    "authorization proxy-authorization host connection keep-alive proxy-connection te trailer transfer-encoding "
    "upgrade expect cookie forwarded via x-real-ip x-original-url x-rewrite-url x-http-method "
    "x-http-method-override x-method-override x-original-method x-http-verb x-request-method http-method-override "
    "x-method x-http-action http2-settings max-forwards content-encoding range if-range accept-charset accept-ranges "
    "want-digest want-content-digest want-repr-digest a-im "
)
_REFUSED: Final = frozenset(_REFUSED_TEXT.split())
_REFUSED_PREFIXES: Final = ("x-forwarded-", "proxy-", "x-janee-", "sec-", "x-override-", "x-envoy-", ":")
_OVERRIDE_HEADERS_TEXT: Final = (
    "x-original-url x-rewrite-url x-original-host x-host x-http-method x-http-method-override x-method-override "
    "x-original-method x-http-verb x-request-method http-method-override x-method x-http-action"
)
_OVERRIDE_HEADERS: Final = frozenset(_OVERRIDE_HEADERS_TEXT.split())
_OVERRIDE_FIELDS: Final = frozenset({"_method", "x-http-method-override", "http_method", "_httpmethod"})
_OVERRIDE_HINT: Final = re.compile(r"(?i)_method|x-http-method-override|_httpmethod|\\u00")  # JSON may escape a name
_BYTE_ORDER_MARKS: Final = "\ufeff\ufffe\udcff\udcfe"  # the last two: as bytes that are no UTF-8
_PART_NAME: Final = re.compile(r"(?i)name\*?\s*=\s*\"?([^\";\r\n]*)")


class HttpRuleError(ValueError):
    """A rule or a request is unusable; the text says why."""


@dataclass(frozen=True, slots=True)
class HttpRule:
    """One compiled rule. method: upper case or `*`."""

    text: str
    method: str
    path: str

    def allows(self, method: str, path: str) -> bool:
        return self.method in ("*", method) and glob_matches(self.path, path)

    def denies(self, method: str, path: str) -> bool:
        # HEAD shows what GET shows; servers differ on case and trailing slashes.
        methods = ("*", method, "GET") if method == "HEAD" else ("*", method)
        pattern, folded = _folded(self.path), _folded(path)
        spellings = (folded, folded.rstrip("/") or "/", folded.rstrip("/") + "/")
        return self.method in methods and any(glob_matches(pattern, spelling) for spelling in spellings)


def _folded(path: str) -> str:
    """A canonical path as the most lenient server reads it: decoded, without case, in one composition of its characters."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", unquote(path)).casefold())


def compile_http_rule(text: str) -> HttpRule:
    """Compile "METHOD PATH". Raises HttpRuleError."""
    found = _RULE.fullmatch(text.strip())
    if found is None:
        raise HttpRuleError(f"rule {text!r} is not of the form `METHOD /path/*`")
    method, path = found[1].upper(), found[2]
    if method != "*" and method not in METHODS:
        raise HttpRuleError(f"rule {text!r}: method {method} is not one of {', '.join(METHODS)} or *")
    return HttpRule(f"{method} {path}", method, _rule_path(text, path))


def _rule_path(text: str, path: str) -> str:
    if path == "*":
        return path
    try:
        # A star is a valid path character, so a pattern has a canonical form like any path.
        return canonical_path(path)
    except PathError as error:
        raise HttpRuleError(f"rule {text!r}: {error} (rules see the path only, in its plain form)") from None


def split_target(path: str, query: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """The canonical path and query of a request. Raises HttpRuleError or PathError."""
    raw_path, mark, raw_query = path.partition("?")
    pairs = list(query)
    if mark:
        if pairs:
            raise HttpRuleError("the request has a query in its path and another beside it")
        try:
            pairs = parse_qsl(
                raw_query, keep_blank_values=True, strict_parsing=bool(raw_query), errors="strict", max_num_fields=256
            )
        except ValueError:
            raise HttpRuleError("the query is malformed") from None
    for name, value in pairs:
        if is_override(name):
            raise HttpRuleError(f"the query field `{name}` would override the method")
        if not all(is_plain(character) or character in "\n\t" for character in name + value):
            raise HttpRuleError("the query holds a control or invisible character")
    encoded = urlencode(pairs)
    if len(encoded) > MAX_QUERY:
        raise HttpRuleError(f"the query has more than {MAX_QUERY} characters")
    return canonical_path(raw_path), encoded


def clean_headers(headers: Mapping[str, str], reserved: Iterable[str]) -> dict[str, str]:
    """The agent's headers that may be sent, names in lower case. reserved: the service's own. Raises HttpRuleError."""
    if len(headers) > MAX_HEADERS:
        raise HttpRuleError(f"the request has more than {MAX_HEADERS} headers")
    taken = {name.casefold() for name in reserved}
    clean: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            raise HttpRuleError("a header name holds a forbidden character")
        if lower in _REFUSED or lower in taken or lower.startswith(_REFUSED_PREFIXES):
            raise HttpRuleError(f"the header `{lower}` is not the agent's to set")
        if len(value) > MAX_HEADER_BYTES or not value.isascii() or not (value == "" or value.isprintable()):
            raise HttpRuleError(f"the header `{lower}` is too long or holds a forbidden character")
        if lower in clean:
            raise HttpRuleError(f"the header `{lower}` is given twice")
        if lower not in _DROPPED:
            clean[lower] = value.strip()
    return clean


def verify_body(body: str | None, headers: Mapping[str, str]) -> None:
    """Refuse a body with a field that overrides the method, as a form or as JSON. Raises HttpRuleError."""
    if body is None:
        return
    kind = headers.get("content-type", "").casefold()
    if headers.get("content-encoding", "").strip().casefold() not in ("", "identity"):
        raise HttpRuleError("the body is in an encoding, where the rules cannot see a field that would override the method")
    _verify_text(body, kind)
    if "\0" in body:  # UTF-16, UTF-32: some servers follow the charset, or guess it
        _verify_text(body.replace("\0", "").lstrip(_BYTE_ORDER_MARKS), kind)


def _verify_text(body: str, kind: str) -> None:
    if "multipart" in kind:
        _verify_names(_PART_NAME.findall(body))
        if any(field in unquote_plus(body).casefold() for field in _OVERRIDE_FIELDS):  # whatever its parser makes of the parts
            raise HttpRuleError("the form body holds a field that would override the method")
    elif "form" in kind:
        _verify_names(piece.partition("=")[0] for piece in re.split("[&;]", body))
    elif ("json" in kind or (not kind and body.lstrip()[:1] in ("{", "["))) and _OVERRIDE_HINT.search(body):
        _verify_names(_json_names(body))


def _verify_names(names: Iterable[str]) -> None:
    for name in names:
        if is_override(unquote_plus(name)):
            raise HttpRuleError("the body holds a field that would override the method")


def is_override(name: str) -> bool:
    """Whether a field of a form, a query or JSON would override the method: `_method`, ` _Method[]`, `_method.x`."""
    plain = unicodedata.normalize("NFKC", name).casefold().strip(" \t\r\n\0\"'")
    # PHP reads blanks and dots in a name as `_`, and what follows a bracket as a key.
    return any(plain == field or plain.startswith((field + "[", field + ".", field + "\0")) for field in _OVERRIDE_FIELDS) or (
        re.sub(r"[ .\[]", "_", plain).rstrip("_]") in _OVERRIDE_FIELDS
    )


def is_override_header(name: str) -> bool:
    """Whether a header (lower case) would change method, path or host for some server."""
    plain = name.replace("_", "-")  # CGI and its heirs take the one for the other
    return plain in _OVERRIDE_HEADERS or plain.startswith("x-override-") or "method-override" in plain


def _json_names(body: str) -> list[str]:
    """The names at the top of a JSON body, of each object in a list too; of what is no JSON none."""
    try:
        value = json.loads(body, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        raise HttpRuleError("the body is neither a form nor JSON, and seems to override the method") from None
    items = value if isinstance(value, list) and not isinstance(value, _Pairs) else [value]
    return [name for item in items if isinstance(item, _Pairs) for name, _ in item]


class _Pairs(list[tuple[str, object]]):
    """A JSON object, each name as often as it is given: parsers differ on which one counts."""
