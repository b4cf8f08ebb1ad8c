"""More attempts to get out, by class, as tables where that is shorter: `probes.py` runs them with its own.

An attempt that needs several steps is a function; the rest are rows. Standard library only.
"""
# mypy: ignore-errors
# ruff: noqa: PTH101, PTH108, PTH109, PTH110, PTH208, PTH211, SIM905

import ctypes
import fcntl
import mmap
import os
import resource
import signal
import socket
import struct

MIB = 1024 * 1024
ELSEWHERE = "192.0.2.1"  # TEST-NET-1: nobody is there, so a refusal comes from here
READ_PATHS = {
    "etc_group_shadow": "/etc/gshadow", "fstab": "/etc/fstab", "crontab": "/etc/crontab", "root_ssh":
    "/root/.ssh/id_rsa", "root_profile": "/root/.profile", "dpkg_status": "/var/lib/dpkg/status", "journal":
    "/var/log/syslog", "wtmp": "/var/log/wtmp", "docker_state": "/var/lib/docker/engine-id", "kube_token":
    "/var/run/secrets/kubernetes.io/serviceaccount/token", "systemd_run": "/run/systemd/units", "utmp": "/run/utmp",
    "boot_config": "/boot/grub/grub.cfg", "proc_mounts_of_init": "/proc/1/mounts", "init_command": "/proc/1/cmdline",
    "init_status": "/proc/1/status", "init_stat": "/proc/1/stat", "init_auxiliary": "/proc/1/auxv", "init_stack":
    "/proc/1/stack", "init_syscall": "/proc/1/syscall", "init_wchan": "/proc/1/wchan", "init_memory": "/proc/1/mem",
    "init_smaps": "/proc/1/smaps", "init_io": "/proc/1/io", "init_limits": "/proc/1/limits", "init_cgroup":
    "/proc/1/cgroup", "init_attr": "/proc/1/attr/current", "init_loginuid": "/proc/1/loginuid", "init_personality":
    "/proc/1/personality", "init_oom_score": "/proc/1/oom_score", "init_comm": "/proc/1/comm", "init_sched":
    "/proc/1/sched", "init_uid_map": "/proc/1/uid_map", "own_kernel_stack": "/proc/self/stack", "load": "/proc/loadavg",
    "memory_information": "/proc/meminfo", "kernel_version": "/proc/version", "statistics": "/proc/stat",
    "virtual_memory": "/proc/vmstat", "zones": "/proc/zoneinfo", "buddies": "/proc/buddyinfo", "page_types":
    "/proc/pagetypeinfo", "schedule_debug": "/proc/sched_debug", "schedule_statistics": "/proc/schedstat", "locks":
    "/proc/locks", "devices": "/proc/devices", "drivers": "/proc/tty/drivers", "io_ports": "/proc/ioports", "crypto":
    "/proc/crypto", "consoles": "/proc/consoles", "frame_buffers": "/proc/fb", "file_systems": "/proc/filesystems",
    "key_users": "/proc/key-users", "page_counts": "/proc/kpagecount", "page_flags": "/proc/kpageflags", "pressure":
    "/proc/pressure/memory", "bus": "/proc/bus/input/devices", "acpi": "/proc/acpi/wakeup", "scsi": "/proc/scsi/scsi",
    "asound": "/proc/asound/cards", "sysvipc": "/proc/sysvipc/shm", "network_devices": "/proc/net/dev", "arp":
    "/proc/net/arp", "routes": "/proc/net/route", "unix_sockets": "/proc/net/unix", "udp_sockets": "/proc/net/udp",
    "kernel_random_uuid": "/proc/sys/kernel/random/uuid", "osrelease": "/proc/sys/kernel/osrelease", "yama":
    "/proc/sys/kernel/yama/ptrace_scope", "tracing": "/sys/kernel/tracing/trace", "debugfs":
    "/sys/kernel/debug/sched/debug", "security": "/sys/kernel/security/lsm", "firmware": "/sys/firmware/efi/runtime",
    "dmi": "/sys/class/dmi/id/product_uuid", "block": "/sys/block/vda/size", "network_class":
    "/sys/class/net/eth0/address", "cpu_topology": "/sys/devices/system/cpu/online", "modules":
    "/sys/module/kernel/parameters/panic", "memory_controller": "/sys/fs/cgroup/memory.max", "pstore": "/sys/fs/pstore",
    "vmcoreinfo": "/sys/kernel/vmcoreinfo",
}  # fmt: skip
WRITE_PATHS = {
    "drop_caches": "/proc/sys/vm/drop_caches", "overcommit": "/proc/sys/vm/overcommit_memory", "panic":
    "/proc/sys/kernel/panic", "randomize": "/proc/sys/kernel/randomize_va_space", "pid_max": "/proc/sys/kernel/pid_max",
    "ip_forward": "/proc/sys/net/ipv4/ip_forward", "unprivileged_port": "/proc/sys/net/ipv4/ip_unprivileged_port_start",
    "ping_group": "/proc/sys/net/ipv4/ping_group_range", "binfmt_status": "/proc/sys/fs/binfmt_misc/status",
    "suid_dumpable": "/proc/sys/fs/suid_dumpable", "protected_links": "/proc/sys/fs/protected_symlinks", "domain_name":
    "/proc/sys/kernel/domainname", "ns_last_pid": "/proc/sys/kernel/ns_last_pid", "shmmax": "/proc/sys/kernel/shmmax",
    "yama": "/proc/sys/kernel/yama/ptrace_scope", "own_gid_map": "/proc/self/gid_map", "own_setgroups":
    "/proc/self/setgroups", "own_coredump_filter": "/proc/self/coredump_filter", "own_clear_refs":
    "/proc/self/clear_refs", "own_login_uid": "/proc/self/loginuid", "own_oom_adj": "/proc/self/oom_adj",
    "own_attr_exec": "/proc/self/attr/exec", "own_attr_current": "/proc/self/attr/current", "own_memory":
    "/proc/self/mem", "own_autogroup": "/proc/self/autogroup", "own_timerslack": "/proc/self/timerslack_ns",
    "own_comm_of_init": "/proc/1/comm", "init_oom_adj": "/proc/1/oom_adj", "init_timerslack": "/proc/1/timerslack_ns",
    "init_uid_map": "/proc/1/uid_map", "init_coredump_filter": "/proc/1/coredump_filter", "mtrr": "/proc/mtrr",
    "kernel_log": "/dev/kmsg", "profile": "/sys/kernel/profiling", "power": "/sys/power/state", "cgroup_procs":
    "/sys/fs/cgroup/cgroup.procs", "cgroup_kill": "/sys/fs/cgroup/cgroup.kill", "resolv_conf": "/etc/resolv.conf",
    "ld_cache": "/etc/ld.so.cache", "group": "/etc/group", "nsswitch": "/etc/nsswitch.conf", "localtime":
    "/etc/localtime", "certificates": "/etc/ssl/certs/ca-certificates.crt", "libc":
    "/usr/lib/x86_64-linux-gnu/libc.so.6", "shell": "/bin/sh", "python": "/usr/bin/python3",
}  # fmt: skip
DEVICES = (
    "mem", "port", "kmsg", "ptmx", "pts/0", "tty1", "ttyS0", "hvc0", "vcs", "vcsa", "sda", "vda", "loop0",
    "mapper/control", "btrfs-control", "snapshot", "rtc0", "hpet", "watchdog", "uinput", "input/event0", "dri/card0",
    "fb0", "vfio/vfio", "vhost-vsock", "vsock", "userfaultfd", "cpu/0/msr", "nvram", "rfkill", "uhid", "autofs", "ppp",
    "mqueue", "hugepages", "cuse", "tpm0", "sev", "udmabuf", "dma_heap/system", "ashmem", "binder", "log", "initctl",
    "shm/sem.x",
)  # fmt: skip
# name -> (x86_64 number, arguments). Calls of the kernel that nobody inside should reach.
CALLS = {
    "process_vm_writev": (311, 1, 0, 0, 0, 0, 0), "process_mrelease": (448, -1, 0), "quotactl_fd": (443, -1, 0, 0, 0),
    "fanotify_mark": (301, -1, 1, 0, -100, b"/"), "swapoff": (168, b"/nonexistent"), "setdomainname": (171, b"x", 1),
    "clock_adjtime": (305, 0, bytes(208)), "adjtimex_set": (159, struct.pack("I", 1) + bytes(204)), "stime_by_syscall":
    (164, struct.pack("qq", 0, 0), 0), "migrate_pages": (256, 0, 0, 0, 0), "mbind": (237, 0, 0, 0, 0, 0, 0),
    "get_mempolicy": (239, 0, 0, 0, 0, 0), "set_mempolicy_home_node": (450, 0, 0, 0, 0), "io_uring_enter": (426, -1, 0,
    0, 0, 0, 0), "io_uring_register": (427, -1, 0, 0, 0), "io_setup": (206, 1, bytes(8)), "io_submit": (209, 0, 0, 0),
    "io_destroy": (207, 0), "mq_unlink": (241, b"x"), "mq_notify": (244, -1, 0), "shmat": (30, 0, 0, 0), "shmctl": (31,
    0, 0, 0), "semop": (65, 0, 0, 1), "semctl": (66, 0, 0, 0), "msgsnd": (69, 0, b"", 0, 0), "msgrcv": (70, 0, 0, 0, 0,
    0), "fsconfig_raw": (431, -1, 0, 0, 0, 0), "fsmount": (432, -1, 0, 0), "umount_force": (166, b"/tmp", 1),
    "mount_move": (165, b"/usr", b"/tmp", 0, 8192, 0), "mount_private": (165, 0, b"/", 0, 1 << 18 | 16384, 0),
    "mount_proc": (165, b"proc", b"/tmp", b"proc", 0, 0), "mount_sysfs": (165, b"sysfs", b"/tmp", b"sysfs", 0, 0),
    "mount_overlay": (165, b"o", b"/tmp", b"overlay", 0, 0), "mount_devpts": (165, b"devpts", b"/tmp", b"devpts", 0, 0),
    "mount_fuse": (165, b"f", b"/tmp", b"fuse", 0, 0), "mount_cgroup": (165, b"c", b"/tmp", b"cgroup2", 0, 0),
    "remount_usr_writable": (165, 0, b"/usr", 0, 32 | 4096, 0), "remount_proc_writable": (165, 0, b"/proc", 0, 32 |
    4096, 0), "mount_setattr_clear": (442, -100, b"/usr", 0, struct.pack("QQQQ", 0, 1, 0, 0), 32), "open_tree_attr":
    (467, -100, b"/", 1, bytes(32), 32), "setns_zero": (308, 0, 0x10000000), "seccomp_strict": (317, 0, 0, 0),
    "seccomp_listener": (317, 1, 8, struct.pack("HxxxxxxQ", 1, 0)), "seccomp_notify_sizes": (317, 3, 0, bytes(8)),
    "seccomp_action_available": (317, 2, 0, struct.pack("I", 0)), "landlock_version": (444, 0, 0, 1),
    "landlock_restrict": (446, -1, 0), "landlock_add_rule": (445, -1, 1, 0, 0), "memfd_huge": (319, b"x", 4),
    "vmsplice": (278, -1, 0, 0, 0), "cachestat": (451, 0, bytes(16), bytes(40), 0), "map_shadow_stack": (453, 0, 4096,
    0), "lsm_self_attribute": (459, 100, bytes(64), bytes(4), 0), "lsm_modules": (461, bytes(64), bytes(4), 0),
    "setxattrat": (463, -100, b".", 0, b"user.x", bytes(16), 16), "file_setattr": (469, -100, b".", bytes(32), 32, 0),
    "pidfd_of_thread_group": (424, -1, 9, 0, 1 << 31), "kcmp_with_init": (312, 1, os.getpid(), 0, 0, 0), "ustat": (136,
    0, bytes(32)), "create_module": (174, b"x", 1), "get_kernel_symbols": (177, 0), "query_module": (178, 0, 0, 0, 0,
    0), "security": (185, 0), "epoll_ctl_old": (214, 0, 0, 0, 0), "vserver": (236, 0), "set_thread_area": (205,
    bytes(16)), "getpmsg": (181, 0), "afs": (183, 0), "sysctl": (156, bytes(64)), "bpf_map": (321, 0,
    struct.pack("IIII", 1, 4, 4, 1) + bytes(112), 128), "bpf_get_next": (321, 11, bytes(128), 128), "perf_software":
    (298, struct.pack("IIQ", 1, 112, 0) + bytes(96), -1, 0, -1, 0), "keyctl_join_session": (250, 1, 0), "keyctl_read":
    (250, 11, -3, 0, 0), "keyctl_describe": (250, 6, -4, 0, 0), "keyctl_link": (250, 8, -4, -3),
    "keyctl_session_to_parent": (250, 18), "keyctl_persistent": (250, 22, -1, -3), "ptrace_attach_init": (101, 16, 1, 0,
    0), "ptrace_seize_init": (101, 0x4206, 1, 0, 0), "restart_by_reboot_command": (169, 0xFEE1DEAD, 672274793,
    0x89ABCDEF, 0), "clone_new_cgroup": (56, 0x2000000 | 17, 0, 0, 0, 0), "clone_new_network": (56, 0x40000000 | 17, 0,
    0, 0, 0), "clone_new_mount": (56, 0x20000 | 17, 0, 0, 0, 0), "clone_new_pid": (56, 0x20000000 | 17, 0, 0, 0, 0),
    "unshare_cgroup": (272, 0x2000000), "unshare_files": (272, 0x400), "unshare_sysvsem": (272, 0x40000),
    "personality_no_randomize": (135, 0x0040000), "personality_foreign": (135, 0x000C), "personality_with_garbage":
    (135, 0x100040000), "arch_cpuid_fault": (158, 0x1012, 0), "arch_second_vdso": (158, 0x2001, 0x10000),
    "madvise_poison": (28, 0, 4096, 100), "madvise_merge": (28, 0, 0, 12), "mmap_huge": (9, 0, 2 * MIB, 3, 0x40022, -1,
    0), "prctl_seccomp_off": (157, 22, 0, 0, 0, 0), "prctl_speculation": (157, 53, 0, 2, 0, 0), "prctl_bounding": (157,
    24, 0, 0, 0, 0), "prctl_mce": (157, 33, 1, 1, 0, 0), "prctl_timing": (157, 14, 1, 0, 0, 0), "prctl_tsc": (157, 26,
    2, 0, 0, 0), "prctl_endian": (157, 20, 0, 0, 0, 0), "prctl_exe_file": (157, 35, 13, 0, 0, 0),
    "prctl_core_scheduling": (157, 62, 1, 1, 0, 0), "prctl_io_flusher": (157, 57, 1, 0, 0, 0), "prctl_syscall_dispatch":
    (157, 59, 1, 0, 0, 0), "prctl_memory_merge": (157, 67, 1, 0, 0, 0), "prctl_ptracer_init": (157, 0x59616D61, 1, 0, 0,
    0), "prctl_option_with_garbage": (157, 0x100000016, 2, 0, 0, 0), "prlimit_of_init": (302, 1, 7, bytes(16), 0),
    "affinity_of_init": (203, 1, 8, b"\1" + bytes(7)), "affinity_of_init_with_garbage": (203, 0x100000001, 8, b"\1" +
    bytes(7)), "scheduler_of_init": (144, 1, 5, bytes(4)), "scheduler_of_init_with_garbage": (144, 0x100000001, 5,
    bytes(4)), "attributes_of_init": (314, 1, struct.pack("IIQiIQQQ", 48, 5, 0, 0, 0, 0, 0, 0), 0), "nice_of_init":
    (141, 0, 1, 19), "nice_of_init_with_garbage": (141, 0, 0x100000001, 19), "nice_of_everything": (141, 2, 0, 19),
    "nice_lower": (141, 0, 0, -20), "io_priority_of_init": (251, 1, 1, 0x6000), "io_priority_of_everything": (251, 3, 0,
    0x6000), "io_priority_real_time": (251, 1, 0, 0x2000), "deadline_scheduling": (314, 0, struct.pack("IIQiIQQQ", 48,
    6, 0, 0, 0, 10**7, 10**8, 10**8), 0), "round_robin": (144, 0, 2, struct.pack("i", 1)),
}  # fmt: skip
FAMILIES = {
    "ax25": 3, "ipx": 4, "appletalk": 5, "netrom": 6, "x25": 9, "rose": 11, "decnet": 12, "security": 14, "econet": 19,
    "irda": 23, "pppox": 24, "wanpipe": 25, "llc": 26, "infiniband": 27, "mpls": 28, "rxrpc": 33, "isdn": 34, "phonet":
    35, "ieee802154": 36, "caif": 37, "nfc": 39, "mctp": 45, "with_garbage": 0x1_0000_0010,
}  # fmt: skip
SOCKET_OPTIONS = {
    "filter": (1, 26, struct.pack("HxxxxxxQ", 1, 0)), "filter_ebpf": (1, 50, struct.pack("i", -1)), "reuseport_filter":
    (1, 51, struct.pack("HxxxxxxQ", 1, 0)), "force_buffer": (1, 33, struct.pack("i", 1 << 28)), "mark": (1, 36,
    struct.pack("i", 1)), "high_priority": (1, 12, struct.pack("i", 7)), "debug": (1, 1, struct.pack("i", 1)),
    "kernel_tls": (6, 31, b"tls"), "fast_open": (6, 23, struct.pack("i", 5)), "fast_open_connect": (6, 30,
    struct.pack("i", 1)), "repair": (6, 19, struct.pack("i", 1)), "md5": (6, 14, bytes(216)), "transparent": (0, 19,
    struct.pack("i", 1)), "iptables": (0, 64, bytes(84)), "netfilter6": (41, 64, bytes(84)), "congestion_control": (6,
    13, b"nonexistent"), "bind_to_nothing": (1, 25, b"eth0"), "header_included": (0, 3, struct.pack("i", 1)),
    "raw_filter_v6": (58, 1, bytes(32)),
}  # fmt: skip
IOCTLS = {
    "TIOCSTI": 0x5412, "TIOCLINUX": 0x541C, "TIOCCONS": 0x541D, "TIOCSETD": 0x5423, "TIOCSCTTY": 0x540E, "TIOCNOTTY":
    0x5422, "TIOCSPGRP": 0x5410, "TCSETS": 0x5402, "TIOCSWINSZ": 0x5414, "TIOCGPTPEER": 0x5441, "TIOCEXCL": 0x540C,
    "KDSKBENT": 0x4B47, "KDSETMODE": 0x4B3A, "VT_ACTIVATE": 0x5606, "FIBMAP": 0x1, "FIFREEZE": 0xC0045877,
    "FS_IOC_SETFLAGS": 0x40086602, "FS_IOC_SHUTDOWN": 0x8004587D, "FIDEDUPERANGE": 0xC0189436, "FITRIM": 0xC0185879,
    "NS_GET_USERNS": 0xB701, "NS_GET_PARENT": 0xB702, "PIDFD_GET_MNT": 0xFF03, "FSCRYPT_KEY": 0xC0506617, "SIOCGIFCONF":
    0x8912, "SIOCSIFFLAGS": 0x8914, "SIOCBRADDBR": 0x89A0, "SIOCGSTAMP": 0x8906, "BLKROSET": 0x125D, "LOOP_CTL": 0x4C82,
    "EVIOCGRAB": 0x40044590, "KVM_CREATE": 0xAE01, "USERFAULTFD_NEW": 0xAA00, "TUNSETIFF": 0x400454CA, "SG_IO": 0x2285,
    "with_garbage": 0x1_0000_5412,
}  # fmt: skip
OUTSIDE = {
    "private_10": ("10.0.0.1", 80), "private_172": ("172.17.0.1", 2375), "private_192": ("192.168.0.1", 80),
    "docker_host": ("172.17.0.1", 22), "metadata_aws": ("169.254.169.254", 80), "metadata_ecs": ("169.254.170.2", 80),
    "metadata_alibaba": ("100.100.100.200", 80), "public_dns": ("8.8.8.8", 53), "broadcast": ("255.255.255.255", 80),
    "test_net": (ELSEWHERE, 80),
}  # fmt: skip
OUTSIDE_V6 = {"public": "2001:4860:4860::8888", "link_local": "fe80::1", "multicast": "ff02::1", "nat64": "64:ff9b::a9fe:a9fe"}
REQUIRED_STATUS = {"NoNewPrivs": "1", "Seccomp": "2", "CapAmb": "0" * 16, "TracerPid": "0", "SigIgn": "0" * 16}


# What must succeed outside for root, where the machine has it at all: otherwise the rows above would prove nothing.
CONTROLS = frozenset(
    """
    call_2_arch_cpuid_fault call_2_bpf_map call_2_cachestat call_2_clone_new_cgroup call_2_clone_new_mount
    call_2_clone_new_network call_2_clone_new_pid call_2_get_mempolicy call_2_io_setup call_2_keyctl_describe
    call_2_keyctl_join_session call_2_landlock_version call_2_madvise_merge call_2_memfd_huge call_2_mmap_huge
    call_2_nice_lower call_2_perf_software call_2_personality_foreign call_2_personality_no_randomize
    call_2_personality_with_garbage call_2_prctl_bounding call_2_prctl_core_scheduling call_2_prctl_io_flusher
    call_2_prctl_memory_merge call_2_prctl_tsc call_2_round_robin call_2_seccomp_action_available
    call_2_seccomp_notify_sizes call_2_seccomp_strict call_2_unshare_cgroup call_2_unshare_files call_2_unshare_sysvsem
    ioctl_SIOCGIFCONF ioctl_TCSETS ioctl_TIOCSTI ioctl_FS_IOC_SETFLAGS socket_option_mark socket_option_force_buffer
    socket_option_high_priority socket_option_fast_open socket_option_repair socket_option_transparent
    fast_open_to_host listener_on_any_port listener_without_bind limit_core limit_nice limit_files limit_processes
    raise_limit_files raise_limit_nice raise_limit_processes big_memory_file big_sparse_file huge_pipe nice_of_host_process
    affinity_of_host_process limits_of_host_process signal_host_by_queue signal_host_by_descriptor
    signal_by_descriptor_owner link_of_host_process_root link_of_host_process_cwd link_of_host_process_ns_mnt
    link_of_init_root link_of_init_cwd read_2_init_status read_2_init_command read_2_load
    read_2_memory_information read_2_kernel_version read_2_statistics read_2_virtual_memory read_2_dpkg_status
    read_2_etc_group_shadow read_2_network_devices read_2_unix_sockets read_2_osrelease read_2_init_io
    more_than_one_id_mapped setgroups_allowed inherited_core_filter inherited_working_directory
    watch_programs_of_host directory_notification_of_host lease_on_program_of_host
    times_of_null_device_by_standard_input inherited_environment trusted_attribute file_capabilities speculation_left_open
""".split()
)


def register(api):
    """Add to `api.PROBES`; `api` is the module that runs them."""
    register_tables(api)
    register_privileges(api)
    register_network(api)
    register_resources(api)
    register_processes(api)
    register_host_activity(api)


def register_tables(api):
    probes = api.PROBES
    for name, path in READ_PATHS.items():
        probes[f"read_2_{name}"] = lambda p=path: api.read(p)
    for name, path in WRITE_PATHS.items():
        probes[f"write_2_{name}"] = lambda p=path: api.write(p, b"0")
    for name in DEVICES:
        probes[f"device_2_{name.replace('/', '_')}"] = lambda n=name: str(os.open(f"/dev/{n}", os.O_RDONLY | os.O_NONBLOCK))
    for name, (number, *arguments) in CALLS.items():
        probes[f"call_2_{name}"] = lambda n=number, a=tuple(arguments): native(api, n, a)
    for name, family in FAMILIES.items():
        probes[f"family_{name}"] = lambda f=family: native(api, 41, (f, 2, 0))
        probes[f"family_pair_{name}"] = lambda f=family: native(api, 53, (f, 1, 0, bytes(8)))
    for name, request in IOCTLS.items():
        probes[f"ioctl_{name}"] = lambda r=request: ioctl_anywhere(api, r)


def native(api, number, arguments):
    if api.platform.machine() != "x86_64":
        raise api.Refused("not on this machine")
    result = api.number(number, *arguments)
    if result == "returned 0" and number == 56:
        os._exit(0)
    return result


def ioctl_anywhere(api, request):
    """On everything at hand; ENOTTY from the kernel proper would mean that the filter let it through."""
    import errno

    with socket.socketpair()[0] as pair:
        for descriptor in (0, pair.fileno(), os.open("/", os.O_RDONLY)):
            result = api.LIBC.ioctl(descriptor, ctypes.c_ulong(request), ctypes.create_string_buffer(256))
            code = ctypes.get_errno()
            if result >= 0 or code not in (errno.ENOSYS, errno.EPERM, errno.EACCES):
                return f"reached the kernel: {result} {code}"
    raise api.Refused("filtered")


def register_privileges(api):
    for field, expected in REQUIRED_STATUS.items():

        def differs(field=field, expected=expected):
            if api.status(field) == expected:
                raise api.Refused(expected)
            return api.status(field)

        api.PROBES[f"status_{field}"] = differs

    @api.probe
    def speculation_left_open():
        for feature in (0, 1, 2):  # what a process may still change for itself: PR_SPEC_ENABLE
            api.number(157, 53, feature, 2, 0, 0)
        return "mitigations switched off"

    @api.probe
    def more_than_one_id_mapped():
        for kind in ("uid_map", "gid_map"):
            with open(f"/proc/self/{kind}") as file:
                rows = [line.split() for line in file]
            if len(rows) != 1 or rows[0][2] != "1" or rows[0][0] == "0":
                return str(rows)
        raise api.Refused("one")

    @api.probe
    def supplementary_groups():
        groups = set(os.getgroups()) - {os.getgid(), 65534}
        if not groups:
            raise api.Refused("none")
        return str(groups)

    @api.probe
    def setgroups_allowed():
        with open("/proc/self/setgroups") as file:
            if file.read().strip() == "deny":
                raise api.Refused("deny")
        return "allow"

    for name, number in {"setuid": 105, "setgid": 106, "setfsuid": 122}.items():

        def change(number=number):
            before = (os.getuid(), os.getgid())
            api.number(number, 0)
            with open("/proc/self/status") as file:
                ids = [line.split()[1:] for line in file if line.startswith(("Uid:", "Gid:"))]
            if any("0" in words for words in ids) and 0 not in before:
                return str(ids)
            raise api.Refused("without effect")

        api.PROBES[f"become_root_by_{name}"] = change

    @api.probe
    def run_set_id_program():
        for program in ("/usr/bin/su", "/usr/bin/passwd", "/usr/bin/mount", "/usr/bin/newgrp", "/usr/bin/chsh"):
            if not os.path.exists(program):
                continue
            pid = os.fork()
            if pid == 0:
                os.dup2(os.open("/dev/null", os.O_RDWR), 2)
                os.execv("/usr/bin/python3", ["python3", "-c", "import os; os._exit(os.geteuid() == 0)"])
            if os.waitpid(pid, 0)[1]:
                return program
        raise api.Refused("none gives root")

    @api.probe
    def file_capabilities():
        os.setxattr(os.path.join(api.WORK, "capable"), "security.capability", bytes(20))
        return "set"

    @api.probe
    def trusted_attribute():
        os.setxattr(api.WORK, "trusted.x", b"x")
        return "set"

    @api.probe
    def give_file_to_root():
        path = os.path.join(api.WORK, "given")
        with open(path, "w"):
            os.chown(path, 0, 0)
        if os.stat(path).st_uid != 0:
            raise api.Refused("not given")
        return "given"

    @api.probe
    def inherited_signal_state():
        with open("/proc/self/status") as file:
            words = dict(line.split(":\t", 1) for line in file if ":\t" in line)
        expected = 1 << 12 | 1 << 24 | 3 << 31  # python ignores SIGPIPE and SIGXFSZ, glibc's posix_spawn its own two
        if int(words["SigBlk"], 16) or int(words["SigIgn"], 16) & ~expected:
            return words["SigBlk"] + words["SigIgn"]
        raise api.Refused("clean")

    api.PROBES.pop("status_SigIgn")

    @api.probe
    def inherited_personality():
        value = api.number(135, 0xFFFFFFFF)
        if value == "returned 0":
            raise api.Refused("plain")
        return value

    @api.probe
    def inherited_core_filter():
        with open("/proc/self/coredump_filter") as file:
            if int(file.read(), 16) == 0:
                raise api.Refused("nothing is dumped")
        return "memory would be dumped to a pipe handler"

    @api.probe
    def inherited_working_directory():
        where = os.getcwd()
        if where.startswith(("/home/sandbox", "/tmp/sandbox-", "/dev/shm/sandbox-", api.WORK)):
            raise api.Refused(where)
        return where

    @api.probe
    def inherited_environment():
        known = {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "WORK", "READ_ONLY", "PROBE_FDS", "LC_CTYPE"}
        extra = {name for name in os.environ if name not in known and not name.startswith(("HOST_", "GIT_CONFIG_NO"))}
        if not extra:
            raise api.Refused("none")
        return str(extra)

    @api.probe
    def parent_is_of_the_host():
        if os.getsid(0) in (os.getpid(), os.getppid()) and os.getpgrp():
            raise api.Refused("own session")
        return f"session {os.getsid(0)}"


def register_network(api):
    for name, (level, option, value) in SOCKET_OPTIONS.items():

        def plug(level=level, option=option, value=value):
            with socket.socket() as peer:
                peer.setsockopt(level, option, value)
            return "set"

        api.PROBES[f"socket_option_{name}"] = plug
    for name, (address, port) in OUTSIDE.items():
        api.PROBES[f"connect_{name}"] = lambda a=address, p=port: api.connect(a, p)

        def datagram(address=address, port=port):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
                peer.sendto(b"x", (address, port))
            return "sent"

        api.PROBES[f"datagram_{name}"] = datagram
    for name, address in OUTSIDE_V6.items():
        api.PROBES[f"connect_v6_{name}"] = lambda a=address: api.connect(a, 80, socket.AF_INET6)

    @api.probe
    def fast_open_to_host():
        with socket.socket() as peer:
            peer.sendto(b"x", 0x20000000, ("127.0.0.1", api.HOST_PORT))
        return "sent"

    @api.probe
    def listener_without_bind():
        with socket.socket() as listener:
            listener.listen()
            if listener.getsockname()[0] == "0.0.0.0" and not only_loopback():
                return "listening for the network"
        raise api.Refused("only loopback is there")

    def only_loopback():
        with open("/proc/self/net/dev") as file:
            return all(line.split(":")[0].strip() == "lo" for line in file if ":" in line)

    @api.probe
    def listener_on_any_port():
        with socket.socket() as listener:
            listener.bind(("0.0.0.0", 0))
            listener.listen()
        return "listening"

    @api.probe
    def multicast_member():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)
            peer.sendto(b"x", ("224.0.0.251", 5353))
        return "sent"

    @api.probe
    def abstract_datagram():
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
            peer.sendto(b"x", "\0" + os.environ.get("HOST_ABSTRACT", "none"))
        return "sent"

    @api.probe
    def socket_of_log():
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
            peer.sendto(b"x", "/dev/log")
        return "sent"

    for name, path in {
        "dbus": "/run/dbus/system_bus_socket", "systemd": "/run/systemd/private", "containerd":
        "/run/containerd/containerd.sock", "podman": "/run/podman/podman.sock", "nscd": "/run/nscd/socket", "x11":
        "/tmp/.X11-unix/X0", "postgres": "/var/run/postgresql/.s.PGSQL.5432", "x11_abstract": "\0/tmp/.X11-unix/X0",
        "containerd_shim": "\0/containerd-shim/x.sock",
    }.items():  # fmt: skip

        def reach(path=path):
            with socket.socket(socket.AF_UNIX) as peer:
                peer.connect(path)
            return "connected"

        api.PROBES[f"socket_file_{name}"] = reach


def register_resources(api):
    for name, kind, most in (
        ("core", resource.RLIMIT_CORE, 0), ("message_queue", resource.RLIMIT_MSGQUEUE, 0), ("nice", resource.RLIMIT_NICE, 0),
        ("real_time", resource.RLIMIT_RTPRIO, 0), ("locked", resource.RLIMIT_MEMLOCK, 8 * MIB), ("files",
        resource.RLIMIT_NOFILE, 4096), ("signals", resource.RLIMIT_SIGPENDING, 4096), ("processes", resource.RLIMIT_NPROC, 513),
        ("file_size", resource.RLIMIT_FSIZE, 4096 * MIB),
    ):  # fmt: skip

        def limit(kind=kind, most=most):
            soft, hard = resource.getrlimit(kind)
            if hard == resource.RLIM_INFINITY or hard > most or soft > most:
                return f"{soft} {hard}"
            raise api.Refused(str(hard))

        def lift(kind=kind):
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (hard + 1, hard + 1))
            return "raised"

        api.PROBES[f"limit_{name}"] = limit
        api.PROBES[f"raise_limit_{name}"] = lift

    @api.probe
    def big_memory_file():
        descriptor = os.memfd_create("big")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        os.ftruncate(descriptor, 5 * 1024 * MIB)
        return "made"

    @api.probe
    def big_sparse_file():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with open(os.path.join(api.WORK, "sparse"), "w") as file:
            os.ftruncate(file.fileno(), 5 * 1024 * MIB)
        return "made"

    @api.probe
    def preallocated_file():
        with open("/dev/shm/x", "w") as file:
            os.posix_fallocate(file.fileno(), 0, 1024 * MIB)
        return "made"

    @api.probe
    def lock_all_memory():
        if api.LIBC.mlockall(3) != 0:
            api.deny()
        mmap.mmap(-1, 64 * MIB).write(bytes(64 * MIB))
        return "locked"

    @api.probe
    def huge_pipe():
        reader, _ = os.pipe()
        fcntl.fcntl(reader, 1031, 64 * MIB)
        return "made"

    @api.probe
    def execute_shared_memory():
        path = "/dev/shm/program"
        with open(path, "w") as file:
            file.write("#!/bin/sh\n")
        os.chmod(path, 0o755)
        os.execv(path, [path])


def register_host_activity(api):
    def watch(path):
        descriptor = api.LIBC.inotify_init1(0)
        if api.LIBC.inotify_add_watch(descriptor, path, 0x21) < 0:
            api.deny()
        return "watched"

    api.PROBES["watch_programs_of_host"] = lambda: watch(b"/usr/bin")
    api.PROBES["watch_loader_of_host"] = lambda: watch(b"/etc/ld.so.cache")

    @api.probe
    def directory_notification_of_host():
        return str(fcntl.fcntl(os.open("/usr/bin", os.O_RDONLY), fcntl.F_NOTIFY, fcntl.DN_ACCESS))

    @api.probe
    def lease_on_program_of_host():
        return str(fcntl.fcntl(os.open("/usr/bin/env", os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK))

    @api.probe
    def times_of_null_device_by_standard_input():
        before = os.stat("/dev/null").st_mtime_ns, os.fstat(0).st_mtime_ns
        os.utime(0)
        if os.fstat(0).st_mtime_ns == before[1]:
            raise api.Refused("without effect")
        return "changed"


def register_processes(api):
    for name, number in {"term": 15, "kill": 9, "stop": 19, "real_time": 40}.items():

        def attack(number=number):
            if os.getppid() == 1:
                raise api.Refused("no")
            os.kill(1, number)
            os.kill(1, 0)
            raise api.Refused("pid 1 lives")

        api.PROBES[f"signal_init_{name}"] = attack

    @api.probe
    def signal_host_by_queue():
        return native(api, 129, (api.HOST_PID, 0, bytes(128)))

    @api.probe
    def signal_host_by_thread():
        return native(api, 200, (api.HOST_PID, 0))

    @api.probe
    def signal_host_by_descriptor():
        signal.pidfd_send_signal(os.pidfd_open(api.HOST_PID), 0)
        return "it may be signalled"

    @api.probe
    def nice_of_host_process():
        os.setpriority(os.PRIO_PROCESS, api.HOST_PID, 1)
        return "set"

    @api.probe
    def affinity_of_host_process():
        os.sched_setaffinity(api.HOST_PID, os.sched_getaffinity(0))
        return "set"

    @api.probe
    def limits_of_host_process():
        limit = resource.prlimit(api.HOST_PID, resource.RLIMIT_CPU)
        resource.prlimit(api.HOST_PID, resource.RLIMIT_CPU, limit)
        return "set"

    @api.probe
    def signal_by_descriptor_owner():
        reader, _ = os.pipe()
        fcntl.fcntl(reader, fcntl.F_SETOWN, api.HOST_PID)
        if fcntl.fcntl(reader, fcntl.F_GETOWN) == api.HOST_PID:
            os.kill(api.HOST_PID, 0)
            return "it would be signalled"
        raise api.Refused("not owned")

    for name in ("root", "cwd", "exe", "fd", "map_files", "ns/mnt", "ns/user", "task/1/root"):
        api.PROBES[f"link_of_init_{name.replace('/', '_')}"] = lambda n=name: (
            os.stat(f"/proc/1/{n}") and os.listdir(f"/proc/1/{n}") and "seen"
        )
        api.PROBES[f"link_of_host_process_{name.replace('/', '_')}"] = lambda n=name: (
            os.stat(f"/proc/{api.HOST_PID}/{n}") and os.readlink(f"/proc/{api.HOST_PID}/{n}") and "seen"
        )

    @api.probe
    def steal_terminal():
        os.setsid()
        descriptor = os.open("/dev/tty", os.O_RDWR)
        return str(descriptor)

    @api.probe
    def terminal_of_process():
        with open("/proc/self/stat") as file:
            number = file.read().rpartition(")")[2].split()[4]
        if number == "0":
            raise api.Refused("none")
        return number

    @api.probe
    def descriptor_of_any_process_is_terminal():
        for name in os.listdir("/proc"):
            try:
                links = [os.readlink(f"/proc/{name}/fd/{n}") for n in os.listdir(f"/proc/{name}/fd")]
            except OSError:
                continue
            found = [link for link in links if link.startswith(("/dev/pts", "/dev/tty"))]
            if found:
                return f"{name} {found}"
        raise api.Refused("none")

    @api.probe
    def standard_descriptor_is_terminal():
        if any(os.isatty(n) for n in (0, 1, 2)):
            return "yes"
        raise api.Refused("no")

    @api.probe
    def standard_descriptor_leads_out():
        for n in (0, 1, 2):
            try:
                descriptor = os.open(f"/proc/self/fd/{n}/..", os.O_RDONLY | os.O_DIRECTORY)
            except OSError:
                continue
            return f"{n}: {os.listdir(descriptor)}"
        raise api.Refused("no directory")

    @api.probe
    def passed_descriptor_of_host():
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(os.environ.get("HOST_SOCKET", "/nonexistent"))
            return str(socket.recv_fds(peer, 1, 1))

    @api.probe
    def race_of_symlink():
        path = os.path.join(api.WORK, "race")
        for target in ("/proc/1/root", "/proc/self/root/..", "/proc/self/cwd/../../../.."):
            os.symlink(target, path)
            try:
                with open(path + os.environ.get("HOST_FILE", "/none")):
                    return target
            except OSError:
                os.unlink(path)
        raise api.Refused("none")
