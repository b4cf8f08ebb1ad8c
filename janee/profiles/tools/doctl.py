"""doctl: droplets, applications, clusters and domains of the service's DigitalOcean account.

Denied throughout: tokens and other servers, stored contexts, kubeconfigs and registry logins (they are credentials), connection
strings of databases, shells and tunnels, serverless functions' local builds, and files outside the workspace. Creation and
deletion of paid things, keys, firewalls and rights need `admin`. Facts: `doctl help COMMAND`, 1.120.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import COBRA
from janee.profiles.types import matching

GRAMMAR: Final = r"""
[]
-h --help
-t --access-token TEXT ! replaces the credential
-u --api-url TEXT ! moves the credential
-c --config TEXT ! reads configuration
--context TEXT ! replaces the credential
--trace ! prints the credential
-v --verbose ! prints the credential
--http-retry-max INT
--http-retry-wait-max INT
--http-retry-wait-min INT
--interactive
-o --output {text|json}

%list
--format FIELDS
--no-header

[version] read
[help] read
args: [NAME...]
[completion] ! is no everyday work
[auth] ! changes or prints the credential
[account get|g] read
use: list
[account ratelimit|rl] read
use: list
[balance get] read
use: list
[billing-history list] read
use: list
[invoice list] read
use: list
[invoice get|summary] read
use: list
args: ID
[invoice] ! writes a file under any name
[1-click list] read
use: list
--type NAME
[1-click] ! is no everyday work
[projects list|ls] read
use: list
[projects get|g] read
use: list
args: ID
[projects resources list|ls] read
use: list
args: ID
[projects resources get] read
use: list
args: WORD
[projects create|c] admin
use: list
--name TEXT
--description TEXT
--environment NAME
--purpose TEXT
[projects update|delete|resources] ! is no everyday work

[apps|app|a list|ls] read
use: list
--with-projects
[apps|app|a get|g] read
use: list
args: ID
[apps|app|a create|c] admin
use: list
--spec SPEC
--project-id ID
--update-sources
--upsert
--wait
[apps|app|a update|u] write
use: list
--spec SPEC
--update-sources
--wait
args: ID
[apps|app|a delete|d|rm] admin
-f --force
args: ID
[apps|app|a create-deployment|cd] write
use: list
--force-rebuild
--update-sources
--wait
args: ID
[apps|app|a cancel-deployment] write
use: list
args: ID ID
[apps|app|a restart|r] write
use: list
--components NAMES
--wait
args: ID
[apps|app|a list-deployments|lsd] read
use: list
args: ID
[apps|app|a get-deployment|gd] read
use: list
args: ID ID
[apps|app|a logs|l] read
--deployment ID
-f --follow
--no-prefix
--tail INT
--type {build|deploy|run|run_restarted}
args: ID [NAME]
[apps|app|a list-regions] read
use: list
[apps|app|a list-alerts|la] read
use: list
args: ID
[apps|app|a list-buildpacks] read
use: list
[apps|app|a list-instances] read
use: list
args: ID
[apps|app|a list-job-invocations|get-job-invocation] read
use: list
args: ID [ID]
[apps|app|a propose] read
use: list
--spec SPEC
--app ID
[apps|app|a spec validate] read
--schema-only
args: SPEC
[apps|app|a spec get] ! prints secrets
[apps|app|a tier instance-size list|ls] read
use: list
[apps|app|a tier instance-size get] read
use: list
args: ID
[apps|app|a console] ! opens a shell
[apps|app|a dev] ! runs a program
[apps|app|a update-alert-destinations,upgrade-buildpack] ! is no everyday work

[compute droplet|d list|ls] read
use: list
--region NAME
--tag-name NAME
--gpus
args: [WORD...]
[compute droplet|d get|g] read
use: list
--template TEXT ! is no everyday work
args: ID
[compute droplet|d actions|a|kernels|k|neighbors|n|snapshots|s|backups|b] read
use: list
args: ID
[compute droplet|d list-associated-resources] read
use: list
args: ID
[compute droplet|d tag] write
--tag-name --tag-names NAMES
args: ID...
[compute droplet|d untag] write
--tag-name NAMES
args: ID...
[compute droplet|d create|c] admin
use: list
--image NAME
--region NAME
--size NAME
--ssh-keys NAMES
--tag-name NAME
--tag-names NAMES
--volumes NAMES
--vpc-uuid ID
--enable-backups
--enable-ipv6
--enable-monitoring
--enable-private-networking
--wait
--project-id ID
--user-data TEXT ! runs a program
--user-data-file TEXT ! runs a program
args: NAME...
[compute droplet|d delete|rm|del] admin
-f --force
--tag-name NAME
args: [ID...]
[compute droplet|d] ! is no everyday work
[compute droplet-action get] read
use: list
--action-id INT
args: ID
[compute droplet-action reboot|power-cycle|power-on|power-off|shutdown|snapshot] admin
use: list
--snapshot-name NAME
--wait
args: ID
[compute droplet-action] ! is no everyday work
[compute action|actions list|ls] read
use: list
--action-type NAME
--after WORD
--before WORD
--region NAME
--resource-type NAME
--status NAME
[compute action|actions get] read
use: list
args: INT
[compute action|actions wait] read
use: list
--poll-timeout INT
args: INT
[compute image|images list|list-user|list-application|list-distribution|ls] read
use: list
--public
[compute image|images get] read
use: list
args: ID
[compute image|images] ! is no everyday work
[compute image-action] ! is no everyday work
[compute region|regions list|ls] read
use: list
[compute size|sizes list|ls] read
use: list
[compute snapshot|snapshots list|ls] read
use: list
--region NAME
--resource NAME
args: [WORD...]
[compute snapshot|snapshots get] read
use: list
args: ID...
[compute snapshot|snapshots delete] admin
-f --force
args: ID...
[compute volume|volumes list|ls] read
use: list
--region NAME
args: [WORD...]
[compute volume|volumes get] read
use: list
args: ID
[compute volume|volumes delete] admin
-f --force
args: ID
[compute volume,volume-action] ! is no everyday work
[compute tag|tags list|ls] read
use: list
[compute tag|tags get] read
use: list
args: NAME
[compute tag|tags create] write
use: list
args: NAME
[compute tag|tags delete] admin
-f --force
args: NAME
[compute tag|tags] ! is no everyday work
[compute domain|domains list|ls] read
use: list
[compute domain|domains get] read
use: list
args: DOMAIN
[compute domain|domains records list|ls] read
use: list
args: DOMAIN
[compute domain|domains create] admin
use: list
--ip-address WORD
args: DOMAIN
[compute domain|domains delete] admin
-f --force
args: DOMAIN
[compute domain|domains records create] admin
use: list
--record-type NAME
--record-name WORD
--record-data TEXT
--record-ttl INT
--record-priority INT
args: DOMAIN
[compute domain|domains records update] admin
use: list
--record-id INT
--record-type NAME
--record-name WORD
--record-data TEXT
--record-ttl INT
args: DOMAIN
[compute domain|domains records delete] admin
-f --force
args: DOMAIN INT...
[compute firewall list|ls] read
use: list
[compute firewall get] read
use: list
args: ID
[compute firewall list-by-droplet] read
use: list
args: ID
[compute firewall] ! changes who has access
[compute load-balancer list|ls] read
use: list
[compute load-balancer get] read
use: list
args: ID
[compute load-balancer] ! is no everyday work
[compute certificate list|ls] read
use: list
[compute certificate get] read
use: list
args: ID
[compute certificate] ! changes certificates
[compute cdn list|ls] read
use: list
[compute cdn get] read
use: list
args: ID
[compute cdn flush] write
--files NAMES
args: ID
[compute cdn] ! is no everyday work
[compute reserved-ip|floating-ip|reserved-ipv6 list|ls] read
use: list
--region NAME
[compute reserved-ip|floating-ip get] read
use: list
args: WORD
[compute reserved-ip,reserved-ip-action,floating-ip-action,reserved-ipv6] ! is no everyday work
[compute ssh-key|ssh-keys list|ls] read
use: list
[compute ssh-key|ssh-keys get] read
use: list
args: WORD
[compute ssh-key|ssh-keys] ! changes who has access
[compute ssh] ! opens a shell
[compute connect] ! opens a shell

[databases|db|dbs list|ls] ! prints credentials of databases
[databases|db|dbs] ! prints credentials of databases
[databases|db|dbs options engines|regions|versions|slugs|layouts] read
use: list
--engine NAME
[databases|db|dbs backups] read
use: list
args: ID
[databases|db|dbs db list|ls] read
use: list
args: ID
[databases|db|dbs replica list|ls] ! prints credentials of databases
[databases|db|dbs maintenance-window get] read
use: list
args: ID
[databases|db|dbs events list] read
use: list
args: ID

[kubernetes|kube|k8s|k cluster list|ls] read
use: list
[kubernetes|kube|k8s|k cluster get|g] read
use: list
args: NAME
[kubernetes|kube|k8s|k cluster get-upgrades] read
use: list
args: NAME
[kubernetes|kube|k8s|k cluster list-associated-resources] read
use: list
args: NAME
[kubernetes|kube|k8s|k cluster node-pool list|ls] read
use: list
args: NAME
[kubernetes|kube|k8s|k cluster node-pool get|g] read
use: list
args: NAME NAME
[kubernetes|kube|k8s|k cluster node-pool update] admin
use: list
--count INT
--min-nodes INT
--max-nodes INT
--auto-scale[=BOOL]
--name NAME
args: NAME NAME
[kubernetes|kube|k8s|k cluster node-pool] ! is no everyday work
[kubernetes|kube|k8s|k cluster kubeconfig|cfg] ! prints or stores the credential
[kubernetes|kube|k8s|k cluster delete] admin
-f --force
--update-kubeconfig ! reconfigures the tool
args: NAME...
[kubernetes|kube|k8s|k cluster] ! is no everyday work
[kubernetes|kube|k8s|k options regions|sizes|versions] read
use: list
[kubernetes|kube|k8s|k 1-click list] read
use: list
[kubernetes|kube|k8s|k 1-click] ! runs a program

[registry|reg|r get] read
use: list
[registry|reg|r repository list|list-v2] read
use: list
[registry|reg|r repository list-tags|list-manifests|lt] read
use: list
args: SLUG
[registry|reg|r repository delete-tag|dt] admin
-f --force
args: SLUG NAME...
[registry|reg|r repository delete-manifest] admin
-f --force
args: SLUG WORD...
[registry|reg|r garbage-collection list] read
use: list
args: [NAME]
[registry|reg|r garbage-collection get-active] read
use: list
args: [NAME]
[registry|reg|r garbage-collection] ! deletes images
[registry|reg|r options available-regions|subscription-tiers] read
use: list
[registry|reg|r] ! prints or moves the credential
[registries] ! prints or moves the credential

[monitoring alert list] read
use: list
[monitoring alert get] read
use: list
args: ID
[monitoring uptime list] read
use: list
[monitoring] ! is no everyday work
[vpcs list|ls] read
use: list
[vpcs get] read
use: list
args: ID
[vpcs] ! is no everyday work
[serverless,sls,sbx,sandbox] ! runs a program
[spaces] ! prints the credential
[genai,gradient,network,security,dedicated-inference,byoip-prefix,nfs,vector-databases] ! is no everyday work
"""

PROFILE: Final = Profile(
    tool="doctl",
    about="DigitalOcean's accounts",
    syntax=COBRA,
    grammar=GRAMMAR,
    types={
        "ID": matching(r"[A-Za-z0-9][\w.-]{0,100}", "an id or a name"),
        "SLUG": matching(r"[a-z0-9][\w./-]{0,200}", "a repository's name"),
        "NAMES": matching(r"[\w.*/:-]{1,100}(?:,[\w.*/:-]{1,100}){0,30}", "names"),
        "FIELDS": matching(r"[A-Za-z][\w.]{0,60}(?:,[ ]?[A-Za-z][\w.]{0,60}){0,40}", "names of columns"),
        # a file of the workspace that the service reads as a specification; other names could be anything
        "SPEC": matching(
            r"-|(?:\./)?(?:\.?[\w-][\w.-]{0,60}/){0,6}\.?[\w-][\w.-]{0,60}\.(?:ya?ml|json)",
            "a file .yaml or .json of the workspace",
        ),
        "DOMAIN": matching(r"[A-Za-z0-9*][A-Za-z0-9.-]{0,200}", "a domain"),
    },
    harden=Hardening(env={"CI": "1", "NO_COLOR": "1"}, programs=()),
    credentials=("DIGITALOCEAN_ACCESS_TOKEN", "DIGITALOCEAN_TOKEN"),
    source="doctl help COMMAND, 1.120",
)
