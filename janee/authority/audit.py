"""The audit log as values: records, the hash chain, signed checkpoints, verification. Pure.

A record is canonical JSON (sorted keys, ASCII, no blanks) with `seq`, `time`, `event`, `prev` and the event's own fields; its
hash is SHA-256 over those bytes, and the next record's `prev` is that hash. The first record's `prev` names the store. Every
record whose `seq` is a multiple of CHECKPOINT_EVERY is an `audit.checkpoint`: an Ed25519 signature over store, seq and hash of
the record before it. The `Anchor` (last seq and hash, kept outside the database) finds a cut-off tail and an older copy.

Guarantees: a changed, removed, reordered, inserted or truncated record is found, and named by its seq.
It never reads or writes a file: `janee.authority.store` does.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

CHECKPOINT_EVERY: Final = 128
CHECKPOINT: Final = "audit.checkpoint"
MAX_STRING: Final = 16_384  # characters of one string in a record
MAX_ITEMS: Final = 512  # entries of one list or mapping in a record
MAX_RECORD_BYTES: Final = 262_144
RESERVED: Final = frozenset({"seq", "time", "event", "prev", "hash"})

_EVENT: Final = re.compile(r"[a-z]+(\.[a-z_]+)+")
_ENCODER: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


class Sealed(NamedTuple):
    """A record as stored: its canonical bytes and their hash (hex). tag: what binds it to the store's master key."""

    seq: int
    text: str
    hash: str
    tag: object = b""


@dataclass(frozen=True, slots=True)
class Anchor:
    """How far a log had come when it was last written. state: the same of the other tables: the number of their changes."""

    store_id: str
    seq: int
    hash: str
    state: int = 0


def canonical(value: Mapping[str, Any]) -> str:
    """JSON with sorted keys, ASCII only, without blanks: one text for one value."""
    return _ENCODER.encode(value)


def genesis(store_id: str) -> str:
    """The `prev` of the first record of a store."""
    return hashlib.sha256(b"janee-audit-v1\0" + store_id.encode()).hexdigest()


def format_time(now: float) -> str:
    """RFC 3339, UTC, microseconds."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seal_record(seq: int, now: float, event: str, fields: Mapping[str, Any], prev: str) -> Sealed:
    """Make one record. Fields that are None are left out; over-long ones are cut and say so.

    Raises ValueError for a reserved field or a malformed event name, TypeError for what JSON has no form for (a Secret).
    """
    if not _EVENT.fullmatch(event) or not RESERVED.isdisjoint(fields):
        raise ValueError(f"not an audit event: {event!r} with {sorted(fields)}")
    cutter = _Cutter()
    record: dict[str, Any] = {
        name: _cut_text(value, MAX_STRING) if isinstance(value, str) else cutter.cut(value)
        for name, value in fields.items()
        if value is not None
    }
    record |= {"seq": seq, "time": format_time(now), "event": event, "prev": prev}
    text = canonical(record)
    if len(text) > MAX_RECORD_BYTES:
        digest = hashlib.sha256(text.encode()).hexdigest()
        short = {name: value for name, value in record.items() if isinstance(value, (str, int)) and len(str(value)) <= 512}
        text = canonical(short | {"cut": {"bytes": len(text), "sha256": digest}})
    return Sealed(seq, text, hash_text(text))


def hash_text(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class _Cutter:
    """Cuts over-long lists and mappings; `left`: how many characters all of them together may still take."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_RECORD_BYTES

    def cut(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, (list, tuple)):
            items = [self.cut(item) for item in value[:MAX_ITEMS]]
            return items if len(value) <= MAX_ITEMS else [*items, f"… [{len(value)} entries, sha256:{_digest_of(value)}]"]
        if isinstance(value, Mapping):
            return {self._text(str(name)): self.cut(item) for name, item in list(value.items())[:MAX_ITEMS]}
        return value

    def _text(self, value: str) -> str:
        result = _cut_text(value, min(MAX_STRING, max(self.left, 0)))
        self.left -= len(result)
        return result


def _cut_text(value: str, limit: int) -> str:
    if len(value) <= limit:
        return value
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{value[:limit]}… [{len(value)} characters, sha256:{digest}]"


def _digest_of(values: Iterable[Any]) -> str:
    return hashlib.sha256("\0".join(str(value) for value in values).encode("utf-8", "surrogatepass")).hexdigest()


def is_checkpoint_seq(seq: int) -> bool:
    return seq % CHECKPOINT_EVERY == 0


def checkpoint_payload(store_id: str, seq: int, record_hash: str) -> bytes:
    """What a checkpoint signs: everything up to and including record `seq`."""
    return f"janee-checkpoint-v1\0{store_id}\0{seq}\0{record_hash}".encode()


def checkpoint_fields(store_id: str, seq: int, record_hash: str, sign: Callable[[bytes], bytes]) -> dict[str, Any]:
    signature = base64.b64encode(sign(checkpoint_payload(store_id, seq, record_hash))).decode()
    return {"signedSeq": seq, "signedHash": record_hash, "signature": signature}


# --- verification -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing wrong. seq: the record, 0 if none can be named."""

    seq: int
    problem: str


@dataclass(frozen=True, slots=True)
class Report:
    records: int
    checkpoints: int
    head_seq: int
    head_hash: str
    finding: Finding | None

    @property
    def is_intact(self) -> bool:
        return self.finding is None


class Corrupt(NamedTuple):
    """A row that does not even have the form of a record."""

    seq: int
    problem: str


VerifySignature = Callable[[bytes, bytes], bool]  # (payload, signature)
VerifyTag = Callable[[Sealed], bool]


class _Chain:
    """The state of a walk along the chain."""

    def __init__(
        self,
        store_id: str,
        verify_signature: VerifySignature | None,
        anchor: Anchor | None,
        verify_tag: VerifyTag | None,
    ) -> None:
        self.store_id = store_id
        self.verify_signature = verify_signature
        self.verify_tag = verify_tag
        self.anchor = anchor
        self.seq = 0
        self.hash = genesis(store_id)
        self.checkpoints = 0

    def step(self, row: Sealed | Corrupt) -> str | None:
        """Take one record; what is wrong with it, or None."""
        if isinstance(row, Corrupt):
            return row.problem
        if row.seq != self.seq + 1:
            missing = f"{self.seq + 1}" if row.seq == self.seq + 2 else f"{self.seq + 1} to {row.seq - 1}"
            return (
                f"record {missing} is missing"
                if row.seq > self.seq
                else f"comes after record {self.seq}: the order was changed"
            )
        if hash_text(row.text) != row.hash:
            return "its content does not fit its hash: it was changed"
        record = _parse(row.text)
        if record is None or record.get("seq") != row.seq:
            return "is not a record in canonical form"
        if record.get("prev") != self.hash:
            return f"does not follow record {self.seq}: one of the two was replaced"
        if problem := self._check_signature(record):
            return problem
        self.seq, self.hash = row.seq, row.hash
        if self.anchor is not None and row.seq == self.anchor.seq and row.hash != self.anchor.hash:
            return "is not the record that the anchor outside the database remembers: the log was rewritten or rolled back"
        if self.verify_tag is not None and not self.verify_tag(row):
            return "was not written by Janee: it was forged, with a hash that fits"
        return None

    def _check_signature(self, record: dict[str, Any]) -> str | None:
        seq = self.seq + 1
        if record.get("event") != CHECKPOINT:
            return "should be a signed checkpoint and is not" if is_checkpoint_seq(seq) else None
        self.checkpoints += 1
        if record.get("signedSeq") != self.seq or record.get("signedHash") != self.hash:
            return "the checkpoint signs another record"
        if self.verify_signature is None:
            return None
        try:
            signature = base64.b64decode(str(record.get("signature", "")), validate=True)
        except ValueError:
            signature = b""
        if not self.verify_signature(checkpoint_payload(self.store_id, self.seq, self.hash), signature):
            return "the checkpoint's signature is not ours: everything before it may have been rewritten"
        return None


def _parse(text: str) -> dict[str, Any] | None:
    try:
        record = json.loads(text)
        return record if isinstance(record, dict) and canonical(record) == text else None
    except (ValueError, RecursionError):
        return None


def verify_log(
    rows: Iterable[Sealed | Corrupt],
    *,
    store_id: str,
    verify_signature: VerifySignature | None,
    anchor: Anchor | None,
    verify_tag: VerifyTag | None = None,
) -> Report:
    """Walk the whole log; the report names the first record at fault.

    verify_signature: None when the master key is not at hand: then checkpoints' signatures are not checked (the chain is).
    anchor: None when there is none; then a cut-off tail cannot be found. verify_tag: None for an export, which has no tags.
    """
    chain = _Chain(store_id, verify_signature, anchor, verify_tag)
    count = 0
    for row in rows:
        count += 1
        if problem := chain.step(row):
            return Report(count, chain.checkpoints, chain.seq, chain.hash, Finding(row.seq, problem))
    return Report(count, chain.checkpoints, chain.seq, chain.hash, _end_finding(chain))


def _end_finding(chain: _Chain) -> Finding | None:
    anchor = chain.anchor
    if anchor is None or anchor.seq <= chain.seq:
        return None
    return Finding(
        chain.seq + 1,
        f"the log ends at {chain.seq}, but had come to {anchor.seq}: its end was cut off, or an older copy put in place",
    )
