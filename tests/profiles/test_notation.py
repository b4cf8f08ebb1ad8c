"""The notation of grammars: what is understood, and that all else is an error with its line."""

from __future__ import annotations

import dataclasses

import pytest

import janee.profiles
from janee.profiles import Library, Preset, Profile, ProfileError
from janee.profiles._notation import build
from janee.profiles.syntaxes import COBRA, GIT, GNU

GRAMMAR = """
[]
-h --help
%page
-L --limit INT
[item list|ls] read
use: page
--color[=WORD]
--[no-]wide
--ids NAME...
args: [NAME...] -- [PATH...]
[item edit] write
--owner NAME @admin
--exec TEXT ! runs a program
args: INT
[secret,token] ! prints the credential
"""


def profile(grammar: str = GRAMMAR, **more: object) -> Profile:
    return dataclasses.replace(Profile("frob", "widgets", GNU, grammar), **more)  # type: ignore[arg-type]


def test_a_grammar_becomes_a_tree() -> None:
    root = build(profile()).root
    item = root.children["item"]
    assert item.forms == ()
    assert item.children["list"] is item.children["ls"]
    form = item.children["list"].forms[0]
    assert form.preset is Preset.READ
    assert {"-h", "--help", "-L", "--limit", "--color", "--wide", "--no-wide", "--ids"} == set(form.scope)
    assert form.scope["--color"].is_optional
    assert form.scope["--ids"].is_greedy
    assert form.after is not None
    assert root.children["secret"].denied == "prints the credential"
    edit = item.children["edit"].forms[0]
    assert edit.scope["--owner"].preset is Preset.ADMIN
    assert edit.scope["--exec"].denied == "runs a program"


def test_where_options_do_not_pass_on_they_do_not() -> None:
    form = build(profile(syntax=GIT)).root.children["item"].children["edit"].forms[0]
    assert "--help" not in form.scope


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("--x", "before the first header"),
        ("[a] read\nnonsense", "not understood"),
        ("[a] read\n--x UNKNOWNTYPE", "no type 'UNKNOWNTYPE'"),
        ("[a] read\n--x INT @owner", "no preset"),
        ("[a] read\n--x ! ", "without a reason"),
        ("[a] read\nuse: nothing", "no bundle"),
        ("[a] read\nargs: INT... NAME...", "only one place can repeat"),
        ("[a] sometimes", "not a header"),
        ("[a]\nargs: INT", "not understood"),
        ("[a] read\n--x INT\n[a] read\n--x", "takes values in one form and not in another"),
        ("[a] read\n[a] read\n[a b] read", "one form only"),
        ("[a] read\nneeds: --y", "no option of it"),
        ("[a] read\n[b] read\n[a|b] read", "another command already"),
    ],
)
def test_a_line_that_is_not_understood_is_an_error(line: str, why: str) -> None:
    with pytest.raises(ProfileError, match="frob") as caught:
        build(profile(line))
    assert why in str(caught.value)


def test_the_digest_covers_all_that_a_profile_says() -> None:
    digests = {
        build(changed).digest
        for changed in (
            profile(),
            profile(GRAMMAR + "[x] read\n"),
            profile(syntax=COBRA),
            profile(companions={"a": ("b",)}),
            profile(harden=janee.profiles.Hardening(env={"A": "1"})),
            profile(harden=janee.profiles.Hardening(insert=("-q",))),
        )
    }
    assert len(digests) == 6
    assert build(profile()).digest in digests


def test_what_the_package_exports_is_what_it_says() -> None:
    assert all(hasattr(janee.profiles, name) for name in janee.profiles.__all__)


def test_every_profile_is_consistent_and_says_where_its_facts_come_from() -> None:
    library = Library()
    for name in library.names():
        tool = library.load(name)
        assert tool is not None
        assert tool.profile.source, name
        assert tool.profile.about, name


@pytest.mark.parametrize("name", ["", ".", "..", "git/x", "../git", "Git", "git\n", "_model", "__init__", "gìt", "x" * 100])
def test_a_name_that_is_none_finds_nothing(name: str) -> None:
    assert Library().load(name) is None


@pytest.mark.parametrize("name", ["bash", "python3.12", "env", "xargs", "/usr/bin/node"])
def test_programs_that_run_others_are_refused_with_a_reason(name: str) -> None:
    assert Library().refused(name)


def test_of_other_programs_nothing_is_claimed() -> None:
    assert Library().refused("frobnicate") == ""
