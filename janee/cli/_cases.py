"""Cases for the policy: JSON lines read, each decided by the function that decides in the Authority.

Guarantees: a malformed case is bad input with its line's number, never skipped; a line has at most MAX_CASE_BYTES and no more
of it is read; nothing waits for a FIFO that nobody writes to. No case at all is bad input too: it would pass with any policy.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from janee.cli.explain import DEFAULT_AGENT
from janee.errors import UsageError

if TYPE_CHECKING:
    from janee.authority.policy import Decision, Policy

MAX_CASE_BYTES: Final = 4 << 20
MAX_CASES: Final = 1_000_000
_FIELDS: Final = frozenset(
    {"capability", "agent", "argv", "cwd", "reason", "method", "path", "query", "headers", "body", "expect"}
)


@dataclass(frozen=True, slots=True)
class Case:
    """One line. given: the line's object, to be printed back."""

    line: int
    given: dict[str, Any]

    @property
    def expects_allow(self) -> bool:
        return bool(self.given["expect"] == "allow")


def read_cases(name: str, *, needs_expect: bool = True) -> Iterator[Case]:
    """The cases of a file; `-`: stdin. Raises UsageError."""
    with _open(name) as file:
        number = found = 0
        while line := file.readline(MAX_CASE_BYTES + 1):
            number += 1
            if not line.strip():
                continue
            found += 1
            if found > MAX_CASES:
                raise _bad(f"line {number}: there are more than {MAX_CASES} cases")
            yield Case(number, _parse(line, number, needs_expect))
    if not found:
        raise _bad(f"{name} has no case")


def _open(name: str) -> IO[bytes]:
    """A file, or a pipe: one without a writer is empty, not waited for."""
    if name == "-":
        return sys.stdin.buffer
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _bad(f"{name!r}: {str(getattr(error, 'strerror', error)).lower()}") from None
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _bad(f"{name!r} is a directory")
    os.set_blocking(descriptor, True)
    return open(descriptor, "rb")


def _parse(line: bytes, number: int, needs_expect: bool) -> dict[str, Any]:
    if len(line) > MAX_CASE_BYTES:
        raise _bad(f"line {number}: has more than {MAX_CASE_BYTES} bytes")
    try:
        given = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise _bad(f"line {number}: is not UTF-8") from None
    except (ValueError, RecursionError):
        raise _bad(f"line {number}: is not JSON") from None
    problem = _problem({"expect": "allow"} | given if isinstance(given, dict) and not needs_expect else given)
    if problem is not None:
        raise _bad(f"line {number}: {problem}")
    result: dict[str, Any] = given
    return result


def _bad(message: str) -> UsageError:
    return UsageError("USAGE", message, "see: janee policy test --help")


def decide(policy: Policy, given: dict[str, Any]) -> Decision:
    """The decision about a case, in its own form."""
    from janee.authority.policy import ExecQuery, HttpQuery, decide_exec, decide_http

    agent = given.get("agent", DEFAULT_AGENT)
    if "argv" in given:
        query = ExecQuery(
            given["capability"],
            agent,
            tuple(given["argv"]),
            cwd=given.get("cwd"),
            reason=given.get("reason"),
            is_hypothetical=True,
        )
        return decide_exec(policy, query)
    http = HttpQuery(
        given["capability"],
        agent,
        given["method"],
        given["path"],
        query=tuple(given.get("query", {}).items()),
        headers=given.get("headers", {}),
        body=given.get("body"),
        reason=given.get("reason"),
        is_hypothetical=True,
    )
    return decide_http(policy, http)


def _problem(given: Any) -> str | None:
    """What is wrong with the form of a case, or None."""
    if not isinstance(given, dict):
        return "not a JSON object"
    unknown = sorted(given.keys() - _FIELDS)
    if unknown:
        return f"unknown field {unknown[0]!r}"
    texts = ("capability", "agent", "cwd", "reason", "method", "path", "body")
    if not isinstance(given.get("capability"), str) or any(not isinstance(given[n], str) for n in texts if n in given):
        return "capability, agent, cwd, method, path and body are strings, and capability is needed"
    if given.get("expect") not in ("allow", "deny"):
        return '"expect" must be "allow" or "deny"'
    if ("argv" in given) == ("method" in given and "path" in given):
        return 'either "argv" or "method" and "path" is needed'
    if "argv" in given and not (isinstance(given["argv"], list) and all(isinstance(item, str) for item in given["argv"])):
        return '"argv" is a list of strings'
    for name in ("headers", "query"):
        value = given.get(name, {})
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            return f'"{name}" maps names to strings'
    return None
