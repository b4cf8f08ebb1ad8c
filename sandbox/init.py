"""pid 1 of a strict sandbox: makes its inside, starts the command, reaps, ends everything.

Guarantees: the command starts only after every step of `prepare` and `lock` succeeded; the result is sent only when
every process of the namespace but pid 1 is dead; whatever goes wrong is reported as an error and ends the namespace.
Never: forwarding a signal, returning, waiting for a descriptor that a process of the sandbox may hold open.

The order of the steps, and why each stands where it does:

1. map and become the user: everything made afterwards belongs to it; capabilities inside the namespace survive.
   Then the cgroup namespace: pid 1 was born in its leaf, which is all that is seen of the hierarchy from now on.
2. die with the owner: only after the change of user, which clears the death signal.
3. max_user_namespaces = 0: needs the old /proc, which the next step leaves behind.
4. private root: needs the host's tree for the last time.
5. host name, loopback: need capabilities.
6. bounding set, securebits: need CAP_SETPCAP; no_new_privs, which the next two need.
7. Landlock's ruleset is made (not applied), and the seccomp filter of arguments loaded: it forbids nothing that
   follows.
8. rehearsal: the first use of a Python path costs page copies; here nobody waits for them.
--- the specification arrives ---
9. quota, mounts, files, names, listeners, pinned executable: need capabilities; then the root is sealed.
10. Landlock: forbids changes of the mount tree from here on.
11. limits, empty capability sets, seccomp's allow-list; then try what was forbidden.
12. working directory and executable are looked up as the command itself would: after the privileges are gone.
"""

import contextlib
import fcntl
import os
import resource
import select
import signal
import socket
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar

from sandbox import command, kernel, landlock, privileges, rootfs, wire
from sandbox.errors import ErrorCode, SandboxError
from sandbox.kit import Kit, apply_filters
from sandbox.orders import Orders
from sandbox.pinned import Pinned, pin
from sandbox.spec import ANY_NAME, HOME_DIR, INSIDE_ID, RESOLVER, SCRATCH_DIRS, HostEntry, Limits, closed_scratch

T = TypeVar("T")

_CAUGHT: Final = (int(signal.SIGINT), int(signal.SIGCHLD), int(signal.SIGTERM), int(signal.SIGHUP))
HOST_NAME: Final = "sandbox"
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_IFREQ: Final = struct.Struct("16sh14x")
_BACKLOG: Final = 128
_STDIO_COUNT: Final = 3
_NULL_DEVICE: Final = os.makedev(1, 3)  # Documentation/admin-guide/devices.txt
_DEFAULT: Final = Limits()
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")

_LANDLOCK: Final = landlock.Policy(
    paths=(
        landlock.PathRule("/", landlock.READ),
        *(landlock.PathRule(path, landlock.WRITE) for path in SCRATCH_DIRS),
        *(landlock.PathRule(path, landlock.DEVICE) for path in _DEVICES),
    )
)
_TRIAL: Final = Orders((b"/nonexistent",), ((b"A", b"b"),), "/", None, None, (), (), (), _DEFAULT, loopback=False)


@dataclass(frozen=True, slots=True)
class Inside:
    """What `prepare` leaves open for the specification."""

    scratch: rootfs.Scratch
    ruleset: landlock.Ruleset


@dataclass(frozen=True, slots=True)
class Birth:
    """How pid 1 came into the world.

    gate: readable when its user is mapped; at its end, nobody will. guard: pidfd of a parent that is not the owner; -1: the
    channel ends with the parent. from_template: this mount namespace is a copy of the template's. hurry: the orders
    wait already, do not rehearse.
    """

    gate: int
    guard: int
    from_template: bool
    hurry: bool


def main(channel: socket.socket, kit: Kit, birth: Birth) -> NoReturn:
    """Run as pid 1 of fresh namespaces. `channel` leads to the owner and is the only descriptor that is kept."""
    try:
        _serve(channel, kit, birth)
    except SandboxError as error:
        _report(channel, error)
    except OSError as error:
        _report(channel, SandboxError(ErrorCode.SETUP_FAILED, error.strerror or "unknown system error"))
    except wire.WireError:
        os._exit(1)  # the owner is gone: nobody to tell
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # the type alone: a value could be a secret
        _report(channel, SandboxError(ErrorCode.LOST, f"orders that make no sense: {type(error).__name__}"))
    finally:
        os._exit(0)


def _report(channel: socket.socket, error: SandboxError) -> None:
    try:
        wire.send(channel, {"error": error.code.value, "message": error.message, "hint": error.hint})
    except wire.WireError:
        os._exit(1)


def _serve(channel: socket.socket, kit: Kit, birth: Birth) -> None:
    inside = prepare(channel, kit, birth)
    if not birth.hurry and not _is_readable(channel.fileno()):
        _rehearse()
    ended = _watch_children()
    frame = wire.receive(channel)
    orders = _TRIAL if frame.body.get("trial") else Orders.from_message(frame.body)
    if frame.body.get("trial"):
        lock(inside, kit, orders)
        wire.send(channel, {"started": True})
        return
    received = frame.descriptors[:-1] if kit.explain else frame.descriptors
    if frame.body.get("mounts_follow"):
        received = (*received[:-1], *_receive_mounts(received[-1]))
    stdio, mounts = received[:_STDIO_COUNT], received[_STDIO_COUNT:]
    if len(stdio) != _STDIO_COUNT or len(mounts) != len(orders.targets):
        raise SandboxError(ErrorCode.SETUP_FAILED, "orders and descriptors do not match")
    listeners, pinned = _furnish(inside.scratch, orders, mounts)
    lock(inside, kit, orders, frame.descriptors[-1] if kit.explain else None)
    _use_own_null(stdio)
    command.enter_cwd(orders.cwd)
    path = pinned.executed if pinned else command.find_executable(orders)
    kernel.mark_close_on_exec(_STDIO_COUNT)
    pid = command.spawn(path, orders, (stdio[0], stdio[1], stdio[2]))
    wire.send(channel, {"started": True}, tuple(listener.fileno() for listener in listeners))
    for descriptor in received:
        os.close(descriptor)  # pid 1 must not hold a pipe open that the owner reads to its end
    for listener in listeners:
        listener.close()
    code, by_signal = command.wait_for(pid, ended, channel)
    _kill_everything()
    if pinned is not None:
        pinned.verify()
    wire.send(channel, {"code": code, "signal": by_signal})


def _receive_mounts(source: int) -> tuple[int, ...]:
    """The mounts that the zygote opens while we read the orders."""
    with socket.socket(fileno=source) as channel:
        frame = wire.receive(channel)
    if "error" in frame.body:
        raise SandboxError(ErrorCode(frame.body["error"]), frame.body["message"], frame.body["hint"])
    return frame.descriptors


def _is_readable(descriptor: int) -> bool:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(0))


def _watch_children() -> int:
    """A descriptor that is readable when a child has ended, because waiting for one must not keep us from noticing that
    the owner is gone."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD,))
    return kernel.open_signals(signal.SIGCHLD)


def _use_own_null(stdio: tuple[int, ...]) -> None:
    """Put the sandbox's /dev/null in the place of the host's: through that one, the times of the host's node change."""
    for descriptor in stdio:
        about = os.fstat(descriptor)
        if stat.S_ISCHR(about.st_mode) and about.st_rdev == _NULL_DEVICE:
            access = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
            own = os.open("/dev/null", access | os.O_CLOEXEC)
            os.dup2(own, descriptor, inheritable=False)
            os.close(own)


def _kill_everything() -> None:
    """SIGKILL to every process of this pid namespace, atomically, and wait for all of them. kill(2)."""
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        return
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def prepare(channel: socket.socket, kit: Kit, birth: Birth) -> Inside:
    """Steps 1 to 7: everything that no specification changes. Raises `SandboxError(UNAVAILABLE)` naming the layer."""
    reset_process(channel, birth.gate, birth.guard)
    _step("user namespace", lambda: _become_user(birth.gate))
    _step("cgroup namespace", lambda: kernel.unshare(kernel.CLONE_NEWCGROUP))
    privileges.die_with_parent()
    _step("parent", lambda: _leave_if_orphaned(birth.guard))
    privileges.hide_memory()
    _step("max_user_namespaces", forbid_user_namespaces)
    scratch = _step("private root", lambda: _build_root(birth.from_template))
    _step("host name", lambda: socket.sethostname(HOST_NAME))
    _step("loopback", raise_loopback)
    _step("bounding set", privileges.drop_bounding_set)
    _step("no_new_privs", privileges.forbid_new_privileges)
    ruleset = _step("landlock", lambda: landlock.Ruleset(_LANDLOCK, kit.abi))
    if not kit.explain:  # a filter that refuses would win over one that asks
        _step("seccomp", lambda: apply_filters(kit.programs[:1]))
    return Inside(scratch, ruleset)


def _build_root(from_template: bool) -> rootfs.Scratch:
    return rootfs.build(_DEFAULT.tmpfs_mib, _DEFAULT.tmpfs_inodes, HOST_NAME, from_template=from_template)


def _step(layer: str, action: Callable[[], T]) -> T:
    try:
        return action()
    except OSError as error:
        hint = "run `python -m sandbox check` for the cause and the remedy"
        raise SandboxError(ErrorCode.UNAVAILABLE, f"{layer}: {error.strerror}", hint) from None


def reset_process(channel: socket.socket, *more: int) -> None:
    """Nothing inherited: own session, empty environment, default signals, no descriptor but `channel` and `more` (-1: none)."""
    os.setsid()
    os.umask(0o022)
    if os.environ:
        os.environ.clear()
    kernel.reset_signals(_CAUGHT)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for number in range(_STDIO_COUNT):
        os.dup2(null, number, inheritable=False)
    first = _STDIO_COUNT
    for kept in sorted({channel.fileno(), *more} - {-1}):
        os.closerange(first, kept)
        first = kept + 1
    os.closerange(first, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _become_user(gate: int) -> None:
    if os.read(gate, 1) != b"M":  # the maps are written
        os._exit(1)
    os.close(gate)
    os.setresgid(INSIDE_ID, INSIDE_ID, INSIDE_ID)
    os.setresuid(INSIDE_ID, INSIDE_ID, INSIDE_ID)


def _leave_if_orphaned(guard: int) -> None:
    """A parent that died before the death signal was set sends none; its number tells nothing in here."""
    if guard >= 0:
        if _is_readable(guard):
            os._exit(1)
        os.close(guard)


def forbid_user_namespaces() -> None:
    """No user namespace below this one, for its owner neither. namespaces(7), /proc/sys/user."""
    descriptor = os.open("/proc/sys/user/max_user_namespaces", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, b"0")
    finally:
        os.close(descriptor)


def raise_loopback() -> None:
    """Bring `lo` up, which is down in a fresh network namespace. netdevice(7)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        answer = fcntl.ioctl(probe, _SIOCGIFFLAGS, _IFREQ.pack(b"lo", 0))
        flags = _IFREQ.unpack(answer)[1]
        fcntl.ioctl(probe, _SIOCSIFFLAGS, _IFREQ.pack(b"lo", flags | _IFF_UP))


def _rehearse() -> None:
    """Do what the request will need, as far as it changes nothing: the kernel copies the pages that are touched now."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        wire.send(ours, _TRIAL.to_message(), (null,))
        frame = wire.receive(theirs)
    orders = Orders.from_message(frame.body)
    command.enter_cwd(orders.cwd)
    path = command.find_executable(orders)
    for attempt in (
        lambda: rootfs.attach(((null, HOME_DIR),)),  # not a mount
        privileges.verify_dropped,  # not yet
        lambda: command.spawn(path, orders, (0, 1, 2)),  # not a file
    ):
        with contextlib.suppress(SandboxError):
            attempt()
    kernel.mark_close_on_exec(_STDIO_COUNT)
    for descriptor in (null, *frame.descriptors):
        os.close(descriptor)


def _furnish(
    scratch: rootfs.Scratch, orders: Orders, mounts: tuple[int, ...]
) -> tuple[tuple[socket.socket, ...], Pinned | None]:
    """Step 9: what the specification adds to the private root."""
    wanted = (orders.limits.tmpfs_mib, orders.limits.tmpfs_inodes)
    if wanted != (_DEFAULT.tmpfs_mib, _DEFAULT.tmpfs_inodes):
        rootfs.resize(scratch, *wanted)
    rootfs.attach(zip(mounts, (target.path for target in orders.targets), strict=True))
    rootfs.write_files(orders.files)
    if orders.hosts:
        rootfs.write_hosts(orders.hosts, HOST_NAME)
    if orders.trust:
        rootfs.write_trust(orders.trust)
    listeners = _listen_all(orders.hosts)
    pinned = None
    if orders.executable is not None and orders.identity is not None:
        pinned = pin(orders.executable, orders.identity)
    rootfs.seal()
    return listeners, pinned


def _listen_all(hosts: tuple[HostEntry, ...]) -> tuple[socket.socket, ...]:
    """A listener for each, and the socket of the resolver where names are open."""
    shared = {host.port for host in hosts if host.name == ANY_NAME}
    listeners = [_listen(socket.SOCK_STREAM, host.address, host.port, is_shared=host.port in shared) for host in hosts]
    if shared:
        listeners.append(_listen(socket.SOCK_DGRAM, *RESOLVER))
    return tuple(listeners)


def _listen(kind: int, address: str, port: int, *, is_shared: bool = False) -> socket.socket:
    """is_shared: with a listener for every address of this port; a connection goes to the more exact one. socket(7)."""
    listener = socket.socket(socket.AF_INET, kind)
    try:
        if is_shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((address, port))
        if kind == socket.SOCK_STREAM:
            listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise SandboxError(ErrorCode.SETUP_FAILED, f"cannot listen on {address}:{port}: {error.strerror}") from None
    return listener


def lock(inside: Inside, kit: Kit, orders: Orders, supervisor: int | None = None) -> None:
    """Steps 10 and 11: after this, the process has no more rights than the command. supervisor: a socket to one that
    answers in place of the filters. Raises `SandboxError` or `OSError`."""
    writable = tuple(landlock.PathRule(target.path, landlock.WRITE) for target in orders.targets if target.is_writable)
    if orders.programs is not None:  # before the other layer: it lists directories
        landlock.allow_only_programs((*orders.programs, *((orders.executable,) if orders.executable else ())), kit.abi)
    ports = tuple(host.port for host in orders.hosts)
    closed = closed_scratch(target.path for target in orders.targets if not target.is_writable)
    if orders.loopback or closed:
        paths = tuple(rule for rule in _LANDLOCK.paths if rule.path not in closed) + writable
        landlock.apply(landlock.Policy(paths, ports, any_port=orders.loopback), kit.abi)
    else:
        inside.ruleset.apply(writable, ports)
    inside.ruleset.close()
    privileges.apply_limits(orders.limits)
    privileges.drop_all()
    if supervisor is not None:
        from sandbox import explain  # imported by the owner before the fork: a zygote never needs it

        rules = (*(rule for rule in _LANDLOCK.paths if rule.path not in closed), *writable)
        explain.hand_over(supervisor, kit, orders, rules)
    else:
        if orders.targets:
            apply_filters(kit.mount_programs)
        if orders.limits.memory_mib is not None:
            apply_filters(kit.memory_programs)
        apply_filters(kit.programs[0 if kit.explain else 1 :])
    privileges.verify_dropped()
