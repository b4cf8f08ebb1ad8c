"""SQL in arguments: what it needs, read from its words alone.

Guarantees: text in which a statement could run a program, touch files of the server or the client, or load code is refused;
words in strings and comments count too (better a harmless line denied than a harmful one missed). It is no SQL parser: what a
statement may do in the database is for the database's own roles; hardening offers read-only transactions.
"""

from __future__ import annotations

import re
from typing import Final

from janee.profiles import Preset

_DENIED: Final = re.compile(
    r"""(?ix)
      (?:^|[\n;])[^\S\n]*(?:\\|\.(?:shell|system|import|output|once|open|read|load|backup|restore|save|excel|log|archive|dump|clone|cd)\b)
    | \bprogram\b
    | \bpg_(?:read|ls|write)_\w+ | \bpg_stat_file\b
    | \bpg_(?:reload_conf|rotate_logfile|file_\w+|hba_\w+|execute_\w+|shadow|authid|user_mapping\w*)\b
    | \blo_(?:import|export|from_bytea|put)\b | \bdblink\w* | \bpostgres_fdw\b | \bfile_fdw\b | \badminpack\b
    | \binto\s+(?:out|dump)file\b | \bload_file\b | \bload\s+(?:data|xml)\b | \bsys_(?:exec|eval)\b | \bxp_\w+ | \bsp_oa\w+
    | \bload_extension\b | \b(?:read|write)file\b
    | \battach\b
    | \bcreate\s+(?:or\s+replace\s+)?(?:trusted\s+)?
        (?:language|extension|server|subscription|foreign|user\s+mapping|event\s+trigger)\b
    | \bsoname\b | \binstall\s+(?:plugin|component)\b
    | \bset\s+(?:global|persist)\b | \balter\s+system\b
    | \bcopy\b[^;]{0,300}\b(?:from|to)\s+['e$] | \bquery_to_xml\b | \bsource\s
    """
)
_READS: Final = re.compile(r"(?is)\s*(?:select|show|explain|describe|desc|values|table|with)\b")
_CHANGES: Final = re.compile(
    r"(?i)\b(?:insert|update|delete|merge|replace|create|call|do|into|begin|commit|lock|vacuum|analyze|refresh|upsert|truncate|"
    r"comment|reindex|cluster|set|nextval|setval|execute|prepare|import|optimize)\b"
)
_ADMIN: Final = re.compile(
    r"(?i)\b(?:drop|truncate|grant|revoke|reassign|alter\s+(?:role|user|database)|create\s+(?:role|user|database)|copy|shutdown|kill|"
    r"pg_terminate_backend|pg_cancel_backend|delete\s+from\s+[\w.\"`]*\w(?=[\"`]?\s*(?:;|$))|set\s+(?:role|session|password)|handler|reset|flush)\b"
)


def sql_preset(text: str) -> Preset | str:
    """The preset that a text of statements needs, or why it is refused."""
    if _DENIED.search(text):
        return "is denied: it could run a program, or read or write files"
    if _ADMIN.search(text):
        return Preset.ADMIN
    statements = [part for part in text.split(";") if part.strip()]
    if all(_READS.match(part) for part in statements) and not _CHANGES.search(text):
        return Preset.READ
    return Preset.WRITE
