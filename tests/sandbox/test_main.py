"""`python -m sandbox run`: statuses, streams, mounts, network, as root and as an ordinary user."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.sandbox import rig

pytestmark = pytest.mark.parametrize("user", rig.USERS)


def own(path: Path, user: str) -> Path:
    """Give `path` to `user`."""
    if user == "ordinary" and os.geteuid() == 0:
        os.chown(path, rig.NOBODY, rig.NOBODY)
    return path


ECHO_TWICE = "import shutil, sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data); sys.stderr.buffer.write(data)"
STATUSES = {
    "success": (("true",), (), 0),
    "own code": (("sh", "-c", "exit 42"), (), 42),
    "killed": (("sh", "-c", "kill -9 $$"), (), 137),
    "segfault": (("sh", "-c", "kill -SEGV $$"), (), 139),
    "timed out": (("sleep", "60"), ("--timeout", "0.2"), 124),
    "not found": (("no-such-command",), (), 127),
    "not found by path": (("/usr/bin/no-such-command",), (), 127),
    "not executable": (("/etc/passwd",), (), 126),
    "directory": (("/usr",), (), 126),
    "cwd missing": (("true",), ("--cwd", "/nowhere"), 125),
    "mount missing": (("true",), ("--ro", "/nowhere"), 125),
    "bad variable": (("true",), ("--env", "=x"), 125),
    "bad net": (("true",), ("--net", "host"), 125),
    "bad limit": (("true",), ("--pids", "0"), 125),
    "argument list too long": (("true", *["x" * 100_000] * 40), (), 126),
}


@pytest.mark.parametrize("case", STATUSES)
@pytest.mark.parametrize("level", ["strict", "landlock"])
def test_the_exit_status_says_what_happened(user: str, level: str, case: str) -> None:
    argv, options, status = STATUSES[case]
    if sum(map(len, argv)) > 2_000_000:
        words = f"['run', '--level', '{level}', '--', 'true', *['x' * 100000] * 40]"
        script = f"import sys; from sandbox.__main__ import main; sys.exit(main({words}))"
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=rig.REPOSITORY, capture_output=True, timeout=20, **rig.identity(user)
        )
    else:
        done = rig.run(*argv, options=("--level", level, *options), user=user)
    assert done.returncode == status, done.stderr
    if status in (125, 126, 127):
        lines = done.stderr.decode().splitlines()
        assert lines[0].startswith("sandbox: error: ")
        assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("sandbox: hint: "))
    else:
        assert done.stderr == b""


def test_a_script_without_shebang_is_not_executable(user: str, tmp_path: Path) -> None:
    script = own(tmp_path, user) / "script"
    script.write_text("echo no\n")
    script.chmod(0o755)
    assert rig.run(str(own(script, user)), options=("--ro", str(tmp_path)), user=user).returncode == 126


def test_a_script_with_a_missing_interpreter_is_not_executable(user: str, tmp_path: Path) -> None:
    script = own(tmp_path, user) / "script"
    script.write_text("#!/nowhere/interpreter\n")
    script.chmod(0o755)
    assert rig.run(str(own(script, user)), options=("--ro", str(tmp_path)), user=user).returncode == 126


def test_streams_carry_every_byte(user: str) -> None:
    data = bytes(range(256)) * 20_000
    done = rig.run("python3", "-c", ECHO_TWICE, user=user, input=data)
    assert done.stdout == data
    assert done.stderr == data


def test_standard_streams_can_be_opened_by_name(user: str) -> None:
    done = rig.run("sh", "-c", "echo out >/dev/stdout; echo err >/dev/stderr; cat /dev/stdin", options=("--json",), user=user)
    report = json.loads(done.stdout)
    assert (report["stdout"], report["stderr"]) == ("out\n", "err\n")


def test_input_nobody_reads_does_not_stop_the_command(user: str) -> None:
    done = rig.run("true", user=user, input=bytes(5_000_000))
    assert done.returncode == 0
    assert done.stderr == b""


def test_files_are_relayed_and_not_handed_over(user: str, tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(b"data\n")
    with source.open("rb") as stdin, target.open("wb") as stdout:
        done = rig.run(
            "sh",
            "-c",
            "cat; test -p /proc/self/fd/0 -a -p /proc/self/fd/1",
            user=user,
            stdin=stdin,
            stdout=stdout,
            capture_output=False,
        )
    assert done.returncode == 0
    assert target.read_bytes() == b"data\n"


def test_closed_standard_streams_are_survived(user: str) -> None:
    command = f'exec "{sys.executable}" -m sandbox run -- sh -c "cat; echo x; exit 7" <&- >&- 2>&-'
    done = subprocess.run(["sh", "-c", command], cwd=rig.REPOSITORY, timeout=20, **rig.identity(user))
    assert done.returncode == 7


def test_a_terminal_is_not_handed_over(user: str) -> None:
    ours, theirs = pty.openpty()
    os.set_inheritable(theirs, True)
    Path(os.ttyname(theirs)).chmod(0o666)
    try:
        done = rig.run(
            "sh", "-c", "tty; test -t 1 || echo no terminal", user=user, stdin=theirs, stdout=theirs, capture_output=False
        )
        shown = os.read(ours, 4096)
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0
    assert b"not a tty" in shown
    assert b"no terminal" in shown


def test_the_user_inside_is_unprivileged_and_has_a_name(user: str) -> None:
    assert rig.run("id", user=user).stdout == b"uid=1000(sandbox) gid=1000(sandbox) groups=1000(sandbox)\n"


def test_files_written_to_a_workspace_belong_to_its_owner(user: str, tmp_path: Path) -> None:
    work = own(tmp_path, user)
    script = "touch made && mkdir -p a/b && stat -c %u . made"
    done = rig.run("sh", "-c", script, options=("--rw", str(work), "--cwd", str(work)), user=user)
    assert done.stdout == b"1000\n1000\n", done.stderr
    assert (work / "made").stat().st_uid == work.stat().st_uid
    assert (work / "a/b").stat().st_gid == work.stat().st_gid


def test_git_trusts_the_workspace(user: str, tmp_path: Path) -> None:
    work = own(tmp_path, user)
    script = "git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x && git log --oneline | wc -l"
    done = rig.run("sh", "-c", script, options=("--rw", str(work), "--cwd", str(work)), user=user)
    assert (done.returncode, done.stdout) == (0, b"1\n"), done.stderr


def test_a_read_only_mount_stays_as_it_is(user: str, tmp_path: Path) -> None:
    own(tmp_path, user)
    (tmp_path / "file").write_text("x")
    done = rig.run("sh", "-c", f"cat {tmp_path}/file; touch {tmp_path}/new", options=("--ro", str(tmp_path)), user=user)
    assert done.returncode == 1
    assert done.stdout == b"x"
    assert not (tmp_path / "new").exists()


def test_no_mount_point_is_made_in_the_host_s_tree(user: str, tmp_path: Path) -> None:
    outer, inner = tmp_path / "outer", tmp_path / "inner"
    outer.mkdir()
    inner.mkdir()
    script = (
        "import sandbox; sandbox.run(sandbox.SandboxSpec(argv=('true',), mounts=("
        f"sandbox.Mount('{outer}', '/w', True), sandbox.Mount('{inner}', '/w/missing'))))"
    )
    own(tmp_path, user)
    own(outer, user)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=rig.REPOSITORY, capture_output=True, timeout=20, **rig.identity(user)
    )
    assert b"cannot mount at '/w/missing'" in done.stderr
    assert list(outer.iterdir()) == []


def test_private_places_are_writable_and_empty_every_time(user: str) -> None:
    script = "for d in $HOME /tmp /var/tmp /dev/shm; do ls -A $d; echo x >$d/file && cat $d/file; done"
    for _ in range(2):
        assert rig.run("sh", "-c", script, user=user).stdout == b"x\n" * 4


def test_the_environment_is_exactly_what_was_given(user: str) -> None:
    done = rig.run("env", options=("--env", "A=1"), user=user)
    names = {line.split("=")[0] for line in done.stdout.decode().splitlines()}
    assert names == {"A", "PATH", "HOME", "USER", "LOGNAME", "LANG"}


def test_a_named_host_is_reached_and_no_other(user: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as other:
        port, wrong = listener.getsockname()[1], other.getsockname()[1]

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(b"hello " + peer.recv(100))

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        script = (
            "import socket\n"
            f"with socket.create_connection(('localhost', {port})) as s:\n  s.sendall(b'you'); print(s.recv(100).decode())\n"
            f"try:\n  socket.create_connection(('localhost', {wrong}), 2); print('open')\n"
            "except OSError as e: print('refused')\n"
        )
        done = rig.run("python3", "-c", script, options=("--net", f"localhost:{port}"), user=user)
        server.join(5)
    assert done.stdout == b"hello you\nrefused\n", done.stderr


def test_json_is_one_object_in_place_of_the_output(user: str) -> None:
    done = rig.run("sh", "-c", "echo out; echo err >&2; exit 5", options=("--json",), user=user)
    report = json.loads(done.stdout)
    assert done.returncode == 5
    assert (report["exitCode"], report["stdout"], report["stderr"], report["timedOut"]) == (5, "out\n", "err\n", False)


def test_json_reports_an_error_too(user: str) -> None:
    done = rig.run("no-such-command", options=("--json",), user=user)
    assert json.loads(done.stdout)["error"] == "NOT_FOUND"
    assert done.returncode == 127


@pytest.mark.parametrize("level", ["strict", "landlock"])
def test_check_finds_every_required_layer(user: str, level: str) -> None:
    done = rig.sandbox("check", "--level", level, "--json", user=user)
    layers = json.loads(done.stdout)["layers"]
    assert done.returncode == 0, done.stdout
    assert all(layer["ok"] for layer in layers if layer["required"])
    assert all(layer["cause"] and layer["remedy"] for layer in layers if not layer["ok"])


def test_check_names_what_is_missing_and_how_to_get_it(user: str) -> None:
    """Inside a sandbox nothing can be sandboxed: every namespace is reported missing, with cause and remedy."""
    venv = Path(sys.prefix)
    options = (
        "--ro",
        str(rig.REPOSITORY / "sandbox"),
        "--ro",
        str(venv),
        "--env",
        f"PYTHONPATH={rig.REPOSITORY}:{venv}/lib/python3.{sys.version_info.minor}/site-packages",
    )
    rig.identity(user)
    if sys.base_prefix != "/usr":
        pytest.skip("needs the interpreter below /usr")
    done = rig.run("python3", "-m", "sandbox", "check", "--json", options=options, user=user)
    layers = {layer["layer"]: layer for layer in json.loads(done.stdout)["layers"]}
    assert done.returncode == 6
    for name in ("user namespace", "mount namespace", "seccomp: allow-list", "all together"):
        assert not layers[name]["ok"]
        assert layers[name]["cause"]
        assert layers[name]["remedy"]


@pytest.mark.parametrize("level", ["strict", "landlock"])
def test_a_user_namespace_with_one_id_is_enough(user: str, level: str) -> None:
    """As in many containers: root, with every capability, and nobody else to be."""
    inner = f"exec {sys.executable} -m sandbox run --level {level} -- sh -c 'id -u; exit 9'"
    argv = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", inner]
    done = subprocess.run(argv, cwd=rig.REPOSITORY, capture_output=True, timeout=20, **rig.identity(user))
    assert done.returncode == 9, done.stderr
    assert done.stdout == (b"1000\n" if level == "strict" else b"0\n")


REOPEN = """
import os, sys
for number, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY)):
    descriptor = os.open(f"/proc/self/fd/{number}", flags | os.O_NONBLOCK)
    if flags == os.O_RDONLY:
        try:
            sys.stderr.write(f"took {os.read(descriptor, 100)}\\n")
        except BlockingIOError:
            pass
    else:
        os.write(descriptor, b"injected\\n")
    os.set_blocking(number, False)
"""


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_pipe_of_the_caller_cannot_be_turned_round(user: str, options: tuple[str, ...]) -> None:
    """`{ echo …; sandbox run …; } | reader` and `writer | { sandbox run …; read line; }`."""
    in_reader, in_writer = os.pipe()
    out_reader, out_writer = os.pipe()
    if rig.identity(user):
        for descriptor in (in_reader, out_reader):
            os.fchown(descriptor, rig.NOBODY, rig.NOBODY)  # as if the caller had made it
    try:
        os.write(out_writer, b"of an earlier writer\n")
        done = rig.run(
            "python3",
            "-c",
            REOPEN,
            options=options,
            user=user,
            stdin=in_reader,
            stdout=out_writer,
            stderr=subprocess.PIPE,
            capture_output=False,
        )
        os.set_blocking(in_reader, False)
        with pytest.raises(BlockingIOError):
            os.read(in_reader, 100)
        assert os.read(out_reader, 100).startswith(b"of an earlier writer\n")
        assert os.get_blocking(out_writer)
        assert (done.returncode, done.stderr) == (0, b"")
    finally:
        for descriptor in (in_reader, in_writer, out_reader, out_writer):
            os.close(descriptor)


def test_a_reader_that_is_gone_ends_the_command_as_a_pipe_does(user: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = rig.run("yes", user=user, stdout=writer, stderr=subprocess.PIPE, capture_output=False)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


def test_a_reader_that_takes_nothing_does_not_outlast_the_timeout(user: str) -> None:
    reader, writer = os.pipe()
    try:
        done = rig.run(
            "yes", options=("--timeout", "1"), user=user, stdout=writer, stderr=subprocess.PIPE, capture_output=False
        )
    finally:
        os.close(reader)
        os.close(writer)
    assert done.returncode == 124


def test_nothing_is_lost_where_the_output_never_blocks(user: str) -> None:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    got = bytearray()

    def read() -> None:
        while chunk := ours.recv(65536):
            got.extend(chunk)

    thread = threading.Thread(target=read)
    with ours:
        thread.start()
        with theirs:
            done = rig.run(
                "head", "-c", "3000000", "/dev/zero", user=user, stdout=theirs, stderr=subprocess.PIPE, capture_output=False
            )
        thread.join(rig.DEADLINE_S)
    assert done.returncode == 0
    assert len(got) == 3_000_000


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("-- /nonexistent 2>&-", 127),
        ("--pids 0 -- true 2>&-", 125),
        ("--explain -- sh -c 'cat /etc/shadow; exit 7' 2>&-", 7),
        ("--json -- sh -c 'exit 7' >&-", 7),
        ("--json -- sh -c 'exit 7' >/dev/full", 7),
    ],
)
def test_the_exit_status_does_not_depend_on_who_listens(user: str, arguments: str, status: int) -> None:
    command = f'exec "{sys.executable}" -m sandbox run {arguments}'
    done = subprocess.run(["sh", "-c", command], cwd=rig.REPOSITORY, timeout=20, stderr=subprocess.PIPE, **rig.identity(user))
    assert (done.returncode, done.stderr) == (status, b"")


@pytest.mark.parametrize("options", [("--timeout", "1e12"), ("--timeout", "inf"), ("--net", "host:" + "9" * 5000)])
def test_a_number_without_measure_is_one_line(user: str, options: tuple[str, ...]) -> None:
    done = rig.run("true", options=options, user=user)
    assert done.returncode == 125
    assert done.stderr.startswith(b"sandbox: error: ")
    assert len(done.stderr.splitlines()) <= 2
