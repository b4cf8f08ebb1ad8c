from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.authority.echo import echo
from tests.authority.egress.client import World, world


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("egress")) as opened:
        yield opened


@pytest.fixture
def place(shared: World) -> World:
    """A service that tells all it got, behind an Authority; the same for all tests of a file."""
    shared.service.script = echo
    shared.service.seen.clear()
    return shared
