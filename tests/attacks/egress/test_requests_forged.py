"""What a hostile Runner, or a command behind an honest one, sends to the gateway: nothing of it reaches the service."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.authority.egress.client import Relay, World
from tests.authority.live import SECRET

Bend = Callable[[Relay], dict[str, Any]]


def with_headers(*headers: tuple[str, str], method: str = "POST") -> Bend:
    return lambda relay: relay.head(method, "/", *headers)


def bent(**bend: Any) -> Bend:
    return lambda relay: relay.head() | bend


def raw_headers(*headers: Any) -> Bend:
    return lambda relay: relay.head() | {"headers": list(headers)}


SMUGGLED: dict[str, Bend] = {
    "length and coding": with_headers(("content-length", "3"), ("transfer-encoding", "chunked")),
    "two lengths": with_headers(("content-length", "3"), ("content-length", "5")),
    "two equal lengths": with_headers(("content-length", "3"), ("Content-Length", "3")),
    "a list of lengths": with_headers(("content-length", "3, 3")),
    "a signed length": with_headers(("content-length", "+3")),
    "a length in hex": with_headers(("content-length", "0x3")),
    "a length with an underscore": with_headers(("content-length", "1_0")),
    "another coding": with_headers(("transfer-encoding", "gzip, chunked")),
    "a hidden coding": with_headers(("transfer-encoding", "xchunked")),
    "two codings": with_headers(("transfer-encoding", "chunked"), ("transfer-encoding", "identity")),
    "bare line feed in a value": with_headers(("x-a", "1\nx-b: 2")),
    "line break in a value": with_headers(("x-a", "1\r\nx-b: 2")),
    "obsolete folding": with_headers(("x-a", "1\r\n 2")),
    "carriage return": with_headers(("x-a", "1\rx-b: 2")),
    "nul": with_headers(("x-a", "1\0")),
    "not latin": with_headers(("x-a", "\u0131")),
    "blank in a name": with_headers(("x a", "1")),
    "colon in a name": with_headers(("x-a:", "1")),
    "blank before the colon": with_headers(("transfer-encoding ", "chunked")),
    "empty name": with_headers(("", "1")),
    "line break in a name": with_headers(("x\r\nx-b", "1")),
    "huge header": with_headers(("x-a", "a" * 70_000)),
    "many headers": with_headers(*((f"x-{n}", "1") for n in range(200))),
    "upgrade": with_headers(("connection", "upgrade"), ("upgrade", "h2c"), method="GET"),
    "web socket": with_headers(("upgrade", "websocket"), ("sec-websocket-key", "a"), method="GET"),
    "http2 settings": with_headers(("http2-settings", "AAMAAABkAAQAAP__"), method="GET"),
    "connect": bent(method="CONNECT"),
    "trace": bent(method="TRACE"),
    "http2 preface": bent(method="PRI", target="*"),
    "blank in the method": bent(method="GET / HTTP/1.1\r\nX: "),
    "method in small letters": bent(method="get"),
    "absolute target": bent(target="http://elsewhere.example/"),
    "authority target": bent(target="elsewhere.example:443"),
    "asterisk target": bent(target="*", method="OPTIONS"),
    "line break in the target": bent(target="/ HTTP/1.1\r\nX: y\r\n\r\nGET /admin"),
    "blank in the target": bent(target="/a b"),
    "target not ASCII": bent(target="/\u00e4"),
    "fragment": bent(target="/a#b"),
    "empty target": bent(target=""),
    "huge target": bent(target="/" + "a" * 40_000),
    "another host header": lambda relay: relay.head() | {"headers": [["host", "elsewhere.example"]]},
    "another port in the host header": lambda relay: relay.head() | {"headers": [["host", "127.0.0.1:1"]]},
    "two host headers": lambda relay: relay.head("GET", "/", ("Host", f"127.0.0.1:{relay.service_port}")),
    "two authorizations": with_headers(("authorization", "Bearer a"), ("authorization", "Bearer b")),
    "another kind": bent(kind="tunnel"),
    "a field too many": bent(more=1),
    "headers are no list": lambda relay: relay.head() | {"headers": {"a": "b"}},
    "a header of three": raw_headers(["a", "b", "c"]),
    "a header of numbers": raw_headers([1, 2]),
    "port as text": bent(port="443"),
    "port as a truth": bent(port=True),
    "host with a user": bent(host="user@127.0.0.1"),
    "host with a path": bent(host="127.0.0.1/x"),
}


@pytest.mark.parametrize("bend", SMUGGLED.values(), ids=SMUGGLED)
def test_smuggled_requests_are_refused_and_audited(place: World, bend: Bend) -> None:
    relay = place.relay()
    answer = relay.ask(bend(relay), [b"abc"])
    assert (answer.refusal, answer.head["refused"]["status"], answer.is_whole) == ("REQUEST_MALFORMED", 400, True)
    assert place.service.seen == []
    records = place.records("egress.decided", relay)
    assert [(record["decision"], record["reasonCode"]) for record in records] == [("deny", "REQUEST_MALFORMED")]
    assert relay.get().status == 200, "the Authority is unharmed"


@pytest.mark.parametrize(
    "target",
    [
        *(
            "/repos/../user",
            "/repos/%2e%2e/user",
            "/repos/%2E%2E%2Fuser",
            "/repos/%252e%252e/user",
            "/repos//x",
            "/repos/..;/user",
        ),
        *(
            "/repos/x;a=b",
            "/repos/./x",
            "/repos/x\\..\\user",
            "/repos/x%5c..",
            "/repos/x.",
            "/repos/x%00",
            "/repos/%c0%ae",
            "/repos/%",
        ),
        *("/repos/x%3f", "/repos/x%23", "/repos/x?_method=DELETE", "/repos/x?a=b&%5fmethod=PUT", "/repos/x?a;_method=PUT"),
        *("//repos/x", "/REPOS/x", "/user", "/repos/SECRET", "/repos/secret/", "/repos/s%65cret"),
    ],
)
def test_paths_that_two_servers_read_differently_pass_no_rule(place: World, target: str) -> None:
    relay = place.relay("ruled")
    assert relay.get(target).refusal == "RULE_DENY"
    assert place.service.seen == [] and place.records("egress.decided", relay)[0]["reasonCode"] == "RULE_DENY"


@pytest.mark.parametrize(
    "header",
    ["x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url", "x-host", "x_http_method_override"],
)
def test_headers_that_override_what_the_rules_have_seen(place: World, header: str) -> None:
    relay = place.relay("ruled")
    assert relay.get("/repos/x", (header, "DELETE")).refusal == "RULE_DENY"
    assert place.service.seen == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"a=1&_method=DELETE"),
        ("application/x-www-form-urlencoded", b"a=1&%5Fmethod=DELETE"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="_method"\r\n\r\nPUT\r\n--b--'),
        ("application/json", b'{"_method": "DELETE"}'),
        ("application/json", b'{"\\u005fmethod": "DELETE"}'),
        ("", b'{"_method": "DELETE"}'),
        ("application/json", b" " * (5 << 20)),
    ],
)
def test_bodies_that_override_what_the_rules_have_seen(place: World, kind: str, body: bytes) -> None:
    relay = place.relay("ruled")
    headers = [("content-length", str(len(body))), *([("content-type", kind)] if kind else [])]
    answer = relay.ask(
        relay.head("POST", "/form", *headers), [body[at : at + 5] for at in range(0, min(50, len(body)), 5)] + [body[50:]]
    )
    assert answer.refusal == ("TOO_MUCH" if len(body) > 1000 else "RULE_DENY") and place.service.seen == []


def test_an_honest_form_passes_the_rules(place: World) -> None:
    relay = place.relay("ruled")
    headers = (("content-length", "7"), ("content-type", "application/x-www-form-urlencoded"))
    assert relay.ask(relay.head("POST", "/form", *headers), [b"a=1&b=2"]).status == 200
    assert place.service.seen[0].body == b"a=1&b=2"


@pytest.mark.parametrize("method", ["PROPFIND", "MKCOL", "DELETE", "PUT"])
def test_methods_that_no_rule_names(place: World, method: str) -> None:
    relay = place.relay("ruled")
    assert relay.ask(relay.head(method, "/repos/x")).refusal == "RULE_DENY"


@pytest.mark.parametrize(
    "where",
    [
        {"port": 1},
        {"scheme": "https"},
        {"host": "localhost"},
        {"host": "169.254.169.254", "port": 80},
        {"host": "[::ffff:127.0.0.1]"},
        {"host": "2130706433"},
        {"host": "127.1"},
        {"host": "127.0.0.1."},
        {"host": "elsewhere.example", "port": 443, "scheme": "https"},
    ],
    ids=str,
)
def test_another_host_in_any_spelling(place: World, where: dict[str, Any]) -> None:
    relay = place.relay()
    head = relay.head() | where | {"headers": []}
    answer = relay.ask(head)
    assert answer.refusal == "HOST_NOT_ALLOWED" and "127.0.0.1" in answer.head["refused"]["message"]
    assert place.service.seen == [] and place.records("egress.decided", relay)[0]["reasonCode"] == "HOST_NOT_ALLOWED"


def encoded(value: str) -> dict[str, str]:
    raw = value.encode()
    return {
        "as it is": value,
        "base64": base64.b64encode(raw).decode(),
        "in a pair": base64.b64encode(b"user:" + raw).decode(),
        "hex": raw.hex(),
        "percent": "".join(f"%{byte:02x}" for byte in raw),
        "reversed": value[::-1],
        "with a prefix": f"key-{value}",
    }


FORMS = list(encoded("x"))


@pytest.mark.parametrize("form", FORMS)
def test_a_placeholder_in_another_header_is_an_alarm(place: World, form: str) -> None:
    relay = place.relay()
    answer = relay.get("/", ("x-note", encoded(relay.placeholder)[form]))
    assert answer.refusal == "PLACEHOLDER_MISPLACED" and place.service.seen == []
    assert [record["place"] for record in place.records("egress.alarm", relay)] == ["the header x-note"]


@pytest.mark.parametrize("form", FORMS)
def test_a_placeholder_in_the_target_is_an_alarm(place: World, form: str) -> None:
    relay = place.relay()
    value = encoded(relay.placeholder)[form]
    answer = relay.get(f"/x?note={value if '%' in value else quote(value, safe='')}")
    assert answer.refusal == "PLACEHOLDER_MISPLACED" and place.service.seen == []
    assert [record["place"] for record in place.records("egress.alarm", relay)] == ["the target"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [3, 4096])
def test_a_placeholder_in_the_body_is_an_alarm_however_it_is_cut(place: World, form: str, size: int) -> None:
    relay = place.relay()
    body = b"x" * 100 + encoded(relay.placeholder)[form].encode() + b"y" * 100
    head = relay.head("POST", "/", ("content-length", str(len(body))), ("authorization", f"Bearer {relay.placeholder}"))
    answer = relay.ask(head, [body[at : at + size] for at in range(0, len(body), size)])
    assert answer.refusal == "PLACEHOLDER_MISPLACED"
    assert place.completed(relay)[0]["error"] == "PLACEHOLDER_MISPLACED"
    assert all(len(seen.body) <= 100 + len("user:key-") for seen in place.service.seen), "of the body only what came before it"
    assert [record["place"] for record in place.records("egress.alarm", relay)] == ["the body"]


@pytest.mark.parametrize("name", ["proxy-authorization", "x-forwarded-for", "te", "x-hop"])
def test_a_placeholder_in_a_header_that_stays_behind_is_an_alarm_too(place: World, name: str) -> None:
    relay = place.relay()
    answer = relay.get("/", ("connection", "x-hop"), (name, relay.placeholder))
    assert answer.refusal == "PLACEHOLDER_MISPLACED" and len(place.records("egress.alarm", relay)) == 1


def test_a_placeholder_for_another_host_is_an_alarm(place: World) -> None:
    relay = place.relay()
    head = relay.head("GET", "/", ("authorization", f"Bearer {relay.placeholder}")) | {"port": 1}
    head["headers"] = head["headers"][1:]
    assert relay.ask(head).refusal == "PLACEHOLDER_MISPLACED"
    assert [record["place"] for record in place.records("egress.alarm", relay)] == ["the header authorization"]


@pytest.mark.parametrize(
    ("capability", "header"),
    [
        ("keyed", lambda p: ("authorization", f"Bearer {p}")),
        ("keyed", lambda p: ("x-api-key2", p)),
        ("keyed", lambda p: ("x-api-key", f"{p}x")),
        ("pair", lambda p: ("authorization", f"Bearer {p}")),
        ("pair", lambda p: ("authorization", "Basic " + base64.b64encode(f"root:{p}".encode()).decode())),
        ("pair", lambda p: ("authorization", "Basic " + base64.b64encode(f"{p}:{p}".encode()).decode())),
        ("run", lambda p: ("authorization", f"Digest {p}")),
        ("run", lambda p: ("authorization", f"Bearer {p}, {p}")),
        ("run", lambda p: ("cookie", f"session={p}")),
        ("asked", lambda p: ("authorization", f"Bearer {p}")),
        ("signed", lambda p: ("authorization", f"Bearer {p}")),
    ],
)
def test_a_placeholder_where_the_auth_type_has_none_is_an_alarm(
    place: World, capability: str, header: Callable[[str], tuple[str, str]]
) -> None:
    relay = place.relay(capability)
    assert relay.get("/", header(relay.placeholder)).refusal == "PLACEHOLDER_MISPLACED"
    assert place.service.seen == [] and len(place.records("egress.alarm", relay)) == 1


def test_the_placeholder_of_one_grant_is_nothing_under_another(place: World) -> None:
    one, other = place.relay(), place.relay()
    assert one.placeholder != other.placeholder
    assert other.get("/", ("authorization", f"Bearer {one.placeholder}")).status == 200
    assert place.service.seen[0].header("authorization") == f"Bearer {one.placeholder}"


@pytest.mark.parametrize(
    ("headers", "pieces", "code"),
    [
        ((), [b"x"], "REQUEST_MALFORMED"),
        ((("content-length", "3"),), [b"four"], "REQUEST_MALFORMED"),
        ((("content-length", "5"),), [b"four"], "REQUEST_MALFORMED"),
        ((("content-length", "0"),), [b"GET /admin HTTP/1.1\r\n\r\n"], "REQUEST_MALFORMED"),
    ],
)
def test_a_body_that_does_not_fit_its_length_reaches_nobody_as_a_second_request(
    place: World, headers: tuple[tuple[str, str], ...], pieces: list[bytes], code: str
) -> None:
    relay = place.relay()
    assert relay.ask(relay.head("POST", "/", *headers), pieces).refusal == code
    assert all(seen.target == "/" and b"four".startswith(seen.body) for seen in place.service.seen)


def test_the_real_credential_is_in_no_record_and_no_answer(place: World) -> None:
    relay = place.relay()
    answer = relay.ask(relay.head("POST", f"/{SECRET}?{SECRET}", ("x-a", SECRET), ("content-length", "28")), [SECRET.encode()])
    assert answer.status == 200 and SECRET not in str(answer)
    place.completed(relay)
    assert SECRET not in str(place.live.records())


def test_a_crowd_of_refusals_is_bounded_on_record(place: World) -> None:
    relay = place.relay()
    codes = [relay.ask(relay.head() | {"port": 1, "headers": []}) for _ in range(620)]
    assert {answer.refusal for answer in codes[:300]} == {"HOST_NOT_ALLOWED"}
    assert any(answer.http_status == 429 for answer in codes) or codes[-1].refusal  # the minute may end in between
    assert len(place.records("egress.decided", relay)) <= 1200
