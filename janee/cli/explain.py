"""`janee explain`: what the policy would say, and why. Needs neither a running Authority nor a secret.

Guarantees: prints the very `Decision` that the Authority would make from the same configuration; exit 0 allowed, 3 denied, 2
bad input.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from janee.cli._options import json_option
from janee.cli._output import print_json, say
from janee.config.file import load_config, parse_config
from janee.config.home import MAX_CONFIG_BYTES, JaneeHome
from janee.errors import ConfigError, ExitCode, UsageError

if TYPE_CHECKING:
    from janee.authority.policy import Decision, Policy

DEFAULT_AGENT: Final = "local"
_MARKS: Final = {"pass": "ok", "fail": "NO", "skip": "--"}


@click.command("explain")
@click.argument("capability")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
@click.option("--agent", default=DEFAULT_AGENT, show_default=True, help="The agent that asks.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Another config.yaml.")
@click.option("--method", help="Of an HTTP request (with --path).")
@click.option("--path", help="Of an HTTP request (with --method).")
@click.option("--cwd", help="The command's working directory.")
@json_option
def command(
    capability: str,
    argv: tuple[str, ...],
    agent: str,
    config_file: Path | None,
    method: str | None,
    path: str | None,
    cwd: str | None,
    as_json: bool,
) -> int:
    """Say why a request would be allowed or denied: janee explain CAPABILITY [--agent A] -- ARGV…"""
    from janee.authority.policy import ExecQuery, HttpQuery, decide_exec, decide_http

    if (method is None) != (path is None) or (argv and method is not None):
        raise UsageError("USAGE", "give either a command after `--`, or --method and --path", "see: janee explain --help")
    policy = load_policy(config_file)
    if method is not None or _is_proxy(policy, capability, argv):
        decision = decide_http(policy, HttpQuery(capability, agent, method, path, is_hypothetical=True))
    else:
        decision = decide_exec(policy, ExecQuery(capability, agent, argv or None, cwd=cwd, is_hypothetical=True))
    _show(decision, as_json)
    return ExitCode.OK if decision.allowed else ExitCode.DENIED


def load_policy(config_file: Path | None) -> Policy:
    """The policy of a configuration file, or of this home's. Raises ConfigError."""
    from janee.authority.policy import compile_policy

    if config_file is None:
        return compile_policy(load_config(JaneeHome.resolve(os.environ).config_file))
    return compile_policy(parse_config(_read(config_file), str(config_file)))


def _read(path: Path) -> bytes:
    """A file that is only asked about: who owns it and whether it is a pipe or a link does not matter."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise ConfigError("CONFIG_MISSING", f"{path}: {os.strerror(error.errno or 0).lower()}", "name a config.yaml") from None
    if len(content) > MAX_CONFIG_BYTES:
        raise ConfigError("CONFIG_INVALID", f"{path} has more than {MAX_CONFIG_BYTES} bytes", "split it")
    return content


def _is_proxy(policy: Policy, capability: str, argv: tuple[str, ...]) -> bool:
    """Whether to explain a capability without a request as what it is."""
    compiled = policy.capabilities.get(capability)
    return not argv and compiled is not None and compiled.capability.mode.value == "proxy"


def _show(decision: Decision, as_json: bool) -> None:
    if as_json:
        print_json(decision.explanation().to_wire() | {"evaluatedPolicy": decision.evaluated_policy})
        return
    for step in decision.trace:
        say(f"{_MARKS[step.result]}  {step.check}: {step.detail}")
    if decision.allowed:
        say(f"allowed for {decision.agent_id}")
    else:
        say(f"denied for {decision.agent_id}: {decision.reason_code}")
        say(f"next: {decision.next_step}")
