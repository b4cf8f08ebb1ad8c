"""Directories that an ordinary user can get to."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox import rig


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Like pytest's, but not below its private directory, whose mode every session that starts sets back to 0700."""
    path = Path(tempfile.mkdtemp(prefix="sandbox-test-")).resolve()
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def pytest_runtest_setup(item: pytest.Item) -> None:
    rig.skip_without_landlock(item)
