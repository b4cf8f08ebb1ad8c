r"""psql: statements given with `-c`, on the service's host.

Denied throughout: backslash commands but those that list or describe (`\!`, `\o |…`, `\i`, `\copy … program` run programs or
touch files), sessions on standard input (they take every backslash command), pipes, other hosts, files of services and keys, and
statements that reach the server's files and programs. `--file` needs admin: what the file says cannot be read here, and `\!` in it runs a
program. Facts: psql(1), libpq's connection strings, 15 to 17.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import GNU
from janee.profiles.types import BUILT_IN, either, listed, matching, ordinary, parts, port, without

GRAMMAR: Final = r"""
[] read
-c --command STATEMENT
-d --dbname TARGET
-f --file PATH @admin
-l --list
-v --set --variable VARIABLE
-V --version
-X --no-psqlrc
-1 --single-transaction
-? --help[={options|commands|variables}]
-a --echo-all
-b --echo-errors
-e --echo-queries
-E --echo-hidden
-L --log-file PATH @write
-n --no-readline
-o --output PATH @write
-q --quiet
-s --single-step ! waits for a person
-S --single-line
-A --no-align
--csv
-F --field-separator TEXT
-H --html
-P --pset PRINTING
-R --record-separator TEXT
-t --tuples-only
-T --table-attr TEXT
-x --expanded
-z --field-separator-zero
-0 --record-separator-zero
-h --host HOST+
-p --port PORT
-U --username NAME
-w --no-password
-W --password ! waits for a person
args: [TARGET] [NAME]
needs: -c --command -l --list -V --version -? --help -f --file
"""

_SQL: Final = without(
    BUILT_IN["SQL"],
    (
        r"\\(?:!|copy|g(?:exec|set|x)?|o(?:ut)?|w(?:rite)?|ir?|include(?:_relative)?|e[fv]?|setenv|c(?:onnect|d)?|s|watch)(?=\s|$|\|)",
        "a backslash command",
    ),
    (r"\\!", "it runs a program"),
    (r"\bu&\s*[\"']", "an escaped name, which cannot be read here"),
    (r"\blanguage\s+['\"]?(?:c|internal|plpython\w*|plperlu?|plsh|pltclu?|pljavau?|plv8)\b", "it runs a program on the server"),
    (r"^\s*do\b|;\s*do\s+[$'le]", "it runs statements that cannot be read here"),
    (
        r"\bpg_(?:read|stat|ls)\w*file\w*|\bpg_ls_\w+|\bpg_current_logfile|\blo_\w+port\b|\bset\s+local_preload|\bload\s+'",
        "files of the server",
    ),
    (r"\bpg_(?:shadow|authid|user_mapping)|\brolpassword\b|\bpasswd\b", "it shows passwords"),
    (r"\bset_config\s*\(\s*(?!'(?:app\.|search_path|statement_timeout|timezone))", "reconfigures the session"),
    (r"\bcreate\s+(?:publication|tablespace|access\s+method|transform)\b", "it reaches other places"),
)
_FILE: Final = without(ordinary(BUILT_IN["PATH"]), (r"^program$", "it runs a program"))
_SETTING: Final = (
    r"(?:sslmode=(?:require|verify-ca|verify-full)|connect_timeout=\d{1,4}|application_name=[\w.-]+|channel_binding=require|"
    r"target_session_attrs=[a-z-]+|client_encoding=[\w-]+)"
)
_URL: Final = parts(
    r"postgres(?:ql)?://(?:[\w.-]+@)?([A-Za-z0-9.-]+)(?::(\d{1,5}))?(?:/[\w.-]*)?(?:\?" + _SETTING + "(?:&" + _SETTING + ")*)?",
    "a database of the service, without a password",
    BUILT_IN["HOST"],
    port(5432),
)
_PAIR: Final = parts(
    r"(?:host=([A-Za-z0-9.-]+)|port=(\d{1,5})|dbname=[\w.-]+|user=[\w.@-]+|" + _SETTING + ")",
    "a plain setting (host, port, dbname, user, sslmode, …)",
    BUILT_IN["HOST"],
    port(5432),
)

PROFILE: Final = Profile(
    tool="psql",
    about="statements for PostgreSQL",
    syntax=GNU,
    grammar=GRAMMAR,
    types={
        "PORT": port(5432),
        "STATEMENT": either(
            # What lists or describes; no argument of it can hold a back quote, a pipe or a second command.
            matching(
                r"\s*\\(?:d[A-Za-z]{0,4}[S+]{0,2}|l\+?|x|timing|conninfo|encoding|z|sf\+?|sv\+?|h|\?)(?:\s+(?!\|)[\w.*\"?$()|,-]{1,200}){0,3}\s*;?",
                r"a backslash command that lists or describes",
            ),
            without(
                parts(
                    r"(?i)\s*\\copy\s+(?:\(([^`\\]{1,3000})\)|[\w.\"]{1,200}(?:\s*\([\w\", ]{1,1000}\))?)\s+(?:to|from)\s+"
                    r"(?:p?stdout|p?stdin|'([^'`\\|]{1,400})'|([\w./-]{1,400}))(?:\s+[\w ,'()|;\"-]{1,200})?\s*;?",
                    r"\copy to or from a file in the workspace",
                    _SQL,
                    _FILE,
                    _FILE,
                ),
                (r"\bprogram\b", "it runs a program"),
            ),
            parts(
                r"(?is)\s*copy\s+(?:\(([^;`\\]{1,3000})\)|[\w.\"]{1,200}(?:\s*\([\w\", ]{1,1000}\))?)\s+to\s+stdout(?:\s+[\w ,'()|\"-]{1,200})?\s*;?\s*",
                "COPY … TO STDOUT",
                _SQL,
            ),
            _SQL,
        ),
        "TARGET": either(
            matching(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}", "a database's name"),
            without(_URL, (r"://[^/@]*:[^/@]*@", "it puts a secret on the command line")),
            listed(_PAIR, " "),
        ),
        # Prompts run what stands between back quotes; HISTFILE and the like name files.
        "VARIABLE": matching(
            r"(?!(?:PROMPT\d|HISTFILE|EDITOR\w*|PAGER|SHELL\w*)(?:=|$))[A-Za-z_]\w{0,62}(?:=[^`\\\x00-\x1f|]{0,1000})?",
            "NAME=VALUE",
        ),
        "PRINTING": matching(
            r"(?:pager=(?:off|0|false)|(?:format|border|null|fieldsep|fieldsep_zero|footer|tuples_only|t|expanded|x|linestyle|columns|"
            r"csv_fieldsep|numericlocale|recordsep|recordsep_zero|tableattr|title|unicode_\w+)(?:=[^`\x00-\x1f]{0,100})?)",
            "a printing option (pager=off, format=csv, …)",
        ),
    },
    harden=Hardening(
        env={
            "PSQLRC": "/dev/null",
            "PSQL_HISTORY": "/dev/null",
            "PAGER": "cat",
            "PSQL_PAGER": "cat",
            "PSQL_EDITOR": "/bin/true",
            "SHELL": "/bin/false",
            "PGSERVICEFILE": "/dev/null",
            "PGPASSFILE": "/dev/null",
            "PGSYSCONFDIR": "/nonexistent",
        },
        insert=("-X",),
    ),
    delivery="env",
    credentials=("PGPASSWORD",),
    source="psql(1), libpq, 15–17",
)
