"""The configuration as values: services, capabilities, server settings.

Guarantees: a value that exists is valid on its own (names, enums, bounds; that a capability's service exists is `Config`'s).
No secret is ever in it: a service names its auth type and its non-secret options, the values lie encrypted in the store.
It never reads a file (`janee.config.file`) and never decides (`janee.authority.policy`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}")
DEFAULT_TIMEOUT_MS: Final = 30_000
DEFAULT_AGENTS: Final = ("local", "runner:default")  # `capability add` without --agent
EMPTY: Final[Mapping[str, str]] = MappingProxyType({})
NO_LIMITS: Final[Mapping[str, int]] = MappingProxyType({})
LIMITS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(  # of what a command may use: the least and the most
    {
        "memoryMib": (16, 1 << 20),
        "pids": (1, 1 << 15),
        "cpuPercent": (1, 100_000),
        "cpuS": (1, 86_400),
        "openFiles": (16, 1 << 20),
        "fileSizeMib": (0, 1 << 20),
        "tmpfsMib": (1, 1 << 20),
        "tmpfsInodes": (256, 1 << 24),
    }
)


class AuthType(StrEnum):
    BEARER = "bearer"
    BASIC = "basic"
    HEADERS = "headers"
    QUERY = "query"
    AWS_SIGV4 = "aws-sigv4"
    POSTGRES = "postgres"


AWS_FIELDS: Final = ("accessKeyId", "secretAccessKey")
AWS_SESSION: Final = "sessionToken"
POSTGRES_SCHEME: Final = "postgres"  # of base URLs and of the gateway's entries
DEFAULT_PORTS: Final[Mapping[str, int]] = MappingProxyType({"https": 443, "http": 80, POSTGRES_SCHEME: 5432})


class Mode(StrEnum):
    EXEC = "exec"
    PROXY = "proxy"


class Delivery(StrEnum):
    SECRETLESS = "secretless"
    FILE = "file"
    ENV = "env"


class Workspace(StrEnum):
    NONE = "none"
    READ = "read"
    WRITE = "write"


class Access(StrEnum):
    OPEN = "open"
    RESTRICTED = "restricted"


@dataclass(frozen=True, slots=True)
class Auth:
    """How a service is authenticated. secret_fields: the store's field names that it needs, e.g. ("key",)."""

    type: AuthType
    # bearer, query: key; basic: username, password; headers: one a header name; aws-sigv4: accessKeyId, secretAccessKey;
    # postgres: username, password
    secret_fields: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=lambda: EMPTY)  # query: param; aws: region, service; postgres: sslMode
    min_secret_bytes: int = 8  # a shorter secret is refused: scrubbing it hits ordinary text; the operator may go down to 4


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    base_url: str  # http(s)://host[:port][/path] or postgres://host[:port][/database], no userinfo, query or fragment
    auth: Auth
    hosts: tuple[str, ...] = ()  # further hosts the credential may go to: "api.x", "*.y", each with an optional ":port"
    allow_private: bool = False
    ca: str | None = None  # PEM file for a private CA
    test_path: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules of the form "METHOD PATH" patterns (`*` = any characters). deny first; any allow rule makes the rest denied."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """An argument that is one of these: `{in: [a, b]}`."""

    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Match:
    """An argument that matches this pattern as a whole: `{match: "[a-z0-9-]{1,40}"}`."""

    pattern: str


@dataclass(frozen=True, slots=True)
class ArgvRule:
    """Literal tokens and patterns by position, the first being the command's name."""

    argv: tuple[str | AnyOf | Match, ...]
    rest: bool = False  # `rest: any`: whatever follows is allowed, at the operator's own risk
    is_prefix: bool = False  # written as one text: what the line begins with, where the tool has a profile


@dataclass(frozen=True, slots=True)
class ToolRule:
    """A tool's name: its profile decides; a name without a profile allows nothing."""

    tool: str
    options: Mapping[str, object] = field(default_factory=dict)  # preset, allow, repos, … as the profile defines


CommandRule = ArgvRule | ToolRule


@dataclass(frozen=True, slots=True)
class RateLimit:
    count: int
    per_s: int


@dataclass(frozen=True, slots=True)
class Capability:
    name: str
    service: str
    mode: Mode
    ttl_s: int | None = None
    auto_approve: bool = True
    requires_reason: bool = False
    rules: Rules = field(default_factory=Rules)
    allowed_agents: tuple[str, ...] = ()  # patterns with `*`; empty: nobody
    access: Access | None = None
    allow_commands: tuple[CommandRule, ...] = ()
    env: Mapping[str, str] = field(
        default_factory=lambda: EMPTY
    )  # templates: {{credential}} {{apiKey}} {{username}} {{password}} {{field:NAME}}
    pass_env: tuple[str, ...] = ()  # variables of the Runner's environment, of the list in `janee.passed`
    work_dir: str | None = None
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    delivery: Delivery = Delivery.ENV  # in the file: secretless, unless it is named
    workspace: Workspace = Workspace.NONE
    network: tuple[str, ...] = ()  # "host:port"; empty: the service's hosts for exec (`janee.authority.policy` computes it)
    rate_limit: RateLimit | None = None
    min_sandbox: str = "strict"  # the weakest sandbox level accepted
    limits: Mapping[str, int] = field(default_factory=lambda: NO_LIMITS)  # by the names of LIMITS


@dataclass(frozen=True, slots=True)
class ServerSettings:
    host: str = "127.0.0.1"
    port: int = 9700
    default_access: Access = Access.RESTRICTED
    log_bodies: bool = False
    strict_decryption: bool = True


@dataclass(frozen=True, slots=True)
class Config:
    version: str
    server: ServerSettings
    services: Mapping[str, Service]
    capabilities: Mapping[str, Capability]
