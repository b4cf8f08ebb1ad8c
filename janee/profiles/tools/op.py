"""op: items and vaults of 1Password.

Denied throughout: `run` and plugins (they run programs), `inject` (it writes secrets into files), signing in, accounts, service
accounts and Connect tokens (they make credentials), sharing, and other configuration directories. Values of secrets (`read`, `--reveal`,
`--otp`, JSON of an item, fields named like secrets, documents) need admin: nothing scrubs what the service's token only leads to.
Facts: op --help and its reference, 2.20 to 2.31.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import COBRA
from janee.profiles.types import BUILT_IN, either, matching, ordinary, parts, without

GRAMMAR: Final = r"""
[] read
-v --version
needs: -v --version
[]
-h --help
--account ACCOUNT
--cache[=BOOL]
--config TEXT ! reads configuration
--debug ! prints the credential
--encoding {utf-8|shift_jis|gbk}
--format {human-readable|json@admin}
--iso-timestamps
--no-color
--session TEXT ! puts a secret on the command line

# JSON shows the values of an item even without --reveal.
%json
--format {human-readable|json}

[whoami] read
use: json
[read] admin
-n --no-newline
-o --out-file PATH
--file-mode INT
-f --force
args: REFERENCE

[item|items]
--vault TITLE
[item list|ls] read
use: json
--categories WORD
--favorite
--include-archive
--long
--tags WORD
[item get] read
--fields FIELDS
--format {human-readable|json@admin}
--include-archive
--otp @admin
--reveal @admin
--share-link ! shows it to everybody who has the link
args: TITLE
[item create] write
--category CATEGORY
--dry-run
--favorite
--generate-password[=RECIPE]
--ssh-generate-key[=NAME]
--reveal @admin
--tags WORD
--template LOCAL
--title TITLE
--url WORD
args: [ASSIGNMENT...]
[item edit] write
--dry-run
--favorite
--generate-password[=RECIPE]
--reveal @admin
--tags WORD
--template LOCAL
--title TITLE
--url WORD
args: TITLE [ASSIGNMENT...]
[item delete|rm|remove] admin
--archive
args: TITLE
[item move] admin
--current-vault TITLE
--destination-vault TITLE
--reveal
args: TITLE
[item share] ! shows it to everybody who has the link
[item template list] read
use: json
[item template get] read
use: json
-f --force
-o --out-file PATH
--file-mode INT
args: CATEGORY

[vault|vaults]
use: json
[vault list|ls] read
--group TITLE
--permission NAME
--user TITLE
[vault get] read
args: TITLE
[vault create] write
--allow-admins-to-manage BOOL @admin
--description TEXT
--icon NAME
args: TITLE
[vault edit] write
--description TEXT
--icon NAME
--name TITLE
--travel-mode {on|off}
args: TITLE
[vault delete|rm|remove] admin
args: TITLE
[vault user list] read
args: TITLE
[vault group list] read
args: TITLE
[vault user grant,revoke] ! gives others access
[vault group grant,revoke] ! gives others access

[document|documents]
--vault TITLE
[document list|ls] read
use: json
--include-archive
[document get] admin
--include-archive
-o --out-file PATH
--output PATH
--file-mode INT
-f --force
args: TITLE
[document create] write
--file-name NAME
--tags WORD
--title TITLE
args: LOCAL
[document edit] write
--file-name NAME
--tags WORD
--title TITLE
args: TITLE LOCAL
[document delete|rm|remove] admin
--archive
args: TITLE

[user list|ls] read
use: json
--group TITLE
--vault TITLE
[user get] read
use: json
--fingerprint
--me
--public-key
args: [TITLE]
[user provision,invite,confirm,suspend,reactivate,delete,edit,recovery,remove,rm] ! changes rights of others
[group list|ls] read
use: json
--user TITLE
--vault TITLE
[group get] read
use: json
args: TITLE
[group user list] read
use: json
args: TITLE
[group create,edit,delete,remove,rm] ! changes rights of others
[group user grant,revoke] ! changes rights of others
[account list|ls] read
use: json
[account get] read
use: json
[account add,forget] ! makes or changes the credential
[completion] read
args: {bash|zsh|fish|powershell}

[run] ! runs a program
[inject] ! writes secrets into files
[plugin] ! runs a program
[signin,signout] ! prints or changes the credential
[connect,service-account,events-api] ! makes credentials
[ssh,update,daemon,service,environment] ! is no everyday work
"""

_NAME: Final = matching(r"[\w.(][\w .,'()&@:+/!#-]{0,120}", "a name or identifier")
_SECRET: Final = (
    r"passw|secret|credential|token|otp|pin\b|private|\bkey\b|api|concealed|type=",
    "values of secrets need admin (`op read`)",
)

PROFILE: Final = Profile(
    tool="op",
    about="items of 1Password",
    syntax=COBRA,
    grammar=GRAMMAR,
    types={
        "ACCOUNT": matching(r"[A-Za-z0-9][\w.-]{0,100}", "an account"),
        "TITLE": without(_NAME, (r"^\.\.?(?:/|$)|^/", "it could be a file")),
        "REFERENCE": matching(
            r"op://[\w .@+-]{1,100}(?:/[\w .@+-]{1,100}){2,3}(?:\?attribute=[\w-]{1,20}|\?ssh-format=[\w-]{1,20})?",
            "op://VAULT/ITEM/FIELD",
        ),
        "FIELDS": without(matching(r"(?:label=)?[\w .-]{1,60}(?:,(?:label=)?[\w .-]{1,60}){0,20}", "names of fields"), _SECRET),
        "CATEGORY": matching(r"[A-Za-z][A-Za-z -]{1,40}", "a category"),
        "RECIPE": matching(r"[\w,]{1,60}", "a recipe"),
        "LOCAL": ordinary(without(BUILT_IN["PATH"], (r"^/dev/", "no file of the workspace"))),
        # `[file]=PATH` attaches a file; the path is looked at like all others
        "ASSIGNMENT": either(
            matching("-", "standard input"),
            parts(r"[\w .-]{1,100}\[file\]=(.{1,400})", "FIELD[file]=PATH", ordinary(BUILT_IN["PATH"])),
            matching(r"[\w .\\-]{1,100}(?:\[(?!file\])[a-z-]{1,20}\])?=[^\x00-\x1f]{0,3000}", "FIELD[TYPE]=VALUE"),
            matching(r"[\w .\\-]{1,100}\[delete\]", "FIELD[delete]"),
        ),
    },
    harden=Hardening(
        env={"OP_BIOMETRIC_UNLOCK_ENABLED": "false", "OP_CACHE": "false", "OP_CONFIG_DIR": "/nonexistent", "OP_DEBUG": "false"},
    ),
    credentials=("OP_SERVICE_ACCOUNT_TOKEN",),
    source="op --help, 2.20–2.31",
)
