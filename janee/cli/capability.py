"""`janee capability`: what an agent may do with a service."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from janee.cli._clashes import REMEDY, stored_clashes
from janee.cli._home import changing, compiled, current_home, missing, section, verify_name, verify_pattern
from janee.cli._options import json_option
from janee.cli._output import note, print_json, say, table, warn
from janee.config.file import command_rule_data, load_config
from janee.config.schema import (
    DEFAULT_AGENTS,
    LIMITS,
    AnyOf,
    ArgvRule,
    AuthType,
    Capability,
    CommandRule,
    Config,
    Delivery,
    Match,
    Mode,
)
from janee.errors import StoreError, UsageError

if TYPE_CHECKING:
    from janee.authority.policy import Policy

_ALLOW_COMMAND_HELP: Final = (
    "A command that may run; repeatable. `git` is a tool's name (its profile decides; without a profile it allows nothing), "
    "'git status' is exactly these tokens, and '{argv: [git, push, origin, {match: \"[a-z-]{1,40}\"}], rest: none}' is a rule "
    "in YAML or JSON: literal tokens, {in: [a, b]} and {match: pattern} by position."
)

# option, its names, further click settings, the key in config.yaml
_OPTIONS: Final[Sequence[tuple[tuple[str, ...], dict[str, Any], str]]] = (
    (("--mode",), {"type": click.Choice([mode.value for mode in Mode])}, "mode"),
    (
        ("--allow-command", "--allow-commands", "allow_command"),
        {"multiple": True, "help": _ALLOW_COMMAND_HELP},
        "allowCommands",
    ),
    (("--allow",), {"multiple": True, "metavar": "RULE", "help": "'GET /repos/*' may be called; repeatable."}, "allow"),
    (("--deny",), {"multiple": True, "metavar": "RULE", "help": "Is denied whatever --allow says; repeatable."}, "deny"),
    (
        ("--agent", "--allowed-agents", "agent"),
        {"multiple": True, "metavar": "PATTERN", "help": f"Who may use it; repeatable. Default: {', '.join(DEFAULT_AGENTS)}."},
        "allowedAgents",
    ),
    (
        ("--env", "--env-map", "env"),
        {"multiple": True, "metavar": "K=TEMPLATE", "help": "A variable of the command, for example GH_TOKEN={{credential}}."},
        "env",
    ),
    (
        ("--delivery",),
        {
            "type": click.Choice(["secretless", "file", "env"]),
            "help": "How a command gets the credential: not at all (secretless, the default), by a file or a variable.",
        },
        "delivery",
    ),
    (
        ("--workspace",),
        {"type": click.Choice(["none", "read", "write"]), "help": "Whether a command sees the working directory."},
        "workspace",
    ),
    (
        ("--pass-env",),
        {"multiple": True, "metavar": "NAME", "help": "A variable of the Runner's environment to pass on, as LANG or TZ."},
        "passEnv",
    ),
    (("--work-dir",), {"metavar": "DIR", "help": "The working directory, instead of the one asked for."}, "workDir"),
    (
        ("--timeout",),
        {"type": click.IntRange(1, 86_400_000), "metavar": "MS", "help": "Milliseconds a command may take."},
        "timeout",
    ),
    (
        ("--network",),
        {"multiple": True, "metavar": "HOST:PORT", "help": "What a command may reach, instead of the service's hosts."},
        "network",
    ),
    (
        ("--limit", "limits"),
        {
            "multiple": True,
            "metavar": "NAME=N",
            "help": f"What a command may use: {', '.join(LIMITS)}; memory, pids and cpu are of all its processes in a cgroup.",
        },
        "limits",
    ),
    (("--rate-limit",), {"metavar": "N/PERIOD", "help": "For example 60/m or 10/30s."}, "rateLimit"),
    (
        ("--min-sandbox",),
        {"type": click.Choice(["strict", "landlock", "off"]), "help": "The weakest sandbox accepted."},
        "minSandbox",
    ),
    (
        ("--access",),
        {"type": click.Choice(["open", "restricted"]), "help": "open: any agent whose identity is proven."},
        "access",
    ),
    (("--ttl", "-t"), {"metavar": "DURATION", "help": "For example 1h."}, "ttl"),
    (("--requires-reason/--no-requires-reason",), {"default": None, "help": "Every request must say why."}, "requiresReason"),
    (("--auto-approve/--no-auto-approve",), {"default": None, "help": "Whether no person is asked."}, "autoApprove"),
)
_KEYS: Final = (
    *(
        "service",
        "mode",
        "allowedAgents",
        "access",
        "allowCommands",
        "rules",
        "env",
        "passEnv",
        "delivery",
        "workspace",
        "workDir",
        "timeout",
    ),
    *("network", "limits", "rateLimit", "minSandbox", "requiresReason", "autoApprove", "ttl"),
)


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    for names, settings, _ in reversed(_OPTIONS):
        function = click.option(*names, **settings)(function)
    return function


@click.group(name="capability")
def command() -> None:
    """Manage capabilities: what an agent may do with a service."""


@command.command()
@click.argument("name")
@click.option("--service", "-s", required=True, help="The service whose credential it uses.")
@_options
@json_option
def add(name: str, service: str, as_json: bool, **values: Any) -> None:
    """Add a capability.

    Whatever is not allowed is denied: without --allow-command an exec capability runs nothing.
    """
    verify_name(name, "the capability")
    entry = _entry(values)
    entry["service"] = service
    entry.setdefault("mode", "exec" if "allowCommands" in entry else "proxy")
    is_default = "allowedAgents" not in entry and "access" not in entry
    if is_default:
        entry["allowedAgents"] = list(DEFAULT_AGENTS)
    if entry["mode"] == "exec":
        entry.setdefault("delivery", "secretless")
    home = current_home()
    with changing(home, "capability.added", fields=lambda config: _facts(config, name)) as root:
        capabilities = section(root, "capabilities")
        if name in capabilities:
            raise UsageError(
                "EXISTS", f"the capability {name} exists already", f"janee capability edit {name}, or remove it first"
            )
        capabilities[name] = _ordered(entry)
    _report(load_config(home.config_file), name, "added", as_json)
    if is_default and not as_json:
        note(f"it is for the agents {' and '.join(DEFAULT_AGENTS)} only; others: janee capability edit {name} --agent PATTERN")


@command.command()
@click.argument("name")
@click.option("--service", "-s", help="Another service.")
@_options
@click.option("--clear-rules", is_flag=True, help="Remove all --allow and --deny rules.")
@click.option("--clear-commands", is_flag=True, help="Allow no command.")
@click.option("--clear-agents", is_flag=True, help="Allow nobody.")
@click.option("--clear-env", is_flag=True, help="Set no variable.")
@click.option("--clear-access", is_flag=True, help="Back to the server's default.")
@json_option
def edit(name: str, service: str | None, as_json: bool, **values: Any) -> None:
    """Change a capability. It holds from the next request on.

    A repeatable option adds to its list; with --clear-… it makes the list anew.
    """
    cleared = [
        key
        for flag, key in (
            ("clear_rules", "rules"),
            ("clear_commands", "allowCommands"),
            ("clear_agents", "allowedAgents"),
            ("clear_env", "env"),
            ("clear_access", "access"),
        )
        if values.pop(flag)
    ]
    changes = _entry(values) | ({"service": service} if service else {})
    if not changes and not cleared:
        raise UsageError("USAGE", "nothing to change was given", "see: janee capability edit --help")
    home = current_home()
    with changing(home, "capability.changed", fields=lambda config: _facts(config, name)) as root:
        capabilities = section(root, "capabilities")
        if name not in capabilities:
            raise missing("capability", name, capabilities)
        for key in cleared:
            capabilities[name].pop(key, None)
        _merge(capabilities[name], changes)
    _report(load_config(home.config_file), name, "changed", as_json)


@command.command()
@click.argument("name")
@click.option("--yes", "-y", is_flag=True, hidden=True, help="Accepted for scripts; nothing is asked.")
@json_option
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Remove a capability. It is denied from the next request on."""
    with changing(current_home(), "capability.removed", fields=lambda _: {"capability": name}) as root:
        capabilities = section(root, "capabilities")
        if name not in capabilities:
            raise missing("capability", name, capabilities)
        del capabilities[name]
    if as_json:
        print_json({"ok": True, "capability": name, "removed": True})
    else:
        say(f"capability {name} removed")


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show all capabilities."""
    config = load_config(current_home().config_file)
    rows = [describe(capability) for capability in config.capabilities.values()]
    if as_json:
        print_json(rows)
    else:
        show_capabilities(rows)


@command.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show one capability in full."""
    config = load_config(current_home().config_file)
    if name not in config.capabilities:
        raise missing("capability", name, config.capabilities)
    facts = describe(config.capabilities[name]) | {"policyHash": compiled(config).capabilities[name].policy_hash}
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        if value not in (None, [], {}, False):
            say(f"{key:15} {_in_words(value)}")


def show_capabilities(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        note("no capabilities yet: janee capability add NAME --service S …")
    table(
        ("capability", "service", "mode", "agents", "allows"),
        [
            (
                row["name"],
                row["service"],
                f"{row['mode']}, {row['delivery']}" if row["delivery"] else row["mode"],
                "any proven" if row["access"] == "open" else ", ".join(row["allowedAgents"]) or "nobody",
                _in_words(row["allowCommands"] if row["mode"] == "exec" else row["rules"]["allow"]) or "nothing",
            )
            for row in rows
        ],
    )


def describe(capability: Capability) -> dict[str, Any]:
    """A capability as JSON, in the words of config.yaml."""
    limit = capability.rate_limit
    return {
        "name": capability.name,
        "service": capability.service,
        "mode": capability.mode.value,
        "allowedAgents": list(capability.allowed_agents),
        "access": capability.access.value if capability.access else None,
        "allowCommands": [_rule(rule) for rule in capability.allow_commands],
        "rules": {"allow": list(capability.rules.allow), "deny": list(capability.rules.deny)},
        "env": dict(capability.env),
        "passEnv": list(capability.pass_env),
        "delivery": capability.delivery.value if capability.mode is Mode.EXEC else None,
        "workspace": capability.workspace.value if capability.mode is Mode.EXEC else None,
        "workDir": capability.work_dir,
        "timeout": capability.timeout_ms,
        "network": list(capability.network),
        "limits": dict(capability.limits),
        "rateLimit": f"{limit.count}/{limit.per_s}s" if limit else None,
        "minSandbox": capability.min_sandbox if capability.mode is Mode.EXEC else None,
        "requiresReason": capability.requires_reason,
        "autoApprove": capability.auto_approve,
        "ttl": f"{capability.ttl_s}s" if capability.ttl_s else None,
    }


def _rule(rule: CommandRule) -> Any:
    if not isinstance(rule, ArgvRule):
        return {"tool": rule.tool, **dict(rule.options)} if rule.options else rule.tool
    if rule.is_prefix:
        return " ".join(token for token in rule.argv if isinstance(token, str))
    return {"argv": [_token(token) for token in rule.argv], "rest": "any" if rule.rest else "none"}


def _token(token: str | AnyOf | Match) -> Any:
    if isinstance(token, str):
        return token
    return {"in": sorted(token.values)} if isinstance(token, AnyOf) else {"match": token.pattern}


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(_in_words(item) for item in value)
    if isinstance(value, dict) and "argv" in value:
        return " ".join(_in_words(token) for token in value["argv"]) + (" …" if value.get("rest") == "any" else "")
    if isinstance(value, dict):
        return " ".join(f"{key}={_in_words(item)}" for key, item in value.items() if item)
    return str(value)


def _entry(values: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of config.yaml for the options given."""
    entry: dict[str, Any] = {}
    for names, _, key in _OPTIONS:
        parameter = (names[-1] if not names[-1].startswith("-") else names[0].split("/")[0].lstrip("-")).replace("-", "_")
        value = values[parameter]
        if value in (None, ()):
            continue
        if key in ("allow", "deny"):
            entry.setdefault("rules", {})[key] = list(value)
        else:
            entry[key] = _converted(key, value)
    return entry


def _converted(key: str, value: Any) -> Any:
    if key == "env":
        return dict(_pair(item) for item in value)
    if key == "limits":
        return dict(_limit(item) for item in value)
    if key == "allowCommands":
        return [command_rule_data(item) for item in value]
    if key == "allowedAgents":
        for pattern in value:
            verify_pattern(pattern)
    return list(value) if isinstance(value, tuple) else value


def _merge(entry: Any, changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, dict):
            _merge(section(entry, key), value)
        elif isinstance(value, list):
            known = list(entry.get(key) or [])
            entry[key] = known + [item for item in value if item not in known]
        else:
            entry[key] = value


def _pair(item: str) -> tuple[str, str]:
    name, equals, template = item.partition("=")
    if not equals or not name:
        raise UsageError("USAGE", "--env must be K=TEMPLATE", "for example --env 'GH_TOKEN={{credential}}'")
    return name, template


def _limit(item: str) -> tuple[str, int]:
    name, _, number = item.partition("=")
    if name not in LIMITS or not re.fullmatch(r"[0-9]{1,9}", number):
        raise UsageError("USAGE", "--limit must be NAME=N", f"for example --limit memoryMib=1024; names: {', '.join(LIMITS)}")
    return name, int(number)


def _ordered(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in _KEYS if key in entry}


def _facts(config: Config, name: str) -> dict[str, Any]:
    """What an audit record says of a capability."""
    capability = config.capabilities[name]
    return {
        "capability": name,
        "service": capability.service,
        "mode": capability.mode.value,
        "allowedAgents": list(capability.allowed_agents),
        "access": capability.access.value if capability.access else None,
        "policyHash": compiled(config).capabilities[name].policy_hash,
    }


def _report(config: Config, name: str, what: str, as_json: bool) -> None:
    policy = compiled(config)
    notes = [*_weaknesses(config, policy, name), *_clashes()]
    if as_json:
        print_json({"ok": True, "capability": describe(config.capabilities[name]), "warnings": notes})
    else:
        say(f"capability {name} {what}")
    for text in notes:
        warn(text)


def _clashes() -> list[str]:
    """Credentials that are words of the configuration; a store that cannot be read is `janee doctor`'s business."""
    try:
        names = stored_clashes(current_home())
    except StoreError as error:
        return [f"the credentials could not be compared with the configuration: {error.message}"]
    return [f"the credential of {name} occurs in the configuration: {REMEDY}" for name in names]


def _weaknesses(config: Config, policy: Policy, name: str) -> list[str]:
    """What an operator may not expect of a capability."""
    capability = config.capabilities[name]
    found = [
        f"{entry}: there is no profile of this tool, so its bare name allows nothing" for entry in unknown_tools(policy, name)
    ]
    if capability.mode is Mode.EXEC and not capability.allow_commands:
        found.append("it allows no command yet: add one with --allow-command")
    needs_env = (
        config.services[capability.service].auth.type is not AuthType.POSTGRES or capability.delivery is not Delivery.SECRETLESS
    )
    if capability.mode is Mode.EXEC and not capability.env and needs_env:  # else the gateway logs in by itself
        found.append("its commands get no credential: add --env NAME={{credential}}")
    if capability.mode is Mode.EXEC and capability.delivery is Delivery.SECRETLESS and not policy.capabilities[name].egress:
        found.append(
            "none of its network is the service's, so its placeholder is replaced nowhere: add the service's host:port"
        )
    is_bound = capability.delivery is Delivery.SECRETLESS
    if capability.mode is Mode.EXEC and not is_bound and (capability.rules.allow or capability.rules.deny):
        found.append("its rules bind no command that holds the credential: they need --delivery secretless")
    if capability.mode is Mode.PROXY and not capability.rules.allow:
        found.append("it allows no request yet: add a rule with --allow")
    if not capability.allowed_agents and capability.access != "open":
        found.append("no agent may use it: add one with --agent")
    return found


def unknown_tools(policy: Policy, name: str) -> list[str]:
    """The tools among a capability's commands that have no profile."""
    from janee.authority.policy import UnknownTool

    return [entry.tool for entry in policy.capabilities[name].commands if isinstance(entry, UnknownTool)]
