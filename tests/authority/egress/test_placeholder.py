"""Stand-ins have the format of what they stand for, and nothing else of it."""

from __future__ import annotations

import base64
import json
import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janee.authority.egress.placeholder import _checksum, make_placeholder, placeholders
from janee.config.schema import Auth, AuthType
from janee.scrubber import Scrubber
from janee.secret import Secret

SEED = Secret(bytes(range(32)))
CLAIMS = base64.urlsafe_b64encode(b'{"sub":"real","exp":2000000000,"email":"a@b.c"}').rstrip(b"=").decode()
JWT = f"eyJhbGciOiJSUzI1NiIsImtpZCI6Im91ci1rZXkifQ.{CLAIMS}.{'s' * 342}"
FORMATS = {
    "github": ("ghp_" + "a1" * 18, r"ghp_[0-9A-Za-z]{36}"),
    "github-fine": ("github_pat_" + "A" * 22 + "_" + "b" * 59, r"github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}"),
    "aws-id": ("AKIAIOSFODNN7EXAMPLE", r"AKIA[A-Z2-7]{16}"),
    "aws-secret": ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", r"[0-9A-Za-z]{40}"),
    "openai": ("sk-proj-" + "x" * 48, r"sk-proj-[0-9A-Za-z]{48}"),
    "stripe": ("sk_live_" + "4" * 24, r"sk_live_[0-9A-Za-z]{24}"),
    "slack": ("xoxb-123456789012-123456789012-" + "k" * 24, r"xoxb-[0-9A-Za-z]{12}-[0-9A-Za-z]{12}-[0-9A-Za-z]{24}"),
    "gitlab": ("glpat-" + "Ab3" * 7, r"glpat-[0-9A-Za-z]{21}"),
    "npm": ("npm_" + "z" * 36, r"npm_[0-9A-Za-z]{36}"),
    "hex": ("0123456789abcdef" * 2, r"[0-9a-f]{32}"),
    "upper-hex": ("0123456789ABCDEF" * 2, r"[0-9A-F]{32}"),
    "base64": (base64.b64encode(bytes(32)).decode(), r"[0-9A-Za-z+/]{43}="),
    "short": ("hunter2!", r"[0-9A-Za-z]{24}"),
    "words": ("my dog is red!", r"[0-9A-Za-z]{24}"),
    "separated": ("a-b-c-d-e-f-g-h-i-j-k-l-m", r"[0-9A-Za-z]{25}"),
}


@pytest.mark.parametrize(("real", "form"), FORMATS.values(), ids=FORMATS)
def test_the_format_is_kept(real: str, form: str) -> None:
    made = make_placeholder(Secret(real), SEED).expose_text()
    assert re.fullmatch(form, made) and made != real


def test_github_and_npm_tokens_have_their_checksum() -> None:
    made = make_placeholder(Secret("ghp_" + "a1" * 18), SEED).expose_text()
    assert made[-6:] == _checksum(made[4:-6])
    assert _checksum("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ") == "0mLq17"  # the published example: ghp_zQWB…0mLq17


def test_a_uuid_is_one() -> None:
    made = make_placeholder(Secret("F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"), SEED).expose_text()
    assert uuid.UUID(made).version == 4 and made == made.upper()


def test_a_jwt_can_be_decoded_and_keeps_algorithm_and_expiry_alone() -> None:
    head, claims, signature = make_placeholder(Secret(JWT), SEED).expose_text().split(".")
    decode = lambda part: json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))  # noqa: E731
    assert decode(head) == {"alg": "RS256", "typ": "JWT"}
    assert decode(claims).keys() == {"sub", "jti", "exp"} and decode(claims)["exp"] == 2000000000
    assert 330 <= len(signature) <= 350
    assert "our-key" not in str(decode(head)) and "real" not in decode(claims)["sub"]


@given(st.text(min_size=1, max_size=80).filter(lambda text: text.isprintable()), st.binary(min_size=32, max_size=32))
def test_any_value_has_a_stand_in_of_its_own(real: str, seed: bytes) -> None:
    made = make_placeholder(Secret(real), Secret(seed))
    assert made == make_placeholder(Secret(real), Secret(seed))
    assert made != make_placeholder(Secret(real), Secret(seed[::-1] + b"x"))
    text = made.expose_text()
    assert len(text) >= 16 and text.isascii() and text.isprintable() and " " not in text
    if len(real) >= 8:
        assert real not in text


def test_no_six_characters_of_a_random_value_are_kept_beside_its_prefix() -> None:
    real = "xoxb-1234567890-ABCDEFGHIJKLMNOPQRSTUVWX"
    made = make_placeholder(Secret(real), SEED).expose_text()[5:]
    assert not any(real[at : at + 6] in made for at in range(5, len(real) - 5))


def test_what_is_public_has_no_stand_in() -> None:
    basic = Auth(AuthType.BASIC, ("username", "password"))
    seeds = {"username": SEED, "password": SEED}
    made = placeholders(basic, {"username": Secret("octocat"), "password": Secret("hunter2hunter2")}, seeds.__getitem__)
    assert made.keys() == {"password"}
    made = placeholders(basic, {"username": Secret("sk_live_" + "1" * 24), "password": Secret("")}, seeds.__getitem__)
    assert made.keys() == {"username"}


def test_another_token_of_the_same_kind_is_not_taken_for_the_placeholder() -> None:
    """Their heads are alike: in a body, another JWT must be no alarm."""
    one = make_placeholder(Secret(JWT), SEED)
    other = make_placeholder(Secret(JWT), Secret(bytes(32)))
    assert one != other
    assert Scrubber([one.expose()], fragments=False).scrub(b"token=" + other.expose() + b"\n")[1] == 0
