"""From one secret to the byte strings to look for. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from ._errors import ScrubberError
from ._forms import FORMS, PARTS, SHORTEST_DERIVED, VIEWS, Form, Part
from ._fragments import fragments, is_mixed, marked_bytes
from ._squeezed import core, squeeze
from ._values import PART_BYTES

_PLAIN: Final = re.compile(rb"[A-Za-z0-9_.-]*")


SQUEEZED: Final = "squeezed"
_SHORTEST_DENSE: Final = 10  # letters and digits: shorter numbers are anywhere
_SHORTEST_APART: Final = 6
_SHORTEST_WORD: Final = 4


@dataclass(frozen=True, slots=True)
class Needles:
    """What to look for in the text itself, and squeezed: there, for values that are words, with their cores (`_squeezed`).

    loose: None if squeezed text is not looked at; then everything is looked for in the text itself.
    """

    literal: set[bytes]
    loose: dict[bytes, frozenset[bytes] | None] | None

    def add(self, needle: bytes, *, literal: bool, dense: bool) -> None:
        """literal: look for it in the text itself too. dense: it looks random, however it is written."""
        if literal or self.loose is None:
            self.literal.add(needle)
        if self.loose is None:
            return
        folded = squeeze(needle)
        if dense and len(folded) >= _SHORTEST_DENSE:
            self.loose[folded] = None
        elif (literal or not dense) and len(folded) >= min(_SHORTEST_APART, max(_SHORTEST_WORD, -(-len(needle) // 2))):
            known = self.loose.get(folded, frozenset())
            self.loose[folded] = known if known is None else known | {core(needle)}


class Chosen(NamedTuple):
    """Rows of the tables, and the names of the views."""

    parts: tuple[Part, ...]
    forms: tuple[Form, ...]
    views: frozenset[str]


def chosen_forms(forms: Iterable[str] | None) -> Chosen:
    """The rows named by `forms`; None: all. Raises ScrubberError: no row has such a name."""
    if forms is None:
        return Chosen(PARTS, FORMS, frozenset(view.name for view in VIEWS))
    wanted = {forms} if isinstance(forms, str) else set(forms)
    known = [form.name for form in FORMS] + [row.name for row in PARTS] + [row.name for row in VIEWS]
    unknown = sorted(wanted.difference(known))
    if unknown:
        raise ScrubberError("FORM_UNKNOWN", f"no form is named {', '.join(unknown)}", f"the forms are: {', '.join(known)}")
    return Chosen(
        tuple(row for row in PARTS if row.name in wanted),
        tuple(row for row in FORMS if row.name in wanted),
        frozenset(row.name for row in VIEWS if row.name in wanted),
    )


def needles_of(secret: bytes, chosen: Chosen, windows: bool | None, min_length: int) -> Needles:
    """Everything to look for on account of `secret`.

    windows: fragments, by entropy if None. min_length: bytes below which a part of the secret is no secret.
    """
    parts, forms, shown = chosen
    found = Needles(set(), {}) if SQUEEZED in shown else Needles(set(), None)
    done: set[bytes] = set()
    uses_marks = windows is not False or SQUEEZED in shown
    short_forms = tuple(form for form in forms if form.lines and not (form.pieces and windows is not False))
    for value, is_line in _values(secret, parts, min_length):
        if value in done:
            continue
        done.add(value)
        marks = marked_bytes(value, every=False) if uses_marks else b""
        random = uses_marks and (b"\1" in marks or is_mixed(value))
        for form, needle in _spellings(value, short_forms if is_line else forms):
            found.add(needle, literal=form.literal, dense=form.dense or random)
        if windows is not False and not is_line:
            marks = marked_bytes(value, every=True) if windows else marks
            for needle, literal in fragments(value, marks):
                found.add(needle, literal=literal, dense=True)
    return found


def _values(secret: bytes, parts: tuple[Part, ...], min_length: int) -> Iterator[tuple[bytes, bool]]:
    """The secret and the secrets in it; and whether each is but a line of another."""
    yield secret, False
    shortest = max(min_length, PART_BYTES)
    for part in parts:
        for value in part.generate(secret):
            if len(value) >= shortest:
                yield value, part.lines
                if not part.lines and b"\n" in value:
                    for line in (row for row in parts if row.lines):
                        yield from ((inner, True) for inner in line.generate(value))


def _spellings(value: bytes, forms: tuple[Form, ...]) -> Iterator[tuple[Form, bytes]]:
    plain = _PLAIN.fullmatch(value) is not None
    for form in forms:
        if not form.shortest <= len(value) <= form.longest or (form.plain and plain):
            continue
        for needle in form.generate(value):
            if len(needle) >= SHORTEST_DERIVED or needle == value:
                yield form, needle
