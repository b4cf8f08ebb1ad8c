"""Which directories can be a workspace. The host's own are probed where they are: planning only looks, it mounts nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from janee.errors import JaneeError
from janee.runner.workspace import ANYWHERE, SYSTEM_TREES, HostDirectories, plan_workspace


def refusal(cwd: str | None, host: HostDirectories = ANYWHERE, **sandbox: str) -> str:
    with pytest.raises(JaneeError) as caught:
        plan_workspace({"workspace": "write"} | sandbox, cwd, host)
    assert caught.value.code == "WORKSPACE_REFUSED"
    return caught.value.message


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "home" / "ann" / "project" / "sub").mkdir(parents=True)
    (tmp_path / "home" / "ann" / ".ssh" / "keys").mkdir(parents=True)
    return tmp_path / "home" / "ann" / "project"


def homes(project: Path) -> HostDirectories:
    return HostDirectories(homes=(str(project.parent),))


@pytest.mark.parametrize(("access", "writable"), [("read", False), ("write", True)])
def test_a_directory_of_somebodys_work_is_shown_at_its_own_name(project: Path, access: str, writable: bool) -> None:
    plan = plan_workspace({"workspace": access}, str(project), homes(project))
    assert [(mount.source, mount.target, mount.writable) for mount in plan.mounts] == [(str(project), str(project), writable)]
    assert plan.cwd == str(project)


def test_without_a_workspace_nothing_is_shown_and_no_directory_can_be_chosen(project: Path) -> None:
    assert plan_workspace({}, None, ANYWHERE).mounts == ()
    assert "no workspace" in refusal(str(project), workspace="none")


@pytest.mark.parametrize("path", [tree for tree in SYSTEM_TREES if Path(tree).is_dir()])
def test_a_system_tree_is_refused_and_so_are_its_parts(path: str) -> None:
    assert "belongs to the system" in refusal(path)
    below = (
        [entry.path for entry in os.scandir(path) if entry.is_dir(follow_symlinks=False)] if os.access(path, os.R_OK) else []
    )
    for part in below[:3]:
        assert "belongs to the system" in refusal(part)


@pytest.mark.parametrize(
    "path", ["/", "/var", "/home", "/root", "/opt", "/srv", "/mnt", "/tmp", "/var/tmp", "/var/spool/cron", "/usr/../var"]
)
def test_what_contains_system_trees_or_is_everybodys_is_refused(path: str) -> None:
    if Path(path).is_dir():
        assert "belongs to the system" in refusal(path)


def test_a_home_what_contains_it_and_what_is_hidden_in_it_are_refused(project: Path) -> None:
    host, home = homes(project), project.parent
    assert "whole home" in refusal(str(home), host)
    assert "whole home" in refusal(str(home.parent), host)
    assert "hidden" in refusal(str(home / ".ssh"), host)
    assert "hidden" in refusal(str(home / ".ssh" / "keys"), host)


def test_a_link_is_judged_by_where_it_leads(project: Path) -> None:
    link = project / "link"
    link.symlink_to(project.parent / ".ssh")
    assert "hidden" in refusal(str(link), homes(project))
    (project / "etc").symlink_to("/etc")
    assert "belongs to the system" in refusal(str(project / "etc"))


def test_an_agents_directory_must_lie_in_a_workspace_root_where_there_are_roots(project: Path) -> None:
    inside = HostDirectories(roots=(str(project),))
    assert plan_workspace({"workspace": "write"}, str(project / "sub"), inside).cwd == str(project / "sub")
    for roots in ((), (str(project / "sub"),)):
        assert "workspace roots" in refusal(str(project), HostDirectories(roots=roots))


def test_the_operators_own_directory_needs_no_root_but_is_no_way_out_of_the_rules(project: Path) -> None:
    nowhere = HostDirectories(homes=(str(project.parent),), roots=())
    plan = plan_workspace({"workspace": "read", "workDir": str(project)}, str(project / "sub"), nowhere)
    assert (plan.mounts[0].source, plan.cwd) == (str(project), str(project / "sub"))
    assert "hidden" in refusal(None, nowhere, workDir=str(project.parent / ".ssh"))
    assert "outside" in refusal(str(project.parent), nowhere, workDir=str(project))


@pytest.mark.parametrize("cwd", ["relative", "/tmp/\0x", ""])
def test_a_path_that_is_none_is_refused(cwd: str) -> None:
    refusal(cwd)


def test_a_file_or_nothing_is_refused(project: Path) -> None:
    (project / "file").write_text("x")
    assert "not a directory" in refusal(str(project / "file"))
    assert "cannot be used" in refusal(str(project / "missing"))
