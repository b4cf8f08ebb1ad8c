"""Decisions: tables of queries against one configuration, and the properties of a `Decision`."""

from __future__ import annotations

from typing import Any

import pytest

from janee.authority.policy import Decision, ExecQuery, HttpQuery, Policy, compile_policy, decide_exec, decide_http, may_see
from janee.config.file import parse_config
from janee.config.schema import Delivery
from janee.errors import ConfigError
from janee.protocol import ReasonCode, SandboxLevel

CONFIG = """\
version: "0.3.0"
services:
  api: {baseUrl: "https://api.example.test/v1", auth: {type: bearer},
    hosts: [up.example.test, "b.example.test:8443", "*.cdn.test"]}
  keyed: {baseUrl: "https://k.example.test", auth: {type: headers, headers: [X-Api-Key]}}
capabilities:
  run:
    service: api
    mode: exec
    delivery: env
    allowedAgents: [local, "creature:*"]
    allowCommands:
      - {argv: [git, status]}
      - {argv: [git, push, origin, {match: "[a-z0-9/-]{1,40}"}]}
      - {argv: [deploy, {in: [staging, prod]}], rest: any}
      - {argv: [/opt/tools/run, now]}
      - {argv: [printf, {match: "a\\\\nb"}]}
      - frobnicate
    workDir: /srv/repo
    timeout: 20000
  reasoned: {service: api, mode: exec, allowedAgents: [local], allowCommands: [{argv: ["true"]}], requiresReason: true}
  lax: {service: api, mode: exec, delivery: env, allowedAgents: [local], allowCommands: [{argv: ["true"]}], minSandbox: "off"}
  nobody: {service: api, mode: exec, allowCommands: [{argv: ["true"]}]}
  anybody: {service: api, mode: exec, access: open, allowCommands: [{argv: ["true"]}]}
  filed: {service: api, mode: exec, allowedAgents: [local], delivery: file, allowCommands: [{argv: ["true"]}]}
  stayed: {service: api, mode: exec, allowedAgents: [local], minSandbox: "off", allowCommands: [{argv: ["true"]}],
    network: ["API.example.test:443", "x.cdn.test:443", "b.example.test:8443", "b.example.test:443", "db.example.test:5432"]}
  empty: {service: api, mode: exec, allowedAgents: [local]}
  http:
    service: api
    mode: proxy
    allowedAgents: [local]
    rules: {allow: ["GET /repos/*", "POST /repos/*/issues", "* /free"], deny: ["GET /repos/secret/*", "DELETE *"]}
  ruleless: {service: api, mode: proxy, allowedAgents: [local]}
  denying: {service: api, mode: proxy, allowedAgents: [local], rules: {deny: ["DELETE *"]}}
  all: {service: keyed, mode: proxy, allowedAgents: [local], rules: {allow: ["* *"]}}
"""


@pytest.fixture(scope="module")
def policy() -> Policy:
    return compile_policy(parse_config(CONFIG.encode()))


def ask(policy: Policy, capability: str, *command: str, **more: Any) -> Decision:
    values: dict[str, Any] = {
        "agent_id": "local",
        "executable": f"/usr/bin/{command[0]}" if command and "/" not in command[0] else (command or ("",))[0],
        "sandbox": SandboxLevel.STRICT,
    }
    return decide_exec(policy, ExecQuery(capability, command=command, **(values | more)))


def fetch(policy: Policy, capability: str, method: str, path: str, **more: Any) -> Decision:
    return decide_http(policy, HttpQuery(capability, more.pop("agent_id", "local"), method, path, **more))


def test_what_is_the_services_goes_through_the_gateway_where_the_credential_stays(policy: Policy) -> None:
    stayed = policy.capabilities["stayed"]
    assert stayed.capability.delivery is Delivery.SECRETLESS
    assert stayed.egress == ("https://api.example.test:443", "https://x.cdn.test:443", "https://b.example.test:8443")
    usual = policy.capabilities["empty"]
    named = ("https://api.example.test:443", "https://up.example.test:443", "https://b.example.test:8443")
    assert usual.egress == (*named, "https://*.cdn.test:443")
    assert policy.capabilities["run"].egress == policy.capabilities["filed"].egress == ()


@pytest.mark.parametrize("capability", ["stayed", "filed"])
def test_every_delivery_is_allowed_with_a_sealed_grant_at_the_strict_level(policy: Policy, capability: str) -> None:
    assert ask(policy, capability, "true").allowed


@pytest.mark.parametrize(
    ("capability", "command", "more"),
    [
        ("run", ("git", "status"), {}),
        ("run", ("git", "push", "origin", "feature/x-1"), {}),
        ("run", ("deploy", "prod", "--force", "ü"), {}),
        ("run", ("/opt/tools/run", "now"), {}),
        ("run", ("printf", "a\nb"), {}),
        ("run", ("git", "status"), {"agent_id": "creature:patch"}),
        ("run", ("git", "status"), {"cwd": "/srv/repo"}),
        ("run", ("git", "status"), {"cwd": "/srv/repo/sub"}),
        ("reasoned", ("true",), {"reason": "because"}),
        ("lax", ("true",), {"sandbox": None}),
        ("lax", ("true",), {"sandbox": SandboxLevel.OFF}),
        ("anybody", ("true",), {"agent_id": "stranger"}),
        ("run", ("git", "status"), {"executable": None, "needs_executable": False}),
    ],
)
def test_what_a_rule_names_is_allowed(policy: Policy, capability: str, command: tuple[str, ...], more: dict[str, Any]) -> None:
    decision = ask(policy, capability, *command, **more)
    assert decision.allowed, decision.evaluated_policy
    assert decision.reason_code is None
    assert decision.policy_hash is not None
    assert all(step.result != "fail" for step in decision.trace)


@pytest.mark.parametrize(
    ("capability", "command", "more", "code"),
    [
        ("ghost", ("true",), {}, "CAPABILITY_NOT_FOUND"),
        ("run", ("git", "status"), {"agent_id": None}, "IDENTITY_UNVERIFIED"),
        ("run", ("git", "status"), {"agent_id": "stranger"}, "AGENT_NOT_ALLOWED"),
        ("run", ("git", "status"), {"agent_id": "LOCAL"}, "AGENT_NOT_ALLOWED"),
        ("nobody", ("true",), {}, "AGENT_NOT_ALLOWED"),
        ("anybody", ("true",), {"agent_id": None}, "IDENTITY_UNVERIFIED"),
        ("http", ("true",), {}, "MODE_MISMATCH"),
        ("reasoned", ("true",), {}, "REASON_REQUIRED"),
        ("reasoned", ("true",), {"reason": "  "}, "REASON_REQUIRED"),
        ("filed", ("true",), {"needs_executable": False}, "RULE_DENY"),
        ("stayed", ("true",), {"needs_executable": False}, "RULE_DENY"),
        ("stayed", ("true",), {"sandbox": SandboxLevel.LANDLOCK}, "SANDBOX_TOO_WEAK"),
        ("stayed", ("true",), {"sandbox": SandboxLevel.OFF}, "SANDBOX_TOO_WEAK"),
        ("stayed", ("true",), {"sandbox": None}, "SANDBOX_TOO_WEAK"),
        ("empty", ("true",), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("git",), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("git", "status", "-s"), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("git", "Status"), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("git", "push", "origin", ""), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("git", "push", "origin", "a b"), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("git", "push", "origin", "main\n"), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("git", "push", "evil", "main"), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("deploy", "dev"), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("deploy", "prod", "a\nb"), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("deploy", "prod", "\u202e"), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("deploy", "prod", "\x1b[2J"), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("deploy", "prod", "a\0b"), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("deploy", "prod", "x" * 600_000), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("frobnicate", "issue", "list"), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("./git", "status"), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("/tmp/git", "status"), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("/usr/bin/git", "status"), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("run", "now"), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("",), {}, "COMMAND_NOT_ALLOWED"),
        ("run", ("git", "status"), {"executable": None}, "EXECUTABLE_NOT_TRUSTED"),
        ("run", ("git", "status"), {"executable": "/usr/bin/evil"}, "EXECUTABLE_NOT_TRUSTED"),
        ("run", ("git", "status"), {"executable": "git"}, "EXECUTABLE_NOT_TRUSTED"),
        ("run", ("git", "status"), {"executable": "/usr/../tmp/git"}, "EXECUTABLE_NOT_TRUSTED"),
        ("run", ("/opt/tools/run", "now"), {"executable": "/tmp/run"}, "EXECUTABLE_NOT_TRUSTED"),
        ("run", ("git", "status"), {"sandbox": SandboxLevel.LANDLOCK}, "SANDBOX_TOO_WEAK"),
        ("run", ("git", "status"), {"sandbox": None}, "SANDBOX_TOO_WEAK"),
        ("run", ("git", "status"), {"cwd": "/srv/other"}, "RULE_DENY"),
        ("run", ("git", "status"), {"cwd": "/srv/repository"}, "RULE_DENY"),
        ("run", ("git", "status"), {"cwd": "/srv/repo/../.."}, "RULE_DENY"),
        ("run", ("git", "status"), {"cwd": "repo"}, "RULE_DENY"),
    ],
)
def test_everything_else_is_denied(
    policy: Policy, capability: str, command: tuple[str, ...], more: dict[str, Any], code: str
) -> None:
    decision = ask(policy, capability, *command, **more)
    assert not decision.allowed
    assert decision.reason_code == ReasonCode(code)
    assert decision.next_step
    assert decision.evaluated_policy
    assert [step.result for step in decision.trace].count("fail") == 1
    assert decision.target is None


def test_a_bare_tool_name_says_that_its_profile_is_missing(policy: Policy) -> None:
    assert "no tool profile" in ask(policy, "run", "frobnicate", "issue", "list").evaluated_policy


@pytest.mark.parametrize(
    ("capability", "method", "path", "sent"),
    [
        ("http", "GET", "/repos/a/b", "/repos/a/b"),
        ("http", "get", "/repos/%61", "/repos/a"),
        ("http", "POST", "/repos/a/issues", "/repos/a/issues"),
        ("http", "PUT", "/free", "/free"),
        ("http", "GET", "/repos/x?per_page=3&q=a+b", "/repos/x"),
        ("all", "PATCH", "/", "/"),
    ],
)
def test_a_request_that_a_rule_names_is_allowed_as_it_will_be_sent(
    policy: Policy, capability: str, method: str, path: str, sent: str
) -> None:
    decision = fetch(policy, capability, method, path)
    assert decision.allowed, decision.evaluated_policy
    assert decision.target is not None
    assert (decision.target.method, decision.target.path) == (method.upper(), sent)


@pytest.mark.parametrize(
    ("capability", "method", "path"),
    [
        ("http", "POST", "/repos/a"),
        ("http", "GET", "/repo"),
        ("http", "GET", "/repos"),
        ("http", "HEAD", "/repos/a"),
        ("http", "DELETE", "/free"),
        ("http", "GET", "/repos/secret/x"),
        ("http", "GET", "/repos/SECRET/x"),
        ("http", "TRACE", "/free"),
        ("http", "CONNECT", "/free"),
        ("http", "GET", "/repos/a/../../admin"),
        ("http", "GET", "/repos/%2e%2e/admin"),
        ("http", "GET", "/repos//x"),
        ("http", "GET", "/Repos/a"),
        ("http", "GET", "https://evil.test/repos/a"),
        ("ruleless", "GET", "/"),
        ("denying", "GET", "/"),
        ("all", "POST", "/x?_method=DELETE"),
    ],
)
def test_a_request_that_no_rule_names_is_denied(policy: Policy, capability: str, method: str, path: str) -> None:
    decision = fetch(policy, capability, method, path)
    assert decision.reason_code == ReasonCode.RULE_DENY
    assert decision.target is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer mine"},
        {"X-Api-Key": "mine"},
        {"x-api-key": "mine"},
        {"Host": "evil.test"},
        {"X-HTTP-Method-Override": "DELETE"},
        {"X-Method-Override": "DELETE"},
        {"X_HTTP_Method_Override": "DELETE"},
        {"Connection": "X-Api-Key"},
        {"Transfer-Encoding": "chunked"},
        {"Cookie": "session=1"},
        {"X-Forwarded-Host": "evil.test"},
        {"X-Original-URL": "/admin"},
        {"Proxy-Authorization": "x"},
        {"X-Fine": "a\r\nHost: evil"},
        {"X-Fine": "a\nb"},
        {"X-Fine": "a\0b"},
        {"X Fine": "a"},
        {"X-Fine:": "a"},
        {"": "a"},
        {"X-Fine": "a" * 9000},
        {"X-A": "1", "x-a": "2"},
        {f"X-{n}": "1" for n in range(65)},
    ],
)
def test_a_header_that_is_not_the_agents_is_denied(policy: Policy, headers: dict[str, str]) -> None:
    assert fetch(policy, "all", "GET", "/", headers=headers).reason_code == ReasonCode.RULE_DENY


def test_ordinary_headers_pass_and_ours_are_left_out(policy: Policy) -> None:
    decision = fetch(
        policy, "all", "GET", "/", headers={"Accept": "text/plain", "Accept-Encoding": "br", "Content-Length": "3"}
    )
    assert decision.target is not None
    assert decision.target.headers == {"accept": "text/plain"}


def test_a_form_that_overrides_the_method_is_denied(policy: Policy) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert not fetch(policy, "all", "POST", "/", headers=form, body="a=1&_method=delete").allowed
    assert fetch(policy, "all", "POST", "/", headers=form, body="a=1").allowed


def test_a_query_beside_the_path_and_in_it_is_denied(policy: Policy) -> None:
    assert not fetch(policy, "all", "GET", "/x?a=1", query=(("b", "2"),)).allowed
    decision = fetch(policy, "all", "GET", "/x", query=(("q", "a b&c"), ("q", "ü")))
    assert decision.target is not None
    assert decision.target.query == "q=a+b%26c&q=%C3%BC"


def test_a_decision_has_no_truth_value(policy: Policy) -> None:
    decision = ask(policy, "run", "git", "status")
    with pytest.raises(TypeError):
        bool(decision)


def test_a_question_skips_what_it_does_not_say_and_decides_the_rest(policy: Policy) -> None:
    allowed = decide_exec(policy, ExecQuery("reasoned", "local", ("true",), is_hypothetical=True))
    assert allowed.allowed
    assert {step.check for step in allowed.trace if step.result == "skip"} == {"reason", "executable", "sandbox"}
    assert not decide_exec(policy, ExecQuery("reasoned", "local", ("false",), is_hypothetical=True)).allowed


def test_the_hash_changes_with_anything_that_a_decision_depends_on() -> None:
    changes = [
        ('allowedAgents: [local, "creature:*"]', "allowedAgents: [local]"),
        ("{argv: [git, status]}", "{argv: [git, log]}"),
        ('{match: "[a-z0-9/-]{1,40}"}', '"[a-z0-9/-]{1,40}"'),
        ("timeout: 20000", "timeout: 20001"),
        ("https://api.example.test/v1", "https://api.example.test/v2"),
        ("workDir: /srv/repo", "workDir: /srv"),
    ]
    hashes = {compile_policy(parse_config(CONFIG.encode())).capabilities["run"].policy_hash}
    for old, new in changes:
        assert old in CONFIG
        hashes.add(compile_policy(parse_config(CONFIG.replace(old, new).encode())).capabilities["run"].policy_hash)
    assert len(hashes) == len(changes) + 1


def test_the_hash_of_one_capability_does_not_depend_on_another() -> None:
    other = CONFIG.replace('minSandbox: "off"', "minSandbox: landlock")
    before, after = (compile_policy(parse_config(text.encode())).capabilities for text in (CONFIG, other))
    assert before["run"].policy_hash == after["run"].policy_hash
    assert before["lax"].policy_hash != after["lax"].policy_hash


def test_a_command_may_reach_the_services_hosts(policy: Policy) -> None:
    named = ("api.example.test:443", "up.example.test:443", "b.example.test:8443")
    assert policy.capabilities["run"].network == (*named, "*.cdn.test:443")
    assert policy.capabilities["http"].network == ()


def test_an_agent_sees_exactly_what_it_may_use(policy: Policy) -> None:
    seen = {name for name, compiled in policy.capabilities.items() if may_see(compiled, "creature:x")}
    assert seen == {"run", "anybody"}
    assert not any(may_see(compiled, None) for compiled in policy.capabilities.values())


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('{match: "[a-z0-9/-]{1,40}"}', '{match: "(a"}', "allowCommands[1]"),
        ("[git, status]", "[./git, status]", "allowCommands[0]"),
        ("[git, status]", '[{match: "git|sh"}, status]', "allowCommands[0]"),
        ("[/opt/tools/run, now]", "[/opt/../run, now]", "allowCommands[3]"),
        ("GET /repos/secret/*", "GET /repos/../*", "rules"),
        ("GET /repos/secret/*", "FETCH /x", "rules"),
        ("timeout: 20000", "env: {LD_PRELOAD: x}", "env"),
        ("timeout: 20000", 'env: {TOKEN: "{{password}}"}', "env"),
    ],
)
def test_a_rule_that_cannot_be_matched_is_an_error_that_names_it(old: str, new: str, named: str) -> None:
    assert old in CONFIG
    with pytest.raises(ConfigError) as caught:
        compile_policy(parse_config(CONFIG.replace(old, new).encode()))
    if caught.value.code == "POLICY_INVALID":
        assert named in caught.value.message
    else:  # the reader was quicker
        assert "config.yaml:" in caught.value.message
