"""Commands that look like an allowed one and are not (each passes a check by base name, prefix or unanchored pattern)."""

from __future__ import annotations

import re

import pytest

from janee.authority.policy import ExecQuery, Policy, compile_policy, decide_exec
from janee.config.file import parse_config

CONFIG = """\
version: "0.3.0"
services: {git: {baseUrl: "https://git.example.test", auth: {type: bearer}}}
capabilities:
  push:
    service: git
    mode: exec
    delivery: env
    allowedAgents: [local]
    allowCommands:
      - {argv: [git, push, origin, {match: "[a-z][a-z0-9-]{0,30}"}]}
      - {argv: [gh, issue, create, --title, {match: "[^\\\\n]{1,80}"}]}
"""


@pytest.fixture(scope="module")
def policy() -> Policy:
    return compile_policy(parse_config(CONFIG.encode()))


def is_allowed(policy: Policy, *command: str) -> bool:
    return decide_exec(policy, ExecQuery("push", "local", command, is_hypothetical=True)).allowed


def test_the_honest_command_is_allowed(policy: Policy) -> None:
    assert is_allowed(policy, "git", "push", "origin", "main")
    assert is_allowed(policy, "gh", "issue", "create", "--title", "It's broken: see #3 (ü)")


@pytest.mark.parametrize(
    "command",
    [
        ("./git", "push", "origin", "main"),
        ("/tmp/git", "push", "origin", "main"),
        ("../git", "push", "origin", "main"),
        ("git ", "push", "origin", "main"),
        ("git\n", "push", "origin", "main"),
        ("GIT", "push", "origin", "main"),
        ("gіt", "push", "origin", "main"),  # a Cyrillic i
        ("git\u200b", "push", "origin", "main"),
        ("", "git", "push", "origin", "main"),
        ("git", "-c", "alias.push=!id", "push", "origin", "main"),
        ("git", "--exec-path=/tmp", "push", "origin", "main"),
        ("git", "push", "--receive-pack=id", "origin", "main"),
        ("git", "push", "origin", "main", "--force"),
        ("git", "push", "origin", "--force"),
        ("git", "push", "origin", "-f"),
        ("git", "push", "origin", "main:prod"),
        ("git", "push", "origin", "+main"),
        ("git", "push", "ext::sh -c id", "main"),
        ("git", "push", "origin"),
        ("git", "push", "origin", "main", ""),
        ("git", "push origin main"),
        ("git", "push", "origin", "main\n--force"),
        ("git", "push", "origin", "main\u202e"),
        ("git", "push", "origin", "main\0x"),
        ("sh", "-c", "git push origin main"),
        ("env", "git", "push", "origin", "main"),
        ("gh", "issue", "create", "--title", "a\nb"),
        ("gh", "issue", "create", "--title", "a\x1b]0;x\x07"),
        ("gh", "issue", "create", "--title=a"),
        ("gh", "auth", "token"),
    ],
)
def test_a_command_that_only_looks_allowed_is_denied(policy: Policy, command: tuple[str, ...]) -> None:
    assert not is_allowed(policy, *command)


def test_a_pattern_is_not_fooled_where_search_and_dollar_are() -> None:
    """Python's `$` matches before a final newline, and `search` anywhere: what a naive rule would accept."""
    assert re.search(r"^[a-z]+$", "main\n") and re.search("[a-z]+", "--force main")
    text = CONFIG.replace('"[a-z][a-z0-9-]{0,30}"', '"^[a-z]+$"')
    anchored = compile_policy(parse_config(text.encode()))
    assert is_allowed(anchored, "git", "push", "origin", "main")
    assert not is_allowed(anchored, "git", "push", "origin", "main\n")
    assert not is_allowed(anchored, "git", "push", "origin", "--force main")
