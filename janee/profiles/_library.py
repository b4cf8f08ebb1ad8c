"""Finds profiles by the tool's name.

Guarantees: a module is imported when its tool is asked for, never before; a name that is not a plain tool name finds nothing.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Mapping
from typing import Final

from janee.profiles import tools
from janee.profiles._model import Profile, ProfileError, Tool
from janee.profiles._notation import build
from janee.profiles.refused import reason_for

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._+-]{0,63}")


def module_name(tool: str) -> str:
    return re.sub(r"[^a-z0-9]", "_", tool)


class Library:
    """The profiles met so far. Keep one as long as a policy is compiled; it holds no state that a decision depends on."""

    def __init__(self) -> None:
        self._modules: frozenset[str] | None = None
        self._tools: dict[str, Tool | None] = {}

    def names(self) -> tuple[str, ...]:
        """Every tool that has a profile; imports them all."""
        found: list[str] = []
        for module in sorted(self._known()):
            found.extend(profile.tool for profile in _profiles(module).values())
        return tuple(sorted(set(found)))

    def load(self, name: str) -> Tool | None:
        """The tool's profile, or None. Raises ProfileError if it is inconsistent."""
        if name not in self._tools:
            self._tools[name] = self._load(name)
        return self._tools[name]

    def refused(self, name: str) -> str:
        """Why no profile can be written for a program of this name, or ""."""
        return reason_for(name)

    def _load(self, name: str) -> Tool | None:
        module = module_name(name)
        if not _NAME.fullmatch(name) or module not in self._known():
            return None
        profile = _profiles(module).get(name)
        return None if profile is None else build(profile)

    def _known(self) -> frozenset[str]:
        if self._modules is None:
            self._modules = frozenset(module.name for module in pkgutil.iter_modules(tools.__path__))
        return self._modules


def _profiles(module: str) -> Mapping[str, Profile]:
    """What a module states: PROFILE."""
    found = getattr(importlib.import_module(f"janee.profiles.tools.{module}"), "PROFILE", None)
    if not isinstance(found, Profile) or module_name(found.tool) != module:
        raise ProfileError(f"the module {module} states no PROFILE of that name")
    return {found.tool: found}
