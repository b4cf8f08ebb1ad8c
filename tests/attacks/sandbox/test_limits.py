"""Using the machine up: every resource has an end inside."""
# ruff: noqa: E501  the scripts are one string each

import os
import threading
import time
from pathlib import Path

import pytest

import sandbox
from sandbox import Level, Limits, SandboxSpec


def run(script: str, limits: Limits, *, level: Level = Level.STRICT, **options: object) -> sandbox.Completed:
    spec = SandboxSpec(argv=("/usr/bin/python3", "-c", script), env=sandbox.base_env(), limits=limits, level=level)
    return sandbox.run(spec, **options)  # type: ignore[arg-type]


FORK = "import os, time\nn = 0\ntry:\n  while True:\n    if os.fork() == 0: time.sleep(60)\n    n += 1\nexcept OSError as e: print(n, e.errno)"
THREADS = "import threading, time\nn = 0\ntry:\n  while True:\n    threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); n += 1\nexcept RuntimeError: print(n, flush=True)\nimport os; os._exit(0)"


@pytest.mark.parametrize("script", [FORK, THREADS])
def test_processes_and_threads_are_counted(script: str) -> None:
    done = run(script, Limits(pids=30, wall_s=10))
    assert int(done.stdout.split()[0]) <= 30, done


def test_limits_of_one_sandbox_do_not_count_for_another() -> None:
    for _ in range(3):
        assert int(run(FORK, Limits(pids=20, wall_s=10)).stdout.split()[0]) == 19


def test_open_files_are_counted() -> None:
    script = "import os\nn = 0\ntry:\n  while True: os.open('/dev/null', 0); n += 1\nexcept OSError as e: print(n)"
    assert int(run(script, Limits(open_files=64)).stdout) <= 64


@pytest.mark.parametrize("place", ["/tmp", "/home/sandbox", "/dev/shm", "/var/tmp"])
def test_private_storage_has_one_quota(place: str) -> None:
    script = f"n = 0\ntry:\n  with open('{place}/x', 'wb', buffering=0) as f:\n    while True: n += f.write(bytes(65536))\nexcept OSError as e: print(n, e.errno)"
    written, code = run(script, Limits(tmpfs_mib=4)).stdout.split()
    assert int(written) <= 4 * 1024 * 1024
    assert int(code) == 28


def test_private_storage_has_a_quota_of_files() -> None:
    script = "n = 0\ntry:\n  while True: open(f'/tmp/{n}', 'w').close(); n += 1\nexcept OSError as e: print(n, e.errno)"
    made, code = run(script, Limits(tmpfs_inodes=300)).stdout.split()
    assert int(made) < 300
    assert int(code) == 28


def test_the_root_has_no_room() -> None:
    script = "import os\nfor d in ('/', '/run', '/etc', '/home', '/opt', '/var', '/dev'):\n  try: open(d + '/x', 'w'); print(d)\n  except OSError: pass"
    assert run(script, Limits()).stdout == b""


def test_a_file_has_an_end() -> None:
    script = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\nwith open('/tmp/x', 'wb') as f:\n  for _ in range(100): f.write(bytes(1 << 20)); f.flush()"
    assert run(script, Limits(file_size_mib=2)).exit.signal == 25


def test_memory_has_an_end() -> None:
    script = "try: bytearray(400 << 20)\nexcept MemoryError: print('refused')"
    assert run(script, Limits(memory_mib=200)).stdout == b"refused\n"


SHARED = "import mmap; m = mmap.mmap(-1, 400 << 20); m.write(bytes(64 << 20)); m.write(bytes(64 << 20))"
MEMORY_FILE = "import os; f = os.memfd_create('x'); [os.write(f, bytes(1 << 20)) for _ in range(200)]"


@pytest.mark.parametrize("level", [Level.STRICT, Level.LANDLOCK])
@pytest.mark.parametrize("script", [SHARED, MEMORY_FILE])
def test_shared_memory_is_no_way_around_the_memory_limit(level: Level, script: str) -> None:
    done = run(script + "\nprint('written')", Limits(memory_mib=100), level=level)
    assert b"written" not in done.stdout
    assert b"written" in run(script + "\nprint('written')", Limits(), level=level).stdout  # the control: without a limit


def test_cpu_time_has_an_end() -> None:
    started = time.monotonic()
    done = run("while True: pass", Limits(cpu_s=1, wall_s=20))
    assert done.exit.signal in (9, 24)
    assert not done.exit.timed_out
    assert time.monotonic() - started < 10


def test_output_is_cut_or_ends_the_command() -> None:
    endless = SandboxSpec(argv=("yes",), limits=Limits(wall_s=1))
    cut = sandbox.run(endless, max_output=1000)
    assert (len(cut.stdout), cut.truncated, cut.exit.timed_out) == (1000, True, True)
    killed = sandbox.run(endless, max_output=1000, on_excess="kill")
    assert (len(killed.stdout), killed.truncated, killed.exit.timed_out, killed.exit.signal) == (1000, True, False, 9)


def test_no_core_is_written(tmp_path: Path) -> None:
    spec = SandboxSpec(argv=("sh", "-c", "kill -SEGV $$"), mounts=(sandbox.Mount(str(tmp_path), "/w", True),), cwd="/w")
    assert sandbox.run(spec).exit.signal == 11
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_a_run() -> None:
    def state() -> tuple[int, int, str]:
        with open("/proc/self/mountinfo") as file:
            return len(list(Path("/proc/self/fd").iterdir())), sum(1 for _ in file), os.readlink("/proc/self/ns/mnt")

    def children() -> str:
        return Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()

    before, others = state(), children()  # an earlier test of this session may have left some of its own
    for argv in (("true",), ("nope",), ("/etc/passwd",)):
        try:
            sandbox.run(SandboxSpec(argv=argv))
        except sandbox.SandboxError as error:
            assert error.exit_status in (126, 127)
    assert state() == before
    assert children() == others
