"""flyctl: applications, machines and logs of the service's Fly.io organization.

Denied throughout: tokens, consoles and tunnels (`ssh`, `proxy`, `wireguard`, `console`), local builds, values of secrets, credentials
of databases, and files outside the workspace. Secrets, volumes, certificates and destruction need `admin`. Facts:
`flyctl help COMMAND`, 0.3.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import COBRA
from janee.profiles.types import BUILT_IN, matching, ordinary

GRAMMAR: Final = r"""
[]
-h --help
-t --access-token TEXT ! replaces the credential
--debug ! prints the credential
--verbose ! prints the credential

%app
-a --app SLUG
-c --config PATH

%json
-j --json

%sel
-a --app SLUG
-c --config PATH
-j --json

%build
-a --app SLUG
-c --config PATH
--auto-confirm
--build-arg KEYVALUE
--build-only
--build-secret TEXT ! reads secrets
--build-target NAME
--buildkit
--buildpacks-docker-host TEXT ! moves the credential
--buildpacks-volume TEXT ! reads files outside the workspace
--compression {gzip|zstd}
--compression-level INT
--deploy-retries NAME
--depot[=BOOLAUTO]
--depot-scope {app|org}
--detach
--dns-checks
--dockerfile PATH
-e --env KEYVALUE
--exclude-machines NAMES
--exclude-regions NAMES
--export-manifest TEXT ! writes a file under any name
--file-literal TEXT ! is no everyday work
--file-local TEXT ! reads files outside the workspace
--file-secret TEXT ! prints secrets
--flycast
--from-manifest TEXT ! reads configuration
--ha
--host-dedication-id NAME
--ignorefile PATH
-i --image IMAGEREF
--image-label NAME
--immediate-max-concurrent INT
--label KEYVALUE
--lease-timeout DURATION
--local-only ! runs a program
--max-concurrent INT
--max-unavailable NUMBER
--metrics-token TEXT ! replaces the credential
--nixpacks
--no-cache
--no-extensions
--no-public-ips
--now
--only-machines NAMES
--only-regions NAMES
--openssl ! is no everyday work
--primary-region NAME
--process-groups NAMES
--provision-extensions
--push
--recreate-builder
--regions NAMES
--release-command-timeout WORD
--remote-only[=BOOL]
--restart-only
--skip-health-checks
--skip-release-command
--smoke-checks
--strategy {canary|rolling|bluegreen|immediate}
--update-only
--vm-cpu-kind --vm-cpukind {shared|performance}
--vm-cpus INT
--vm-gpu-kind --vm-gpukind NAME
--vm-gpus INT
--vm-memory WORD
--vm-size NAME
--volume-initial-size INT
--wait-timeout WORD
--wg[=BOOL]
-y --yes

[deploy] write
use: build
args: [UPLOAD]
[launch] ! runs a program
[status] read
use: sel
--all
--deployment
--rate INT
--watch
[logs] read
use: sel
-i --instance NAME
--machine NAME
-n --no-tail
-r --region NAME
[releases] read
use: sel
--image
[history] read
use: sel
[info] read
use: sel
-o --org SLUG
[version] read
use: json
-s --saveinstall
[version upgrade,update] ! reconfigures the tool
[update] ! reconfigures the tool
[doctor] ! opens a tunnel
[dig] ! opens a tunnel
[ping] ! opens a tunnel
[platform regions|vm-sizes|status] read
use: json
[services list] read
use: sel
[checks list] read
use: sel
--check-name NAME
[help] read
args: [NAME...]

[apps list|ls] read
use: json
-o --org SLUG
-q --quiet
[apps create] write
use: json
--generate-name
--machines
--name SLUG
--network NAME
-o --org SLUG
--save
-y --yes
args: [SLUG]
[apps open] ! opens a browser
[apps releases] read
use: sel
--image
[apps restart] write
use: app
--force-stop
--skip-health-checks
args: [SLUG]
[apps destroy|delete|remove|rm] admin
-y --yes
args: SLUG...
[apps errors] read
use: sel
[apps move] ! moves the application
[apps resume|suspend] admin
args: [SLUG]
[open] ! opens a browser
[dashboard] ! opens a browser
[create] write
--name SLUG
--generate-name
--machines
-o --org SLUG
-j --json
args: [SLUG]
[destroy] admin
-y --yes
args: SLUG...
[move,resume,suspend] ! moves or stops the application

[config show|display] read
use: app
--local
--toml
--yaml
[config validate] read
use: app
-s --strict
[config env] ! prints secrets
[config save] ! overwrites the application's configuration

[machine|machines|m list|ls] read
use: sel
-q --quiet
[machine|machines|m status|show] read
use: app
-d --display-config
args: [MACHINE]
[machine|machines|m start|stop|restart|suspend|cordon|uncordon] write
use: app
--force
-s --signal NAME
--skip-health-checks
--time INT
-t --timeout INT
-w --wait-timeout WORD
args: [MACHINE...]
[machine|machines|m wait] read
use: app
--state NAME
-w --wait-timeout WORD
args: MACHINE
[machine|machines|m leases view] read
use: sel
args: [MACHINE...]
[machine|machines|m leases|lease] ! is no everyday work
[machine|machines|m destroy|remove|rm|delete] admin
use: app
-f --force
--image NAME
args: MACHINE...
[machine|machines|m kill] admin
use: app
args: MACHINE
[machine|machines|m update] admin
use: app
-i --image IMAGEREF
--metadata KEYVALUE
--vm-memory WORD
--vm-size NAME
--vm-cpus INT
--autostart[=BOOL]
--autostop[=NAME]
--restart NAME
--skip-health-checks
--skip-start
--wait-timeout WORD
-y --yes
args: MACHINE
[machine|machines|m clone] admin
use: app
--region NAME
--name NAME
args: MACHINE
[machine|machines|m exec,run,create,api-proxy,proxy,egress-ip,place] ! runs a program

[scale show] read
use: sel
[scale count] write
use: app
--max-per-region INT
--process-group NAME
--region NAMES
--with-new-volumes
-y --yes
args: COUNT...
[scale memory] write
use: app
--group -g --process-group NAME
args: INT
[scale vm] write
use: app
-g --process-group NAME
--vm-memory --memory WORD
args: NAME

[secrets list|ls] read
use: sel
[secrets set] admin
use: app
--detach
--stage
--dns-checks
args: KEYVALUE...
[secrets unset] admin
use: app
--detach
--stage
args: NAME...
[secrets deploy] admin
use: app
--detach
[secrets import,keys,sync] ! changes or prints secrets

[volumes|volume|vol list|ls] read
use: sel
--all
[volumes|volume|vol show] read
use: sel
args: NAME
[volumes|volume|vol create] write
use: sel
-r --region NAME
-s --size INT
-n --count INT
--no-encryption ! weakens protection
--require-unique-zone
--scheduled-snapshots
--snapshot-id NAME
--snapshot-retention INT
--vm-memory WORD
-y --yes
args: NAME
[volumes|volume|vol extend] write
use: sel
-s --size WORD
-y --yes
args: [NAME]
[volumes|volume|vol update] admin
use: sel
--scheduled-snapshots
--snapshot-retention INT
args: NAME
[volumes|volume|vol destroy|delete|rm] admin
use: app
-y --yes
args: NAME...
[volumes|volume|vol fork] admin
use: sel
-n --name NAME
-r --region NAME
args: NAME
[volumes|volume|vol snapshots|snapshot|snaps list|ls] read
use: sel
args: NAME
[volumes|volume|vol snapshots|snapshot|snaps create] write
use: sel
args: NAME

[ips list|ls] read
use: sel
[ips private] read
use: sel
[ips allocate|allocate-v4|allocate-v6|allocate-egress] admin
use: app
-r --region NAME
--shared
--private
-y --yes
[ips release] admin
use: app
args: WORD...
[certs|certificate list] read
use: sel
[certs|certificate show|check] read
use: sel
args: DOMAIN
[certs|certificate add|create] admin
use: sel
args: DOMAIN
[certs|certificate remove|delete] admin
use: sel
-y --yes
args: DOMAIN
[certs import,setup] ! changes certificates
[regions list] read
use: sel
[image show] read
use: sel
[image update] admin
use: app
--image IMAGEREF
--detach
--skip-health-checks
-y --yes
[orgs|org list] read
use: json
[orgs|org show] read
use: json
args: [SLUG]
[orgs|org] ! changes who has access
[postgres|pg list] read
use: json
[postgres|pg events list] read
use: app
-l --limit INT
[postgres|pg restart] admin
use: app
--force
--skip-health-checks
[postgres|pg] ! prints credentials of databases
[mpg list] read
use: json
-o --org SLUG
[mpg status] read
use: json
args: [NAME]
[mpg,redis,mysql,storage,extensions,ext,litefs-cloud,consul] ! prints credentials of databases
[redis list] read
[redis status] read
args: [NAME]
[storage list] read
use: sel
-o --org SLUG
[auth whoami] read
use: json
[auth token,login,logout,signup,docker] ! prints or moves the credential
[tokens list] read
use: sel
-o --org SLUG
-s --scope NAME
[tokens,token] ! prints the credential
[ssh,sftp,console,proxy,wireguard,wg] ! opens a tunnel or a shell
[agent,mcp,settings,incidents,metrics,turboku,synthetics,registry,domains,dns-records,dns,curl,jobs,kubernetes,k8s,dist,learn,docs,test-metrics,autoscale,builds,builder,logs-shipper,lfsc,image-update,sprites] ! is no everyday work
[login,logout,signup] ! changes the credential
"""

PROFILE: Final = Profile(
    tool="flyctl",
    about="applications on Fly.io",
    syntax=COBRA,
    grammar=GRAMMAR,
    types={
        "UPLOAD": ordinary(BUILT_IN["PATH"]),
        "SLUG": matching(r"[A-Za-z0-9][\w-]{0,100}", "an application's or organization's name"),
        "KEYVALUE": matching(r"[A-Za-z_][\w.-]{0,100}=[^\x00-\x1f\x7f]{0,2000}", "KEY=VALUE"),
        "NAMES": matching(r"[\w-]{1,40}(?:,[\w-]{1,40}){0,20}", "names"),
        "MACHINE": matching(r"[A-Za-z0-9]{6,40}", "a machine's id"),
        "COUNT": matching(r"[0-9]{1,4}|[a-z][\w-]{0,60}=[0-9]{1,4}", "N or GROUP=N"),
        "BOOLAUTO": matching(r"true|false|auto", "true, false or auto"),
        "IMAGEREF": matching(r"[a-z0-9][\w./-]{0,200}(?::[\w.-]{1,128})?(?:@sha256:[0-9a-f]{64})?", "an image"),
        "DOMAIN": matching(r"[A-Za-z0-9*][A-Za-z0-9.-]{0,200}", "a domain"),
    },
    harden=Hardening(
        env={"FLY_NO_UPDATE_CHECK": "1", "FLY_SEND_METRICS": "0", "CI": "1", "NO_COLOR": "1", "BROWSER": "/bin/true"},
        programs=(),
    ),
    companions={
        "api.machines.dev": ("api.fly.io", "registry.fly.io", "flyctl.fly.dev"),
        "api.fly.io": ("api.machines.dev", "registry.fly.io", "flyctl.fly.dev"),
    },
    credentials=("FLY_API_TOKEN", "FLY_ACCESS_TOKEN"),
    source="flyctl help COMMAND, 0.3",
)
