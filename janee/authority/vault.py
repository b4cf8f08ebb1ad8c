"""The master key and what is done with it: encryption at rest, tags of agent tokens, signatures of checkpoints.

Guarantees: the key comes from outside the home directory and from a private file; each purpose has a derived key of its own; a
ciphertext opens only in its store, as the kind and under the name it was sealed for (AES-256-GCM with associated data).
It never writes the key anywhere but in `create_master_key`, and never stores a ciphertext: that is the store's.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from janee.config.file import sync_directory, write_new
from janee.config.home import JaneeHome, read_trusted_file
from janee.errors import ConfigError, StoreError
from janee.secret import Secret

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_MAX_KEY_FILE: Final = 1024


class Vault:
    """The keys of one store, derived from its master key (HKDF-Expand of RFC 5869, one block each)."""

    __slots__ = ("_box", "_egress", "_signer", "_store_id", "_tag_key")

    def __init__(self, master: Secret, store_id: str) -> None:
        def derive(purpose: str) -> bytes:
            return hmac.digest(master.expose(), f"janee-v1\0{purpose}\0{store_id}\x01".encode(), "sha256")

        self._store_id = store_id
        self._box = AESGCM(derive("at-rest"))
        self._tag_key = Secret(derive("agent-tokens"))
        self._egress = Secret(derive("egress"))
        self._signer = Ed25519PrivateKey.from_private_bytes(derive("checkpoints"))

    def seal(self, kind: str, *names: str, value: Secret) -> bytes:
        """Nonce and ciphertext of `value`, bound to kind and names."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._box.encrypt(nonce, value.expose(), self._associated(kind, names))

    def open(self, kind: str, *names: str, box: bytes) -> Secret:
        """The value sealed as `kind` under `names`. Raises StoreError DECRYPT_FAILED."""
        try:
            return Secret(self._box.decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], self._associated(kind, names)))
        except (InvalidTag, ValueError):
            raise StoreError(
                "DECRYPT_FAILED",
                f"the stored {kind} of {names[0] if names else 'this store'} cannot be decrypted: the database was changed",
                "check with: janee audit verify; then store it again",
            ) from None

    def _associated(self, kind: str, names: tuple[str, ...]) -> bytes:
        # JSON: two names can never be read as one
        return json.dumps(["janee-box-v1", self._store_id, kind, *names]).encode()

    def tag(self, *parts: bytes) -> bytes:
        """A keyed tag (HMAC-SHA-256) over the parts: who lacks the master key can neither make nor move one."""
        message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._tag_key.expose(), message, "sha256")

    def egress_secret(self, purpose: str, grant_id: str, name: str = "") -> Secret:
        """32 bytes for one grant's egress: derived, so that nothing is stored and all Authorities of a store agree."""
        message = json.dumps(["janee-egress-v1", purpose, grant_id, name]).encode()
        return Secret(hmac.digest(self._egress.expose(), message, "sha256"))

    def sign(self, payload: bytes) -> bytes:
        return self._signer.sign(payload)

    @property
    def public_key(self) -> bytes:
        """The raw Ed25519 key that checkpoints verify with; not secret."""
        return self._signer.public_key().public_bytes_raw()

    def is_signature(self, payload: bytes, signature: bytes) -> bool:
        return is_signature(self.public_key, payload, signature)


def is_signature(public_key: bytes, payload: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, payload)
    except (InvalidSignature, ValueError):
        return False
    return True


def make_key_check(vault: Vault, *, version: int) -> bytes:
    """Something that only this key opens, and only for this version of the database's format (a downgrade is noticed)."""
    return vault.seal("key check", str(version), value=Secret(b"janee"))


def verify_key_check(vault: Vault, box: bytes, *, version: int, key_file: Path) -> None:
    """Return None if `box` was made by `make_key_check` with this key and version. Raises StoreError MASTER_KEY_WRONG."""
    try:
        vault.open("key check", str(version), box=box)
    except StoreError:
        hint = "name the right one with JANEE_MASTER_KEY_FILE"
        raise StoreError("MASTER_KEY_WRONG", f"the master key in {key_file} is not the one of this store", hint) from None


def load_master_key(home: JaneeHome, store_id: str) -> Secret:
    """The master key of a store: base64 of 32 bytes in a private file outside the home.

    Raises StoreError MASTER_KEY_MISSING, MASTER_KEY_MISPLACED, MASTER_KEY_INVALID.
    """
    path = home.key_file(store_id)
    _verify_place(home, store_id)
    try:
        # A key handed over by a service manager belongs to root and may be group-readable; one of our own making is 0600.
        opened = read_trusted_file(path, limit=_MAX_KEY_FILE, private=home.key_override is None)
        if opened.mode & 0o007:
            raise StoreError("MASTER_KEY_INVALID", f"{path} can be read by others", f"chmod 600 {path}")
    except FileNotFoundError:
        raise StoreError(
            "MASTER_KEY_MISSING",
            f"the master key of this store is not at {path}",
            "restore the file, or name it with JANEE_MASTER_KEY_FILE; without it the stored secrets cannot be read",
        ) from None
    except ConfigError as error:
        raise StoreError("MASTER_KEY_INVALID", error.message, error.hint) from None
    return _parse_key(opened.content, path)


def _parse_key(content: bytes, path: Path) -> Secret:
    try:
        key = base64.b64decode(content.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise StoreError(
            "MASTER_KEY_INVALID", f"{path} is not base64 of {KEY_BYTES} bytes", "make one: openssl rand -base64 32"
        )
    return Secret(key)


def create_master_key(home: JaneeHome, store_id: str) -> Secret:
    """Make the master key of a new store, or take the one that JANEE_MASTER_KEY_FILE names if it is there already."""
    _verify_place(home, store_id)
    path = home.key_file(store_id)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_new(path, base64.b64encode(os.urandom(KEY_BYTES)) + b"\n", 0o600)
        sync_directory(path.parent)
    except FileExistsError:
        pass
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise StoreError(
            "MASTER_KEY_MISSING", f"cannot make {path}: {reason}", "name another place with JANEE_MASTER_KEY_FILE"
        ) from None
    return load_master_key(home, store_id)


def _verify_place(home: JaneeHome, store_id: str) -> None:
    if home.key_lies_inside(store_id):
        raise StoreError(
            "MASTER_KEY_MISPLACED",
            f"the master key would lie inside {home.path}, beside what it encrypts",
            "set JANEE_MASTER_KEY_FILE or XDG_DATA_HOME to a place outside the home",
        )
