"""docs/sandbox.md: the example runs, and the numbers are the program's."""

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import Limits
from tests.sandbox import rig

DOCUMENT = (rig.REPOSITORY / "docs/sandbox.md").read_text()
LIMITS = DOCUMENT.partition("## Limits and defaults")[2].partition("##")[0]


def test_the_example_runs_and_is_typed(tmp_path: Path) -> None:
    if not Path("/usr/share/common-licenses").is_dir():
        pytest.skip("needs Debian's /usr/share/common-licenses")
    (example,) = re.findall(r"test_docs\.py -->\n```python\n(.*?)```", DOCUMENT, re.DOTALL)
    script = tmp_path / "example.py"
    script.write_text(example)
    environment = os.environ | {"PYTHONPATH": str(rig.REPOSITORY), "MYPYPATH": str(rig.REPOSITORY)}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"2 b''")
    assert b"/root" in done.stdout  # named among the refusals


def test_the_defaults_are_the_program_s() -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(Limits)}
    for names, value in re.findall(r"^\| (`[a-z_`, ]+`) \| ([\w, ]+) \|", LIMITS, re.MULTILINE):
        for name, shown in zip(re.findall(r"`(\w+)`", names), value.split(", "), strict=True):
            assert shown == str(defaults.pop(name)).lower(), name
    assert not defaults
