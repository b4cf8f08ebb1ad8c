"""terraform: what would change, and whether the configuration is sound; changing it needs admin.

Denied throughout: the console, the state as a whole (it holds every secret in clear), plugins and modules from directories or places named on
the command line, other backends, logging in. Outputs are read by name, and not those whose name says that they are secret.
Facts: `terraform CMD -help`, 1.12.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import GOFLAG
from janee.profiles.types import BUILT_IN, matching, without

GRAMMAR: Final = r"""
[] read
-version -v
-help -h
[]
-chdir PATH
-help -h

%common
-no-color
-compact-warnings
%lock
-lock
-lock-timeout DURATION
-input
-parallelism INT
%vars
-var ASSIGNMENT
-var-file VARFILE

[init] write
use: common lock
-backend
-backend-config VARFILE
-upgrade
-reconfigure
-get
-json
-lockfile {readonly}
-test-directory PATH
-migrate-state @admin
-force-copy @admin
-ignore-remote-version @admin
-from-module TEXT ! fetches from another place
-plugin-dir TEXT ! runs a program
-verify-plugins ! runs a program
-get-plugins ! runs a program
-cloud
[validate] read
-json
-no-color
-no-tests
-test-directory PATH
[fmt] write
-list
-write
-diff
-check
-no-color
-recursive
args: [PATH...]
[plan] read
use: common lock vars
-destroy
-refresh
-refresh-only
-replace ADDRESS
-target ADDRESS
-exclude ADDRESS
-detailed-exitcode
-generate-config-out PATH
-out PATH
-json
-concise
-state TEXT ! reads files outside the workspace
-backup TEXT ! writes a file under any name
[show] read
-no-color
[show] read
-no-color
-json
args: PLAN
[output] read
-no-color
[output] read
-no-color
-json
-raw
-state TEXT ! reads files outside the workspace
args: OUTPUT
[state list] read
-id TEXT
args: [ADDRESS...]
[state show] read
-no-color
args: ADDRESS
[state pull] ! prints secrets
[state push,replace-provider] ! changes what cannot be undone
[state mv] admin
use: lock
-dry-run
args: ADDRESS ADDRESS
[state rm|remove] admin
use: lock
-dry-run
args: ADDRESS...
[workspace list] read
[workspace show] read
[workspace select] write
-or-create
args: NAME
[workspace new] write
-lock
-lock-timeout DURATION
args: NAME
[workspace delete] admin
-force
-lock
-lock-timeout DURATION
args: NAME
[providers] read
-test-directory PATH
[providers lock] write
-platform NAME
-enable-plugin-cache
-fs-mirror TEXT ! runs a program
-net-mirror TEXT ! fetches from another place
args: [PROVIDER...]
[providers schema] read
-json
[providers mirror] ! is no everyday work
[graph] read
-type {plan|plan-refresh-only|plan-destroy|apply}
-draw-cycles
-plan PLAN
-module-depth INT
[get] write
-update
-no-color
-test-directory PATH
[modules] read
-json
[version] read
-json
[metadata functions] read
-json
[apply] admin
use: common lock vars
-auto-approve
-destroy
-refresh
-refresh-only
-replace ADDRESS
-target ADDRESS
-exclude ADDRESS
-json
-concise
-state TEXT ! reads files outside the workspace
-state-out TEXT ! writes a file under any name
-backup TEXT ! writes a file under any name
args: [PLAN]
[destroy] admin
use: common lock vars
-auto-approve
-force
-refresh
-target ADDRESS
-exclude ADDRESS
-json
-state TEXT ! reads files outside the workspace
-state-out TEXT ! writes a file under any name
-backup TEXT ! writes a file under any name
[refresh] admin
use: common lock vars
-target ADDRESS
-state TEXT ! reads files outside the workspace
[import] admin
use: common lock vars
-config TEXT ! reads files outside the workspace
-ignore-remote-version
-allow-missing-config
-state TEXT ! reads files outside the workspace
args: ADDRESS WORD
[taint] admin
use: lock
-allow-missing
args: ADDRESS
[untaint] admin
use: lock
-allow-missing
args: ADDRESS
[force-unlock] admin
-force
args: NAME
[test] ! makes and destroys what the workspace names
[console] ! runs a program
[login,logout] ! prints or changes the credential
[cloud,env,push,internal-plugin,rpcapi,stacks,query] ! is no everyday work
"""

_ADDRESS: Final = r"[A-Za-z_][\w.-]*(?:\[(?:[0-9]{1,9}|\"[^\"\x00-\x1f]{1,200}\")\](?:\.[\w.-]+)?){0,6}"
_HIDDEN: Final = (
    r"secret|passw|token|credential|(?:^|_)(?:key|pw|pwd|dsn|pem)(?:_|$)|private|kubeconfig|connection|cert|access_key"
)

PROFILE: Final = Profile(
    tool="terraform",
    about="infrastructure: plans and checks; applying needs admin",
    syntax=GOFLAG,
    grammar=GRAMMAR,
    types={
        "ADDRESS": matching(_ADDRESS, "a resource's address"),
        "ASSIGNMENT": matching(r"[A-Za-z_][\w-]{0,100}=[^\x00]{0,4000}", "NAME=VALUE"),
        # key=value of a backend's configuration names another bucket, host or credential
        "VARFILE": without(BUILT_IN["PATH"], (r"=", "configures another backend")),
        "PLAN": without(BUILT_IN["PATH"], (r"\.tfstate(?:$|\.)", "prints secrets")),
        "OUTPUT": without(matching(r"[A-Za-z_][\w-]{0,100}", "an output's name"), (_HIDDEN, "prints secrets")),
        "PROVIDER": matching(r"(?:registry\.terraform\.io/)?[a-z0-9-]{1,60}/[a-z0-9-]{1,60}", "a provider"),
    },
    harden=Hardening(
        env={
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "TF_CLI_CONFIG_FILE": "/dev/null",
            "TF_CLI_ARGS": "",
            "TF_LOG": "",
            "TF_LOG_PATH": "",
            "TF_REATTACH_PROVIDERS": "",
            "CHECKPOINT_DISABLE": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ALLOW_PROTOCOL": "https",
        },
    ),
    credentials=("TF_TOKEN_app_terraform_io",),
    source="terraform CMD -help, 1.12",
)
