"""vercel: deployments, logs and settings of the service's projects.

Denied throughout: tokens and configuration on the command line, other servers, copies of the environment's secrets (`env pull`, `pull`),
local builds and servers (they run the workspace's code), debug output, and requests with the account's own rights (`api`,
`curl`). Secrets, domains and deletion need `admin`. Facts: `vercel help COMMAND`, 39 to 50.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import NODE
from janee.profiles.types import BUILT_IN, matching, ordinary

GRAMMAR: Final = r"""
%deploy
-f --force
--with-cache
-p --public @admin
-e --env KEYVALUE
-b --build-env KEYVALUE
-m --meta KEYVALUE
-n --name SLUG
--prod
--target NAME
--prebuilt
--archive {tgz|split-tgz}
--regions NAMES
--no-wait
--skip-domain
--no-clipboard
-C --confirm
-l --logs
-y --yes
--guidance

%list
-N --next INT
--limit INT
-F --format {json}
--json

[] write
use: deploy
-v --version
args: [UPLOAD]
[]
-h --help
-t --token TEXT ! replaces the credential
-d --debug ! prints the credential
-A --local-config TEXT ! reads configuration
-Q --global-config TEXT ! reads configuration
--api TEXT ! moves the credential
--no-color
--cwd UPLOAD
-S --scope SLUG
-T --team SLUG
--project SLUG
--non-interactive

[deploy] write
use: deploy
args: [UPLOAD]
[list|ls] read
use: list
-m --meta KEYVALUE
-p --policy KEYVALUE
-s --status NAMES
--environment NAME
--prod
-a --all
-y --yes
args: [SLUG]
[inspect] read
--timeout DURATION
--wait
-l --logs
--json
args: DEPLOYMENT
[logs|log] read
-f --follow
-j --json
-n --limit INT
--number INT
--since WORD
--until WORD
-q --query TEXT
-x --expand
--level NAME
--status-code NAME
--source NAME
--environment NAME
--branch REF
--deployment DEPLOYMENT
--request-id NAME
--no-branch
args: [DEPLOYMENT]
[redeploy] write
--no-wait
--target NAME
args: DEPLOYMENT
[promote] write
--timeout DURATION
-y --yes
args: DEPLOYMENT
[promote status] read
--timeout DURATION
args: [SLUG]
[rollback] write
--timeout DURATION
-y --yes
args: [DEPLOYMENT]
[rollback status] read
--timeout DURATION
args: [SLUG]
[rolling-release|rr] ! is no everyday work
[bisect] ! opens a browser
[remove|rm] admin
-s --safe
-y --yes
args: DEPLOYMENT...
[alias|aliases|ln ls|list] read
use: list
[alias|aliases|ln set] write
args: DEPLOYMENT DOMAIN
[alias|aliases|ln] write
args: DEPLOYMENT DOMAIN
[alias|aliases|ln rm|remove] admin
-y --yes
args: DOMAIN
[env ls|list] read
use: list
--guidance
args: [NAME] [REF]
[env add] admin
--sensitive
--force
-y --yes
--value TEXT ! replaces the credential
args: NAME [NAME] [REF]
[env update] admin
--sensitive
-y --yes
args: NAME [NAME] [REF]
[env rm|remove] admin
-y --yes
args: NAME [NAME] [REF]
[env pull,run] ! exports secrets
[pull] ! exports secrets
[projects|project ls|list] read
use: list
--update-required
[projects|project inspect] read
-y --yes
args: [SLUG]
[projects|project add] write
args: SLUG
[projects|project rm|remove] admin
-y --yes
args: SLUG
[projects|project token,protection,access-groups] ! prints the credential
[domains|domain ls|list] read
use: list
[domains|domain inspect] read
args: DOMAIN
[domains|domain add] admin
--force
args: DOMAIN [SLUG]
[domains|domain rm|remove] admin
-y --yes
args: DOMAIN
[domains|domain buy,move,transfer-in,price,check,verify] ! moves domains or money
[dns ls|list] read
use: list
args: [DOMAIN]
[dns add] admin
args: DOMAIN WORD WORD WORD [WORD]
[dns rm|remove] admin
-y --yes
args: NAME
[dns import] ! is no everyday work
[certs|cert ls|list] read
use: list
[certs|cert issue,rm,remove,add] ! changes certificates
[secrets] ! changes or prints secrets
[teams|team ls|list] read
use: list
[teams|team add,invite,switch] ! changes who has access
[target|targets ls|list] read
[whoami] read
--format {json}
[help] read
args: [NAME]
[link] write
--repo
-p --project SLUG
-y --yes
args: [UPLOAD]
[git ls|list] read
[git connect,disconnect] ! changes who has access
[integration|integrations list|ls] read
[integration,integration-resource,ir,blob,edge-config,storage,marketplace] ! changes or prints secrets
[cache purge] write
-y --yes
--type {cdn|data}
[cache] ! is written `cache purge`
[telemetry] ! reconfigures the tool
[build] ! runs a program
[dev,develop] ! runs a program and listens for connections
[init] ! fetches from other hosts
[login,logout,tokens,token] ! changes or prints the credential
[switch] ! reconfigures the tool
[api,curl,httpstat] ! sends requests with all the credential's rights
[open,upgrade,guidance,mcp,microfrontends,mf,contract,usage,buy,billing,webhooks,flags,agent,skills,sandbox,crons,redirects,routes,firewall,alerts,metrics,activity,oauth-apps,connex,connect,deploy-hooks,install,i,deploy-token,edge,traces,experimental] ! is no everyday work
"""

PROFILE: Final = Profile(
    tool="vercel",
    about="deployments of Vercel's projects",
    syntax=NODE,
    grammar=GRAMMAR,
    types={
        "UPLOAD": ordinary(BUILT_IN["PATH"]),
        "SLUG": matching(r"[A-Za-z0-9][\w.-]{0,100}", "a project's or team's name"),
        "KEYVALUE": matching(r"[A-Za-z_][\w.-]{0,100}(?:=[^\x00-\x1f\x7f]{0,2000})?", "KEY=VALUE"),
        "NAMES": matching(r"[\w-]{1,40}(?:,[\w-]{1,40}){0,20}", "names"),
        # what a deployment is asked for by; the tool looks it up at its own server
        "DEPLOYMENT": matching(
            r"(?:https://)?[A-Za-z0-9][A-Za-z0-9.-]{0,200}/?|dpl_[A-Za-z0-9]{5,60}", "a deployment's id or address"
        ),
        "DOMAIN": matching(r"[A-Za-z0-9*][A-Za-z0-9.-]{0,200}", "a domain"),
    },
    harden=Hardening(
        env={"VERCEL_TELEMETRY_DISABLED": "1", "NO_UPDATE_NOTIFIER": "1", "CI": "1", "BROWSER": "/bin/true"},
    ),
    credentials=("VERCEL_TOKEN",),
    source="vercel help COMMAND, 39–50",
)
