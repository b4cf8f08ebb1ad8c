"""Every raw system call of this package: one typed function a call, errno turned into `OSError` here.

Guarantees: the only user of `ctypes`; callers see Python types; a failing call raises `OSError` with the call's name.
Importing has no effect. Never: policy. What is called when, and why, is in the modules that call.

Numbers and structures: the kernel's uapi headers, named at each. Machines: x86_64 and aarch64
(`require_supported_machine`).
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import signal
import struct
import time
from collections.abc import Iterator
from typing import Any, Final

# uapi/linux/sched.h
CLONE_NEWTIME: Final = 0x00000080
CLONE_NEWNS: Final = 0x00020000
CLONE_NEWCGROUP: Final = 0x02000000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000
_CLONE_INTO_CGROUP: Final = 0x200000000
_CLONE_PIDFD: Final = 0x00001000

# uapi/linux/mount.h
MOUNT_ATTR_RDONLY: Final = 0x1
MOUNT_ATTR_NOSUID: Final = 0x2
MOUNT_ATTR_NODEV: Final = 0x4
MOUNT_ATTR_NOEXEC: Final = 0x8
MOUNT_ATTR_IDMAP: Final = 0x00100000
MS_PRIVATE: Final = 1 << 18
MS_SLAVE: Final = 1 << 19
_OPEN_TREE_CLONE: Final = 1
_FSOPEN_CLOEXEC: Final = 1
_FSMOUNT_CLOEXEC: Final = 1
_FSCONFIG_SET_FLAG: Final = 0
_FSCONFIG_SET_STRING: Final = 1
_FSCONFIG_CMD_CREATE: Final = 6
_FSCONFIG_CMD_RECONFIGURE: Final = 7
_MOVE_MOUNT_F_EMPTY_PATH: Final = 0x4
_MOVE_MOUNT_T_EMPTY_PATH: Final = 0x40
_MNT_DETACH: Final = 2

# uapi/linux/fcntl.h, openat2.h
AT_FDCWD: Final = -100
_AT_RECURSIVE: Final = 0x8000
_AT_EMPTY_PATH: Final = 0x1000
_RESOLVE_NO_MAGICLINKS: Final = 0x02
RESOLVE_NO_SYMLINKS: Final = 0x04
RESOLVE_BENEATH: Final = 0x08
RESOLVE_IN_ROOT: Final = 0x10

# uapi/linux/prctl.h
PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_GET_SECCOMP: Final = 21
PR_CAPBSET_READ: Final = 23
PR_CAPBSET_DROP: Final = 24
PR_GET_SECUREBITS: Final = 27
PR_SET_SECUREBITS: Final = 28
PR_SET_NO_NEW_PRIVS: Final = 38
PR_SET_CHILD_SUBREAPER: Final = 36
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_CLEAR_ALL: Final = 4

# uapi/linux/landlock.h
LANDLOCK_CREATE_RULESET_VERSION: Final = 1
_LANDLOCK_RULE_PATH_BENEATH: Final = 1
_LANDLOCK_RULE_NET_PORT: Final = 2

# uapi/linux/seccomp.h
_SECCOMP_SET_MODE_FILTER: Final = 1
_SECCOMP_FILTER_FLAG_TSYNC: Final = 1
_SECCOMP_FILTER_FLAG_NEW_LISTENER: Final = 8
_SECCOMP_IOCTL_NOTIF_RECV: Final = 0xC0502100
_SECCOMP_IOCTL_NOTIF_SEND: Final = 0xC0182101
_SECCOMP_IOCTL_NOTIF_ID_VALID: Final = 0x40082102
_SECCOMP_USER_NOTIF_FLAG_CONTINUE: Final = 1

_SIG_DFL: Final = ctypes.c_void_p(0)
_CLOSE_RANGE_CLOEXEC: Final = 4
_CLONE_VM: Final = 0x00000100  # uapi/linux/sched.h
_SLEEPER_STACK: Final = 16 * 1024
_CAPABILITY_BITS: Final = 64
_CAPABILITIES: Final = tuple(ctypes.c_ulong(number) for number in range(_CAPABILITY_BITS))
_KEYCTL_JOIN_SESSION_KEYRING: Final = 1  # uapi/linux/keyctl.h
_MCL_CURRENT: Final = 1
_MCL_FUTURE: Final = 2
_MCL_ONFAULT: Final = 4  # only pages that are used: without it a forked process copies all of its parent at once
_CAPABILITY_VERSION_3: Final = 0x20080522  # uapi/linux/capability.h

# Numbers that differ between machines; those from 424 on are the same everywhere.
_NUMBERS: Final = {
    "x86_64": {"clone": 56, "capget": 125, "capset": 126, "pivot_root": 155, "keyctl": 250, "seccomp": 317},
    "aarch64": {"clone": 220, "capget": 90, "capset": 91, "pivot_root": 41, "keyctl": 219, "seccomp": 277},
}
_OPEN_TREE: Final = 428
_MOVE_MOUNT: Final = 429
_FSOPEN: Final = 430
_FSCONFIG: Final = 431
_FSMOUNT: Final = 432
_CLONE3: Final = 435
_CLOSE_RANGE: Final = 436
_OPENAT2: Final = 437
_PIDFD_GETFD: Final = 438
_MOUNT_SETATTR: Final = 442
_LANDLOCK_CREATE_RULESET: Final = 444
_LANDLOCK_ADD_RULE: Final = 445
_LANDLOCK_RESTRICT_SELF: Final = 446

# PyDLL keeps the interpreter lock: in a child of a raw clone nobody else could give it back.
_LIBC: Final = ctypes.PyDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long
_NATIVE: Final = _NUMBERS.get(os.uname().machine, {})


class _SockFprog(ctypes.Structure):
    """struct sock_fprog, uapi/linux/filter.h."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def require_supported_machine() -> None:
    """Raise `OSError(ENOSYS)` on a machine whose system call numbers are not known here."""
    if not _NATIVE:
        raise OSError(errno.ENOSYS, f"no system call table for machine {os.uname().machine}")


def _argument(value: int | bytes | None) -> Any:
    if value is None:
        return ctypes.c_void_p(None)
    return ctypes.c_char_p(value) if isinstance(value, bytes) else ctypes.c_long(value)


def _call(name: str, number: int, *arguments: int | bytes | None) -> int:
    result = int(_LIBC.syscall(ctypes.c_long(number), *[_argument(value) for value in arguments]))
    if result < 0:
        _fail(name)
    return result


def _native(name: str, *arguments: int | bytes | None) -> int:
    require_supported_machine()
    return _call(name, _NATIVE[name], *arguments)


def _fail(name: str) -> None:
    code = ctypes.get_errno()
    raise OSError(code, f"{name}: {os.strerror(code)}")


def _check(name: str, result: int) -> int:
    if result < 0:
        _fail(name)
    return result


# ---- processes


def fork_into(namespaces: int, cgroup_fd: int | None = None) -> int:
    """`fork_with_pidfd` for callers that wait for the child by its number."""
    pid, pidfd = fork_with_pidfd(namespaces, cgroup_fd)
    if pid != 0:
        os.close(pidfd)
    return pid


def fork_with_pidfd(namespaces: int, cgroup_fd: int | None = None) -> tuple[int, int]:
    """clone(2) with namespace flags, otherwise like `os.fork`: (0, -1) in the child, its pid and a pidfd in the parent.

    The pidfd comes with the call (CLONE_PIDFD), because a number alone may mean another process already where SIGCHLD is
    ignored. cgroup_fd: a cgroup v2 directory that the child is born in (clone3(2), CLONE_INTO_CGROUP); moving it there
    afterwards would stop every fork of the machine for a moment.

    One call for all namespaces, because a fork that unshares and forks again costs twice as much. Single-threaded
    callers only.
    """
    pidfd = ctypes.c_int(-1)
    flags, address = namespaces | _CLONE_PIDFD, ctypes.addressof(pidfd)
    ctypes.pythonapi.PyOS_BeforeFork()
    try:
        if cgroup_fd is None:
            pid = _native("clone", flags | signal.SIGCHLD, 0, address, 0, 0)
        else:
            words = (flags | _CLONE_INTO_CGROUP, address, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, cgroup_fd)
            arguments = struct.pack("=11Q", *words)
            pid = _call("clone3", _CLONE3, arguments, len(arguments))
    except OSError:
        ctypes.pythonapi.PyOS_AfterFork_Parent()
        raise
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return 0, -1
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    return pid, pidfd.value


def reset_signals(numbers: tuple[int, ...]) -> None:
    """signal(2): the kernel's default for each, past Python's table of handlers, whose use costs a fork dear."""
    for number in numbers:
        _LIBC.signal(ctypes.c_int(number), _SIG_DFL)


def open_signals(number: int) -> int:
    """signalfd(2): a descriptor that is readable while the blocked signal `number` is pending; read 128 bytes of it to
    take it."""
    mask = ctypes.create_string_buffer(struct.pack("=Q", 1 << (number - 1)).ljust(128, b"\0"), 128)  # sigset_t of libc
    flags = ctypes.c_int(os.O_CLOEXEC | os.O_NONBLOCK)
    return _check("signalfd", int(_LIBC.signalfd(ctypes.c_int(-1), mask, flags)))


@contextlib.contextmanager
def sleeper(namespaces: int) -> Iterator[int]:
    """The pid of a process that is in fresh namespaces and does nothing, for as long as the context lasts.

    clone(2) with CLONE_VM: it shares our memory, of which it uses one page as its stack, so that there is nothing to copy;
    it never comes back from pause(2), and SIGKILL ends it alone. Single-threaded callers only.
    """
    stack = ctypes.create_string_buffer(_SLEEPER_STACK)
    top = (ctypes.addressof(stack) + _SLEEPER_STACK) & ~15  # both machines want it aligned so
    entry = ctypes.cast(_LIBC.pause, ctypes.c_void_p)
    flags = ctypes.c_int(namespaces | _CLONE_VM | signal.SIGCHLD)
    pid = _check("clone", int(_LIBC.clone(entry, ctypes.c_void_p(top), flags, None)))
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # where SIGCHLD is ignored
            os.waitpid(pid, 0)


def drop_bounding_set() -> None:
    """prctl(2) PR_CAPBSET_DROP for every capability that the kernel knows; one call each is all there is."""
    call = _LIBC.prctl
    option, zero = ctypes.c_int(PR_CAPBSET_DROP), ctypes.c_ulong(0)
    for capability in _CAPABILITIES:
        if call(option, capability, zero, zero, zero) < 0:
            if ctypes.get_errno() != errno.EINVAL:  # EINVAL: no capability of this number, and none above
                _fail("prctl")
            return


def unshare(namespaces: int) -> None:
    """unshare(2)."""
    _check("unshare", _LIBC.unshare(ctypes.c_int(namespaces)))


def setns(fd: int, kind: int) -> None:
    """setns(2)."""
    _check("setns", _LIBC.setns(ctypes.c_int(fd), ctypes.c_int(kind)))


def prctl(option: int, *arguments: int) -> int:
    """prctl(2) for what python-prctl lacks; missing arguments are 0, as the newer options demand."""
    padded = (*arguments, 0, 0, 0, 0)[:4]
    return _check("prctl", _LIBC.prctl(ctypes.c_int(option), *[ctypes.c_ulong(value) for value in padded]))


def join_new_session_keyring() -> None:
    """keyctl(2) KEYCTL_JOIN_SESSION_KEYRING without a name: a fresh, empty session keyring in place of the inherited
    one."""
    _native("keyctl", _KEYCTL_JOIN_SESSION_KEYRING, None)


def reset_personality() -> None:
    """personality(2): plain Linux, without ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC and their like."""
    _check("personality", _LIBC.personality(ctypes.c_ulong(0)))


def drop_capability_sets() -> None:
    """capset(2): empty the effective, permitted and inheritable sets of this thread."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _native("capset", header, bytes(24))


def effective_capabilities() -> int:
    """capget(2): the effective set of this thread as a bit mask."""
    data = ctypes.create_string_buffer(24)
    require_supported_machine()
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), 8)
    _check("capget", int(_LIBC.syscall(ctypes.c_long(_NATIVE["capget"]), header, data)))
    low, _, _, high, _, _ = struct.unpack("=6I", data.raw)
    return int(low) | int(high) << 32


def mark_close_on_exec(first: int) -> None:
    """close_range(2) with CLOSE_RANGE_CLOEXEC: no descriptor from `first` on survives an exec."""
    _call("close_range", _CLOSE_RANGE, first, 0xFFFFFFFF, _CLOSE_RANGE_CLOEXEC)


def lock_memory() -> None:
    """mlockall(2), now and for the future: every page from its first use on."""
    _check("mlockall", _LIBC.mlockall(ctypes.c_int(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT)))


def start_timer(seconds: float) -> int:
    """timerfd_create(2) and timerfd_settime(2): a descriptor that becomes readable once, `seconds` from now, whatever
    the clock says."""
    descriptor = _check("timerfd_create", _LIBC.timerfd_create(ctypes.c_int(time.CLOCK_MONOTONIC), ctypes.c_int(os.O_CLOEXEC)))
    whole = int(seconds)
    fraction = max(1, int((seconds - whole) * 1_000_000_000))  # zero would disarm it
    value = struct.pack("=qqqq", 0, 0, whole, fraction)
    _check("timerfd_settime", _LIBC.timerfd_settime(ctypes.c_int(descriptor), ctypes.c_int(0), ctypes.c_char_p(value), None))
    return descriptor


# ---- mounts


def open_tree_clone(path: str, *, dir_fd: int = AT_FDCWD, recursive: bool = True) -> int:
    """open_tree(2) with OPEN_TREE_CLONE: a detached copy of the mount at `path`, as a descriptor. Empty path: `dir_fd`
    itself."""
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC | (_AT_RECURSIVE if recursive else 0) | (0 if path else _AT_EMPTY_PATH)
    return _call("open_tree", _OPEN_TREE, dir_fd, os.fsencode(path), flags)


def move_mount(mount_fd: int, target_fd: int, target: str = "") -> None:
    """move_mount(2): attach the detached `mount_fd` at `target` below `target_fd` (empty: on `target_fd` itself)."""
    flags = _MOVE_MOUNT_F_EMPTY_PATH | (0 if target else _MOVE_MOUNT_T_EMPTY_PATH)
    _call("move_mount", _MOVE_MOUNT, mount_fd, b"", target_fd, os.fsencode(target), flags)


def set_mount_attributes(
    mount_fd: int, *, add: int = 0, remove: int = 0, propagation: int = 0, userns_fd: int = 0, recursive: bool = True
) -> None:
    """mount_setattr(2) on the mount that `mount_fd` is in, and, if recursive, on all below."""
    attributes = struct.pack("=QQQQ", add, remove, propagation, userns_fd)
    flags = _AT_EMPTY_PATH | (_AT_RECURSIVE if recursive else 0)
    _call("mount_setattr", _MOUNT_SETATTR, mount_fd, b"", flags, attributes, len(attributes))


def new_filesystem(kind: str, options: tuple[tuple[str, str], ...], attributes: int) -> tuple[int, int]:
    """fsopen(2), fsconfig(2), fsmount(2): a fresh detached file system. Returns (context, mount) descriptors."""
    context = _call("fsopen", _FSOPEN, kind.encode(), _FSOPEN_CLOEXEC)
    try:
        for name, value in options:
            _configure(context, name, value)
        _call("fsconfig", _FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0)
        return context, _call("fsmount", _FSMOUNT, context, _FSMOUNT_CLOEXEC, attributes)
    except OSError:
        os.close(context)
        raise


def reconfigure_filesystem(context: int, options: tuple[tuple[str, str], ...]) -> None:
    """fsconfig(2) FSCONFIG_CMD_RECONFIGURE on a context of `new_filesystem`: a remount with other options."""
    for name, value in options:
        _configure(context, name, value)
    _call("fsconfig", _FSCONFIG, context, _FSCONFIG_CMD_RECONFIGURE, None, None, 0)


def _configure(context: int, name: str, value: str) -> None:
    _call("fsconfig", _FSCONFIG, context, _FSCONFIG_SET_STRING, name.encode(), value.encode(), 0)


def pivot_into_cwd() -> None:
    """pivot_root(2) onto the current directory, then drop the old root with everything in it (the man page's `.`
    idiom)."""
    _native("pivot_root", b".", b".")
    _check("umount2", _LIBC.umount2(ctypes.c_char_p(b"."), ctypes.c_int(_MNT_DETACH)))
    os.chdir("/")


def open_beneath(path: str, flags: int, *, dir_fd: int = AT_FDCWD, resolve: int = RESOLVE_NO_SYMLINKS) -> int:
    """openat2(2): open with the given RESOLVE_ flags, which plain openat(2) has not."""
    how = struct.pack("=QQQ", flags | os.O_CLOEXEC, 0, resolve | _RESOLVE_NO_MAGICLINKS)
    return _call("openat2", _OPENAT2, dir_fd, os.fsencode(path), how, len(how))


# ---- Landlock and seccomp


def landlock_abi() -> int:
    """landlock_create_ruleset(2) with LANDLOCK_CREATE_RULESET_VERSION: the ABI, at least 1."""
    return _call("landlock_create_ruleset", _LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_CREATE_RULESET_VERSION)


def landlock_create_ruleset(attributes: bytes) -> int:
    """landlock_create_ruleset(2). attributes: struct landlock_ruleset_attr, cut to the size of the ABI."""
    return _call("landlock_create_ruleset", _LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)


def landlock_allow_path(ruleset: int, rights: int, path_fd: int) -> None:
    """landlock_add_rule(2), LANDLOCK_RULE_PATH_BENEATH."""
    rule = struct.pack("=Qi", rights, path_fd)
    _call("landlock_add_rule", _LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_RULE_PATH_BENEATH, rule, 0)


def landlock_allow_port(ruleset: int, rights: int, port: int) -> None:
    """landlock_add_rule(2), LANDLOCK_RULE_NET_PORT."""
    _call("landlock_add_rule", _LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_RULE_NET_PORT, struct.pack("=QQ", rights, port), 0)


def landlock_restrict_self(ruleset: int) -> None:
    """landlock_restrict_self(2)."""
    _call("landlock_restrict_self", _LANDLOCK_RESTRICT_SELF, ruleset, 0)


def load_filter(program: bytes) -> None:
    """seccomp(2): load a compiled filter into every thread of this process (TSYNC)."""
    block = _SockFprog(len(program) // 8, program)
    require_supported_machine()
    result = int(
        _LIBC.syscall(
            ctypes.c_long(_NATIVE["seccomp"]),
            ctypes.c_long(_SECCOMP_SET_MODE_FILTER),
            ctypes.c_long(_SECCOMP_FILTER_FLAG_TSYNC),
            ctypes.byref(block),
        )
    )
    if result != 0:
        if result > 0:
            raise OSError(errno.EBUSY, f"seccomp: thread {result} could not be synchronised")
        _fail("seccomp")


# ---- seccomp's questions to a supervisor: seccomp_unotify(2)

_NOTIFICATION: Final = struct.Struct("=QIIiIQ6Q")  # struct seccomp_notif
_ANSWER: Final = struct.Struct("=QqiI")  # struct seccomp_notif_resp


def load_asking_filter(program: bytes) -> int:
    """seccomp(2) with SECCOMP_FILTER_FLAG_NEW_LISTENER: load a filter into this thread; returns the supervisor's
    descriptor."""
    block = _SockFprog(len(program) // 8, program)
    require_supported_machine()
    arguments = (_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_NEW_LISTENER)
    numbers = [ctypes.c_long(value) for value in (_NATIVE["seccomp"], *arguments)]
    return _check("seccomp", int(_LIBC.syscall(*numbers, ctypes.byref(block))))


def receive_question(listener: int) -> tuple[int, int, int, int, tuple[int, ...]]:
    """SECCOMP_IOCTL_NOTIF_RECV: (id, thread as this process numbers it, call number, architecture, six arguments).

    Raises `FileNotFoundError` when the asking process died meanwhile.
    """
    block = bytearray(_NOTIFICATION.size)
    fcntl.ioctl(listener, _SECCOMP_IOCTL_NOTIF_RECV, block, True)
    question, thread, _, number, arch, _, *arguments = _NOTIFICATION.unpack(block)
    return question, thread, number, arch, tuple(arguments)


def is_question_open(listener: int, question: int) -> bool:
    """SECCOMP_IOCTL_NOTIF_ID_VALID: does the asking thread still wait? Only then its number still means it."""
    try:
        fcntl.ioctl(listener, _SECCOMP_IOCTL_NOTIF_ID_VALID, struct.pack("=Q", question))
    except OSError:
        return False
    return True


def answer_question(listener: int, question: int, error: int) -> None:
    """SECCOMP_IOCTL_NOTIF_SEND: fail the call with `error`; 0 lets the kernel go on with it."""
    flags = 0 if error else _SECCOMP_USER_NOTIF_FLAG_CONTINUE
    fcntl.ioctl(listener, _SECCOMP_IOCTL_NOTIF_SEND, _ANSWER.pack(question, 0, -error, flags))


def answer_with_success(listener: int, question: int) -> None:
    """SECCOMP_IOCTL_NOTIF_SEND: the call is not made, and returns 0."""
    fcntl.ioctl(listener, _SECCOMP_IOCTL_NOTIF_SEND, _ANSWER.pack(question, 0, 0, 0))


def copy_descriptor(pidfd: int, descriptor: int) -> int:
    """pidfd_getfd(2): a descriptor of another process, as one of ours."""
    return _call("pidfd_getfd", _PIDFD_GETFD, pidfd, descriptor, 0)
