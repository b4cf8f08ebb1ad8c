"""The pattern language: what it matches, what it refuses, and that nothing makes it slow."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janee.authority.policy import PatternError, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("abc", ["abc"], ["", "ab", "abcd", "xabc"]),
        ("", [""], ["a"]),
        ("a|bc", ["a", "bc"], ["b", "ac", "abc"]),
        ("(a|b)c", ["ac", "bc"], ["c", "abc"]),
        ("(?:ab)*", ["", "ab", "abab"], ["a", "aba"]),
        ("a?b+c*", ["b", "abbcc"], ["", "a", "aab"]),
        ("[a-z0-9-]{1,40}", ["a", "feature-1", "x" * 40], ["", "x" * 41, "A", "a b", "a\n"]),
        ("a{3}", ["aaa"], ["aa", "aaaa"]),
        ("a{2,}", ["aa", "aaaaa"], ["a"]),
        ("a{0,2}", ["", "a", "aa"], ["aaa"]),
        ("(ab|c){2,3}", ["abc", "ccc", "ababab"], ["ab", "cccc"]),
        ("[^/]+", ["a.b", "ä"], ["a/b", ""]),
        ("[^a]", ["b"], ["a", "\n", "\x00", "\u202e"]),
        (".*", ["", "anything at all"], ["a\nb", "\x1b[31m", "\u200b", "\u202ex", "\ud800"]),
        (r"\d+", ["0123"], ["1a", "١"]),
        (r"\w\s\w", ["a b", "_\t9"], ["a\nb", "a  b"]),
        (r"\D\W\S", ["x!x"], ["1!x"]),
        (r"a\.b", ["a.b"], ["axb"]),
        (r"\x41\n", ["A\n"], ["A"]),
        (r"[\]\-\\^]+", ["]-\\^"], ["["]),
        ("[a-]", ["a", "-"], ["b"]),
        ("^abc$", ["abc"], ["abcd"]),
        (r"a\$", ["a$"], ["a"]),
        ("[+.*?]+", ["+.*?"], ["a"]),
    ],
)
def test_a_pattern_matches_whole_arguments_only(pattern: str, yes: list[str], no: list[str]) -> None:
    compiled = compile_pattern(pattern)
    assert [text for text in yes if not compiled.matches(text)] == []
    assert [text for text in no if compiled.matches(text)] == []


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        ")",
        "a)",
        "[",
        "[]",
        "[z-a]",
        "*",
        "a**",
        "a+?",
        "a{2}{3}",
        "a{",
        "a{,3}",
        "a{3,2}",
        "{2}",
        r"\b",
        r"\1",
        r"\u0041",
        "\\",
        "(?=a)",
        "(?i)a",
        "(?P<n>a)",
        "(?<!a)",
        "a^b",
        "a$b",
        "[[:alpha:]]",
        r"[\d-z\q]",
        "(" * 40 + ")" * 40,
        "a" * 1025,
        "a{5000}",
        "(a{100}){100}",
    ],
)
def test_what_the_language_does_not_have_is_an_error(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+b", "a" * 16_000),
        ("(a|aa|a*)*b", "a" * 16_000),
        ("(a*)*(a*)*(a*)*b", "a" * 16_000),
        ("(.*,){11}x", "1,2,3,4,5,6,7,8,9,10,11,12" * 500),
        (".*a.{1000}b", "a" * 16_000),
        ("([a-z0-9]+-?)*!", "abc-" * 4000),
    ],
)
def test_no_pattern_makes_matching_slow(pattern: str, text: str) -> None:
    compiled = compile_pattern(pattern)
    started = time.thread_time()
    assert not compiled.matches(text)
    assert time.thread_time() - started < 1.0


def test_an_argument_beyond_the_limit_does_not_match() -> None:
    assert compile_pattern("a*").matches("a" * 16_384)
    assert not compile_pattern("a*").matches("a" * 16_385)


_atoms = st.sampled_from(["a", "b", "[ab]", "[^a]", ".", "c", r"\d", "1"])
_patterns = st.recursive(
    _atoms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}"])).map(lambda two: f"(?:{two[0]}){two[1]}"),
    ),
    max_leaves=8,
)


@given(_patterns, st.text("abc1", max_size=7))
@settings(max_examples=400, deadline=None)
def test_it_agrees_with_re_where_both_know_the_pattern(pattern: str, text: str) -> None:
    assert compile_pattern(pattern).matches(text) == bool(re.fullmatch(pattern, text))
