"""`programs`: what the command may execute, whoever asks it to."""

from __future__ import annotations

from pathlib import Path

import pytest

import sandbox
from sandbox import ErrorCode, Level, Mount, SandboxError, SandboxSpec

LOADERS = [str(path) for path in Path("/lib64").glob("ld-linux*.so*")]
LEVELS = [Level.STRICT, Level.LANDLOCK]


@pytest.fixture(autouse=True, scope="module")
def available() -> None:
    for level in LEVELS:
        missing = [layer.name for layer in sandbox.check(level) if layer.required and not layer.ok]
        if missing:
            pytest.skip(f"the sandbox {level.value} is not available here: {missing}")


def run(
    *argv: str, programs: tuple[str, ...] | None, level: Level = Level.STRICT, mounts: tuple[Mount, ...] = ()
) -> tuple[int, bytes]:
    done = sandbox.run(SandboxSpec(argv=argv, programs=programs, level=level, mounts=mounts))
    return done.exit.code if done.exit.code is not None else -1, done.stdout + done.stderr


@pytest.mark.parametrize("level", LEVELS)
def test_the_named_programs_run_and_no_other(level: Level) -> None:
    shell = ("/usr/bin/sh", "/usr/bin/dash", "/bin/sh", "/bin/dash", "/usr/bin/bash")
    assert run("sh", "-c", "id", programs=None, level=level)[0] == 0
    status, said = run("sh", "-c", "id", programs=shell, level=level)
    assert status == 126
    assert b"denied" in said
    assert run("sh", "-c", "echo in", programs=shell, level=level) == (0, b"in\n")
    with pytest.raises(SandboxError) as caught:
        run("sh", "-c", "id", programs=("/usr/bin/true",), level=level)
    assert caught.value.code is ErrorCode.NOT_EXECUTABLE


@pytest.mark.skipif(not LOADERS, reason="no dynamic loader at /lib64/ld-linux*.so*")
@pytest.mark.parametrize("level", LEVELS)
def test_the_dynamic_loader_starts_no_other_program(level: Level) -> None:
    assert run(LOADERS[0], "/usr/bin/true", programs=None, level=level)[0] == 0
    assert run(LOADERS[0], "/usr/bin/true", programs=(), level=level)[0] != 0


@pytest.mark.skipif(not LOADERS, reason="no dynamic loader at /lib64/ld-linux*.so*")
def test_the_dynamic_loader_starts_nothing_of_the_workspace(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(Path("/usr/bin/true").read_bytes())
    program.chmod(0o755)
    mounts = (Mount(str(tmp_path), str(tmp_path)),)
    assert run(LOADERS[0], str(program), programs=None, mounts=mounts)[0] == 0
    assert run(LOADERS[0], str(program), programs=(), mounts=mounts)[0] != 0


def test_data_beside_programs_stays_readable() -> None:
    assert run("cat", "/etc/passwd", programs=("/usr/bin/cat",))[0] == 0
    status, said = run("cat", "/usr/bin/id", programs=("/usr/bin/cat",))
    assert status == 1
    assert b"denied" in said


@pytest.mark.parametrize("level", LEVELS)
def test_a_link_to_the_environment_is_no_file(tmp_path: Path, level: Level) -> None:
    for name in ("environ", "cmdline", "mem", "maps"):
        (tmp_path / name).symlink_to(f"/proc/self/{name}")
    mounts = (Mount(str(tmp_path), str(tmp_path)),)
    path = str(tmp_path / "environ")
    assert run("cat", path, programs=None, level=level, mounts=mounts)[0] == 0
    for name in ("environ", "cmdline", "mem", "maps"):
        assert run("cat", str(tmp_path / name), programs=("/usr/bin/cat",), level=level, mounts=mounts)[0] == 1
