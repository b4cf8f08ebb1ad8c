from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authority.desk import Desk, open_desk
from tests.authority.live import Live, make_home, running


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """An Authority with the configuration of `live.CONFIG`."""
    home, environ = make_home(tmp_path)
    with running(home, environ) as authority:
        yield authority


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An Authority in this process."""
    with open_desk(tmp_path) as opened:
        yield opened
