"""Commands and patterns that are meant to keep the Authority's one thread busy; and capabilities that need a person."""

from __future__ import annotations

import time

import pytest

from janee.authority.policy import (
    ExecQuery,
    HttpQuery,
    PatternError,
    Policy,
    compile_pattern,
    compile_policy,
    decide_exec,
    decide_http,
)
from janee.config.file import parse_config
from janee.protocol import ReasonCode

HEAD = """\
version: "0.3.0"
services: {api: {baseUrl: "https://api.example.test", auth: {type: bearer}}}
capabilities:
"""
RULE = '      - {{argv: [deploy, {{match: "[a-z0-9 ._/-]*"}}, {{match: "[^;|&]*"}}, {{match: "(--[a-z]+=)?[^;|&]*x{}"}}]}}\n'
CJK = "".join(map(chr, range(0x4E00, 0x4E00 + 16_384)))


def policy(rules: str, more: str = "") -> Policy:
    text = f"{HEAD}  run:\n    service: api\n    mode: exec\n    allowedAgents: [local]\n{more}    allowCommands:\n{rules}"
    return compile_policy(parse_config(text.encode()))


def seconds_of_denial(policy: Policy, *command: str) -> float:
    started = time.process_time()
    decision = decide_exec(policy, ExecQuery("run", "local", command, is_hypothetical=True))
    assert decision.reason_code is ReasonCode.COMMAND_NOT_ALLOWED
    return time.process_time() - started


@pytest.mark.parametrize("arguments", [("a" * 16_384, "b" * 16_384, "c" * 16_384), ("a", CJK, CJK)])
def test_many_rules_and_long_arguments_share_one_budget(arguments: tuple[str, ...]) -> None:
    rules = "".join(RULE.format(number) for number in range(20))
    assert seconds_of_denial(policy(rules), "deploy", *arguments) < 2


def test_looking_for_hidden_characters_is_done_once() -> None:
    rules = "".join(
        f"      - {{argv: [deploy, x{number}], rest: any}}\n      - {{argv: [deploy], rest: any}}\n" for number in range(40)
    )
    assert seconds_of_denial(policy(rules), "deploy", *["\u0300a" * 16_000] * 10, "\u202e") < 2


@pytest.mark.parametrize(
    "source", ["((){9999}){9999}", "(((){999}){999}){99}", "(((){0,999}){0,999}){99}", "((|){9999}){9999}"]
)
def test_a_pattern_that_never_compiles_is_an_error(source: str) -> None:
    started = time.process_time()
    with pytest.raises(PatternError):
        compile_pattern(source)
    assert time.process_time() - started < 5


def test_what_needs_approval_is_denied_for_now() -> None:
    needs = policy('      - {argv: ["true"]}\n', "    autoApprove: false\n")
    decision = decide_exec(needs, ExecQuery("run", "local", ("true",), is_hypothetical=True))
    assert decision.reason_code is ReasonCode.APPROVAL_REQUIRED
    assert decision.next_step.endswith("janee capability edit run --auto-approve")
    other = decide_exec(needs, ExecQuery("run", "local", ("false",), is_hypothetical=True))
    assert other.reason_code is ReasonCode.COMMAND_NOT_ALLOWED
    assert decide_exec(policy('      - {argv: ["true"]}\n'), ExecQuery("run", "local", ("true",), is_hypothetical=True)).allowed


def test_a_request_that_needs_approval_is_denied_for_now() -> None:
    text = HEAD + '  call: {service: api, mode: proxy, allowedAgents: [local], rules: {allow: ["* /*"]}, autoApprove: false}\n'
    decision = decide_http(compile_policy(parse_config(text.encode())), HttpQuery("call", "local", "GET", "/x"))
    assert decision.reason_code is ReasonCode.APPROVAL_REQUIRED and decision.target is None
