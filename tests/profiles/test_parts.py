"""A type made of a pattern whose groups have types of their own."""

from __future__ import annotations

import pytest

from janee.authority.policy._hosts import Hosts
from janee.authority.policy._values import Context, check
from janee.profiles import Preset, ProfileError
from janee.profiles.types import BUILT_IN, parts

CONTEXT = Context(Hosts((("db.example.com", None),), frozenset({"https"})))
TARGET = parts(r"(?:[a-z]+@)?([^:@]+)(?::(.+))?", "[USER@]HOST[:PATH]", BUILT_IN["HOST"], BUILT_IN["PATH"])


@pytest.mark.parametrize("value", ["db.example.com", "app@db.example.com", "db.example.com:out/x.txt"])
def test_each_group_of_its_type_is_admitted(value: str) -> None:
    assert check(TARGET, value, CONTEXT) is Preset.READ


@pytest.mark.parametrize(
    "value", ["evil.example", "app@evil.example", "db.example.com:../x", "db.example.com:/etc/passwd", "a@b@c"]
)
def test_a_group_of_another_type_refuses_the_whole(value: str) -> None:
    found = check(TARGET, value, CONTEXT)
    assert isinstance(found, str)
    assert found


def test_a_group_without_a_type_is_a_mistake() -> None:
    with pytest.raises(ProfileError, match="one group for each type"):
        parts(r"(a)(b)", "two", BUILT_IN["HOST"])
