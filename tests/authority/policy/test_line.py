"""Command lines taken apart as each family of parsers takes them apart."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janee.authority.policy._hosts import hosts_of
from janee.authority.policy._line import Line, Refused, read_line
from janee.authority.policy._values import Context
from janee.config.schema import Auth, AuthType, Service
from janee.profiles import Library, Profile, Syntax, Tool
from janee.profiles._notation import build
from janee.profiles.syntaxes import ARGPARSE, CLAP, COBRA, CURL, DOCKER, GIT, GNU, GOFLAG, NOPT, POSIX

SERVICE = Service("s", "https://api.example.test", Auth(AuthType.BEARER, ("key",)))
CONTEXT = Context(hosts_of(SERVICE, {}), ("/work",))
GRAMMAR = """
[]
-g --global NAME
[run] read
-a --all
-n --number INT
-q
--color[=NAME]
-U[=INT]
-x --exec TEXT ! runs a program
--ids NAME...
--pair NAME INT
-# INT
args: [WORD...]
"""


def tool(syntax: Syntax, grammar: str = GRAMMAR) -> Tool:
    return build(Profile("t", "a tool", syntax, grammar))


def read(syntax: Syntax, *words: str, grammar: str = GRAMMAR) -> Line | Refused:
    return read_line(tool(syntax, grammar), ("t", *words), CONTEXT)


def operands(found: Line | Refused) -> list[str]:
    assert isinstance(found, Line), found
    return [part.text for part in found.parts if part.role == "operand"]


@pytest.mark.parametrize(
    ("syntax", "words", "expected"),
    [
        (GNU, ("run", "-n", "5", "x"), ["x"]),
        (GNU, ("run", "-n5", "x"), ["x"]),
        (GNU, ("run", "-an5", "x"), ["x"]),
        (GNU, ("run", "--number=5", "x"), ["x"]),
        (GNU, ("run", "--number", "5", "x"), ["x"]),
        (GNU, ("run", "x", "-a", "y"), ["x", "y"]),
        (GNU, ("run", "--color", "x"), ["x"]),
        (GNU, ("run", "--color=red", "x"), ["x"]),
        (GNU, ("run", "-U3", "x"), ["x"]),
        (GNU, ("run", "-U", "3"), ["3"]),
        (GNU, ("run", "-5", "x"), ["x"]),
        (GNU, ("run", "--pair", "a", "1", "x"), ["x"]),
        (GNU, ("run", "--ids", "a", "b", "-a", "x"), ["x"]),
        (GNU, ("-g", "n", "run", "x"), ["x"]),
        (GNU, ("run", "-g", "n", "x"), ["x"]),
        (GNU, ("run", "-", "x"), ["-", "x"]),
        (COBRA, ("run", "-n=5", "x"), ["x"]),
        (COBRA, ("run", "--all=false", "x"), ["x"]),
        (CLAP, ("run", "-n=5", "x"), ["x"]),
        (GOFLAG, ("run", "-number=5", "x"), ["x"]),
        (GOFLAG, ("run", "--number", "5", "x"), ["x"]),
        (GOFLAG, ("run", "-all", "x"), ["x"]),
        (NOPT, ("run", "--all=true", "x"), ["x"]),
        (CURL, ("run", "-an5", "x"), ["x"]),
        (DOCKER, ("--global", "n", "run", "x"), ["x"]),
    ],
)
def test_what_an_operand_is(syntax: Syntax, words: tuple[str, ...], expected: list[str]) -> None:
    assert operands(read(syntax, *words)) == expected


@pytest.mark.parametrize(
    ("syntax", "words", "position", "why"),
    [
        (GNU, (), 1, "a subcommand is missing"),
        (GNU, ("walk",), 1, "is no subcommand"),
        (GNU, ("run", "--numb", "5"), 2, "abbreviations are not taken"),
        (GNU, ("run", "--nothing"), 2, "is no option"),
        (GNU, ("run", "-z"), 2, "is no option"),
        (GNU, ("run", "-az"), 2, "is no option"),
        (GNU, ("run", "-n"), 3, "its value is missing"),
        (GNU, ("run", "-n", "five"), 3, "is not a whole number"),
        (GNU, ("run", "-n=5"), 2, "is not a whole number"),
        (GNU, ("run", "--all=false"), 2, "takes no value"),
        (GNU, ("run", "-x"), 2, "runs a program"),
        (GNU, ("run", "-ax", "id"), 2, "runs a program"),
        (GNU, ("run", "-qxid"), 2, "runs a program"),
        (GNU, ("run", "--exec=id"), 2, "runs a program"),
        (GNU, ("run", "x", "--exec", "id"), 3, "runs a program"),
        (GNU, ("run", "--", "-x"), 3, "begins with a dash"),
        (GNU, ("run", "a\nb"), 2, "control or invisible"),
        (GNU, ("run", "a\u202eb"), 2, "control or invisible"),
        (GNU, ("run", "\ud800"), 2, "control or invisible"),
        (GNU, ("run", "x" * 5000), 2, "more than 4096"),
        (GNU, ("run", "--pair", "a"), 4, "its value is missing"),
        (POSIX, ("run", "x", "-a"), 3, "begins with a dash"),
        (CURL, ("run", "--number=5"), 2, "takes no `=`"),
        (NOPT, ("run", "-an5"), 2, "is no option"),
        (GIT, ("run", "-g", "n"), 2, "is no option"),
        (DOCKER, ("run", "--global", "n"), 2, "is no option"),
        (ARGPARSE, ("run", "--number", "-a"), 3, "begins with a dash"),
        (GOFLAG, ("run", "-exec=id"), 2, "runs a program"),
        (GOFLAG, ("run", "--exec", "id"), 2, "runs a program"),
    ],
)
def test_what_is_refused_and_where(syntax: Syntax, words: tuple[str, ...], position: int, why: str) -> None:
    found = read(syntax, *words)
    assert isinstance(found, Refused)
    assert (found.position, why in found.why) == (position, True), found


def test_any_form_that_fits_allows_and_the_nearest_one_says_why() -> None:
    grammar = "[c] read\n--get\nneeds: --get\nargs: NAME\n[c] write\nargs: {a|b} INT\n"
    assert operands(read(GNU, "c", "--get", "x", grammar=grammar)) == ["x"]
    assert operands(read(GNU, "c", "a", "5", grammar=grammar)) == ["a", "5"]
    refused = read(GNU, "c", "a", "b", grammar=grammar)
    assert isinstance(refused, Refused)
    assert refused.position == 3


def test_operands_find_their_places() -> None:
    grammar = "[c] read\nargs: NAME [INT] WORD... NAME\n"
    assert isinstance(read(GNU, "c", "a", "w", "z", grammar=grammar), Line)
    assert isinstance(read(GNU, "c", "a", "5", "w", "w", "z", grammar=grammar), Line)
    assert isinstance(read(GNU, "c", "a", "w", grammar=grammar), Refused)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["git", "gh", "curl"]),
    st.lists(
        st.text(max_size=12)
        | st.sampled_from(
            ["-c", "--", "-", "push", "api", "issue", "list", "-X", "=", "--x=", "\0", "https://api.example.test/", "-oX"]
        ),
        max_size=8,
    ),
)
def test_no_line_raises(name: str, words: list[str]) -> None:
    loaded = Library().load(name)
    assert loaded is not None
    assert isinstance(read_line(loaded, (name, *words), CONTEXT), Line | Refused)


@pytest.mark.parametrize(
    "words",
    [
        ("git", "log", "a" * 10_000_000),
        ("git", "log", *["-p"] * 500_000),
        ("git", "log", "-" + "p" * 5_000_000),
        ("curl", "-d", "{" * 10_000_000),
        ("git", "push", "origin", "a/" * 5_000_000),
        ("curl", "https://api.example.test/" + "a" * 10_000_000),
    ],
    ids=["operand", "options", "cluster", "data", "ref", "url"],
)
def test_ten_megabytes_are_refused_at_once(words: tuple[str, ...]) -> None:
    loaded = Library().load(words[0])
    assert loaded is not None
    started = time.process_time()
    found = read_line(loaded, words, CONTEXT)
    assert isinstance(found, Refused)
    assert time.process_time() - started < 2  # some milliseconds; seconds only on a machine that does much else


HELPFUL = """
[]
-h --help
[group item edit] write
--title TEXT
-x --exec TEXT ! runs a program
args: NAME
[group kill] ! is no everyday work
"""


def test_a_manual_may_be_asked_for_without_what_the_command_needs() -> None:
    for words in (("group", "--help"), ("group", "item", "-h"), ("group", "item", "edit", "--help")):
        assert isinstance(read(COBRA, *words, grammar=HELPFUL), Line), words


def test_asking_for_the_manual_allows_nothing_else() -> None:
    for words in (
        ("group",),
        ("group", "kill", "--help"),
        ("group", "item", "edit", "--exec", "id", "--help"),
        ("group", "--help", "other"),
        ("group", "item", "edit", "--title", "--help"),
    ):
        assert isinstance(read(COBRA, *words, grammar=HELPFUL), Refused), words


def test_statements_are_bounded_in_all_not_one_by_one() -> None:
    grammar = "[] read\n-c --command SQL\n-m --message TEXT\nneeds: -c --command\n"
    select = "select " + "a, " * 2000 + "b"
    assert isinstance(read(GNU, "-c", select, grammar=grammar), Line)
    assert isinstance(read(GNU, "-c", select, "-m", select * 4, grammar=grammar), Line)
    found = read(GNU, "-c", select, "-c", select, "-c", select, grammar=grammar)
    assert isinstance(found, Refused) and "in all" in found.why
