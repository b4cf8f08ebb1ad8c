"""SQL in arguments: what it needs, read from its words alone.

Guarantees: text in which a statement could run a program, touch files of the server or the client, or load code is refused;
words in strings and comments count too (better a harmless line denied than a harmful one missed). It is no SQL parser: what a
statement may do in the database is for the database's own roles; hardening offers read-only transactions.
"""

from __future__ import annotations

import re
from typing import Final

from janee.profiles import Preset

MAX_SQL: Final = 12 << 10  # characters; what is longer belongs into a file that people can read

_DENIED: Final = re.compile(
    r"""(?ix)
      (?:^|[\n;])[^\S\n]*(?:\\|\.(?:shell|system|import|output|once|open|read|load|backup|restore|save|excel|log|archive|dump|clone|cd)\b)
    | \bpg_(?:read|ls|write|promote|switch|logdir|replication_(?:origin|slot_a)|logical)_?\w+ | \bpg_(?:promote|stat_file)\b
    | \bpg_(?:create|drop|copy|sync)_\w*(?:slot|restore_point)\w* | \bpg_(?:export_snapshot|switch_(?:wal|xlog))\b
    | \bpg_(?:reload_conf|rotate_logfile|file_\w+|hba_\w+|execute_\w+|shadow|authid|user_mapping\w*)\b
    | \blo_(?:import|export|from_bytea|put)\b | \bdblink\w* | \bpostgres_fdw\b | \bfile_fdw\b | \badminpack\b
    | \binto\s+(?:out|dump)file\b | \bload_file\b | \bload\s+(?:data|xml)\b | \bsys_(?:exec|eval)\b | \bxp_\w+ | \bsp_oa\w+
    | \bload_extension\b | \b(?:read|write)file\b
    | \battach\s+(?!partition\b)
    | \bcreate\s+(?:or\s+replace\s+)?(?:trusted\s+)?(?:language|server|subscription|foreign|user\s+mapping|event\s+trigger)\b
    | \bcreate\s+extension\s++(?:if\s+not\s+exists\s++)?+
        (?!"?(?:pgcrypto|uuid-ossp|citext|pg_trgm|hstore|btree_gi[ns]t?|unaccent|vector|
        ltree|fuzzystrmatch|intarray|cube|earthdistance|pg_stat_statements)"?\s*(?:;|$|with\s+schema\s))
    | \bimport\s+foreign\b |
        \balter\s+(?:server|subscription|foreign|extension|user\s+mapping|event\s+trigger|language|operator)\b
    | \bcreate\s+(?:operator|cast|access|transform|conversion)\b
    | \b(?:insert\s+into|update|delete\s+from)\s+(?:pg_catalog\s*\.\s*)?"?pg_
    | \bsoname\b | \binstall\s+(?:plugin|component)\b
    | \bset\s+(?:global|persist)\b | \balter\s+system\b
    | \b(?:query|cursor|database|schema)_to_xml\w* | \bts_(?:stat|rewrite)\b | \bsource\s
    | \b(?:session|local|shared)_preload_libraries\b | \bdynamic_library_path\b | \bprimary_conninfo\b
    | \b(?:archive|restore|recovery_end|archive_cleanup|ssl_passphrase)_command\b
    """
)
_COPIES: Final = re.compile(r"(?i)\bcopy\b")
_COPIED: Final = re.compile(r"(?i)\bprogram\b|\b(?:from|to)\s+['e$]")
_COMPOSED: Final = re.compile(r"(?i)\bexecute\b(?!\s+(?:function|procedure)\b)")
_PARTS: Final = re.compile(r"(?i)\|\||\b(?:chr|concat|concat_ws|format|convert_from|decode|replace|reverse)\s*\(")
_READS: Final = re.compile(r"(?is)\s*(?:select|show|explain|describe|desc|values|table|with)\b")
_CHANGES: Final = re.compile(
    r"(?i)\b(?:insert|update|delete|merge|replace|create|call|do|into|begin|commit|lock|vacuum|analyze|refresh|upsert|truncate|"
    r"comment|reindex|cluster|set|nextval|setval|execute|prepare|import|optimize)\b"
)
_ADMIN: Final = re.compile(
    r"(?i)\b(?:drop|truncate|grant|revoke|reassign|alter\s+(?:role|user|database|instance)|create\s+(?:role|user|database|rule)|copy|"
    r"shutdown|kill|pg_terminate_backend|pg_cancel_backend|set\s+(?:local\s+)?(?:role|session\s+authorization|password)|handler|reset|flush|"
    r"security\s+(?:label|definer)|row\s+level\s+security|(?:disable|replica)\s+(?:trigger|rule)|owner\s+to|rename\s+user|lock\s+instance|pg_sleep\w*|(?:sleep|benchmark)(?=\s*\())\b"
)
# Every row of a table: no condition, or one that always holds.
_MASS: Final = re.compile(r"(?i)\bdelete\s+from\b|\bupdate\s+(?:only\s+)?[\w.\"`]+\s+(?:as\s+\w+\s+|(?!set\b)\w+\s+)?set\b")
_CONDITION: Final = re.compile(
    r"(?i)\bwhere\b(?!\s*\(?\s*(?:true\b|not\s+false\b|(\d+)\s*(?:=\s*\1)?\s*\)?\s*(?:$|returning\b|limit\b|or\b)|'(\w*)'\s*=\s*'\2'))"
)

# Comments that are comments in every dialect, and hold nothing that another reader could take for the end of a text.
_BLOCK: Final = re.compile(r"(?<!\S)/\*(?!!)[^*'\"`$;\\]*\*/(?!\S)")
_LINE: Final = re.compile(r"(?:--|#)[^\n'\"`$\\]*(?=\n)")
_DASHES: Final = re.compile(r"--[^\n]*['\"`$\\][^\n]*\n\s*\S")


def sql_readings(text: str) -> tuple[str, ...] | str:
    """The text as it stands and without its comments, in which no keyword may be torn apart; or why it is refused."""
    if len(text) > MAX_SQL:
        return f"has more than {MAX_SQL} characters"
    bare = _BLOCK.sub(" ", text) if "/*" in text else text
    if "/*" in bare:
        return "is denied: a comment beside a word, in which a keyword could hide"
    if "\n" not in bare:
        return (text,) if bare is text else (text, bare)
    plain = _LINE.sub(" ", bare)
    if _DASHES.search(plain):
        return "is denied: a comment with quotes and lines behind it, in which a keyword could hide"
    return tuple(dict.fromkeys((text, bare, plain)))


def sql_preset(text: str) -> Preset | str:
    """The preset that a text of statements needs, or why it is refused."""
    readings = sql_readings(text)
    if isinstance(readings, str):
        return readings
    needed = Preset.READ
    for reading in readings:
        found = _preset_of(reading)
        if isinstance(found, str):
            return found
        needed = max(needed, found)
    return needed


def _preset_of(text: str) -> Preset | str:
    if _DENIED.search(text) or (_COPIES.search(text) and _COPIED.search(text)):
        return "is denied: it could run a program, or read or write files"
    if _COMPOSED.search(text) and _PARTS.search(text):
        return "is denied: statements put together, which cannot be read here"
    statements = [part for part in text.split(";") if part.strip()]
    if _ADMIN.search(text) or any(map(_is_mass, statements)):
        return Preset.ADMIN
    if all(_READS.match(part) for part in statements) and not _CHANGES.search(text):
        return Preset.READ
    return Preset.WRITE


def _is_mass(statement: str) -> bool:
    """Whether it changes or deletes more often than it states a condition (also of another part: a floor, no proof)."""
    changes = sum(1 for _ in _MASS.finditer(statement))
    return changes > 0 and sum(1 for _ in _CONDITION.finditer(statement)) < changes
