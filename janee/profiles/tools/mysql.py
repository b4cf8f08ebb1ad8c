r"""mysql: statements given with `-e`, on the service's host.

Denied throughout: the client's own commands (`\!`, `system`, `source`, `tee`, `pager`, `connect`, also in the middle of a statement),
sessions on standard input, passwords on the command line, option files, plugins, sockets, local files, and statements that reach the
server's files and programs. Facts: mysql(1) of MySQL 8 and MariaDB 10.11.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import GNU
from janee.profiles.types import BUILT_IN, matching, without

GRAMMAR: Final = r"""
[] read
-? -I --help
-V --version
-e --execute STATEMENT
-D --database DATABASE
-h --host HOST
-P --port INT
-u --user NAME
-p --password[=TEXT] ! puts a secret on the command line, or waits for a person
--password1[=TEXT] ! puts a secret on the command line
--password2[=TEXT] ! puts a secret on the command line
--password3[=TEXT] ! puts a secret on the command line
--defaults-file TEXT ! reads configuration, which runs programs
--defaults-extra-file TEXT ! reads configuration, which runs programs
--defaults-group-suffix TEXT ! reads configuration
--login-path TEXT ! reads credentials that the agent wrote
--print-defaults ! prints the credential
--no-defaults
--no-login-paths
--auto-rehash
-A --no-auto-rehash
--auto-vertical-output
-B --batch
--binary-as-hex
--skip-binary-as-hex
--binary-mode
--character-sets-dir TEXT ! reads files outside the workspace
--column-names
--skip-column-names
-N
--column-type-info
-m
-c --comments
--skip-comments
-C --compress
--compression-algorithms WORD
--connect-expired-password
--connect-timeout INT
-# --debug[=TEXT] ! writes a file under any name
--debug-check
-T --debug-info
--default-auth TEXT ! runs a program (a plugin)
--plugin-dir TEXT ! runs a program (a plugin)
--authentication-oci-client-config-profile TEXT ! reads files outside the workspace
--oci-config-file TEXT ! reads files outside the workspace
--load-data-local-dir TEXT ! reads files outside the workspace
--default-character-set NAME
--delimiter TEXT ! takes statements apart otherwise than they are read here
--enable-cleartext-plugin ! moves the credential
--get-server-public-key ! moves the credential
--server-public-key-path TEXT ! moves the credential
--dns-srv-name TEXT ! moves the credential
-f --force
-H --html
-i --ignore-spaces
--init-command STATEMENT
--init-command-add STATEMENT
--line-numbers
-L --skip-line-numbers
--local-infile[=TEXT] ! reads files outside the workspace
--max-allowed-packet WORD
--max-join-size INT
--net-buffer-length WORD
-G --named-commands ! takes commands in the middle of statements
-b --no-beep
-o --one-database
--pager[=TEXT] ! runs a program
--skip-pager
--no-pager
--prompt TEXT
--protocol {tcp|TCP}
-q --quick
-r --raw
--reconnect
--skip-reconnect
--skip-auto-rehash
--disable-auto-rehash
--skip-named-commands
--disable-named-commands
--bind-address TEXT ! moves the credential
--network-namespace TEXT ! moves the credential
-W --pipe ! moves the credential
-U --safe-updates --i-am-a-dummy
--sandbox
--secure-auth
--select-limit INT
--show-warnings
--sigint-ignore
-s --silent
-S --socket TEXT ! moves the credential
--ssl
--skip-ssl ! weakens the encryption
--disable-ssl ! weakens the encryption
--ssl-mode {REQUIRED|VERIFY_CA|VERIFY_IDENTITY|required|verify_ca|verify_identity}
--ssl-ca TEXT ! moves the credential
--ssl-capath TEXT ! moves the credential
--ssl-cert TEXT ! reads files outside the workspace
--ssl-key TEXT ! reads files outside the workspace
--ssl-crl TEXT ! reads files outside the workspace
--ssl-crlpath TEXT ! reads files outside the workspace
--ssl-cipher TEXT ! weakens the encryption
--tls-ciphersuites TEXT ! weakens the encryption
--tls-version WORD
--ssl-verify-server-cert
--skip-ssl-verify-server-cert ! moves the credential
--syslog ! is no everyday work
--histignore TEXT
-t --table
--tee TEXT ! writes a file under any name
-n --unbuffered
-v --verbose
-E --vertical
-w --wait
-X --xml
args: [DATABASE]
needs: -e --execute -V --version -? -I --help
"""

_COMMANDS: Final = (
    r"(?:^|[\n;]|\*/|\\[gG])[^\S\n]*(?:system|source|tee|notee|edit|pager|nopager|connect|ego|delimiter|prompt|charset|rehash|resetconnection|"
    r"query_attributes|ssl_session_data_print)\b"
)

PROFILE: Final = Profile(
    tool="mysql",
    about="statements for MySQL and MariaDB",
    syntax=GNU,
    grammar=GRAMMAR,
    types={
        "STATEMENT": without(
            BUILT_IN["SQL"],
            (r"^-(?!-\s)", "an option where a statement should be"),
            (r"\\[!.TPerdRC]", "a command of the client, which may run a program"),
            (_COMMANDS, "a command of the client, which may run a program"),
            (
                r"\b(?:import\s+table|data\s+directory|index\s+directory|(?:data|undo|redo)file|(?:discard|import)\s+tablespace)\b|"
                r"\b(?:out|dump)file\b|\bload_file\b|\bload\s+(?:data|xml)\b|\binfile\b",
                "files of the server or client",
            ),
            (r"\bpurge\s+(?:binary|master)\b|\bbinlog\s+'|\bshow\s+binlog\b", "the server's logs"),
            (r"#[^\n]*['\"`\\][^\n]*\n\s*\S", "a comment with quotes and lines behind it, in which a keyword could hide"),
            (
                r"\bsoname\b|\b(?:un)?install\s+(?:plugin|component|soname)\b|\bplugin\s+dir|\bsys_(?:exec|eval|get)\b",
                "it runs a program on the server",
            ),
            (
                r"\bset\s+(?:@@\s*)?(?:global|persist|persist_only)\b|@@\s*(?:global|persist|persist_only)\s*\.[\s\w`]*:?=",
                "reconfigures the server",
            ),
            (r"\bglobal\s+[\w.`]+\s*:?=|\bpersist(?:_only)?\s+[\w.`]+\s*:?=", "reconfigures the server"),
            (
                r"\b(?:general_log_file|slow_query_log_file|secure_file_priv\s*=|init_connect|plugin_dir\s*=)",
                "reconfigures the server",
            ),
            (r"\bprepare\s+[\w`]+\s+from\b|\bexecute\s+immediate\b", "statements put together, which cannot be read here"),
            (
                r"\bchange\s+(?:master|replication)\b|\b(?:start|stop)\s+(?:slave|replica|group_replication)\b|\bclone\s+(?:instance|local)\b|\bengine\s*=?\s*['\"]?(?:federated|connect|csv)\b|\bcreate\s+server\b|\bconnection\s*=\s*['\"]|\bsql_log_bin\b",
                "another server",
            ),
            (
                r"\bauthentication_string\b|\bmysql\s*\.\s*[`\"]?(?:user|global_priv|servers)\b|[`\"]mysql[`\"]|\buse\s+mysql\b|\bfrom\s+mysql\.",
                "it shows passwords",
            ),
        ),
        "DATABASE": matching(
            r"(?!(?i:mysql)$)[A-Za-z0-9_][A-Za-z0-9_.$-]{0,63}", "a database's name, and not that of the accounts"
        ),
    },
    harden=Hardening(
        env={
            "MYSQL_HISTFILE": "/dev/null",
            "MYSQL_TEST_LOGIN_FILE": "/nonexistent",
            "MYSQL_HOME": "/nonexistent",
            "PAGER": "cat",
            "EDITOR": "/bin/true",
            "SHELL": "/bin/false",
        },
        insert=("--no-defaults",),
    ),
    delivery="env",
    credentials=("MYSQL_PWD",),
    source="mysql(1), MySQL 8.4 and MariaDB 10.11",
)
