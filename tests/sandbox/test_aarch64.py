"""The filters as an aarch64 machine would load them: compiled for it here, and run by our interpreter, on no such machine."""

from __future__ import annotations

import errno
import os

import pyseccomp
import pytest

from sandbox import bpf, seccomp
from sandbox.seccomp_tables import ALLOWED, ARGUMENT_RULES, CHOICES, DISHONEST, REFUSED, WITH_MOUNTS

AARCH64 = pyseccomp.Arch.AARCH64
AUDIT_ARCH_AARCH64 = 0xC00000B7  # uapi/linux/audit.h
AUDIT_ARCH_X86_64 = 0xC000003E

if os.uname().machine == "aarch64":
    pytest.skip("this machine is one: test_bpf shows the same on the real thing", allow_module_level=True)


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, ...]:
    native = seccomp._new

    def for_aarch64(default: int) -> pyseccomp.SyscallFilter:
        built = native(default)
        built.add_arch(AARCH64)
        built.remove_arch(pyseccomp.Arch.NATIVE)
        return built

    monkeypatch.setattr(seccomp, "_new", for_aarch64)
    monkeypatch.setattr(seccomp, "NEW_NUMBERS", ())  # numbers without a name cannot be translated from one machine to another
    return (*seccomp.compile_filters(with_namespaces=True), *seccomp.compile_mount_filters())


def verdict(programs: tuple[bytes, ...], name: str, *arguments: int, arch: int = AUDIT_ARCH_AARCH64) -> int:
    number = int(pyseccomp.resolve_syscall(AARCH64, name))
    assert number >= 0, name
    return bpf.strictest(programs, bpf.Call(number, arch, (*arguments, *(0,) * (6 - len(arguments)))))


def known(names: set[str]) -> list[str]:
    return sorted(name for name in names if int(pyseccomp.resolve_syscall(AARCH64, name)) >= 0)


def test_the_whole_allow_list_is_allowed(programs: tuple[bytes, ...]) -> None:
    by_argument = {choice.call for choice in CHOICES} | {name for rule in ARGUMENT_RULES + WITH_MOUNTS for name in rule.calls}
    names = known({name for group in ALLOWED for name in group.calls} - by_argument)
    assert len(names) > 150
    assert [name for name in names if verdict(programs, name) != bpf.RET_ALLOW] == []


def test_everything_refused_and_killed_is_so(programs: tuple[bytes, ...]) -> None:
    refused = known({name for group in REFUSED for name in group.calls})
    killed = known({name for group in DISHONEST for name in group.calls})
    assert len(refused) > 30
    assert len(killed) > 5
    assert {name: verdict(programs, name) for name in refused} == dict.fromkeys(refused, bpf.RET_ERRNO | errno.EPERM)
    assert {name: verdict(programs, name) for name in killed} == dict.fromkeys(killed, bpf.RET_KILL_PROCESS)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("clone3", (), bpf.RET_ERRNO | errno.ENOSYS),
        ("clone", (0x10000000,), bpf.RET_ERRNO | errno.EPERM),
        ("socket", (16, 2), bpf.RET_ERRNO | errno.EAFNOSUPPORT),
        ("socket", (2, 1, 6), bpf.RET_ALLOW),
        ("ioctl", (0, 0x5412), bpf.RET_ERRNO | errno.ENOSYS),
        ("ioctl", (0, 0x5401), bpf.RET_ALLOW),
        ("personality", (0x0040000,), bpf.RET_ERRNO | errno.ENOSYS),
    ],
)
def test_arguments_decide_as_on_x86_64(
    programs: tuple[bytes, ...], name: str, arguments: tuple[int, ...], expected: int
) -> None:
    assert verdict(programs, name, *arguments) == expected


def test_calls_of_another_machine_kill(programs: tuple[bytes, ...]) -> None:
    assert verdict(programs, "getpid", arch=AUDIT_ARCH_X86_64) == bpf.RET_KILL_PROCESS
    assert verdict(programs, "getpid", arch=0x40000028) == bpf.RET_KILL_PROCESS  # 32-bit arm
