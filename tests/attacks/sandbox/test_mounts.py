"""What the owner of a mounted directory can do from outside while a command runs inside, and what he cannot."""

import errno
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import ErrorCode, Level, Limits, Mount, PrivateFile, SandboxError, SandboxSpec, base_env, run, temp_dir

PYTHON = "/usr/bin/python3"
MARK = b"what the command knows"

pytestmark = pytest.mark.skipif(not os.access(PYTHON, os.X_OK), reason="the probes need Debian's python3 at /usr/bin/python3")


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "work"
    directory.mkdir(mode=0o777)
    yield directory


def probe(code: str, *mounts: Mount, level: Level = Level.STRICT) -> bytes:
    spec = SandboxSpec(
        argv=(PYTHON, "-c", code),
        env=base_env() | {"TMPDIR": temp_dir(mounts)},
        level=level,
        mounts=mounts,
        limits=Limits(wall_s=20),
    )
    done = run(spec)
    return done.stdout + done.stderr


def shown(work: Path, *, writable: bool) -> Mount:
    return Mount(str(work), str(work), writable)


@pytest.mark.parametrize("writable", [False, True])
def test_a_unix_socket_of_the_agent_in_the_workspace_cannot_be_reached(work: Path, writable: bool) -> None:
    path = str(work / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        Path(path).chmod(0o777)
        listener.listen()
        listener.settimeout(0.1)
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(path)  # the control: outside it can be reached
        listener.accept()[0].close()
        connect = f"socket.socket(socket.AF_UNIX).connect({path!r})"
        code = f"import socket\ntry: {connect}; print('REACHED')\nexcept OSError as e: print(e.errno)"
        assert probe(code, shown(work, writable=writable)).split() == [str(errno.EACCES).encode()]
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.parametrize("kind", ["SOCK_DGRAM", "SOCK_RAW"])
@pytest.mark.parametrize(("level", "writable"), [(Level.STRICT, False), (Level.STRICT, True), (Level.LANDLOCK, True)])
def test_a_pair_of_sockets_is_no_way_to_a_datagram_socket_of_the_agent(
    work: Path, level: Level, writable: bool, kind: str
) -> None:
    path = str(work / "s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        Path(path).chmod(0o777)
        listener.setblocking(False)
        ours, theirs = socket.socketpair(socket.AF_UNIX, getattr(socket, kind))
        with ours, theirs:
            ours.sendto(MARK, path)  # the control: outside it arrives
        assert listener.recv(100) == MARK
        pair = f"socket.socketpair(socket.AF_UNIX, socket.{kind})[0].sendto({MARK!r}, {path!r})"
        code = f"import socket\ntry: {pair}; print('REACHED')\nexcept OSError as e: print(e.errno)"
        assert probe(code, shown(work, writable=writable), level=level).split() == [str(errno.EACCES).encode()]
        with pytest.raises(BlockingIOError):
            listener.recv(100)


@pytest.mark.parametrize("level", [Level.STRICT, Level.LANDLOCK])
def test_pairs_of_stream_sockets_work_beside_a_mount(work: Path, level: Level) -> None:
    code = "import socket\na, b = socket.socketpair(); a.send(b'through'); print(b.recv(9).decode())"
    assert probe(code, shown(work, writable=True), level=level).split() == [b"through"]


def test_unix_sockets_work_where_nothing_of_the_host_is_shown() -> None:
    assert probe("import socket; socket.socket(socket.AF_UNIX); print('made')").split() == [b"made"]


def test_a_fifo_of_the_agent_in_a_read_only_workspace_takes_nothing(work: Path) -> None:
    fifo = work / "f"
    os.mkfifo(fifo)
    fifo.chmod(0o666)
    got: list[bytes] = []
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        code = f"import os\nfd = os.open({str(fifo)!r}, os.O_WRONLY | os.O_NONBLOCK); print(os.write(fd, {MARK!r}))"
        assert b"PermissionError" in probe(code, shown(work, writable=False))
        with pytest.raises(BlockingIOError):
            got.append(os.read(reader, 100) or _would_block())
        control = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)  # the control: outside it takes everything
        os.write(control, MARK)
        assert os.read(reader, 100) == MARK
        os.close(control)
    finally:
        os.close(reader)
    assert got == []


def _would_block() -> bytes:
    raise BlockingIOError  # no writer ever came: a read of a FIFO gives its end


def test_there_is_a_temporary_directory_all_the_same(work: Path) -> None:
    code = "import tempfile; f = tempfile.NamedTemporaryFile(); f.write(b'x'); f.flush(); print('written')"
    for writable in (False, True):
        assert probe(code, shown(work, writable=writable)).split() == [b"written"]
    assert temp_dir((Mount("/w", "/tmp/w"),)) == "/var/tmp"
    assert temp_dir((Mount("/w", "/tmp/w", writable=True),)) == "/tmp"
    assert temp_dir((Mount("/w", "/tmp/w"), Mount("/v", "/var/tmp/v"))) == "/home/sandbox"


def test_a_mount_source_that_leads_through_a_link_is_refused(work: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(work)
    (work / "sub").mkdir()
    for source in (tmp_path / "link", tmp_path / "link" / "sub"):
        with pytest.raises(SandboxError) as caught:
            probe("print()", Mount(str(source), "/mnt/w"))
        assert caught.value.code is ErrorCode.BAD_SPEC


def test_a_workspace_that_is_swapped_for_a_link_is_never_shown(tmp_path: Path) -> None:
    ours, theirs, link = tmp_path / "a", tmp_path / "secret", tmp_path / "b"
    for directory in (ours, theirs):
        directory.mkdir(mode=0o755)
    (theirs / "treasure").write_text("x")
    link.symlink_to(theirs)
    stop = threading.Event()

    def swap() -> None:
        spare = tmp_path / "spare"
        while not stop.is_set():
            ours.rename(spare)
            link.rename(ours)
            ours.rename(link)
            spare.rename(ours)

    thread = threading.Thread(target=swap)
    thread.start()
    refused = shown_right = 0
    try:
        for _ in range(20):
            try:
                listing = probe("import os; print(os.listdir('/mnt/w'))", Mount(str(ours), "/mnt/w"))
            except SandboxError as error:
                assert error.code is ErrorCode.BAD_SPEC
                refused += 1
            else:
                assert b"treasure" not in listing
                shown_right += 1
    finally:
        stop.set()
        thread.join()
    assert refused + shown_right == 20


def test_a_private_file_never_lands_in_a_directory_of_the_host(work: Path) -> None:
    secret = PrivateFile("/work/.netrc", MARK)
    spec = SandboxSpec(argv=("true",), mounts=(Mount(str(work), "/work", writable=True),), files=(secret,))
    with pytest.raises(SandboxError) as caught:
        run(spec)
    assert caught.value.code is ErrorCode.BAD_SPEC
    assert not list(work.iterdir())


def test_a_mount_over_the_private_home_is_not_taken_for_the_private_one(work: Path) -> None:
    (work / "sandbox").mkdir()  # /home/sandbox, inside
    over = Mount(str(work), "/home", writable=True)
    below = Mount("/usr/share", "/home/x/y")
    secret = PrivateFile("/home/sandbox/.netrc", MARK)
    for spec in (
        SandboxSpec(argv=("true",), mounts=(over, below)),
        SandboxSpec(argv=("true",), mounts=(over,), files=(secret,)),
    ):
        with pytest.raises(SandboxError) as caught:
            run(spec)
        assert caught.value.code is ErrorCode.BAD_SPEC
    assert [path.name for path in work.rglob("*")] == ["sandbox"]


def test_a_mount_over_home_hinders_no_mount_elsewhere(work: Path) -> None:
    mounts = (Mount("/usr/share", "/home"), shown(work, writable=True))
    done = run(SandboxSpec(argv=("ls", str(work)), env=base_env(), cwd="/", mounts=mounts, limits=Limits(wall_s=20)))
    assert (done.exit.status, done.stderr) == (0, b"")
