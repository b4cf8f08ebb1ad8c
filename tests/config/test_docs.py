"""docs/config.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from janee.authority.policy import compile_policy
from janee.config import _reader
from janee.config.file import parse_config

DOCUMENT = (Path(__file__).parents[2] / "docs" / "config.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.S)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_valid(example: str) -> None:
    compile_policy(parse_config(example.encode()))


def test_the_example_shows_every_field_that_means_something() -> None:
    for table in (_reader._SERVICE, _reader._CAPABILITY):
        for name, field in table.items():
            assert field is None or f"{name}:" in EXAMPLES[0], name


def test_every_field_is_described() -> None:
    for table in (_reader._SERVICE, _reader._CAPABILITY, _reader._SERVER, _reader._ROOT):
        for name in table:
            assert f"`{name}" in DOCUMENT or f"{name}:" in DOCUMENT, name
