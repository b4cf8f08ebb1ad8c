"""Paths and headers that a rule reads one way and a server another (ATTACKS: rules on the raw path, sent otherwise)."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest

from janee.authority.policy import HttpQuery, Policy, compile_policy, decide_http
from janee.config.file import parse_config

CONFIG = """\
version: "0.3.0"
services: {api: {baseUrl: "https://api.example.test/v1", auth: {type: bearer}}}
capabilities:
  read:
    service: api
    mode: proxy
    allowedAgents: [local]
    rules: {allow: ["GET /public/*", "POST /public/form"], deny: ["GET /public/private/*"]}
"""


@pytest.fixture(scope="module")
def policy() -> Policy:
    return compile_policy(parse_config(CONFIG.encode()))


def test_the_attack_works_against_a_rule_on_the_raw_path() -> None:
    raw = "/public/../admin"
    assert raw.startswith("/public/") and urljoin("https://api.example.test", raw).endswith("/admin")


@pytest.mark.parametrize(
    "path",
    [
        "/public/../admin",
        "/public/./../admin",
        "/public/..%2fadmin",
        "/public/%2e%2e/admin",
        "/public/%2E%2E/admin",
        "/public/.%2e/admin",
        "/public/%252e%252e/admin",
        "/public/%c0%ae%c0%ae/admin",
        "/public/..;/admin",
        "/public/..\\admin",
        "/public/..%5cadmin",
        "/public/x;/../../admin",
        "/public//../admin",
        "/public/．．/admin",
        "//admin/public/",
        "///public/x",
        "/public/x%00.png",
        "/public/x\n",
        "/public/x HTTP/1.1\r\nHost: evil\r\n\r\nGET /admin",
        "/public/x%0d%0aHost:%20evil",
        "/public/x#/../admin",
        "/public/x%23",
        "/public/x%3f",
        "https://evil.test/public/x",
        "http:/public/x",
        "@evil.test/public/x",
        ":80@evil.test/public/x",
        ".evil.test/public/x",
        "public/x",
        "",
        "/PUBLIC/x",
        "/public",
        "/public/private/x",
        "/public/PRIVATE/x",
        "/public/privat%65/x",
        "/public/private./x",
        "/public/private%20/x",
        "/public/private/",
    ],
)
def test_a_path_that_two_servers_read_differently_is_denied(policy: Policy, path: str) -> None:
    decision = decide_http(policy, HttpQuery("read", "local", "GET", path))
    assert not decision.allowed
    assert decision.target is None


@pytest.mark.parametrize("path", ["/public/x", "/public/a/b?c=/../admin", "/public/%70age", "/public/..x"])
def test_what_is_plain_is_sent_as_it_was_matched(policy: Policy, path: str) -> None:
    target = decide_http(policy, HttpQuery("read", "local", "GET", path)).target
    assert target is not None
    assert target.path.startswith("/public/") and ".." not in target.path.split("/")


@pytest.mark.parametrize(
    "method", ["DELETE", "PUT", "POST", "HEAD", "TRACE", "CONNECT", "GET /admin", "", "GET\r\n", "ＧＥＴ", "M-SEARCH"]
)
def test_another_method_is_denied(policy: Policy, method: str) -> None:
    assert not decide_http(policy, HttpQuery("read", "local", method, "/public/x")).allowed


@pytest.mark.parametrize(
    "name",
    [
        "X-HTTP-Method-Override",
        "x-http-method",
        "X-Method-Override",
        "X_HTTP_METHOD_OVERRIDE",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Forwarded-Prefix",
        "Host",
        "Connection",
        "Transfer-Encoding",
        "Upgrade",
        "TE",
        "Expect",
        "Authorization",
        "Proxy-Authorization",
        ":path",
    ],
)
def test_a_header_that_changes_what_was_decided_is_denied(policy: Policy, name: str) -> None:
    assert not decide_http(policy, HttpQuery("read", "local", "GET", "/public/x", headers={name: "x"})).allowed


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b", "a\x0bb", "ä", "\u2028"])
def test_a_header_value_that_breaks_out_is_denied(policy: Policy, value: str) -> None:
    assert not decide_http(policy, HttpQuery("read", "local", "GET", "/public/x", headers={"X-Note": value})).allowed
