"""From a configuration to a policy: every rule checked and ready to match, every capability with its hash.

Guarantees: a `Policy` that exists has no rule that cannot be matched (else ConfigError, naming capability and entry), and is
immutable. Compiling is done once for each version of the configuration.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from janee.authority.policy._argv import CompiledRule, UnknownTool, compile_rule
from janee.authority.policy._env import EnvError, EnvTemplate, compile_env
from janee.authority.policy._hosts import hosts_of
from janee.authority.policy._http import HttpRule, HttpRuleError, compile_http_rule
from janee.authority.policy._pattern import PatternError
from janee.authority.policy._tool import ToolEntry
from janee.config.schema import DEFAULT_PORTS, POSTGRES_SCHEME, Access, Capability, Config, Delivery, Mode, Service
from janee.errors import ConfigError
from janee.profiles import Library


@dataclass(frozen=True, slots=True)
class CompiledCapability:
    """One capability with its service. policy_hash covers all that a decision about it can depend on."""

    capability: Capability
    service: Service
    access: Access
    policy_hash: str
    commands: tuple[CompiledRule | ToolEntry | UnknownTool, ...]
    allow: tuple[HttpRule, ...]
    deny: tuple[HttpRule, ...]
    env: tuple[EnvTemplate, ...]
    network: tuple[str, ...]  # "host:port" that a command of it may reach
    egress: tuple[str, ...] = ()  # "scheme://host:port": of these, what goes through the gateway (delivery secretless)


@dataclass(frozen=True, slots=True)
class Policy:
    """All capabilities of one version of the configuration."""

    capabilities: Mapping[str, CompiledCapability]


def compile_policy(config: Config) -> Policy:
    """Compile every capability. Raises ConfigError POLICY_INVALID."""
    library = Library()
    compiled = {name: _compile(config, name, capability, library) for name, capability in config.capabilities.items()}
    return Policy(MappingProxyType(compiled))


def _compile(config: Config, name: str, capability: Capability, library: Library) -> CompiledCapability:
    service = config.services.get(capability.service)
    if service is None:
        raise _invalid(name, "service", f"there is no service {capability.service!r}")
    commands: list[CompiledRule | ToolEntry | UnknownTool] = []
    for index, rule in enumerate(capability.allow_commands):
        try:
            commands.append(compile_rule(rule, service, library))
        except PatternError as error:
            raise _invalid(name, f"allowCommands[{index}]", str(error)) from None
    try:
        allow = tuple(compile_http_rule(text) for text in capability.rules.allow)
        deny = tuple(compile_http_rule(text) for text in capability.rules.deny)
    except HttpRuleError as error:
        raise _invalid(name, "rules", str(error)) from None
    try:
        env = compile_env(capability.env, service.auth)
    except EnvError as error:
        raise _invalid(name, "env", str(error)) from None
    _verify_protocol(name, capability, service)
    access = capability.access or config.server.default_access
    network = _network(capability, service) if capability.mode is Mode.EXEC else ()
    egress = _egress(network, service) if capability.delivery is Delivery.SECRETLESS else ()
    policy_hash = _hash(capability, service, access, commands)
    return CompiledCapability(capability, service, access, policy_hash, tuple(commands), allow, deny, env, network, egress)


def _verify_protocol(name: str, capability: Capability, service: Service) -> None:
    """What is HTTP's alone has no meaning for a database. Raises ConfigError."""
    if not service.base_url.startswith(POSTGRES_SCHEME + "://"):
        return
    if capability.mode is not Mode.EXEC:
        raise _invalid(name, "mode", "a PostgreSQL service is for commands: mode exec")
    if capability.rules.allow or capability.rules.deny:
        raise _invalid(name, "rules", "METHOD PATH rules are for HTTP; grant rights to the role in the database")


def _network(capability: Capability, service: Service) -> tuple[str, ...]:
    """What a command may reach: what the capability names, else the service's own hosts. A database has no wildcards."""
    if capability.network:
        return capability.network
    url = urlsplit(service.base_url)
    port = url.port or DEFAULT_PORTS.get(url.scheme, 443)
    host = url.hostname or ""
    entries = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"] if host else []
    named = [entry for entry in service.hosts if "*" not in entry or url.scheme != POSTGRES_SCHEME]
    entries.extend(entry if ":" in entry else f"{entry}:{port}" for entry in named)
    return tuple(dict.fromkeys(entries))


def _egress(network: tuple[str, ...], service: Service) -> tuple[str, ...]:
    """What of the network is the service's: there its credential may go, by its protocol. The rest is relayed as it is."""
    scheme = urlsplit(service.base_url).scheme
    hosts = hosts_of(service, {})
    found = []
    for entry in network:
        host, _, port = entry.rpartition(":")
        if hosts.admits(host, int(port), scheme):
            found.append(f"{scheme}://{host.lower()}:{port}")
    return tuple(found)


def _hash(
    capability: Capability, service: Service, access: Access, commands: Sequence[CompiledRule | ToolEntry | UnknownTool]
) -> str:
    profiles = {entry.tool.profile.tool: entry.tool.digest for entry in commands if isinstance(entry, ToolEntry)}
    value = {"capability": _plain(capability), "service": _plain(service), "access": access.value, "profiles": profiles}
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Any configuration value as JSON; a value's type is kept where two types could look alike (a literal, a pattern)."""
    if dataclasses.is_dataclass(value):
        fields = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"": type(value).__name__, **fields}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(_plain(item) for item in value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _invalid(capability: str, where: str, why: str) -> ConfigError:
    return ConfigError(
        "POLICY_INVALID",
        f"capability {capability}, {where}: {why}",
        f"correct it: janee capability edit {capability}",
    )
