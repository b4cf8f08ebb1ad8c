"""The system call filters, compiled once and loaded last.

Guarantees: `compile_filters` gives two programs that together are the policy of `seccomp_tables`; the kernel takes the
stricter verdict of the two for every call. Two, because libseccomp lets one filter say "this number is allowed" or
"with these arguments it is", but not "allowed, except with these arguments". A foreign ABI kills the process. Never: a
filter loaded without no_new_privs.

Why last: the filter forbids most of what the other layers are made with.
"""

import errno
import os
from typing import Final

import pyseccomp

from sandbox import kernel
from sandbox.errors import ErrorCode, SandboxError
from sandbox.seccomp_tables import (
    ALLOWED,
    ARGUMENT_RULES,
    CHOICES,
    DISHONEST,
    NEW_NUMBERS,
    PUMP,
    REFUSED,
    WITH_MEMORY_LIMIT,
    WITH_MOUNTS,
    WITHOUT_NAMESPACES,
    ArgumentRule,
    Condition,
    Op,
)

_LOW_32_BITS: Final = 0xFFFFFFFF
_BINARY_TREE: Final = 2  # seccomp_attr_set(3), SCMP_FLTATR_CTL_OPTIMIZE
_INSTALL_HINT: Final = "install libseccomp 2.5 or newer (Debian: apt-get install libseccomp2)"


def compile_filters(*, with_namespaces: bool) -> tuple[bytes, ...]:
    """The programs for the command, in loading order: the last one forbids seccomp(2). Raises
    `SandboxError(UNAVAILABLE)`.

    with_namespaces: private root and network namespace bound what calls can reach; otherwise more is refused.
    """
    # libseccomp keeps one of two rules for a call: the unconditional one, which is the stricter.
    extra = () if with_namespaces else WITHOUT_NAMESPACES
    try:
        return (_export(_arguments_filter(ARGUMENT_RULES + extra)), _export(_calls_filter()))
    except OSError as error:
        raise SandboxError(ErrorCode.UNAVAILABLE, f"seccomp: cannot compile the filter: {error}", _INSTALL_HINT) from error


def compile_mount_filters() -> tuple[bytes, ...]:
    """What is refused besides where paths of the host are mounted. Raises `SandboxError(UNAVAILABLE)`."""
    try:
        return (_export(_arguments_filter(WITH_MOUNTS)),)
    except OSError as error:
        raise SandboxError(ErrorCode.UNAVAILABLE, f"seccomp: cannot compile the filter: {error}", _INSTALL_HINT) from error


def compile_memory_filters() -> tuple[bytes, ...]:
    """What is refused besides where memory is limited without a control group. Raises `SandboxError(UNAVAILABLE)`."""
    try:
        return (_export(_arguments_filter(WITH_MEMORY_LIMIT)),)
    except OSError as error:
        raise SandboxError(ErrorCode.UNAVAILABLE, f"seccomp: cannot compile the filter: {error}", _INSTALL_HINT) from error


def compile_pump_filter() -> bytes:
    """The program for a process that only moves bytes: `PUMP`, anything else kills."""
    pump = _new(pyseccomp.KILL_PROCESS)
    for name in PUMP.calls:
        _add(pump, pyseccomp.ALLOW, name)
    return _export(pump)


def apply_filters(programs: tuple[bytes, ...]) -> None:
    """Load `programs` into this process for good. no_new_privs must be set."""
    for program in programs:
        kernel.load_filter(program)


def _new(default: int) -> pyseccomp.SyscallFilter:
    built = pyseccomp.SyscallFilter(default)
    built.set_attr(pyseccomp.Attr.ACT_BADARCH, pyseccomp.KILL_PROCESS)
    built.set_attr(pyseccomp.Attr.CTL_OPTIMIZE, _BINARY_TREE)
    return built


def number_of(name: str) -> int | None:
    """The number of a call on this machine; None where the machine never had it."""
    number = int(pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name))
    if number >= 0:
        return number
    return next((value for known, value in NEW_NUMBERS if known == name), None)


def name_of(number: int) -> str | None:
    """The inverse of `number_of`; None for a number that has no name here."""
    try:
        return bytes(pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, number)).decode()
    except ValueError:
        return next((known for known, value in NEW_NUMBERS if value == number), None)


def native_arch() -> int:
    """AUDIT_ARCH_ of this machine, as a filter sees it. uapi/linux/audit.h."""
    return int(pyseccomp.system_arch())


def _add(target: pyseccomp.SyscallFilter, action: int, name: str, *arguments: pyseccomp.Arg) -> None:
    number = number_of(name)
    if number is not None:
        target.add_rule(action, number, *arguments)


def _calls_filter() -> pyseccomp.SyscallFilter:
    calls = _new(pyseccomp.ERRNO(errno.ENOSYS))
    chosen = {choice.call for choice in CHOICES}
    for group in ALLOWED:
        for name in group.calls:
            if name not in chosen:
                _add(calls, pyseccomp.ALLOW, name)
    for group in REFUSED:
        for name in group.calls:
            _add(calls, pyseccomp.ERRNO(errno.EPERM), name)
    for group in DISHONEST:
        for name in group.calls:
            _add(calls, pyseccomp.KILL_PROCESS, name)
    for choice in CHOICES:
        for value in choice.values:
            argument = pyseccomp.Arg(choice.index, pyseccomp.MASKED_EQ, _LOW_32_BITS, value)
            _add(calls, pyseccomp.ALLOW, choice.call, argument)
    return calls


def _arguments_filter(rules: tuple[ArgumentRule, ...]) -> pyseccomp.SyscallFilter:
    arguments = _new(pyseccomp.ALLOW)
    for rule in rules:
        _add_argument_rule(arguments, rule)
    return arguments


def _add_argument_rule(target: pyseccomp.SyscallFilter, rule: ArgumentRule) -> None:
    conditions = [_argument(condition) for condition in rule.conditions]
    for name in rule.calls:
        _add(target, pyseccomp.ERRNO(rule.error), name, *conditions)


def _argument(condition: Condition) -> pyseccomp.Arg:
    if condition.op is Op.MASKED_EQ:
        return pyseccomp.Arg(condition.index, int(condition.op), condition.mask, condition.value)
    return pyseccomp.Arg(condition.index, int(condition.op), condition.value)


def _export(built: pyseccomp.SyscallFilter) -> bytes:
    descriptor = os.memfd_create("seccomp")
    with open(descriptor, "w+b") as file:
        built.export_bpf(file)
        file.seek(0)
        return file.read()
