"""Fragments: pieces out of the middle of a value, so that half of it, cut or wrapped, does not come out either.

Every window of 16 characters of what looks random, in raw, base64 and (24) hexadecimal. Pure; decides only what is looked for.

- A value over `LONG` bytes gets every eighth window, and windows of twice the size side by side in base64 and hexadecimal: it
  would be thousands otherwise. Of a piece of such a value up to 7 (31, 47) characters may stay at either end.
- No window is taken of words (unless every one is asked for) or of structure (URL scheme and host, PEM frame, JSON keys):
  it would mask ordinary text.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from ._encodings import base64_core

WINDOW: Final = 16
LONG: Final = 512

_BYTES: Final = 12  # of a value, behind a window of base64 or hexadecimal

_STRUCTURE: Final = re.compile(
    rb"-----(?:BEGIN|END) [A-Z0-9 ]+-----"
    rb"|MII.{3}IBA(?:AKC.{4}|DANBgkqhkiG9w0BAQEFAASC.{3}wgg.{2}AgEAAoI.{3})"  # DER, as in certificates
    rb"|MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"  # and of one on a curve
    rb"|b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAA.{14}"  # OpenSSH
    rb"|eyJ[A-Za-z0-9_-]+\.(?=eyJ)"  # JWT: the header
    rb"|[A-Za-z][A-Za-z0-9+.-]*://(?![^\s/@]*@)[^\s/?#]*"  # scheme and host
    rb"|[A-Za-z][A-Za-z0-9+.-]*://"
    rb"|@[A-Za-z0-9.-]+(?::\d+)?(?=[/?\s]|$)"  # the host behind a user and a password
    rb'|"[A-Za-z0-9_.-]+"\s*:'
)
_WORD: Final = re.compile(rb"[^\s\"']+")
_LOWER, _UPPER, _DIGIT, _BINARY = 1, 2, 3, 4
_CLASSES: Final = bytes(
    _LOWER if 97 <= b <= 122 else _UPPER if 65 <= b <= 90 else _DIGIT if 48 <= b <= 57 else _BINARY if b > 126 or b < 9 else 0
    for b in range(256)
)
# The most frequent pairs of letters in English. A run of them is words, not a random value.
_PAIRS: Final = frozenset(
    (
        b"th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri "
        b"ro ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac ot il tr ly nc et ut "
        b"ss so rs un lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts mo ow pa im mi ai sh ir su id os iv ia am fi "
        b"ci vi pl ig tu ev ld ry mp fe bl ab gh ty op wo sa ay ex ke fr oo av ag if ap gr od bo sp rd do uc bu ei ov "
        b"by rm ep tt oc fa ef cu rn sc gi da yo cr cl du ga qu ue ff ba ey ls va um pp ua up lu go ht ru ug ds lt pi "
        b"rc rr eg au ck ew mu br bi pt ak pu ui rg ib tl ny ki rk ys ob mm fu"
    ).split()
)


def marked_bytes(value: bytes, *, every: bool) -> bytes:
    """For each byte of `value`, 1 if windows that contain it are wanted, else 0. every: all but those of structure."""
    marks = bytearray(len(value))
    for start, end in _segments(value):
        if every:
            marks[start:end] = b"\1" * (end - start)
            continue
        for word in _WORD.finditer(value, start, end):
            if len(word[0]) < WINDOW:
                continue
            if _token_like(word[0]):
                marks[word.start() : word.end()] = b"\1" * len(word[0])
                continue
            for at in range(word.start(), word.end() - WINDOW + 1):
                if looks_random(value[at : at + WINDOW]):
                    marks[at : at + WINDOW] = b"\1" * WINDOW
    return bytes(marks)


def _segments(value: bytes) -> Iterator[tuple[int, int]]:
    """What lies between the pieces of structure."""
    at = 0
    for match in _STRUCTURE.finditer(value):
        yield at, match.start()
        at = match.end()
    yield at, len(value)


def _token_like(word: bytes) -> bool:
    """Letters and digits mixed as nobody writes words: then all of it is secret, `test` and `prod` in it as well."""
    classes = word.translate(_CLASSES)
    upper, lower, digits = (classes.count(kind) for kind in (_UPPER, _LOWER, _DIGIT))
    mixed = 4 * sum(a != b for a, b in pairwise(classes)) >= len(word)
    return (digits >= 4 and upper + lower >= 4) or (upper > 0 < lower and mixed) or classes.count(_BINARY) >= 4


def is_mixed(value: bytes) -> bool:
    """Whether `value` is short but no words: digits, and two of small letters, capitals and punctuation."""
    classes = value.translate(_CLASSES)
    kinds = len(set(classes) - {_DIGIT, _BINARY})
    return len(set(value)) >= 10 and kinds >= 2 and classes.count(_DIGIT) >= 2 and b"\n" not in value


def looks_random(window: bytes) -> bool:
    """Whether `window` (16 bytes of one word, not token-like as a whole) is no words, date or repetition."""
    if len(set(window)) < 7:
        return False
    classes = window.translate(_CLASSES)
    if classes.count(0) > 5:
        return False
    if classes.count(_DIGIT) >= len(window) - 2:
        return True
    lower = window.lower()
    letters = classes.replace(b"\2", b"\1")
    pairs = [lower[at : at + 2] for at in range(len(window) - 1) if letters[at] == letters[at + 1] == _LOWER]
    return len(pairs) >= 6 and sum(pair in _PAIRS for pair in pairs) * 2 < len(pairs)


def fragments(value: bytes, marks: bytes) -> Iterator[tuple[bytes, bool]]:
    """The windows of `value` whose bytes are all marked, in every spelling; and whether it is one of the value itself.

    The others are letters and digits, or close to it, and looked for in squeezed text: one case of hexadecimal will do.
    """
    if marks.find(b"\1" * _BYTES) < 0 or len(value) < WINDOW:
        return
    long = len(value) > LONG
    for at in _windows(marks, WINDOW, 8 if long else 1):
        yield value[at : at + WINDOW], True
    size = _BYTES * 2 if long else _BYTES
    wanted = frozenset(_windows(marks, size, 1))
    chars = size * 4 // 3
    for before in range(3):
        text = base64_core(value, before)
        bits = -(-8 * before // 6) * 6 - 8 * before  # of the value, in front of the core
        for at in range(0, len(text) - chars + 1, chars if long else 1):
            if (bits + 6 * at) // 8 in wanted:
                yield text[at : at + chars], False
    digits = value.hex().encode()
    for at in range(0, len(digits) - 2 * size + 1, 2 * size if long else 1):
        if at // 2 in wanted:
            yield digits[at : at + 2 * size], False


def _windows(marks: bytes, size: int, step: int) -> Iterator[int]:
    wanted = b"\1" * size
    at = marks.find(wanted)
    while at >= 0:
        yield at
        at = marks.find(wanted, at + step)
