"""`python -m sandbox run|check`: the command line.

Guarantees: the exit status of `run` is the command's own, 128+N when signal N killed it, 124 timed out, 125 the sandbox
could not be had, 126 not executable, 127 not found; one line `sandbox: error: …` (and `sandbox: hint: …`) on stderr
when it is ours. Never: a traceback for bad input, a terminal, file, socket or pipe of the caller handed to the command (they
are relayed through pipes of its own).
"""

import argparse
import dataclasses
import ipaddress
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any, Final, NoReturn, TextIO

from sandbox.errors import ErrorCode, SandboxError
from sandbox.owner import Owner
from sandbox.relay import Relay, connect_by_name
from sandbox.run import base_env, run, watch_reports
from sandbox.spec import Exit, HostEntry, Level, Limits, Mount, Refusal, SandboxSpec, temp_dir
from sandbox.streams import Streams

_USAGE_STATUS: Final = 125  # a usage error means: the sandbox was not applied
_INTERRUPTED_STATUS: Final = 130
_PATIENCE_S: Final = 1.0  # after a timeout, with a reader that takes nothing
_MAX_TIMEOUT_S: Final = 2_000_000  # poll(2) counts milliseconds in an int
_MAX_PORT_DIGITS: Final = 5
_UNAVAILABLE_STATUS: Final = 6


class _Parser(argparse.ArgumentParser):
    """Errors in the words of this program."""

    def error(self, message: str) -> NoReturn:
        _complain(message, f"see python -m sandbox {'run' if 'run' in self.prog else ''} --help".replace("  ", " "))
        raise SystemExit(_USAGE_STATUS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.function(options))
    except SandboxError as error:
        if getattr(options, "json", False):
            _say(json.dumps({"error": error.code.value, "message": error.message, "hint": error.hint}) + "\n")
        _complain(error.message, error.hint)
        return error.exit_status
    except KeyboardInterrupt:
        return _INTERRUPTED_STATUS


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m sandbox", description="Run one untrusted command so that nothing gets out.")
    commands = parser.add_subparsers(required=True, metavar="run|check")
    runner = commands.add_parser("run", help="run a command in a sandbox")
    runner.set_defaults(function=_run)
    levels = [Level.STRICT.value, Level.LANDLOCK.value]
    runner.add_argument(
        "--level", choices=levels, default=Level.STRICT.value, help="strict (default), or landlock: without namespaces"
    )
    runner.add_argument("--ro", action="append", default=[], metavar="PATH", help="show a path, read-only")
    runner.add_argument("--rw", action="append", default=[], metavar="PATH", help="show a path, writable")
    runner.add_argument("--cwd", metavar="PATH", help="working directory inside (default: a private home)")
    runner.add_argument(
        "--env", action="append", default=[], metavar="K=V", help="set a variable (beside PATH, HOME, USER, LOGNAME, LANG)"
    )
    runner.add_argument(
        "--net",
        default="none",
        metavar="none|HOST:PORT,…",
        help="names that exist inside, with a relay to each (default: none)",
    )
    runner.add_argument("--timeout", type=float, metavar="S", help="kill everything after S seconds")
    runner.add_argument(
        "--memory", type=int, metavar="MIB", help="memory: of all processes with a cgroup, else private memory of each"
    )
    runner.add_argument("--pids", type=int, metavar="N", help="processes and threads at once")
    runner.add_argument("--cpu", type=int, metavar="PERCENT", help="of one core, for all of it; needs a cgroup")
    runner.add_argument(
        "--explain", action="store_true", help="name on stderr every call and path that the sandbox refuses (slow)"
    )
    runner.add_argument("--json", action="store_true", help="collect the output and print one JSON object")
    runner.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- CMD ARG…")
    check = commands.add_parser("check", help="try every layer on this machine")
    check.set_defaults(function=_check)
    check.add_argument("--level", choices=levels, default=Level.STRICT.value)
    check.add_argument("--json", action="store_true")
    return parser


def _run(options: argparse.Namespace) -> int:
    spec = _spec_of(options)
    return _run_for_json(spec) if options.json else _execute(spec).status


def _run_for_json(spec: SandboxSpec) -> int:
    """Collect the output and print one JSON object in its place."""
    started = time.monotonic()
    done = run(spec, stdin=0 if _is_open(0) and not os.isatty(0) else None, relay_stdin=not _is_null(0))
    report = {
        "exitCode": done.exit.code,
        "signal": done.exit.signal,
        "timedOut": done.exit.timed_out,
        "status": done.exit.status,
        "level": spec.level.value,
        "stdout": done.stdout.decode(errors="replace"),
        "stderr": done.stderr.decode(errors="replace"),
        "truncated": done.truncated,
        **({"refusals": [dataclasses.asdict(refusal) for refusal in done.refusals]} if spec.explain else {}),
        "durationMs": round((time.monotonic() - started) * 1000, 3),
    }
    _say(json.dumps(report) + "\n")
    return done.exit.status


def _spec_of(options: argparse.Namespace) -> SandboxSpec:
    argv = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
    if not argv:
        raise SandboxError(ErrorCode.BAD_SPEC, "no command given", "python -m sandbox run -- CMD ARG…")
    if options.timeout is not None and options.timeout > _MAX_TIMEOUT_S:
        raise SandboxError(ErrorCode.BAD_SPEC, f"--timeout is more than {_MAX_TIMEOUT_S} seconds", "leave it out for no limit")
    limits: dict[str, Any] = {"wall_s": options.timeout, "memory_mib": options.memory, "cpu_percent": options.cpu}
    if options.pids is not None:
        limits["pids"] = options.pids
    mounts = (*(_mount(path, writable=False) for path in options.ro), *(_mount(path, writable=True) for path in options.rw))
    return SandboxSpec(
        argv=tuple(argv),
        env=base_env() | _moved_temp_dir(mounts) | dict(_variable(text) for text in options.env),
        cwd=options.cwd and os.path.abspath(options.cwd),
        level=Level(options.level),
        mounts=mounts,
        hosts=_hosts(options.net),
        limits=Limits(**limits),
        explain=options.explain,
    )


def _moved_temp_dir(mounts: tuple[Mount, ...]) -> dict[str, str]:
    """TMPDIR where /tmp, the place that tools take by themselves, cannot be written to."""
    where = temp_dir(mounts)
    return {} if where == "/tmp" else {"TMPDIR": where}  # noqa: S108  # the sandbox's own


def _variable(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise SandboxError(ErrorCode.BAD_SPEC, f"not K=V: {name!r}", "write --env NAME=VALUE")
    return name, value


def _mount(path: str, *, writable: bool) -> Mount:
    absolute = os.path.abspath(path)
    return Mount(os.path.realpath(absolute), absolute, writable)


def _hosts(text: str) -> tuple[HostEntry, ...]:
    if text == "none":
        return ()
    addresses: dict[str, str] = {}
    entries = []
    for item in text.split(","):
        name, separator, port = item.rpartition(":")
        if not separator or "*" in name or not port.isdecimal() or len(port) > _MAX_PORT_DIGITS:
            raise SandboxError(ErrorCode.BAD_SPEC, f"not HOST:PORT: {item!r}", "write --net none or --net HOST:PORT,…")
        address = addresses.setdefault(name, _address_for(name, len(addresses) + 1))
        entries.append(HostEntry(name, address, int(port)))
    return tuple(entries)


def _address_for(name: str, position: int) -> str:
    """Where a name lives inside: loopback stays what it is, everything else gets an address of 127.0.64.0/24."""
    if name == "localhost":
        return "127.0.0.1"
    try:
        literal = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return f"127.0.64.{position}"
    if isinstance(literal, ipaddress.IPv6Address) or not literal.is_loopback:
        raise SandboxError(ErrorCode.BAD_SPEC, f"only names and 127.x.y.z can be reached, not {name!r}", "use the host's name")
    return name


def _execute(spec: SandboxSpec) -> Exit:
    with ExitStack() as stack:
        streams = Streams()
        stack.callback(streams.close)
        with ExitStack() as theirs:
            stdio = (_stdin(theirs, streams), _stdout(theirs, streams, 1), _stdout(theirs, streams, 2))
            report = watch_reports(theirs, streams, _tell) if spec.explain else None
            owner = stack.enter_context(Owner.start(spec, stdio, report))
        relay = Relay(tuple(zip(owner.listeners, spec.hosts, strict=True)), connect_by_name)
        stack.callback(relay.close)
        streams.pump(owner.fileno())
        ended = owner.result()
        streams.drain(_PATIENCE_S if ended.timed_out else None)
    return ended


def _tell(refusal: Refusal) -> None:
    _write(sys.stderr, f"sandbox: {refusal}\n")


def _stdin(theirs: ExitStack, streams: Streams) -> int:
    if _is_null(0):
        return 0
    if not _is_open(0):
        return _null(theirs)
    reader, writer = os.pipe()
    theirs.callback(os.close, reader)
    streams.relay(0, writer)
    return reader


def _stdout(theirs: ExitStack, streams: Streams, number: int) -> int:
    if _is_null(number):
        return number
    if not _is_open(number):
        return _null(theirs)
    reader, writer = os.pipe()
    theirs.callback(os.close, writer)
    streams.forward(reader, number)
    return writer


def _null(theirs: ExitStack) -> int:
    descriptor = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    theirs.callback(os.close, descriptor)
    return descriptor


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _is_null(number: int) -> bool:
    """Is it /dev/null, which pid 1 replaces by its own? All else is relayed: reopened through /proc, a descriptor is more than
    was given, and a pipe both of its ends; and its flags are shared with the caller."""
    try:
        return os.path.samestat(os.fstat(number), os.stat("/dev/null"))
    except OSError:
        return False


def _check(options: argparse.Namespace) -> int:
    from sandbox.check import check, render

    reports = check(Level(options.level))
    if options.json:
        layers = [{"layer": r.name, "ok": r.ok, "required": r.required, "cause": r.cause, "remedy": r.remedy} for r in reports]
        _say(json.dumps({"level": options.level, "layers": layers}) + "\n")
    else:
        _say(render(reports))
    return 0 if all(report.ok or not report.required for report in reports) else _UNAVAILABLE_STATUS


def _complain(message: str, hint: str) -> None:
    _write(sys.stderr, f"sandbox: error: {message}\n" + (f"sandbox: hint: {hint}\n" if hint else ""))


def _say(text: str) -> None:
    _write(sys.stdout, text)


def _write(stream: TextIO | None, text: str) -> None:
    """A stream that is closed (None), or whose reader is gone, changes no exit status."""
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        with suppress(OSError):  # what is still buffered would be tried again, and complained of, at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
