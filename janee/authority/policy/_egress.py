"""Requests of a command that runs under a grant: to the capability's hosts, and past its `rules` if it has any.

Guarantees: a host that the capability does not name is refused in every spelling but the one; with rules, a request is sent
exactly as the rules have seen it: its canonical path (below the service's base path on the base URL's host), no method but
those that rules know, no header and no query field that overrides method or path. Without rules the argv policy has decided:
every method and path on the named hosts.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NoReturn
from urllib.parse import unquote_plus, urlsplit

from janee.authority.policy._compile import CompiledCapability
from janee.authority.policy._http import METHODS, is_override, is_override_header
from janee.authority.policy._path import PathError, canonical_path

_LABELS: Final = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,32}")


@dataclass(frozen=True, slots=True)
class EgressQuery:
    """What a command asks for. origin: scheme://host:port. target: path and query as written. headers: names, lower case."""

    origin: str
    method: str
    target: str
    headers: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class EgressDecision:
    """The answer. target: what is sent. is_host: whether the host is the reason of a denial."""

    allowed: bool
    policy: str
    next_step: str = ""
    target: str = ""
    is_host: bool = False

    def __bool__(self) -> NoReturn:
        raise TypeError("a decision has no truth value; look at .allowed")


def decide_egress(compiled: CompiledCapability, query: EgressQuery) -> EgressDecision:
    """Decide about one request. Pure."""
    name = compiled.capability.name
    if not any(_is_one_of(query.origin, named) for named in compiled.egress):
        hosts = ", ".join(compiled.egress) or "none"
        step = f"if it is the service's: janee service edit {compiled.service.name} --host …"
        return EgressDecision(False, f"hosts of {name}: {hosts}", step, is_host=True)
    if not compiled.allow and not compiled.deny:
        return EgressDecision(True, f"{name} has no rules: every request to its hosts", target=query.target)
    raw_path, mark, raw_query = query.target.partition("?")
    try:
        path = canonical_path(raw_path)
        below = _below_base(compiled, query.origin, path)
    except PathError as error:
        return EgressDecision(False, str(error), "send the request in its plain form")
    if query.method not in METHODS:
        return EgressDecision(False, f"the methods are {', '.join(METHODS)}", "use one of them")
    if any(is_override(unquote_plus(piece.partition("=")[0])) for piece in raw_query.replace(";", "&").split("&")):
        return EgressDecision(False, "a query field would override the method", "leave it out")
    if any(is_override_header(header) for header in query.headers):
        return EgressDecision(False, "a header would override method, path or host", "leave it out")
    for rule in compiled.deny:
        if rule.denies(query.method, below):
            return EgressDecision(False, f"deny rule of {name}: {rule.text}", "ask the operator; deny rules come first")
    target = path + mark + raw_query
    for rule in compiled.allow:
        if rule.allows(query.method, below):
            return EgressDecision(True, f"allowed by {rule.text}", target=target)
    rules = "; ".join(rule.text for rule in compiled.allow) or "none, so it allows nothing"
    return EgressDecision(
        False, f"allow rules of {name}: {rules}"[:600], f"allow it: janee capability edit {name} --allow '{query.method} …'"
    )


def _is_one_of(origin: str, named: str) -> bool:
    """Whether an origin is the named one, or of `scheme://*.domain:port`, whose star is one label or more."""
    if "*" not in named:
        return origin == named
    before, _, after = named.partition("*")
    star = origin.removeprefix(before).removesuffix(after)
    return origin == before + star + after and _LABELS.fullmatch(star) is not None


def _below_base(compiled: CompiledCapability, origin: str, path: str) -> str:
    """The path as rules see it. Raises PathError: beside the service's base path."""
    base = urlsplit(compiled.service.base_url)
    prefix = base.path.rstrip("/")
    host = f"[{base.hostname}]" if ":" in (base.hostname or "") else base.hostname
    port = base.port or (443 if base.scheme == "https" else 80)
    if not prefix or origin != f"{base.scheme}://{host}:{port}":
        return path
    if path != prefix and not path.startswith(prefix + "/"):
        raise PathError(f"the path is not below the service's ({prefix})")
    return path[len(prefix) :] or "/"
