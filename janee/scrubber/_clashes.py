"""Which secrets would mask what is no secret: words that the operator uses anyway. Pure; names secrets, never quotes them."""

from collections.abc import Iterable, Mapping


def find_clashes(secrets: Mapping[str, bytes | str], words: Iterable[str]) -> tuple[str, ...]:
    """The names of those `secrets` that occur in one of `words` (of a command line, a configuration, the marker)."""
    texts = [word.encode("utf-8", "surrogateescape") for word in words]
    values = {
        name: value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value for name, value in secrets.items()
    }
    return tuple(name for name, value in values.items() if value and any(value in text for text in texts))
