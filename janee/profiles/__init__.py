"""Tool profiles: what the command line of a tool means, as data.

    library = Library()
    tool = library.load("git")            # None: no profile, so the bare name allows nothing
    reason = library.refused("bash")      # why no profile can be written for such a program

Guarantees: nothing is loaded before it is asked for; importing has no effect; a `Tool` that exists is consistent (every type
named in it is known, one spelling takes the same number of values in all forms of a command). How to write one:
docs/profiles.md.
Never: a decision. A profile says what an argument is and which preset it needs; `janee.authority.policy` decides.
"""

from janee.profiles._library import Library
from janee.profiles._model import (
    Command,
    Form,
    Hardening,
    Kind,
    Operand,
    Option,
    Preset,
    Profile,
    ProfileError,
    Syntax,
    Tool,
    ValueType,
)

__all__ = [
    "Command",
    "Form",
    "Hardening",
    "Kind",
    "Library",
    "Operand",
    "Option",
    "Preset",
    "Profile",
    "ProfileError",
    "Syntax",
    "Tool",
    "ValueType",
]
