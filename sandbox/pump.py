"""What a process that owns a sandbox does to itself once the command runs: it needs to move bytes, and nothing else.

Guarantees: after `apply_pump_filter` every system call beside `seccomp_tables.PUMP` kills the process. Never: undone.
"""

from sandbox import privileges, seccomp


def apply_pump_filter() -> None:
    """Restrict this process (all threads) to pumping, for good: no new file, process, socket or program. Raises `OSError`."""
    program = seccomp.compile_pump_filter()
    privileges.forbid_new_privileges()
    seccomp.apply_filters((program,))
