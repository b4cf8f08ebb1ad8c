"""An agent that asks for the answer, or the method, in a form that nobody looks into."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler

import pytest

from janee.authority.denial import DecisionDenied
from janee.errors import ProtocolError
from tests.authority.desk import Desk
from tests.authority.echo import Seen, Service, reply
from tests.authority.live import SECRET
from tests.authority.test_execute import call


@pytest.mark.parametrize(
    "header", ["Range", "If-Range", "Accept-Charset", "Want-Digest", "A-IM", "X-HTTP-Verb", "X-Request-Method"]
)
def test_the_agent_does_not_choose_the_form_of_the_answer(desk: Desk, service: Service, header: str) -> None:
    with pytest.raises(DecisionDenied):
        call(desk, headers={header: "bytes=0-4"})
    assert service.seen == []


def test_a_part_of_an_answer_is_refused_even_unasked(desk: Desk, service: Service) -> None:
    service.script = lambda seen, handler: reply(handler, 206, SECRET[:5].encode(), Content_Range="bytes 0-4/26")
    with pytest.raises(ProtocolError) as caught:
        call(desk)
    assert caught.value.code == "UPSTREAM_FAILED"
    service.script = lambda seen, handler: reply(handler, 200, SECRET[:5].encode(), Content_Range="bytes 0-4/26")
    with pytest.raises(ProtocolError):
        call(desk)


def test_a_secret_that_is_not_ascii_is_masked_in_a_header(desk: Desk, service: Service) -> None:
    secret = "größter-schlüssel-für-alles"
    from janee.secret import Secret

    with desk.store.transaction() as tx:
        tx.put_secret("api", "key", Secret(secret), 0.0)

    def reflect(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler._headers_buffer.append(b"X-Tok: " + secret.encode() + b"\r\n")  # type: ignore[attr-defined]
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    service.script = reflect
    answer = call(desk)
    assert answer.headers["x-tok"] == "[REDACTED]" and answer.scrub_hits == 1


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (FORM, "_method=DELETE"),
        (FORM, "%5Fmethod=DELETE"),
        (FORM, "a=1&_%6Dethod=DELETE"),
        (FORM, "_METHOD[]=DELETE"),
        (FORM, "+_method=DELETE"),
        (FORM, ".method=DELETE"),
        (JSON, '{"_method":"DELETE"}'),
        (JSON, '{"\\u005fmethod":"DELETE"}'),
        (JSON, '{"_method":"DELETE","_method":1}'),
        (JSON, '[{"_method":"DELETE"}]'),
        ({}, '{"_method":"DELETE"}'),
        (
            {"Content-Type": "multipart/form-data; boundary=b"},
            '--b\r\nContent-Disposition: form-data; name="_method"\r\n\r\nDELETE\r\n--b--',
        ),
        (
            {"Content-Type": "multipart/form-data; boundary=b"},
            "--b\r\nContent-Disposition: form-data; name*=utf-8''%5Fmethod\r\n\r\nDELETE\r\n--b--",
        ),
    ],
)
def test_a_body_does_not_override_the_method(desk: Desk, service: Service, headers: dict[str, str], body: str) -> None:
    with pytest.raises(DecisionDenied):
        call(desk, "POST", "/items/1", headers=headers, body=body)
    assert service.seen == []


@pytest.mark.parametrize("query", ["_method[]=DELETE", "%5Fmethod=DELETE", "_Method=DELETE"])
def test_a_query_does_not_override_the_method(desk: Desk, service: Service, query: str) -> None:
    with pytest.raises(DecisionDenied):
        call(desk, "POST", f"/items/1?{query}")
    assert service.seen == []


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (FORM, "method=card&note=a_method"),
        (JSON, '{"method":"initialize","params":{"_method":"x"}}'),
        (JSON, '{"text":"the _method field"}'),
        ({"Content-Type": "text/plain"}, "about methods"),
    ],
)
def test_ordinary_bodies_pass(desk: Desk, service: Service, headers: dict[str, str], body: str) -> None:
    assert call(desk, "POST", "/items/1", headers=headers, body=body).status == 200
    assert service.seen[0].body.decode() == body


def test_a_deny_rule_knows_letters_beyond_ascii(desk: Desk, service: Service) -> None:
    text = desk.home.config_file.read_text().replace("GET /secret*", "GET /Ärger/*")
    desk.home.config_file.write_text(text)
    for path in ("/ärger/1", "/%C3%A4rger/1", "/ÄRGER/1", "/a\u0308rger/1"):
        with pytest.raises(DecisionDenied):
            call(desk, path=path)
    assert service.seen == []
