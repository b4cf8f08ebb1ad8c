"""What this machine can do: every layer tried, not looked up.

Guarantees: each probe runs in a process of its own, applies its layer, and then attempts what the layer forbids;
whatever a probe does dies with it. A layer is reported present only if the attempt failed. Never: a verdict from a
file, a version or a configuration alone.
"""

import os
import pwd
import resource
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from sandbox import cgroup, idmap, init, kernel, landlock, privileges, remedy, rootfs
from sandbox.cell import Cell
from sandbox.errors import SandboxError
from sandbox.kit import USERNS_HINT
from sandbox.spec import INSIDE_ID, Level, Limits

_SCOPES_ABI: Final = 6
_TCP_ABI: Final = 4
_MESSAGE_LIMIT: Final = 4096
_PROC_HINT: Final = (
    "the container masks /proc: Docker --security-opt systempaths=unconfined, "
    "Kubernetes procMount: Unmasked with hostUsers: false"
)
_MOUNT_HINT: Final = (
    "mounting inside a user namespace is refused: Docker --security-opt apparmor=unconfined "
    "--security-opt seccomp=PROFILE allowing mount calls; "
    "Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0; kernel 5.12 or newer"
)
_PRIVATE_ROOT_HINT: Final = f"{_MOUNT_HINT}; {_PROC_HINT}"
_LANDLOCK_HINT: Final = (
    "kernel 5.13 or newer with CONFIG_SECURITY_LANDLOCK=y and landlock in lsm=; Docker: seccomp profile of 23.0 or newer"
)
_SECCOMP_HINT: Final = "kernel with CONFIG_SECCOMP_FILTER=y and libseccomp 2.5 (Debian: apt-get install libseccomp2)"


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One layer. required: the level refuses to start without it. cause and remedy are empty when ok."""

    name: str
    ok: bool
    required: bool
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True)
class _Layer:
    name: str
    probe: Callable[[], None]
    remedy: str
    required: bool = True


def check(level: Level) -> tuple[LayerReport, ...]:
    """Try every layer of `level`, each alone, then all together. Call it from a process without threads."""
    layers = {Level.STRICT: _STRICT, Level.LANDLOCK: _LANDLOCK, Level.OFF: ()}[level]
    return tuple(_report(layer) for layer in layers)


def render(reports: tuple[LayerReport, ...]) -> str:
    """The reports for people, one line a layer, with cause and remedy below what is missing."""
    lines = []
    for report in reports:
        verdict = "ok" if report.ok else "MISSING" if report.required else "absent"
        lines.append(f"{verdict:8} {report.name}")
        if not report.ok:
            lines.append(f"{'':9}cause:  {report.cause}")
            lines.append(f"{'':9}remedy: {report.remedy}")
    return "\n".join(lines) + "\n"


def _report(layer: _Layer) -> LayerReport:
    cause = _try_in_child(layer.probe)
    known = remedy.causes() if cause and layer.remedy in (USERNS_HINT, _PRIVATE_ROOT_HINT) else ()
    steps = "; ".join(one.remedy for one in known) or layer.remedy
    because = "; ".join((cause, *(one.cause for one in known)))
    return LayerReport(layer.name, not cause, layer.required, because, steps if cause else "")


def _try_in_child(probe: Callable[[], None]) -> str:
    """Run `probe` in a forked process; the cause of its failure, or nothing."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _run_probe(probe, writer)
    os.close(writer)
    with open(reader, "rb") as file:
        cause = file.read(_MESSAGE_LIMIT).decode(errors="replace")
    _, status = os.waitpid(pid, 0)
    if status and not cause:
        return f"the probe ended with status {status}"
    return cause


def _run_probe(probe: Callable[[], None], writer: int) -> NoReturn:
    status = 1
    try:
        probe()
        status = 0
    except (OSError, SandboxError, ValueError) as error:
        os.write(writer, (str(error) or type(error).__name__).encode())
    finally:
        os._exit(status)


def _inside(namespaces: int, probe: Callable[[], None]) -> Callable[[], None]:
    """`probe` as the mapped user of a fresh user namespace and the given others."""

    def enter() -> None:
        identity = idmap.choose_identity(privileged=idmap.is_privileged())
        ours, theirs = socket.socketpair()
        reader, writer = os.pipe()
        pid = kernel.fork_into(kernel.CLONE_NEWUSER | namespaces)
        if pid == 0:
            os.close(reader)
            ours.close()  # else it would wait for itself where its user cannot be mapped
            _run_probe(lambda: _as_mapped_user(theirs, probe), writer)
        os.close(writer)
        theirs.close()
        with ours:
            idmap.write_maps(pid, inside_uid=INSIDE_ID, inside_gid=INSIDE_ID, identity=identity)
            ours.sendall(b"M")
        with open(reader, "rb") as file:
            cause = file.read(_MESSAGE_LIMIT).decode(errors="replace")
        _, status = os.waitpid(pid, 0)
        if cause or status:
            raise ValueError(cause or f"the probe ended with status {status}")

    return enter


def _as_mapped_user(channel: socket.socket, probe: Callable[[], None]) -> None:
    if channel.recv(1) != b"M":
        raise ValueError("the user map was not written")
    os.setresgid(INSIDE_ID, INSIDE_ID, INSIDE_ID)
    os.setresuid(INSIDE_ID, INSIDE_ID, INSIDE_ID)
    probe()


def _must_fail(what: str, action: Callable[[], object]) -> None:
    try:
        action()
    except OSError:
        return
    raise ValueError(f"{what} succeeded, although it is forbidden")


# ---- probes

_ONLY_USR: Final = landlock.Policy((landlock.PathRule("/usr", landlock.READ),))


def _nothing() -> None:
    """The namespaces themselves are the probe."""


def _pid_namespace() -> None:
    if os.getpid() != 1:
        raise ValueError("the first process is not pid 1")


def _network() -> None:
    init.raise_loopback()
    with socket.socket() as probe:
        _must_fail("a connection to a test address", lambda: probe.connect(("192.0.2.1", 80)))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))


def _private_root() -> None:
    rootfs.build(1, 256, "check")
    rootfs.seal()
    _must_fail("writing to the root", lambda: os.mkdir("/written"))
    _must_fail("writing to /usr", lambda: os.mkdir("/usr/written"))
    _must_fail("entering /root", lambda: os.chdir("/root"))


def _nested_namespaces() -> None:
    init.forbid_user_namespaces()
    _must_fail("a nested user namespace", lambda: kernel.unshare(kernel.CLONE_NEWUSER))


def _capabilities() -> None:
    privileges.drop_bounding_set()
    privileges.forbid_new_privileges()
    privileges.drop_all()
    if kernel.effective_capabilities():
        raise ValueError("capabilities survived their removal")
    _must_fail("a change of the host name", lambda: socket.sethostname("check"))


def _landlock_files() -> None:
    privileges.forbid_new_privileges()
    landlock.apply(_ONLY_USR, landlock.detect_abi())
    os.close(os.open("/usr", os.O_RDONLY | os.O_DIRECTORY))
    _must_fail("opening /etc", lambda: os.open("/etc", os.O_RDONLY | os.O_DIRECTORY))


def _landlock_tcp() -> None:
    abi = landlock.detect_abi()
    if abi < _TCP_ABI:
        raise ValueError(f"the kernel's Landlock ABI is {abi}, TCP rules came with {_TCP_ABI} (Linux 6.7)")
    privileges.forbid_new_privileges()
    landlock.apply(_ONLY_USR, abi)
    with socket.socket() as probe:
        _must_fail("binding a TCP port", lambda: probe.bind(("127.0.0.1", 0)))


def _landlock_scopes() -> None:
    abi = landlock.detect_abi()
    if abi < _SCOPES_ABI:
        raise ValueError(f"the kernel's Landlock ABI is {abi}, scopes came with {_SCOPES_ABI} (Linux 6.12)")
    privileges.forbid_new_privileges()
    landlock.apply(_ONLY_USR, abi)
    _must_fail("a signal to a process outside", lambda: os.kill(os.getppid(), 0))


def _seccomp() -> None:
    privileges.forbid_new_privileges()
    from sandbox import seccomp  # not at the top: whoever imports this package needs libseccomp only once

    seccomp.apply_filters(seccomp.compile_filters(with_namespaces=True))
    _must_fail("unshare", lambda: kernel.unshare(0))
    _must_fail("a netlink socket", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))


def _limits() -> None:
    privileges.apply_limits(Limits())
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if soft or hard:
        raise ValueError("core files are still allowed")


def _separate_user() -> None:
    if not idmap.is_privileged():
        raise ValueError("not privileged: the command's processes belong to your own user outside")
    if not idmap.choose_identity(privileged=True).is_separate:
        raise ValueError("no free user id is mapped into this user namespace")


def _idmapped_mounts() -> None:
    if not idmap.is_privileged():
        raise ValueError("not privileged: not needed, because the command keeps your user id")
    kernel.unshare(kernel.CLONE_NEWNS)
    with idmap.OwnerMap() as owner_map:
        userns = owner_map.write(0, 0, idmap.choose_identity(privileged=True))
        copy = kernel.open_tree_clone(os.getcwd())
        kernel.set_mount_attributes(copy, add=kernel.MOUNT_ATTR_IDMAP | kernel.MOUNT_ATTR_RDONLY, userns_fd=userns)


def _cgroup() -> None:
    parent = cgroup.find_parent()
    if parent is None:
        raise ValueError("no cgroup v2 group in which this user may make another")
    with cgroup.Leaf.make(parent, dies_as_one=True) as leaf:
        pid = kernel.fork_into(0, leaf.fileno())
        if pid == 0:
            signal.pause()
            os._exit(1)
        leaf.close()
        _, status = os.waitpid(pid, 0)
    if not os.WIFSIGNALED(status):
        raise ValueError("a process born in a group outlived it")


def _cgroup_limits() -> None:
    parent = cgroup.find_parent()
    missing = sorted({"memory", "pids"} - (parent.controllers if parent else frozenset()))
    if parent is None or missing:
        raise ValueError(f"no controller for {' and '.join(missing)}: memory is limited per process, not of the whole tree")
    with cgroup.Leaf.make(parent, dies_as_one=True) as leaf:
        leaf.limit(Limits(memory_mib=64))


def _subordinate_ids() -> None:
    if idmap.is_privileged():
        return  # not needed: every sandbox gets a user id of its own
    user = pwd.getpwuid(os.geteuid()).pw_name if _has_account() else str(os.geteuid())
    ranges = remedy.subordinate_ids(user, os.geteuid())
    where = f"/etc/subuid has {', '.join(ranges)} for {user}, but" if ranges else f"/etc/subuid has nothing for {user}, and"
    raise ValueError(f"{where} mounts can only be mapped to another id by root: the command keeps your user id")


def _has_account() -> bool:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True


def _time_namespace() -> None:
    """Tried, but not used: a clock with an offset would only hide the time since boot."""
    kernel.unshare(kernel.CLONE_NEWTIME)


def _locked_memory() -> None:
    kernel.lock_memory()


def _whole(level: Level) -> Callable[[], None]:
    def probe() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        Cell.prepare(level).verify()

    return probe


_COMMON: Final = (
    _Layer("landlock: files", _landlock_files, _LANDLOCK_HINT),
    _Layer("landlock: TCP", _landlock_tcp, "kernel 6.7 or newer (ABI 4)", required=False),
    _Layer("landlock: signals and abstract sockets", _landlock_scopes, "kernel 6.12 or newer (ABI 6)", required=False),
    _Layer("seccomp: allow-list", _seccomp, _SECCOMP_HINT),
    _Layer("resource limits", _limits, "raise the hard limits of this process (ulimit -H)"),
)
_GROUPS: Final = (
    _Layer(
        "cgroup v2: the tree killed as one",
        _cgroup,
        "run as root, or delegate a cgroup v2 subtree (systemd: Delegate=yes with DelegateSubgroup=runner; a user's session: "
        "systemd-run --user --scope; Docker: --cgroupns=private with a writable /sys/fs/cgroup)",
        required=False,
    ),
    _Layer(
        "cgroup v2: memory and processes of the whole tree",
        _cgroup_limits,
        "boot with systemd.unified_cgroup_hierarchy=1, and delegate the controllers (systemd: Delegate=memory pids cpu)",
        required=False,
    ),
)
_OPTIONAL: Final = (
    _Layer(
        "user of its own",
        _separate_user,
        "run as root, or with CAP_SYS_ADMIN, CAP_SETUID and CAP_SETGID; without, processes of the same user outside "
        "can read the command's memory",
        required=False,
    ),
    _Layer("idmapped mounts", _idmapped_mounts, "kernel 5.12 or newer and a file system that supports them", required=False),
    _Layer(
        "subordinate user ids",
        _subordinate_ids,
        "run the Runner as root: it gives every command a user id of its own, and maps mounts",
        required=False,
    ),
    *_GROUPS,
    _Layer("time namespace", _inside(0, _time_namespace), "none needed: nothing depends on it", required=False),
    _Layer("memory locked", _locked_memory, "raise RLIMIT_MEMLOCK (ulimit -l), or swap off", required=False),
)
_STRICT: Final = (
    _Layer("user namespace", _inside(0, _nothing), USERNS_HINT),
    _Layer("mount namespace", _inside(kernel.CLONE_NEWNS, _nothing), USERNS_HINT),
    _Layer("pid namespace", _inside(kernel.CLONE_NEWPID, _pid_namespace), USERNS_HINT),
    _Layer("network namespace with loopback", _inside(kernel.CLONE_NEWNET, _network), USERNS_HINT),
    _Layer("ipc namespace", _inside(kernel.CLONE_NEWIPC, _nothing), USERNS_HINT),
    _Layer("uts namespace", _inside(kernel.CLONE_NEWUTS, lambda: socket.sethostname("check")), USERNS_HINT),
    _Layer("cgroup namespace", _inside(kernel.CLONE_NEWCGROUP, _nothing), USERNS_HINT),
    _Layer(
        "private root, own /proc",
        _inside(kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET, _private_root),
        _PRIVATE_ROOT_HINT,
    ),
    _Layer(
        "no user namespace inside the sandbox",
        _inside(0, _nested_namespaces),
        "/proc/sys must be writable for the owner of a user namespace: Docker --security-opt systempaths=unconfined",
    ),
    _Layer("capabilities dropped", _inside(kernel.CLONE_NEWUTS, _capabilities), USERNS_HINT),
    *_COMMON,
    _Layer("all together", _whole(Level.STRICT), "see the layers above"),
    *_OPTIONAL,
)


def _lacking(what: str) -> Callable[[], None]:
    def probe() -> None:
        raise ValueError(what)

    return probe


_USE_STRICT: Final = "use --level strict"
_LANDLOCK: Final = (
    *_COMMON,
    _Layer("all together", _whole(Level.LANDLOCK), "see the layers above"),
    *_GROUPS,
    _Layer(
        "other processes hidden",
        _lacking("no pid namespace: names and arguments of other processes can be read"),
        _USE_STRICT,
        required=False,
    ),
    _Layer(
        "network",
        _lacking("no network namespace: there are no sockets at all, and no named hosts"),
        _USE_STRICT,
        required=False,
    ),
    _Layer(
        "private root",
        _lacking("no mount namespace: /usr, parts of /etc, load and memory statistics of the host are visible, no tmpfs quota"),
        _USE_STRICT,
        required=False,
    ),
    _Layer(
        "user of its own",
        _lacking("no user namespace: the command runs as your own user, without capabilities"),
        _USE_STRICT,
        required=False,
    ),
    _Layer(
        "file attributes",
        _lacking("no mount namespace: chmod, chown and utime succeed without effect, because Landlock does not confine them"),
        _USE_STRICT,
        required=False,
    ),
    _Layer(
        "death of the tree by the kernel",
        _lacking("no pid namespace: descendants are killed by a keeper process, and survive if that is killed"),
        _USE_STRICT,
        required=False,
    ),
)
