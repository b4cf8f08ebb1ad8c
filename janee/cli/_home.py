"""What the set-up commands share: the home that the environment names, and a change to configuration and store that is audited.

Guarantees: a change is checked as a whole (also by the policy compiler), then audited durably, then put in place; if any step
fails, the configuration is as it was.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from janee.config.file import JaneeHome, edit_config
from janee.config.schema import NAME, Config
from janee.errors import UsageError

if TYPE_CHECKING:
    from janee.authority.policy import Policy
    from janee.authority.store import Transaction

AGENT_PATTERN: Final = re.compile(r"[A-Za-z0-9*][A-Za-z0-9._:@/+*-]{0,127}")


def current_home() -> JaneeHome:
    return JaneeHome.resolve(os.environ)


def operator() -> str:
    """Who runs this command, for the audit log. Not proven: the operator's account is what protects the home."""
    return f"uid:{os.getuid()}"


@contextlib.contextmanager
def changing(
    home: JaneeHome,
    event: str,
    *,
    fields: Callable[[Config], Mapping[str, Any]],
    write: Callable[[Transaction], object] = lambda _: None,
) -> Iterator[Any]:
    """Change config.yaml in a `with` block (it yields the root mapping), and the store with it.

    fields: the audit record's, from the new configuration; write: what to change in the store in the same commit.
    """
    from janee.authority.store import Store

    with Store.open(home) as store:

        def commit(config: Config) -> None:
            compiled(config)
            with store.transaction() as transaction:
                transaction.audit(event, operator=operator(), **fields(config))
                write(transaction)

        with edit_config(home.config_file, before_replace=commit) as root:
            yield root


def compiled(config: Config) -> Policy:
    """The policy of a configuration. Raises ConfigError for a rule that cannot be matched."""
    from janee.authority.policy import compile_policy

    return compile_policy(config)


def section(root: Any, name: str) -> Any:
    """The mapping `name` of the configuration, made if it is empty or not there."""
    if not root.get(name):
        # a new block mapping: `services: {}` would go on in one line
        root[name] = type(root)()
    return root[name]


def verify_name(name: str, what: str) -> None:
    """Raises UsageError for what cannot be the name of a service, capability or agent."""
    if not NAME.fullmatch(name):
        raise UsageError("USAGE", f"{what} {name!r} is not a name", "use letters, digits and . _ : @ / + - (at most 128)")


def verify_pattern(pattern: str) -> None:
    """Raises UsageError for what cannot be a pattern of agent ids."""
    if not AGENT_PATTERN.fullmatch(pattern):
        raise UsageError("USAGE", f"{pattern!r} is not a pattern of agent ids", "write creature:patch or 'creature:*'")


def missing(what: str, name: str, known: object) -> UsageError:
    names = ", ".join(sorted(map(str, known))) if isinstance(known, Mapping) else ""
    return UsageError("NOT_FOUND", f"there is no {what} {name!r}", f"known: {names}" if names else f"janee {what} add {name}")
