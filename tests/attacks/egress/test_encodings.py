"""Contents that the Authority cannot look into, in either direction: not passed on."""

from __future__ import annotations

import gzip
import socket
import zlib
from pathlib import Path

import pytest

from tests.attacks.egress.raw import answer, raw_world, read_head
from tests.authority.egress.client import World
from tests.authority.live import SECRET

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("headers", "is_passed"),
    [
        ([b"Content-Encoding: gzip", b"Content-Encoding: identity"], False),
        ([b"Content-Encoding: gzip", b"content-encoding:"], True),
        ([b"Content-Encoding: gzip, identity"], False),
        ([b"Content-Encoding: identity, gzip"], False),
        ([b"Content-Encoding: gzip", b"Content-Encoding: gzip"], False),
        ([b"Content-Encoding: br"], False),
        ([b"Content-Encoding: GZIP "], True),
    ],
    ids=lambda value: b" ".join(value).decode() if isinstance(value, list) else "",
)
def test_an_encoding_that_is_named_in_two_ways_hides_no_secret(tmp_path: Path, headers: list[bytes], is_passed: bool) -> None:
    def script(connection: socket.socket) -> None:
        head, _ = read_head(connection)
        connection.sendall(answer(gzip.compress(b"before " + head + b" after"), *headers))

    with raw_world(tmp_path, script) as opened:
        relay = opened.relay()
        found = relay.get("/", ("authorization", f"Bearer {relay.placeholder}"))
        if is_passed:
            assert (
                found.body.startswith(b"before GET /") and found.body.endswith(b" after") and SECRET.encode() not in found.body
            )
        else:
            assert found.refusal == "RESPONSE_REFUSED" and found.body == b""


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "x-unknown", "identity, gzip"])
@pytest.mark.parametrize("kind", [FORM, "application/json", "multipart/form-data; boundary=b", ""])
def test_a_body_in_an_encoding_hides_no_field_from_the_rules(place: World, coding: str, kind: str) -> None:
    relay = place.relay("ruled")
    text = b"_method=DELETE"
    body = {"gzip": gzip.compress(text), "deflate": zlib.compress(text)}.get(coding, text)
    headers = [("content-length", str(len(body))), ("content-encoding", coding), *([("content-type", kind)] if kind else [])]
    assert relay.ask(relay.head("POST", "/form", *headers), [body]).refusal == "RULE_DENY"
    assert place.service.seen == []


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize(("kind", "text"), [(FORM, "_method=DELETE"), ("application/json", '{"_method": "DELETE"}')])
def test_a_body_in_another_charset_hides_no_field_from_the_rules(place: World, charset: str, kind: str, text: str) -> None:
    relay = place.relay("ruled")
    body = text.encode(charset)
    headers = (("content-length", str(len(body))), ("content-type", f"{kind}; charset={charset}"))
    assert relay.ask(relay.head("POST", "/form", *headers), [body]).refusal == "RULE_DENY"
    assert place.service.seen == []


@pytest.mark.parametrize("kind", [FORM, "application/json", "application/octet-stream", ""])
def test_bytes_that_are_no_text_pass_the_rules(place: World, kind: str) -> None:
    relay = place.relay("ruled")
    body = bytes(range(256)).replace(b"&", b"")
    headers = [("content-length", str(len(body))), *([("content-type", kind)] if kind else [])]
    assert relay.ask(relay.head("POST", "/form", *headers), [body]).status == 200
    assert place.service.seen[0].body == body


def test_without_rules_a_body_may_be_encoded(place: World) -> None:
    relay = place.relay()
    body = gzip.compress(b"anything")
    headers = (("content-length", str(len(body))), ("content-encoding", "gzip"), ("content-type", "application/json"))
    assert relay.ask(relay.head("POST", "/", *headers), [body]).status == 200
    assert place.service.seen[0].body == body


@pytest.mark.parametrize(
    "header",
    ["x_original_url", "x_rewrite_url", "X-Original_Url", "x_host", "x_http_method", "x_override_url", "x-original_host"],
)
def test_an_override_with_underscores_is_one(place: World, header: str) -> None:
    """CGI and WSGI servers read `_` and `-` in a header's name as the same."""
    relay = place.relay("ruled")
    assert relay.get("/repos/x", (header, "/admin")).refusal == "RULE_DENY"
    assert place.service.seen == []


@pytest.mark.parametrize(
    "header", ["x_forwarded_host", "x-forwarded_for", "x_real_ip", "proxy_authorization", "x_envoy_original_path"]
)
def test_what_stays_behind_stays_behind_with_underscores_too(place: World, header: str) -> None:
    assert place.relay().get("/", (header, "elsewhere")).status == 200
    assert place.service.seen[0].header(header) is None
