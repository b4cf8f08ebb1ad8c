"""Writes docs/scrubber.md from the scrubber's tables: `python -m tests.scrubber.make_docs`. A test holds the file to it."""

from pathlib import Path
from typing import Final

from janee.scrubber import FORMS, FRAGMENTS, PARTS, VIEWS, Scrubber
from tests.scrubber import examples

PATH: Final = Path(__file__).parents[2] / "docs" / "scrubber.md"
_WIDTH: Final = 76

HEAD: Final = """# What the scrubber finds

Everything that leaves a command passes the scrubber as bytes, before it is decoded, cut or logged: stdout, stderr,
error texts, the answers of APIs. Each secret is looked for in the forms below, at any place and however the output is
cut into pieces; what may still become a secret is held back, and nothing else is. A match, or a chain of overlapping
ones, becomes one `[REDACTED]`; matches that only touch become one each. A secret that is cut off at the very end is
masked from 8 bytes on (or half of it).

`janee scrub --secrets-file FILE` is the same as a filter: one secret a line; a line that begins with `"` is a JSON
string (for values of several lines); a file that begins with `{` is one JSON object, name to value. `--stats` counts,
by name.

This page is made from the code's own tables; every example was run.
"""

TAIL: Final = """
## What it does not find

- Compressed or encrypted output (`gzip`, `openssl enc`), and any transformation that a program makes up: the scrubber
  recognises forms, it does not understand programs. A command that may run any code with the credential can carry it
  out; that is what command rules, the network rules and `secretless` delivery are for.
- What two or more of the forms make together, beyond those in the table (base64 twice, backwards, hexadecimal): base64 three
  times, base32 of base64; an alphabet turned by another number than 13; every second character; words, or numbers
  that do not begin at 0 or 1, between pieces that are too short (`fold -w9 | sed 's/^/part: /'`).
- Pieces shorter than 16 characters (24 hexadecimal digits) that do not stand at the end of the output; pieces of
  values that look like words (unless fragments are asked for), and pieces written as numbers. Values over 512 bytes get
  windows every 8 bytes, and 32 or 48 characters side by side in base64 and hexadecimal: up to 31 (47) characters of such a
  value may stay at either end of a piece.
- Across line ends, the first five letters or digits, if the line breaks before the fifth: otherwise the end of most lines
  would have to wait. What is no letter or digit at either end of a secret that comes in squeezed form.
- Squeezed, a value of words counts only if line ends stand in it, or something behind each of its letters: "production
  database" is not the secret "production-database".
- Words of `od` from an odd offset whose first or last bytes fall into a word with other text, and dumps from an offset of
  64 KiB (4 KiB for `hexdump`) on if what stands before was cut away.
- More than four characters rubbed out by backspaces in a row, and a stretch of more than four times the longest form
  with what a view leaves out in between.

## What it costs

`python -m bench.scrub` measures it against `rg` and `grep` in the same run. On one slow core: 80 values alone 2 GB/s
of logs, 6 to 8 times `rg -F --passthru -r` (800 values: 1.5 to 2 times, 8,000: 3 times); one secret in all forms and
views 0.45 GB/s, three with fragments 0.2 GB/s, coloured text 50 MB/s, a secret in every KiB 35 MB/s. Building takes
1.8 ms for a token in all forms, 2.5 ms with fragments, 11 ms for a private key. Memory is one chunk and the longest
form, however much passes. At the end of a piece that does not end a line, up to four more characters may wait than
could begin a secret: backspaces may follow.
"""


def page() -> str:
    sections = [HEAD]
    for title, rows in (
        ("Forms", FORMS),
        ("Values in values", (*PARTS, FRAGMENTS)),
        ("Ways of reading the output, in each of which all forms are looked for", VIEWS),
    ):
        sections.append(f"\n## {title}\n\n| name | what | command | its output | after the scrubber |\n|---|---|---|---|---|\n")
        sections += (_row(row.name, row.reason) for row in rows)
    return "".join([*sections, TAIL])


def _row(name: str, reason: str) -> str:
    example = examples.EXAMPLES[name]
    out = examples.run(example)
    clean = Scrubber([example.secret]).scrub(out)[0]
    return f"| {name} | {_cell(reason)} | {_code(example.command)} | {_code(_shown(out))} | {_code(_shown(clean))} |\n"


def _shown(data: bytes) -> str:
    text = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in data.decode("utf-8", "replace")
    )
    return text if len(text) <= _WIDTH else text[: _WIDTH - 20] + " … " + text[-16:]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{text.strip()}{fence}".replace("|", "\\|")


if __name__ == "__main__":
    PATH.write_text(page(), encoding="utf-8")
