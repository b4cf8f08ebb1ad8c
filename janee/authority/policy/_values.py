"""Values of arguments against the types of a profile.

Guarantees: a value passes only if it is what its type says, in one reading; every check is linear in the value's length,
and all but free text, SQL, JSON and data are limited to 4,096 visible characters. No check looks at a file: that a path stays
inside the workspace when links are followed is the sandbox's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final

from janee.authority.policy._hosts import Hosts, host_problem, url_problem
from janee.authority.policy._pattern import is_plain
from janee.authority.policy._sql import sql_preset, sql_readings
from janee.profiles import Kind, Preset, ValueType

MAX_VALUE: Final = 4096  # characters
MAX_TEXT: Final = 128 << 10  # bytes; the kernel takes no longer argument (MAX_ARG_STRLEN, execve(2))
_FREE: Final = frozenset({Kind.TEXT, Kind.SQL, Kind.JSON, Kind.DATA, Kind.KV})

Found = str | Preset  # why not (with a non-empty text), or the preset that the value needs


@dataclass(frozen=True, slots=True)
class Context:
    """What a value is compared with. roots: the directories that count as the workspace. repos: patterns, None: any."""

    hosts: Hosts
    roots: tuple[str, ...] = ()
    repos: tuple[str, ...] | None = None


def holds_sql(value_type: ValueType) -> bool:
    return value_type.kind is Kind.SQL or any(map(holds_sql, value_type.items))


def check(value_type: ValueType, value: str, context: Context) -> Found:
    """The preset that the value needs, or why it is refused."""
    problem = _form_problem(value_type, value)
    if problem:
        return problem
    readings = sql_readings(value) if value_type.kind is Kind.SQL else (value,)
    if isinstance(readings, str):
        return readings
    for pattern, reason in value_type.forbidden:
        if any(re.search(pattern, reading, re.IGNORECASE) for reading in readings):
            return f"is denied: {reason}"
    return _CHECKS[value_type.kind](value_type, value, context)


def _form_problem(value_type: ValueType, value: str) -> str:
    kind = value_type.kind
    if kind in _FREE:
        return "is longer than an argument may be" if len(value) > MAX_TEXT else ""
    if kind in (Kind.EITHER, Kind.LIST):
        return "" if len(value) <= MAX_TEXT else "is longer than an argument may be"
    if len(value) > MAX_VALUE:
        return f"has more than {MAX_VALUE} characters"
    if not (value.isascii() and value.isprintable()) and not all(map(is_plain, value)):
        return "holds a control or invisible character"
    if value.startswith("-") and value != "-" and kind not in (Kind.INT, Kind.NUMBER, Kind.ENUM, Kind.MATCH):
        return "begins with a dash where no option can be"
    return ""


def _pattern(pattern: str, what: str) -> Callable[[ValueType, str, Context], Found]:
    compiled = re.compile(pattern)
    return lambda value_type, value, context: Preset.READ if compiled.fullmatch(value) else f"is not {what}"


def _any(value_type: ValueType, value: str, context: Context) -> Found:
    return Preset.READ


def _enum(value_type: ValueType, value: str, context: Context) -> Found:
    found = value_type.choices.get(value)
    if found is None:
        known = [name for name, preset in value_type.choices.items() if isinstance(preset, Preset)]
        return f"is not one of {', '.join(known[:12])}{', …' if len(known) > 12 else ''}"
    return f"is denied: {found}" if isinstance(found, str) else found


def _match(value_type: ValueType, value: str, context: Context) -> Found:
    """The whole matches; what its groups caught is checked against their types."""
    found = re.fullmatch(value_type.pattern, value)
    if found is None:
        return f"is not {value_type.about}"
    parts = zip(value_type.items, found.groups(), strict=False)  # no types: groups that only group
    return _strictest(check(item, part, context) for item, part in parts if part is not None)


def _list(value_type: ValueType, value: str, context: Context) -> Found:
    items = value.split(value_type.separator, 1024)
    return _strictest(check(value_type.items[0], item, context) for item in items)


def _strictest(all_found: Iterable[Found]) -> Found:
    needed = Preset.READ
    for found in all_found:
        if isinstance(found, str):
            return found
        needed = max(needed, found)
    return needed


def _either(value_type: ValueType, value: str, context: Context) -> Found:
    problem: str = "fits no type"
    for item in value_type.items:
        found = check(item, value, context)
        if not isinstance(found, str):
            return found
        problem = found
    return problem


def _host(value_type: ValueType, value: str, context: Context) -> Found:
    return host_problem(value, context.hosts, may_have_port=value_type.kind is Kind.HOSTPORT) or Preset.READ


def _port(value_type: ValueType, value: str, context: Context) -> Found:
    usual = int(value_type.pattern or 0)
    named = {at if at is not None else usual for _, at in context.hosts.rules}
    if value.isascii() and value.isdigit() and len(value) < 6 and int(value) in named:
        return Preset.READ
    return f"is not a port of the service ({context.hosts.names()})"


def _url(value_type: ValueType, value: str, context: Context) -> Found:
    schemes = frozenset({value_type.pattern}) if value_type.pattern else None
    problem = url_problem(value, context.hosts, schemes)
    if not problem and context.repos is not None:
        problem = _endpoint_problem(value.partition("://")[2].partition("/")[2], context.repos)
    return problem or Preset.READ


# No scheme, host, user, dot segment or escape that another reader takes for one.
_ENDPOINT: Final = re.compile(r"/?[A-Za-z0-9{][!#-;=?-\[\]_a-~]*")
_TWO_READINGS: Final = re.compile(r"(?i)://|//|%(?:2f|5c|2e|25|00|0[ad]|40|3a)|(?:^|/)\.\.?(?:[/?#]|$)|^[^/?]*[@:]")


def _endpoint(value_type: ValueType, value: str, context: Context) -> Found:
    """A path below the API's base; with `repos`, one of these repositories' paths."""
    if not _ENDPOINT.fullmatch(value) or _TWO_READINGS.search(value.partition("?")[0]):
        return "is not a plain path of the API"
    return ("" if context.repos is None else _endpoint_problem(value, context.repos)) or Preset.READ


def _endpoint_problem(path: str, repos: tuple[str, ...]) -> str:
    """Whether a path, `/repos/OWNER/NAME/…` or `/OWNER/NAME/…`, names one of the repositories."""
    words = path.partition("?")[0].strip("/").removeprefix("repos/").split("/")
    name = "/".join(words[:2]).removesuffix(".git").lower()
    if any(fnmatchcase(name, pattern.lower()) for pattern in repos):
        return ""
    return f"is not a path of one of the repositories {', '.join(repos)}"


_OWNER_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9_.][A-Za-z0-9._-]*){1,6}")


def _repo(value_type: ValueType, value: str, context: Context) -> Found:
    """OWNER/NAME (GROUP/…/NAME), HOST/OWNER/NAME or a URL."""
    if value_type.pattern and re.fullmatch(value_type.pattern, value):
        return Preset.READ if context.repos is None else f"is not one of the repositories {', '.join(context.repos)}"
    path = value
    if "://" in value or value.startswith("git@"):
        found = _remote_url(value, context)
        if isinstance(found, str):
            return found
        path = value.partition("://")[2].partition("/")[2] if "://" in value else value.partition(":")[2]
    elif _OWNER_NAME.fullmatch(value) is None or "/.." in value:
        return "is not OWNER/NAME"
    elif "." in value.partition("/")[0]:
        host, _, path = value.partition("/")
        problem = host_problem(host, context.hosts, may_have_port=False)
        if problem:
            return problem
    return _repo_problem(path.strip("/").removesuffix(".git"), context) or Preset.READ


def _repo_problem(path: str, context: Context) -> str:
    if context.repos is None or any(fnmatchcase(path.lower(), pattern.lower()) for pattern in context.repos):
        return ""
    return f"names the repository {path[:100]}, which is not one of {', '.join(context.repos)}"


# docs.docker.com/reference/cli/docker/image/tag: [HOST[:PORT]/]PATH[:TAG][@DIGEST]; a first part with a dot, a colon or in
# capitals is a host, and `localhost` is.
_IMAGE: Final = re.compile(
    r"(?:([A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*(?::[0-9]{1,5})?)/)?([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)


def _image(value_type: ValueType, value: str, context: Context) -> Found:
    """An image in the service's registry, or one that names no registry (the public one of the tool)."""
    found = _IMAGE.fullmatch(value)
    if found is None:
        return "is not the name of an image"
    first = found[1] or ""
    if not re.search(r"[.:A-Z]", first) and first != "localhost":
        return Preset.READ
    return host_problem(first, context.hosts, may_have_port=True) or Preset.READ


_SCP: Final = re.compile(r"git@([A-Za-z0-9.-]+):([A-Za-z0-9_~][A-Za-z0-9._~/-]*)")
_SSH: Final = re.compile(r"ssh://git@(.+)")
_ONLY_SSH: Final = frozenset({"ssh"})
_REMOTE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def _remote_url(value: str, context: Context) -> Found:
    scp = _SCP.fullmatch(value)
    if scp:
        problem = host_problem(scp[1], context.hosts, may_have_port=False)
        return problem or _repo_problem(scp[2].removesuffix(".git"), context) or Preset.READ
    ssh = _SSH.fullmatch(value)
    problem = url_problem(f"ssh://{ssh[1]}", context.hosts, _ONLY_SSH) if ssh else url_problem(value, context.hosts)
    if not problem and ("?" in value or "#" in value):
        problem = "is not a repository's URL"
    path = value.partition("://")[2].partition("/")[2].strip("/").removesuffix(".git")
    return problem or _repo_problem(path, context) or Preset.READ


def _remote(value_type: ValueType, value: str, context: Context) -> Found:
    """A remote's name, or the URL of a repository on the service's hosts; never a path, a bundle or a transport helper."""
    if "://" in value or value.startswith("git@"):
        return _remote_url(value, context)
    return Preset.READ if _REMOTE_NAME.fullmatch(value) else "is neither a remote's name nor a URL of the service"


# git-check-ref-format(1), narrower: no leading dash, no "..", "@{", control, blank, ~ ^ : ? * [ \
_REF: Final = re.compile(r"(?!.*(?:\.\.|@\{|//|/\.|\.lock(?:/|$)))[\w@.#+=,%!/-]{1,255}")
_REV: Final = re.compile(r"\^?:?[\w@.#+=,%!/{}~^: -]{0,255}")


def _ref(value_type: ValueType, value: str, context: Context) -> Found:
    return Preset.READ if _REF.fullmatch(value) else "is not a plain branch, tag or commit"


def _rev(value_type: ValueType, value: str, context: Context) -> Found:
    return Preset.READ if value and _REV.fullmatch(value) else "is not a revision"


def _refspec(value_type: ValueType, value: str, context: Context) -> Found:
    """[+][SRC][:DST]; a `+` (forced) needs admin, an empty SRC (deletion) write."""
    forced = value.startswith("+")
    source, mark, target = value.removeprefix("+").partition(":")
    patterns = [part.replace("*", "x", 1) for part in (source, target) if part]
    if not patterns or not all(_REF.fullmatch(part) or _REV.fullmatch(part) for part in patterns):
        return "is not a refspec"
    if target and not _REF.fullmatch(target.replace("*", "x", 1)):
        return "is not a refspec"
    return Preset.ADMIN if forced else Preset.WRITE if mark and not source else Preset.READ


_DEVICES: Final = frozenset({"-", "/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr"})


def path_problem(value: str, context: Context) -> str:
    """Why a path does not lie in the workspace, or "". Lexical: `..` may not lead above where the path starts."""
    if value in _DEVICES:
        return ""
    if not value:
        return "is empty"
    if value.startswith(("~", "@", "|", "!")) or "://" in value or "::" in value:
        return "is not a plain path"
    rest = value
    if value.startswith("/"):
        root = next((root for root in context.roots if value == root or value.startswith(root.rstrip("/") + "/")), None)
        if root is None:
            return "lies outside the workspace"
        rest = value[len(root) :]
    depth = 0
    for part in rest.split("/"):
        if part in ("", "."):
            continue
        depth += -1 if part == ".." else 1
        if depth < 0:
            return "leads out of the workspace"
        if part.lower() == ".git" or part.lower().startswith("git~"):
            return "lies in git's own directory"
    return ""


def _path(value_type: ValueType, value: str, context: Context) -> Found:
    return path_problem(value, context) or Preset.READ


_MAGIC: Final = re.compile(r":(?:\((?:top|literal|icase|glob|exclude)(?:,(?:top|literal|icase|glob|exclude))*\)|[/!^]{1,2})")


def _pathspec(value_type: ValueType, value: str, context: Context) -> Found:
    """A path or git's pattern for paths (gitglossary(7), pathspec), with its harmless magic words."""
    found = _MAGIC.match(value)
    rest = value[found.end() :] if found else value
    if not rest:
        return Preset.READ if found else "is empty"
    return path_problem(rest, context) or Preset.READ


def _data(value_type: ValueType, value: str, context: Context) -> Found:
    """Text, or `@file`."""
    if not value.startswith("@"):
        return Preset.READ
    if not all(map(is_plain, value[:MAX_VALUE])) or len(value) > MAX_VALUE:
        return "is not a plain path"
    return path_problem(value[1:], context) or Preset.READ


_KEY: Final = re.compile(r"[A-Za-z0-9_.:/@\[\]-]{1,256}")


def _key_value(value_type: ValueType, value: str, context: Context) -> Found:
    """KEY=VALUE, the value free text or `@file`."""
    key, mark, rest = value.partition("=")
    if not mark or key.startswith("-") or not _KEY.fullmatch(key):
        return "is not KEY=VALUE"
    return _data(value_type, rest, context)


def _json(value_type: ValueType, value: str, context: Context) -> Found:
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return "is not JSON"
    return Preset.READ


def _sql(value_type: ValueType, value: str, context: Context) -> Found:
    return sql_preset(value)


_CHECKS: Final[Mapping[Kind, Callable[[ValueType, str, Context], Found]]] = MappingProxyType(
    {
        Kind.TEXT: _any,
        Kind.WORD: _any,
        Kind.NAME: _pattern(r"[A-Za-z0-9_][A-Za-z0-9_.:+@-]{0,255}", "a plain name"),
        Kind.INT: _pattern(r"-?[0-9]{1,18}", "a whole number"),
        Kind.NUMBER: _pattern(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?", "a number"),
        Kind.BOOL: _pattern(r"(?i:true|false|yes|no|on|off|0|1)", "true or false"),
        Kind.DURATION: _pattern(r"[0-9]{1,9}(?:\.[0-9]{1,9})?(?:ns|us|ms|s|m|h|d|w)?(?:[0-9]{1,9}(?:ms|s|m|h))*", "a duration"),
        Kind.HOST: _host,
        Kind.HOSTPORT: _host,
        Kind.PORT: _port,
        Kind.URL: _url,
        Kind.REPO: _repo,
        Kind.ENDPOINT: _endpoint,
        Kind.IMAGE: _image,
        Kind.REMOTE: _remote,
        Kind.REF: _ref,
        Kind.REV: _rev,
        Kind.REFSPEC: _refspec,
        Kind.PATH: _path,
        Kind.PATHSPEC: _pathspec,
        Kind.DATA: _data,
        Kind.KV: _key_value,
        Kind.SQL: _sql,
        Kind.JSON: _json,
        Kind.ENUM: _enum,
        Kind.MATCH: _match,
        Kind.LIST: _list,
        Kind.EITHER: _either,
    }
)
