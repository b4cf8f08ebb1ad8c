"""The gate: which requests come from a Runner that we know.

Guarantees: a request passes once, within the allowed clock skew, and only with a signature over exactly its method, path,
query and body by a key that is known and not revoked. A nonce is remembered only after the signature held, so strangers
cannot fill the store. Failures are audited, at most a few a minute, with the number left out. It never sees the key of a
signed request: only an original Runner sends it (`x-janee-runner-key`), which is taken only where the operator allowed
plaintext grants.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from janee.authority.store import Store, StoredRunnerKey
from janee.errors import JaneeError, ProtocolError, StoreError
from janee.protocol import ErrorCode
from janee.seal import (
    DEFAULT_KEY_NAME,
    MAX_CLOCK_SKEW_S,
    RunnerKey,
    Signature,
    SignedParts,
    read_signature,
    stretch_key,
    verify_request,
)
from janee.secret import Secret

_ORIGINAL_HEADER: Final = "x-janee-runner-key"
_FAILURES_PER_MINUTE: Final = 10


@dataclass(frozen=True, slots=True)
class Opened:
    """A request from a known Runner. failure: why it does not count all the same (the answer can be signed).

    signature: None for an original Runner, which neither signs nor checks answers.
    """

    key: RunnerKey
    agents: tuple[str, ...]
    signature: Signature | None
    failure: JaneeError | None = None


@dataclass(frozen=True, slots=True)
class OriginalKey:
    """The key that original Runners may send in clear: its digest, and what the store keeps of it."""

    digest: bytes
    stretched: RunnerKey


class Gate:
    """Checks every request.

    original_key: good as long as the store has the same one. own_key: a key with its agent patterns that this
    process alone knows, besides the stored ones.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        *,
        original_key: OriginalKey | None = None,
        own_key: tuple[RunnerKey, tuple[str, ...]] | None = None,
    ) -> None:
        self._store = store
        self._own = None if own_key is None else StoredRunnerKey(own_key[0], own_key[1], clock(), None)
        self._clock = clock
        self._original_key = original_key
        self._failures = _FailureLog(store, clock)

    def open(self, method: str, path: bytes, query: bytes, headers: Mapping[str, str], body: bytes) -> Opened:
        """Check one request. Raises ProtocolError KEY_UNKNOWN, SIGNATURE_INVALID, CLOCK_SKEW; StoreError."""
        try:
            opened = self._open(method, path, query, headers, body)
        except ProtocolError as error:
            self._failures.note(error.code, None)
            raise
        if isinstance(opened.failure, ProtocolError):  # a store that fails cannot take this record either
            self._failures.note(opened.failure.code, opened.key.name)
        return opened

    def knows(self, name: str) -> bool:
        """Whether a runner key is known and not revoked, now. Raises StoreError."""
        stored = self._key(name)
        return stored is not None and not stored.is_revoked

    def note_failure(self, code: str) -> None:
        """Audit, within bounds, that somebody without a right knocked."""
        self._failures.note(code, None)

    def _open(self, method: str, path: bytes, query: bytes, headers: Mapping[str, str], body: bytes) -> Opened:
        if self._original_key is not None and _ORIGINAL_HEADER in headers and "signature" not in headers:
            return self._original(headers[_ORIGINAL_HEADER])
        signature = read_signature(headers)
        stored = self._key(signature.key_name)
        if stored is None:
            raise _unknown(signature.key_name)
        parts = SignedParts(method, path.decode("latin-1"), query.decode("latin-1"), body)
        now = self._clock()
        try:
            verify_request(stored.key, signature, parts, headers, now=now)
        except ProtocolError as error:
            if error.code != ErrorCode.CLOCK_SKEW:
                raise
            return _failed(stored, signature, error)
        # A nonce outlives every clock that could still accept its request.
        forgotten_at = signature.created + 2 * MAX_CLOCK_SKEW_S + 1
        try:
            fresh = self._store.use_nonce(signature.key_name, signature.nonce, expires_at=forgotten_at, now=now)
        except StoreError as error:  # the Runner is known, so it gets an answer that it can believe
            return _failed(stored, signature, error)
        if not fresh:
            problem = ProtocolError(ErrorCode.REPLAYED, "this request was seen before", "sign each request anew")
            return _failed(stored, signature, problem)
        if stored.is_revoked:
            return _failed(stored, signature, _revoked(signature.key_name))
        return Opened(stored.key, stored.agents, signature)

    def _key(self, name: str) -> StoredRunnerKey | None:
        return self._own if self._own is not None and self._own.key.name == name else self._store.runner_key(name)

    def _original(self, sent: str) -> Opened:
        original = self._original_key
        digest = hashlib.sha256(sent.encode("latin-1", "replace")).digest()
        if original is None or not hmac.compare_digest(digest, original.digest):
            raise _unknown(DEFAULT_KEY_NAME)
        name = original.stretched.name
        stored = self._store.runner_key(name)
        if stored is None or stored.key.mac_key != original.stretched.mac_key:  # replaced since we were started
            raise _unknown(name)
        if stored.is_revoked:
            raise _revoked(name)
        return Opened(stored.key, stored.agents, None)


def original_key(api_key: Secret) -> OriginalKey:
    return OriginalKey(hashlib.sha256(api_key.expose()).digest(), stretch_key(api_key))


def _failed(stored: StoredRunnerKey, signature: Signature, failure: JaneeError) -> Opened:
    return Opened(stored.key, (), signature, failure)


def _unknown(name: str) -> ProtocolError:
    return ProtocolError(ErrorCode.KEY_UNKNOWN, f"no runner key is named {name}", f"make one: janee runner add {name}")


def _revoked(name: str) -> ProtocolError:
    return ProtocolError(ErrorCode.KEY_UNKNOWN, f"the runner key {name} is revoked", f"make a new one: janee runner add {name}")


class _FailureLog:
    """Audits failures, but no more than strangers may cost us disk: a handful a minute, then a count."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._minute = 0
        self._written = 0
        self._left_out = 0

    def note(self, code: str, runner: str | None) -> None:
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute, self._written = minute, 0
        if self._written >= _FAILURES_PER_MINUTE:
            self._left_out += 1
            return
        self._written += 1
        try:
            with self._store.transaction() as tx:
                tx.audit("auth.failed", code=str(code), runner=runner, leftOut=self._left_out or None)
            self._left_out = 0
        except StoreError:
            self._left_out += 1  # the request is refused in any case
