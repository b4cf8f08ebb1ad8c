"""Environment templates of a capability: `GH_TOKEN: "{{credential}}"`.

Guarantees: every placeholder is known and fits the service's auth type; a variable that makes programs run code, or that moves
the traffic elsewhere, is refused. It never holds a value: filling templates is `janee.authority.delivery`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from janee.config.schema import Auth, AuthType

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_PLACEHOLDER: Final = re.compile(r"\{\{\s*([A-Za-z]+)(?::([^{}:]{1,128}))?\s*\}\}")
_REFUSED_NAMES_TEXT: Final = (
    "PATH IFS ENV BASH_ENV BASHOPTS SHELLOPTS PS4 PROMPT_COMMAND CDPATH GLOBIGNORE HOME TMPDIR SHELL EDITOR VISUAL "
    "PAGER BROWSER LESSOPEN LESSCLOSE MANPAGER SSH_ASKPASS NODE_OPTIONS NODE_PATH NODE_REPL_EXTERNAL_MODULE "
    "PERL5LIB PERL5OPT PERL5DB PERLLIB RUBYOPT RUBYLIB RUBYPATH GEM_HOME GEM_PATH JAVA_TOOL_OPTIONS _JAVA_OPTIONS "
    "JDK_JAVA_OPTIONS CLASSPATH GCONV_PATH LOCPATH HOSTALIASES LOCALDOMAIN RES_OPTIONS NLSPATH MAKEFLAGS CC CXX "
    "GOFLAGS CARGO_HOME RUSTC_WRAPPER HTTP_PROXY HTTPS_PROXY ALL_PROXY FTP_PROXY NO_PROXY TERMINFO TERMCAP PSQLRC "
    "PGSERVICEFILE PGSYSCONFDIR CURL_HOME WGETRC INPUTRC "
)
_REFUSED_NAMES: Final = frozenset(_REFUSED_NAMES_TEXT.split())
_REFUSED_PREFIXES: Final = ("LD_", "DYLD_", "PYTHON", "GLIBC_", "MALLOC_", "BASH_FUNC_", "JANEE_", "NPM_CONFIG_")
# Of git's many variables that run programs, only these are known not to.
_GIT_ALLOWED: Final = re.compile(
    r"GIT_(CONFIG_COUNT|CONFIG_(KEY|VALUE)_\d{1,3}|SSL_CAINFO|SSL_CAPATH|TERMINAL_PROMPT|AUTHOR_\w+|COMMITTER_\w+|TOKEN|PASSWORD|USERNAME)"
)


class EnvError(ValueError):
    """An environment entry is unusable; the text says why."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One `{{kind:argument}}`. secret_field: the store's field that it takes its value from."""

    kind: str
    argument: str | None
    secret_fields: tuple[str, ...]


Piece = str | Placeholder


@dataclass(frozen=True, slots=True)
class EnvTemplate:
    name: str
    pieces: tuple[Piece, ...]


def compile_env(env: Mapping[str, str], auth: Auth) -> tuple[EnvTemplate, ...]:
    """Compile the templates of a capability. Raises EnvError."""
    return tuple(EnvTemplate(_checked_name(name), _pieces(name, text, auth)) for name, text in env.items())


def _checked_name(name: str) -> str:
    upper = name.upper()
    if not _NAME.fullmatch(name):
        raise EnvError(f"{name!r} is no name of an environment variable")
    if upper in _REFUSED_NAMES or upper.startswith(_REFUSED_PREFIXES):
        raise EnvError(f"the variable {name} makes programs run code or moves their traffic, so it is not set for a command")
    if upper.startswith("GIT_") and not _GIT_ALLOWED.fullmatch(upper):
        raise EnvError(f"the variable {name} makes git run programs; set options with GIT_CONFIG_COUNT, GIT_CONFIG_KEY_0, …")
    return name


def _pieces(name: str, text: str, auth: Auth) -> tuple[Piece, ...]:
    if "\0" in text or len(text) > 8192:
        raise EnvError(f"the value of {name} is too long or holds a NUL")
    pieces: list[Piece] = []
    at = 0
    for found in _PLACEHOLDER.finditer(text):
        pieces.extend([text[at : found.start()], _placeholder(name, found[1], found[2], auth)])
        at = found.end()
    pieces.append(text[at:])
    if any("{{" in piece or "}}" in piece for piece in pieces if isinstance(piece, str)):
        raise EnvError(f"the value of {name} holds a malformed placeholder; known: {{{{credential}}}}, {{{{field:NAME}}}}, …")
    return tuple(piece for piece in pieces if piece)


def _placeholder(name: str, kind: str, argument: str | None, auth: Auth) -> Placeholder:
    fields = auth.secret_fields
    main = _main_field(auth)
    by_kind: Mapping[tuple[str, bool], tuple[str, ...] | None] = {
        ("credential", False): (main,) if main else None,
        ("apiKey", False): (main,) if main else None,
        ("username", False): ("username",),
        ("password", False): ("password",),
        ("field", True): (argument or "",),
        ("basic", True): (main,) if main else None,
        ("basic", False): ("username", "password"),
    }
    needed = by_kind.get((kind, argument is not None))
    if needed is None or not set(needed) <= set(fields):
        have = ", ".join(fields) or "none"
        raise EnvError(
            f"the placeholder {{{{{kind}}}}} in {name} does not fit a service of type {auth.type.value} (fields: {have})"
        )
    return Placeholder(kind, argument, needed)


def _main_field(auth: Auth) -> str | None:
    if auth.type in (AuthType.BEARER, AuthType.QUERY):
        return "key" if "key" in auth.secret_fields else None
    if auth.type in (AuthType.BASIC, AuthType.POSTGRES):
        return "password" if "password" in auth.secret_fields else None
    return auth.secret_fields[0] if len(auth.secret_fields) == 1 else None
