"""The interpreter agrees with the tables, and a program that asks allows nothing that the strict ones refuse."""

import errno
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
