"""The audit log as a file that others can verify: JSON lines, a header first.

Guarantees: what verifies in the store verifies in its export, and the other way round: record lines are the canonical bytes
with the hash added, and the header, which says how far the log goes, is signed. An export never holds a key but the public one.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from janee.authority.audit import Anchor, Corrupt, Finding, Report, Sealed, canonical, checkpoint_payload, verify_log
from janee.authority.reading import as_record, open_for_reading, rows_after
from janee.config.home import JaneeHome
from janee.errors import UsageError

if TYPE_CHECKING:
    from janee.authority.store import Store

FORMAT: Final = "janee-audit-v1"
MAX_LINE: Final = 1 << 20


def export_lines(home: JaneeHome, store: Store) -> Iterator[str]:
    """The lines of an export of the home's store. Raises StoreError."""
    with open_for_reading(home) as connection:
        connection.execute("BEGIN")
        seq, digest = connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone() or (0, "")
        yield canonical(
            {
                "format": FORMAT,
                "store": store.store_id,
                "publicKey": base64.b64encode(store.public_key).decode(),
                "lastSeq": seq,
                "lastHash": digest,
                "signature": base64.b64encode(store.sign_head(seq, digest)).decode(),
            }
        )
        for row in rows_after(connection, 0):
            yield canonical(as_record(row))


def verify_export(lines: Iterable[bytes], public_key: str | None) -> Report:
    """Verify an export.

    public_key: base64; None: the header's own, which shows that the file is consistent, not whose it is.
    Raises UsageError for what is no export.
    """
    from janee.authority.vault import is_signature

    source = iter(lines)
    header = _object(next(source, b""))
    if header is None or header.get("format") != FORMAT:
        raise UsageError("USAGE", "the file is not an export of the audit log", "make one: janee audit export -o FILE")
    key = _base64(public_key or str(header.get("publicKey", "")))
    head = Anchor(str(header.get("store")), _number(header.get("lastSeq")), str(header.get("lastHash")))
    if not is_signature(key, checkpoint_payload(head.store_id, head.seq, head.hash), _base64(str(header.get("signature", "")))):
        return Report(0, 0, 0, "", Finding(0, "the export's header is not signed by this key"))
    return verify_log(
        (_row(line, at) for at, line in enumerate(source, 1)),
        store_id=head.store_id,
        verify_signature=lambda payload, signature: is_signature(key, payload, signature),
        anchor=head,
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else -1


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""  # verifies nothing


def _row(line: bytes, at: int) -> Sealed | Corrupt:
    record = _object(line)
    if record is None or not isinstance(record.get("seq"), int) or not isinstance(record.get("hash"), str):
        return Corrupt(at, "is not a record")
    digest = record.pop("hash")
    return Sealed(record["seq"], canonical(record), digest)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line) if len(line) <= MAX_LINE else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
