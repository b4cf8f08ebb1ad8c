"""Which system calls and paths a sandbox refused, and why: a supervisor that answers in the filter's place.

Guarantees: a call goes on only if the filters of the level allow it; their verdict on it is computed from the very programs
that would have been loaded, over registers that nobody can change while the call waits. Whatever else fails with the errno
that the filters give, or ends its process. If the supervisor dies, every call that it would have been asked about fails
with ENOSYS. What is reported is deduplicated, bounded, and free of control characters.

Never: a decision from memory of the command. Paths and addresses are read only to be named, and the kernel reads them
again: a command with threads can make a report wrong, not a call succeed. Never without being asked for: it makes every
lookup of a path slow, and it tells of paths that exist outside.
"""

import errno
import fcntl
import ipaddress
import json
import os
import select
import signal
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from sandbox import bpf, explain_paths, kernel, seccomp, wire
from sandbox.explain_paths import PathCall, View
from sandbox.kit import Kit
from sandbox.landlock import PathRule
from sandbox.orders import Orders
from sandbox.seccomp_tables import (
    ARGUMENT_RULES,
    CHOICES,
    DISHONEST,
    REFUSED,
    WITH_MEMORY_LIMIT,
    WITH_MOUNTS,
    WITHOUT_NAMESPACES,
    ArgumentRule,
    Condition,
    Op,
)
from sandbox.spec import Level, Refusal, SandboxSpec

_MAX_REPORTS: Final = 200
_DEATH_S: Final = 0.2  # for a process to die of SIGSYS before it is killed
_SHOWN: Final = 200
_UNKNOWN: Final = "not in the allow-list: looks absent, so that callers fall back"
_FOREIGN: Final = "a call of a foreign ABI"
_STARTING: Final = ("execve", "execveat")
_NO_ERROR: Final = "0"  # the call is not made and succeeds
_MAX_SOCKET_ADDRESS: Final = 128
_PORT: Final = struct.Struct("!H")


def filters(kit: Kit, *, with_mounts: bool, with_memory_limit: bool) -> tuple[bytes, ...]:
    """The programs whose verdicts count, as they are loaded without `--explain`."""
    more = (*(kit.mount_programs if with_mounts else ()), *(kit.memory_programs if with_memory_limit else ()))
    return (*kit.programs, *more)


def hand_over(supervisor: int, kit: Kit, orders: Orders, rules: tuple[PathRule, ...]) -> None:
    """In the process that becomes the command: load the asking filter, and give its listener away. Raises `OSError`,
    `WireError`."""
    body = {"rules": explain_paths.as_rules(rules), "ports": [host.port for host in orders.hosts]}
    always = (*explain_paths.calls_by_number(seccomp.number_of), *_numbers("connect", "bind"))
    programs = filters(kit, with_mounts=bool(orders.targets), with_memory_limit=orders.limits.memory_mib is not None)
    program = bpf.asking(programs, seccomp.native_arch(), always)
    with socket.socket(fileno=supervisor) as channel:
        listener = kernel.load_asking_filter(program)
        wire.send(channel, body, (listener,))
        os.close(listener)


def _numbers(*names: str) -> tuple[int, ...]:
    return tuple(number for name in names if (number := seccomp.number_of(name)) is not None)


class Supervisor:
    """Answers the questions of one sandbox, from a thread. Belongs to the process that starts the cell; make it before that
    process leaves the host's view.

    report: called once for each refusal that was not reported before, from the thread.
    """

    def __init__(self, spec: SandboxSpec, report: Callable[[Refusal], None]) -> None:
        self._spec = spec
        self._report = report
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._host = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._thread: threading.Thread | None = None

    def fileno(self) -> int:
        """What the sandbox gets, to hand its listener over."""
        return self._theirs.fileno()

    def start(self, kit: Kit) -> None:
        """Begin to answer; ends by itself with the last process of the sandbox."""
        self._theirs.close()
        has_limit = self._spec.limits.memory_mib is not None
        programs = filters(kit, with_mounts=bool(self._spec.mounts), with_memory_limit=has_limit)
        self._thread = threading.Thread(target=self._serve, args=(programs,), daemon=True)
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the last report."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _serve(self, programs: tuple[bytes, ...]) -> None:
        try:
            frame = wire.receive(self._ours)
        except wire.WireError:
            return  # the sandbox could not be made: its error is told elsewhere
        (listener,) = frame.descriptors
        view = View(self._host, self._proc, tuple((path, rights) for path, rights in frame.body["rules"]))
        answers = _Answers(listener, programs, self._spec, view, self._report)
        try:
            answers.serve()
        finally:
            os.close(listener)  # whatever is asked from now on fails


class _Answers:
    """One sandbox's questions, one after the other."""

    def __init__(
        self, listener: int, programs: tuple[bytes, ...], spec: SandboxSpec, view: View, report: Callable[[Refusal], None]
    ) -> None:
        self._listener = listener
        self._programs = programs
        self._spec = spec
        self._view = view
        self._report = report
        self._seen: set[Refusal] = set()
        self._has_started = False  # before, the sandbox itself tries what is forbidden
        self._paths = explain_paths.calls_by_number(seccomp.number_of)
        self._starting = _numbers(*_STARTING)
        self._connecting, self._binding = _numbers("connect"), _numbers("bind")

    def serve(self) -> None:
        """Until nobody is left who could ask."""
        poller = select.poll()
        poller.register(self._listener, select.POLLIN)
        while True:
            events = poller.poll()[0][1]
            if not events & select.POLLIN:
                return
            with suppress(OSError):  # the asking process died meanwhile
                self._handle()

    def _handle(self) -> None:
        question, thread, number, arch, arguments = kernel.receive_question(self._listener)
        call = bpf.Call(number, arch, arguments)
        action = bpf.strictest(self._programs, call)
        self._has_started |= number in self._starting
        if action == bpf.RET_ALLOW:
            with suppress(OSError, ValueError):  # a bad pointer: the kernel will say so itself
                self._explain_allowed(question, thread, call)
            kernel.answer_question(self._listener, question, 0)
            return
        error = bpf.errno_of(action)
        self._tell(question, Refusal(_rendered(call), _error_name(error), reason_for(call, self._spec, error)))
        if error is None:
            self._kill(question, thread)
        elif error:
            kernel.answer_question(self._listener, question, error)
        else:
            kernel.answer_with_success(self._listener, question)

    def _kill(self, question: int, thread: int) -> None:
        """As the filter does: SIGSYS for the whole process. The call stays unanswered."""
        process = _process_of(self._view, thread)
        pidfd = os.pidfd_open(process)
        try:
            if not kernel.is_question_open(self._listener, question):
                return  # it is dead already, and the number may be another's
            signal.pidfd_send_signal(pidfd, signal.SIGSYS)
            poller = select.poll()
            poller.register(pidfd, select.POLLIN)
            if not poller.poll(_DEATH_S * 1000):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)  # it catches or blocks the other
        finally:
            os.close(pidfd)

    def _explain_allowed(self, question: int, thread: int, call: bpf.Call) -> None:
        for path_call in self._paths.get(call.number, ()):
            self._explain_path(question, thread, call, path_call)
        if call.number in self._connecting or call.number in self._binding:
            self._explain_address(question, thread, call)

    def _explain_path(self, question: int, thread: int, call: bpf.Call, path_call: PathCall) -> None:
        path = explain_paths.read_path(self._view, thread, path_call, call.arguments)
        flags = call.arguments[path_call.flags] if path_call.flags >= 0 else 0
        judged = explain_paths.judge(self._view, thread, path, path_call.use, flags)
        if judged is not None:
            self._tell(question, Refusal(f"{path_call.name}({_quoted(path)})", _error_name(judged[0]), judged[1]))

    def _explain_address(self, question: int, thread: int, call: bpf.Call) -> None:
        name = "connect" if call.number in self._connecting else "bind"
        raw = explain_paths.read_memory(self._view, thread, call.arguments[1], min(call.arguments[2], _MAX_SOCKET_ADDRESS))
        address = _inet_address(raw)
        if address is None or not kernel.is_question_open(self._listener, question):
            return
        host, port = address
        is_tcp = _is_tcp(self._view, thread, call.arguments[0])
        judged = _judge_address(self._spec, name, host, port, is_tcp=is_tcp)
        if judged is not None:
            self._tell(question, Refusal(f"{name}({host}:{port})", _error_name(judged[0]), judged[1]))

    def _tell(self, question: int, refusal: Refusal) -> None:
        if not self._has_started or refusal in self._seen or len(self._seen) > _MAX_REPORTS:
            return
        if not kernel.is_question_open(self._listener, question):
            return  # what was read may be another process's
        self._seen.add(refusal)
        if len(self._seen) > _MAX_REPORTS:
            refusal = Refusal("…", "", f"more than {_MAX_REPORTS} different refusals: the rest is not shown")
        self._report(refusal)


def reason_for(call: bpf.Call, spec: SandboxSpec, error: int | None) -> str:
    """Why the filters refuse `call`: the reason that its row in the tables gives."""
    name = seccomp.name_of(call.number)
    if name is None:
        return _UNKNOWN if call.arch == seccomp.native_arch() and call.number < 1 << 30 else _FOREIGN
    for group in (*REFUSED, *DISHONEST):
        if name in group.calls:
            return group.reason
    rules: tuple[ArgumentRule, ...] = ARGUMENT_RULES
    if spec.limits.memory_mib is not None:
        rules += WITH_MEMORY_LIMIT
    if spec.level is not Level.STRICT:
        rules += WITHOUT_NAMESPACES
    elif spec.mounts:
        rules += WITH_MOUNTS
    for rule in rules:
        if name in rule.calls and rule.error == error and all(_holds(condition, call) for condition in rule.conditions):
            return rule.reason
    for choice in CHOICES:
        if choice.call == name:
            return f"only some are allowed: {choice.reason}"
    return _UNKNOWN


def _holds(condition: Condition, call: bpf.Call) -> bool:
    value = call.arguments[condition.index]
    if condition.op is Op.MASKED_EQ:
        return value & condition.mask == condition.value
    return {Op.EQ: value == condition.value, Op.NE: value != condition.value, Op.GT: value > condition.value}[condition.op]


def _error_name(error: int | None) -> str:
    if error is None:
        return "SIGSYS"
    return errno.errorcode.get(error, str(error)) if error else _NO_ERROR


def _rendered(call: bpf.Call) -> str:
    """The call with the arguments that decide about it."""
    name = seccomp.name_of(call.number) or f"call {call.number}"
    if name in ("socket", "socketpair"):
        return f"{name}({_family(call.arguments[0])}, {_socket_type(call.arguments[1])}, {call.arguments[2]})"
    deciding = {condition.index for rule in ARGUMENT_RULES if name in rule.calls for condition in rule.conditions}
    deciding |= {choice.index for choice in CHOICES if choice.call == name}
    shown = (f"{call.arguments[index] & 0xFFFFFFFF:#x}" for index in sorted(deciding))
    return f"{name}({', '.join(shown)})"


def _family(value: int) -> str:
    try:
        return socket.AddressFamily(value).name
    except ValueError:
        return str(value)


def _socket_type(value: int) -> str:
    try:
        return socket.SocketKind(value & 0xF).name
    except ValueError:
        return str(value & 0xF)


def _quoted(path: str) -> str:
    return json.dumps(path[:_SHOWN] + ("…" if len(path) > _SHOWN else ""))


def _process_of(view: View, thread: int) -> int:
    descriptor = os.open(f"{thread}/status", os.O_RDONLY | os.O_CLOEXEC, dir_fd=view.proc)
    with open(descriptor) as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Tgid:"))


def _inet_address(raw: bytes) -> tuple[str, int] | None:
    """Host and port of a struct sockaddr_in or sockaddr_in6."""
    family = int.from_bytes(raw[:2], "little")
    if family == socket.AF_INET and len(raw) >= 8:
        return str(ipaddress.IPv4Address(raw[4:8])), _PORT.unpack_from(raw, 2)[0]
    if family == socket.AF_INET6 and len(raw) >= 24:
        host = ipaddress.IPv6Address(raw[8:24])
        return str(host.ipv4_mapped or host), _PORT.unpack_from(raw, 2)[0]
    return None


def _is_tcp(view: View, thread: int, number: int) -> bool:
    pidfd = os.pidfd_open(_process_of(view, thread))
    try:
        descriptor = kernel.copy_descriptor(pidfd, number & 0x7FFFFFFF)
    finally:
        os.close(pidfd)
    try:
        copy = socket.socket(fileno=descriptor)
    except OSError:  # no socket: then nobody has closed it
        os.close(descriptor)
        raise
    with copy:
        return copy.type == socket.SOCK_STREAM


def _judge_address(spec: SandboxSpec, name: str, host: str, port: int, *, is_tcp: bool) -> tuple[int, str] | None:
    address = ipaddress.ip_address(host)
    if name == "bind":
        if is_tcp and not spec.loopback:
            return errno.EACCES, "Landlock: this sandbox may listen on no TCP port"
        return None
    if not address.is_loopback and not address.is_unspecified:
        error = errno.EACCES if is_tcp and not spec.loopback else errno.ENETUNREACH
        return error, "the network namespace holds only loopback; to reach a host by name: --net HOST:PORT"
    if is_tcp and not spec.loopback and port not in {entry.port for entry in spec.hosts}:
        return errno.EACCES, "Landlock: only the ports of named hosts can be connected to; to name one: --net HOST:PORT"
    return None


def report_to(descriptor: int) -> Callable[[Refusal], None]:
    """A `report` that writes one JSON line each; a reader that is gone is no error."""

    def write(refusal: Refusal) -> None:
        line = json.dumps([refusal.call, refusal.error, refusal.reason]).encode() + b"\n"
        with suppress(OSError):
            os.write(descriptor, line)

    fcntl.fcntl(descriptor, fcntl.F_GETFD)  # raises OSError for a descriptor that is not there
    return write


class Lines:
    """The other end of `report_to`: bytes in, refusals out."""

    def __init__(self, take: Callable[[Refusal], None]) -> None:
        self._take = take
        self._rest = b""

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(Refusal(*json.loads(line)))
