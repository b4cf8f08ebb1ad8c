"""Commands against `argv` rules.

Guarantees: what no rule names is denied; tokens are compared by position and as a whole; argv[0] is exactly the rule's name (a
bare name or an absolute path, never `./gh` or `/tmp/gh` for `gh`); control, bidirectional and invisible characters pass only
where a literal of the rule holds them or a pattern names them. It never looks at a file: whether the executable is the right
one is for the Runner, which says what it found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from janee.authority.policy._pattern import Budget, Pattern, PatternError, compile_pattern, is_plain
from janee.authority.policy._tool import ToolEntry, compile_tool
from janee.config.schema import AnyOf, ArgvRule, CommandRule, Match, Service, ToolRule
from janee.profiles import Library

MAX_COMMAND_BYTES: Final = 512 << 10  # bytes of all arguments; the kernel takes 2 MiB with the environment

Token = str | AnyOf | Pattern


class Reading:
    """A command while rules are compared with it: the work that is left, and what is known of its arguments already."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self.command: Final = command
        self.budget: Final = Budget()
        self._last_odd: int | None = None

    def is_plain_from(self, position: int) -> bool:
        """Whether no argument from this one on holds a control or invisible character."""
        if self._last_odd is None:
            odd = (index for index in range(len(self.command) - 1, -1, -1) if not _is_plain_text(self.command[index]))
            self._last_odd = next(odd, -1)
        return position > self._last_odd


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """An `argv` rule, ready to match. text: how people write it."""

    text: str
    tokens: tuple[Token, ...]
    rest: bool

    def mismatch(self, reading: Reading) -> str | None:
        """Why the command does not match, or None if it does. Raises TooCostlyError."""
        command = reading.command
        for position, token in enumerate(self.tokens):
            if position >= len(command):
                return f"argument {position} is missing"
            if not _token_matches(token, command[position], reading.budget):
                return f"argument {position} does not match"
        surplus = command[len(self.tokens) :]
        if surplus and not self.rest:
            return f"{len(surplus)} more argument(s) than the rule has"
        if surplus and not reading.is_plain_from(len(self.tokens)):
            return "an argument holds a control or invisible character"
        return None


@dataclass(frozen=True, slots=True)
class UnknownTool:
    """A tool's name without a profile: it allows nothing. reason: why there can be none, or ""."""

    text: str
    tool: str
    reason: str = ""


def compile_rule(rule: CommandRule, service: Service, library: Library) -> CompiledRule | ToolEntry | UnknownTool:
    """Compile one `allowCommands` entry. Raises PatternError with the reason for people; ProfileError (our bug)."""
    if isinstance(rule, ToolRule):
        tool = library.load(rule.tool)
        if tool is None:
            return UnknownTool(f"tool: {rule.tool}", rule.tool, library.refused(rule.tool))
        return compile_tool(tool, rule.options, service)
    if rule.is_prefix and isinstance(rule.argv[0], str):
        words = tuple(word for word in rule.argv if isinstance(word, str))
        tool = library.load(words[0])
        if tool is not None:
            return compile_tool(tool, {}, service, words[1:])
    if not rule.argv:
        raise PatternError("an argv rule needs at least the command's name")
    _verify_name(rule.argv[0])
    tokens = tuple(compile_pattern(token.pattern) if isinstance(token, Match) else token for token in rule.argv)
    return CompiledRule(rule_text(rule), tokens, rule.rest)


def rule_text(rule: ArgvRule) -> str:
    words = [_token_text(token) for token in rule.argv]
    return "[" + ", ".join(words) + "]" + (" rest: any" if rule.rest else "")


def _verify_name(name: str | AnyOf | Match) -> None:
    if isinstance(name, Match):
        raise PatternError("argv[0] must be a name or `{in: […]}`, not a pattern")
    for value in [name] if isinstance(name, str) else sorted(name.values):
        is_path = "/" in value
        if not value or value in (".", "..") or not all(is_plain(character) and character != " " for character in value):
            raise PatternError(f"argv[0] {value!r} is no command name")
        if is_path and (not value.startswith("/") or any(part in ("", ".", "..") for part in value[1:].split("/"))):
            raise PatternError(f"argv[0] {value!r} must be a bare name or a plain absolute path")


def _is_plain_text(text: str) -> bool:
    return text.isprintable() or all(is_plain(character) for character in set(text))


def _token_matches(token: Token, argument: str, budget: Budget) -> bool:
    if isinstance(token, str):
        return argument == token
    if isinstance(token, AnyOf):
        return argument in token.values
    return token.matches(argument, budget)


def _token_text(token: str | AnyOf | Match) -> str:
    if isinstance(token, str):
        return ascii(token)[1:-1]
    if isinstance(token, AnyOf):
        return "{in: [" + ", ".join(ascii(value)[1:-1] for value in sorted(token.values)) + "]}"
    return "{match: " + ascii(token.pattern)[1:-1] + "}"
