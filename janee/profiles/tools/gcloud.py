"""gcloud: what a coding agent asks of a project; reading, logs, builds and deployments of what exists.

Denied throughout: whatever shows credentials (`auth print-access-token`, `secrets versions access`, signed URLs, `--log-http`), other accounts,
configurations and identities, rights (policies, keys, service accounts), shells and tunnels (`compute ssh`), public access, flags from
files. Alpha and beta commands are denied. Facts: the tool's own tree of commands and flags, SDK 528.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import ARGPARSE
from janee.profiles.types import BUILT_IN, matching, ordinary, without

GRAMMAR: Final = r"""
[] read
-v --version
[]
-h --help
--project PROJECT
-q --quiet
--format FORMAT
--flatten TEXT
--filter TEXT
--verbosity {critical|error|info|none|warning}
--[no-]user-output-enabled
--billing-project PROJECT
--access-token-file TEXT ! moves the credential
--account TEXT ! acts as somebody else
--configuration TEXT ! reads configuration, which moves the credential
--flags-file TEXT ! flags that are not seen here
--impersonate-service-account TEXT ! acts as somebody else
--log-http ! prints the credential
--no-log-http
--trace-token TEXT ! moves the credential
--credential-file-override TEXT ! moves the credential
--authority-selector TEXT ! moves the credential
--authorization-token-file TEXT ! moves the credential
--http-timeout INT

%showing
--region VALUE
--location VALUE
--zone VALUE
--platform {managed}
%listing
--limit INT
--page-size INT
--sort-by VALUE
--uri
--region VALUE
--location VALUE
--platform {managed}

[auth list] read
use: listing
[auth] ! prints or changes the credential
[config get|get-value] read
args: {project|core/project|compute/region|compute/zone|run/region|run/platform|functions/region|builds/region|artifacts/location|core/account|account}
[config list] read
--all ! prints the credential
args: [{project|core/project|compute/region|compute/zone|run/region|account|core/account|core|compute|run}]
[config configurations list] read
use: listing
[config configurations] ! reconfigures the tool
[config] ! reconfigures the tool
[info] read
--show-log ! prints the credential
--run-diagnostics ! is no everyday work
[version] read
[help] read
args: [NAME...]
[topic] read
args: [NAME]
[projects get-iam-policy] read
args: NAME
[compute instances start] write
--zone VALUE
--async
args: NAME...
[compute instances stop] write
--zone VALUE
--async
--discard-local-ssd
args: NAME...
[compute instances reset] write
--zone VALUE
args: NAME...
[compute instances get-serial-port-output] read
--zone VALUE
--port INT
--start INT
args: NAME
%serving
--region VALUE
--platform {managed}
--async
--image IMAGE
--tag VALUE
--no-traffic
--clear-labels
--labels VALUE
--update-labels VALUE
--memory VALUE
--cpu VALUE
--concurrency VALUE
--min VALUE
--min-instances VALUE
--max-instances VALUE
--port VALUE
--timeout VALUE
--execution-environment {gen1|gen2}
--revision-suffix VALUE
--description TEXT
--ingress {internal|internal-and-cloud-load-balancing}
--set-env-vars ASSIGNMENTS
--update-env-vars ASSIGNMENTS
--remove-env-vars VALUE
--[no-]cpu-boost
--[no-]cpu-throttling
--[no-]session-affinity
--[no-]use-http2
--container VALUE
--command TEXT ! runs a program
--args TEXT ! runs a program
--service-account TEXT ! changes rights
--set-secrets TEXT ! moves secrets
--update-secrets TEXT ! moves secrets
--env-vars-file TEXT ! reads files of secrets
--add-volume TEXT ! moves secrets
--add-cloudsql-instances TEXT ! changes rights
--no-invoker-iam-check ! opens it to others
--vpc-connector TEXT ! moves it to another network
[run deploy] write
use: serving
--source PATH
--no-allow-unauthenticated
--allow-unauthenticated ! opens it to others
args: [NAME]
[run services update] write
use: serving
args: NAME
[run services update-traffic] write
--region VALUE
--platform {managed}
--async
--to-latest
--to-revisions VALUE
--to-tags VALUE
--set-tags VALUE
--update-tags VALUE
--remove-tags VALUE
--clear-tags
args: NAME
[run services logs read] read
use: listing
--freshness VALUE
--log-filter TEXT
--order {asc|desc}
args: NAME
[run services logs tail] ! is no everyday work
[run jobs logs read] read
use: listing
--freshness VALUE
--log-filter TEXT
--order {asc|desc}
args: NAME
[run jobs execute] write
--region VALUE
--async
--wait
--tasks INT
--task-timeout VALUE
--args TEXT ! runs a program
--update-env-vars TEXT ! runs a program
args: NAME
[run jobs executions list] read
use: listing
--job VALUE
[run jobs executions describe] read
use: showing
args: NAME
[run services delete] admin
--region VALUE
--platform {managed}
--async
args: NAME
[functions]
--[no-]gen2
--v2
[functions call] write
--region VALUE
--data TEXT
--gen2
args: NAME
[functions deploy] write
--region VALUE
--gen2
--runtime VALUE
--entry-point VALUE
--source PATH
--trigger-http
--trigger-topic VALUE
--trigger-bucket VALUE
--memory VALUE
--cpu VALUE
--timeout VALUE
--concurrency VALUE
--min-instances VALUE
--max-instances VALUE
--set-env-vars ASSIGNMENTS
--update-env-vars ASSIGNMENTS
--update-labels VALUE
--ingress-settings {internal-only|internal-and-gclb}
--[no-]retry
--no-allow-unauthenticated
--allow-unauthenticated ! opens it to others
--service-account TEXT ! changes rights
--run-service-account TEXT ! changes rights
--set-secrets TEXT ! moves secrets
--env-vars-file TEXT ! reads files of secrets
--build-env-vars-file TEXT ! reads files of secrets
args: NAME
[functions logs read] read
use: listing
--gen2
--execution-id VALUE
--start-time VALUE
--end-time VALUE
--min-log-level VALUE
args: [NAME]
[app deploy] write
--version VALUE
-v VALUE
--[no-]promote
--[no-]stop-previous-version
--[no-]cache
--image-url IMAGE
--bucket GSURI
--service-account TEXT ! changes rights
args: [PATH...]
[app logs read] read
use: listing
-s --service VALUE
-v --version VALUE
--level VALUE
--logs VALUE
--severity VALUE
[app describe] read
[app browse,open-console] ! opens a browser
[builds submit] write
--region VALUE
--async
--config PATH
-t --tag IMAGE
--substitutions VALUE
--timeout VALUE
--machine-type VALUE
--disk-size VALUE
--no-cache
--no-source
--suppress-logs
--ignore-file PATH
--git-source-revision VALUE
--service-account TEXT ! changes rights
--gcs-log-dir TEXT ! sends what is in the workspace to another place
--gcs-source-staging-dir TEXT ! sends what is in the workspace to another place
--worker-pool TEXT ! sends what is in the workspace to another place
--pack TEXT ! is no everyday work
args: [PATH]
[builds log] read
--region VALUE
--stream
args: NAME
[builds cancel] write
--region VALUE
args: NAME...
[builds triggers run] write
--region VALUE
--branch REF
--tag REF
--sha NAME
--substitutions VALUE
args: NAME
[logging read] read
--limit INT
--freshness VALUE
--order {asc|desc}
--bucket VALUE
--location VALUE
--view VALUE
--folder VALUE
--organization VALUE
--resource-names VALUE
--billing-account TEXT ! is no everyday work
args: [TEXT]
[logging write] write
--severity VALUE
--payload-type {text|json}
args: NAME TEXT
[pubsub topics publish] write
--message TEXT
--attribute VALUE
--ordering-key VALUE
args: NAME
[pubsub topics create] write
--labels VALUE
--message-retention-duration VALUE
args: NAME...
[pubsub subscriptions pull] read
--auto-ack @write
--limit INT
--wait
args: NAME
[pubsub subscriptions ack] write
--ack-ids VALUE
args: NAME
[scheduler jobs run] write
--location VALUE
args: NAME
[workflows execute|run] write
--location VALUE
--data TEXT
args: NAME
[container clusters get-credentials] ! prints the credential
[container images list] read
use: listing
--repository VALUE
[container images list-tags] read
use: listing
--show-occurrences
args: VALUE
[container images describe] read
use: showing
args: VALUE
[container images delete] admin
--force-delete-tags
args: VALUE...
[storage ls] read
-a --all-versions
-b --buckets
-e --etag
-L --full
-j --json
-l --long
-r -R --recursive
--readable-sizes
--soft-deleted
args: [GSURI...]
[storage cat] read
-d --display-url
-r --range VALUE
args: GSURI...
[storage du] read
-a --all-versions
-c --total
-r --readable-sizes
-s --summarize
args: [GSURI...]
[storage hash] read
args: GSURI...
[storage objects list] read
use: listing
args: GSURI...
[storage objects describe] read
args: GSURI
%transfer
-c --continue-on-error
-n --no-clobber
-r -R --recursive
--cache-control VALUE
--content-type VALUE
--content-encoding VALUE
--content-disposition VALUE
--content-language VALUE
--custom-metadata VALUE
--storage-class VALUE
-U --skip-unsupported
-Z --gzip-local-all
-z --gzip-local VALUE
-J --gzip-in-flight-all
-j --gzip-in-flight VALUE
--ignore-symlinks
-P --preserve-posix
-D --daisy-chain
--do-not-decompress
--print-created-message
-p --preserve-acl ! opens it to others
-a --canned-acl TEXT ! opens it to others
--predefined-acl TEXT ! opens it to others
-I --read-paths-from-stdin ! names that are not seen here
-L --manifest-path TEXT ! writes a file under any name
--decryption-keys TEXT ! takes a key
--encryption-key TEXT ! takes a key
--preserve-symlinks ! reads files outside the workspace
--additional-headers TEXT ! moves the credential
[storage cp] read
use: transfer
args: GSURI... SAVED
[storage cp] write
use: transfer
args: SENT... GSURI
[storage cp] write
use: transfer
args: GSURI... GSURI
[storage mv] write
use: transfer
args: SENT|GSURI GSURI
[storage rsync] read
use: transfer
--dry-run
--checksums-only
-x --exclude VALUE
--skip-if-dest-has-newer-mtime
--delete-unmatched-destination-objects @admin
args: GSURI SAVED
[storage rsync] write
use: transfer
--dry-run
--checksums-only
-x --exclude VALUE
--skip-if-dest-has-newer-mtime
--delete-unmatched-destination-objects @admin
args: SENT|GSURI GSURI
[storage rm] write
-c --continue-on-error
-r -R --recursive @admin
-a --all-versions @admin
--include-managed-folders ! is no everyday work
--exclude-managed-folders
-I --read-paths-from-stdin ! names that are not seen here
args: GSURI
[storage buckets create] write
-l --location VALUE
-c --default-storage-class VALUE
-b --[no-]uniform-bucket-level-access
--[no-]public-access-prevention
args: GSURI
[storage sign-url] ! prints the credential
[storage hmac] ! prints the credential
[storage buckets add-iam-policy-binding,remove-iam-policy-binding,set-iam-policy,update,delete,notifications] ! opens it to others
[storage objects update,add-iam-policy-binding,compose] ! opens it to others
[artifacts docker images list] read
use: listing
--include-tags
--occurrence-filter TEXT
--show-occurrences
args: VALUE
[artifacts print-settings] ! prints the credential
[secrets versions access] ! prints secrets
[secrets create,delete,update,replication,add-iam-policy-binding,set-iam-policy] ! changes secrets of others
[secrets versions add,destroy,disable,enable] ! changes secrets of others
[kms decrypt,encrypt,asymmetric-decrypt,asymmetric-sign,mac-sign,raw-decrypt] ! prints secrets
[iam service-accounts keys,create,add-iam-policy-binding,set-iam-policy,sign-blob,sign-jwt,delete,enable,disable,update] ! changes rights of others
[iam roles create,update,delete,copy] ! changes rights of others
[projects add-iam-policy-binding,set-iam-policy,remove-iam-policy-binding,create,delete,undelete,update] ! changes rights of others
[organizations add-iam-policy-binding,set-iam-policy,remove-iam-policy-binding] ! changes rights of others
[services enable] admin
--async
args: NAME...
[services disable] admin
--force
--async
args: NAME...
[services api-keys] ! prints the credential
[compute ssh,scp,start-iap-tunnel,connect-to-serial-port,config-ssh,reset-windows-password,sign-url,copy-files,os-login,project-info,tpus] ! opens a shell
[compute instances create,create-with-container,delete,add-metadata,update,set-service-account,add-iam-policy-binding,set-iam-policy,add-access-config,bulk,export,import,tail-serial-port-output] ! runs a program, or is no everyday work
[compute firewall-rules create,update,delete] ! opens it to others
[cloud-shell,workstations,workbench,notebooks] ! opens a shell
[sql connect,generate-login-token,export,import] ! prints the credential, or moves data elsewhere
[sql users create,set-password,delete] ! changes rights of others
[container clusters create,create-auto,delete,resize,update,upgrade] ! is no everyday work
[container hub,fleet,binauthz] ! is no everyday work
[components,init,feedback,survey,alpha,beta,preview,emulators,docker,interactive,cheat-sheet] ! runs a program, or reconfigures the tool
[projects describe] read
use: showing
args: NAME
[projects list] read
use: listing
args: [NAME...]
[compute instances describe] read
use: showing
--zone VALUE
args: NAME
[compute instances list] read
use: listing
--regexp VALUE
--zones VALUE
args: [NAME...]
[compute instances ops-agents policies describe] read
use: showing
--zone VALUE
args: NAME
[compute instances ops-agents policies list] read
use: listing
--zone VALUE
args: [NAME...]
[compute instances os-inventory describe] read
use: showing
--zone VALUE
args: NAME
[compute disks describe] read
use: showing
--region VALUE
--zone VALUE
args: NAME
[compute disks list] read
use: listing
--regexp VALUE
--regions VALUE
--zones VALUE
args: [NAME...]
[compute networks describe] read
use: showing
args: NAME
[compute networks list] read
use: listing
--regexp VALUE
args: [NAME...]
[compute networks peerings list] read
use: listing
--network VALUE
args: [NAME...]
[compute networks subnets describe] read
use: showing
--region VALUE
args: NAME
[compute networks subnets list] read
use: listing
--network VALUE
--regexp VALUE
--regions VALUE
args: [NAME...]
[compute networks vpc-access connectors describe] read
use: showing
--region VALUE
args: NAME
[compute networks vpc-access connectors list] read
use: listing
--region VALUE
args: [NAME...]
[compute networks vpc-access locations list] read
use: listing
args: [NAME...]
[compute networks vpc-access operations describe] read
use: showing
--region VALUE
args: NAME
[compute networks vpc-access operations list] read
use: listing
--region VALUE
args: [NAME...]
[compute firewall-rules describe] read
use: showing
args: NAME
[compute firewall-rules list] read
use: listing
--regexp VALUE
args: [NAME...]
[compute zones describe] read
use: showing
args: NAME
[compute zones list] read
use: listing
--regexp VALUE
args: [NAME...]
[compute regions describe] read
use: showing
args: NAME
[compute regions list] read
use: listing
--regexp VALUE
args: [NAME...]
[compute machine-types describe] read
use: showing
--zone VALUE
args: NAME
[compute machine-types list] read
use: listing
--regexp VALUE
--zones VALUE
args: [NAME...]
[compute images describe] read
use: showing
args: NAME
[compute images list] read
use: listing
--[no-]preview-images
--regexp VALUE
--[no-]show-deprecated
--[no-]standard-images
args: [NAME...]
[compute snapshots describe] read
use: showing
args: NAME
[compute snapshots list] read
use: listing
--regexp VALUE
args: [NAME...]
[compute addresses describe] read
use: showing
--[no-]global
--region VALUE
args: NAME
[compute addresses list] read
use: listing
--[no-]global
--regexp VALUE
--regions VALUE
args: [NAME...]
[compute instance-groups describe] read
use: showing
--region VALUE
--zone VALUE
args: NAME
[compute instance-groups list] read
use: listing
--[no-]only-managed
--[no-]only-unmanaged
--regexp VALUE
--regions VALUE
--zones VALUE
args: [NAME...]
[compute instance-groups managed describe] read
use: showing
--region VALUE
--zone VALUE
args: NAME
[compute instance-groups managed instance-configs list] read
use: listing
--region VALUE
--zone VALUE
args: [NAME...]
[compute instance-groups managed list] read
use: listing
--regexp VALUE
--regions VALUE
--zones VALUE
args: [NAME...]
[compute instance-groups managed resize-requests describe] read
use: showing
--resize-request VALUE
--zone VALUE
args: NAME
[compute instance-groups managed resize-requests list] read
use: listing
--zone VALUE
args: [NAME...]
[compute instance-groups unmanaged describe] read
use: showing
--zone VALUE
args: NAME
[compute instance-groups unmanaged list] read
use: listing
--regexp VALUE
--zones VALUE
args: [NAME...]
[compute forwarding-rules describe] read
use: showing
--[no-]global
--region VALUE
args: NAME
[compute forwarding-rules list] read
use: listing
--[no-]global
--regexp VALUE
--regions VALUE
args: [NAME...]
[compute backend-services describe] read
use: showing
--[no-]global
--region VALUE
args: NAME
[compute backend-services list] read
use: listing
--[no-]global
--regexp VALUE
--regions VALUE
args: [NAME...]
[compute url-maps describe] read
use: showing
--[no-]global
--region VALUE
args: NAME
[compute url-maps list] read
use: listing
--[no-]global
--regexp VALUE
--regions VALUE
args: [NAME...]
[compute ssl-certificates describe] read
use: showing
--[no-]global
--region VALUE
args: NAME
[compute ssl-certificates list] read
use: listing
--[no-]global
--regexp VALUE
--regions VALUE
args: [NAME...]
[compute routers describe] read
use: showing
--region VALUE
args: NAME
[compute routers list] read
use: listing
--regexp VALUE
--regions VALUE
args: [NAME...]
[compute routers nats describe] read
use: showing
--region VALUE
--router VALUE
args: NAME
[compute routers nats list] read
use: listing
--region VALUE
--router VALUE
args: [NAME...]
[compute routers nats rules describe] read
use: showing
--nat VALUE
--region VALUE
--router VALUE
args: NAME
[compute routers nats rules list] read
use: listing
--nat VALUE
--region VALUE
--router VALUE
args: [NAME...]
[compute instance-templates describe] read
use: showing
--[no-]global
--region VALUE
args: NAME
[compute instance-templates list] read
use: listing
--[no-]global
--regexp VALUE
--regions VALUE
args: [NAME...]
[compute health-checks describe] read
use: showing
--[no-]global
--region VALUE
args: NAME
[compute health-checks list] read
use: listing
--[no-]global
--protocol VALUE
--regexp VALUE
--regions VALUE
args: [NAME...]
[compute operations describe] read
use: showing
--[no-]global
--region VALUE
--zone VALUE
args: NAME
[compute operations list] read
use: listing
--[no-]global
--regexp VALUE
--regions VALUE
--zones VALUE
args: [NAME...]
[compute target-http-proxies describe] read
use: showing
--[no-]global
--region VALUE
args: NAME
[compute target-http-proxies list] read
use: listing
--[no-]global
--regexp VALUE
--regions VALUE
args: [NAME...]
[compute target-https-proxies describe] read
use: showing
--[no-]global
--region VALUE
args: NAME
[compute target-https-proxies list] read
use: listing
--[no-]global
--regexp VALUE
--regions VALUE
args: [NAME...]
[compute routes describe] read
use: showing
args: NAME
[compute routes list] read
use: listing
--regexp VALUE
args: [NAME...]
[compute accelerator-types describe] read
use: showing
--zone VALUE
args: NAME
[compute accelerator-types list] read
use: listing
args: [NAME...]
[compute disk-types describe] read
use: showing
--zone VALUE
args: NAME
[compute disk-types list] read
use: listing
--regexp VALUE
--zones VALUE
args: [NAME...]
[container clusters describe] read
use: showing
--location VALUE
--region VALUE
--zone VALUE
args: NAME
[container clusters list] read
use: listing
--location VALUE
--region VALUE
--zone VALUE
args: [NAME...]
[container node-pools describe] read
use: showing
--cluster VALUE
--location VALUE
--region VALUE
--zone VALUE
args: NAME
[container node-pools list] read
use: listing
--cluster VALUE
--location VALUE
--region VALUE
--zone VALUE
args: [NAME...]
[container operations describe] read
use: showing
--location VALUE
--region VALUE
--zone VALUE
args: NAME
[container operations list] read
use: listing
--location VALUE
--region VALUE
--zone VALUE
args: [NAME...]
[run services describe] read
use: showing
--namespace VALUE
--region VALUE
args: NAME
[run services list] read
use: listing
--region VALUE
args: [NAME...]
[run revisions describe] read
use: showing
--namespace VALUE
--region VALUE
args: NAME
[run revisions list] read
use: listing
--region VALUE
--service VALUE
args: [NAME...]
[run jobs describe] read
use: showing
--region VALUE
args: NAME
[run jobs executions tasks describe] read
use: showing
--region VALUE
args: NAME
[run jobs executions tasks list] read
use: listing
--[no-]abandoned
--[no-]cancelled
--[no-]completed
--execution VALUE
--[no-]failed
--[no-]pending
--region VALUE
--[no-]running
--[no-]started
--[no-]succeeded
args: [NAME...]
[run jobs list] read
use: listing
--region VALUE
args: [NAME...]
[run regions list] read
use: listing
args: [NAME...]
[functions describe] read
use: showing
--region VALUE
--[no-]v2
args: NAME
[functions event-types list] read
use: listing
--[no-]gen2
args: [NAME...]
[functions list] read
use: listing
--regions VALUE
--[no-]v2
args: [NAME...]
[functions regions list] read
use: listing
--[no-]gen2
args: [NAME...]
[functions runtimes list] read
use: listing
--region VALUE
args: [NAME...]
[app services describe] read
use: showing
args: NAME
[app services list] read
use: listing
args: [NAME...]
[app versions describe] read
use: showing
--service VALUE
args: NAME
[app versions list] read
use: listing
--[no-]hide-no-traffic
--service VALUE
args: [NAME...]
[app instances describe] read
use: showing
--service VALUE
args: NAME
[app instances list] read
use: listing
--service VALUE
args: [NAME...]
[sql instances describe] read
use: showing
args: NAME
[sql instances list] read
use: listing
--[no-]show-edition
--[no-]show-sql-network-architecture
--[no-]show-transactional-log-storage-state
args: [NAME...]
[sql databases describe] read
use: showing
--instance VALUE
args: NAME
[sql databases list] read
use: listing
--instance VALUE
args: [NAME...]
[sql operations describe] read
use: showing
args: NAME
[sql operations list] read
use: listing
--instance VALUE
args: [NAME...]
[sql backups describe] read
use: showing
--instance VALUE
args: NAME
[sql backups list] read
use: listing
--instance VALUE
args: [NAME...]
[sql users describe] read
use: showing
--host VALUE
--instance VALUE
args: NAME
[sql users list] read
use: listing
--instance VALUE
args: [NAME...]
[sql tiers list] read
use: listing
--[no-]show-edition
args: [NAME...]
[pubsub topics describe] read
use: showing
args: NAME
[pubsub topics list] read
use: listing
args: [NAME...]
[pubsub subscriptions describe] read
use: showing
args: NAME
[pubsub subscriptions list] read
use: listing
args: [NAME...]
[pubsub snapshots describe] read
use: showing
args: NAME
[pubsub snapshots list] read
use: listing
args: [NAME...]
[pubsub schemas describe] read
use: showing
args: NAME
[pubsub schemas list] read
use: listing
--view {basic|full}
args: [NAME...]
[storage buckets anywhere-caches describe] read
use: showing
--[no-]raw
args: NAME
[storage buckets anywhere-caches list] read
use: listing
--[no-]raw
args: [NAME...]
[storage buckets describe] read
use: showing
--additional-headers VALUE
--[no-]raw
args: NAME
[storage buckets list] read
use: listing
--additional-headers VALUE
--[no-]raw
args: [NAME...]
[storage buckets notifications describe] read
use: showing
args: NAME
[storage buckets notifications list] read
use: listing
args: [NAME...]
[logging logs list] read
use: listing
--bucket VALUE
--location VALUE
--view VALUE
args: [NAME...]
[logging sinks describe] read
use: showing
--billing-account VALUE
--folder VALUE
--organization VALUE
args: NAME
[logging sinks list] read
use: listing
--billing-account VALUE
--folder VALUE
--organization VALUE
--sink-filter VALUE
args: [NAME...]
[logging buckets describe] read
use: showing
--billing-account VALUE
--folder VALUE
--location VALUE
--organization VALUE
args: NAME
[logging buckets list] read
use: listing
--billing-account VALUE
--folder VALUE
--location VALUE
--organization VALUE
args: [NAME...]
[logging metrics describe] read
use: showing
args: NAME
[logging metrics list] read
use: listing
args: [NAME...]
[builds connections describe] read
use: showing
--region VALUE
args: NAME
[builds connections list] read
use: listing
--region VALUE
args: [NAME...]
[builds describe] read
use: showing
--region VALUE
args: NAME
[builds list] read
use: listing
--[no-]ongoing
--region VALUE
args: [NAME...]
[builds repositories describe] read
use: showing
--connection VALUE
--region VALUE
args: NAME
[builds repositories list] read
use: listing
--connection VALUE
--region VALUE
args: [NAME...]
[builds triggers describe] read
use: showing
--region VALUE
args: NAME
[builds triggers list] read
use: listing
--region VALUE
args: [NAME...]
[builds worker-pools describe] read
use: showing
--region VALUE
args: NAME
[builds worker-pools list] read
use: listing
--region VALUE
args: [NAME...]
[artifacts repositories describe] read
use: showing
--location VALUE
args: NAME
[artifacts repositories list] read
use: listing
--location VALUE
args: [NAME...]
[artifacts packages describe] read
use: showing
--location VALUE
--repository VALUE
args: NAME
[artifacts packages list] read
use: listing
--location VALUE
--repository VALUE
args: [NAME...]
[artifacts versions describe] read
use: showing
--location VALUE
--package VALUE
--repository VALUE
args: NAME
[artifacts versions list] read
use: listing
--location VALUE
--package VALUE
--repository VALUE
args: [NAME...]
[artifacts tags list] read
use: listing
--location VALUE
--package VALUE
--repository VALUE
args: [NAME...]
[artifacts docker images describe] read
use: showing
--metadata-filter VALUE
--[no-]show-all-metadata
--[no-]show-build-details
--[no-]show-deployment
--[no-]show-image-basis
--[no-]show-package-vulnerability
--[no-]show-provenance
--[no-]show-sbom-references
args: NAME
[artifacts docker tags list] read
use: listing
args: [NAME...]
[artifacts locations list] read
use: listing
args: [NAME...]
[iam roles describe] read
use: showing
--organization VALUE
args: NAME
[iam roles list] read
use: listing
--organization VALUE
--[no-]show-deleted
args: [NAME...]
[iam service-accounts describe] read
use: showing
args: NAME
[iam service-accounts keys list] read
use: listing
--created-before VALUE
--iam-account VALUE
--managed-by {any|system|user}
args: [NAME...]
[iam service-accounts list] read
use: listing
args: [NAME...]
[iam workload-identity-pools describe] read
use: showing
--location VALUE
args: NAME
[iam workload-identity-pools list] read
use: listing
--location VALUE
--[no-]show-deleted
args: [NAME...]
[iam workload-identity-pools managed-identities describe] read
use: showing
--location VALUE
--namespace VALUE
--workload-identity-pool VALUE
args: NAME
[iam workload-identity-pools managed-identities list] read
use: listing
--location VALUE
--namespace VALUE
--[no-]show-deleted
--workload-identity-pool VALUE
args: [NAME...]
[iam workload-identity-pools managed-identities operations describe] read
use: showing
--location VALUE
--managed-identity VALUE
--namespace VALUE
--workload-identity-pool VALUE
args: NAME
[iam workload-identity-pools namespaces describe] read
use: showing
--location VALUE
--workload-identity-pool VALUE
args: NAME
[iam workload-identity-pools namespaces list] read
use: listing
--location VALUE
--[no-]show-deleted
--workload-identity-pool VALUE
args: [NAME...]
[iam workload-identity-pools namespaces operations describe] read
use: showing
--location VALUE
--namespace VALUE
--workload-identity-pool VALUE
args: NAME
[iam workload-identity-pools operations describe] read
use: showing
--location VALUE
--workload-identity-pool VALUE
args: NAME
[iam workload-identity-pools providers describe] read
use: showing
--location VALUE
--workload-identity-pool VALUE
args: NAME
[iam workload-identity-pools providers keys describe] read
use: showing
--location VALUE
--provider VALUE
--workload-identity-pool VALUE
args: NAME
[iam workload-identity-pools providers keys list] read
use: listing
--location VALUE
--provider VALUE
--[no-]show-deleted
--workload-identity-pool VALUE
args: [NAME...]
[iam workload-identity-pools providers keys operations describe] read
use: showing
--key VALUE
--location VALUE
--provider VALUE
--workload-identity-pool VALUE
args: NAME
[iam workload-identity-pools providers list] read
use: listing
--location VALUE
--[no-]show-deleted
--workload-identity-pool VALUE
args: [NAME...]
[iam workload-identity-pools providers operations describe] read
use: showing
--location VALUE
--provider VALUE
--workload-identity-pool VALUE
args: NAME
[secrets describe] read
use: showing
--location VALUE
args: NAME
[secrets list] read
use: listing
--location VALUE
args: [NAME...]
[secrets locations describe] read
use: showing
args: NAME
[secrets locations list] read
use: listing
args: [NAME...]
[secrets versions describe] read
use: showing
--location VALUE
--secret VALUE
args: NAME
[secrets versions list] read
use: listing
--location VALUE
args: [NAME...]
[dns managed-zones describe] read
use: showing
--location VALUE
args: NAME
[dns managed-zones list] read
use: listing
--location VALUE
args: [NAME...]
[dns record-sets changes describe] read
use: showing
--zone VALUE
args: NAME
[dns record-sets changes list] read
use: listing
--sort-order {ascending|descending}
--zone VALUE
args: [NAME...]
[dns record-sets describe] read
use: showing
--location VALUE
--type VALUE
--zone VALUE
args: NAME
[dns record-sets list] read
use: listing
--location VALUE
--name VALUE
--type VALUE
--zone VALUE
args: [NAME...]
[dns record-sets transaction describe] read
use: showing
--zone VALUE
args: NAME
[services api-keys describe] read
use: showing
--location VALUE
args: NAME
[services api-keys list] read
use: listing
--[no-]show-deleted
args: [NAME...]
[services list] read
use: listing
--[no-]available
--[no-]enabled
args: [NAME...]
[services operations describe] read
use: showing
--full VALUE
args: NAME
[services peered-dns-domains list] read
use: listing
--network VALUE
--service VALUE
args: [NAME...]
[services vpc-peerings list] read
use: listing
--network VALUE
--service VALUE
args: [NAME...]
[services vpc-peerings operations describe] read
use: showing
--name VALUE
args: NAME
[scheduler jobs describe] read
use: showing
--location VALUE
args: NAME
[scheduler jobs list] read
use: listing
--location VALUE
args: [NAME...]
[tasks queues describe] read
use: showing
--location VALUE
args: NAME
[tasks queues list] read
use: listing
--location VALUE
args: [NAME...]
[redis instances describe] read
use: showing
--region VALUE
args: NAME
[redis instances list] read
use: listing
--region VALUE
args: [NAME...]
[spanner instances describe] read
use: showing
args: NAME
[spanner instances list] read
use: listing
args: [NAME...]
[spanner databases ddl describe] read
use: showing
--[no-]include-proto-descriptors
--instance VALUE
args: NAME
[spanner databases describe] read
use: showing
--instance VALUE
args: NAME
[spanner databases list] read
use: listing
--instance VALUE
args: [NAME...]
[spanner databases roles list] read
use: listing
--database VALUE
--instance VALUE
args: [NAME...]
[spanner databases sessions list] read
use: listing
--database VALUE
--instance VALUE
--server-filter VALUE
args: [NAME...]
[spanner databases splits list] read
use: listing
--instance VALUE
args: [NAME...]
[bigtable instances describe] read
use: showing
args: NAME
[bigtable instances list] read
use: listing
args: [NAME...]
[bigtable instances tables describe] read
use: showing
--instance VALUE
--view {encryption|full|name|replication|schema|stats}
args: NAME
[bigtable instances tables list] read
use: listing
--instances VALUE
args: [NAME...]
[bigtable clusters describe] read
use: showing
--instance VALUE
args: NAME
[bigtable clusters list] read
use: listing
--instances VALUE
args: [NAME...]
[dataproc clusters describe] read
use: showing
--region VALUE
args: NAME
[dataproc clusters list] read
use: listing
--region VALUE
args: [NAME...]
[dataproc jobs describe] read
use: showing
--region VALUE
args: NAME
[dataproc jobs list] read
use: listing
--cluster VALUE
--region VALUE
--state-filter {active|inactive}
args: [NAME...]
[dataflow jobs describe] read
use: showing
--[no-]full
--region VALUE
args: NAME
[dataflow jobs list] read
use: listing
--created-after VALUE
--created-before VALUE
--region VALUE
--status {active|all|terminated}
args: [NAME...]
[deploy releases describe] read
use: showing
--delivery-pipeline VALUE
--region VALUE
args: NAME
[deploy releases list] read
use: listing
--delivery-pipeline VALUE
--region VALUE
args: [NAME...]
[deploy rollouts describe] read
use: showing
--delivery-pipeline VALUE
--region VALUE
--release VALUE
args: NAME
[deploy rollouts list] read
use: listing
--delivery-pipeline VALUE
--region VALUE
--release VALUE
args: [NAME...]
[deploy delivery-pipelines describe] read
use: showing
--region VALUE
args: NAME
[deploy delivery-pipelines list] read
use: listing
--region VALUE
args: [NAME...]
[deploy targets describe] read
use: showing
--delivery-pipeline VALUE
--[no-]list-all-pipelines
--region VALUE
--[no-]skip-pipeline-lookup
args: NAME
[deploy targets list] read
use: listing
--region VALUE
args: [NAME...]
[workflows describe] read
use: showing
--location VALUE
--revision-id VALUE
args: NAME
[workflows executions describe] read
use: showing
--location VALUE
--workflow VALUE
args: NAME
[workflows executions list] read
use: listing
--location VALUE
args: [NAME...]
[workflows list] read
use: listing
--location VALUE
args: [NAME...]
[eventarc triggers describe] read
use: showing
--location VALUE
args: NAME
[eventarc triggers list] read
use: listing
--location VALUE
args: [NAME...]
[firestore databases describe] read
use: showing
--database VALUE
args: NAME
[firestore databases list] read
use: listing
--[no-]show-deleted
args: [NAME...]
[firestore indexes composite describe] read
use: showing
--database VALUE
args: NAME
[firestore indexes composite list] read
use: listing
--database VALUE
args: [NAME...]
[firestore indexes fields describe] read
use: showing
--collection-group VALUE
--database VALUE
args: NAME
[firestore indexes fields list] read
use: listing
--collection-group VALUE
--database VALUE
args: [NAME...]
[ai models describe] read
use: showing
--region VALUE
args: NAME
[ai models list] read
use: listing
--region VALUE
args: [NAME...]
[ai endpoints describe] read
use: showing
--region VALUE
args: NAME
[ai endpoints list] read
use: listing
--[no-]list-model-garden-endpoints-only
--region VALUE
args: [NAME...]
[kms keyrings describe] read
use: showing
--location VALUE
args: NAME
[kms keyrings list] read
use: listing
--location VALUE
args: [NAME...]
[kms keys describe] read
use: showing
--keyring VALUE
--location VALUE
args: NAME
[kms keys list] read
use: listing
--keyring VALUE
--location VALUE
args: [NAME...]
[kms keys versions describe] read
use: showing
--key VALUE
--keyring VALUE
--location VALUE
args: NAME
[kms keys versions list] read
use: listing
--key VALUE
--keyring VALUE
--location VALUE
args: [NAME...]
[kms locations list] read
use: listing
args: [NAME...]
[filestore instances describe] read
use: showing
--location VALUE
--region VALUE
--zone VALUE
args: NAME
[filestore instances list] read
use: listing
--location VALUE
--region VALUE
--zone VALUE
args: [NAME...]
[filestore instances snapshots describe] read
use: showing
--instance VALUE
--instance-location VALUE
--instance-region VALUE
args: NAME
[filestore instances snapshots list] read
use: listing
--instance VALUE
--instance-location VALUE
--instance-region VALUE
args: [NAME...]
[composer environments describe] read
use: showing
--location VALUE
args: NAME
[composer environments list] read
use: listing
--locations VALUE
args: [NAME...]
[composer environments storage dags list] read
use: listing
--environment VALUE
--location VALUE
args: [NAME...]
[composer environments storage data list] read
use: listing
--environment VALUE
--location VALUE
args: [NAME...]
[composer environments storage plugins list] read
use: listing
--environment VALUE
--location VALUE
args: [NAME...]
[composer environments user-workloads-config-maps describe] read
use: showing
--environment VALUE
--location VALUE
args: NAME
[composer environments user-workloads-config-maps list] read
use: listing
--environment VALUE
--location VALUE
args: [NAME...]
[composer environments user-workloads-secrets describe] read
use: showing
--environment VALUE
--location VALUE
args: NAME
[composer environments user-workloads-secrets list] read
use: listing
--environment VALUE
--location VALUE
args: [NAME...]
[organizations describe] read
use: showing
args: NAME
[organizations list] read
use: listing
args: [NAME...]
[billing accounts describe] read
use: showing
args: NAME
[billing accounts list] read
use: listing
args: [NAME...]
[asset feeds describe] read
use: showing
--folder VALUE
--organization VALUE
args: NAME
[asset feeds list] read
use: listing
--folder VALUE
--organization VALUE
args: [NAME...]
[asset list] read
use: listing
--asset-types VALUE
--content-type {access-policy|iam-policy|org-policy|os-inventory|relationship|resource}
--folder VALUE
--organization VALUE
--relationship-types VALUE
--snapshot-time VALUE
args: [NAME...]
[asset operations describe] read
use: showing
args: NAME
[asset saved-queries describe] read
use: showing
--folder VALUE
--organization VALUE
args: NAME
[asset saved-queries list] read
use: listing
--folder VALUE
--organization VALUE
args: [NAME...]
[asset search-all-resources] read
use: listing
--asset-types VALUE
--order-by VALUE
--query VALUE
--read-mask VALUE
--scope VALUE
args: [NAME...]
"""

_OUTSIDE: Final = (r"^\s*(?:file|https?)://", "reads files or fetches from another place")
_URI: Final = r"gs://[a-z0-9][a-z0-9._-]{1,221}(?:/[^\x00-\x1f\x7f]{0,1000})?"
_LOADER: Final = (
    r"LD_[A-Z]|[A-Z]*_?PROXY|PATH|NODE_OPTIONS|PYTHON(?:PATH|STARTUP|HOME)|BASH_ENV|JAVA_TOOL_OPTIONS|RUBYOPT|PERL5OPT"
)

PROFILE: Final = Profile(
    tool="gcloud",
    about="a project at Google's cloud",
    syntax=ARGPARSE,
    grammar=GRAMMAR,
    types={
        "PROJECT": matching(r"[a-z][a-z0-9.:-]{2,80}|[0-9]{4,20}", "a project"),
        "VALUE": without(BUILT_IN["WORD"], _OUTSIDE),
        "ASSIGNMENTS": without(
            matching(r"[^\x00-\x1f\x7f-][^\x00-\x1f\x7f]{0,4000}", "NAME=VALUE,…"),
            (rf"(?:^|[,:^@|;])(?:{_LOADER})[A-Z_]*=", "runs a program"),
        ),
        "FORMAT": matching(r"(?!flattened\(env)[A-Za-z][^\x00-\x1f\x7f]{0,1000}", "a format"),
        "NAME": matching(r"[A-Za-z0-9][\w.:/@%+~#-]{0,300}", "a name"),
        "IMAGE": matching(
            r"(?:(?:[a-z]+\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev)/[a-z0-9][\w./-]{0,250}(?::[\w.$-]{1,128})?(?:@sha256:[0-9a-f]{64})?",
            "an image in the project's registries",
        ),
        "GSURI": matching(_URI, "gs://BUCKET/OBJECT"),
        "SAVED": BUILT_IN["PATH"],
        "SENT": without(
            ordinary(BUILT_IN["PATH"]),
            (
                r"^(?:\.?/?|/home/[^/]*/?[^/]*/?|\.?/?\*)$|^\.(?!/|gitignore|dockerignore|editorconfig)[\w-]+/?$",
                "sends the whole workspace",
            ),
        ),
    },
    harden=Hardening(
        env={
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
            "CLOUDSDK_CORE_DISABLE_FILE_LOGGING": "1",
            "CLOUDSDK_CORE_LOG_HTTP": "0",
            "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
            "CLOUDSDK_CORE_CHECK_GCE_METADATA": "0",
            "CLOUDSDK_PROXY_ADDRESS": "",
        },
    ),
    delivery="file",
    credentials=("CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS"),
    source="the tree of commands that the SDK 528 ships; gcloud help",
)
