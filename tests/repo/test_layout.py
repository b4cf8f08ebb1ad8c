"""The packages as the design lays them out, and their public names."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import janee
import sandbox

ROOT = Path(__file__).parents[2]


def modules() -> list[str]:
    return sorted(
        found.name for package in (janee, sandbox) for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    )


def sources() -> list[Path]:
    return sorted(path for package in ("janee", "sandbox") for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_guarantees(path: Path) -> None:
    first = path.read_text().lstrip()
    if first:
        assert first.startswith(('"""', 'r"""')), f"{path} has no docstring"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_assert_guards_product_code(path: Path) -> None:
    assert [line for line in path.read_text().splitlines() if line.lstrip().startswith("assert ")] == []


@pytest.mark.parametrize("name", modules())
def test_dunder_all_is_exactly_what_is_exported(name: str) -> None:
    if name.endswith("__main__"):
        pytest.skip("a program")
    module = importlib.import_module(name)
    exported = getattr(module, "__all__", None)
    if exported is None:
        return
    assert sorted(set(exported)) == sorted(exported)
    assert [entry for entry in exported if not hasattr(module, entry)] == []
    if hasattr(module, "__path__"):
        public = {
            key
            for key, value in vars(module).items()
            if not key.startswith("_")
            and not isinstance(value, ModuleType)
            and key != "annotations"
            and getattr(value, "__module__", name).split(".")[0] in ("janee", "sandbox")
        }
        assert public - set(exported) == set()


def test_importing_everything_prints_nothing_and_starts_nothing() -> None:
    names = [name for name in modules() if not name.endswith("__main__") and name != "sandbox._zygote_main"]
    program = "import importlib, sys, threading\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    program += "assert threading.active_count() == 1"
    done = subprocess.run([sys.executable, "-c", program, *names], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("heavy", ["mcp", "uvicorn", "starlette", "httpx", "psutil"])
def test_the_command_line_starts_without(heavy: str) -> None:
    program = "import sys; from janee.cli.main import run; run(['--help']); sys.exit(sys.argv[1] in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program, heavy], capture_output=True, timeout=60).returncode == 0
