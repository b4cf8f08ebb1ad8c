"""Seccomp programs as values: what one says to a call, and one that asks a supervisor instead of refusing.

Guarantees: `verdict` says what the kernel would, for the instructions that libseccomp writes, and raises `ValueError` for
any other; `asking` allows nothing that one of its programs refuses. Never: a program loaded; a look at what a pointer
points to.

Programs are arrays of struct sock_filter (uapi/linux/filter.h); verdicts are SECCOMP_RET_ values (seccomp(2)).
"""

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

RET_KILL_PROCESS: Final = 0x80000000
RET_ERRNO: Final = 0x00050000
RET_USER_NOTIF: Final = 0x7FC00000
RET_ALLOW: Final = 0x7FFF0000

_ACTION: Final = 0xFFFF0000
_ERRNO: Final = 0x0000FFFF
_INSTRUCTION: Final = struct.Struct("=HBBI")
_DATA: Final = struct.Struct("=iIQ6Q")  # struct seccomp_data: nr, arch, instruction pointer, arguments
_WORD: Final = struct.Struct("=I")
_LOAD, _AND, _JUMP, _RETURN = 0x20, 0x54, 0x05, 0x06
_JUMP_EQUAL, _JUMP_GREATER, _JUMP_GREATER_OR_EQUAL, _JUMP_SET = 0x15, 0x25, 0x35, 0x45
_TESTS: Final = MappingProxyType[int, Callable[[int, int], bool]](
    {
        _JUMP_EQUAL: lambda a, k: a == k,
        _JUMP_GREATER: lambda a, k: a > k,
        _JUMP_GREATER_OR_EQUAL: lambda a, k: a >= k,
        _JUMP_SET: lambda a, k: bool(a & k),
    }
)
_NR_OFFSET, _ARCH_OFFSET = 0, 4


@dataclass(frozen=True, slots=True)
class Call:
    """One system call as the kernel shows it to a filter. arguments: the six registers, unsigned."""

    number: int
    arch: int
    arguments: tuple[int, ...]

    def to_bytes(self) -> bytes:
        """struct seccomp_data."""
        return _DATA.pack(self.number, self.arch, 0, *self.arguments)


def verdict(program: bytes, call: Call) -> int:
    """The SECCOMP_RET_ value of one program. Raises `ValueError` for an instruction that is not known here."""
    data, accumulator, position = call.to_bytes(), 0, 0
    instructions = _instructions(program)
    while True:
        code, yes, no, k = instructions[position]
        position += 1
        if code == _RETURN:
            return k
        if code == _LOAD:
            accumulator = _WORD.unpack_from(data, k)[0]
        elif code == _AND:
            accumulator &= k
        elif code == _JUMP:
            position += k
        elif code in _TESTS:
            position += yes if _TESTS[code](accumulator, k) else no
        else:
            raise ValueError(f"instruction {code:#x} is not one of libseccomp's")


def strictest(programs: Iterable[bytes], call: Call) -> int:
    """What the kernel makes of several programs: the lowest action wins, as a signed number. seccomp(2)."""
    return min((verdict(program, call) for program in programs), key=_precedence)


def errno_of(action: int) -> int | None:
    """The errno of a SECCOMP_RET_ERRNO value; None for any other action."""
    return action & _ERRNO if action & _ACTION == RET_ERRNO else None


def _precedence(action: int) -> int:
    masked = action & _ACTION
    return masked - (1 << 32) if masked & 1 << 31 else masked


def _instructions(program: bytes) -> tuple[tuple[int, int, int, int], ...]:
    return tuple(_INSTRUCTION.iter_unpack(program))


def asking(programs: tuple[bytes, ...], arch: int, always: Iterable[int]) -> bytes:
    """One program that leaves to a supervisor whatever one of `programs` does not allow, and the call numbers `always`.

    A foreign architecture still kills: its numbers mean other calls. One program, because the kernel lets a refusal win over a
    question, and gives a process one supervisor at most.
    """
    result = _prologue(arch, tuple(always))
    for position, program in enumerate(programs):
        body = _instructions(program)
        is_last = position == len(programs) - 1
        for index, instruction in enumerate(body):
            result.append(_rewritten(instruction, to_next=None if is_last else len(body) - index - 1))
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in result)


def _prologue(arch: int, always: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    found = [
        (_LOAD, 0, 0, _ARCH_OFFSET),
        (_JUMP_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, RET_KILL_PROCESS),
        (_LOAD, 0, 0, _NR_OFFSET),
    ]
    for number in always:
        found += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, RET_USER_NOTIF)]
    return found


def _rewritten(instruction: tuple[int, int, int, int], to_next: int | None) -> tuple[int, int, int, int]:
    """`instruction` with its refusals turned into questions, and its permission into a jump to the next program."""
    code, _, _, k = instruction
    if code != _RETURN:
        return instruction
    if k & _ACTION != RET_ALLOW:
        return (_RETURN, 0, 0, RET_USER_NOTIF)
    return instruction if to_next is None else (_JUMP, 0, 0, to_next)
