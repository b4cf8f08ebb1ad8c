"""Requests signed with placeholders reach the service signed with the credential; it checks the signature for itself."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

import pytest

from janee.authority.egress.signers import Scope, ToSign, sign
from tests.authority.echo import Seen
from tests.authority.egress.client import Answer, Relay, World
from tests.authority.live import SECRET


def is_signed(seen: Seen, secret: str) -> bool:
    """A verifier of its own, after the specification, for plain paths."""
    scheme, _, rest = (seen.header("authorization") or "").partition(" ")
    fields = dict(part.strip().split("=", 1) for part in rest.split(","))
    _, day, region, service, end = fields["Credential"].split("/")
    names = fields["SignedHeaders"].split(";")
    path, _, query = seen.target.partition("?")
    payload = seen.header("x-amz-content-sha256") or hashlib.sha256(seen.body).hexdigest()
    headers = [f"{name}:{seen.header(name)}" for name in names]
    query = "&".join(sorted(piece if "=" in piece else piece + "=" for piece in query.split("&") if piece))
    canonical = "\n".join([seen.method, path, query, *headers, "", ";".join(names), payload])
    stamp = seen.header("x-amz-date")
    text = f"{scheme}\n{stamp}\n{day}/{region}/{service}/{end}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("AWS4" + secret).encode()
    for part in (day, region, service, end):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return hmac.new(key, text.encode(), "sha256").hexdigest() == fields["Signature"]


def ask(relay: Relay, body: bytes = b"", *, method: str = "GET", target: str = "/", service: str = "s3", **more: Any) -> Answer:
    """As an AWS client does: everything signed with the placeholders."""
    access, secret = (value.expose_text() for value in relay.content.placeholders)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {"host": f"127.0.0.1:{relay.service_port}", "x-amz-date": stamp} | more.pop("headers", {})
    scope = Scope(stamp[:8], "eu-west-1", service, tuple(sorted(headers)))
    payload = headers.get("x-amz-content-sha256") or hashlib.sha256(body).hexdigest()
    value = sign(ToSign(method, target, tuple(headers.items()), payload), scope, access, secret.encode())
    pairs = [(name, text) for name, text in headers.items() if name != "host"]
    if body:
        pairs.append(("content-length", str(len(body))))
    return relay.ask(relay.head(method, target, *pairs, ("authorization", value)), [body])


@pytest.mark.parametrize(
    ("method", "target", "body", "covered"),
    [
        ("GET", "/bucket?list-type=2&prefix=a%2Fb", b"", "digest"),
        ("PUT", "/bucket/key", b"contents" * 9000, "digest"),
        ("PUT", "/bucket/key", b"contents", "UNSIGNED-PAYLOAD"),
        ("PUT", "/bucket/key", b"8\r\ncontents\r\n0\r\n\r\n", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("POST", "/", b"Action=GetCallerIdentity", ""),
        ("GET", "/", b"", ""),
    ],
)
def test_the_service_finds_its_own_signature(place: World, method: str, target: str, body: bytes, covered: str) -> None:
    relay = place.relay("signed")
    payload = hashlib.sha256(body).hexdigest() if covered == "digest" else covered
    headers = {"x-amz-content-sha256": payload} if payload else {}
    answer = ask(relay, body, method=method, target=target, service="s3" if payload else "sts", headers=headers)
    assert answer.status == 200, answer
    seen = place.service.seen[0]
    assert seen.body == body and is_signed(seen, SECRET)
    assert f"Credential={SECRET}/" in (seen.header("authorization") or "")  # the test's home has one value for all fields
    assert relay.placeholder not in str(seen.headers) and SECRET.encode() not in answer.body


def test_chunk_signatures_are_refused_and_nothing_is_sent(place: World) -> None:
    relay = place.relay("signed")
    covered = {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
    answer = ask(relay, b"x", method="PUT", headers=covered)
    assert answer.refusal == "SIGNATURE_UNSUPPORTED" and place.service.seen == []


def test_a_large_body_without_a_digest_is_refused(place: World) -> None:
    relay = place.relay("signed")
    assert ask(relay, bytes(5 << 20), method="POST", service="sts").refusal == "TOO_MUCH"
    assert place.service.seen == []


def test_a_signature_with_another_key_goes_out_as_it_is(place: World) -> None:
    relay = place.relay("signed")
    value = sign(
        ToSign("GET", "/", (("host", "x"), ("x-amz-date", "20260101T000000Z")), "UNSIGNED-PAYLOAD"),
        Scope("20260101", "eu-west-1", "s3", ("host",)),
        "AKIAOTHER",
        b"other",
    )
    assert relay.get("/", ("authorization", value)).status == 200
    assert place.service.seen[0].header("authorization") == value


def test_a_key_in_the_query_is_an_alarm(place: World) -> None:
    relay = place.relay("signed")
    answer = relay.get(f"/?X-Amz-Credential={relay.placeholder}%2F20260101%2Feu-west-1%2Fs3%2Faws4_request")
    assert answer.refusal == "PLACEHOLDER_MISPLACED" and len(place.records("egress.alarm", relay)) == 1
