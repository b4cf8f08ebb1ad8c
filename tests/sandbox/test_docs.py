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


EXAMPLES = re.findall(r"test_docs\.py -->\n```python\n(.*?)```", DOCUMENT, re.DOTALL)


def run_example(example: str, directory: Path) -> bytes:
    script = directory / "example.py"
    script.write_text(example)
    environment = os.environ | {"PYTHONPATH": str(rig.REPOSITORY), "MYPYPATH": str(rig.REPOSITORY)}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_runs(tmp_path: Path) -> None:
    if not Path("/usr/share/common-licenses").is_dir():
        pytest.skip("needs Debian's /usr/share/common-licenses")
    output = run_example(EXAMPLES[0], tmp_path)
    assert output.startswith(b"2 b''")
    assert b"/root" in output  # named among the refusals


def test_the_example_of_a_server_runs(tmp_path: Path) -> None:
    assert run_example(EXAMPLES[1], tmp_path) == b"b'1000\\n' 0\n"
    assert len(EXAMPLES) == 2


def test_the_defaults_are_the_program_s() -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(Limits)}
    for names, value in re.findall(r"^\| (`[a-z_`, ]+`) \| ([\w, ]+) \|", LIMITS, re.MULTILINE):
        for name, shown in zip(re.findall(r"`(\w+)`", names), value.split(", "), strict=True):
            assert shown == str(defaults.pop(name)).lower(), name
    assert not defaults
