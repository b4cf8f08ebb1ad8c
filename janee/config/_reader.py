"""From the tree to a `Config`: one table for each kind of mapping in config.yaml.

Guarantees: the result is valid as a whole (each capability's service exists); secrets and unknown keys are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingType
from types import MappingProxyType
from typing import Any, Final

from janee.config import _rules
from janee.config._fields import (
    Field,
    absolute_path,
    boolean,
    duration_s,
    integer,
    list_of,
    mapping,
    matching,
    one_of,
    read_fields,
    text,
)
from janee.config._yaml import InvalidYamlError, Mapping, Node, Scalar, shown
from janee.config.schema import (
    AWS_FIELDS,
    AWS_SESSION,
    NAME,
    POSTGRES_SCHEME,
    Access,
    Auth,
    AuthType,
    Capability,
    Config,
    Delivery,
    Mode,
    ServerSettings,
    Service,
    Workspace,
)

VERSION: Final = "0.3.0"  # of the published schema
PATTERN: Final = re.compile(r"[A-Za-z0-9*][A-Za-z0-9._:@/+*-]{0,127}")
PARAM_NAME: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'+.^_`|~-]{1,64}")  # RFC 9110 token, without *
_LEVELS: Final = re.compile(r"strict|landlock|off")
_FUTURE_AUTH: Final = frozenset(
    "hmac-mexc hmac-bybit hmac-okx service-account github-app oauth1a-twitter".split()  # noqa: SIM905
)  # types of the original that this version cannot sign with

_aws_word: Final = matching(re.compile(r"[a-z0-9-]{1,64}"), "a region's or service's name")
agent_pattern: Final = matching(PATTERN, "an agent id or a pattern such as creature:*")
name: Final = matching(NAME, "a name: letters, digits and . _ : @ / + - (at most 128)")

_SERVER: Final[MappingType[str, Field]] = MappingProxyType(
    {
        "host": ("host", matching(re.compile(r"[A-Za-z0-9.:_-]{1,255}"), "a host name or address")),
        "port": ("port", integer(1, 65535)),
        "defaultAccess": ("default_access", one_of(Access)),
        "logBodies": ("log_bodies", boolean),
        "strictDecryption": ("strict_decryption", boolean),
    }
)

_SERVICE: Final[MappingType[str, Field]] = MappingProxyType(
    {
        "baseUrl": ("base_url", _rules.base_url),
        "auth": ("auth", lambda node: node),  # read apart: its secrets need the service's name for the hint
        "hosts": ("hosts", list_of(_rules.host)),
        "allowPrivate": ("allow_private", boolean),
        "ca": ("ca", absolute_path),
        "testPath": ("test_path", matching(re.compile(r"/\S*"), "a path beginning with /")),
        "ownership": None,  # the original's; ours is `allowedAgents`
    }
)

_CAPABILITY: Final[MappingType[str, Field]] = MappingProxyType(
    {
        "service": ("service", name),
        "mode": ("mode", one_of(Mode)),
        "ttl": ("ttl_s", duration_s),
        "autoApprove": ("auto_approve", boolean),
        "requiresReason": ("requires_reason", boolean),
        "rules": ("rules", _rules.http_rules),
        "allowedAgents": ("allowed_agents", list_of(agent_pattern)),
        "access": ("access", one_of(Access)),
        "allowCommands": ("allow_commands", list_of(_rules.command_rule)),
        "env": ("env", _rules.env_templates),
        "passEnv": ("pass_env", list_of(_rules.passed_name)),
        "workDir": ("work_dir", absolute_path),
        "timeout": ("timeout_ms", integer(1, 86_400_000)),
        "delivery": ("delivery", one_of(Delivery)),
        "workspace": ("workspace", one_of(Workspace)),
        "network": ("network", list_of(_rules.host_port)),
        "rateLimit": ("rate_limit", _rules.rate_limit),
        "limits": ("limits", _rules.limits),
        "minSandbox": ("min_sandbox", matching(_LEVELS, "one of: strict, landlock, off")),
    }
)

_ROOT: Final[MappingType[str, Field]] = MappingProxyType(
    {
        "version": ("version", text),
        "server": ("server", lambda node: ServerSettings(**read_fields(node, _SERVER, what="server"))),
        "services": ("services", lambda node: _named(node, _service)),
        "capabilities": ("capabilities", lambda node: _named(node, _capability)),
        "llm": None,  # the original never used it either
    }
)


def read_config(root: Node) -> Config:
    """The configuration that a tree describes. Raises InvalidYamlError."""
    values = read_fields(root, _ROOT, what="the file", secrets_hint="import an original directory with: janee import")
    version = values.get("version", VERSION)
    if version != VERSION:
        node = mapping(root).get("version")
        raise InvalidYamlError(
            node.line if node else 1,
            f"version: only {VERSION} is read by this release",
            "a newer file needs a newer Janee; an older one: janee import",
        )
    services, capabilities = values.get("services", MappingProxyType({})), values.get("capabilities", MappingProxyType({}))
    _verify_services_exist(root, services, capabilities)
    return Config(version, values.get("server", ServerSettings()), services, capabilities)


def _verify_services_exist(root: Node, services: MappingType[str, Service], capabilities: MappingType[str, Capability]) -> None:
    for capability in capabilities.values():
        if capability.service not in services:
            node = mapping(mapping(root).get("capabilities") or root).get(capability.name)
            raise InvalidYamlError(
                node.line if node else 1,
                f"capabilities.{capability.name}: the service {shown(capability.service)} does not exist",
                f"known: {', '.join(sorted(services)) or 'none'}; add it with: janee service add {capability.service}",
            )


def _named(node: Node, convert: Any) -> MappingType[str, Any]:
    result: dict[str, Any] = {}
    for key, child in mapping(node).items:
        name(key)
        try:
            result[key.text] = convert(key.text, child)
        except InvalidYamlError as problem:
            raise InvalidYamlError(problem.line, f"{key.text}: {problem.message}", problem.hint) from None
    return MappingProxyType(result)


def _service(service: str, node: Node) -> Service:
    hint = f"remove the line and store it with: janee service set-secret {service}"
    values = read_fields(node, _SERVICE, what="the service", secrets_hint=hint)
    if "base_url" not in values:
        raise InvalidYamlError(node.line, "baseUrl is missing", "add baseUrl: https://…")
    if "auth" not in values:
        raise InvalidYamlError(node.line, "auth is missing", "add auth: {type: bearer}")
    auth = _auth(values["auth"], hint)
    _verify_protocol(node.line, auth, values)
    return Service(name=service, **(values | {"auth": auth}))


def _verify_protocol(line: int, auth: Auth, values: MappingType[str, Any]) -> None:
    """A database's credential goes to databases only, and another's never to one."""
    is_database = values["base_url"].startswith(POSTGRES_SCHEME + "://")
    if is_database != (auth.type is AuthType.POSTGRES):
        raise InvalidYamlError(
            line, "auth.type postgres and a baseUrl postgres://… belong together", "baseUrl: postgres://db.example.com:5432/app"
        )
    if is_database and "test_path" in values:
        raise InvalidYamlError(line, "testPath is for HTTP services", "leave it out")


_MIN_SECRET: Final[MappingType[str, Field]] = MappingProxyType({"minSecretLength": ("min_secret_bytes", integer(4, 8))})
_AUTH_OPTIONS: Final[MappingType[AuthType, MappingType[str, Field]]] = MappingProxyType(
    {
        AuthType.BEARER: MappingProxyType({"type": None, **_MIN_SECRET}),
        AuthType.BASIC: MappingProxyType({"type": None, **_MIN_SECRET}),
        AuthType.HEADERS: MappingProxyType(
            {"type": None, "headers": ("headers", lambda node: _header_names(node)), **_MIN_SECRET}
        ),
        AuthType.QUERY: MappingProxyType(
            {"type": None, "param": ("param", matching(PARAM_NAME, "a query parameter's name")), **_MIN_SECRET}
        ),
        AuthType.AWS_SIGV4: MappingProxyType(
            {
                "type": None,
                "session": ("has_session", boolean),
                "region": ("region", _aws_word),
                "service": ("service", _aws_word),
                **_MIN_SECRET,
            }
        ),
        AuthType.POSTGRES: MappingProxyType(
            {
                "type": None,
                "sslMode": ("ssl_mode", matching(re.compile(r"verify-full|disable"), "one of: verify-full, disable")),
                **_MIN_SECRET,
            }
        ),
    }
)


def _auth(node: Node, secrets_hint: str) -> Auth:
    kind = _auth_type(mapping(node, "auth"))
    if (headers := mapping(node).get("headers")) is not None and isinstance(headers, Mapping):
        raise InvalidYamlError(headers.line, "auth.headers: a header's value is a secret; only names belong here", secrets_hint)
    values = read_fields(node, _AUTH_OPTIONS[kind], what=f"auth of type {kind}", secrets_hint=secrets_hint)
    more = {"min_secret_bytes": values["min_secret_bytes"]} if "min_secret_bytes" in values else {}
    if kind is AuthType.BEARER:
        return Auth(kind, ("key",), **more)
    if kind is AuthType.BASIC:
        return Auth(kind, ("username", "password"), **more)
    if kind is AuthType.POSTGRES:
        modes = {"sslMode": values["ssl_mode"]} if "ssl_mode" in values else {}
        return Auth(kind, ("username", "password"), MappingProxyType(modes), **more)
    if kind is AuthType.QUERY:
        if "param" not in values:
            raise InvalidYamlError(node.line, "auth.param is missing", "name the query parameter: param: api_key")
        return Auth(kind, ("key",), MappingProxyType({"param": values["param"]}), **more)
    if kind is AuthType.AWS_SIGV4:
        options: dict[str, str] = {name: values[name] for name in ("region", "service") if name in values}
        return Auth(kind, AWS_FIELDS + ((AWS_SESSION,) if values.get("has_session") else ()), MappingProxyType(options), **more)
    if not values.get("headers"):
        raise InvalidYamlError(node.line, "auth.headers is missing", "name the headers: headers: [x-api-key]")
    return Auth(kind, values["headers"], **more)


def _auth_type(node: Mapping) -> AuthType:
    child = node.get("type")
    if child is None:
        raise InvalidYamlError(node.line, "auth.type is missing", f"one of: {', '.join(AuthType)}")
    if isinstance(child, Scalar) and child.text in _FUTURE_AUTH:
        raise InvalidYamlError(
            child.line, f"auth.type {child.text} is not supported by this version yet", f"one of: {', '.join(AuthType)}"
        )
    return one_of(AuthType)(child)


def _header_names(node: Node) -> tuple[str, ...]:
    names = list_of(matching(HEADER_NAME, "a header's name"), limit=16)(node)
    if len({header.lower() for header in names}) != len(names):
        raise InvalidYamlError(node.line, "a header is named twice")
    return names


def _capability(capability: str, node: Node) -> Capability:
    values = read_fields(node, _CAPABILITY, what="the capability")
    if "service" not in values:
        raise InvalidYamlError(node.line, "service is missing", "add service: NAME")
    values.setdefault("mode", Mode.PROXY)  # the published default
    # The gateway speaks every auth type: where a credential need not leave the Authority, it leaves it only by name.
    values.setdefault("delivery", Delivery.SECRETLESS if values["mode"] is Mode.EXEC else Delivery.ENV)
    return Capability(name=capability, **values)
