"""The interpreter agrees with the tables, and a program that asks allows nothing that the strict ones refuse."""

import errno
import os
import random

import pytest

from sandbox import bpf, seccomp
from sandbox.seccomp_tables import DISHONEST, REFUSED

ARCH = seccomp.native_arch()
STRICT = (*seccomp.compile_filters(with_namespaces=True), *seccomp.compile_mount_filters())
LANDLOCK = seccomp.compile_filters(with_namespaces=False)


def call(name: str, *arguments: int) -> bpf.Call:
    number = seccomp.number_of(name)
    if number is None:
        pytest.skip(f"this machine has no {name}")
    return bpf.Call(number, ARCH, (*arguments, *(0,) * (6 - len(arguments))))


def number_named(name: str) -> int:
    number = seccomp.number_of(name)
    assert number is not None
    return number


@pytest.mark.parametrize("name", [name for group in REFUSED for name in group.calls])
def test_refused_calls_get_eperm(name: str) -> None:
    assert bpf.errno_of(bpf.strictest(STRICT, call(name))) == errno.EPERM


@pytest.mark.parametrize("name", [name for group in DISHONEST for name in group.calls])
def test_dishonest_calls_kill(name: str) -> None:
    assert bpf.strictest(STRICT, call(name)) == bpf.RET_KILL_PROCESS


CASES = {
    "allowed": ("getpid", (), bpf.RET_ALLOW),
    "not in any table": ("clone3", (), bpf.RET_ERRNO | errno.ENOSYS),
    "netlink": ("socket", (16, 2), bpf.RET_ERRNO | errno.EAFNOSUPPORT),
    "tcp": ("socket", (2, 1, 6), bpf.RET_ALLOW),
    "unix with mounts": ("socket", (1, 1), bpf.RET_ERRNO | errno.EACCES),
    "TIOCSTI": ("ioctl", (0, 0x5412), bpf.RET_ERRNO | errno.ENOSYS),
    "TIOCSTI with garbage above": ("ioctl", (0, 0xFFFF_0000_0000_5412), bpf.RET_ERRNO | errno.ENOSYS),
    "isatty": ("ioctl", (0, 0x5401), bpf.RET_ALLOW),
    "clone into a user namespace": ("clone", (0x10000000,), bpf.RET_ERRNO | errno.EPERM),
}


# Written down here once more, so that a row that vanishes from the tables is missed.
FORBIDDEN = """
unshare setns mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr ptrace
process_vm_readv process_vm_writev pidfd_getfd kcmp process_madvise process_mrelease add_key request_key keyctl perf_event_open
bpf userfaultfd settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname syslog acct quotactl quotactl_fd
vhangup name_to_handle_at fanotify_init fanotify_mark migrate_pages move_pages modify_ldt kexec_load kexec_file_load init_module
finit_module delete_module reboot iopl ioperm swapon swapoff open_by_handle_at uselib lookup_dcookie nfsservctl io_uring_setup
clone3 seccomp landlock_create_ruleset memfd_secret shmget semget msgget mq_open
""".split()  # noqa: SIM905
ARGUMENTS = {
    "clone into a pid namespace": ("clone", (0x20000000,)),
    "raw socket": ("socket", (2, 3)),
    "sctp": ("socket", (2, 1, 132)),
    "set-uid": ("fchmod", (3, 0o4755)),
    "set-gid directory": ("mkdirat", (3, 0, 0o2755)),
    "block device": ("mknodat", (3, 0, 0o60666)),
    "limits of pid 1": ("prlimit64", (1, 7, 4096)),
    "affinity of pid 1": ("sched_setaffinity", (1, 8, 4096)),
    "TIOCSTI": ("ioctl", (0, 0x5412)),
    "TIOCLINUX": ("ioctl", (0, 0x541C)),
    "PR_SET_MM": ("prctl", (35, 1)),
    "PR_SET_PTRACER": ("prctl", (0x59616D61, 1)),
    "a program on a socket": ("setsockopt", (3, 1, 50)),
    "kernel TLS": ("setsockopt", (3, 6, 31)),
    "fast open": ("sendto", (3, 0, 0, 0x20000000)),
    "fast open by message": ("sendmsg", (3, 0, 0x20000000)),
    "priority of pid 1": ("setpriority", (0, 1, 19)),
    "huge pages": ("mmap", (0, 1 << 21, 3, 0x40022)),
    "huge pages in a file": ("memfd_create", (0, 4)),
    "merged pages": ("madvise", (0, 4096, 12)),
    "directory notification": ("fcntl", (3, 1026)),
    "lease": ("fcntl", (3, 1024)),
    "watch": ("inotify_add_watch", (3,)),
    "READ_IMPLIES_EXEC": ("personality", (0x0400000,)),
}
AT_LEVEL_LANDLOCK = {
    "any socket": ("socket", (2, 1)),
    "mode": ("chmod", (0, 0o600)),
    "attribute": ("fsetxattr", (3,)),
    "priority of a neighbour": ("setpriority", (0, 4242, 19)),
    "scheduling of a neighbour": ("sched_setaffinity", (4242, 8, 0)),
    "a signal to all": ("kill", ((1 << 64) - 1, 9)),
    "watch": ("inotify_add_watch", (3,)),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_must_never_be_allowed_is_not(name: str) -> None:
    assert bpf.strictest(STRICT, call(name)) != bpf.RET_ALLOW
    assert bpf.strictest(LANDLOCK, call(name)) != bpf.RET_ALLOW


def test_with_a_memory_limit_no_memory_is_uncounted() -> None:
    programs = seccomp.compile_memory_filters()
    assert bpf.strictest(programs, call("mmap", 0, 1 << 21, 3, 0x21)) == bpf.RET_ERRNO | errno.ENOMEM
    assert bpf.strictest(programs, call("mmap", 0, 1 << 21, 3, 0x22)) == bpf.RET_ALLOW
    assert bpf.strictest(programs, call("memfd_create")) != bpf.RET_ALLOW


def test_no_cpuid_trap() -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("arch_prctl(2) is of x86_64")
    assert bpf.strictest(STRICT, call("arch_prctl", 0x1012)) != bpf.RET_ALLOW


@pytest.mark.parametrize("case", ARGUMENTS)
def test_arguments_that_must_never_be_allowed_are_not(case: str) -> None:
    name, arguments = ARGUMENTS[case]
    assert bpf.strictest(STRICT, call(name, *arguments)) != bpf.RET_ALLOW


@pytest.mark.parametrize("case", AT_LEVEL_LANDLOCK)
def test_what_only_namespaces_confine_is_not_allowed_without(case: str) -> None:
    name, arguments = AT_LEVEL_LANDLOCK[case]
    assert bpf.strictest(LANDLOCK, call(name, *arguments)) != bpf.RET_ALLOW


@pytest.mark.parametrize("case", CASES)
def test_the_verdict_is_the_policy_s(case: str) -> None:
    name, arguments, expected = CASES[case]
    assert bpf.strictest(STRICT, call(name, *arguments)) == expected


def test_a_foreign_architecture_kills() -> None:
    foreign = bpf.Call(20, ARCH ^ 1, (0,) * 6)
    assert bpf.strictest(STRICT, foreign) == bpf.RET_KILL_PROCESS
    assert bpf.verdict(bpf.asking(STRICT, ARCH, ()), foreign) == bpf.RET_KILL_PROCESS


@pytest.mark.parametrize("programs", [STRICT, LANDLOCK], ids=["strict", "landlock"])
def test_the_asking_program_allows_exactly_what_the_strict_ones_allow(programs: tuple[bytes, ...]) -> None:
    dice = random.Random(4)
    always = (number_named("openat"),)
    asking = bpf.asking(programs, ARCH, always)
    assert len(asking) // 8 < 4096  # BPF_MAXINSNS
    pool = (0, 1, 2, 3, 10, 16, 17, 0x5401, 0x5412, 0o4755, 0o100, 1 << 29, 1 << 28, 1 << 40, (1 << 64) - 1)
    for _ in range(3000):
        made = bpf.Call(dice.choice((dice.randrange(470), 1 << 30, -1)), ARCH, tuple(dice.choice(pool) for _ in range(6)))
        allowed = bpf.strictest(programs, made) == bpf.RET_ALLOW and made.number not in always
        assert bpf.verdict(asking, made) == (bpf.RET_ALLOW if allowed else bpf.RET_USER_NOTIF), made


def test_an_unknown_instruction_is_an_error() -> None:
    with pytest.raises(ValueError, match="instruction"):
        bpf.verdict(b"\x07\0\0\0\0\0\0\0", call("getpid"))
