"""Specifications: what is refused before anything is created."""

from typing import Any

import pytest

import sandbox
from sandbox import ErrorCode, Exit, HostEntry, Level, Limits, Mount, PrivateFile, SandboxError, SandboxSpec

BAD_SPECS: dict[str, dict[str, Any]] = {
    "empty argv": {"argv": ()},
    "argv is a list": {"argv": ["true"]},
    "NUL in an argument": {"argv": ("echo", "a\0b")},
    "NUL in a bytes argument": {"argv": ("echo", b"a\0b")},
    "argument is a number": {"argv": ("echo", 1)},
    "empty argv[0] and no executable": {"argv": ("",)},
    "NUL in a variable": {"argv": ("a",), "env": {"A": "x\0"}},
    "= in a variable name": {"argv": ("a",), "env": {"A=B": "x"}},
    "empty variable name": {"argv": ("a",), "env": {"": "x"}},
    "relative cwd": {"argv": ("a",), "cwd": "work"},
    "cwd that is not normalised": {"argv": ("a",), "cwd": "/a/../b"},
    "relative executable": {"argv": ("a",), "executable": "bin/a"},
    "identity without executable": {"argv": ("a",), "executable_identity": sandbox.FileIdentity(1, 2, 3, 4, 5)},
    "two mounts at one place": {"argv": ("a",), "mounts": (Mount("/a", "/t"), Mount("/b", "/t", True))},
    "mount and file at one place": {"argv": ("a",), "mounts": (Mount("/a", "/t"),), "files": (PrivateFile("/t", b""),)},
    "mount below a file": {"argv": ("a",), "mounts": (Mount("/a", "/t/u"),), "files": (PrivateFile("/t", b""),)},
    "two hosts on one endpoint": {"argv": ("a",), "hosts": (HostEntry("a", "127.0.0.2", 1), HostEntry("b", "127.0.0.2", 1))},
    "hosts without a network namespace": {"argv": ("a",), "level": Level.LANDLOCK, "hosts": (HostEntry("a", "127.0.0.2", 1),)},
    "moved mount without a mount namespace": {"argv": ("a",), "level": Level.LANDLOCK, "mounts": (Mount("/a", "/b"),)},
    "relative protected path": {"argv": ("a",), "protected": ("home",)},
    "too many mounts": {"argv": ("a",), "mounts": tuple(Mount("/a", f"/t{n}") for n in range(129))},
}


@pytest.mark.parametrize("case", BAD_SPECS)
def test_a_contradictory_specification_does_not_exist(case: str) -> None:
    with pytest.raises(SandboxError) as caught:
        SandboxSpec(**BAD_SPECS[case])
    assert caught.value.code is ErrorCode.BAD_SPEC
    assert caught.value.exit_status == 125


@pytest.mark.parametrize("source", ["/", "/proc", "/proc/self/root", "/sys/fs/cgroup", "/dev", "/dev/shm"])
def test_a_mount_never_shows_the_kernel_s_state(source: str) -> None:
    with pytest.raises(SandboxError) as caught:
        Mount(source, "/w")
    assert caught.value.code is ErrorCode.BAD_SPEC
    assert caught.value.hint


@pytest.mark.parametrize(
    "target", ["/", "/usr", "/etc", "/proc", "/proc/self", "/dev/shm/x", "/sys", "relative", "/a//b", "/a/", "/a\0b"]
)
def test_a_mount_target_that_belongs_to_the_sandbox_is_refused(target: str) -> None:
    with pytest.raises(SandboxError):
        Mount("/source", target)


def test_the_whole_file_system_is_no_mount_source() -> None:
    with pytest.raises(SandboxError):
        Mount("/", "/host")


@pytest.mark.parametrize(
    "entry", [("a b", "127.0.0.2", 1), ("a", "10.0.0.1", 1), ("a", "::1", 1), ("a", "127.0.0.2", 0), ("a\nb", "127.0.0.2", 1)]
)
def test_a_host_entry_is_a_name_a_loopback_address_and_a_port(entry: tuple[str, str, int]) -> None:
    with pytest.raises(SandboxError):
        HostEntry(*entry)


@pytest.mark.parametrize(
    "limits",
    [{"wall_s": 0}, {"wall_s": float("inf")}, {"pids": 0}, {"memory_mib": 1}, {"cpu_s": 0}, {"tmpfs_mib": 0}, {"pids": True}],
)
def test_a_limit_is_positive_and_finite(limits: dict[str, Any]) -> None:
    with pytest.raises(SandboxError):
        Limits(**limits)


def test_no_representation_shows_a_secret() -> None:
    spec = SandboxSpec(argv=("a",), env={"TOKEN": "s3cr3t-value"}, files=(PrivateFile("/run/key", b"s3cr3t-value"),))
    assert "s3cr3t" not in repr(spec) + str(spec)


def test_the_environment_is_copied_and_frozen() -> None:
    variables = {"A": "1"}
    spec = SandboxSpec(argv=("a",), env=variables)
    variables["A"] = "2"
    assert spec.env["A"] == "1"
    with pytest.raises(TypeError):
        spec.env["A"] = "3"  # type: ignore[index]


@pytest.mark.parametrize(
    ("ended", "status"), [(Exit(3, None), 3), (Exit(None, 9), 137), (Exit(None, 9, timed_out=True), 124), (Exit(0, None), 0)]
)
def test_an_exit_has_the_status_a_shell_would_give(ended: Exit, status: int) -> None:
    assert ended.status == status


def test_an_exit_has_a_code_or_a_signal() -> None:
    with pytest.raises(ValueError, match="either"):
        Exit(None, None)
    with pytest.raises(ValueError, match="either"):
        Exit(0, 9)


def test_the_package_exports_what_it_says() -> None:
    public = {name for name, value in vars(sandbox).items() if not name.startswith("_") and not hasattr(value, "__path__")}
    modules = {name for name in public if type(getattr(sandbox, name)).__name__ == "module"}
    assert set(sandbox.__all__) == public - modules
