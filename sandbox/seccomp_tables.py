"""The system calls of a sandboxed command, as data: what is allowed, what is refused and how, and why.

Guarantees: every row has a reason; nothing here does anything. How a refusal shows is decided by one rule:

- not in any table: ENOSYS. Calls that libc and tools probe for, and every call that a newer kernel adds, must look
  absent, so that callers fall back (`clone3`, `openat2`, io_uring);
- `REFUSED`: EPERM. Calls that an honest program makes now and then, and that an unprivileged user often is refused;
- `DISHONEST`: the process is killed. Calls that no program run in a sandbox has an honest use for;
- a foreign ABI (i386, x32, …): the process is killed;
- `ARGUMENT_RULES`: allowed calls with arguments that are not, each with its own errno.

Never: pointers. seccomp cannot see what they point to; that is what Landlock, namespaces and read-only mounts are for.
"""

import errno
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


@dataclass(frozen=True, slots=True)
class Group:
    """Calls that share one reason. Names unknown to a machine are skipped: old calls that newer machines never had."""

    reason: str
    calls: tuple[str, ...]


class Op(IntEnum):
    """Comparison operators of libseccomp (`enum scmp_compare`)."""

    NE = 1
    GT = 6
    EQ = 4
    MASKED_EQ = 7


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison: argument `index` against `value`, under `mask` for MASKED_EQ."""

    index: int
    op: Op
    value: int
    mask: int = 0


@dataclass(frozen=True, slots=True)
class ArgumentRule:
    """Refuse `calls` with `error` when all `conditions` hold."""

    reason: str
    calls: tuple[str, ...]
    conditions: tuple[Condition, ...]
    error: int = errno.EPERM


@dataclass(frozen=True, slots=True)
class ArgumentChoice:
    """Allow `call` only when the low 32 bits of argument `index` are one of `values`.

    Low 32 bits: the kernel takes these arguments as int, so garbage above them must neither open a way around nor break
    a caller.
    """

    reason: str
    call: str
    index: int
    values: tuple[int, ...]


def _calls(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ALLOWED: Final = (
    Group(
        "files and directories: reach is decided by mounts and Landlock",
        _calls("""
        read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 open openat creat close close_range
        stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2 lseek getdents getdents64 getcwd
        chdir fchdir rename renameat renameat2 mkdir mkdirat rmdir link linkat unlink unlinkat symlink symlinkat
        readlink readlinkat chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat umask utime utimes futimesat
        utimensat truncate ftruncate fallocate fadvise64 readahead sync syncfs fsync fdatasync sync_file_range flock
        copy_file_range sendfile splice tee dup dup2 dup3 fcntl pipe pipe2 mknod mknodat memfd_create
        getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr setxattr lsetxattr fsetxattr
        removexattr lremovexattr fremovexattr
        """),
    ),
    Group(
        "waiting for descriptors",
        _calls("""
        poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd
        eventfd2 signalfd signalfd4 timerfd_create timerfd_settime timerfd_gettime inotify_init inotify_init1
        inotify_add_watch inotify_rm_watch
        """),
    ),
    Group(
        "processes of its own: pid namespace, RLIMIT_NPROC and pid 1 bound them",
        _calls("""
        execve execveat exit exit_group fork vfork clone wait4 waitid kill tkill tgkill getpid getppid gettid getpgid
        setpgid getpgrp getsid setsid pidfd_open pidfd_send_signal restart_syscall pause set_tid_address
        set_robust_list get_robust_list rseq futex futex_waitv futex_wake futex_wait futex_requeue membarrier
        getcpu
        """),
    ),
    Group(
        "signals",
        _calls("""
        rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_tgsigqueueinfo
        rt_sigsuspend sigaltstack
        """),
    ),
    Group(
        "identity: asking is harmless, changing needs capabilities that nobody here has",
        _calls("""
        getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid setresuid
        setresgid setfsuid setfsgid setgroups capget capset
        """),
    ),
    Group(
        "memory: RLIMIT_DATA and RLIMIT_MEMLOCK bound it",
        _calls("""
        brk mmap munmap mremap mprotect msync mincore madvise mlock mlock2 munlock mlockall munlockall pkey_alloc
        pkey_free pkey_mprotect mseal
        """),
    ),
    Group(
        "time",
        _calls("""
        clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times alarm getitimer setitimer
        timer_create timer_settime timer_gettime timer_getoverrun timer_delete
        """),
    ),
    Group(
        "scheduling and limits: only downwards without capabilities",
        _calls("""
        sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_setparam sched_getscheduler
        sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_getattr
        sched_setattr getpriority setpriority ioprio_get ioprio_set getrlimit setrlimit prlimit64 getrusage sysinfo
        uname getrandom
        """),
    ),
    Group(
        "sockets: the network namespace holds only loopback, families are limited below",
        _calls("""
        socket socketpair bind connect listen accept accept4 getsockname getpeername sendto recvfrom sendmsg recvmsg
        sendmmsg recvmmsg shutdown setsockopt getsockopt
        """),
    ),
)

REFUSED: Final = (
    Group("namespaces in namespaces open privileged kernel code to everybody", _calls("unshare setns")),
    Group(
        "changing the file tree undoes the private root",
        _calls("""
        mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr
        """),
    ),
    Group(
        "reaching into other processes",
        _calls("ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp process_madvise process_mrelease"),
    ),
    Group("keyrings are not fully namespaced", _calls("add_key request_key keyctl")),
    Group("performance counters and tracing: a history of holes", _calls("perf_event_open bpf userfaultfd")),
    Group("the host's clock and names", _calls("settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname")),
    Group("the kernel log and accounting", _calls("syslog acct quotactl quotactl_fd vhangup")),
    Group(
        "file handles and mount-wide watching see past the private root",
        _calls("name_to_handle_at fanotify_init fanotify_mark"),
    ),
    Group("NUMA placement of others", _calls("migrate_pages move_pages")),
    Group("segment tables: attack surface nobody needs on 64 bits", _calls("modify_ldt")),
)

DISHONEST: Final = (
    Group("replaces or extends the kernel", _calls("kexec_load kexec_file_load init_module finit_module delete_module reboot")),
    Group("raw hardware", _calls("iopl ioperm")),
    Group("swap", _calls("swapon swapoff")),
    Group("opens a file by number, past every path check (the classic container escape)", _calls("open_by_handle_at")),
    Group("dead interfaces that only exploits remember", _calls("uselib lookup_dcookie nfsservctl vm86 vm86old")),
)

_INT: Final = 0xFFFFFFFF
_NO_ERROR: Final = 0  # SECCOMP_RET_ERRNO with 0: the call is not made, and returns success
_NEW_NAMESPACES: Final = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
_SOCK_DGRAM, _SOCK_RAW = 2, 3
_OTHER_LOW_FAMILIES: Final = (0, 3, 4, 5, 6, 7, 8, 9)
_SETID_BITS: Final = (0o4000, 0o2000)
_MODE_ARGUMENT: Final = (
    ("chmod", 1),
    ("fchmod", 1),
    ("fchmodat", 2),
    ("fchmodat2", 2),
    ("creat", 1),
    ("mkdir", 1),
    ("mkdirat", 2),
)
_MKNOD_ARGUMENT: Final = (("mknod", 1), ("mknodat", 2))
_OPEN_ARGUMENTS: Final = (("open", 1, 2), ("openat", 2, 3))  # (call, flags, mode)
_MSG_FASTOPEN: Final = 0x20000000
_SOL_SOCKET, _IPPROTO_TCP, _IPPROTO_UDP = 1, 6, 17
_PLUGGED_IN: Final = (  # (level, option) of setsockopt(2) that put programs, protocols or crypto into a socket
    (_SOL_SOCKET, 26),  # SO_ATTACH_FILTER
    (_SOL_SOCKET, 50),  # SO_ATTACH_BPF
    (_SOL_SOCKET, 51),  # SO_ATTACH_REUSEPORT_CBPF
    (_SOL_SOCKET, 52),  # SO_ATTACH_REUSEPORT_EBPF
    (_SOL_SOCKET, 60),  # SO_ZEROCOPY
    (_IPPROTO_TCP, 14),  # TCP_MD5SIG
    (_IPPROTO_TCP, 23),  # TCP_FASTOPEN
    (_IPPROTO_TCP, 30),  # TCP_FASTOPEN_CONNECT
    (_IPPROTO_TCP, 31),  # TCP_ULP: kernel TLS (CVE-2023-0461)
    (_IPPROTO_TCP, 32),  # TCP_MD5SIG_EXT
    (_IPPROTO_TCP, 38),  # TCP_AO_ADD_KEY
    (_IPPROTO_UDP, 100),  # UDP_ENCAP
)
_MAP_HUGETLB: Final = 0x40000
_SHARED_ANONYMOUS: Final = 0x21  # MAP_SHARED | MAP_ANONYMOUS
_MFD_HUGETLB: Final = 0x4
_MADV_MERGEABLE: Final = 12
_PRIO_USER, _IOPRIO_WHO_USER = 2, 3
_F_SETLEASE, _F_NOTIFY = 1024, 1026
_SCHEDULING: Final = ("sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr")
_O_CREAT: Final = 0o100
_O_TMPFILE_BIT: Final = 0o20000000
_S_IFMT, _S_IFCHR, _S_IFBLK = 0o170000, 0o020000, 0o060000


def _bit(index: int, bit: int) -> Condition:
    return Condition(index, Op.MASKED_EQ, bit, mask=bit)


def _low(index: int, value: int) -> Condition:
    """Equality of what the kernel takes as int: garbage in the upper half must not hide the value."""
    return Condition(index, Op.MASKED_EQ, value & _INT, mask=_INT)


def _socket_option_rules() -> tuple[ArgumentRule, ...]:
    reason = "programs, protocols and crypto plugged into a socket: kernel code with a history, and no tool stops without"
    options = tuple(
        ArgumentRule(reason, ("setsockopt",), (_low(1, level), _low(2, option)), errno.ENOPROTOOPT)
        for level, option in _PLUGGED_IN
    )
    flag = "TCP fast open connects in a call that Landlock does not see"
    sending = tuple(
        ArgumentRule(flag, (call,), (_bit(index, _MSG_FASTOPEN),), errno.EOPNOTSUPP)
        for call, index in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3))
    )
    return options + sending


def _priority_rules() -> tuple[ArgumentRule, ...]:
    reason = "priority of pid 1, by its number or with all of its user's: a starved pid 1 answers late"
    return (
        *(ArgumentRule(reason, (call,), (_low(0, 1),)) for call in _SCHEDULING),
        *(ArgumentRule(reason, (call,), (_low(1, 1),)) for call in ("setpriority", "ioprio_set")),
        ArgumentRule(reason, ("setpriority",), (_low(0, _PRIO_USER),)),
        ArgumentRule(reason, ("ioprio_set",), (_low(0, _IOPRIO_WHO_USER),)),
    )


def _memory_rules() -> tuple[ArgumentRule, ...]:
    pool = "huge pages come from a pool that the whole machine shares, and no limit counts them"
    return (
        ArgumentRule(pool, ("mmap",), (_bit(3, _MAP_HUGETLB),), errno.ENOMEM),
        ArgumentRule(pool, ("memfd_create",), (_bit(1, _MFD_HUGETLB),), errno.EINVAL),
        ArgumentRule(
            "merging equal pages tells by its timing what other processes hold",
            ("madvise",),
            (_low(2, _MADV_MERGEABLE),),
            errno.EINVAL,
        ),
    )


def _namespace_rules() -> tuple[ArgumentRule, ...]:
    reason = "clone into new namespaces: see unshare"
    return tuple(ArgumentRule(reason, ("clone",), (_bit(0, flag),)) for flag in _NEW_NAMESPACES)


def _family_rules() -> tuple[ArgumentRule, ...]:
    reason = "only unix, inet and inet6: every other family is kernel code that a sandboxed tool does not need"
    low = tuple(
        ArgumentRule(reason, ("socket",), (Condition(0, Op.EQ, family),), errno.EAFNOSUPPORT) for family in _OTHER_LOW_FAMILIES
    )
    pairs = tuple(
        ArgumentRule(reason, ("socketpair",), (Condition(0, Op.EQ, family),), errno.EAFNOSUPPORT)
        for family in (*_OTHER_LOW_FAMILIES, _AF_INET, _AF_INET6)
    )
    # 64-bit comparison on purpose: what has garbage above the int is refused too.
    high = ArgumentRule(reason, ("socket", "socketpair"), (Condition(0, Op.GT, _AF_INET6),), errno.EAFNOSUPPORT)
    return (*low, *pairs, high)


def _pair_rules() -> tuple[ArgumentRule, ...]:
    # unix(7) takes SOCK_RAW for SOCK_DGRAM. Pairs of the other types stay connected to each other for good.
    return tuple(
        ArgumentRule(
            "a datagram socket of a pair can send to, and connect to, any other address as well",
            ("socketpair",),
            (Condition(1, Op.MASKED_EQ, kind, mask=0xF),),
            errno.EACCES,
        )
        for kind in (_SOCK_DGRAM, _SOCK_RAW)
    )


def _protocol_rules() -> tuple[ArgumentRule, ...]:
    reason = "SOCK_RAW, SOCK_PACKET and protocols beside TCP and UDP: SCTP, DCCP, MPTCP, SMC have had their holes"
    types = tuple(
        ArgumentRule(reason, ("socket",), (Condition(1, Op.MASKED_EQ, kind, mask=0xF),), errno.ESOCKTNOSUPPORT)
        for kind in (0, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    )
    low = (1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
    protocols = tuple(
        ArgumentRule(
            reason,
            ("socket",),
            (Condition(0, Op.EQ, family), Condition(2, Op.EQ, protocol)),
            errno.EPROTONOSUPPORT,
        )
        for family in (_AF_INET, _AF_INET6)
        for protocol in low
    )
    high = ArgumentRule(reason, ("socket",), (Condition(2, Op.GT, 17),), errno.EPROTONOSUPPORT)
    return (*types, *protocols, high)


def _setid_rules() -> tuple[ArgumentRule, ...]:
    reason = "a set-id file in a writable mount would carry the owner's rights to whoever runs it outside"
    plain = tuple(
        ArgumentRule(reason, (call,), (_bit(index, bit),))
        for call, index in (*_MODE_ARGUMENT, *_MKNOD_ARGUMENT)
        for bit in _SETID_BITS
    )
    # open(2) without O_CREAT leaves garbage in the mode register: both must be looked at.
    opening = tuple(
        ArgumentRule(reason, (call,), (_bit(flags, creating), _bit(mode, bit)))
        for call, flags, mode in _OPEN_ARGUMENTS
        for creating in (_O_CREAT, _O_TMPFILE_BIT)
        for bit in _SETID_BITS
    )
    return plain + opening


def _device_rules() -> tuple[ArgumentRule, ...]:
    reason = "device nodes"
    return tuple(
        ArgumentRule(reason, (call,), (Condition(index, Op.MASKED_EQ, kind, mask=_S_IFMT),))
        for call, index in _MKNOD_ARGUMENT
        for kind in (_S_IFCHR, _S_IFBLK)
    )


ARGUMENT_RULES: Final = (
    *_namespace_rules(),
    *_family_rules(),
    *_protocol_rules(),
    *_setid_rules(),
    *_device_rules(),
    ArgumentRule(
        "limits of another process: pid 1 has the same user, and must not be starved",
        ("prlimit64",),
        (Condition(0, Op.NE, 0), Condition(2, Op.NE, 0)),
    ),
    *_priority_rules(),
    *_socket_option_rules(),
    *_memory_rules(),
    ArgumentRule(
        "watching shows what others do with the same files, outside too: /usr tells which programs the host starts",
        ("inotify_add_watch",),
        (),
        errno.EACCES,
    ),
    ArgumentRule("the same by directory notification", ("fcntl",), (_low(1, _F_NOTIFY),), errno.EINVAL),
    ArgumentRule("a lease holds up whoever opens the file outside", ("fcntl",), (_low(1, _F_SETLEASE),), errno.EINVAL),
)

# Wherever a directory of the host is shown: somebody outside may have put a socket there, which a read-only mount does not
# stop. Through it a command could send what it knows, and receive descriptors of what the sandbox keeps away (SCM_RIGHTS).
WITH_MOUNTS: Final = (
    ArgumentRule("unix sockets reach whoever listens in a mount", ("socket",), (Condition(0, Op.EQ, _AF_UNIX),), errno.EACCES),
    *_pair_rules(),
)

# Where memory is limited and no control group counts that of the whole tree: a resource limit counts private memory only.
WITH_MEMORY_LIMIT: Final = (
    ArgumentRule(
        "shared memory without a file belongs to no process, and no resource limit counts it",
        ("mmap",),
        (Condition(3, Op.MASKED_EQ, _SHARED_ANONYMOUS, mask=_SHARED_ANONYMOUS),),
        errno.ENOMEM,
    ),
    ArgumentRule("the same as a file", ("memfd_create",), (), errno.ENOSYS),
)

# Level `landlock`: what namespaces and read-only mounts confine at level strict, and Landlock does not.
WITHOUT_NAMESPACES: Final = (
    ArgumentRule("UDP and unix sockets reach the host past Landlock: no sockets but pairs", ("socket",), (), errno.EACCES),
    *_pair_rules(),
    ArgumentRule(
        "mode, owner and times of every file of the same user, wherever it is: these succeed without effect, because "
        "tools that copy attributes (git, cp, tar) stop at an error",
        _calls("""
        chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat
        """),
        (),
        _NO_ERROR,
    ),
    ArgumentRule(
        "extended attributes of the same",
        _calls("setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr"),
        (),
        errno.EOPNOTSUPP,
    ),
    ArgumentRule("priority of other processes of the same user", _SCHEDULING, (Condition(0, Op.NE, 0),)),
    ArgumentRule("priority of other processes of the same user", ("setpriority", "ioprio_set"), (Condition(1, Op.NE, 0),)),
    ArgumentRule("a signal to everything of the same user, where Landlock has no scopes", ("kill",), (_low(0, -1),)),
)

CHOICES: Final = (
    ArgumentChoice(
        "ioctl on files, sockets and pipes; no terminal control (TIOCSTI, TIOCLINUX, TIOCSCTTY), no device",
        "ioctl",
        1,
        (
            0x5401,  # TCGETS: isatty(3)
            0x802C542A,  # TCGETS2
            0x5413,  # TIOCGWINSZ
            0x540F,  # TIOCGPGRP
            0x5411,  # TIOCOUTQ, SIOCOUTQ
            0x541B,  # FIONREAD, SIOCINQ
            0x5421,  # FIONBIO
            0x5450,  # FIONCLEX
            0x5451,  # FIOCLEX
            0x5452,  # FIOASYNC
            0x5460,  # FIOQSIZE
            0x8905,  # SIOCATMARK
            0x40049409,  # FICLONE
            0x4020940D,  # FICLONERANGE
            0x80086601,  # FS_IOC_GETFLAGS
            0x801C581F,  # FS_IOC_FSGETXATTR
            0x80087601,  # FS_IOC_GETVERSION
        ),
    ),
    ArgumentChoice(
        "prctl: names, own death signal, asking; nothing that widens access or undoes a mitigation (PR_SET_PTRACER, PR_SET_MM, "
        "PR_SET_SECCOMP, PR_SET_SPECULATION_CTRL)",
        "prctl",
        0,
        (
            1,  # PR_SET_PDEATHSIG
            2,  # PR_GET_PDEATHSIG
            3,  # PR_GET_DUMPABLE
            4,  # PR_SET_DUMPABLE
            7,  # PR_GET_KEEPCAPS
            8,  # PR_SET_KEEPCAPS
            15,  # PR_SET_NAME
            16,  # PR_GET_NAME
            21,  # PR_GET_SECCOMP
            23,  # PR_CAPBSET_READ
            27,  # PR_GET_SECUREBITS
            29,  # PR_SET_TIMERSLACK
            30,  # PR_GET_TIMERSLACK
            36,  # PR_SET_CHILD_SUBREAPER
            37,  # PR_GET_CHILD_SUBREAPER
            38,  # PR_SET_NO_NEW_PRIVS
            39,  # PR_GET_NO_NEW_PRIVS
            40,  # PR_GET_TID_ADDRESS
            41,  # PR_SET_THP_DISABLE
            42,  # PR_GET_THP_DISABLE
            47,  # PR_CAP_AMBIENT: raising needs permitted capabilities
            50,  # PR_SVE_SET_VL
            51,  # PR_SVE_GET_VL
            52,  # PR_GET_SPECULATION_CTRL
            54,  # PR_PAC_RESET_KEYS
            55,  # PR_SET_TAGGED_ADDR_CTRL
            56,  # PR_GET_TAGGED_ADDR_CTRL
            0x53564D41,  # PR_SET_VMA: names of anonymous memory
        ),
    ),
    ArgumentChoice(
        "arch_prctl: thread registers, asking, what libc does for shadow stacks and AMX; no second vDSO, no CPUID trap",
        "arch_prctl",
        0,
        (
            *(0x1001, 0x1002, 0x1003, 0x1004, 0x1011),  # ARCH_SET_GS, SET_FS, GET_FS, GET_GS, GET_CPUID
            *(0x1021, 0x1022, 0x1023),  # ARCH_GET_XCOMP_SUPP, GET_XCOMP_PERM, REQ_XCOMP_PERM
            *(0x3001, 0x5001, 0x5002, 0x5003, 0x5005),  # ARCH_CET_STATUS, SHSTK_ENABLE, DISABLE, LOCK, STATUS
        ),
    ),
    ArgumentChoice(
        "personality: asking, and plain Linux; not READ_IMPLIES_EXEC or a foreign ABI", "personality", 0, (0, 8, 0xFFFFFFFF)
    ),
)

# Calls newer than libseccomp 2.5 knows. The same number on every machine.
NEW_NUMBERS: Final = (
    ("fchmodat2", 452),
    ("futex_wake", 454),
    ("futex_wait", 455),
    ("futex_requeue", 456),
    ("mseal", 462),
)

PUMP: Final = Group(
    "what reading, scrubbing, writing, waiting and dying need, and CPython with its allocator beneath",
    _calls("""
    read write readv writev recvmsg sendmsg recvfrom sendto poll ppoll select pselect6 epoll_wait epoll_pwait
    epoll_pwait2 epoll_ctl epoll_create1 close shutdown accept4 accept futex clock_gettime clock_nanosleep nanosleep
    gettimeofday mmap munmap mremap mprotect brk madvise getrandom exit exit_group rt_sigaction rt_sigprocmask
    rt_sigreturn rt_sigtimedwait sigaltstack restart_syscall wait4 waitid kill pidfd_send_signal tgkill gettid getpid
    fcntl fstat lseek sched_yield getsockopt
    """),
)
