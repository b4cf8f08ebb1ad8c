"""The encodings that tools write values in: value → byte strings to look for.

Each function yields every spelling it knows, duplicates and the value itself included; the caller sorts that out. A spelling
that needs text yields nothing for a value that is not UTF-8. Pure; no state.

Spellings that differ only in case, or in what stands between letters and digits, are one: see `_squeezed`.
"""

import base64
import binascii
import html
import json
import struct
from collections.abc import Iterator
from typing import Final

_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_ALNUM: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_UPPER, _LOWER = _ALNUM[:26], _ALNUM[26:52]
_ROT13: Final = bytes.maketrans(_UPPER + _LOWER, _UPPER[13:] + _UPPER[:13] + _LOWER[13:] + _LOWER[:13])

_UNRESERVED: Final = _ALNUM + b"-._~"
_PERCENT_SAFE: Final = (
    (_UNRESERVED, False),  # RFC 3986
    (_UNRESERVED, True),  # forms: a blank is "+"
    (_UNRESERVED + b"/", False),  # urllib.parse.quote
    (_UNRESERVED + b"!'()*", False),  # encodeURIComponent
    (_UNRESERVED + b"!'()*;/?:@&=+$,#", False),  # encodeURI
)

Spelling = tuple[bytes, ...]
"""How each of the 256 bytes is written."""


def _percent_spelling(safe: bytes, plus: bool, code: bytes) -> Spelling:
    return tuple(b"+" if plus and byte == 32 else bytes([byte]) if byte in safe else code % byte for byte in range(256))


_C_LETTERS: Final = {7: b"\\a", 8: b"\\b", 9: b"\\t", 10: b"\\n", 11: b"\\v", 12: b"\\f", 13: b"\\r"}


def _c_spelling(special: bytes, odd: bytes, high: bool) -> Spelling:
    """special: gets a backslash. odd: how bytes that do not print are written; high: those above 127 as well."""
    return tuple(
        _C_LETTERS.get(byte)
        or (
            b"\\%c" % byte
            if byte in special
            else odd % byte
            if byte < 32 or byte == 127 or (high and byte > 127)
            else bytes([byte])
        )
        for byte in range(256)
    )


_PERCENT: Final = tuple(_percent_spelling(safe, plus, code) for safe, plus in _PERCENT_SAFE for code in (b"%%%02X", b"%%%02x"))
_C: Final = tuple(
    _c_spelling(quotes + b"\\", odd, high)
    for quotes in (b'"', b"'", b"\"'", b"")
    for odd in (b"\\x%02x", b"\\%03o")
    for high in (True, False)
)


_QUOTED_PRINTABLE: Final = tuple(bytes([byte]) if 32 <= byte < 127 and byte != 61 else b"=%02X" % byte for byte in range(256))
_CAT_V: Final = tuple(
    (b"M-" if byte > 127 else b"")
    + (b"^" + bytes([byte % 128 ^ 64]) if byte % 128 < 32 or byte % 128 == 127 else bytes([byte % 128]))
    for byte in range(256)
)


def _spelled(value: bytes, spelling: Spelling) -> bytes:
    return b"".join(map(spelling.__getitem__, value))


_SHELL_PLAIN: Final = _ALNUM + b"-._/:=@%+"


def text_of(value: bytes) -> str | None:
    """`value` as text; None if it is not UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def as_is(value: bytes) -> Iterator[bytes]:
    yield value


# --- base64, base32 ---


def base64_core(value: bytes, before: int) -> bytes:
    """The base64 characters that `value` alone decides when `before` (0, 1, 2) other bytes stand in its first group."""
    encoded = base64.b64encode(bytes(before) + value)
    return encoded[-(-8 * before // 6) : 8 * (before + len(value)) // 6]


def base64_cores(value: bytes) -> Iterator[bytes]:
    """The cores at the three alignments, and with the URL-safe alphabet where that differs."""
    for before in range(3):
        core = base64_core(value, before)
        yield core
        if b"+" in core or b"/" in core:
            yield core.translate(_URL_SAFE)


def base64_whole(value: bytes) -> Iterator[bytes]:
    """Cores, and the value on its own: as `base64` and `echo VALUE | base64` end it, with and without padding."""
    yield from base64_cores(value)
    for ending in (b"", b"\n"):
        padded = base64.b64encode(value + ending)
        for form in (padded, padded.rstrip(b"=")):
            yield form
            yield form.translate(_URL_SAFE)


def base64_twice(value: bytes) -> Iterator[bytes]:
    for core in base64_cores(value):
        yield from base64_cores(core)


def base64_utf16(value: bytes) -> Iterator[bytes]:
    text = text_of(value)
    if text is not None:
        for code in ("utf-16-le", "utf-16-be"):
            yield from base64_cores(text.encode(code))


_BASE32_HEX: Final = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHIJKLMNOPQRSTUV")


def base32(value: bytes) -> Iterator[bytes]:
    for before in range(5):
        encoded = base64.b32encode(bytes(before) + value)
        core = encoded[-(-8 * before // 5) : 8 * (before + len(value)) // 5]
        yield core
        yield core.translate(_BASE32_HEX)


# --- bytes as numbers ---


def hexadecimal(value: bytes) -> Iterator[bytes]:
    text = value.hex().encode()
    yield text
    yield text.upper()


def numbers(value: bytes) -> Iterator[bytes]:
    """Every byte (and character) a number, as it is left when only letters and digits are: `\\x67` is "x67", `&#103;` "103"."""
    for code in (b"%02x", b"%x"):  # `&#x9;`
        pairs = [code % byte for byte in value]
        for between in (b"x", b"0x", b"u"):
            yield between.join(pairs)
    for between in (b"u00", b"u000000", b"25"):
        yield value.hex(" ").encode().replace(b" ", between)
    for code in (b"%03o", b"%o"):
        octal = [code % byte for byte in value]
        for between in (b"", b"0", b"0o", b"o"):
            yield between.join(octal)
    for between in (b"", b"chr", b"char"):
        yield between.join(b"%d" % byte for byte in value)
    yield b"".join(b"%03d" % byte for byte in value)
    if not value.isascii():  # `od -t d1`, Java's bytes
        yield b"".join(b"%d" % (byte if byte < 128 else 256 - byte) for byte in value)
    bits = "".join(f"{byte:08b}" for byte in value)
    yield bits.lstrip("0").encode()
    yield "".join(f"{byte:b}" for byte in value).encode()
    yield "".join(f"{byte:08b}"[::-1] for byte in value).encode()  # perl: unpack "b*"
    yield "".join(f"{byte:02x}"[::-1] for byte in value).encode()  # perl: unpack "h*"
    yield b"x00".join(bytes([byte]) for byte in value)  # repr() of UTF-16
    yield b"%o" % int.from_bytes(value, "big")
    yield b"0b".join(f"{byte:b}".encode() for byte in value)
    for order in ("big", "little"):
        yield b"%d" % int.from_bytes(value, "big" if order == "big" else "little")
    text = text_of(value)
    if text is not None and not text.isascii():
        for spelled in ("%d", "x%x"):
            yield "".join(spelled % ord(letter) for letter in text).encode()
        yield "".join(f"u{unit:04x}" for unit in _units(text)).encode()


_WORDS: Final = ((2, ("%04x", "%06o", "%d", "%05d")), (4, ("%08x", "%011o", "%d")), (8, ("%016x", "%022o", "%d")))


def words(value: bytes) -> Iterator[bytes]:
    """The whole words in the value at each alignment, low byte first, in hexadecimal, octal and decimal; high byte first in
    decimal. At the first alignment also with the last word filled up by zeros, as `od` ends, and as floating point numbers."""
    for skipped in range(2):
        yield _swapped(value[skipped:])
    for size, codes in _WORDS:
        for skipped in range(size):
            count = (len(value) - skipped) // size
            if count * size >= min(len(value), 2 * size):
                yield from _as_words(value[skipped : skipped + count * size], size, codes)
        for ended in (value, value + b"\n"):
            filled = ended + bytes(-len(ended) % size)
            yield from _as_words(filled, size, codes)
            if size > 2:
                yield b"".join(
                    map(_shortest, (number for (number,) in struct.iter_unpack("<f" if size == 4 else "<d", filled)))
                )


def _swapped(value: bytes) -> bytes:
    """`value` as `dd conv=swab` writes it."""
    pairs = bytearray(value)
    pairs[: len(value) // 2 * 2 : 2], pairs[1::2] = value[1::2], value[: len(value) // 2 * 2 : 2]
    return bytes(pairs)


def _as_words(value: bytes, size: int, codes: tuple[str, ...]) -> Iterator[bytes]:
    pieces = [value[at : at + size] for at in range(0, len(value), size)]
    low_first = [int.from_bytes(piece, "little") for piece in pieces]
    for code in codes:
        yield "".join(code % number for number in low_first).encode()
    yield "".join(str(int.from_bytes(piece, "big")) for piece in pieces).encode()
    if not value.isascii():  # `od -t d` shows these as negative
        yield "".join(str(int.from_bytes(piece, "little", signed=True)) for piece in pieces).encode()


def _shortest(number: float) -> bytes:
    """A number as `od -t f` writes it, its letters and digits: with no more digits than are needed to read it back."""
    is_single = struct.unpack("<f", struct.pack("<f", number))[0] == number if abs(number) < 3e38 else False
    stored = struct.pack("<f", number) if is_single else b""
    few = 5 if is_single else 14
    digits = 1 if _reads_back(f"{number:.{few}g}", number, stored) else few + 1  # most need more: begin there
    while not _reads_back(text := f"{number:.{digits}g}", number, stored) and digits < 17:
        digits += 1
    return text.encode().translate(None, b".+-")


def _reads_back(text: str, number: float, stored: bytes) -> bool:
    """stored: of a single number, its bytes; else empty."""
    read = float(text)
    return read == number or (stored != b"" and struct.pack("<f", read) == stored)


_XXD_BYTES: Final = 30  # on a line of `xxd -p`
_BASE64_BYTES: Final = 57  # on a line of `base64`


def twice(value: bytes) -> Iterator[bytes]:
    """Two of base64, hexadecimal and backwards, one after the other; hexadecimal of wider characters; base64 in a URL."""
    for backwards in reversed_order(value):
        yield backwards.hex().encode()
        yield from base64_cores(backwards)
    digits = value.hex().encode()
    yield digits[::-1]
    for at in range(0, len(value), _XXD_BYTES):
        yield value[at : at + _XXD_BYTES].hex().encode()[::-1]
    for at in range(0, len(value), _BASE64_BYTES):
        yield base64.b64encode(value[at : at + _BASE64_BYTES])[::-1]
    lines = (digits[at : at + 2 * _XXD_BYTES] for at in range(0, len(digits), 2 * _XXD_BYTES))
    yield from base64_cores(b"\n".join(lines))
    for form in base64_whole(value):
        yield form[::-1]
        yield form.hex().encode()
        if b"+" in form or b"/" in form:
            yield form.replace(b"+", b"%2B").replace(b"/", b"%2F")
    yield from base64_cores(digits)
    yield from base64_cores(digits.upper())
    text = text_of(value)
    if text is not None:
        for code in ("utf-16-be", "utf-32-be"):
            yield text.encode(code).lstrip(b"\0").hex().encode()


# --- escapes ---


def percent(value: bytes) -> Iterator[bytes]:
    for spelling in _PERCENT:
        form = _spelled(value, spelling)
        yield form
        yield form.replace(b"%", b"%25")  # a URL inside a URL
        yield form.replace(b"%", b"%2525")
    yield _spelled(value, _QUOTED_PRINTABLE)


def json_text(value: bytes) -> Iterator[bytes]:
    """Inside a JSON string: ASCII or not, `\\/`, HTML-safe as Go, .NET and PHP write it; and each inside a JSON text again."""
    text = text_of(value)
    if text is None:
        return
    for ascii_only in (True, False):
        plain = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        for form in (
            plain,
            plain.replace("/", "\\/"),
            _unicode_escaped(plain, "<>&", "x"),
            _unicode_escaped(plain, "<>&'+`", "X"),
        ):
            yield form.encode("utf-8", "surrogatepass")
            yield json.dumps(form, ensure_ascii=ascii_only)[1:-1].encode("utf-8", "surrogatepass")
        strict = _unicode_escaped(plain.replace('\\"', '"'), "\"<>&'+`", "X")
        yield strict.encode("utf-8", "surrogatepass")


def _unicode_escaped(text: str, letters: str, case: str) -> str:
    return text.translate({ord(letter): f"\\u{ord(letter):04{case}}" for letter in letters})


def quoted(value: bytes) -> Iterator[bytes]:
    """In a literal of Python, Go or C, double-quoted YAML: backslashes before quotes, escapes for what does not print."""
    text = text_of(value)
    if text is not None:
        yield repr(text)[1:-1].encode("utf-8", "surrogatepass")
        yield ascii(text)[1:-1].encode()
        yield text.encode("utf-7", "replace")
    yield repr(value)[2:-1].encode()
    yield _spelled(value, _CAT_V)
    for spelling in _C:
        yield _spelled(value, spelling)


def markup(value: bytes) -> Iterator[bytes]:
    """HTML and XML: named, decimal and hexadecimal entities, with the quotes escaped or not."""
    text = text_of(value)
    if text is None:
        return
    basic = html.escape(text, quote=False)
    for double in ('"', "&quot;", "&#34;", "&#x22;"):
        for single in ("'", "&#39;", "&#039;", "&#x27;", "&apos;"):
            yield basic.replace('"', double).replace("'", single).encode()
    yield basic.replace('"', "&quot;").replace("'", "&#x27;").replace("/", "&#x2F;").replace("`", "&#x60;").encode()
    yield "".join(letter if ord(letter) < 128 else f"&#{ord(letter)};" for letter in basic).encode()


def _units(text: str) -> Iterator[int]:
    data = text.encode("utf-16-be", "surrogatepass")
    return (int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))


def shell(value: bytes) -> Iterator[bytes]:
    """As a shell would need it: quotes doubled out of single quotes, `printf %q`, `$'…'`; SQL and YAML double the quote."""
    yield b"".join(bytes([byte]) if byte in _ALNUM or byte == 95 else b"\\%c" % byte for byte in value)  # perl: quotemeta
    for quote in (b"'\\''", b"'\"'\"'", b"''"):
        yield value.replace(b"'", quote)
    yield value.replace(b'"', b'""')
    yield b"".join(bytes([byte]) if byte in _SHELL_PLAIN or byte > 127 else b"\\%c" % byte for byte in value)
    yield b"".join(b"\\%c" % byte if byte in b'"$`\\!' else bytes([byte]) for byte in value)
    yield b"".join(b"\\%c" % byte if byte in b'"$`\\' else bytes([byte]) for byte in value)


# --- the whole value turned over ---


def utf16(value: bytes) -> Iterator[bytes]:
    text = text_of(value)
    if text is not None:
        # The zero byte at the outer end is left out: it is the same for any ASCII, and may be cut off.
        yield text.encode("utf-16-le").removesuffix(b"\0")
        yield text.encode("utf-16-be").removeprefix(b"\0")
        yield text.encode("utf-32-le").rstrip(b"\0")
        yield text.encode("utf-32-be").lstrip(b"\0")


def reversed_order(value: bytes) -> Iterator[bytes]:
    yield value[::-1]
    text = text_of(value)
    if text is not None:
        yield text[::-1].encode()


def rot13(value: bytes) -> Iterator[bytes]:
    yield value.translate(_ROT13)
    yield bytes((byte - 33 + 47) % 94 + 33 if 33 <= byte <= 126 else byte for byte in value)  # rot47


def ebcdic(value: bytes) -> Iterator[bytes]:
    text = text_of(value)
    if text is not None:
        for code in ("cp037", "cp500", "cp1140"):
            yield text.encode(code, "replace")
    yield value.decode("latin-1").encode("cp037")  # dd works on bytes


def base85(value: bytes) -> Iterator[bytes]:
    """Ascii85, RFC 1924 and Z85, at the four alignments; uuencode by lines of 45 bytes; base58."""
    for before in range(4):
        first, last = -before % 4, len(value) - (before + len(value)) % 4
        groups = value[-before % 4 : last] if last - first >= 8 else b""
        if groups:
            yield base64.a85encode(groups)
            yield base64.b85encode(groups)
            yield base64.b85encode(groups).translate(_Z85)
    for ending in (b"", b"\n"):
        for at in range(0, len(value), 45):
            line = (value + ending)[at : at + 45]
            if at == 0 or len(line) >= _SHORTEST_UU:  # the few letters of a last line would be anywhere
                yield binascii.b2a_uu(line).rstrip(b"\n")[1:]
        yield _base58(value + ending)


_Z85: Final = bytes.maketrans(
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~",
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#",
)
_SHORTEST_UU: Final = 6
_BASE58: Final = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _base58(value: bytes) -> bytes:
    number, digits = int.from_bytes(value, "big"), bytearray()
    while number:
        number, digit = divmod(number, 58)
        digits.append(_BASE58[digit])
    return bytes(reversed(digits))


def numbered(value: bytes) -> Iterator[bytes]:
    """Cut into pieces of one width, each after the first with the number of its line or place before it."""
    for width in range(1, min(_WIDEST_PIECE + 1, len(value))):
        pieces = [value[at : at + width] for at in range(width, len(value), width)]
        yield b"n".join([value[:width], *pieces])  # the line ends in a JSON string
        for first, step in ((2, 1), (width, width), *_EVERY_CHARACTER[width - 1 :]):
            yield value[:width] + b"".join([b"%d%b" % (first + step * at, piece) for at, piece in enumerate(pieces)])


_WIDEST_PIECE: Final = 15
_EVERY_CHARACTER: Final = ((1, 0),)  # `grep -on .`


def other_case(value: bytes) -> Iterator[bytes]:
    yield value.upper()
    yield value.lower()
    yield value.swapcase()
    if value.islower():
        yield value.title()
        yield value.capitalize()


def line_ends(value: bytes) -> Iterator[bytes]:
    """A value of several lines with other line ends, or on one line."""
    if b"\n" not in value:
        return
    unix = value.replace(b"\r\n", b"\n")
    for end in (
        b"\n",
        b"\r\n",
        b"\r\r\n",
        b" ",
        b"",
        b"\\n",
        b"\\r\\n",
        b"\\\\n",
        b"%0A",
        b"%0a",
        b"%0D%0A",
        b"&#10;",
        b"\n\n",
    ):
        yield unix.replace(b"\n", end)
