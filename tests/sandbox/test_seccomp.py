"""The tables and what becomes of them."""

import pyseccomp
import pytest

from sandbox import seccomp
from sandbox.seccomp_tables import ALLOWED, ARGUMENT_RULES, CHOICES, DISHONEST, NEW_NUMBERS, PUMP, REFUSED, Group

TABLES = {"allowed": ALLOWED, "refused": REFUSED, "dishonest": DISHONEST}


def names(groups: tuple[Group, ...]) -> list[str]:
    return [name for group in groups for name in group.calls]


def test_a_call_is_in_one_table_only() -> None:
    every = [name for groups in TABLES.values() for name in names(groups)]
    assert sorted(every) == sorted(set(every))


@pytest.mark.parametrize("table", TABLES)
def test_every_group_gives_its_reason(table: str) -> None:
    assert all(group.reason and group.calls for group in TABLES[table])


def test_every_rule_and_choice_gives_its_reason() -> None:
    assert all(rule.reason for rule in ARGUMENT_RULES)
    assert all(choice.reason and choice.values for choice in CHOICES)


def test_a_choice_of_values_is_not_allowed_without_them() -> None:
    chosen = {choice.call for choice in CHOICES}
    assert not chosen & set(names(ALLOWED))


@pytest.mark.parametrize(
    "name",
    [
        "unshare",
        "setns",
        "mount",
        "ptrace",
        "bpf",
        "keyctl",
        "open_by_handle_at",
        "clone3",
        "openat2",
        "io_uring_setup",
        "seccomp",
    ],
)
def test_what_opens_ways_out_is_not_allowed(name: str) -> None:
    assert name not in names(ALLOWED)


def test_every_name_is_a_system_call_of_some_machine() -> None:
    known = {name for name, _ in NEW_NUMBERS}
    unknown = [
        name
        for groups in (*TABLES.values(), (PUMP,))
        for name in names(groups)
        if name not in known and seccomp.number_of(name) is None
    ]
    # Calls that x86_64 never had, or has no more.
    assert set(unknown) <= {"fadvise64", "vm86", "vm86old", "mseal"}


def test_programs_are_whole_instructions_and_fit_the_kernel() -> None:
    for program in (*seccomp.compile_filters(with_namespaces=True), seccomp.compile_pump_filter()):
        assert len(program) % 8 == 0
        assert 0 < len(program) // 8 <= 4096  # BPF_MAXINSNS


def test_compiling_twice_gives_the_same() -> None:
    assert seccomp.compile_filters(with_namespaces=False) == seccomp.compile_filters(with_namespaces=False)


def test_a_filter_without_namespaces_differs() -> None:
    assert seccomp.compile_filters(with_namespaces=False)[0] != seccomp.compile_filters(with_namespaces=True)[0]


ALWAYS_ON_AARCH64 = """
    clone execve exit_group openat read write close newfstatat fstat statx lseek mmap mprotect munmap brk
    rt_sigaction rt_sigprocmask rt_sigreturn ioctl pread64 pwrite64 readv writev faccessat pipe2 dup dup3 fcntl
    getcwd chdir mkdirat unlinkat renameat2 linkat symlinkat readlinkat fchmodat fchownat ppoll pselect6
    epoll_create1 epoll_ctl epoll_pwait eventfd2 timerfd_create signalfd4 inotify_init1 futex set_tid_address
    set_robust_list nanosleep clock_nanosleep clock_gettime sched_yield sched_getaffinity getrandom prlimit64 socket
    socketpair bind listen connect accept4 sendto recvfrom sendmsg recvmsg getsockopt setsockopt shutdown wait4
    waitid kill tgkill getpid gettid setsid uname prctl madvise mremap rseq membarrier
""".split()  # noqa: SIM905  what musl, glibc, CPython, Go and V8 call there


def test_what_programs_need_on_aarch64_is_allowed_there() -> None:
    allowed = set(names(ALLOWED)) | {choice.call for choice in CHOICES}
    missing = [name for name in ALWAYS_ON_AARCH64 if pyseccomp.resolve_syscall(pyseccomp.Arch.AARCH64, name) < 0]
    assert missing == []  # the list above is of calls of that machine
    assert [name for name in ALWAYS_ON_AARCH64 if name not in allowed] == []


@pytest.mark.parametrize("arch", [pyseccomp.Arch.AARCH64, pyseccomp.Arch.X86_64])
def test_what_opens_ways_out_has_a_number_and_no_permission_on_both_machines(arch: pyseccomp.Arch) -> None:
    for name in ("unshare", "setns", "mount", "ptrace", "bpf", "keyctl", "open_by_handle_at", "init_module", "io_uring_setup"):
        assert pyseccomp.resolve_syscall(arch, name) >= 0
        assert name not in names(ALLOWED)


def test_new_numbers_are_not_known_by_another_name() -> None:
    for name, number in NEW_NUMBERS:
        for arch in (pyseccomp.Arch.AARCH64, pyseccomp.Arch.X86_64):
            try:
                known = pyseccomp.resolve_syscall(arch, number)
            except ValueError:  # not known to this libseccomp, as expected
                continue
            assert known == name.encode(), number
