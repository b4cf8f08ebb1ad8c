"""Where a secret can be seen: a search through the memory of processes and through files.

Guarantees: every readable mapping of a process is read through /proc/PID/mem (proc(5)), whole, with its parts overlapping; a
process whose memory the kernel refuses to show is reported as such, never as clean.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from janee.demo.traces import encodings

CHUNK: Final = 8 << 20
OVERLAP: Final = 4096  # longer than any form of any secret of the demo
UNREADABLE_MAPPINGS: Final = ("[vvar]", "[vvar_vclock]", "[vsyscall]")


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one process showed. secrets: names of those found; None: the kernel refused to show its memory."""

    role: str
    pid: int
    secrets: tuple[str, ...] | None
    may_hold: bool
    megabytes: float

    @property
    def is_leak(self) -> bool:
        return bool(self.secrets) and not self.may_hold


def look_into(role: str, pid: int, secrets: Mapping[str, bytes], *, may_hold: bool) -> Sighting:
    """Search the memory of a process for `secrets` (name → value)."""
    needles = {name: tuple({form for _, form in encodings(value)}) for name, value in secrets.items()}
    found: dict[str, None] = {}
    size = 0
    try:
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for start, end in _mappings(pid):
                size += end - start
                for chunk in _chunks(memory.fileno(), start, end):
                    found.update(dict.fromkeys(name for name, forms in needles.items() if any(form in chunk for form in forms)))
    except PermissionError:
        return Sighting(role, pid, None, may_hold, 0.0)
    except (FileNotFoundError, ProcessLookupError):
        pass  # it ended meanwhile; what was read counts
    return Sighting(role, pid, tuple(sorted(found)), may_hold, size / (1 << 20))


def _mappings(pid: int) -> list[tuple[int, int]]:
    ranges = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        fields = line.split(None, 5)
        if "r" in fields[1] and not (len(fields) == 6 and fields[5] in UNREADABLE_MAPPINGS):
            start, _, end = fields[0].partition("-")
            ranges.append((int(start, 16), int(end, 16)))
    return ranges


def _chunks(memory: int, start: int, end: int) -> Iterable[bytes]:
    position = start
    while position < end:
        try:
            data = os.pread(memory, min(CHUNK, end - position), position)
        except (OSError, OverflowError):
            return  # a hole: unmapped meanwhile, or a file that is shorter than its mapping
        if not data:
            return
        yield data
        if position + len(data) >= end:
            return
        position += max(len(data) - OVERLAP, 1)


def files_with(secret: bytes, roots: Iterable[Path]) -> tuple[Path, ...]:
    """The regular files under `roots` that hold the secret in any form."""
    forms = {form for _, form in encodings(secret)}
    found = []
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                if any(form in data for form in forms):
                    found.append(path)
    return tuple(found)


def descendants(pid: int) -> tuple[psutil.Process, ...]:
    """The process and all below it, parents first; those that are gone are left out."""
    try:
        top = psutil.Process(pid)
        return (top, *top.children(recursive=True))
    except psutil.NoSuchProcess:
        return ()


def is_running(process: psutil.Process, *words: str) -> bool:
    """Whether its command line consists of exactly these words."""
    try:
        return tuple(process.cmdline()) == words
    except psutil.Error:
        return False
