"""Text and structured values; and that the scrubber itself gives nothing away."""

import copy
import pickle
from typing import Any

import pytest

import janee.scrubber
from janee.scrubber import Scrubber, ScrubberError, find_clashes

SECRET = "ghp_9fK2xQ7LmZ3vT8bN1cR6wY4sD5hJ0aUeGiPo"


@pytest.fixture
def scrubber() -> Scrubber:
    return Scrubber({"token": SECRET, "pin": "12345678"})


def test_strings_keys_and_numbers_are_scrubbed_at_any_depth(scrubber: Scrubber) -> None:
    value: dict[str, Any] = {
        SECRET: [1, {"a": (SECRET, b"x" + SECRET.encode()), "n": 12345678, "f": 1.5}],
        "ok": True,
        "none": None,
    }
    clean = scrubber.scrub_json(value)
    assert clean == {
        "[REDACTED]": [1, {"a": ("[REDACTED]", b"x[REDACTED]"), "n": "[REDACTED]", "f": 1.5}],
        "ok": True,
        "none": None,
    }
    assert SECRET in value, "the value itself is not changed"


def test_keys_that_become_equal_lose_nothing() -> None:
    scrubber = Scrubber(["first-secret", "other-secret"])
    assert scrubber.scrub_json({"first-secret": 1, "other-secret": 2}) == {"[REDACTED]": 1, "[REDACTED] (2)": 2}


def test_too_deep_or_foreign_values_are_refused(scrubber: Scrubber) -> None:
    deep: list[Any] = []
    for _ in range(1000):
        deep = [deep]
    with pytest.raises(ScrubberError, match="nested"):
        scrubber.scrub_json(deep)
    with pytest.raises(ScrubberError, match="not a JSON value"):
        scrubber.scrub_json({"a": object()})


@pytest.mark.parametrize("around", ["é", "\udc80", "\ud800", "😀", ""])
def test_text_around_a_match_survives(scrubber: Scrubber, around: str) -> None:
    assert scrubber.scrub_text(f"{around}x") == f"{around}x"
    clean = scrubber.scrub_text(f"{around} {SECRET}{around}")
    assert SECRET not in clean
    if around != "\ud800":
        assert clean == f"{around} [REDACTED]{around}"


def test_a_secret_of_bytes_is_found_in_text_that_was_decoded_with_surrogates() -> None:
    secret = bytes(range(200, 216))
    text = b"<" + secret + b">"
    assert Scrubber([secret]).scrub_text(text.decode("utf-8", "surrogateescape")) == "<[REDACTED]>"


def test_the_scrubber_gives_nothing_away(scrubber: Scrubber) -> None:
    stream = scrubber.stream()
    stream.feed(SECRET[:9].encode())
    for thing in (scrubber, stream):
        assert "ghp" not in f"{thing!r}{thing!s}"
    for attempt in (lambda: pickle.dumps(scrubber), lambda: copy.deepcopy(scrubber), lambda: copy.copy(scrubber)):
        with pytest.raises(TypeError):
            attempt()
    assert not hasattr(scrubber, "__dict__")


def test_secrets_that_are_ordinary_words_are_named() -> None:
    assert find_clashes({"a": "REDACTED", "b": SECRET, "c": b"github"}, ["gh", "--repo=github/x", "[REDACTED]"]) == ("a", "c")


def test_what_is_exported_is_what_is_listed() -> None:
    public = {name for name in vars(janee.scrubber) if not name.startswith("_")}
    assert public == set(janee.scrubber.__all__)


def test_a_large_value_is_scrubbed_in_pieces_like_one() -> None:
    scrubber = Scrubber([SECRET], fragments=False)
    filler = b"0123456789abcde\n" * 16384
    data = filler[: (1 << 18) - 20] + SECRET.encode() + filler
    clean, hits = scrubber.scrub(data)
    assert hits == 1
    assert clean == data.replace(SECRET.encode(), b"[REDACTED]")
