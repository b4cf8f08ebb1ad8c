"""One command in one sandbox, without a zygote: for programs that need it now and then.

Guarantees: when `run` returns or raises, every process of the sandbox is dead and every descriptor closed; the output
is read without waiting for a process that outlived the command. Never: more than `max_output` bytes of a stream in
memory.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final, Literal

from sandbox.errors import ErrorCode, SandboxError
from sandbox.owner import Owner
from sandbox.relay import Connect, Relay, connect_by_name
from sandbox.spec import ANY_NAME, DEFAULT_PATH, HOME_DIR, USER_NAME, Completed, Refusal, SandboxSpec
from sandbox.streams import Streams

_DEFAULT_OUTPUT: Final = 16 * 1024 * 1024


def base_env() -> dict[str, str]:
    """The few variables that tools expect, with their values inside. A specification's environment is exact: start from
    this."""
    return {"PATH": DEFAULT_PATH, "HOME": HOME_DIR, "USER": USER_NAME, "LOGNAME": USER_NAME, "LANG": "C.UTF-8"}


class _Output:
    """What one stream gave, up to a limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.data = bytearray()
        self.is_truncated = False

    def take(self, chunk: bytes) -> None:
        room = self._limit - len(self.data)
        self.data += chunk[:room]
        self.is_truncated |= len(chunk) > room


def run(
    spec: SandboxSpec,
    *,
    stdin: bytes | int | None = None,
    max_output: int = _DEFAULT_OUTPUT,
    on_excess: Literal["truncate", "kill"] = "truncate",
    connect: Connect = connect_by_name,
    relay_stdin: bool = False,
) -> Completed:
    """Run one command and collect its output. Blocking.

    stdin: bytes to feed, a descriptor (stays the caller's), or None for no input. max_output: bytes kept of stdout, and
    of stderr; `on_excess` says whether what exceeds it is dropped or ends the command (as killed). relay_stdin: the command
    gets what the descriptor gives and not itself, which it could open anew (`/proc/self/fd/0`) and write to. Raises
    `SandboxError`.
    """
    out, err = _Output(max_output), _Output(max_output)
    refusals: list[Refusal] = []
    if any(host.name == ANY_NAME for host in spec.hosts):
        raise SandboxError(ErrorCode.BAD_SPEC, "nobody would answer for open names", "name the hosts, or use Cell.start")
    with ExitStack() as stack:
        streams = Streams()
        stack.callback(streams.close)
        theirs = ExitStack()
        with theirs:
            stdio = (
                _input(theirs, streams, stdin, relay_stdin),
                _output(theirs, streams, out.take),
                _output(theirs, streams, err.take),
            )
            report = watch_reports(theirs, streams, refusals.append) if spec.explain else None
            owner = stack.enter_context(Owner.start(spec, stdio, report))
        relay = Relay(tuple(zip(owner.listeners, spec.hosts, strict=True)), connect)
        stack.callback(relay.close)
        streams.pump(owner.fileno(), until=lambda: on_excess == "kill" and (out.is_truncated or err.is_truncated))
        if on_excess == "kill" and (out.is_truncated or err.is_truncated):
            owner.kill()
        ended = owner.result()
        streams.drain()
    return Completed(ended, bytes(out.data), bytes(err.data), out.is_truncated or err.is_truncated, tuple(refusals))


def watch_reports(theirs: ExitStack, streams: Streams, take: Callable[[Refusal], None]) -> int:
    """A pipe for the supervisor of an explained run."""
    from sandbox.explain import Lines

    return _output(theirs, streams, Lines(take).feed)


def _output(theirs: ExitStack, streams: Streams, sink: Callable[[bytes], None]) -> int:
    reader, writer = os.pipe()
    theirs.callback(os.close, writer)
    streams.watch(reader, sink)
    return writer


def _input(theirs: ExitStack, streams: Streams, stdin: bytes | int | None, is_relayed: bool) -> int:
    if isinstance(stdin, int) and not is_relayed:
        return stdin
    if stdin is None:
        null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        theirs.callback(os.close, null)
        return null
    reader, writer = os.pipe()
    theirs.callback(os.close, reader)
    if isinstance(stdin, int):
        streams.relay(stdin, writer)
    else:
        streams.feed(writer, stdin)
    return reader
