"""The demo's own search for a secret, on which its verdicts rest."""

import base64
import secrets

import pytest

from janee.demo.traces import FRAGMENT, find_traces

SECRET = b"gt_0123456789abcdef?ABCDEF~xyz+/=end"


@pytest.mark.parametrize("lead", range(4))
@pytest.mark.parametrize("tail", range(4))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_found_at_every_alignment(lead: int, tail: int, encode: object) -> None:
    text = encode(b"u" * lead + SECRET + b"v" * tail)  # type: ignore[operator]
    assert find_traces(SECRET, b"before " + text.rstrip(b"=") + b" after") == ("base64",)


def test_base64_of_random_secrets_is_found() -> None:
    for _ in range(200):
        secret = secrets.token_bytes(20 + secrets.randbelow(20))
        lead = secrets.token_bytes(secrets.randbelow(7))
        assert "base64" in find_traces(secret, base64.b64encode(lead + secret + b"tail"))


@pytest.mark.parametrize(
    ("data", "form"),
    [(SECRET, "plain"), (SECRET[::-1], "reversed"), (SECRET.hex().encode(), "hex"), (SECRET.hex().upper().encode(), "hex")],
)
def test_each_form_is_found_amid_other_bytes(data: bytes, form: str) -> None:
    assert form in find_traces(SECRET, b"\0\xff" + data + b"\xfe")


@pytest.mark.parametrize("start", range(0, len(SECRET) - FRAGMENT + 1, 5))
def test_a_part_is_found_wherever_it_is_cut(start: int) -> None:
    assert find_traces(SECRET, b"x" + SECRET[start : start + FRAGMENT] + b"y") == ("part",)


@pytest.mark.parametrize("data", [b"", b"nothing here", SECRET[: FRAGMENT - 1], b"[REDACTED]" * 50, bytes(range(256))])
def test_innocent_bytes_are_not_accused(data: bytes) -> None:
    assert find_traces(SECRET, data) == ()
