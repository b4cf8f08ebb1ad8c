"""`--explain`: every refusal is named, the command sees what it sees without, and nothing more is allowed."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

import sandbox
from sandbox import Level, Mount, SandboxSpec
from tests.sandbox import rig

PYTHON = "/usr/bin/python3"
LEVELS = pytest.mark.parametrize("level", [Level.STRICT, Level.LANDLOCK])
USERS = pytest.mark.parametrize("user", rig.USERS)
pytestmark = pytest.mark.skipif(not os.access(PYTHON, os.X_OK), reason="the probes need Debian's python3 at /usr/bin/python3")


def explained(code: str, *options: str, user: str = "root", level: Level = Level.STRICT) -> "dict[str, object]":
    done = rig.run(PYTHON, "-c", code, options=("--explain", "--json", "--level", level.value, *options), user=user)
    report: dict[str, object] = json.loads(done.stdout)
    assert "refusals" in report, report
    return report


def lines(report: "dict[str, object]") -> Sequence[str]:
    refusals = report["refusals"]
    assert isinstance(refusals, list)
    return [f"{one['call']} -> {one['error']}: {one['reason']}" for one in refusals]


def told(report: "dict[str, object]", start: str) -> str:
    found = [line for line in lines(report) if line.startswith(start)]
    assert len(found) == 1, (start, lines(report))
    return found[0]


@USERS
def test_refused_calls_and_paths_are_named_with_the_errno_that_the_command_sees(user: str) -> None:
    code = """
import os, socket
def attempt(action):
    try: action()
    except OSError as error: print(error.errno)
attempt(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM))
attempt(lambda: socket.create_connection(("192.0.2.1", 80)))
attempt(lambda: socket.socket().bind(("127.0.0.1", 8000)))
attempt(lambda: open("/usr/written", "w"))
attempt(lambda: os.mkdir("/opt/made"))
attempt(lambda: os.stat("/var/lib/dpkg"))
attempt(lambda: os.stat("/nowhere/at/all"))
"""
    report = explained(code, user=user)
    assert report["stdout"] == "97\n13\n13\n30\n30\n2\n2\n"
    assert "socket(AF_NETLINK, SOCK_DGRAM, 0) -> EAFNOSUPPORT: only unix, inet and inet6" in told(report, "socket")
    assert told(report, "connect(192.0.2.1:80) -> EACCES").endswith("--net HOST:PORT")
    assert "EACCES: Landlock" in told(report, "bind(127.0.0.1:8000)")
    assert "EROFS: read-only inside" in told(report, 'openat("/usr/written")')
    assert "EROFS" in told(report, 'mkdir("/opt/made")')
    assert told(report, 'stat("/var/lib/dpkg")' if os.uname().machine != "x86_64" else 'newfstatat("/var/lib/dpkg")').endswith(
        "--ro /var/lib/dpkg"
    )
    assert not any("nowhere" in line for line in lines(report))  # what is not there either way is no refusal


@USERS
@LEVELS
def test_what_kills_still_kills_even_if_the_signal_is_caught(user: str, level: Level) -> None:
    code = """
import ctypes, os, signal
handled = os.fork()
if handled == 0:
    signal.signal(signal.SIGSYS, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGSYS])
    ctypes.CDLL(None).syscall(ctypes.c_long(NUMBER), 0, 0, 0, 0)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(handled, 0)[1]), flush=True)
ctypes.CDLL(None).syscall(ctypes.c_long(NUMBER), 0, 0, 0, 0)
print("alive")
"""
    number = {"x86_64": "246", "aarch64": "104"}[os.uname().machine]  # kexec_load
    report = explained(code.replace("NUMBER", number), user=user, level=level)
    assert (report["signal"], report["stdout"]) == (31, "-9\n")
    assert "SIGSYS: replaces or extends the kernel" in told(report, "kexec_load()")


@USERS
def test_without_namespaces_landlock_s_refusals_are_named(user: str) -> None:
    code = "import os\ntry: open('/etc/fstab')\nexcept OSError as e: print(e.errno)\nos.chmod('/usr/bin/env', 0o777)"
    report = explained(code, user=user, level=Level.LANDLOCK)
    if Path("/etc/fstab").exists():
        assert report["stdout"] == "13\n"
        assert "EACCES: no Landlock rule" in told(report, 'openat("/etc/fstab")')
    assert "succeed without effect" in told(report, "chmod")
    assert Path("/usr/bin/env").stat().st_mode & 0o022 == 0


@LEVELS
def test_a_command_that_is_refused_nothing_reports_nothing_of_its_own(level: Level) -> None:
    report = explained("import os; open(os.environ['HOME'] + '/x', 'w').write('y')", level=level)
    assert report["exitCode"] == 0
    assert not any("/x" in line for line in lines(report))


def test_lines_go_to_standard_error_and_the_output_stays_what_it_is() -> None:
    done = rig.run("sh", "-c", "echo out; echo x >/opt/y; exit 3", options=("--explain",))
    assert (done.returncode, done.stdout) == (3, b"out\n") or done.returncode == 2
    assert b'sandbox: refused: openat("/opt/y") -> EROFS: read-only inside' in done.stderr


def test_control_characters_of_a_path_are_not_printed() -> None:
    done = rig.run(PYTHON, "-c", "import os\ntry: open('/opt/\\x1b[2J\\n', 'w')\nexcept OSError: pass", options=("--explain",))
    told_of = [line for line in done.stderr.splitlines() if b"/opt/" in line]
    assert len(told_of) == 1
    assert b"\x1b" not in done.stderr
    assert b"\\u001b[2J\\n" in told_of[0]


def test_reports_are_few_however_much_is_refused() -> None:
    code = "import os\nfor n in range(1000):\n  try: os.mkdir(f'/opt/{n % 500}')\n  except OSError: pass"
    found = lines(explained(code))
    assert len(found) == 201
    assert found[-1].endswith("the rest is not shown")


def test_the_library_reports_values(tmp_path: Path) -> None:
    spec = SandboxSpec(argv=("touch", "/w/x"), env=sandbox.base_env(), mounts=(Mount(str(tmp_path), "/w"),), explain=True)
    done = sandbox.run(spec)
    assert done.exit.code == 1
    assert sandbox.Refusal('openat("/w/x")', "EROFS", "read-only inside; to write there: --rw /w") in done.refusals
    assert sandbox.run(SandboxSpec(argv=("true",))).refusals == ()


def test_explaining_level_off_is_a_contradiction() -> None:
    with pytest.raises(sandbox.SandboxError) as caught:
        SandboxSpec(argv=("true",), level=Level.OFF, explain=True)
    assert caught.value.code is sandbox.ErrorCode.BAD_SPEC


def test_threads_and_many_processes_are_answered(tmp_path: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("needs make")
    (tmp_path / "Makefile").write_text("all: $(shell seq 40)\n%:\n\t@cat /nowhere/$@ 2>/dev/null; true\n")
    done = rig.run("make", "-j20", "-C", str(tmp_path), "all", options=("--explain", "--ro", str(tmp_path)))
    assert done.returncode == 0, done.stderr


def test_probes_of_the_battery_end_as_they_do_without(tmp_path: Path) -> None:
    work, probes = tmp_path / "work", tmp_path / "probes"
    probes.mkdir()
    for source in (rig.REPOSITORY / "tests/attacks/sandbox").glob("probes*.py"):
        shutil.copy(source, probes)
    outcomes = []
    for explain in ((), ("--explain",)):
        work.mkdir()
        variables = ("--env", f"WORK={work}", "--env", f"READ_ONLY={tmp_path}", "--env", "HOST_PID=999999")
        done = rig.run(
            PYTHON,
            str(probes / "probes.py"),
            options=(*explain, "--ro", str(probes), "--rw", str(work), *variables),
            timeout=60,
        )
        assert done.returncode == 0, done.stderr[-500:]
        outcomes.append(json.loads(done.stdout))
        shutil.rmtree(work)
    without, with_explain = outcomes
    opened = {name for name, outcome in with_explain.items() if outcome.startswith("open")}
    assert opened <= {name for name, outcome in without.items() if outcome.startswith("open")}
    assert {name: outcome for name, outcome in with_explain.items() if outcome.startswith("killed")} == {
        name: outcome for name, outcome in without.items() if outcome.startswith("killed")
    }


def test_nonsense_does_not_stop_the_supervisor() -> None:
    """Bad pointers, bad descriptors, numbers that no call has: afterwards it still answers and tells."""
    code = """
import ctypes, itertools, os
libc = ctypes.CDLL(None, use_errno=True)
pool = [0, 1, -1, -100, 1 << 31, (1 << 63) - 1, -(1 << 63), 0x7fffffffffff]
names = {"x86_64": [0, 2, 257, 4, 262, 42, 49, 59, 82, 83, 264, 332, 41, 16, 157, 1 << 29],
         "aarch64": [56, 79, 203, 200, 221, 276, 198]}
for number in names[os.uname().machine]:
    for first, second, third in itertools.product(pool, repeat=3):
        libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, (first, second, third, 0, 0, 0)))
try: os.mkdir("/opt/afterwards")
except OSError as error: print(error.errno, flush=True)
os._exit(0)
"""
    report = explained(code)
    assert report["stdout"] == "30\n", report
    assert any("afterwards" in line or "not shown" in line for line in lines(report))


def test_a_memory_limit_holds_all_the_same() -> None:
    code = "import os\ntry: os.memfd_create('x')\nexcept OSError as e: print(e.errno)"
    with_explain, without = (
        rig.run(PYTHON, "-c", code, options=("--memory", "512", *more)).stdout for more in (("--explain",), ())
    )
    assert with_explain == without
