"""Signatures against the published examples of AWS."""

from __future__ import annotations

import pytest

from janee.authority.egress.refusal import RefusedError
from janee.authority.egress.signers import EMPTY_SHA256, Scope, ToSign, payload_of, read_authorization, sign

SUITE_KEY, SUITE_SECRET = "AKIDEXAMPLE", b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SUITE = Scope("20150830", "us-east-1", "service", ("host", "x-amz-date"))
HOST = (("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z"))
S3_KEY, S3_SECRET = "AKIAIOSFODNN7EXAMPLE", b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    ("method", "target", "signature"),
    [
        ("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),  # get-vanilla
        ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),  # post-vanilla
        ("GET", "/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ],
)
def test_the_aws_test_suite(method: str, target: str, signature: str) -> None:
    made = sign(ToSign(method, target, HOST, EMPTY_SHA256), SUITE, SUITE_KEY, SUITE_SECRET)
    expected = f"Credential={SUITE_KEY}/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, "
    assert made == f"AWS4-HMAC-SHA256 {expected}Signature={signature}"


@pytest.mark.parametrize("target", ["/example/..", "/./", "//", "/example1/example2/../.."])
def test_paths_are_normalised_but_for_s3(target: str) -> None:
    plain = sign(ToSign("GET", "/", HOST, EMPTY_SHA256), SUITE, SUITE_KEY, SUITE_SECRET)
    assert sign(ToSign("GET", target, HOST, EMPTY_SHA256), SUITE, SUITE_KEY, SUITE_SECRET) == plain
    s3 = Scope("20150830", "us-east-1", "s3", SUITE.signed)
    bare = sign(ToSign("GET", "/", HOST, EMPTY_SHA256), s3, SUITE_KEY, SUITE_SECRET)
    assert sign(ToSign("GET", target, HOST, EMPTY_SHA256), s3, SUITE_KEY, SUITE_SECRET) != bare


def test_the_s3_examples() -> None:
    headers = (
        ("host", "examplebucket.s3.amazonaws.com"),
        ("range", "bytes=0-9"),
        ("x-amz-content-sha256", EMPTY_SHA256),
        ("x-amz-date", "20130524T000000Z"),
    )
    scope = Scope("20130524", "us-east-1", "s3", tuple(name for name, _ in headers))
    made = sign(ToSign("GET", "/test.txt", headers, EMPTY_SHA256), scope, S3_KEY, S3_SECRET)
    assert made.endswith("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
    scope = Scope("20130524", "us-east-1", "s3", ("host", "x-amz-content-sha256", "x-amz-date"))
    made = sign(ToSign("GET", "/?lifecycle", headers, EMPTY_SHA256), scope, S3_KEY, S3_SECRET)
    assert made.endswith("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")


def test_what_was_signed_is_read_back() -> None:
    made = sign(ToSign("GET", "/", HOST, EMPTY_SHA256), SUITE, SUITE_KEY, SUITE_SECRET)
    assert read_authorization(made) == (SUITE_KEY, SUITE)
    assert read_authorization("Bearer x") is None and read_authorization(made[:-1]) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, None), *((word, word) for word in (EMPTY_SHA256, "UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"))],
)
def test_what_covers_the_body(value: str | None, expected: str | None) -> None:
    assert payload_of([("x-amz-content-sha256", value)] if value else []) == expected


@pytest.mark.parametrize("value", ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "x"])
def test_chunk_signatures_are_refused(value: str) -> None:
    with pytest.raises(RefusedError, match="one by one"):
        payload_of([("x-amz-content-sha256", value)])


@pytest.mark.parametrize("stamp", ["", "20150831T000000Z", "now"])
def test_a_signature_of_another_day_is_refused(stamp: str) -> None:
    with pytest.raises(RefusedError, match="x-amz-date"):
        sign(ToSign("GET", "/", (("host", "a"), ("x-amz-date", stamp)), EMPTY_SHA256), SUITE, SUITE_KEY, SUITE_SECRET)
