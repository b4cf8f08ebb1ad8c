"""A command against a capability's `allowCommands`: which entry allows it, or why none does and what would change that.

Guarantees: an entry that does not match says why, with the position of the argument at fault; a command that no entry allows is
denied; the suggestion names the smallest change of the configuration and its risk, and never one that a profile rules out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from janee.authority.policy._argv import MAX_COMMAND_BYTES, CompiledRule, Reading, UnknownTool
from janee.authority.policy._decision import RefusalError, Trace
from janee.authority.policy._line import Line, Part, Refused
from janee.authority.policy._pattern import TooCostlyError, is_plain
from janee.authority.policy._tool import ToolEntry
from janee.protocol import ReasonCode

if TYPE_CHECKING:
    from janee.authority.policy._compile import CompiledCapability

_NO_WORKSPACES: Final = frozenset({"", "bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "usr"})
NOTHING_LIFTS: Final = "nothing in the entry lifts this"
_MOST_PARTS: Final = 64  # steps of a trace that a command line may take
_RISKS: Final = {
    "admin": "what it does cannot be undone, or is seen by others",
    "write": "it changes things",
    "read": "it shows more",
}


def check_command(
    compiled: CompiledCapability, command: tuple[str, ...], roots: tuple[str, ...], trace: Trace
) -> CompiledRule | ToolEntry:
    """The entry that allows the command. roots: the directories that count as the workspace. Raises RefusalError."""
    _verify_form(compiled, command)
    reading = Reading(command)
    refusals: list[tuple[ToolEntry, Refused]] = []
    for entry in compiled.commands:
        try:
            found = _judge(entry, reading, roots)
        except TooCostlyError as error:
            raise _refusal(str(error), "use shorter arguments or simpler patterns") from None
        if found is None or isinstance(found, Line):
            if isinstance(found, Line):
                _note_parts(found.parts, trace)
            return entry  # type: ignore[return-value]  # an UnknownTool never allows
        if isinstance(found, Refused) and isinstance(entry, ToolEntry):
            if found.position > 0:
                refusals.append((entry, found))
            found = f"argument {found.position}: {found.why}"
        trace.note("rule", f"{entry.text}: {found}", "skip")
    if refusals:
        nearest = max(refusals, key=lambda item: item[1].position)
        _note_parts(nearest[1].parts, trace)
        raise _refused(compiled, nearest[0], nearest[1])
    raise _no_entry(compiled, command)


def is_plain_path(path: str) -> bool:
    parts = path[1:].split("/")
    is_normal = path.startswith("/") and (path == "/" or all(part not in ("", ".", "..") for part in parts))
    return is_normal and all(is_plain(character) for character in path)


def is_workspace(path: str) -> bool:
    """Whether what lies below a path can count as the workspace's files; the Runner refuses more."""
    return is_plain_path(path) and path.split("/")[1] not in _NO_WORKSPACES


def _verify_form(compiled: CompiledCapability, command: tuple[str, ...]) -> None:
    if not command or not command[0]:
        raise _refusal("the command is empty", "name a command")
    if _is_too_long(command):
        raise _refusal(f"the command has more than {MAX_COMMAND_BYTES} bytes", "use stdin")
    if any("\0" in argument for argument in command):
        raise _refusal("an argument holds a NUL", "leave it out")
    if not compiled.commands:
        name = compiled.capability.name
        raise _refusal(f"{name} has no allowCommands, so it allows nothing", _hint(name))


def _is_too_long(command: tuple[str, ...]) -> bool:
    left = MAX_COMMAND_BYTES
    for argument in command:
        left -= len(argument)  # a character is a byte at least; bytes are counted only if they could be few enough
        if left < 0:
            return True
    return sum(len(argument.encode("utf-8", "surrogatepass")) for argument in command) > MAX_COMMAND_BYTES


def _judge(
    entry: CompiledRule | ToolEntry | UnknownTool, reading: Reading, roots: tuple[str, ...]
) -> Line | Refused | str | None:
    """None or a Line: allowed. Raises TooCostlyError."""
    if isinstance(entry, CompiledRule):
        return entry.mismatch(reading)
    if isinstance(entry, UnknownTool):
        return f"{entry.tool} {entry.reason or 'has no tool profile'}"
    return entry.judge(reading.command, roots)


def _note_parts(parts: Sequence[Part], trace: Trace) -> None:
    """The command line as it was understood."""
    for part in parts[:_MOST_PARTS]:
        text = ascii(part.text if len(part.text) <= 80 else part.text[:79] + "…")
        trace.note("argv", f"argument {part.position}: {part.role} {text}, by {part.rule}, needs {part.preset.name.lower()}")


def _refused(compiled: CompiledCapability, entry: ToolEntry, refused: Refused) -> RefusalError:
    name = compiled.capability.name
    policy = f"allowCommands of {name}: {entry.text}: argument {refused.position}: {refused.why}"
    return _refusal(_cut(policy), _suggestion(compiled, entry, refused))


def _suggestion(compiled: CompiledCapability, entry: ToolEntry, refused: Refused) -> str:
    """The smallest change that would allow the line, and its risk."""
    name, tool = compiled.capability.name, entry.tool.profile.tool
    edit = f"janee capability edit {name} --allow-command"
    if refused.lift:
        risk = _RISKS[refused.needs]
        change = f"{{tool: {tool}, preset: {entry.preset.name.lower()}, allow: [{' '.join(refused.lift)!r}]}}"
        return f'allow it: {edit} "{change}" (risk: {risk})'
    if refused.is_denied:
        return f"{NOTHING_LIFTS}; only an exact {{argv: […]}} rule would, and then: {_cut(refused.why, 120)}"
    if "not the service's" in refused.why:
        service = compiled.service.name
        return f"if the host is the service's: janee service edit {service} --host … (risk: the credential may then go there)"
    exact = f"{edit} '{{argv: […]}}' (risk: the profile cannot judge it)"
    return f"correct argument {refused.position}, or allow exactly this line: {exact}"


def _no_entry(compiled: CompiledCapability, command: tuple[str, ...]) -> RefusalError:
    name = compiled.capability.name
    rules = "; ".join(rule.text for rule in compiled.commands)
    note = ""
    for rule in compiled.commands:
        if isinstance(rule, UnknownTool) and rule.tool == command[0]:
            why = f"{rule.tool} {rule.reason}" if rule.reason else f"there is no tool profile for {rule.tool}"
            note = f" ({_cut(why, 160)}: a bare name allows nothing)"
    return _refusal(f"allowCommands of {name}: {_cut(rules)}{note}", _hint(name))


def _hint(name: str) -> str:
    return f"see `janee explain {name} -- …`; allow it: janee capability edit {name} --allow-command '{{argv: […]}}'"


def _refusal(policy: str, next_step: str) -> RefusalError:
    return RefusalError(ReasonCode.COMMAND_NOT_ALLOWED, policy, next_step)


def _cut(text: str, most: int = 600) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
