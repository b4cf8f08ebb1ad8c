"""Attempts to get out, run inside the sandbox by a plain Python: `python3 probes.py` prints one JSON object, name ->
outcome.

An outcome is "open: …" when the attempt succeeded, "refused: …" when the system said no, "killed: N" when it ended the
process. Each probe runs in a forked child, so that one that is killed tells, too. What there is to find outside is told
in the environment (HOST_…). Standard library only, and nothing of the project: this file is all the attacker brings.
"""
# mypy: ignore-errors
# ruff: noqa: PTH101, PTH108, PTH113, PTH207, PTH208, PTH211, N818

import ctypes
import errno
import glob
import json
import mmap
import os
import platform
import resource
import signal
import socket
import struct
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
PROBES = {}
TIMEOUT_S = 5
EXPECTED_ROOT = {
    "bin",
    "dev",
    "etc",
    "home",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "opt",
    "proc",
    "run",
    "sbin",
    "tmp",
    "usr",
    "var",
}
# x86_64 numbers; probes that need one are left out elsewhere
NR = {
    "ptrace": 101, "syslog": 103, "modify_ldt": 154, "pivot_root": 155, "prctl": 157, "chroot": 161, "settimeofday":
    164, "acct": 163, "mount": 165, "umount2": 166, "swapon": 167, "reboot": 169, "iopl": 172, "ioperm": 173,
    "init_module": 175, "delete_module": 176, "quotactl": 179, "clock_settime": 227, "kexec_load": 246, "add_key":
    248, "request_key": 249, "keyctl": 250, "unshare": 272, "perf_event_open": 298, "fanotify_init": 300,
    "name_to_handle_at": 303, "open_by_handle_at": 304, "setns": 308, "process_vm_readv": 310, "kcmp": 312,
    "finit_module": 313, "seccomp": 317, "bpf": 321, "userfaultfd": 323, "io_uring_setup": 425, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fspick": 433, "clone": 56, "clone3": 435, "pidfd_open": 434,
    "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442, "memfd_secret": 447, "mq_open": 240, "shmget":
    29, "shmat": 30, "semget": 64, "msgget": 68, "sethostname": 170, "personality": 135, "capset": 126, "uselib": 134,
    "lookup_dcookie": 212, "kexec_file_load": 320, "vhangup": 153, "move_pages": 279, "sysfs": 139, "nfsservctl": 180,
    "openat2": 437, "statmount": 457, "listmount": 458, "fchmodat2": 452, "tuxcall": 184, "remap_file_pages": 216,
    "getpid": 39, "adjtimex": 159, "set_mempolicy": 238,
}  # fmt: skip


class Refused(Exception):
    pass


def probe(function):
    PROBES[function.__name__] = function
    return function


def call(name, *arguments):
    if platform.machine() != "x86_64":
        raise Refused("not on this machine")
    return number(NR[name], *arguments)


def number(nr, *arguments):
    converted = [
        ctypes.c_char_p(a) if isinstance(a, bytes) else a if isinstance(a, ctypes.Array) else ctypes.c_long(a)
        for a in arguments
    ]
    result = LIBC.syscall(ctypes.c_long(nr), *converted)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return f"returned {result}"


def read(path, limit=4096):
    with open(path, "rb") as file:
        data = file.read(limit)
    if not data:
        raise Refused("empty")
    return f"{len(data)} bytes"


def write(path, data=b"x"):
    with open(path, "r+b", buffering=0) as file:
        file.write(data)
    return "written"


def has_bits(path, bits):
    if os.stat(path).st_mode & bits != bits:
        raise Refused("without effect")
    return oct(os.stat(path).st_mode)


def reading(name, path):
    PROBES[f"read_{name}"] = lambda: read(path() if callable(path) else path)


def writing(name, path, data=b"x"):
    PROBES[f"write_{name}"] = lambda: write(path, data)


def raw(name, *arguments):
    PROBES[f"call_{name}"] = lambda: call(name, *arguments)


HOST_FILE = os.environ.get("HOST_FILE", "/nonexistent")
HOST_PID = int(os.environ.get("HOST_PID", "0"))
HOST_PORT = int(os.environ.get("HOST_PORT", "1"))
WORK = os.environ.get("WORK", "/nonexistent")
READ_ONLY = os.environ.get("READ_ONLY", "/nonexistent")

# ---- the host's state

for _name, _path in {
    "shadow": "/etc/shadow", "host_file": HOST_FILE, "host_file_by_proc_1": f"/proc/1/root{HOST_FILE}",
    "host_file_by_own_root": f"/proc/self/root/../../..{HOST_FILE}", "init_environment": "/proc/1/environ",
    "init_memory_map": "/proc/1/maps", "host_process_environment": f"/proc/{HOST_PID}/environ",
    "host_process_arguments": f"/proc/{HOST_PID}/cmdline", "kernel_symbols": "/proc/kallsyms", "kernel_memory":
    "/proc/kcore", "kernel_log": "/dev/kmsg", "kernel_modules": "/proc/modules", "kernel_command_line":
    "/proc/cmdline", "kernel_config": "/proc/config.gz", "partitions": "/proc/partitions", "disk_statistics":
    "/proc/diskstats", "keys": "/proc/keys", "boot_id": "/proc/sys/kernel/random/boot_id", "machine_id":
    "/etc/machine-id", "timers": "/proc/timer_list", "interrupts": "/proc/interrupts", "slabs": "/proc/slabinfo",
    "vmalloc": "/proc/vmallocinfo", "core_pattern": "/proc/sys/kernel/core_pattern", "physical_memory": "/dev/mem",
    "ports": "/dev/port", "sudoers": "/etc/sudoers", "host_ssh_keys": "/etc/ssh/ssh_host_ed25519_key", "sysfs":
    "/sys/kernel/uevent_seqnum", "cgroups": "/sys/fs/cgroup/cgroup.procs", "swaps": "/proc/swaps", "iomem":
    "/proc/iomem", "page_map_of_init": "/proc/1/pagemap",
}.items():  # fmt: skip
    reading(_name, _path)

for _name, _path in {
    "sysrq": "/proc/sysrq-trigger", "core_pattern": "/proc/sys/kernel/core_pattern", "hostname":
    "/proc/sys/kernel/hostname", "modprobe": "/proc/sys/kernel/modprobe", "usr": "/usr/bin/env", "passwd":
    "/etc/passwd", "hosts": "/etc/hosts", "shells_library": "/usr/lib/os-release", "own_uid_map":
    "/proc/self/uid_map", "timens_offsets": "/proc/self/timens_offsets", "oom_score": "/proc/self/oom_score_adj",
    "binfmt": "/proc/sys/fs/binfmt_misc/register", "release_agent": "/sys/fs/cgroup/release_agent", "uevent_helper":
    "/sys/kernel/uevent_helper", "max_user_namespaces": "/proc/sys/user/max_user_namespaces", "init_memory":
    "/proc/1/mem", "init_oom_score": "/proc/1/oom_score_adj",
}.items():  # fmt: skip
    writing(_name, _path, b"0")


@probe
def list_root_home():
    return str(os.listdir("/root"))


@probe
def unexpected_in_root():
    extra = set(os.listdir("/")) - EXPECTED_ROOT - {WORK.split("/")[1], READ_ONLY.split("/")[1]}
    if not extra:
        raise Refused("nothing")
    return str(sorted(extra))


@probe
def climb_out_by_dots():
    os.chdir(WORK)
    for _ in range(40):
        os.chdir("..")
    return read("." + HOST_FILE)


@probe
def symlink_out_of_workspace():
    link = os.path.join(WORK, "link")
    os.symlink(HOST_FILE, link)
    try:
        return read(link)
    finally:
        os.unlink(link)


@probe
def hard_link_system_file():
    os.link("/etc/passwd", os.path.join(WORK, "hard"))
    return "linked"


@probe
def write_into_read_only_mount():
    with open(os.path.join(READ_ONLY, "written"), "w"):
        return "written"


@probe
def write_into_root():
    with open("/written", "w"):
        return "written"


@probe
def other_processes_visible():
    others = [name for name in os.listdir("/proc") if name.isdecimal() and int(name) == HOST_PID]
    if not others:
        raise Refused("not visible")
    return str(others)


@probe
def host_mark_in_any_environment():
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as file:
                if b"HOST_MARK_IN_ENVIRONMENT" in file.read():
                    return path
        except OSError:
            continue
    raise Refused("not found")


@probe
def host_listener_in_proc_net():
    with open("/proc/net/tcp") as file:
        if f":{HOST_PORT:04X}" in file.read():
            return "seen"
    raise Refused("not seen")


@probe
def host_paths_in_mount_table():
    with open("/proc/self/mountinfo") as file:
        text = file.read()
    if HOST_FILE.rpartition("/")[0] in text:
        return "seen"
    raise Refused("not seen")


@probe
def host_name():
    if socket.gethostname() == os.environ.get("HOST_NAME"):
        return "seen"
    raise Refused("another")


@probe
def block_devices():
    found = [name for name in os.listdir("/dev") if name.startswith(("sd", "vd", "nvme", "loop", "mapper"))]
    if not found:
        raise Refused("none")
    return str(found)


@probe
def pseudo_terminal():
    return str(os.openpty())


@probe
def controlling_terminal():
    return str(os.open("/dev/tty", os.O_RDWR))


for _device in ("kvm", "fuse", "net/tun", "vhost-net", "console", "tty0", "loop-control"):
    PROBES[f"device_{_device.replace('/', '_').replace('-', '_')}"] = lambda d=_device: str(os.open(f"/dev/{d}", os.O_RDWR))


@probe
def inherited_descriptors():
    extra = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2 and not os.readlink(f"/proc/self/fd/{name}").startswith("/proc"):
                extra.append(name)
        except OSError:
            continue
    known = set(os.environ.get("PROBE_FDS", "").split(","))
    if not set(extra) - known:
        raise Refused("none")
    return str(extra)


@probe
def reopen_stdout_for_reading():
    mode = os.stat("/proc/self/fd/1")
    if not os.path.isfile("/proc/self/fd/1"):
        raise Refused(f"not a file: {mode.st_mode:o}")
    return str(os.open("/proc/self/fd/1", os.O_RDWR))


# ---- set-id files and devices in writable places


@probe
def setuid_by_chmod():
    path = os.path.join(WORK, "setuid")
    with open(path, "w"):
        os.chmod(path, 0o4755)
    return has_bits(path, 0o4000)


@probe
def setgid_by_fchmod():
    path = os.path.join(WORK, "setgid")
    with open(path, "w") as file:
        os.fchmod(file.fileno(), 0o2755)
    return has_bits(path, 0o2000)


@probe
def setuid_by_open():
    os.umask(0)
    os.close(os.open(os.path.join(WORK, "opened"), os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o4755))
    return oct(os.stat(os.path.join(WORK, "opened")).st_mode)


@probe
def setgid_by_mkdir():
    LIBC.umask(0)
    if LIBC.mkdir(os.path.join(WORK, "setgid_directory").encode(), 0o2777) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return "made"


@probe
def setuid_by_fchmodat2():
    path = os.path.join(WORK, "chmodded")
    with open(path, "w"):
        call("fchmodat2", -100, path.encode(), 0o4755, 0)
    return has_bits(path, 0o4000)


def attribute_of_device():
    before = os.stat("/dev/null").st_mtime_ns
    os.utime("/dev/null", ns=(1, 1))
    after = os.stat("/dev/null").st_mtime_ns
    if after != before:
        os.utime("/dev/null", ns=(before, before))
        return "changed"
    raise Refused("not changed")


PROBES["times_of_device_node"] = attribute_of_device


@probe
def mode_of_host_file():
    before = os.stat(HOST_FILE).st_mode
    os.chmod(HOST_FILE, 0o640)
    if os.stat(HOST_FILE).st_mode == before:
        raise Refused("not changed")
    os.chmod(HOST_FILE, before)
    return "changed"


@probe
def mode_of_read_only_mount():
    before = os.stat(READ_ONLY).st_mode
    descriptor = os.open(READ_ONLY, os.O_RDONLY)
    os.fchmod(descriptor, 0o705)
    if os.stat(READ_ONLY).st_mode == before:
        raise Refused("not changed")
    os.fchmod(descriptor, before)
    return "changed"


@probe
def times_of_read_only_mount():
    before = os.stat(READ_ONLY)
    os.utime(READ_ONLY, ns=(1, 1))
    if os.stat(READ_ONLY).st_mtime_ns == before.st_mtime_ns:
        raise Refused("not changed")
    os.utime(READ_ONLY, ns=(before.st_atime_ns, before.st_mtime_ns))
    return "changed"


@probe
def attribute_of_read_only_mount():
    os.setxattr(READ_ONLY, "user.probe", b"x")
    os.removexattr(READ_ONLY, "user.probe")
    return "set"


@probe
def truncate_read_only_file():
    path = os.path.join(READ_ONLY, "victim")
    os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))
    return "emptied"


@probe
def watch_host_directory():
    descriptor = LIBC.inotify_init1(0)
    if LIBC.inotify_add_watch(descriptor, os.path.dirname(HOST_FILE).encode(), 0xFFF) < 0:
        deny()
    return "watched"


@probe
def device_node():
    os.mknod(os.path.join(WORK, "device"), 0o20666, os.makedev(1, 1))
    return "made"


# ---- mounts and namespaces

raw("mount", b"none", b"/tmp", b"tmpfs", 0, 0)
raw("umount2", b"/usr", 2)
raw("pivot_root", b".", b".")
raw("chroot", b"/tmp")
raw("fsopen", b"tmpfs", 0)
raw("fspick", -100, b"/", 0)
raw("open_tree", -100, b"/", 1)
raw("move_mount", -100, b"/usr", -100, b"/tmp", 0)
raw("mount_setattr", -100, b"/usr", 0, bytes(32), 32)
raw("name_to_handle_at", -100, b"/", bytes(200), bytes(8), 0)
raw("open_by_handle_at", -100, struct.pack("II", 8, 1) + struct.pack("II", 2, 0), 0)
raw("unshare", 0x10000000)
raw("setns", 0, 0)
raw("statmount", bytes(32), bytes(256), 256, 0)
raw("listmount", bytes(32), bytes(256), 32, 0)
PROBES["remount_read_only_mount"] = lambda: call("mount", b"none", READ_ONLY.encode(), b"", 32 | 4096, 0)
PROBES["bind_mount"] = lambda: call("mount", b"/usr", b"/tmp", b"", 4096, 0)
for _name, _flag in {
    "mount": 0x20000,
    "network": 0x40000000,
    "pid": 0x20000000,
    "ipc": 0x8000000,
    "uts": 0x4000000,
    "time": 0x80,
}.items():
    PROBES[f"unshare_{_name}"] = lambda f=_flag: call("unshare", f)
    PROBES[f"unshare_user_and_{_name}"] = lambda f=_flag: call("unshare", f | 0x10000000)


@probe
def clone_user_namespace():
    result = call("clone", 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)
    if result == "returned 0":
        os._exit(0)
    return result


@probe
def clone3_user_namespace():
    arguments = struct.pack("QQQQQQQQ", 0x10000000, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    result = call("clone3", arguments, len(arguments))
    if result == "returned 0":
        os._exit(0)
    return result


@probe
def enter_namespace_of_init():
    if LIBC.setns(os.open("/proc/1/ns/mnt", os.O_RDONLY), 0) != 0:
        deny()
    return "entered"


@probe
def enter_namespace_by_pidfd():
    descriptor = os.pidfd_open(os.getppid())
    if LIBC.setns(descriptor, 0x10000000 | 0x20000) != 0:
        deny()
    return "entered"


def deny():
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code))


# ---- the kernel's attack surface

raw("bpf", 0, struct.pack("IIII", 2, 4, 4, 1) + bytes(112), 128)
raw("perf_event_open", struct.pack("IIQ", 1, 112, 0) + bytes(96), 0, -1, -1, 0)
raw("userfaultfd", 1)
raw("io_uring_setup", 8, ctypes.create_string_buffer(120))
raw("add_key", b"user", b"probe", b"x", 1, -3)
raw("request_key", b"user", b"probe", b"x", -3)
raw("keyctl", 0, -3, 1)
raw("kexec_load", 0, 0, 0, 0)
raw("kexec_file_load", -1, -1, 0, b"", 0)
raw("init_module", bytes(8), 8, b"")
raw("finit_module", -1, b"", 0)
raw("delete_module", b"nonexistent", 0)
raw("iopl", 3)
raw("ioperm", 0x80, 1, 1)
raw("modify_ldt", 0, ctypes.create_string_buffer(64), 64)
raw("swapon", b"/nonexistent", 0)
raw("reboot", 0, 0, 0, 0)
raw("settimeofday", bytes(16), 0)
raw("clock_settime", 0, bytes(16))
raw("sethostname", b"probe", 5)
raw("syslog", 10, 0, 0)
raw("acct", b"/nonexistent")
raw("quotactl", 0, b"/dev/null", 0, 0)
raw("fanotify_init", 0, 0)
raw("seccomp", 2, 0, 0)
raw("memfd_secret", 0)
raw("uselib", b"/bin/true")
raw("lookup_dcookie", 0, bytes(64), 64)
raw("vhangup")
raw("move_pages", 1, 0, 0, 0, 0, 0)
raw("personality", 0x0400000)
raw("remap_file_pages", 0, 0, 0, 0, 0)
raw("mq_open", b"probe", 0o102, 0o600, 0)
raw("shmget", 0, 4096, 0o1600)
raw("semget", 0, 1, 0o1600)
raw("msgget", 0, 0o1600)
raw("kcmp", 1, 1, 0, 0, 0)
raw("process_madvise", -1, 0, 0, 0, 0)
raw("nfsservctl", 0, 0, 0)
raw("openat2", -100, b"/", struct.pack("QQQ", 0, 0, 0), 24)
raw("set_mempolicy", 0, 0, 0)
PROBES["host_shared_memory"] = lambda: call("shmget", int(os.environ.get("HOST_SHM_KEY", "1")), 1, 0o600)


@probe
def foreign_call_i386():
    if platform.machine() != "x86_64":
        raise Refused("not on this machine")
    code = b"\x53\xb8\x14\x00\x00\x00\xcd\x80\x5b\xc3"  # push rbx; mov eax, 20 (getpid); int 0x80; pop rbx; ret
    memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(code)
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
    return f"returned {function()}"


@probe
def foreign_call_x32():
    return number(0x40000000 | NR["getpid"])


for _name, _family, _kind, _protocol in (
    ("netlink", 16, 3, 0), ("packet", 17, 3, 0), ("algorithm", 38, 5, 0), ("vsock", 40, 1, 0), ("xdp", 44, 3, 0),
    ("bluetooth", 31, 3, 0), ("can", 29, 3, 0), ("tipc", 30, 1, 0), ("rds", 21, 5, 0), ("smc", 43, 1, 0), ("qipcrtr",
    42, 2, 0), ("raw_icmp", 2, 3, 1), ("ping", 2, 2, 1), ("sctp", 2, 1, 132), ("mptcp", 2, 1, 262), ("dccp", 2, 6,
    33), ("udplite", 2, 2, 136), ("key", 15, 3, 2), ("kcm", 41, 2, 0),
):  # fmt: skip
    PROBES[f"socket_{_name}"] = lambda f=_family, k=_kind, p=_protocol: str(socket.socket(f, k, p))


# ---- other processes


@probe
def ptrace_parent():
    return call("ptrace", 16, os.getppid(), 0, 0)


@probe
def ptrace_me():
    return call("ptrace", 0, 0, 0, 0)


@probe
def read_memory_of_parent():
    buffer = ctypes.create_string_buffer(16)
    local = struct.pack("QQ", ctypes.addressof(buffer), 16)
    remote = struct.pack("QQ", ctypes.addressof(buffer), 16)
    return call("process_vm_readv", os.getppid(), local, 1, remote, 1, 0)


@probe
def steal_descriptor():
    return call("pidfd_getfd", os.pidfd_open(os.getppid()), 0, 0)


@probe
def signal_host_process():
    os.kill(HOST_PID, 0)
    return "it may be signalled"


@probe
def kill_init():
    before = os.getppid()
    os.kill(1, signal.SIGTERM)
    os.kill(1, signal.SIGKILL)
    os.kill(1, signal.SIGSTOP)
    time.sleep(0.05)
    raise Refused(f"still here, parent {before}")


@probe
def limits_of_init():
    resource.prlimit(1, resource.RLIMIT_NOFILE, (0, 0))
    return "changed"


@probe
def type_into_terminal():
    import fcntl

    for descriptor in (0, 1, 2):
        fcntl.ioctl(descriptor, 0x5412, b"x")
    return "typed"


@probe
def linux_console_ioctl():
    import fcntl

    fcntl.ioctl(0, 0x541C, b"\x02")
    return "done"


@probe
def truncated_ioctl_number():
    if LIBC.ioctl(0, ctypes.c_ulong(0x1_0000_5412), b"x") == 0:
        return "typed"
    return deny()


@probe
def abstract_socket_of_host():
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect("\0" + os.environ.get("HOST_ABSTRACT", "none"))
    return "connected"


@probe
def path_socket_of_host():
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(os.environ.get("HOST_SOCKET", "/nonexistent"))
    return "connected"


@probe
def docker_socket():
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect("/var/run/docker.sock")
    return "connected"


@probe
def posix_shared_memory_of_host():
    return read("/dev/shm/" + os.environ.get("HOST_POSIX_SHM", "none"))


# ---- network


def connect(address, port, family=socket.AF_INET):
    with socket.socket(family) as peer:
        peer.settimeout(2)
        peer.connect((address, port))
    return "connected"


PROBES["host_loopback"] = lambda: connect("127.0.0.1", HOST_PORT)
PROBES["host_loopback_v6"] = lambda: connect("::1", HOST_PORT, socket.AF_INET6)
PROBES["host_loopback_mapped"] = lambda: connect("::ffff:127.0.0.1", HOST_PORT, socket.AF_INET6)
PROBES["host_any_address"] = lambda: connect("0.0.0.0", HOST_PORT)
PROBES["metadata"] = lambda: connect("169.254.169.254", 80)
PROBES["metadata_decimal"] = lambda: connect("2852039166", 80)
PROBES["metadata_v6"] = lambda: connect("fd00:ec2::254", 80, socket.AF_INET6)
PROBES["resolve_name"] = lambda: str(socket.getaddrinfo("example.com", 80))
PROBES["resolve_host_name"] = lambda: str(socket.getaddrinfo(os.environ.get("HOST_NAME", "none"), 80))


@probe
def udp_out():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.sendto(b"x", ("192.0.2.1", 53))
    return "sent"


@probe
def other_interfaces():
    extra = [name for _, name in socket.if_nameindex() if name != "lo"]
    if not extra:
        raise Refused("only lo")
    return str(extra)


@probe
def privileged_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 81))
    return "bound"


# ---- privileges


def status(field):
    with open("/proc/self/status") as file:
        return next(line.split()[1] for line in file if line.startswith(field + ":"))


for _set in ("CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd"):

    def _capability(name=_set):
        value = status(name)
        if int(value, 16) == 0:
            raise Refused("empty")
        return value

    PROBES[f"has_{_set.lower()}"] = _capability


@probe
def new_privileges_allowed():
    if status("NoNewPrivs") == "1":
        raise Refused("no_new_privs")
    return "allowed"


@probe
def unfiltered():
    if status("Seccomp") == "2":
        raise Refused("filtered")
    return "no filter"


@probe
def become_root():
    os.setuid(0)
    if os.getuid() != 0:
        raise Refused("still not")
    return "uid 0"


@probe
def change_group():
    os.setgroups([0])
    return "changed"


@probe
def raise_capabilities():
    header, data = struct.pack("Ii", 0x20080522, 0), struct.pack("6I", *[0xFFFFFFFF] * 6)
    return call("capset", header, data)


@probe
def raise_ambient_capability():
    return call("prctl", 47, 2, 21, 0, 0)


@probe
def allow_tracing_by_anyone():
    return call("prctl", 0x59616D61, -1, 0, 0, 0)


@probe
def change_memory_map_by_prctl():
    return call("prctl", 35, 1, 0, 0, 0)


@probe
def weaken_securebits():
    return call("prctl", 28, 0, 0, 0, 0)


@probe
def real_time_priority():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    return "set"


@probe
def negative_nice():
    os.setpriority(os.PRIO_PROCESS, 0, -5)
    return "set"


@probe
def lock_much_memory():
    memory = mmap.mmap(-1, 64 * 1024 * 1024)
    if LIBC.mlock(ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory))), ctypes.c_size_t(64 * 1024 * 1024)) != 0:
        deny()
    return "locked"


@probe
def raise_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard + 1, hard + 1))
    return "raised"


@probe
def core_dumps():
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard == 0:
        raise Refused("none")
    return str(hard)


@probe
def set_id_programs_work():
    with open("/proc/self/mountinfo") as file:
        loose = [line.split()[4] for line in file if "nosuid" not in line.split()[5]]
    if not loose:
        raise Refused("every mount is nosuid")
    return str(loose)


@probe
def mapped_as_root():
    if os.getuid() == 0:
        return "uid 0 inside"
    raise Refused(str(os.getuid()))


# ---- harness


def run_one(function):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        signal.alarm(TIMEOUT_S)
        os.environ["PROBE_FDS"] = str(writer)
        try:
            outcome = f"open: {function()}"
        except OSError as error:
            outcome = f"refused: {errno.errorcode.get(error.errno or 0, error)}"
        except (Refused, ValueError, OverflowError) as error:
            outcome = f"refused: {error}"
        os.write(writer, outcome.encode())
        os._exit(0)
    os.close(writer)
    _, status_word = os.waitpid(pid, 0)
    data = os.read(reader, 65536).decode()
    os.close(reader)
    if os.WIFSIGNALED(status_word):
        return f"killed: {os.WTERMSIG(status_word)}"
    return data or f"refused: exit {status_word}"


try:
    import probes_more
except ImportError:
    from tests.attacks.sandbox import probes_more

probes_more.register(sys.modules[__name__])

if __name__ == "__main__":
    chosen = sys.argv[1:] or list(PROBES)
    print(json.dumps({name: run_one(PROBES[name]) for name in chosen}))
