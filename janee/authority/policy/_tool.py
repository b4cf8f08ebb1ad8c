"""An `allowCommands` entry that names a tool: its profile, narrowed or extended by the operator.

Guarantees: what the profile denies stays denied whatever the entry says; an entry's `allow` lifts commands and options to the
operator's preset, never over a denial; `deny`, `repos` and `hosts` only take away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from janee.authority.policy._hosts import Hosts, hosts_of
from janee.authority.policy._line import Line, Part, Refused, read_line
from janee.authority.policy._pattern import PatternError
from janee.authority.policy._values import Context
from janee.config.schema import Service
from janee.profiles import Preset, Tool

_OPTIONS: Final = frozenset({"preset", "allow", "deny", "repos", "hosts"})
_PRESETS: Final = {preset.name.lower(): preset for preset in Preset}


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """A tool that may be used. prefix: words that the line has to begin with. repos: None: all."""

    text: str
    tool: Tool
    preset: Preset
    allow: tuple[tuple[str, ...], ...]
    deny: tuple[tuple[str, ...], ...]
    hosts: Hosts
    repos: tuple[str, ...] | None = None
    prefix: tuple[str, ...] = ()

    def judge(self, command: tuple[str, ...], roots: tuple[str, ...]) -> Line | Refused:
        """The line, if it is allowed."""
        name = self.tool.profile.tool
        if command[0] != name and command[0] not in (f"/usr/bin/{name}", f"/bin/{name}", f"/usr/local/bin/{name}"):
            return Refused(0, f"argument 0 is not {name}")
        for position, word in enumerate(self.prefix, 1):
            if command[position : position + 1] != (word,):
                return Refused(position, f"argument {position} is not {word!r}, with which the entry begins")
        line = read_line(self.tool, command, Context(self.hosts, roots, self.repos))
        if isinstance(line, Refused):
            return line
        return self._verdict(line)

    def _verdict(self, line: Line) -> Line | Refused:
        words = line.path[1:]
        lifted = any(_begins(words, entry) for entry in (*self.allow, self.prefix) if entry and not _is_option(entry[-1]))
        granted = self.preset
        if lifted:  # to what the command itself needs, not to all of its options
            granted = max([granted, *(part.preset for part in line.parts if part.role == "form")])
        for part in line.parts:
            if self._is_taken_away(words, part):
                return Refused(part.position, f"`{' '.join(words)} {part.text}`: the entry's `deny` names it", line.parts)
            if part.preset > granted and not self._is_lifted(words, part):
                needed = part.preset.name.lower()
                why = f"{part.text} needs the preset {needed}, and the entry has {self.preset.name.lower()}"
                lift = (*words, part.text) if part.role == "option" else words
                return Refused(part.position, why, line.parts, lift=lift, needs=needed)
        return line

    def _is_taken_away(self, words: tuple[str, ...], part: Part) -> bool:
        for entry in self.deny:
            if _is_option(entry[-1]):
                if part.role == "option" and self._names(part, entry[-1]) and _begins(words, entry[:-1]):
                    return True
            elif part.role == "form" and _begins(words, entry):
                return True
        return False

    def _is_lifted(self, words: tuple[str, ...], part: Part) -> bool:
        return part.role == "option" and any(
            _is_option(entry[-1]) and self._names(part, entry[-1]) and _begins(words, entry[:-1]) for entry in self.allow
        )

    def _names(self, part: Part, spelling: str) -> bool:
        """Whether a part is the option of this spelling, or of another spelling of the same option."""
        return spelling in part.spellings


def compile_tool(tool: Tool, options: Mapping[str, object], service: Service, prefix: tuple[str, ...] = ()) -> ToolEntry:
    """Raises PatternError with the reason for people."""
    unknown = sorted(options.keys() - _OPTIONS)
    if unknown:
        raise PatternError(f"{unknown[0]!r} is no option of a tool entry; there are {', '.join(sorted(_OPTIONS))}")
    preset = options.get("preset", "write")
    if preset not in _PRESETS:
        raise PatternError("preset must be read, write or admin")
    narrowed = _texts(options, "hosts")
    hosts = hosts_of(service, tool.profile.companions, narrowed)
    if narrowed is not None and len(hosts.rules) != len(set(narrowed)):
        raise PatternError("hosts can only narrow the service's hosts; add the host to the service first")
    name = tool.profile.tool
    allow, deny = (_paths(tool, options, key) for key in ("allow", "deny"))
    text = " ".join((name, *prefix)) if prefix else f"tool: {name} ({preset})"
    return ToolEntry(text, tool, _PRESETS[str(preset)], allow, deny, hosts, _texts(options, "repos"), prefix)


def _texts(options: Mapping[str, object], key: str) -> tuple[str, ...] | None:
    value = options.get(key)
    if value is None:
        return None
    if not isinstance(value, tuple) or not value or not all(isinstance(item, str) and item for item in value):
        raise PatternError(f"{key} must be a list of texts")
    return value


def _paths(tool: Tool, options: Mapping[str, object], key: str) -> tuple[tuple[str, ...], ...]:
    """`issue create`, `push --force`: each has to name something that the profile knows."""
    entries = []
    for text in _texts(options, key) or ():
        words = tuple(text.split())
        node = tool.root
        for index, word in enumerate(words):
            if _is_option(word) and index == len(words) - 1:
                break
            if word not in node.children:
                raise PatternError(f"{key}: {text!r} is no command of {tool.profile.tool} that its profile knows")
            node = node.children[word]
        path = (*node.path[1:], words[-1]) if words and _is_option(words[-1]) else node.path[1:]
        if not path:
            raise PatternError(f"{key}: {text!r} names no command")
        if key == "allow" and node.denied:
            raise PatternError(f"allow: {text!r} is denied by the profile ({node.denied}); no entry lifts that")
        entries.append(path)
    return tuple(entries)


def _begins(words: tuple[str, ...], entry: tuple[str, ...]) -> bool:
    return words[: len(entry)] == entry


def _is_option(word: str) -> bool:
    return word.startswith("-")
