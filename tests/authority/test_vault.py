from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from janee.authority.vault import (
    Vault,
    create_master_key,
    is_signature,
    load_master_key,
    make_key_check,
    verify_key_check,
)
from janee.config.home import JaneeHome
from janee.errors import StoreError
from janee.secret import Secret
from tests.config.support import environment, make_home

MASTER = Secret(bytes(range(32)))
VALUE = Secret("ghp_value")


def test_a_value_opens_only_in_its_place() -> None:
    vault = Vault(MASTER, "store")
    box = vault.seal("secret", "gh", "key", value=VALUE)
    assert vault.open("secret", "gh", "key", box=box) == VALUE
    assert VALUE.expose() not in box
    assert vault.seal("secret", "gh", "key", value=VALUE) != box  # a fresh nonce each time
    elsewhere = [
        (vault, ("secret", "gh", "other")),
        (vault, ("secret", "other", "key")),
        (vault, ("runner key", "gh", "key")),
        (vault, ("secret", "gh\0key")),
        (Vault(MASTER, "another"), ("secret", "gh", "key")),
        (Vault(Secret(bytes(32)), "store"), ("secret", "gh", "key")),
    ]
    for other, (kind, *names) in elsewhere:
        with pytest.raises(StoreError) as caught:
            other.open(kind, *names, box=box)
        assert caught.value.code == "DECRYPT_FAILED"
        assert caught.value.__suppress_context__


@pytest.mark.parametrize("cut", [0, 5, 12, 27, -1])
def test_a_damaged_box_is_refused(cut: int) -> None:
    vault = Vault(MASTER, "store")
    with pytest.raises(StoreError):
        vault.open("secret", "gh", box=vault.seal("secret", "gh", value=VALUE)[:cut])


def test_tags_depend_on_every_part_and_its_borders() -> None:
    vault = Vault(MASTER, "store")
    tags = {vault.tag(*parts) for parts in ((b"ab", b"c"), (b"a", b"bc"), (b"abc",), (b"abc", b""), (b"ab", b"d"))}
    assert len(tags) == 5
    assert vault.tag(b"a") != Vault(MASTER, "other").tag(b"a")


def test_a_signature_is_this_stores_over_this_payload() -> None:
    vault = Vault(MASTER, "store")
    signature = vault.sign(b"payload")
    assert is_signature(vault.public_key, b"payload", signature)
    assert vault.is_signature(b"payload", signature)
    assert not vault.is_signature(b"other", signature)
    assert not Vault(MASTER, "other").is_signature(b"payload", signature)
    assert not is_signature(b"no key", b"payload", signature)
    assert not vault.is_signature(b"payload", b"")


def test_the_key_check_knows_key_and_format_version(tmp_path: Path) -> None:
    check = make_key_check(Vault(MASTER, "store"), version=1)
    verify_key_check(Vault(MASTER, "store"), check, version=1, key_file=tmp_path)
    for vault, version in ((Vault(MASTER, "store"), 2), (Vault(Secret(bytes(32)), "store"), 1)):
        with pytest.raises(StoreError, match="not the one of this store"):
            verify_key_check(vault, check, version=version, key_file=tmp_path)


def test_a_created_key_is_private_and_loads_again(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    key = create_master_key(home, "x")
    file = home.key_file("x")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert len(key) == 32
    assert load_master_key(home, "x") == key
    assert create_master_key(home, "x") == key  # never replaced


def named(tmp_path: Path, key: Path) -> JaneeHome:
    return JaneeHome.resolve({**environment(tmp_path), "JANEE_MASTER_KEY_FILE": str(key)})


def test_a_named_key_is_used_and_may_be_group_readable(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(base64.b64encode(MASTER.expose()) + b"\n")
    file.chmod(0o440)  # as service managers and orchestrators hand over credentials
    assert load_master_key(named(tmp_path, file), "x") == MASTER


@pytest.mark.parametrize(
    "content", [b"", b"short", b"AAAA", base64.b64encode(bytes(31)), base64.b64encode(bytes(33)), b"\xff" * 44]
)
def test_what_is_no_key_is_refused_without_quoting_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(StoreError) as caught:
        load_master_key(named(tmp_path, file), "x")
    assert caught.value.code == "MASTER_KEY_INVALID"
    assert caught.value.message == f"{file} is not base64 of 32 bytes"


def test_a_missing_key_is_never_made_up(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        load_master_key(make_home(tmp_path), "x")
    assert caught.value.code == "MASTER_KEY_MISSING"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620])
def test_a_key_that_others_reach_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key"
    file.write_bytes(base64.b64encode(os.urandom(32)))
    file.chmod(mode)
    with pytest.raises(StoreError) as caught:
        load_master_key(named(tmp_path, file), "x")
    assert caught.value.code == "MASTER_KEY_INVALID"


def test_a_key_inside_the_home_is_refused(tmp_path: Path) -> None:
    home = named(tmp_path, tmp_path / "home" / "key")
    for use in (create_master_key, load_master_key):
        with pytest.raises(StoreError) as caught:
            use(home, "x")
        assert caught.value.code == "MASTER_KEY_MISPLACED"
    assert not (tmp_path / "home").exists()
