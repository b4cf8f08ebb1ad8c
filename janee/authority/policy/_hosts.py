"""Hosts and URLs in arguments: only the service's own, in their one plain spelling.

Guarantees: a URL or host that passes has no user name, no backslash, no control or non-ASCII character, no escape in its host
and names exactly a host that the service names (numeric and IPv6 spellings only where the service itself is named so), so that
every URL parser reads the same host from it. http passes only if the service's own base URL is http.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from janee.config.schema import DEFAULT_PORTS, POSTGRES_SCHEME, Service

_PORTS: Final = {**DEFAULT_PORTS, "ssh": 22}
# The path begins with `/`; none of `" < > \ ^ ` | and blanks, which parsers read differently.
_URL: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*)://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?((?:[/?#][!#-;=?-\[\]_a-~]*)?)"
)
_HOST: Final = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")
# libpq(5) takes both spellings.
_SAME: Final[Mapping[str, tuple[str, ...]]] = {POSTGRES_SCHEME: ("postgresql",)}
MAX_URL: Final = 8192


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where a capability's credential may go. rules: (host or "*.domain", port or None for the usual one)."""

    rules: tuple[tuple[str, int | None], ...]
    schemes: frozenset[str]

    def admits(self, host: str, port: int | None, scheme: str | None = None) -> bool:
        """port None: the scheme's usual one, or any that is named without a scheme."""
        host = host.lower()
        usual = _PORTS.get(scheme or "https")
        for name, at in self.rules:
            same = host == name or (name.startswith("*.") and host.endswith(name[1:]) and len(host) > len(name) - 1)
            if (
                same
                and (port is None or port == (usual if at is None else at))
                and (port is not None or at in (None, usual) or scheme is None)
            ):
                return True
        return False

    def names(self) -> str:
        return ", ".join(name if port is None else f"{name}:{port}" for name, port in self.rules) or "none"


def hosts_of(service: Service, companions: Mapping[str, tuple[str, ...]], narrowed: tuple[str, ...] | None = None) -> Hosts:
    """The service's hosts, those that the profile says belong to them, or of these only the `narrowed` ones."""
    base = urlsplit(service.base_url)
    rules: list[tuple[str, int | None]] = [((base.hostname or "").lower(), base.port)]
    # A database's other hosts have its port, as they have in the sandbox's network; the usual one of HTTP would be none of it.
    port = base.port or DEFAULT_PORTS[POSTGRES_SCHEME] if base.scheme == POSTGRES_SCHEME else None
    rules[0] = (rules[0][0], port or base.port)
    if ":" in rules[0][0]:
        rules[0] = (f"[{rules[0][0]}]", rules[0][1])
    rules.extend(_rule(text, port) for text in service.hosts)
    for name, _ in tuple(rules):
        rules.extend((more, None) for more in companions.get(name, ()))
    schemes = frozenset({"https", base.scheme, *_SAME.get(base.scheme, ())})
    whole = Hosts(tuple(dict.fromkeys(rules)), schemes)
    if narrowed is None:
        return whole
    wanted = tuple(_rule(text, port) for text in narrowed)
    return Hosts(tuple(rule for rule in wanted if rule in whole.rules or whole.admits(rule[0], rule[1])), schemes)


def _rule(text: str, usual: int | None = None) -> tuple[str, int | None]:
    host, mark, port = text.rpartition(":")
    return (host.lower(), int(port)) if mark and port.isdigit() and not host.endswith(":") else (text.lower(), usual)


def url_problem(value: str, hosts: Hosts, schemes: frozenset[str] | None = None) -> str:
    """Why a URL is refused, or ""."""
    found = _URL.fullmatch(value) if len(value) <= MAX_URL else None
    if found is None:
        return "is not a plain URL (no user name, blanks, escapes in the host or non-ASCII characters)"
    scheme = found[1].lower()
    if scheme not in (hosts.schemes if schemes is None else schemes):
        return f"has the scheme {scheme}, which this service does not have"
    port = int(found[3]) if found[3] else None
    if not hosts.admits(found[2], port, scheme):
        return f"names the host {found[2][:100]}{f':{port}' if port else ''}, which is not the service's ({hosts.names()})"
    return ""


def host_problem(value: str, hosts: Hosts, *, may_have_port: bool) -> str:
    found = _HOST.fullmatch(value)
    if found is None or (found[2] and not may_have_port):
        return "is not a plain host name"
    if not hosts.admits(found[1], int(found[2]) if found[2] else None):
        return f"names the host {value[:100]}, which is not the service's ({hosts.names()})"
    return ""
