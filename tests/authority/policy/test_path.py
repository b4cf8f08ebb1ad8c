"""Paths: one spelling each; what two servers could read differently is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janee.authority.policy._path import PathError, canonical_path


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/a/", "/a/"),
        ("/a%41", "/aA"),
        ("/%7Ex", "/~x"),
        ("/a b", "/a%20b"),
        ("/a%20b", "/a%20b"),
        ("/ü", "/%C3%BC"),
        ("/%c3%bc", "/%C3%BC"),
        ("/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,="),
        ("/v1/files/report.pdf", "/v1/files/report.pdf"),
        ("/..a/b..c", "/..a/b..c"),
    ],
)
def test_a_plain_path_has_one_spelling(raw: str, canonical: str) -> None:
    assert canonical_path(raw) == canonical


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "a",
        "//",
        "//evil.test/x",
        "/a//b",
        "/.",
        "/..",
        "/a/../b",
        "/a/./b",
        "/a/..",
        "/a/.",
        "http://evil.test/",
        "/a\\..\\b",
        "/a;x=1/b",
        "/%2e%2e/b",
        "/%2E/b",
        "/.%2e/b",
        "/a%2fb",
        "/a%5cb",
        "/%252e%252e/b",
        "/a%25",
        "/a%3bx",
        "/a%3fx",
        "/a%23x",
        "/a#x",
        "/a?x",
        "/a%00",
        "/a\x00",
        "/a%0a",
        "/a\r\nHost:x",
        "/a%7f",
        "/a%",
        "/a%2",
        "/a%zz",
        "/%ff",
        "/%c0%ae%c0%ae/",
        "/%e0%80%af",
        "/\ud800",
        "/a./b",
        "/a.",
        "/a%20",
        "/a /b",
        "/ a",
        "/．．/b",
        "/a／b",
        "/a＼b",
        "/a\u2024/b",
        "/\u202eb",
        "/a\u200bb",
        "/a\u2028b",
        "/" + "a" * 8193,
    ],
)
def test_an_ambiguous_path_is_refused(raw: str) -> None:
    with pytest.raises(PathError):
        canonical_path(raw)


@given(st.text(max_size=40))
def test_what_passes_is_canonical_and_stable(text: str) -> None:
    try:
        canonical = canonical_path("/" + text)
    except PathError:
        return
    assert canonical_path(canonical) == canonical
    assert canonical.isascii() and canonical.isprintable()
    assert not {"..", "."} & set(canonical.split("/"))
    assert not set("\\;?#") & set(canonical)
