"""What a profile consists of.

Guarantees: frozen values; what is not said is refused (an option without a type takes no value, a command without `args` takes
no operand, a command without a preset does not exist).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final


class ProfileError(ValueError):
    """A profile is inconsistent; the text names tool, line and cause."""


class Preset(IntEnum):
    """How much of a tool is allowed; each includes the ones before it."""

    READ = 1  # looks only
    WRITE = 2  # everyday work of a coding agent (the default)
    ADMIN = 3  # what cannot be undone, or is seen by everybody


PRESETS: Final = MappingProxyType({preset.name.lower(): preset for preset in Preset})


class Kind(StrEnum):
    """The value types that the engine knows (docs/profiles.md says what each admits)."""

    TEXT = "TEXT"
    WORD = "WORD"
    NAME = "NAME"
    INT = "INT"
    NUMBER = "NUMBER"
    BOOL = "BOOL"
    DURATION = "DURATION"
    HOST = "HOST"
    HOSTPORT = "HOSTPORT"
    PORT = "PORT"
    URL = "URL"
    REPO = "REPO"
    ENDPOINT = "ENDPOINT"
    IMAGE = "IMAGE"
    REMOTE = "REMOTE"
    REF = "REF"
    REV = "REV"
    REFSPEC = "REFSPEC"
    PATH = "PATH"
    PATHSPEC = "PATHSPEC"
    DATA = "DATA"
    KV = "KV"
    SQL = "SQL"
    JSON = "JSON"
    ENUM = "ENUM"
    MATCH = "MATCH"
    LIST = "LIST"
    EITHER = "EITHER"


@dataclass(frozen=True, slots=True)
class ValueType:
    """A kind of value with its parameters.

    choices: of ENUM, value → the preset it needs, or the reason why it is denied. pattern: of MATCH, what the whole value has
    to look like; of REPO, what else may stand for a repository unless `repos` narrows; of URL,
    the one scheme; of PORT, the tool's usual one. forbidden: (pattern, reason) pairs,
    searched in the value. items: of LIST (each item), MATCH (each group) and EITHER (any of them). about: words for people
    ("a label").
    """

    kind: Kind
    choices: Mapping[str, Preset | str] = field(default_factory=dict)
    pattern: str = ""
    forbidden: tuple[tuple[str, str], ...] = ()
    items: tuple[ValueType, ...] = ()
    separator: str = ","
    about: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One option. values: the types of the arguments it takes (none: a flag).

    is_optional: its value can only be attached (`--color=auto`, `-U3`). is_greedy: its last type repeats until the next option.
    denied: why nobody may use it, or "".
    """

    spellings: tuple[str, ...]
    values: tuple[ValueType, ...] = ()
    is_optional: bool = False
    is_greedy: bool = False
    preset: Preset = Preset.READ
    denied: str = ""


@dataclass(frozen=True, slots=True)
class Operand:
    """One place for operands."""

    type: ValueType
    name: str
    is_required: bool = True
    is_repeated: bool = False
    preset: Preset = Preset.READ


@dataclass(frozen=True, slots=True)
class Form:
    """One way to use a command. scope: every spelling that is an option here. needs: one of these has to be given."""

    preset: Preset
    scope: Mapping[str, Option]
    operands: tuple[Operand, ...] = ()
    after: tuple[Operand, ...] | None = None  # after `--`, where that makes a difference
    needs: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """A node of the subcommand tree. No form: a group that only leads to its children. denied: why nobody may use it."""

    path: tuple[str, ...]
    forms: tuple[Form, ...] = ()
    leading: Mapping[str, Option] = field(default_factory=dict)  # the options between its name and a child's
    children: Mapping[str, Command] = field(default_factory=dict)
    denied: str = ""

    @property
    def text(self) -> str:
        return " ".join(self.path)


@dataclass(frozen=True, slots=True)
class Syntax:
    """How a tool takes its arguments apart. Abbreviated long options are never accepted, whatever the tool does: an inventory
    of options is never complete enough to know what an abbreviation stands for.
    """

    name: str
    permute: bool = True  # options after operands are options
    clusters: bool = True  # -abc is -a -b -c
    attached: bool = True  # -ovalue
    short_equals: bool = False  # -o=value means value, not "=value"
    equals: bool = True  # --option=value
    single_dash: bool = False  # -option is --option
    flag_values: bool = False  # --flag=false
    dash_values: bool = True  # --option -x: -x is the value
    terminator: bool = True  # `--` ends the options
    inherit: bool = True  # an option of a group may stand after its subcommand too


@dataclass(frozen=True, slots=True)
class Hardening:
    """What the sandbox does so that the tool reads nothing the agent wrote: no option of the agent's can undo it.

    env: variables to set; the value `{{baseUrl}}` or `{{origin}}` is the service's. insert: arguments put behind argv[0].
    programs: absolute paths of the only files and directories that the tool may execute beside itself, whatever configuration
    it meets (scripts among them need their interpreter too); None: any. files: absolute path in the private home → text of a
    file to make there, in strict sandboxes.

    HOME is private and empty anyway. Files of the workspace are not hidden: whoever owns it can put them there, or take a mount
    away by renaming, after the command started; what a tool reads there has to be overruled by env, insert or programs.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    insert: tuple[str, ...] = ()
    programs: tuple[str, ...] | None = None
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Profile:
    """One tool, as its module in `janee.profiles.tools` states it. grammar: see docs/profiles.md.

    companions: host of a service → further hosts that belong to it (api.x → x), so operators need not list them.
    delivery: which delivery suits (secretless, file, env). source: where the facts come from.
    """

    tool: str
    about: str
    syntax: Syntax
    grammar: str
    types: Mapping[str, ValueType] = field(default_factory=dict)
    harden: Hardening = field(default_factory=Hardening)
    companions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    delivery: str = "env"
    credentials: tuple[str, ...] = ()  # environment variables that carry its credential
    source: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A profile, ready to read a command line with. digest: SHA-256 (hex) of all that the profile says."""

    profile: Profile
    root: Command
    digest: str
