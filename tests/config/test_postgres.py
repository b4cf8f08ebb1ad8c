"""config.yaml: services that are databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from janee.config.file import load_config
from janee.errors import ConfigError


def service(directory: Path, url: str, auth: str = "{type: postgres}", more: str = "") -> tuple[str, dict[str, str]]:
    path = directory / "config.yaml"
    path.write_text(f'version: "0.3.0"\nservices:\n  db:\n    baseUrl: "{url}"\n    auth: {auth}\n{more}')
    path.chmod(0o600)
    found = load_config(path).services["db"]
    assert found.auth.secret_fields == ("username", "password")
    return found.base_url, dict(found.auth.options)


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("postgres://db.example.com:5432/app", "postgres://db.example.com:5432/app"),
        ("postgresql://db.example.com/app", "postgres://db.example.com/app"),
        ("postgres://db.example.com", "postgres://db.example.com"),
        ("postgres://[2001:db8::1]:5433/my-app_1", "postgres://[2001:db8::1]:5433/my-app_1"),
    ],
)
def test_a_database_is_a_url(tmp_path: Path, url: str, read: str) -> None:
    assert service(tmp_path, url) == (read, {})


def test_tls_can_be_named(tmp_path: Path) -> None:
    assert service(tmp_path, "postgres://db/app", "{type: postgres, sslMode: disable}")[1] == {"sslMode": "disable"}


@pytest.mark.parametrize(
    ("url", "auth", "more"),
    [
        ("postgres://db.example.com/a/b", "{type: postgres}", ""),
        ("postgres://app:secret@db.example.com/app", "{type: postgres}", ""),
        ("postgres://db.example.com/app?sslmode=disable", "{type: postgres}", ""),
        ("postgres://db1,db2/app", "{type: postgres}", ""),
        ("postgres:///app", "{type: postgres}", ""),
        ("mysql://db.example.com/app", "{type: postgres}", ""),
        ("https://db.example.com/app", "{type: postgres}", ""),
        ("postgres://db.example.com/app", "{type: bearer}", ""),
        ("postgres://db.example.com/app", "{type: basic}", ""),
        ("postgres://db.example.com/app", "{type: postgres, sslMode: require}", ""),
        ("postgres://db.example.com/app", "{type: postgres}", "    testPath: /x\n"),
    ],
)
def test_another_form_is_refused(tmp_path: Path, url: str, auth: str, more: str) -> None:
    with pytest.raises(ConfigError):
        service(tmp_path, url, auth, more)
