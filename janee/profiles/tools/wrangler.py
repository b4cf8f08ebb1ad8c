"""wrangler: Workers, Pages, KV, R2 and D1 of the service's Cloudflare account.

Denied throughout: tokens, servers that listen (`dev`), tunnels, project generators (they run npm), environment files, secrets' values,
certificates, and paths outside the workspace. Secrets and deletion need `admin`. A build command that the
configuration file names runs with a placeholder instead of the token (the delivery is secretless). Facts: `wrangler COMMAND --help`,
3.100 to 4.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import NODE
from janee.profiles.types import BUILT_IN, matching, ordinary

GRAMMAR: Final = r"""
[] read
-v --version
needs: -v --version
[]
-h --help
-c --config PATH
-e --env SLUG
--cwd UPLOAD
--env-file TEXT ! reads secrets
--experimental-json-config
-j
--profile TEXT ! reads configuration
--x-versions
--experimental-versions

%place
--local
--remote
--persist-to PATH
--preview

%key
use: place
--binding NAME
-b
--namespace-id HEX
--preview-id HEX

%deploy
--name SLUG
--bundle
--no-bundle
--outdir PATH
--outfile PATH
--compatibility-date WORD
--compatibility-flags --compatibility-flag NAME
--latest
--assets UPLOAD
--site UPLOAD
--site-include WORD
--site-exclude WORD
--var VAR
--define VAR
--alias VAR
--triggers --schedule --schedules WORD
--routes --route WORD
--domains --domain WORD
--jsx-factory WORD
--jsx-fragment WORD
--tsconfig PATH
--minify
--keep-vars
--legacy-env BOOL
--logpush
--upload-source-maps
--node-compat
--dry-run
--metafile PATH
--old-asset-ttl INT
--dispatch-namespace SLUG
--tag WORD
--message TEXT
--strict
--autoconfig BOOL
--no-autoconfig
--containers-rollout {immediate|gradual}
--secrets-file TEXT ! replaces secrets
--experimental-auto-create BOOL
--unsafe-external-files ! reads files outside the workspace

[deploy|publish] write
use: deploy
args: [UPLOAD]
[versions upload] write
use: deploy
--preview-alias SLUG
args: [UPLOAD]
[versions deploy] write
--name SLUG
--version-id UUID
--percentage INT
--message TEXT
-y --yes
--dry-run
--max-versions INT
args: [SPLIT...]
[versions list] read
--name SLUG
--json
[versions view] read
--name SLUG
--json
args: UUID
[versions secret] ! changes secrets
[deployments list] read
--name SLUG
--json
[deployments status] read
--name SLUG
--json
[deployments view] read
--name SLUG
args: [UUID]
[rollback] write
--name SLUG
-m --message TEXT
-y --yes
args: [UUID]
[triggers deploy] write
--name SLUG
--triggers --schedule --schedules WORD
--routes --route WORD
--dry-run
[delete] admin
--name SLUG
--dry-run
--force
args: [SLUG]
[tail] read
--format {json|pretty}
--status {ok|error|canceled}
--header WORD
--method NAME
--sampling-rate NUMBER
--search TEXT
--ip WORD
--version-id UUID
args: [SLUG]
[whoami] read
--account HEX
--json
[types] write
--env-interface NAME
--path PATH
--strict-vars BOOL
--include-runtime BOOL
--include-env BOOL
--experimental-include-runtime PATH
--check
args: [PATH]
[check startup] write
--args WORD
--outfile PATH
[secret list] read
--name SLUG
--format {json|pretty}
[secret put] admin
--name SLUG
args: NAME
[secret delete] admin
--name SLUG
args: NAME
[secret bulk] ! replaces secrets
[secret:bulk] ! replaces secrets
[kv namespace list] read
[kv namespace create] write
--preview
--binding NAME
--update-config BOOL
args: SLUG
[kv namespace rename] write
--namespace-id HEX
--new-name SLUG
args: [SLUG]
[kv namespace delete] admin
use: key
-y --skip-confirmation
[kv key list] read
use: key
--prefix WORD
[kv key get] read
use: key
--text
args: KEY
[kv key put] write
use: key
--ttl INT
--expiration INT
--metadata JSON
--path UPLOAD
args: KEY [TEXT]
[kv key delete] write
use: key
args: KEY
[kv bulk get] read
use: key
args: PATH
[kv bulk put] write
use: key
--ttl INT
--expiration INT
args: UPLOAD
[kv bulk delete] admin
use: key
-f --force
args: PATH
[kv:namespace list] read
[kv:namespace create] write
--preview
args: SLUG
[kv:namespace delete] admin
use: key
[kv:key list] read
use: key
--prefix WORD
[kv:key get] read
use: key
--text
args: KEY
[kv:key put] write
use: key
--ttl INT
--expiration INT
--metadata JSON
--path UPLOAD
args: KEY [TEXT]
[kv:key delete] write
use: key
args: KEY
[kv:bulk put] write
use: key
args: UPLOAD
[kv:bulk delete] admin
use: key
args: PATH
[r2 bucket list] read
-J --jurisdiction NAME
[r2 bucket info] read
-J --jurisdiction NAME
--json
args: SLUG
[r2 bucket create] write
--location NAME
-s --storage-class NAME
-J --jurisdiction NAME
--binding NAME
args: SLUG
[r2 bucket delete] admin
-J --jurisdiction NAME
args: SLUG
[r2 bucket domain,dev-url,cors,lock,lifecycle,notification,sippy,catalog,update] ! changes who has access
[r2 object get] write
use: place
-f --file PATH
-p --pipe
-J --jurisdiction NAME
args: OBJECT
[r2 object put] write
use: place
-f --file UPLOAD
--content-type --ct WORD
--content-disposition --cd WORD
--content-encoding --ce WORD
--content-language --cl WORD
--cache-control --cc WORD
--expires WORD
-s --storage-class NAME
-J --jurisdiction NAME
--force
args: OBJECT
[r2 object delete] admin
use: place
-J --jurisdiction NAME
--force
args: OBJECT
[r2 bulk,sql] ! is no everyday work
[d1 list] read
--json
[d1 info] read
--json
args: SLUG
[d1 create] write
--location NAME
--jurisdiction NAME
--binding NAME
args: SLUG
[d1 delete] admin
-y --skip-confirmation
args: SLUG
[d1 execute] write
use: place
--command SQL
--file PATH
-y --yes
--json
--batch-size INT
args: SLUG
[d1 export] write
--local
--remote
--output PATH
--table NAME
--no-schema
--no-data
-y --skip-confirmation
args: SLUG
[d1 migrations list] read
use: place
args: SLUG
[d1 migrations create] write
args: SLUG TEXT
[d1 migrations apply] write
use: place
--batch-size INT
args: SLUG
[d1 time-travel info] read
--timestamp WORD
--json
args: SLUG
[d1 time-travel restore] admin
--bookmark WORD
--timestamp WORD
--json
args: SLUG
[d1 insights] read
--timePeriod WORD
--sort-by NAME
--limit INT
--json
args: SLUG
[d1 backup] ! is no everyday work
[pages deploy|publish] write
--project-name SLUG
--branch REF
--commit-hash NAME
--commit-message TEXT
--commit-dirty[=BOOL]
--skip-caching
--no-bundle
--upload-source-maps
args: [UPLOAD]
[pages project list] read
--json
[pages project create] write
--production-branch REF
--compatibility-date WORD
--compatibility-flags --compatibility-flag NAME
args: SLUG
[pages project delete] admin
-y --yes
args: SLUG
[pages deployment list] read
--project-name SLUG
--environment {production|preview}
--json
[pages deployment create] write
--project-name SLUG
--branch REF
args: [UPLOAD]
[pages deployment tail] read
--project-name SLUG
--environment {production|preview}
--format {json|pretty}
--status {ok|error|canceled}
--search TEXT
--method NAME
args: [NAME]
[pages deployment delete] admin
--project-name SLUG
-f --force
args: NAME
[pages secret list] read
--project-name --project SLUG
[pages secret put] admin
--project-name --project SLUG
args: NAME
[pages secret delete] admin
--project-name --project SLUG
args: NAME
[pages secret bulk] ! replaces secrets
[pages download] ! exports configuration
[pages functions] ! is no everyday work
[pages dev] ! runs a program and listens for connections
[queues list] read
--page INT
[queues info] read
args: SLUG
[queues create] write
--delivery-delay-secs INT
--message-retention-period-secs INT
args: SLUG
[queues delete] admin
args: SLUG
[queues purge] admin
--force
args: SLUG
[queues update,pause-delivery,resume-delivery,consumer,subscription] ! is no everyday work
[vectorize list] read
--json
[vectorize info] read
--json
args: SLUG
[vectorize get] read
--json
args: SLUG
[vectorize create] write
--dimensions INT
--metric {cosine|euclidean|dot-product}
--description TEXT
--json
args: SLUG
[vectorize delete] admin
-y --force
args: SLUG
[vectorize insert] write
--file UPLOAD
--batch-size INT
args: SLUG
[workflows list] read
--page INT
--per-page INT
[workflows describe] read
args: SLUG
[workflows instances list] read
--status NAME
args: SLUG
[workflows instances describe] read
args: SLUG [NAME]
[workflows trigger] write
--params JSON
--id NAME
args: SLUG [JSON]
[ai models] read
--json
[hyperdrive list] read
[hyperdrive get] read
args: HEX
[hyperdrive create,update,delete] ! sets other credentials
[dispatch-namespace list] read
[dispatch-namespace get] read
args: SLUG
[build] ! runs a program
[dev] ! runs a program and listens for connections
[init,generate,setup] ! runs a program
[login,logout,auth] ! changes or prints the credential
[secrets-store] ! changes secrets
[cert,mtls-certificate] ! changes certificates
[tunnel] ! opens a tunnel
[docs,telemetry,complete,pipelines,containers,cloudchamber,email,browser,pubsub,subdomain,route,vpc,ai-search,artifacts,config,preview,report,bisect] ! is no everyday work
"""

PROFILE: Final = Profile(
    tool="wrangler",
    about="Workers, Pages and storage of Cloudflare",
    syntax=NODE,
    grammar=GRAMMAR,
    types={
        "UPLOAD": ordinary(BUILT_IN["PATH"]),
        "SLUG": matching(r"[A-Za-z0-9_][\w.-]{0,100}", "a name"),
        "HEX": matching(r"[0-9a-f]{32}|[0-9a-zA-Z_-]{3,60}", "an id"),
        "UUID": matching(r"[0-9a-fA-F]{6,12}(?:-[0-9a-fA-F]{4,12}){0,4}|[a-z0-9-]{6,60}", "an id"),
        "SPLIT": matching(r"[0-9a-fA-F-]{6,60}(?:@[0-9]{1,3}%?)?", "VERSION@PERCENTAGE"),
        "VAR": matching(r"[A-Za-z_][\w.-]{0,100}:[^\x00-\x1f\x7f]{0,2000}", "KEY:VALUE"),
        "KEY": BUILT_IN["WORD"],
        "OBJECT": matching(r"[a-z0-9][a-z0-9.-]{1,63}/(?!.*\.\./)[^\x00-\x1f\x7f\\]{1,900}", "BUCKET/KEY"),
    },
    harden=Hardening(
        env={
            "WRANGLER_SEND_METRICS": "false",
            "WRANGLER_LOG": "log",
            "CI": "1",
            "CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV": "false",
        },
    ),
    delivery="secretless",
    credentials=("CLOUDFLARE_API_TOKEN",),
    source="wrangler COMMAND --help, 3.100–4",
)
