"""Every row of the tables, shown by a real command: with the row nothing comes out, and without it the secret does."""

import base64
import html
import json
import re
import shutil
import urllib.parse

import pytest

from janee.scrubber import FORMS, FRAGMENTS, PARTS, VIEWS, Scrubber, ScrubberError
from tests.scrubber import examples
from tests.scrubber.examples import EXAMPLES

ROWS = [form.name for form in FORMS] + [part.name for part in (*PARTS, FRAGMENTS)] + [view.name for view in VIEWS]
MARK = b"[REDACTED]"


def needs(command: str) -> None:
    for tool in ("jq", "xxd", "iconv", "rev", "od", "base32"):
        if re.search(rf"\b{tool}\b", command) and shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")


def test_every_row_has_an_example_and_every_example_a_row() -> None:
    assert sorted(EXAMPLES) == sorted(ROWS)
    assert len(set(ROWS)) == len(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_a_command_that_writes_this_form_is_masked(name: str) -> None:
    example = EXAMPLES[name]
    needs(example.command)
    out = examples.run(example)
    clean, hits = Scrubber([example.secret]).scrub(out)
    assert hits >= 1
    assert MARK in clean
    kept = clean.replace(MARK, b"")
    longest = max(re.findall(rb"[^\s:;,.&#=0-]+", kept.replace(b"user", b"")), key=len, default=b"")
    assert len(longest) <= 12, clean  # frames such as "token", an offset, "user:" in base64


@pytest.mark.parametrize(
    "name", ["base64", "hex", "base32", "reversed", "rot13", "utf-16", "words", "numbers", "twice", "base85", "squeezed"]
)
def test_without_the_row_the_form_comes_out(name: str) -> None:
    example = EXAMPLES[name]
    needs(example.command)
    out = examples.run(example)
    assert Scrubber([example.secret], forms=("raw",)).scrub(out) == (out, 0)


ODD_VALUES = [
    "p4s/W+rd 'é\"<&$1=\\9",
    'quote"quote"quote',
    "back\\slash\\path\\1",
    "tab\tand\nnewline\x01x",
    "ünïcödé-pässwörd",
    "emoji-😀-secret-1",
    "it's $HOME `id` !x",
    "<script>&amp;</script>",
]


@pytest.mark.parametrize("value", ODD_VALUES)
def test_escapes_of_odd_values_are_masked(value: str) -> None:
    scrubber = Scrubber([value], fragments=False)
    spelled = {
        "json": json.dumps(value),
        "json utf-8": json.dumps(value, ensure_ascii=False),
        "json twice": json.dumps(json.dumps(value)),
        "json slash": json.dumps(value).replace("/", "\\/"),
        "go json": json.dumps(value, ensure_ascii=False)
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026"),
        "repr": repr([value]),
        "bytes repr": repr(value.encode()),
        "ascii": ascii(value),
        "quote": urllib.parse.quote(value),
        "quote all": urllib.parse.quote(value, safe=""),
        "quote plus": urllib.parse.quote_plus(value),
        "quote twice": urllib.parse.quote(urllib.parse.quote(value, safe="")),
        "html": html.escape(value),
        "html text": html.escape(value, quote=False),
        "shell": "'" + value.replace("'", "'\"'\"'") + "'",
        "sql": "'" + value.replace("'", "''") + "'",
        "csv": '"' + value.replace('"', '""') + '"',
        "percent all": "".join(f"%{byte:02X}" for byte in value.encode()),
        "entities": "".join(f"&#x{ord(letter):x};" for letter in value),
        "octal": "".join(f"\\{byte:03o}" for byte in value.encode()),
        "backwards": value[::-1],
        "base64 in a sentence": "Basic " + base64.b64encode(b"me:" + value.encode()).decode(),
        "url-safe": base64.urlsafe_b64encode(b"ab:" + value.encode()).decode().rstrip("="),
    }
    for how, text in spelled.items():
        clean, hits = scrubber.scrub(b"x " + text.encode() + b" y")
        assert hits >= 1, how
        left = clean.replace(MARK, b"").removeprefix(b"x Basic ")
        assert len(left) <= 14, (how, clean)


@pytest.mark.parametrize("before", range(6))
@pytest.mark.parametrize("size", [8, 9, 10, 11, 12, 13, 40])
def test_base64_and_base32_at_any_place_leave_at_most_two_characters_of_a_group(before: int, size: int) -> None:
    secret = bytes((37 * at + 11) % 256 for at in range(size))
    scrubber = Scrubber([secret], fragments=False)
    whole = b"A" * before + secret + b"B" * 7
    for encode in (base64.b64encode, base64.urlsafe_b64encode, base64.b32encode):
        clean, hits = scrubber.scrub(encode(whole))
        assert hits == 1
        assert len(clean) - len(MARK) <= len(encode(b"A" * before)) + len(encode(b"B" * 7)) + 2


def test_parts_of_structured_credentials_are_masked_alone() -> None:
    account = json.dumps(
        {"type": "service_account", "project_id": "my-project", "private_key": examples.KEY, "client_email": "a@b.example"},
        indent=2,
    )
    cases = {
        "postgres://app:Tr0ub4dor-3x@db.internal:5432/main": ["Tr0ub4dor-3x"],
        "https://x-access-token:ghs_abcdef123456@github.com/o/r": ["ghs_abcdef123456"],
        "mysql://u:p%40ssw0rd%21@h/db": ["p%40ssw0rd%21", "p@ssw0rd!"],
        "host=h port=5432 user=u password=hunter2hunter2": ["hunter2hunter2"],
        "Server=h;Password=Zx9-Qq1-Rr7;User=u": ["Zx9-Qq1-Rr7"],
        "admin:correct-h0rse": ["correct-h0rse"],
        "Basic " + base64.b64encode(b"admin:correct-h0rse").decode(): ["correct-h0rse", "admin:correct-h0rse"],
        account: [examples.KEY, examples.KEY.replace("\n", "\\n"), examples.KEY.split("\n")[1]],
    }
    for secret, parts in cases.items():
        scrubber = Scrubber([secret])
        for part in parts:
            assert scrubber.scrub(f"<{part}>".encode()) == (b"<" + MARK + b">", 1), part


def test_structure_is_not_masked() -> None:
    scrubber = Scrubber(["https://x-access-token:ghs_abcdef123456@github.com/o/r", examples.KEY, examples.DATABASE])
    for text in (
        b"https://github.com/o/r was cloned\n",
        b"-----BEGIN PRIVATE KEY----- is how a key begins\n",
        b"connected to db.internal:5432/main as app\n",
        b"postgres://other@db.internal:5432/ \n",
    ):
        assert scrubber.scrub(text) == (text, 0)


@pytest.mark.parametrize("value", ["correct-horse-battery-staple", "production-database-main", "administrator_password"])
def test_words_give_no_fragments_unless_they_are_asked_for(value: str) -> None:
    half = value[:18].encode() + b"!\n"
    assert Scrubber([value]).scrub(half) == (half, 0)
    assert Scrubber([value], fragments=True).scrub(half)[1] == 1
    assert Scrubber([value]).scrub(value.encode()) == (MARK, 1)


def test_any_sixteen_characters_of_a_token_are_masked_and_fifteen_are_not() -> None:
    token = examples.TOKEN.encode()
    scrubber = Scrubber([token])
    for at in range(len(token) - 16 + 1):
        assert scrubber.scrub(b"<" + token[at : at + 16] + b">") == (b"<" + MARK + b">", 1)
    assert scrubber.scrub(b"<" + token[5:20] + b">")[1] == 0


def test_ordinary_text_passes_unchanged() -> None:
    scrubber = Scrubber([examples.TOKEN, examples.ODD, examples.KEY, examples.DATABASE])
    with open(__file__, "rb") as file:
        source = file.read()
    lines = [line for line in source.split(b"\n") if b"Tr0ub" not in line]
    clean, hits = scrubber.scrub(b"\n".join(lines[:20]) + b"\n")
    assert hits == 0
    assert clean == b"\n".join(lines[:20]) + b"\n"


def test_short_secrets_and_unknown_forms_are_refused_without_quoting_them() -> None:
    with pytest.raises(ScrubberError) as refused:
        Scrubber({"pin": "hunter2"})
    assert refused.value.code == "SECRET_TOO_SHORT"
    assert "hunter2" not in f"{refused.value!r} {refused.value} {refused.value.hint}"
    assert "pin" in refused.value.message
    with pytest.raises(ScrubberError, match="no form is named rot14"):
        Scrubber(["longer-than-8"], forms=("raw", "rot14"))
    with pytest.raises(ScrubberError):
        Scrubber("a single value")
