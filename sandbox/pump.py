"""What a process that owns a sandbox does to itself once the command runs: it needs to move bytes, and nothing else.

Guarantees: after `apply_pump_filter` every system call beside `seccomp_tables.PUMP` kills the process. Never: undone.
"""

from sandbox import privileges
from sandbox.kit import apply_filters


def compile_pump_filter() -> bytes:
    """The program of `apply_pump_filter`, for who wants to apply it without delay later."""
    from sandbox import seccomp  # libseccomp and ctypes.util: 3 MB that a zygote does not want in every fork

    return seccomp.compile_pump_filter()


def apply_pump_filter(program: bytes | None = None) -> None:
    """Restrict this process (all threads) to pumping, for good: no new file, process, socket or program. Raises
    `OSError`.

    program: what `compile_pump_filter` made in time; None compiles it now.
    """
    compiled = compile_pump_filter() if program is None else program
    privileges.forbid_new_privileges()
    apply_filters((compiled,))
