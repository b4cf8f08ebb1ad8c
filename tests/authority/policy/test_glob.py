"""The `*` of agent patterns and HTTP rules."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janee.authority.policy import glob_matches, matches_any


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a", "a", True),
        ("a", "A", False),
        ("a", "ab", False),
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("creature:*", "creature:patch", True),
        ("creature:*", "Creature:patch", False),
        ("creature:*", "xcreature:patch", False),
        ("*:patch", "creature:patch", True),
        ("a*a", "a", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("[a]", "a", False),
        ("?", "a", False),
    ],
)
def test_a_star_is_the_only_wildcard(pattern: str, text: str, expected: bool) -> None:
    assert glob_matches(pattern, text) is expected


@given(st.text("ab*", max_size=6), st.text("ab", max_size=8))
def test_it_agrees_with_its_definition(pattern: str, text: str) -> None:
    definition = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert glob_matches(pattern, text) == bool(re.fullmatch(definition, text))


def test_no_pattern_matches_nobody() -> None:
    assert not matches_any((), "local")
