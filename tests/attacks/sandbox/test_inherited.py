"""What a careless or hostile caller would pass on by fork and exec: none of it reaches the command."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks.sandbox import probes, probes_more
from tests.sandbox import rig

PROBES = (
    "inherited_signal_state",
    "inherited_personality",
    "inherited_core_filter",
    "inherited_working_directory",
    "inherited_environment",
    "inherited_descriptors",
    "limit_core",
    "limit_files",
    "parent_is_of_the_host",
)
# Becomes `python -m sandbox …` with everything in disorder that survives an exec.
CALLER = """
import ctypes, os, resource, signal, sys
os.chdir("/"); os.umask(0)
os.environ["LEAKED"] = "1"; os.environ["LD_PRELOAD"] = ""
for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGINT, signal.SIGALRM})
libc = ctypes.CDLL(None)
libc.personality(0x0040000 | 0x0200000)
secret = os.open("/etc/passwd", os.O_RDONLY)
for number in (7, 60):
    os.dup2(secret, number, inheritable=True)
resource.setrlimit(resource.RLIMIT_NOFILE, (50, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
with open("/proc/self/coredump_filter", "w") as file: file.write("0x7f")
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def outcomes(directory: Path, user: str, *sandbox: str) -> dict[str, str]:
    for module in (probes, probes_more):
        shutil.copy(str(module.__file__), directory)
    inside = ["/usr/bin/python3", str(directory / "probes.py"), *PROBES]
    shown = ["--ro", str(directory), "--env", f"READ_ONLY={directory}"]
    command = ["-m", "sandbox", "run", *sandbox, *shown, "--", *inside] if sandbox else [inside[1], *PROBES]
    done = subprocess.run(
        [sys.executable, "-c", CALLER, *command],
        cwd=rig.REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(rig.REPOSITORY)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=rig.DEADLINE_S,
        **rig.identity(user),
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("level", ["strict", "landlock"])
@pytest.mark.parametrize("user", rig.USERS)
def test_nothing_of_the_caller_is_inherited(tmp_path: Path, user: str, level: str) -> None:
    found = outcomes(tmp_path, user, "--level", level)
    assert {name: outcome for name, outcome in found.items() if not outcome.startswith("refused: ")} == {}


def test_control_without_a_sandbox_it_is(tmp_path: Path) -> None:
    found = outcomes(tmp_path, "root")
    # The file limit was lowered, and a core limit of the machine may be 0 already.
    inherited = set(PROBES) - {"limit_files", "limit_core", "parent_is_of_the_host"}
    assert {name for name in inherited if not found[name].startswith("open: ")} == set()
