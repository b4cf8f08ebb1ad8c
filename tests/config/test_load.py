from __future__ import annotations

import re
from pathlib import Path

import pytest

from janee.config.file import load_config, parse_command_rule, parse_config
from janee.config.schema import (
    Access,
    AnyOf,
    ArgvRule,
    AuthType,
    Config,
    Delivery,
    Match,
    Mode,
    RateLimit,
    ToolRule,
    Workspace,
)
from janee.errors import ConfigError
from tests.config.support import MINIMAL, config_file

FULL = """\
version: "0.3.0"
llm: {provider: openai}
server:
  host: 0.0.0.0
  port: 9701
  defaultAccess: restricted
  logBodies: true
  strictDecryption: true
services:
  gh:
    baseUrl: https://api.github.com/v3/
    auth: {type: bearer}
    hosts: ["*.github.com", "uploads.github.com:8443"]
    allowPrivate: true
    ca: /etc/ca.pem
    testPath: /user
    ownership: {accessPolicy: all-agents}
  reg: {baseUrl: "http://127.0.0.1:5000", auth: {type: basic}}
  keyed: {baseUrl: https://x.example, auth: {type: headers, headers: [X-Api-Key, X-Account]}}
capabilities:
  git:
    service: gh
    mode: exec
    ttl: 1h
    autoApprove: false
    requiresReason: true
    allowedAgents: [local, "creature:*"]
    access: restricted
    allowCommands:
      - gh
      - git status
      - {tool: gh, preset: read, allow: [issue create], depth: 3, strict: true}
      - {argv: [git, push, origin, {match: "[a-z]+"}, {in: [a, b]}, 5, ""], rest: any}
    env: {GH_TOKEN: "{{credential}}"}
    workDir: /srv/work
    timeout: 60000
    delivery: file
    workspace: write
    network: ["db.example.com:5432"]
    limits: {memoryMib: 256, cpuPercent: 50}
    rateLimit: 10/30s
    minSandbox: landlock
  api:
    service: gh
    rules: {allow: ["get /repos/*", "* /x"], deny: [DELETE *]}
    rateLimit: 5/h
"""


def parse(text: str) -> Config:
    return parse_config(text.encode())


def test_every_field_arrives() -> None:
    config = parse(FULL)
    assert (config.server.host, config.server.port, config.server.default_access) == ("0.0.0.0", 9701, Access.RESTRICTED)
    gh = config.services["gh"]
    assert gh.base_url == "https://api.github.com/v3"
    assert (gh.hosts, gh.allow_private, gh.ca, gh.test_path) == (
        ("*.github.com", "uploads.github.com:8443"),
        True,
        "/etc/ca.pem",
        "/user",
    )
    assert [service.auth.secret_fields for service in config.services.values()] == [
        ("key",),
        ("username", "password"),
        ("X-Api-Key", "X-Account"),
    ]
    assert config.services["keyed"].auth.type is AuthType.HEADERS
    git = config.capabilities["git"]
    assert (git.mode, git.ttl_s, git.auto_approve, git.requires_reason) == (Mode.EXEC, 3600, False, True)
    assert git.allowed_agents == ("local", "creature:*")
    assert git.allow_commands == (
        ToolRule("gh", git.allow_commands[0].options),  # type: ignore[union-attr]
        ArgvRule(("git", "status"), is_prefix=True),
        git.allow_commands[2],
        ArgvRule(("git", "push", "origin", Match("[a-z]+"), AnyOf(frozenset("ab")), "5", ""), rest=True),
    )
    assert isinstance(git.allow_commands[2], ToolRule)
    assert dict(git.allow_commands[2].options) == {"preset": "read", "allow": ("issue create",), "depth": 3, "strict": True}
    assert dict(git.env) == {"GH_TOKEN": "{{credential}}"}
    assert (git.work_dir, git.timeout_ms, git.delivery, git.workspace) == ("/srv/work", 60000, Delivery.FILE, Workspace.WRITE)
    assert (git.network, git.rate_limit, git.min_sandbox) == (("db.example.com:5432",), RateLimit(10, 30), "landlock")
    assert dict(git.limits) == {"memoryMib": 256, "cpuPercent": 50}
    api = config.capabilities["api"]
    assert (api.mode, api.rules.allow, api.rules.deny) == (Mode.PROXY, ("GET /repos/*", "* /x"), ("DELETE *",))
    assert (api.allowed_agents, api.access, api.rate_limit) == ((), None, RateLimit(5, 3600))


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "services:\ncapabilities:\n", 'version: "0.3.0"\n', "version: 0.3.0"])
def test_an_empty_configuration_allows_nothing(text: str) -> None:
    config = parse(text)
    assert (dict(config.services), dict(config.capabilities)) == ({}, {})
    assert config.server.default_access is Access.RESTRICTED


def service(lines: str) -> str:
    return f"services:\n  gh:\n    baseUrl: https://a.example\n    auth: {{type: bearer}}\n{lines}"


def capability(lines: str) -> str:
    return service("capabilities:\n  c:\n    service: gh\n" + lines)


# text, line, what the message must say, what the hint must say
BAD = [
    ("services: [", 1, "not valid YAML", ""),
    ("a: b: c", 1, "not valid YAML", ""),
    ("\x07", 1, "not valid YAML", ""),
    ("services: {}\nservices: {}", 2, "appears twice, first in line 1", ""),
    ("services: &a {}", 1, "anchors and aliases", ""),
    ("services: *a", 1, "anchors and aliases", ""),
    ("version: !!python/object:os.system x", 1, "tags", ""),
    ("services:\n  <<: {}", 2, "merge keys", ""),
    ("? [a]\n: b", 1, "key must be a plain text", ""),
    ("--- {}\n--- {}", 2, "second document", ""),
    ("- a", 1, "must be a mapping", ""),
    ("servces: {}", 1, "unknown key 'servces'", "did you mean services?"),
    ("version: 0.9.0", 1, "only 0.3.0", "janee import"),
    ("masterKey: AAAA", 1, "secrets do not belong", "janee import"),
    ("server: {port: 70000}", 1, "port: must be a whole number from 1 to 65535", ""),
    ("server: {port: 0x10}", 1, "port", ""),
    ("server: {logBodies: yes}", 1, "must be true or false", ""),
    ("server: {logBodies: 'true'}", 1, "must be true or false", ""),
    ("server: {defaultAccess: everyone}", 1, "one of: open, restricted", ""),
    ("services:\n  gh:\n    auth: {type: bearer}", 3, "baseUrl is missing", ""),
    ("services:\n  gh:\n    baseUrl: https://a.example", 3, "auth is missing", ""),
    ("services:\n  'a b': {}", 2, "must be a name", ""),
    (service("    hots: []"), 5, "unknown key 'hots' in the service", "did you mean hosts?"),
    (service("    hosts: a.example"), 5, "must be a list", ""),
    (service("    hosts: ['a b']"), 5, "must be a host", ""),
    (service("    hosts: ['a.example:99999']"), 5, "must be a host", ""),
    (service("    apiKey: hunter2hunter2"), 5, "secrets do not belong in this file", "janee service set-secret gh"),
    (service("    ca: ca.pem"), 5, "absolute path", ""),
    (service("    ca: /a/../b"), 5, "absolute path", ""),
    ("services: {gh: {baseUrl: https://a.example, auth: {type: bearer, key: hunter2}}}", 1, "secret", "set-secret gh"),
    ("services: {gh: {baseUrl: https://a.example, auth: {type: basic, password: hunter2}}}", 1, "secret", "set-secret gh"),
    ("services: {gh: {baseUrl: https://a.example, auth: {type: headers, headers: {X-Key: v}}}}", 1, "secret", "set-secret gh"),
    ("services: {gh: {baseUrl: https://a.example, auth: {type: headers}}}", 1, "headers is missing", ""),
    ("services: {gh: {baseUrl: https://a.example, auth: {type: headers, headers: [a, A]}}}", 1, "named twice", ""),
    ("services: {gh: {baseUrl: https://a.example, auth: {type: hmac-okx}}}", 1, "not supported by this version", "bearer"),
    ("services: {gh: {baseUrl: https://a.example, auth: {type: query}}}", 1, "auth.param is missing", "param"),
    ("services: {gh: {baseUrl: https://a.example, auth: {type: magic}}}", 1, "one of: bearer", ""),
    (capability("    mdoe: exec"), 8, "unknown key 'mdoe'", "did you mean mode?"),
    (capability("    mode: run"), 8, "one of: exec, proxy", ""),
    (capability("    ttl: 1 hour"), 8, "must be a duration", ""),
    (capability("    ttl: 0s"), 8, "must be a duration", ""),
    (capability("    timeout: 0"), 8, "whole number from 1", ""),
    (capability("    timeout: 1e3"), 8, "whole number from 1", ""),
    (capability("    allowedAgents: ['a b']"), 8, "must be an agent id", ""),
    (capability("    rules: {allow: [/x]}"), 8, "METHOD PATH", ""),
    (capability("    rules: {allow: [GET x]}"), 8, "METHOD PATH", ""),
    (capability("    rules: {allows: [GET /x]}"), 8, "unknown key 'allows'", "did you mean allow?"),
    (capability("    env: {'A-B': x}"), 8, "not the name of an environment variable", ""),
    (capability("    rateLimit: 0/m"), 8, "must be a rate", ""),
    (capability("    rateLimit: 5"), 8, "must be a rate", ""),
    (capability("    minSandbox: weak"), 8, "strict, landlock, off", ""),
    (capability("    network: [db.example.com]"), 8, "host:port", ""),
    (capability("    allowCommands: [[git, push]]"), 8, "tool's name or a mapping", "argv"),
    (capability("    allowCommands: [{argv: []}]"), 8, "must not be empty", ""),
    (capability("    allowCommands: [{argv: [{match: x}]}]"), 8, "must begin with the command's name", ""),
    (capability("    allowCommands: [{argv: [./git]}]"), 8, "bare command name or its absolute path", ""),
    (capability("    allowCommands: [{argv: [git], rest: some}]"), 8, "none or any", ""),
    (capability("    allowCommands: [{argv: [git, {match: '('}]}]"), 8, "not a valid regular expression", ""),
    (capability("    allowCommands: [{argv: [git, {in: []}]}]"), 8, "must not be empty", ""),
    (capability("    allowCommands: [{argv: [git, {on: [a]}]}]"), 8, "{in: [a, b]}", ""),
    (capability("    allowCommands: [{argv: [git], tols: 1}]"), 8, "unknown key", ""),
    (capability("    allowCommands: [{preset: read}]"), 8, "argv or tool", ""),
    (capability("    allowCommands: ['']"), 8, "must name a tool", ""),
    (capability("    allowCommands: [/bin/git]"), 8, "must be a tool's name", ""),
    (capability("    workDir: relative"), 8, "absolute path", ""),
    (service("capabilities:\n  c:\n    service: other"), 7, "the service 'other' does not exist", "janee service add other"),
    (service("capabilities:\n  c: {mode: exec}"), 6, "service is missing", ""),
    ("[" * 200, 1, "", ""),
    ("a: " * 2000, 1, "", ""),
]


@pytest.mark.parametrize(("text", "line", "message", "hint"), BAD, ids=[f"{i}-{b[2][:20]}" for i, b in enumerate(BAD)])
def test_a_mistake_is_named_with_file_line_and_fix(text: str, line: int, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text.encode(), "/etc/janee.yaml")
    assert caught.value.message.startswith(f"/etc/janee.yaml:{line}: ")
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.hint
    assert "hunter2" not in caught.value.message + caught.value.hint


BAD_URLS = [
    "ftp://a.example",
    "https://",
    "a.example",
    "https://user:pw@a.example",
    "https://a.example?x=1",
    "https://a.example/#f",
    "https://a.example:0",
    "https://a.example:99999",
    "https://*.example",
    "https://a.example/../b",
    "https://a.example/%2e%2e",
    "https://a.example/é",
    "https://a b",
    "https://a.example\\@b.example",
    "https://[::1",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_base_url_that_could_mean_another_host_is_refused(url: str) -> None:
    text = f"services:\n  gh:\n    baseUrl: '{url}'\n    auth: {{type: bearer}}\n"
    with pytest.raises(ConfigError, match=re.escape("config.yaml:3: gh: baseUrl: ") + "|services: gh: baseUrl: "):
        parse(text)


def test_a_deep_bomb_is_refused_quickly() -> None:
    with pytest.raises(ConfigError, match="nested deeper"):
        parse("a: " + "{b: " * 30 + "1" + "}" * 30 + "\n")
    with pytest.raises(ConfigError, match="anchors"):
        parse("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n")


def test_text_that_is_not_utf8_is_refused_with_its_line() -> None:
    with pytest.raises(ConfigError, match=":2: is not UTF-8"):
        parse_config(b"version: 0.3.0\n\xff\n")


def test_load_reads_the_file_and_names_what_is_missing(tmp_path: Path) -> None:
    assert list(load_config(config_file(tmp_path)).services) == ["gh"]
    with pytest.raises(ConfigError, match="does not exist") as caught:
        load_config(tmp_path / "none.yaml")
    assert "janee init" in caught.value.hint
    big = config_file(tmp_path, MINIMAL + "#" * (1 << 20))
    with pytest.raises(ConfigError, match="at most"):
        load_config(big)


@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        ("git status", ArgvRule(("git", "status"), is_prefix=True)),
        ("/usr/bin/git status", ArgvRule(("/usr/bin/git", "status"), is_prefix=True)),
        ('{argv: [git, push, {match: "[a-z]{1,4}"}]}', ArgvRule(("git", "push", Match("[a-z]{1,4}")))),
        ('{"argv": ["bash", "-c"], "rest": "any"}', ArgvRule(("bash", "-c"), rest=True)),
        ("echo {x}", ArgvRule(("echo", "{x}"), is_prefix=True)),
        ("echo *.py #1", ArgvRule(("echo", "*.py", "#1"), is_prefix=True)),
    ],
)
def test_a_rule_as_typed(typed: str, rule: ArgvRule) -> None:
    assert parse_command_rule(typed) == rule


@pytest.mark.parametrize("typed", ["", "   ", "{argv: [", "{argv: x}", "{}", "./x y", "-x y", "a\nb", "{argv: [git]} trailing"])
def test_a_bad_rule_as_typed_is_a_configuration_error(typed: str) -> None:
    with pytest.raises(ConfigError):
        parse_command_rule(typed)


@pytest.mark.parametrize("name", ["[", "g++", "7z", "docker-compose", "python3.11", "x86_64-linux-gnu-gcc", "a@b", "x:y"])
def test_any_name_that_a_program_can_have_is_a_tool_s_name(name: str) -> None:
    config = parse(capability(f"    mode: exec\n    allowCommands: ['{name}']"))
    assert config.capabilities["c"].allow_commands == (ToolRule(name),)


@pytest.mark.parametrize("limits", ["{memoryMib: 15}", "{memory: 256}", "{pids: -1}", "{pids: many}", "[pids]", "{pids: 0}"])
def test_limits_that_make_no_sense_are_refused(limits: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(MINIMAL + f"    limits: {limits}\n")
    with pytest.raises(ConfigError):
        load_config(path)
