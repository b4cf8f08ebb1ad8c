"""The forms in which a secret may come out of a command: one table, one row a form, with the reason for it.

The documentation's table is made from this one, with an executed example for each row. A form is looked for literally.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from . import _encodings as encodings
from . import _values as values

Generator = Callable[[bytes], Iterable[bytes]]

SHORTEST_DERIVED: Final = 4
"""A derived form shorter than this many bytes is left out: it would mask ordinary text."""

_SHORTEST_OTHER_CASE: Final = 12


@dataclass(frozen=True, slots=True)
class Form:
    """One way of writing a value.

    generate: value → what to look for; duplicates and what is too short are dropped later.
    lines: also used for the single lines of a longer value, which need fewer forms.
    pieces: fragments find a line in this form too, so that with them it need not be looked for.
    literal: looked for in the text itself; otherwise only squeezed (`_squeezed`): letters and digits, whatever stands between.
    dense: looks random whatever the value is, so that it is looked for squeezed without a look at what stands between.
    plain: changes nothing in a value of letters, digits, "-", "_" and ".", and is then skipped.
    shortest, longest: only for values of so many bytes: nobody prints a whole key file in this form, and it costs memory.
    """

    name: str
    reason: str
    generate: Generator
    lines: bool = False
    pieces: bool = False
    literal: bool = True
    dense: bool = False
    plain: bool = False
    shortest: int = 0
    longest: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """One way of finding further values in a value. generate: value → values, each of which is looked for in the forms."""

    name: str
    reason: str
    generate: Generator
    lines: bool = False


PARTS: Final[tuple[Part, ...]] = (
    Part("trimmed", "without the white space around it, as $(cat file) gives it", values.trimmed),
    Part("parts", "passwords in URLs and connection strings, keys in JSON, both halves of Basic authentication", values.parts),
    Part(
        "charsets",
        "what is not ASCII in Latin-1 and Windows-1252, composed or decomposed (NFC, NFD, NFKC, NFKD)",
        values.charsets,
    ),
    Part("lines", "each line of 16 bytes or more of a longer value, and a PEM body on one line", values.lines, lines=True),
)

_BULKY: Final = 1 << 10
_TOKEN: Final = 1 << 7


def _derived(name: str, reason: str, generate: Generator, longest: int) -> Form:
    return Form(name, reason, generate, literal=False, dense=True, longest=longest)


FORMS: Final[tuple[Form, ...]] = (
    Form("raw", "the value itself: env, echo, error messages", encodings.as_is, lines=True),
    Form(
        "base64",
        "base64 and base64url, padded or not, at any place in something longer (user:secret)",
        encodings.base64_whole,
        lines=True,
        pieces=True,
        dense=True,
    ),
    _derived("base64-twice", "base64 of base64: Kubernetes secrets of Docker credentials", encodings.base64_twice, 1 << 14),
    _derived("base64-utf16", "base64 of UTF-16: PowerShell -EncodedCommand", encodings.base64_utf16, _BULKY),
    _derived("base32", "base32 at any place in something longer", encodings.base32, 1 << 14),
    Form(
        "hex", "hexadecimal digits: xxd -p, od -tx1, \\x67, 67:68", encodings.hexadecimal, lines=True, pieces=True, dense=True
    ),
    _derived(
        "words",
        "words of 2, 4 or 8 bytes, low byte first, in hexadecimal, octal or decimal: hexdump, od; dd conv=swab",
        encodings.words,
        _BULKY,
    ),
    _derived(
        "numbers",
        r"bytes or characters as octal, decimal or binary numbers, 0x67, \147, &#103;, chr(103), one long number",
        encodings.numbers,
        _BULKY,
    ),
    _derived(
        "twice", "base64, hexadecimal and backwards, one after the other: rev, base64, xxd in a pipe", encodings.twice, _BULKY
    ),
    Form(
        "percent",
        "URLs: RFC 3986, + for blanks, encodeURIComponent, encodeURI; both cases; twice",
        encodings.percent,
        plain=True,
    ),
    Form(
        "json",
        r"JSON strings: ASCII or not, \/, \u003c as Go, .NET and PHP write it, escaped twice",
        encodings.json_text,
        plain=True,
    ),
    Form("quoted", "literals of Python, Go, C, JavaScript and YAML; quoted-printable", encodings.quoted, plain=True),
    Form("markup", "HTML and XML: named, decimal and hexadecimal entities", encodings.markup, plain=True),
    Form("shell", r"'\'' and '\"'\"', printf %q, double quotes; doubled quotes of SQL, CSV, YAML", encodings.shell),
    Form("utf-16", "UTF-16 and UTF-32, both byte orders: Windows tools, iconv", encodings.utf16, longest=1 << 14),
    Form("ebcdic", "EBCDIC: dd conv=ebcdic, iconv", encodings.ebcdic, longest=_BULKY),
    Form(
        "base85",
        "Ascii85, base85, Z85, base58, uuencode: one line of Python or Perl",
        encodings.base85,
        longest=_BULKY,
        dense=True,
    ),
    Form("reversed", "backwards: rev", encodings.reversed_order, lines=True),
    Form("rot13", "rot13 and rot47: tr A-Za-z N-ZA-Mn-za-m", encodings.rot13, longest=1 << 14),
    Form(
        "other-case",
        "upper, lower, swapped or any other case",
        encodings.other_case,
        shortest=_SHORTEST_OTHER_CASE,
        longest=1 << 14,
    ),
    _derived(
        "numbered",
        "pieces of 1 to 15 characters with numbers of lines or places before them: fold and nl, grep -ob, enumerate",
        encodings.numbered,
        _TOKEN,
    ),
    Form("line-ends", r"a value of several lines with CRLF, CRCRLF, blanks, nothing or \n between them", encodings.line_ends),
)


@dataclass(frozen=True, slots=True)
class ViewRow:
    """One way of reading a text in which all forms are looked for too."""

    name: str
    reason: str


VIEWS: Final[tuple[ViewRow, ...]] = (
    ViewRow("terminal", "without colours, cursor and title sequences, and without what backspaces take away"),
    ViewRow("columns", "xxd, od and hexdump with offsets and columns, from the first 64 KiB on"),
    ViewRow(
        "squeezed", "letters and digits only, in any case, whatever stands between: fold, base64 -w20, sed 's/./& /g', od -An"
    ),
)

FRAGMENTS: Final = Part(
    "fragments",
    "every 16 characters of what looks random in raw and base64, every 24 in hexadecimal: cut, wrapped, halved",
    lambda value: (),
)
