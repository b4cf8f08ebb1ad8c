"""Heads of requests: one reading for each, and none for what two servers could read differently."""

from __future__ import annotations

from typing import Any

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from janee.authority.egress.heads import EgressHead, parse_head
from janee.authority.egress.refusal import RefusedError
from janee.authority.egress.upstream import request_event


def head(*headers: tuple[str, str], **bend: Any) -> dict[str, Any]:
    value = {"kind": "http", "scheme": "https", "host": "a.example", "port": 443, "method": "POST", "target": "/x?y"}
    return value | {"headers": [list(pair) for pair in headers]} | bend


def test_what_is_sent_on_and_what_is_not() -> None:
    parsed = parse_head(head(("Host", "A.example"), ("X-A", " 1\t"), ("TE", "x"), ("connection", "x-b"), ("X-B", "2")))
    assert parsed.headers == ((b"x-a", b"1"),)
    assert [name for name, _ in parsed.dropped] == [b"host", b"te", b"connection", b"x-b"]
    assert (parsed.origin, parsed.authority, parsed.length) == ("https://a.example:443", "a.example", 0)


@pytest.mark.parametrize(
    ("headers", "length"),
    [((("content-length", "12"),), 12), ((("transfer-encoding", "Chunked"),), None), ((), 0), ((("content-length", "0"),), 0)],
)
def test_the_length_of_a_body(headers: tuple[tuple[str, str], ...], length: int | None) -> None:
    assert parse_head(head(*headers)).length == length


@pytest.mark.parametrize(
    ("scheme", "host", "port", "given"),
    [
        ("https", "a.example", 443, "a.example"),
        ("https", "a.example", 443, "a.example:443"),
        ("https", "a.example", 8443, "a.example:8443"),
        ("http", "[::1]", 80, "[::1]"),
        ("http", "[::1]", 8080, "[::1]:8080"),
    ],
)
def test_the_header_host_names_the_connection(scheme: str, host: str, port: int, given: str) -> None:
    parsed = parse_head(head(("host", given), scheme=scheme, host=host, port=port))
    assert parsed.authority in (given, given.removesuffix(":443"))
    with pytest.raises(RefusedError, match="Host"):
        parse_head(head(("host", given + "1"), scheme=scheme, host=host, port=port))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20), lambda x: st.lists(x, max_size=4), max_leaves=8
)
ODD = st.text(st.characters(max_codepoint=0x17F), max_size=12)


@given(
    st.fixed_dictionaries(
        {
            "kind": st.just("http") | JSON,
            "scheme": st.sampled_from(["http", "https"]) | JSON,
            "host": st.just("a.example") | ODD | JSON,
            "port": st.integers(-1, 70_000) | JSON,
            "method": st.sampled_from(["GET", "POST", "CONNECT"]) | ODD | JSON,
            "target": ODD.map(lambda text: "/" + text) | JSON,
            "headers": st.lists(st.tuples(st.sampled_from(["x-a", "content-length", "host"]) | ODD, ODD).map(list), max_size=4)
            | JSON,
        }
    )
)
def test_any_value_is_a_head_that_can_be_sent_in_one_way_or_is_refused(value: dict[str, Any]) -> None:
    try:
        parsed = parse_head(value)
    except RefusedError as error:
        assert error.code == "REQUEST_MALFORMED"
        return
    assert isinstance(parsed, EgressHead)
    client, server = h11.Connection(h11.CLIENT), h11.Connection(h11.SERVER)
    server.receive_data(client.send(request_event(parsed, parsed.target, parsed.headers)) or b"")
    seen = server.next_event()
    assert isinstance(seen, h11.Request)
    assert (seen.method.decode(), seen.target.decode()) == (parsed.method, parsed.target)
    assert dict(seen.headers)[b"host"].decode() == parsed.authority
