"""A home of our own for a test: everything below one temporary directory."""

from __future__ import annotations

from pathlib import Path

from janee.config.file import JaneeHome

MINIMAL = """\
version: "0.3.0"
services:
  gh:
    baseUrl: https://api.github.com
    auth:
      type: bearer
capabilities:
  issues:
    service: gh
"""


def environment(root: Path) -> dict[str, str]:
    return {"JANEE_HOME": str(root / "home"), "XDG_DATA_HOME": str(root / "data"), "HOME": str(root)}


def make_home(root: Path) -> JaneeHome:
    return JaneeHome.resolve(environment(root))


def config_file(root: Path, text: str = MINIMAL) -> Path:
    path = root / "config.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return path
