"""Limits of a capability, as its command meets them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.secretless import CONFIG, Handler, Place, place

_LIMITS = "limits: {{openFiles: 20, fileSizeMib: 1, memoryMib: 256}}"  # a template, as CONFIG is
_LIMITED = CONFIG.replace("    workspace: write\n", f"    workspace: write\n    {_LIMITS}\n")


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("limited"), Handler, config=_LIMITED) as opened:
        yield opened


def test_a_command_is_held_to_the_capabilitys_limits(limited: Place) -> None:
    done = limited.sh("ulimit -n; head -c 2000000 /dev/zero > big; stat -c %s big; exit 0")
    assert done["exitCode"] == 0, done
    assert done["stdout"].split() == ["20", str(1 << 20)]


def test_the_operator_sets_them_from_the_command_line(limited: Place) -> None:
    limited.rig.janee("capability", "edit", "run", "--limit", "openFiles=30")
    done = limited.sh("ulimit -n")
    assert done["stdout"].split() == ["30"], done
