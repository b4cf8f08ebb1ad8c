"""The page of forms is what the code's tables and the examples give."""

import shutil

import pytest

from tests.scrubber import make_docs


def test_the_page_is_up_to_date() -> None:
    missing = [tool for tool in ("jq", "xxd", "iconv", "rev", "od", "base32", "bash") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    assert make_docs.PATH.read_text(encoding="utf-8") == make_docs.page(), "run: python -m tests.scrubber.make_docs"
