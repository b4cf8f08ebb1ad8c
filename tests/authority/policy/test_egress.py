"""What a command may ask of its capability's hosts: pure decisions."""

from __future__ import annotations

from typing import Any

import pytest

from janee.authority.policy import CompiledCapability, EgressQuery, compile_policy, decide_egress
from janee.config.file import parse_config

CONFIG = """\
version: "0.3.0"
services:
  api: {baseUrl: "https://api.example.test/v3", hosts: [up.example.test, "*.cdn.test"], auth: {type: bearer}}
  six: {baseUrl: "http://[::1]:8080", auth: {type: bearer}}
capabilities:
  free: {service: api, mode: exec}
  ruled: {service: api, mode: exec, rules: {allow: ["GET /repos/*", "POST /repos/*/issues"], deny: ["* /repos/secret*"]}}
  denying: {service: api, mode: exec, rules: {deny: ["DELETE *"]}}
  given: {service: api, mode: exec, delivery: env}
  six: {service: six, mode: exec}
"""
BASE, UP = "https://api.example.test:443", "https://up.example.test:443"


def compiled(name: str) -> CompiledCapability:
    return compile_policy(parse_config(CONFIG.encode())).capabilities[name]


def ask(name: str, target: str = "/", *, method: str = "GET", origin: str = BASE, headers: tuple[str, ...] = ()) -> Any:
    return decide_egress(compiled(name), EgressQuery(origin, method, target, headers))


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("free", {"target": "/any//thing/%2e%2e;x?_method=y", "method": "PROPFIND"}),
        ("free", {"origin": UP}),
        ("ruled", {"target": "/v3/repos/a"}),
        ("ruled", {"target": "/repos/a", "origin": UP}),
        ("ruled", {"target": "/v3/repos/a/issues?x=%20y&flag", "method": "POST"}),
        ("six", {"origin": "http://[::1]:8080"}),
        ("free", {"origin": "https://a.cdn.test:443"}),
        ("free", {"origin": "https://a.b-c.cdn.test:443"}),
    ],
)
def test_what_is_allowed_is_sent_as_it_is(name: str, more: dict[str, Any]) -> None:
    decision = ask(name, **more)
    assert decision.allowed and decision.target == more.get("target", "/")


@pytest.mark.parametrize(
    ("name", "more", "is_host"),
    [
        ("free", {"origin": "https://api.example.test:8443"}, True),
        ("free", {"origin": "http://api.example.test:443"}, True),
        ("free", {"origin": "https://cdn.test:443"}, True),
        ("free", {"origin": "https://.cdn.test:443"}, True),
        ("free", {"origin": "https://acdn.test:443"}, True),
        ("free", {"origin": "https://a.cdn.test:444"}, True),
        ("free", {"origin": "http://a.cdn.test:443"}, True),
        ("free", {"origin": "https://evil.org/.cdn.test:443"}, True),
        ("free", {"origin": "https://evil.org:443/x.cdn.test:443"}, True),
        ("free", {"origin": "https://a@b.cdn.test:443"}, True),
        ("free", {"origin": "https://*.cdn.test:443"}, True),
        ("free", {"origin": "https://a.cdn.test:443.evil.org:443"}, True),
        ("free", {"origin": "https://API.example.test:443"}, True),
        ("given", {}, True),
        ("ruled", {"target": "/repos/a"}, False),
        ("ruled", {"target": "/v3"}, False),
        ("ruled", {"target": "/v3/repos/secret"}, False),
        ("ruled", {"target": "/v3/repos/%73ecret"}, False),
        ("ruled", {"target": "/repos/SECRETS", "origin": UP}, False),
        ("ruled", {"target": "/v3/../v3/repos/a"}, False),
        ("ruled", {"target": "/v3/repos/a", "method": "PROPFIND"}, False),
        ("ruled", {"target": "/v3/repos/a", "headers": ("x-http-method-override",)}, False),
        ("ruled", {"target": "/v3/repos/a?_method=DELETE"}, False),
        ("denying", {"target": "/v3/x"}, False),
        ("denying", {"target": "/v3/x", "method": "DELETE"}, False),
    ],
)
def test_all_else_is_denied_with_its_reason(name: str, more: dict[str, Any], is_host: bool) -> None:
    decision = ask(name, **more)
    assert (decision.allowed, decision.is_host, decision.target) == (False, is_host, "") and decision.policy
    with pytest.raises(TypeError):
        bool(decision)


def test_the_path_is_sent_in_the_one_spelling_that_the_rules_have_seen() -> None:
    assert ask("ruled", "/v3/repos/%61%7e?x=%61").target == "/v3/repos/a~?x=%61"
