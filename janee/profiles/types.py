"""Building blocks for a profile's own value types.

Patterns are Python's; they run on values of at most 4,096 characters and must not nest repetitions.
"""

from __future__ import annotations

import re
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from janee.profiles._model import PRESETS, Kind, Preset, ProfileError, ValueType

BUILT_IN: Final = MappingProxyType(
    {kind.value: ValueType(kind) for kind in Kind if kind not in (Kind.ENUM, Kind.MATCH, Kind.LIST, Kind.EITHER)}
)


def one_of(words: str, *, denied: str = "", reason: str = "", about: str = "") -> ValueType:
    """One of the blank-separated `words`; `word@write` needs that preset. denied: words refused with `reason`."""
    choices: dict[str, Preset | str] = {}
    for word in words.split():
        value, mark, preset = word.rpartition("@")
        if mark and preset in PRESETS:
            choices[value] = PRESETS[preset]
        else:
            choices[word] = Preset.READ
    for word in denied.split():
        if not reason:
            raise ProfileError(f"{word} is denied without a reason")
        choices[word] = reason
    return ValueType(Kind.ENUM, choices=choices, about=about)


def matching(pattern: str, about: str) -> ValueType:
    """A value of which the whole matches."""
    return ValueType(Kind.MATCH, pattern=pattern, about=about)


def parts(pattern: str, about: str, *items: ValueType) -> ValueType:
    """A value of which the whole matches; each group that caught something has to be of its type, in order."""
    if re.compile(pattern).groups != len(items):
        raise ProfileError(f"{about}: the pattern needs one group for each type")
    return ValueType(Kind.MATCH, pattern=pattern, items=items, about=about)


def without(base: ValueType, *forbidden: tuple[str, str]) -> ValueType:
    """`base`, refused when one of the (pattern, reason) pairs is found in it. Patterns are searched ignoring case."""
    return replace(base, forbidden=(*base.forbidden, *forbidden))


def port(usual: int) -> ValueType:
    """A port of the service; `usual` where the service names none."""
    return ValueType(Kind.PORT, pattern=str(usual))


def listed(item: ValueType, separator: str = ",") -> ValueType:
    """Items with a separator between them, each of this type."""
    return ValueType(Kind.LIST, items=(item,), separator=separator)


def either(*items: ValueType) -> ValueType:
    """Any one of these types."""
    return ValueType(Kind.EITHER, items=items)


# Names under which people keep secrets; the credential's own files are not in the workspace at all.
_KEPT: Final = (
    r"(?:^|[/@=,])(?:\.env(?!\.(?:example|sample|template|dist)$)(?:\.[\w.-]+)?|\.envrc|\.netrc|_netrc|\.npmrc|\.pypirc|\.pgpass|\.my\.cnf|"
    r"\.git-credentials|\.htpasswd|\.vault-token|id_(?:rsa|dsa|ecdsa|ed25519)|\.(?:ssh|aws|kube|docker|gnupg|azure|config)(?:/.*)?|"
    r"(?:[\w.-]*[._-])?(?:credentials?|secrets?|kubeconfig|tfstate)(?:\.(?:json|ya?ml|toml|ini|txt|env|csv|tfvars|backup))?|"
    r"[\w.-]+\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|asc|gpg|tfstate))$"
)


def ordinary(base: ValueType) -> ValueType:
    """`base` (a path, or data that may name one), refused when the name is one that secrets are kept under."""
    return without(base, (_KEPT, "names a file of secrets"))


def data_or_file(base: ValueType, before: str = "") -> ValueType:
    """`base` (free text, or NAME=text), or `@FILE` in its place; the file no one that secrets are kept in. before: pattern."""
    file = parts(before + r"@([^\x00-\x1f]{1,4096})", "@FILE", ordinary(BUILT_IN["PATH"]))
    return either(file, without(base, (f"^{before}@", "reads a file that is not an ordinary one of the workspace")))
