"""The Executor: one process, one key, one grant, one command.

Forked by the zygote with a sandbox prepared. It says hello with a fresh public key, takes one order, and in this order: checks
that the grant in it is for exactly this request and has not expired; opens the grant; starts the command, and builds the
scrubber meanwhile; drops to a filter of the few system calls that pumping needs; pumps scrubbed bytes until the whole process
tree is dead; reports; ends. The relay, its only companion, is forked before all of this, so that it holds nothing.

Guarantees: the secret leaves this process only into the command's environment and never as output; every text that goes to
the front is scrubbed; on any doubt the outcome is `refused` and nothing was started; when the front goes away, everything dies.
It never talks to the Authority and imports neither pydantic nor mcp; the HTTP library is the relay's.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from janee.errors import JaneeError, ProtocolError
from janee.passed import passed
from janee.runner.frames import TO_EXECUTOR, Frame, FrameReader, FrameType, State, encode_frame
from janee.runner.order import (
    ExecRequest,
    GrantTerms,
    Order,
    Program,
    check_order,
    encode_order,
    parse_order,
)
from janee.runner.pump import READ_BYTES, FrontGoneError, Pump, Stream
from janee.runner.relay import Egress, Relay, Target, host_entries, parse_origin, parse_target
from janee.runner.tls import make_trust, server_context, trust_env
from janee.runner.workspace import plan_workspace
from janee.scrubber import Scrubber, ScrubberError, StreamScrubber
from janee.seal import SealedContent, SealKey, seal_content
from janee.secret import Secret
from janee.tunnel import EgressKey
from sandbox import (
    HOME_DIR,
    TRUST_BUNDLE,
    Cell,
    Child,
    ErrorCode,
    Exit,
    FileIdentity,
    Level,
    Limits,
    PrivateFile,
    SandboxError,
    SandboxSpec,
    apply_pump_filter,
    base_env,
    compile_pump_filter,
    protect_memory,
    temp_dir,
)

_FILES: Final = f"{HOME_DIR}/.janee"  # private files of the delivery `file`
_SYSTEM: Final = ("/usr/", "/bin/", "/sbin/")  # links in /etc/alternatives do not exist inside
_MAX_LINKS: Final = 8
_FIXED_ENV: Final = (("LANG", "C.UTF-8"), ("TERM", "dumb"))
_LIMITS: Final = {
    "cpuS": "cpu_s",
    "memoryMib": "memory_mib",
    "pids": "pids",
    "cpuPercent": "cpu_percent",
    "openFiles": "open_files",
    "fileSizeMib": "file_size_mib",
    "tmpfsMib": "tmpfs_mib",
    "tmpfsInodes": "tmpfs_inodes",
}
_DEFAULT_LIMITS: Final = {"memory_mib": 4096}  # a process; of the whole tree where a cgroup can be had
_REFUSING: Final = frozenset(
    {ErrorCode.BAD_SPEC, ErrorCode.PROTECTED, ErrorCode.EXECUTABLE_CHANGED, ErrorCode.UNAVAILABLE, ErrorCode.BAD_CWD}
)


def serve(connection: socket.socket, cell: Cell) -> None:
    """The zygote's entry point: serve one order on `connection` (blocking), with the sandbox `cell`, and return."""
    with connection, suppress(FrontGoneError, OSError):
        relay = Relay.fork() if cell.level is Level.STRICT else None  # INVARIANT: before anything secret is here
        try:
            protect_memory()
            rehearse()  # once more, here: it copies the pages that the real thing will touch
            pump_filter = cell.pump_filter or compile_pump_filter()
            key = SealKey()
            hello = json.dumps({"publicKey": key.public}).encode()
            connection.sendall(encode_frame(FrameType.HELLO, hello))
            _serve_order(connection, cell, key, pump_filter, relay)
        finally:
            if relay is not None:
                relay.close()
            cell.close()


def rehearse() -> None:
    """Do with nothing at stake what an order will need: libraries initialise, and memory is laid out, at the first use."""
    nothing = Program("/", "/", "0", FileIdentity(0, 0, 0, 0, 0))
    request = ExecRequest("k", "r", None, "c", ("true",), None, None, Level.STRICT, nothing)
    constraints = {"command": ["true"], "sandbox": {"level": "strict"}, "policyHash": "-"}
    soon = datetime.fromtimestamp(time.time() + 60, UTC).isoformat()
    order = Order(request, GrantTerms("g", soon, 1000, "a", "k", constraints), "-", has_stdin=False)
    context = check_order(parse_order(encode_order(order)), now=time.time())
    key, values = SealKey(), SealedContent({"A": Secret("rehearsal")}, (Secret("rehearsal"),))
    opened = key.open(seal_content(key.public, values, context), context)
    scrubber = Scrubber([value.expose() for value in opened.scrub_values], min_length=1)
    stream = scrubber.stream()
    stream.feed(b"rehearsal" * 64)
    stream.finish()
    _plan(order, opened, ())
    server_context(make_trust(["a.invalid"], now=time.time(), life_s=1).leaf)
    _Report("completed").encode(Stream(FrameType.STDOUT, -1, stream, 1), Stream(FrameType.STDERR, -1, stream, 1))


@dataclass(slots=True)
class _Report:
    """What the front is told at the end. Texts are scrubbed before they are put here."""

    outcome: str
    exit: Exit | None = None
    error: str | None = None
    code: str | None = None
    hint: str | None = None
    started_at: float | None = None
    duration_ms: int = 0
    spawn_us: int = 0

    def encode(self, stdout: Stream | None = None, stderr: Stream | None = None, relay: Relay | None = None) -> bytes:
        value: dict[str, Any] = {
            "outcome": self.outcome,
            "exitCode": self.exit.code if self.exit else None,
            "signal": self.exit.signal if self.exit else None,
            "timedOut": self.outcome == "timed_out",
            "error": self.error,
            "code": self.code,
            "hint": self.hint,
            "startedAt": self.started_at,
            "durationMs": self.duration_ms,
            "spawnUs": self.spawn_us,
            "stdoutBytes": stdout.read if stdout else 0,
            "stderrBytes": stderr.read if stderr else 0,
            "stdoutHits": stdout.scrubber.hits if stdout else 0,
            "stderrHits": stderr.scrubber.hits if stderr else 0,
            "placeholderHits": sum(stream.stand_ins.hits for stream in (stdout, stderr) if stream and stream.stand_ins),
            "network": [[f"{target.name}:{target.port}", *astuple(sums)] for target, sums in relay.traffic()] if relay else [],
            "truncated": bool(stdout and stdout.truncated) or bool(stderr and stderr.truncated),
        }
        return json.dumps(value).encode()


def _serve_order(connection: socket.socket, cell: Cell, key: SealKey, pump_filter: bytes, relay: Relay | None) -> None:
    reader = FrameReader(TO_EXECUTOR, State.READY)
    payload, rest = _receive_order(connection, reader)
    arrived = time.monotonic()
    content = SealedContent({}, ())
    try:
        order = parse_order(payload)
        context = check_order(order, now=time.time())
        sandbox = order.terms.constraints["sandbox"]
        targets = tuple(dict.fromkeys(parse_target(text) for text in sandbox.get("network", ())))
        content = key.open(order.sealed, context)
        egress, ca = _plan_egress(order, content, targets, cell.level)
        spec = _plan(order, content, targets if relay is not None else (), ca)
        network = _Network(relay, targets, egress)
        _run(connection, reader, rest, cell, order, spec, content, network, arrived, pump_filter)
    except (JaneeError, SandboxError, ScrubberError) as error:
        connection.setblocking(True)
        connection.sendall(encode_frame(FrameType.RESULT, _failure(error, _scrubber(content)).encode()))


def _scrubber(content: SealedContent) -> Scrubber:
    return Scrubber([value.expose() for value in (*content.scrub_values, *content.placeholders)], min_length=1)


def _scrubbers(content: SealedContent) -> list[Scrubber]:
    """For the secrets and, if there are any, for the placeholders."""
    values = (content.scrub_values, content.placeholders) if content.placeholders else (content.scrub_values,)
    return [Scrubber([value.expose() for value in some], min_length=1) for some in values]


def _stand_ins(built: list[Scrubber]) -> StreamScrubber | None:
    return built[1].stream() if len(built) > 1 else None


def _receive_order(connection: socket.socket, reader: FrameReader) -> tuple[bytes, list[Frame]]:
    """The order, and the frames that came in one piece with it. A broken protocol ends this process without an answer."""
    while True:
        data = connection.recv(READ_BYTES)
        if not data:
            raise FrontGoneError
        try:
            frames = list(reader.feed(data))
        except ProtocolError:
            raise FrontGoneError from None
        if frames:
            return frames[0].payload, frames[1:]  # the table lets nothing come before the order


@dataclass(frozen=True, slots=True)
class _Network:
    """What the command reaches, and by whom. relay: None where there is no network namespace."""

    relay: Relay | None
    targets: tuple[Target, ...]
    egress: Egress | None

    def start(self, order: Order, child: Child) -> None:
        if self.relay is not None and self.targets:
            allow_private = order.terms.constraints["sandbox"].get("allowPrivate") is True
            self.relay.start(self.targets, child.listeners, allow_private=allow_private, egress=self.egress)


def _plan_egress(
    order: Order, content: SealedContent, targets: tuple[Target, ...], level: Level
) -> tuple[Egress | None, bytes]:
    """What the relay needs for the hosts behind the gateway, and the CA to trust inside. Raises JaneeError."""
    constraints = order.terms.constraints
    if level is not Level.STRICT and constraints.get("delivery", "env") != "env":
        raise JaneeError(
            "DELIVERY_NEEDS_STRICT",
            f"the delivery {constraints['delivery']} needs --sandbox strict, this runner has {level.value}",
            "run it with --sandbox strict, or set `delivery: env` in the capability",
        )
    schemes = dict(parse_origin(text) for text in constraints.get("egress", ()))
    if not schemes:
        return None, b""
    if content.egress_key is None or order.authority is None or not schemes.keys() <= set(targets):
        raise ProtocolError("GRANT_MISMATCH", "its hosts and its right to the gateway do not fit", "update the authority")
    names = [target.name for target, scheme in schemes.items() if scheme in ("https", "postgres")]
    trust = make_trust(names or ["none.invalid"], now=time.time(), life_s=order.terms.timeout_ms / 1000)
    egress = Egress(schemes, EgressKey(order.terms.grant_id, content.egress_key), trust.leaf, order.authority)
    return egress, trust.ca if names else b""


def _plan(order: Order, content: SealedContent, targets: tuple[Target, ...], ca: bytes = b"") -> SandboxSpec:
    """The sandbox for an opened order: exactly what the grant says, and the environment the grant carries."""
    constraints = order.terms.constraints
    sandbox = constraints["sandbox"]
    workspace = plan_workspace(sandbox, order.request.cwd, order.host)
    program = order.request.program
    own = base_env() | dict(_FIXED_ENV) | {"TMPDIR": temp_dir(workspace.mounts)}
    hardening = constraints.get("hardening") or {}
    name, *arguments = order.request.command
    own |= passed(constraints.get("passEnv") or (), order.passed)
    env = own | hardening.get("env", {}) | {key: value.expose_text() for key, value in content.env.items()}
    files = tuple(PrivateFile(f"{_FILES}/{name}", value.expose()) for name, value in content.files.items())
    env |= {name: file.path for name, file in zip(content.files, files, strict=True)}
    if order.request.level is Level.STRICT:
        files += tuple(PrivateFile(path, text.encode()) for path, text in hardening.get("files", {}).items())
    if ca:
        env |= trust_env(TRUST_BUNDLE)
    limits = _DEFAULT_LIMITS | {_LIMITS[name]: value for name, value in sandbox.get("limits", {}).items() if name in _LIMITS}
    return SandboxSpec(
        argv=(name, *hardening.get("insert", ()), *arguments),
        env=env,
        cwd=workspace.cwd,
        executable=_name_inside(program),
        executable_identity=program.identity,
        level=order.request.level,
        mounts=workspace.mounts,
        hosts=host_entries(targets),
        files=files,
        trust=ca,
        limits=Limits(wall_s=order.terms.timeout_ms / 1000, **limits),
        protected=order.protected,
        programs=None if hardening.get("programs") is None else tuple(hardening["programs"]),
    )


def _name_inside(program: Program) -> str:
    """The name to execute: the one it was found by where that leads to the file inside too, for scripts that go by their name.

    What counts is the file: its identity is compared again, whatever the name.
    """
    name = program.path
    for _ in range(_MAX_LINKS):
        if not name.startswith(_SYSTEM):
            break
        try:
            name = os.path.normpath(os.path.join(os.path.dirname(name), os.readlink(name)))
        except OSError:
            return program.path if name == program.real_path else program.real_path
    return program.real_path


def _run(
    connection: socket.socket,
    reader: FrameReader,
    early: list[Frame],
    cell: Cell,
    order: Order,
    spec: SandboxSpec,
    content: SealedContent,
    network: _Network,
    arrived: float,
    pump_filter: bytes,
) -> None:
    built: list[Scrubber] = []
    child, stdin, stdout_fd, stderr_fd = _start(cell, spec, order.has_stdin, lambda: built.extend(_scrubbers(content)))
    scrubber = built[0]  # made while the sandbox got ready: nothing is read before it is there
    started, started_at = time.monotonic(), time.time()
    network.start(order, child)
    connection.setblocking(False)
    stdout = Stream(FrameType.STDOUT, stdout_fd, scrubber.stream(), order.max_output, _stand_ins(built))
    stderr = Stream(FrameType.STDERR, stderr_fd, scrubber.stream(), order.max_output, _stand_ins(built))
    pump = Pump(connection, reader, child, stdin, stdout, stderr, started + order.terms.timeout_ms / 1000)
    reader.state = State.RUNNING
    apply_pump_filter(pump_filter)  # INVARIANT: from here on this process can only move bytes and kill its command
    try:
        pump.send(FrameType.STARTED, json.dumps({"startedAt": started_at}).encode())
        pump.accept(early)
        result = pump.run()
        report = _Report(
            outcome=_outcome(result, pump),
            exit=result,
            started_at=started_at,
            duration_ms=round((time.monotonic() - started) * 1000),
            spawn_us=round((started - arrived) * 1e6),
        )
        pump.send(FrameType.RESULT, report.encode(stdout, stderr, network.relay))
        pump.flush()
        pump.linger()
    finally:
        child.kill()


def _start(cell: Cell, spec: SandboxSpec, has_stdin: bool, meanwhile: Callable[[], object]) -> tuple[Child, int, int, int]:
    """Start the command on fresh pipes; our ends are non-blocking. stdin is -1 where there is none."""
    stdout_read, stdout_write = os.pipe2(os.O_CLOEXEC)
    stderr_read, stderr_write = os.pipe2(os.O_CLOEXEC)
    stdin_write = -1
    if has_stdin:
        stdin_read, stdin_write = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(stdin_write, False)
    else:
        stdin_read = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.set_blocking(stdout_read, False)
    os.set_blocking(stderr_read, False)
    child = cell.start(spec, stdin=stdin_read, stdout=stdout_write, stderr=stderr_write, meanwhile=meanwhile)
    for fd in (stdin_read, stdout_write, stderr_write):
        os.close(fd)  # ours would keep the pipe open after the command closed it
    return child, stdin_write, stdout_read, stderr_read


def _outcome(result: Exit, pump: Pump) -> str:
    if pump.cancelled:
        return "cancelled"
    if result.timed_out or pump.timed_out:
        return "timed_out"
    return "completed"


def _failure(error: JaneeError | SandboxError | ScrubberError, scrubber: Scrubber) -> _Report:
    refused = not isinstance(error, SandboxError) or error.code in _REFUSING
    return _Report(
        outcome="refused" if refused else "failed",
        error=scrubber.scrub_text(error.message),
        code=str(error.code),
        hint=scrubber.scrub_text(error.hint) or None,
    )
