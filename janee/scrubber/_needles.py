"""From one secret to the byte strings to look for. Pure."""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from ._errors import ScrubberError
from ._forms import FORMS, PARTS, SHORTEST_DERIVED, SHORTEST_OTHER_CASE, VIEWS, Form, Part
from ._fragments import fragments, marked_bytes
from ._values import PART_BYTES

_PLAIN: Final = re.compile(rb"[A-Za-z0-9_.-]*")


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


def needles_of(secret: bytes, chosen: Chosen, windows: bool | None, min_length: int) -> set[bytes]:
    """Everything to look for on account of `secret`.

    windows: fragments, by entropy if None. min_length: bytes below which a part of the secret is no secret.
    """
    parts, forms, _ = chosen
    found: set[bytes] = set()
    done: set[bytes] = set()
    uses_marks = windows is not False or any(form.random for form in forms)
    short_forms = tuple(form for form in forms if form.lines and not (form.pieces and windows is not False))
    for value, is_line in _values(secret, parts, min_length):
        if value in done:
            continue
        done.add(value)
        marks = marked_bytes(value, every=windows is True) if uses_marks else b""
        found.update(_spellings(value, short_forms if is_line else forms, marks))
        if windows is not False and not is_line:
            found.update(fragments(value, marks))
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


def _spellings(value: bytes, forms: tuple[Form, ...], marks: bytes) -> Iterator[bytes]:
    plain = _PLAIN.fullmatch(value) is not None
    random = b"\1" in marks and len(value) >= SHORTEST_OTHER_CASE
    for form in forms:
        if len(value) > form.longest or (form.plain and plain) or (form.random and not random):
            continue
        for needle in form.generate(value):
            if len(needle) >= SHORTEST_DERIVED or needle == value:
                yield needle
