"""Field by field from YAML to values: tables of converters, and what they share.

Guarantees: an unknown key is an error that names the nearest known one; no error quotes a value.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeVar

from janee.config._yaml import InvalidYamlError, Node, Scalar, Sequence, shown
from janee.config._yaml import Mapping as MappingNode

Converter = Callable[[Node], Any]
Field = tuple[str, Converter] | None  # attribute and converter; None: a field of the original that means nothing to us
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_INTEGER: Final = re.compile(r"[0-9]{1,12}")
_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd])")
_UNITS: Final = MappingProxyType({"s": 1, "m": 60, "h": 3600, "d": 86400})
_BOOLEANS: Final = MappingProxyType({"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False})
MAX_TEXT: Final = 4096


def read_fields(node: Node, table: Mapping[str, Field], *, what: str, secrets_hint: str | None = None) -> dict[str, Any]:
    """The attributes that `table` makes of a mapping. A null value counts as absent. Raises InvalidYamlError."""
    values: dict[str, Any] = {}
    for key, child in mapping(node, what).items:
        if secrets_hint is not None and is_secret_name(key.text):
            raise InvalidYamlError(
                key.line, f"{shown(key.text)} is a secret, and secrets do not belong in this file", secrets_hint
            )
        if key.text not in table:
            raise unknown_key(key, table, what)
        field = table[key.text]
        if field is None or (isinstance(child, Scalar) and child.is_null):
            continue
        attribute, convert = field
        try:
            values[attribute] = convert(child)
        except InvalidYamlError as problem:
            raise InvalidYamlError(problem.line, f"{key.text}: {problem.message}", problem.hint) from None
    return values


def unknown_key(key: Scalar, known: Collection[str], what: str) -> InvalidYamlError:
    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(key.text.lower(), lowered, n=1, cutoff=0.6)
    hint = f"did you mean {lowered[close[0]]}?" if close else f"known: {', '.join(sorted(known))}"
    return InvalidYamlError(key.line, f"unknown key {shown(key.text)} in {what}", hint)


_SECRET_NAMES: Final = frozenset(
    "key apikey secret apisecret token password passphrase credential credentials privatekey clientsecret consumerkey"  # noqa: SIM905
    " consumersecret accesstoken accesstokensecret accesskeyid secretaccesskey masterkey pem".split()
)


def is_secret_name(key: str) -> bool:
    return re.sub(r"[^a-z]", "", key.lower()) in _SECRET_NAMES


def mapping(node: Node, what: str = "it") -> MappingNode:
    if isinstance(node, Scalar) and node.is_null:
        return MappingNode((), node.line)
    if not isinstance(node, MappingNode):
        raise InvalidYamlError(node.line, f"{what} must be a mapping (key: value)")
    return node


def text(node: Node, *, limit: int = MAX_TEXT) -> str:
    """A scalar as it stands in the file; control characters are refused."""
    if not isinstance(node, Scalar):
        raise InvalidYamlError(node.line, "must be a single value")
    if node.is_null and node.text == "":
        raise InvalidYamlError(node.line, "must not be empty", 'write "" where an empty text is meant')
    if len(node.text) > limit:
        raise InvalidYamlError(node.line, f"has {len(node.text)} characters, at most {limit} are taken")
    if any(ord(char) < 32 or ord(char) == 127 for char in node.text):
        raise InvalidYamlError(node.line, "must not hold control characters or line breaks")
    return node.text


def boolean(node: Node) -> bool:
    value = _BOOLEANS.get(node.text) if isinstance(node, Scalar) and node.plain else None
    if value is None:
        raise InvalidYamlError(node.line, "must be true or false")
    return value


def integer(low: int, high: int) -> Callable[[Node], int]:
    def convert(node: Node) -> int:
        if not isinstance(node, Scalar) or not _INTEGER.fullmatch(node.text) or not low <= int(node.text) <= high:
            raise InvalidYamlError(node.line, f"must be a whole number from {low} to {high}")
        return int(node.text)

    return convert


def one_of(kind: type[E]) -> Callable[[Node], E]:
    def convert(node: Node) -> E:
        value = text(node)
        if value not in {member.value for member in kind}:
            raise InvalidYamlError(node.line, f"must be one of: {', '.join(member.value for member in kind)}")
        return kind(value)

    return convert


def matching(pattern: re.Pattern[str], form: str) -> Callable[[Node], str]:
    def convert(node: Node) -> str:
        value = text(node)
        if not pattern.fullmatch(value):
            raise InvalidYamlError(node.line, f"must be {form}")
        return value

    return convert


def list_of(convert: Callable[[Node], T], *, limit: int = 1000) -> Callable[[Node], tuple[T, ...]]:
    def convert_list(node: Node) -> tuple[T, ...]:
        if not isinstance(node, Sequence):
            raise InvalidYamlError(node.line, "must be a list (- one entry a line)")
        if len(node.items) > limit:
            raise InvalidYamlError(node.line, f"has {len(node.items)} entries, at most {limit} are taken")
        return tuple(convert(item) for item in node.items)

    return convert_list


def duration_s(node: Node) -> int:
    found = _DURATION.fullmatch(text(node))
    if found is None or int(found[1]) == 0:
        raise InvalidYamlError(node.line, "must be a duration such as 30s, 15m, 1h or 7d")
    return int(found[1]) * _UNITS[found[2]]


def absolute_path(node: Node) -> str:
    value = text(node)
    if not value.startswith("/") or "/../" in f"{value}/":
        raise InvalidYamlError(node.line, "must be an absolute path without ..")
    return value
