"""Values with a grammar of their own: URLs, hosts, command rules, HTTP rules, environment templates, rate limits.

Guarantees: what is returned is valid by itself; whether a request fits it is `janee.authority.policy`'s to decide.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from janee.config._fields import duration_s, integer, list_of, mapping, read_fields, text
from janee.config._yaml import InvalidYamlError, Mapping, Node, Scalar, Sequence, shown
from janee.config.schema import LIMITS, POSTGRES_SCHEME, AnyOf, ArgvRule, CommandRule, Match, RateLimit, Rules, ToolRule
from janee.passed import FORMS

_LABELS: Final = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*"
_PORT: Final = r"(?::(?P<port>[0-9]{1,5}))?"
_HOST: Final = re.compile(rf"(?:\*\.)?(?:{_LABELS}|\[[0-9A-Fa-f:.]+\]){_PORT}")
_TOOL: Final = re.compile(r"[!-.0-~]{1,64}")  # printable, no slash: also "[" and "g++"
_HTTP_RULE: Final = re.compile(r"(\*|[A-Za-z]{1,16}) +(\*|/\S*)")
_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_RATE: Final = re.compile(r"([1-9][0-9]{0,6})/(1?[smhd]|[1-9][0-9]{0,6}[smhd])")
_DATABASE: Final = re.compile(r"|/|/[A-Za-z0-9_][A-Za-z0-9_.$-]{0,62}")
MAX_PATTERN: Final = 512
MAX_ARGV_TOKENS: Final = 256


def base_url(node: Node) -> str:
    value = text(node, limit=2048)
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise InvalidYamlError(node.line, "is not a URL") from None
    if parts.scheme == "postgresql":  # libpq's other name for it
        parts, value = parts._replace(scheme=POSTGRES_SCHEME), POSTGRES_SCHEME + value[len("postgresql") :]
    if parts.scheme not in ("http", "https", POSTGRES_SCHEME) or not parts.hostname:
        raise InvalidYamlError(
            node.line, "must be a URL such as https://api.example.com/v1 or postgres://db.example.com:5432/app"
        )
    if "@" in parts.netloc:
        raise InvalidYamlError(
            node.line, "must not hold a user name or password", "store them: janee service add … --auth-type TYPE"
        )
    if parts.query or parts.fragment or "?" in value or "#" in value:
        raise InvalidYamlError(node.line, "must not hold a query or fragment")
    if not _HOST.fullmatch(parts.netloc) or parts.netloc.startswith("*") or port == 0:
        raise InvalidYamlError(node.line, "must name a host, with a port from 1 to 65535 if any")
    if not value.isascii() or re.search(r"[\s\\]|/\.{1,2}(/|$)|%", parts.path):
        why = "must have a plain path: ASCII, no blanks, backslashes, dot segments or percent escapes"
        raise InvalidYamlError(node.line, why)
    if parts.scheme == POSTGRES_SCHEME and not _DATABASE.fullmatch(parts.path):
        raise InvalidYamlError(node.line, "must name one database at most: postgres://db.example.com:5432/app")
    return value.rstrip("/")


def host(node: Node) -> str:
    """A host name or *.domain, with an optional port."""
    value = text(node, limit=300)
    found = _HOST.fullmatch(value)
    if found is None or not _port_is_valid(found["port"]):
        raise InvalidYamlError(node.line, "must be a host such as api.example.com, *.example.com or api.example.com:8443")
    return value


def host_port(node: Node) -> str:
    value = text(node, limit=300)
    found = _HOST.fullmatch(value)
    if found is None or found["port"] is None or value.startswith("*.[") or not _port_is_valid(found["port"]):
        raise InvalidYamlError(node.line, "must be host:port, for example db.example.com:5432 or *.s3.example.com:443")
    return value


def _port_is_valid(port: str | None) -> bool:
    return port is None or 1 <= int(port) <= 65535


def rate_limit(node: Node) -> RateLimit:
    """`60/m`, `10/30s`: so many in any window of that length."""
    found = _RATE.fullmatch(text(node))
    if found is None:
        raise InvalidYamlError(node.line, "must be a rate such as 60/m, 1000/h or 10/30s")
    period = found[2] if found[2][0].isdigit() else f"1{found[2]}"
    return RateLimit(int(found[1]), duration_s(Scalar(period, True, node.line)))


def http_rule(node: Node) -> str:
    value = text(node)
    found = _HTTP_RULE.fullmatch(value)
    if found is None:
        raise InvalidYamlError(node.line, "must be METHOD PATH, for example GET /repos/*; * stands for any characters")
    return f"{found[1].upper()} {found[2]}"


_LIMIT_FIELDS: Final = MappingProxyType({name: (name, integer(low, high)) for name, (low, high) in LIMITS.items()})


def limits(node: Node) -> MappingProxyType[str, int]:
    """What a command may use, by the names of LIMITS."""
    return MappingProxyType(read_fields(node, _LIMIT_FIELDS, what="limits"))


_RULE_FIELDS: Final = MappingProxyType({"allow": ("allow", list_of(http_rule)), "deny": ("deny", list_of(http_rule))})


def http_rules(node: Node) -> Rules:
    return Rules(**read_fields(node, _RULE_FIELDS, what="rules"))


def env_templates(node: Node) -> MappingProxyType[str, str]:
    """Names and templates. Which of them are good depends on the service: `janee.authority.policy` checks that."""
    result: dict[str, str] = {}
    for key, value in mapping(node).items:
        if not _ENV_NAME.fullmatch(key.text):
            raise InvalidYamlError(key.line, f"{shown(key.text)} is not the name of an environment variable")
        result[key.text] = text(value)
    return MappingProxyType(result)


def passed_name(node: Node) -> str:
    name = text(node)
    if name not in FORMS:
        raise InvalidYamlError(
            node.line, f"{shown(name)} is not passed on from the runner's environment; these are: {', '.join(sorted(FORMS))}"
        )
    return name


def command_rule(node: Node) -> CommandRule:
    """A tool's name, a literal argv as one text ("git status"), {tool: …} or {argv: […], rest: none|any}."""
    if isinstance(node, Scalar):
        words = text(node).split()
        if not words:
            raise InvalidYamlError(node.line, "must name a tool")
        return (
            ArgvRule((_program(node.line, words[0]), *words[1:]), is_prefix=True)
            if len(words) > 1
            else _tool(node, MappingProxyType({}))
        )
    if isinstance(node, Sequence):
        raise InvalidYamlError(node.line, "must be a tool's name or a mapping", "write {argv: [git, push, origin, main]}")
    if node.get("argv") is not None:
        return _argv_rule(node)
    if (tool := node.get("tool")) is not None:
        return _tool(tool, MappingProxyType({key.text: plain(value) for key, value in node.items if key.text != "tool"}))
    raise InvalidYamlError(node.line, "must have the key argv or tool", "write {argv: [git, push]} or {tool: git}")


def _tool(node: Node, options: MappingProxyType[str, object]) -> ToolRule:
    name = text(node)
    if not _TOOL.fullmatch(name):
        raise InvalidYamlError(
            node.line,
            "must be a tool's name",
            "for an exact command write {argv: [/usr/bin/tool, argument]}; its name alone is trusted by path",
        )
    return ToolRule(name, options)


_ARGV_FIELDS: Final = MappingProxyType({"argv": ("argv", lambda node: _argv(node)), "rest": ("rest", lambda node: _rest(node))})


def _argv_rule(node: Mapping) -> ArgvRule:
    return ArgvRule(**read_fields(node, _ARGV_FIELDS, what="the argv rule"))


def _argv(node: Node) -> tuple[str | AnyOf | Match, ...]:
    tokens = list_of(_token, limit=MAX_ARGV_TOKENS)(node)
    if not tokens:
        raise InvalidYamlError(node.line, "must not be empty")
    if not isinstance(tokens[0], str):
        raise InvalidYamlError(node.line, "must begin with the command's name, not with a pattern")
    return (_program(node.line, tokens[0]), *tokens[1:])


def _program(line: int, name: str) -> str:
    if name.startswith("/") and "/../" not in name and "/./" not in name and "//" not in name and not name.endswith("/"):
        return name
    if not name or "/" in name or name.startswith("-"):
        raise InvalidYamlError(line, "must begin with a bare command name or its absolute path", "write git or /usr/bin/git")
    return name


def _token(node: Node) -> str | AnyOf | Match:
    if not isinstance(node, Mapping):
        return text(node)
    if len(node.items) == 1:
        key, value = node.items[0]
        if key.text == "in":
            values = frozenset(list_of(text)(value))
            if not values:
                raise InvalidYamlError(value.line, "in: must not be empty")
            return AnyOf(values)
        if key.text == "match":
            return Match(_pattern(value))
    raise InvalidYamlError(node.line, "must be a text, {in: [a, b]} or {match: pattern}")


def _pattern(node: Node) -> str:
    value = text(node, limit=MAX_PATTERN)
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError):
        raise InvalidYamlError(
            node.line, "match: is not a valid regular expression", "see https://docs.python.org/3/library/re.html"
        ) from None
    return value


def _rest(node: Node) -> bool:
    value = text(node)
    if value not in ("none", "any"):
        raise InvalidYamlError(node.line, "must be none or any")
    return value == "any"


def plain(node: Node) -> object:
    """A profile's own option: texts, whole numbers, booleans, lists and mappings of them."""
    if isinstance(node, Sequence):
        return tuple(plain(item) for item in node.items)
    if isinstance(node, Mapping):
        return MappingProxyType({key.text: plain(value) for key, value in node.items})
    if node.plain and node.text in ("true", "false"):
        return node.text == "true"
    if node.is_null:
        return None
    if node.plain and re.fullmatch(r"-?[0-9]{1,15}", node.text):
        return int(node.text)
    return text(node)
