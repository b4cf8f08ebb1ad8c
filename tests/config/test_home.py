from __future__ import annotations

import os
from pathlib import Path

import pytest

from janee.config.home import JaneeHome, read_trusted_file, verify_private_directory
from janee.errors import ConfigError


@pytest.mark.parametrize(
    ("environ", "path", "key"),
    [
        ({"HOME": "/h"}, "/h/.janee", "/h/.local/share/janee/keys/x.key"),
        ({"HOME": "/h", "JANEE_HOME": "/j"}, "/j", "/h/.local/share/janee/keys/x.key"),
        ({"HOME": "/h", "XDG_DATA_HOME": "/d"}, "/h/.janee", "/d/janee/keys/x.key"),
        ({"HOME": "/h", "XDG_DATA_HOME": "relative"}, "/h/.janee", "/h/.local/share/janee/keys/x.key"),
        ({"HOME": "/h", "JANEE_MASTER_KEY_FILE": "/k"}, "/h/.janee", "/k"),
        ({"HOME": "/h", "CREDENTIALS_DIRECTORY": "/nowhere"}, "/h/.janee", "/h/.local/share/janee/keys/x.key"),
        ({"HOME": "/h", "JANEE_HOME": ""}, "/h/.janee", "/h/.local/share/janee/keys/x.key"),
    ],
)
def test_the_environment_decides_where_things_are(environ: dict[str, str], path: str, key: str) -> None:
    home = JaneeHome.resolve(environ)
    assert home.path == Path(path)
    assert home.key_file("x") == Path(key)


def test_a_credential_of_the_service_manager_is_the_master_key(tmp_path: Path) -> None:
    (tmp_path / "janee-master-key").write_text("…")
    home = JaneeHome.resolve({"HOME": "/h", "CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert home.key_file("x") == tmp_path / "janee-master-key"
    assert home.anchor_file("x") == Path("/h/.local/share/janee/keys/x.anchor")  # a credential's directory is read-only


@pytest.mark.parametrize(
    ("environ", "inside"),
    [
        ({"HOME": "/h"}, False),
        ({"HOME": "/h", "JANEE_HOME": "/h"}, True),
        ({"HOME": "/h", "JANEE_MASTER_KEY_FILE": "/h/.janee/key"}, True),
        ({"HOME": "/h", "JANEE_MASTER_KEY_FILE": "/h/.janee/../key"}, False),
        ({"HOME": "/h", "JANEE_HOME": "/h/.local/share/janee"}, True),
    ],
)
def test_a_key_inside_the_home_is_noticed(environ: dict[str, str], inside: bool) -> None:
    assert JaneeHome.resolve(environ).key_lies_inside("x") is inside


def test_homes_differ_in_what_is_remembered_of_them(tmp_path: Path) -> None:
    one, other = (JaneeHome.resolve({"HOME": str(tmp_path), "JANEE_HOME": str(tmp_path / name)}) for name in "ab")
    assert one.link_file != other.link_file
    (tmp_path / "link").symlink_to(tmp_path / "a")
    (tmp_path / "a").mkdir()
    assert JaneeHome.resolve({"HOME": str(tmp_path), "JANEE_HOME": str(tmp_path / "link")}).link_file == one.link_file


def test_a_good_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"content")
    file.chmod(0o600)
    assert read_trusted_file(file, limit=100, private=True).content == b"content"


def _link(path: Path) -> None:
    (path.parent / "target").write_text("x")
    path.symlink_to("target")


def _mode(mode: int) -> object:
    def make(path: Path) -> None:
        path.write_text("x")
        path.chmod(mode)

    return make


@pytest.mark.parametrize(
    ("make", "private", "says"),
    [
        (_link, False, "symbolic link"),
        (os.mkfifo, False, "not a regular file"),
        (Path.mkdir, False, "not a regular file"),
        (_mode(0o602), False, "written by others"),
        (_mode(0o620), False, "written by others"),
        (_mode(0o640), True, "read by others"),
        (_mode(0o604), True, "read by others"),
        (lambda path: path.write_bytes(b"x" * 101), False, "at most 100"),
    ],
)
def test_an_unsafe_file_is_refused_and_never_waited_for(tmp_path: Path, make: object, private: bool, says: str) -> None:
    path = tmp_path / "f"
    make(path)  # type: ignore[operator]
    with pytest.raises(ConfigError, match=says) as caught:
        read_trusted_file(path, limit=100, private=private)
    assert caught.value.code == "UNSAFE_FILE"
    assert caught.value.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("x")
    os.chown(path, 65534, 65534)
    with pytest.raises(ConfigError, match="belongs to uid 65534"):
        read_trusted_file(path, limit=100)


def test_a_missing_file_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_trusted_file(tmp_path / "nothing", limit=100)


def test_a_directory_open_to_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir(mode=0o700)
    verify_private_directory(tmp_path / "d")
    (tmp_path / "d").chmod(0o750)
    with pytest.raises(ConfigError, match="open to others"):
        verify_private_directory(tmp_path / "d")
