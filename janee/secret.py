"""A value that must not be shown.

Guarantees: `repr`, `str` and `format` are redacted; pickling, copying and hashing raise, and `json` refuses the type; equality
takes constant time; `.expose()` is the only way to the bytes, so that ``grep expose`` lists every use. It does not wipe memory:
CPython gives no such promise; the processes that hold secrets are non-dumpable instead.
"""

from __future__ import annotations

import hmac
from typing import Final, NoReturn

REDACTED: Final = "Secret(…)"


class Secret:
    """Bytes that only `expose()` and `expose_text()` give away."""

    __slots__ = ("__value",)

    def __init__(self, value: bytes | str) -> None:
        self.__value = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)

    def expose(self) -> bytes:
        return self.__value

    def expose_text(self) -> str:
        """The value as text; bytes that are not UTF-8 come back as surrogates (PEP 383), never as an error that quotes them."""
        return self.__value.decode("utf-8", "surrogateescape")

    def __len__(self) -> int:
        return len(self.__value)

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.__value, other.__value)

    __hash__ = None  # type: ignore[assignment]  # a dict key would compare, and show, the value

    def __repr__(self) -> str:
        return REDACTED

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return REDACTED

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is neither pickled nor copied")
