"""The probes, inside every level as root and as an ordinary user, and outside as the control that shows they work."""

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import kernel
from tests.attacks.sandbox import probes, probes_more
from tests.sandbox import rig

NAMES = sorted(probes.PROBES)
# What level `landlock` lacks by design: `check` names each of these.
LANDLOCK_GAPS = {
    "host_name", "set_id_programs_work", "has_capbnd", "become_root", "mapped_as_root", "give_file_to_root",
    "run_set_id_program", "read_2_file_systems", "read_2_load", "read_2_memory_information", "read_2_statistics",
}  # fmt: skip
# What only a later Landlock refuses at level `strict`; `check` says what it lacks.
NEEDS_ABI = {"listener_on_any_port": 4}
# Probes that must succeed outside for root: otherwise the battery would prove nothing.
CONTROLS = {
    "read_host_file", "read_shadow", "read_host_process_environment", "read_kernel_symbols", "list_root_home",
    "climb_out_by_dots", "symlink_out_of_workspace", "hard_link_system_file", "write_into_read_only_mount",
    "other_processes_visible", "host_mark_in_any_environment", "host_listener_in_proc_net", "host_name",
    "pseudo_terminal", "setuid_by_chmod", "setgid_by_fchmod", "setuid_by_open", "setgid_by_mkdir", "device_node",
    "call_fsopen", "call_open_tree", "call_unshare", "unshare_mount", "clone_user_namespace", "clone3_user_namespace",
    "call_bpf", "call_userfaultfd", "call_add_key", "call_keyctl", "call_shmget", "call_semget", "call_msgget",
    "call_personality", "host_shared_memory", "socket_netlink", "socket_packet", "socket_raw_icmp",
    "signal_host_process", "abstract_socket_of_host", "path_socket_of_host", "host_loopback", "host_any_address",
    "has_capeff", "has_capbnd", "new_privileges_allowed", "unfiltered", "become_root", "change_group",
    "set_id_programs_work", "posix_shared_memory_of_host", "ptrace_me", "read_memory_of_parent", "steal_descriptor",
    "privileged_port", "mode_of_host_file",
    "mode_of_read_only_mount", "times_of_read_only_mount", "truncate_read_only_file", "watch_host_directory",
    "times_of_device_node",
}  # fmt: skip


@dataclass(frozen=True)
class Host:
    """What there is to find outside."""

    environment: dict[str, str]
    work: Path
    read_only: Path


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    # Not below pytest's private directory, whose mode every session that starts sets back to 0700.
    base = Path(tempfile.mkdtemp(prefix="battery-")).resolve()
    base.chmod(0o755)  # so that uid 65534 gets as far as the sandbox lets it
    outside, work, read_only = base / "outside", base / "work", base / "read_only"
    for directory in (outside, work, read_only):
        directory.mkdir(mode=0o755)
    for module in (probes, probes_more):
        shutil.copy(str(module.__file__), read_only)
    (outside / "file").write_text("host file")
    (read_only / "victim").write_text("x")
    shared = Path("/dev/shm") / f"battery-{os.getpid()}"
    shared.write_text("shared")
    key = 0x7A000000 + os.getpid() % 65536
    segment = ctypes.CDLL(None).shmget(key, 4096, 0o1666)
    listener, abstract, named = (
        socket.create_server(("127.0.0.1", 0)),
        socket.socket(socket.AF_UNIX),
        socket.socket(socket.AF_UNIX),
    )
    abstract.bind(f"\0battery-{os.getpid()}")
    named.bind(str(outside / "socket"))
    (outside / "socket").chmod(0o777)
    for peer in (abstract, named):
        peer.listen()
    neighbour = subprocess.Popen(["sleep", "600"], env={"HOST_MARK_IN_ENVIRONMENT": "1"})
    try:
        yield Host(
            {
                "HOST_FILE": str(outside / "file"),
                "HOST_PID": str(neighbour.pid),
                "HOST_PORT": str(listener.getsockname()[1]),
                "HOST_ABSTRACT": f"battery-{os.getpid()}",
                "HOST_SOCKET": str(outside / "socket"),
                "HOST_NAME": socket.gethostname(),
                "HOST_SHM_KEY": str(key),
                "HOST_POSIX_SHM": shared.name,
                "WORK": str(work),
                "READ_ONLY": str(read_only),
            },
            work,
            read_only,
        )
    finally:
        neighbour.kill()
        neighbour.wait()
        for open_socket in (listener, abstract, named):
            open_socket.close()
        ctypes.CDLL(None).shmctl(segment, 0, None)
        shared.unlink()
        shutil.rmtree(base)


class Battery:
    """Outcomes by user and level, each run once."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._outcomes: dict[tuple[str, str], dict[str, str]] = {}

    def outcomes(self, user: str, level: str) -> dict[str, str]:
        if (user, level) not in self._outcomes:
            self._outcomes[user, level] = self._run(user, level)
        return self._outcomes[user, level]

    def _run(self, user: str, level: str) -> dict[str, str]:
        work = self.host.work
        shutil.rmtree(work)
        work.mkdir()
        if user == "ordinary" and os.geteuid() == 0:
            os.chown(work, rig.NOBODY, rig.NOBODY)
        script = str(self.host.read_only / "probes.py")
        if level == "none":
            environment = os.environ | self.host.environment
            done = subprocess.run(
                [sys.executable, script, *sorted(CONTROLS | probes_more.CONTROLS)],
                env=environment,
                capture_output=True,
                timeout=60,
                **rig.identity(user),
            )
        else:
            variables = [word for name, value in self.host.environment.items() for word in ("--env", f"{name}={value}")]
            options = ("--level", level, "--rw", str(work), "--ro", str(self.host.read_only), "--timeout", "50", *variables)
            done = rig.run("/usr/bin/python3", script, options=options, user=user, timeout=60)
        assert done.returncode == 0, done.stderr
        outcomes: dict[str, str] = json.loads(done.stdout)
        return outcomes


@pytest.fixture(scope="module")
def battery(host: Host) -> Battery:
    return Battery(host)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("user", rig.USERS)
def test_strict_lets_nothing_out(battery: Battery, user: str, name: str) -> None:
    if kernel.landlock_abi() < NEEDS_ABI.get(name, 0):
        pytest.skip(f"this kernel has no Landlock ABI {NEEDS_ABI[name]}; what listens does so in a network of its own")
    outcome = battery.outcomes(user, "strict")[name]
    assert outcome.startswith(("refused: ", "killed: 31")), outcome


@pytest.mark.parametrize("level", ["landlock"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("user", rig.USERS)
def test_landlock_lets_out_only_what_is_documented(battery: Battery, user: str, name: str, level: str) -> None:
    outcome = battery.outcomes(user, level)[name]
    if name not in LANDLOCK_GAPS:
        assert outcome.startswith(("refused: ", "killed: 31")), outcome


@pytest.mark.parametrize("name", sorted(CONTROLS))
def test_control_the_probe_succeeds_without_a_sandbox(battery: Battery, name: str) -> None:
    outcome = battery.outcomes("root", "none")[name]
    assert outcome.startswith("open: "), outcome


@pytest.mark.parametrize("name", sorted(probes_more.CONTROLS))
def test_control_where_the_machine_has_it(battery: Battery, name: str) -> None:
    outcome = battery.outcomes("root", "none")[name]
    if not outcome.startswith(("open: ", "killed: 9")):
        pytest.skip(f"not to be had on this machine, even outside: {outcome}")


def test_the_battery_is_not_empty_outside(battery: Battery) -> None:
    outcomes = battery.outcomes("root", "none")
    opened = [name for name in probes_more.CONTROLS if not outcomes[name].startswith("refused")]
    assert len(opened) > len(probes_more.CONTROLS) // 2


def test_what_no_honest_program_calls_ends_the_process(battery: Battery) -> None:
    outcomes = battery.outcomes("root", "strict")
    killed = {name for name, outcome in outcomes.items() if outcome == "killed: 31"}
    assert {"call_kexec_load", "call_init_module", "call_open_by_handle_at", "foreign_call_i386", "foreign_call_x32"} <= killed
