"""vault: secrets, engines and leases of HashiCorp Vault, on the service's address.

Denied throughout: what shows or makes tokens (`print token`, `login`, `token …`, paths below auth/), servers and agents (they listen and
run programs), `ssh`, plugins, audit devices, wrapping (it takes values past the scrubber), unsealing, other addresses, and files
outside the workspace. Secrets (`kv get`) and credentials that an engine makes
(`database/creds/…`) need admin, as do policies, engines and deletion.
Flags stand before the operands. Facts: vault -h and the commands' documentation, 1.12 to 1.20.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import GOFLAG
from janee.profiles.types import BUILT_IN, either, matching, ordinary, parts, without

GRAMMAR: Final = r"""
[] read
-version --version
-v
-h -help
needs: -version --version -v -h -help
[]
-address URL
-agent-address TEXT ! moves the credential
-ca-cert TEXT ! moves the credential
-ca-path TEXT ! moves the credential
-client-cert TEXT ! reads files outside the workspace
-client-key TEXT ! reads files outside the workspace
-header TEXT ! moves the credential
-mfa TEXT ! puts a secret on the command line
-namespace -ns NAMESPACE
-non-interactive
-output-curl-string ! prints the credential
-output-policy
-policy-override ! changes rights of others
-tls-server-name TEXT ! moves the credential
-tls-skip-verify ! moves the credential
-unlock-key TEXT ! puts a secret on the command line
-wrap-ttl TEXT ! hides a secret from the scrubber
-disable-redirects
-format {table|json|yaml|pretty|raw}
-field NAME
-detailed
-autocomplete-install ! reconfigures the tool
-autocomplete-uninstall ! reconfigures the tool
-log-level TEXT ! prints the credential

[status] read
[version] read
[version-history] read
[path-help] read
args: SECRET

[read] read
args: LOOK [PAIR...]
[read] admin
args: MADE|SECRET [PAIR...]
[list] read
-max-depth INT
args: LOOK
[write] write
-f
-force
args: CHANGE [DATAPAIR...]
[patch] write
-method {patch|rw}
-cas INT
args: CHANGE [DATAPAIR...]
[delete] admin
args: CHANGE
[unwrap] ! makes or shows tokens

[kv get] admin
-mount MOUNT
-version INT
args: SECRET
[kv list] read
-mount MOUNT
args: [SECRET]
[kv put] write
-mount MOUNT
-cas INT
args: SECRET [DATAPAIR...]
[kv patch] write
-mount MOUNT
-cas INT
-method {patch|rw}
-remove-data NAME
args: SECRET [DATAPAIR...]
[kv delete] admin
-mount MOUNT
-versions VERSIONS
args: SECRET
[kv undelete] write
-mount MOUNT
-versions VERSIONS
args: SECRET
[kv rollback] write
-mount MOUNT
-version INT
args: SECRET
[kv destroy] admin
-mount MOUNT
-versions VERSIONS
args: SECRET
[kv enable-versioning] admin
args: SECRET
[kv metadata get] read
-mount MOUNT
args: SECRET
[kv metadata put] write
-mount MOUNT
-cas-required[=BOOL]
-custom-metadata PAIR
-delete-version-after DURATION
-max-versions INT
args: SECRET
[kv metadata patch] write
-mount MOUNT
-cas-required[=BOOL]
-custom-metadata PAIR
-remove-custom-metadata NAME
-delete-version-after DURATION
-max-versions INT
args: SECRET
[kv metadata delete] admin
-mount MOUNT
args: SECRET

[policy list] read
[policy read] read
args: NAME
[policy fmt] write
args: PATH
[policy write] admin
args: NAME FILE
[policy delete] admin
args: NAME
[secrets list] read
[secrets enable,disable,move,tune] ! changes what others reach
[auth list] read
[auth help] read
args: NAME
[auth enable,disable,move,tune] ! gives others access
[audit list] read
[audit enable,disable] ! moves data to another place
[lease lookup] read
args: LEASE
[lease renew] write
-increment DURATION
args: LEASE
[lease revoke] admin
-force
-prefix
-sync
args: LEASE
[token capabilities] read
-accessor ! makes or shows tokens
args: SECRET
[token create,lookup,renew,revoke] ! makes or shows tokens
[namespace list] read
[namespace lookup] read
args: NAMESPACE
[namespace create,delete,patch,lock,unlock] ! changes what others reach
[plugin list] read
args: [{auth|secret|database}]
[plugin info] read
args: {auth|secret|database} NAME
[plugin register,deregister,reload,reload-status,runtime] ! runs a program
[operator members] read
[operator key-status] read
[operator raft list-peers] read
[operator raft autopilot state] read
[operator init,unseal,seal,rekey,rotate,generate-root,migrate,step-down,usage,diagnose,import,utilization] ! is no everyday work
[operator raft join,remove-peer,snapshot] ! is no everyday work
[login] ! makes or shows tokens
[print] ! prints the credential
[agent,server,proxy] ! listens for connections
[ssh] ! runs a program
[debug,monitor,events] ! is no everyday work
[transit,transform,pki,hcp] ! is no everyday work
"""

_PATH: Final = matching(r"/?[A-Za-z0-9_][\w.@:%+ -]{0,120}(?:/[\w.@:%+ -]{1,120}){0,16}/?", "a path of the API")
_TOKENS: Final = (
    (r"(?:^|/)\.\.?(?:/|$)|%", "another reading of the path"),
    (
        r"^/?(?:auth|identity|cubbyhole)(?:/|$)",
        "it makes or shows tokens",
    ),
)
_SYSTEM: Final = (
    r"^/?sys(?:/(?!(?:health|seal-status|leader|mounts|auth|policies/acl|policy|internal/ui/mounts|capabilities-self|version-history|"
    r"ha-status|key-status|license/status)(?:/|$))|/?$)",
    "it changes Vault itself",
)
_MADE: Final = (
    r"^/?(?!secret/|kv/)[^/]+/(?:\w+/)?(?:creds|static-creds|static-cred|sts|issue|sign|sign-verbatim|export|backup|raw|root|token|datakey|login|key|"
    r"generate)(?:/|$)",
    "it makes credentials (`read` of them needs admin)",
)
_CONFIGURES: Final = (
    r"^/?[^/]+/(?:keys/[^/]+/\w+|config|root|roles?|intermediate|rotate-root|rotate)(?:/|$)|^/?sys(?:/|$)",
    "it changes what others reach",
)

PROFILE: Final = Profile(
    tool="vault",
    about="secrets of HashiCorp Vault",
    syntax=GOFLAG,
    grammar=GRAMMAR,
    types={
        "SECRET": without(_PATH, *_TOKENS, _SYSTEM, _MADE),
        "LOOK": without(
            _PATH,
            *_TOKENS,
            _SYSTEM,
            _MADE,
            (r"^/?(?:secrets?|kv)/(?!metadata/)|^/?[^/]+/data/", "it shows a secret (`kv get` needs admin)"),
        ),
        "MADE": without(
            matching(r"[A-Za-z0-9_-]{1,60}/(?:static-)?creds/[\w.-]{1,120}", "a credential that an engine makes"),
            *_TOKENS,
            _SYSTEM,
        ),
        "CHANGE": without(_PATH, *_TOKENS, _SYSTEM, _MADE, _CONFIGURES, (r"/decrypt/", "it decrypts")),
        "LEASE": without(_PATH, *_TOKENS),
        "MOUNT": without(_PATH, *_TOKENS, (r"^/?sys(?:/|$)", "it changes Vault itself")),
        "NAMESPACE": matching(r"[A-Za-z0-9_][\w/-]{0,200}", "a namespace"),
        "VERSIONS": matching(r"\d{1,6}(?:,\d{1,6}){0,50}", "versions"),
        "PAIR": matching(r"[A-Za-z_][\w.-]{0,100}=[^@][^\x00-\x1f]{0,2000}", "KEY=VALUE"),
        # `@file` and `key=@file` read files; `-` standard input
        "DATAPAIR": either(
            matching("-", "standard input"),
            parts(r"(?:[\w.-]{1,200}=)?@(.{1,1000})", "@PATH", ordinary(BUILT_IN["PATH"])),
            without(BUILT_IN["KV"], (r"^[^=]*=@", "it reads a file")),
        ),
        "FILE": ordinary(BUILT_IN["PATH"]),
    },
    harden=Hardening(
        env={
            "VAULT_CONFIG_PATH": "/dev/null",
            "VAULT_SKIP_VERIFY": "false",
            "VAULT_LOG_LEVEL": "error",
            "VAULT_DISABLE_REDIRECTS": "true",
        },
    ),
    delivery="secretless",
    credentials=("VAULT_TOKEN",),
    source="vault -h, 1.12–1.20",
)
