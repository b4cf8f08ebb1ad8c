"""The scrubber of one grant: which bytes must not come out, prepared once.

Guarantees
- Whatever passes `stream`, `scrub`, `scrub_text` or `scrub_json` contains none of the secrets in any of the chosen forms.
- A secret too short to be told from ordinary text is refused, not ignored.
- Built from values only, in memory only; no value shows in repr, str or an exception; it can be neither pickled nor copied.

Never decides what a secret is, where a stream comes from or how much of it is kept.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

from ._errors import ScrubberError
from ._matcher import Matcher
from ._needles import chosen_forms, needles_of
from ._seer import Seer
from ._squeezed import Loose
from ._stream import StreamScrubber

DEFAULT_MARKER: Final = b"[REDACTED]"
DEFAULT_MIN_LENGTH: Final = 8

_PIECE: Final = 1 << 18
_MAX_DEPTH: Final = 200

Secrets = Iterable[bytes | str] | Mapping[str, bytes | str]


class Scrubber:
    """Masks secrets in bytes, text and structured values. Immutable; made once per grant, shared by its streams."""

    __slots__ = ("_marker", "_matcher", "_names", "_seer")

    def __init__(
        self,
        secrets: Secrets,
        *,
        marker: bytes = DEFAULT_MARKER,
        forms: Iterable[str] | None = None,
        fragments: bool | None = None,
        min_length: int = DEFAULT_MIN_LENGTH,
    ) -> None:
        """Prepare to mask `secrets`; none: everything passes as it is.

        secrets: values (text is UTF-8), or a mapping from names, which then appear in `hits_by_secret`.
        marker: written once for each merged match; it is not looked into again.
        forms: names of `FORMS` and `PARTS`; None: all of them; ("raw",): the values alone.
        fragments: also mask every 16 bytes out of the middle of a value. None: where it looks random, if `forms` is None.
        min_length: a value of fewer bytes is refused (≥ 1).

        Raises ScrubberError: a value is too short, or a form is unknown.
        """
        named: Iterable[tuple[str | int, bytes | str]] = (
            secrets.items() if isinstance(secrets, Mapping) else enumerate(_checked_iterable(secrets))
        )
        if min_length < 1:
            raise ScrubberError("MIN_LENGTH_INVALID", f"min_length is {min_length}", "use 1 or more")
        chosen = chosen_forms(forms)
        windows = fragments if fragments is not None or forms is None else False
        needles: dict[bytes, int] = {}
        squeezed: dict[bytes, int] = {}
        cores: dict[bytes, frozenset[bytes] | None] = {}
        names: list[str | int] = []
        for name, given in named:
            value = given.encode("utf-8", "surrogateescape") if isinstance(given, str) else bytes(given)
            if len(value) < min_length:
                raise ScrubberError(
                    "SECRET_TOO_SHORT",
                    f"secret {name!r} has {len(value)} bytes, fewer than {min_length}: ordinary text would be masked too",
                    "use a longer secret, or lower the minimum for this one",
                )
            owner = 1 << len(names)
            names.append(name)
            found = needles_of(value, chosen, windows, min_length)
            for needle in found.literal:
                needles[needle] = needles.get(needle, 0) | owner
            for needle, words in (found.loose or {}).items():
                squeezed[needle] = squeezed.get(needle, 0) | owner
                known = cores.get(needle, frozenset())
                cores[needle] = None if known is None or words is None else known | words
        self._marker: Final = bytes(marker)
        self._names: Final = tuple(names)
        self._matcher: Final = Matcher(needles)
        loose = Loose(squeezed, {needle: words for needle, words in cores.items() if words is not None}) if squeezed else None
        terminal, columns = "terminal" in chosen.views, "columns" in chosen.views
        self._seer: Final = Seer(self._matcher, terminal, loose, columns) if needles and chosen.views else None

    def __repr__(self) -> str:
        return f"Scrubber({len(self._names)} secrets)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Scrubber holds secrets and cannot be pickled or copied")

    @property
    def longest(self) -> int:
        """Bytes of the longest string looked for; a stream never holds back as many."""
        return self._matcher.longest

    def stream(self) -> StreamScrubber:
        """A new scrubber for one pipe."""
        return StreamScrubber(self._matcher, self._seer, self._marker, self._names)

    def scrub(self, data: bytes) -> tuple[bytes, int]:
        """`data`, complete, with every match masked, and how many markers were written."""
        stream = self.stream()
        if len(data) <= _PIECE:
            return stream.feed(data) + stream.finish(), stream.hits
        view = memoryview(data)
        clean = [stream.feed(bytes(view[at : at + _PIECE])) for at in range(0, len(data), _PIECE)]
        clean.append(stream.finish())
        return b"".join(clean), stream.hits

    def scrub_text(self, text: str) -> str:
        """`text` with every match masked. Text that is not UTF-8 (lone surrogates) keeps what is not masked."""
        try:
            data, errors = text.encode(), "replace"
        except UnicodeEncodeError:
            try:
                data, errors = text.encode("utf-8", "surrogateescape"), "surrogateescape"
            except UnicodeEncodeError:
                data, errors = text.encode("utf-8", "surrogatepass"), "replace"
        clean, hits = self.scrub(data)
        return clean.decode("utf-8", errors) if hits else text

    def scrub_json(self, value: Any) -> Any:
        """A copy of `value` (what `json` makes) in which every string, key and number is scrubbed.

        Keys that become equal get a number, so that no entry is lost. Raises ScrubberError: nested too deep.
        """
        return self._scrub_value(value, _MAX_DEPTH)

    def _scrub_value(self, value: Any, depth: int) -> Any:
        if depth == 0:
            raise ScrubberError("TOO_DEEP", f"a value is nested more than {_MAX_DEPTH} deep", "send a flatter value")
        match value:
            case str():
                return self.scrub_text(value)
            case None | bool():
                return value
            case bytes():
                return self.scrub(value)[0]
            case int() | float():
                text = repr(value)
                clean = self.scrub_text(text)
                return value if clean == text else clean
            case Mapping():
                clean_items: dict[Any, Any] = {}
                for key, inner in value.items():
                    clean_items[self._free_key(key, depth, clean_items)] = self._scrub_value(inner, depth - 1)
                return clean_items
            case list():
                return [self._scrub_value(inner, depth - 1) for inner in value]
            case tuple():
                return tuple(self._scrub_value(inner, depth - 1) for inner in value)
        raise ScrubberError("NOT_JSON", f"a {type(value).__name__} is not a JSON value", "convert it first")

    def _free_key(self, key: Any, depth: int, taken: Mapping[Any, Any]) -> Any:
        clean = first = self._scrub_value(key, depth - 1)
        number = 2
        while clean in taken:
            clean = f"{first} ({number})"
            number += 1
        return clean


def _checked_iterable(secrets: Iterable[bytes | str]) -> Iterable[bytes | str]:
    if isinstance(secrets, str | bytes):  # would be taken for a sequence of one-letter secrets
        raise ScrubberError("NOT_A_LIST", "secrets is a single value, not an iterable of values", "pass [value]")
    return secrets
