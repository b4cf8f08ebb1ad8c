"""Causes are named from what is found, and never invented."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import remedy
from tests.sandbox import rig


def test_a_switched_off_sysctl_is_named_with_the_command_that_changes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = tmp_path / "max_user_namespaces"
    switch.write_text("0\n")
    rows = tuple((str(switch), *row[1:]) for row in remedy._SYSCTLS if row[0].endswith("max_user_namespaces"))
    monkeypatch.setattr(remedy, "_SYSCTLS", rows)
    found = remedy.causes()
    assert any("max_user_namespaces is 0" in one.cause and "sysctl -w" in one.remedy for one in found)
    switch.write_text("15000\n")
    assert not any("max_user_namespaces" in one.cause for one in remedy.causes())


def test_a_pod_gets_the_fields_of_its_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert any("hostUsers: false" in one.remedy for one in remedy.causes())


def test_ranges_of_subordinate_ids_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remedy, "_read", lambda _: "alice:100000:65536\nbob:165536:65536\n1001:300000:10\nbroken\n")
    assert remedy.subordinate_ids("alice", 1000) == ("100000:65536",)
    assert remedy.subordinate_ids("carol", 1001) == ("300000:10",)
    assert remedy.subordinate_ids("carol", 1002) == ()


def test_a_machine_that_forbids_user_namespaces_is_told_why() -> None:
    """As in a container: a user namespace of its own in which none below may be made."""
    if os.geteuid() != 0:
        pytest.skip("needs root to set the sysctl of a namespace of its own")
    script = "echo 0 > /proc/sys/user/max_user_namespaces && exec " + sys.executable + " -m sandbox check"
    done = subprocess.run(
        ["unshare", "-U", "-r", "sh", "-c", script], cwd=rig.REPOSITORY, capture_output=True, text=True, timeout=rig.DEADLINE_S
    )
    assert done.returncode == 6, done.stderr
    assert "MISSING  user namespace" in done.stdout
    assert "sysctl user.max_user_namespaces is 0" in done.stdout
    assert "sysctl -w user.max_user_namespaces" in done.stdout
