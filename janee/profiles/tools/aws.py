"""aws: what a coding agent asks of its account; reading, logs, deployments of what exists.

Denied throughout: whatever shows credentials or secrets (`sts assume-role`, `ecr get-login-password`, `secretsmanager
get-secret-value`, `configure`, presigned URLs, `--debug`), other endpoints, other profiles (`credential_process` runs programs), rights
(IAM and policies are read-only), shells (`ssm`, `ecs execute-command`), parameters from the net or from files outside the workspace
(`file://` works in every value). A service or operation that is not here is denied: of the thousands there are, these are the ones in daily use.
Facts: the tool's own service models (botocore 1.43) and `aws help`, 1.45.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import ARGPARSE
from janee.profiles.types import BUILT_IN, either, matching, ordinary, without

GRAMMAR: Final = r"""
[] read
--version
[]
--region REGION
--output {json|text|table|yaml|yaml-stream|off}
--query JMESPATH
--[no-]paginate
--no-cli-pager
--no-cli-auto-prompt
--color {on|off|auto}
--cli-read-timeout INT
--cli-connect-timeout INT
--cli-binary-format {base64|raw-in-base64-out}
--no-sign-request
--generate-cli-skeleton[={input|output|yaml-input}]
--debug ! prints the credential
--endpoint-url TEXT ! moves the credential
--no-verify-ssl ! moves the credential
--ca-bundle TEXT ! moves the credential
--profile TEXT ! reads configuration, which runs programs
--cli-auto-prompt ! waits for a person
--cli-input-json TEXT ! parameters that are not seen here
--cli-input-yaml TEXT ! parameters that are not seen here
--cli-error-format TEXT ! is no everyday work

%page
--max-items INT
--page-size INT
--starting-token VALUE

%transfer
--dryrun
--quiet
--include GLOB
--exclude GLOB
--acl {private|bucket-owner-full-control|bucket-owner-read}
--follow-symlinks ! reads files outside the workspace
--no-follow-symlinks
--no-guess-mime-type
--sse[={AES256|aws:kms}]
--sse-kms-key-id VALUE
--sse-c TEXT ! takes a key
--sse-c-key TEXT ! takes a key
--sse-c-copy-source TEXT ! takes a key
--sse-c-copy-source-key TEXT ! takes a key
--storage-class NAME
--grants TEXT ! opens it to others
--website-redirect TEXT ! redirects others
--content-type VALUE
--cache-control VALUE
--content-disposition VALUE
--content-encoding VALUE
--content-language VALUE
--expires VALUE
--source-region REGION
--only-show-errors
--[no-]progress
--progress-frequency INT
--progress-multiline
--page-size INT
--ignore-glacier-warnings
--force-glacier-transfer
--request-payer[={requester}]
--checksum-mode {ENABLED}
--checksum-algorithm NAME
--metadata VALUE
--copy-props {none|metadata-directive|default}
--metadata-directive {COPY|REPLACE}
--expected-size INT
--recursive
--no-overwrite

[s3 ls] read
--recursive
--page-size INT
--human-readable
--summarize
--request-payer[={requester}]
--bucket-name-prefix VALUE
--bucket-region REGION
args: [S3URI]
[s3 cp] read
use: transfer
args: S3URI SAVED
[s3 cp] write
use: transfer
args: SENT S3URI
[s3 cp] write
use: transfer
args: S3URI S3URI
[s3 mv] write
use: transfer
--recursive @admin
args: SENT|S3URI SENT|S3URI
[s3 sync] read
use: transfer
--delete @admin
--size-only
--exact-timestamps
args: S3URI SAVED
[s3 sync] write
use: transfer
--delete @admin
--size-only
--exact-timestamps
args: SENT|S3URI S3URI
[s3 rm] write
--dryrun
--quiet
--recursive @admin
--request-payer[={requester}]
--include GLOB
--exclude GLOB
--only-show-errors
--page-size INT
args: S3URI
[s3 mb] write
args: S3URI
[s3 rb] admin
--force
args: S3URI
[s3 presign] ! prints the credential
[s3 website] ! opens it to others

[logs tail] read
--since VALUE
--follow
--format {detailed|short|json}
--filter-pattern TEXT
--log-stream-names VALUE...
--log-stream-name-prefix VALUE
args: VALUE
[cloudformation deploy] write
--template-file SENT
--stack-name VALUE
--s3-bucket VALUE
--s3-prefix VALUE
--force-upload
--kms-key-id VALUE
--parameter-overrides VALUE...
--capabilities VALUE... @admin
--no-execute-changeset
--disable-rollback
--no-disable-rollback
--role-arn TEXT ! changes rights
--notification-arns TEXT ! is no everyday work
--fail-on-empty-changeset
--no-fail-on-empty-changeset
--tags VALUE...
[cloudformation package] write
--template-file SENT
--s3-bucket VALUE
--s3-prefix VALUE
--output-template-file SAVED
--use-json
--force-upload
[eks update-kubeconfig,get-token] ! prints the credential
[ecr get-login-password,get-login,get-authorization-token] ! prints the credential
[codeartifact login,get-authorization-token] ! prints the credential
[codecommit credential-helper] ! prints the credential
[rds generate-db-auth-token] ! prints the credential
[secretsmanager get-secret-value,batch-get-secret-value,get-random-password] ! prints secrets
[secretsmanager put-secret-value,create-secret,update-secret,delete-secret,rotate-secret,put-resource-policy] ! changes secrets of others
[kms decrypt,generate-data-key,re-encrypt,create-grant,put-key-policy,schedule-key-deletion] ! prints secrets
[ec2 get-password-data] ! prints secrets
[ec2 run-instances,terminate-instances] ! is no everyday work
[ec2 authorize-security-group-ingress,authorize-security-group-egress,modify-instance-attribute,describe-instance-attribute,create-key-pair,import-key-pair,modify-snapshot-attribute,modify-image-attribute,get-console-output] ! gives others access
[ec2-instance-connect,ssm-sap,cloudshell,deploy,opsworks,workspaces] ! opens a shell
[ecs execute-command,run-task,deploy] ! runs a program
[ssm start-session,send-command,resume-session,put-parameter,create-document,start-automation-execution] ! opens a shell
[sts] ! prints the credential
[iam] ! changes rights of others
[configure,login,logout,sso,sso-oidc,sso-admin,signin,history,alias,cli-dev] ! prints or changes the credential
[lambda add-permission,create-function,delete-function,add-layer-version-permission,create-function-url-config] ! changes rights of others
[s3api put-bucket-policy,put-bucket-acl,put-object-acl,put-public-access-block,delete-public-access-block,put-bucket-website,put-bucket-replication,put-bucket-notification-configuration] ! opens it to others
[organizations create-account,invite-account-to-organization,attach-policy] ! changes rights of others
[cognito-identity] ! prints the credential
[cloudtrail delete-trail,stop-logging,update-trail] ! hides what is done
[s3api list-buckets] read
use: page
--max-buckets INT
--continuation-token VALUE
--prefix VALUE
--bucket-region VALUE
[s3api list-objects-v2] read
use: page
--bucket VALUE
--delimiter VALUE
--encoding-type VALUE
--max-keys INT
--prefix VALUE
--continuation-token VALUE
--[no-]fetch-owner
--start-after VALUE
--request-payer VALUE
--expected-bucket-owner VALUE
--optional-object-attributes VALUE...
[s3api list-objects] read
use: page
--bucket VALUE
--delimiter VALUE
--encoding-type VALUE
--marker VALUE
--max-keys INT
--prefix VALUE
--request-payer VALUE
--expected-bucket-owner VALUE
--optional-object-attributes VALUE...
[s3api list-object-versions] read
use: page
--bucket VALUE
--delimiter VALUE
--encoding-type VALUE
--key-marker VALUE
--max-keys INT
--prefix VALUE
--version-id-marker VALUE
--expected-bucket-owner VALUE
--request-payer VALUE
--optional-object-attributes VALUE...
%s3api.head-object
--bucket VALUE
--if-match VALUE
--if-modified-since VALUE
--if-none-match VALUE
--if-unmodified-since VALUE
--key VALUE
--range VALUE
--response-cache-control VALUE
--response-content-disposition VALUE
--response-content-encoding VALUE
--response-content-language VALUE
--response-content-type VALUE
--response-expires VALUE
--version-id VALUE
--sse-customer-algorithm VALUE
--sse-customer-key VALUE ! takes a key
--sse-customer-key-md5 VALUE ! takes a key
--request-payer VALUE
--part-number INT
--expected-bucket-owner VALUE
--checksum-mode VALUE
[s3api head-object] read
use: s3api.head-object
%s3api.head-bucket
--bucket VALUE
--expected-bucket-owner VALUE
[s3api head-bucket] read
use: s3api.head-bucket
[s3api get-bucket-location] read
--bucket VALUE
--expected-bucket-owner VALUE
[s3api get-bucket-versioning] read
--bucket VALUE
--expected-bucket-owner VALUE
[s3api get-bucket-policy] read
--bucket VALUE
--expected-bucket-owner VALUE
[s3api get-bucket-policy-status] read
--bucket VALUE
--expected-bucket-owner VALUE
[s3api get-bucket-tagging] read
--bucket VALUE
--expected-bucket-owner VALUE
[s3api get-bucket-acl] read
--bucket VALUE
--expected-bucket-owner VALUE
[s3api get-bucket-cors] read
--bucket VALUE
--expected-bucket-owner VALUE
[s3api get-bucket-encryption] read
--bucket VALUE
--expected-bucket-owner VALUE
[s3api get-bucket-lifecycle-configuration] read
--bucket VALUE
--expected-bucket-owner VALUE
[s3api get-bucket-website] read
--bucket VALUE
--expected-bucket-owner VALUE
[s3api get-bucket-notification-configuration] read
--bucket VALUE
--expected-bucket-owner VALUE
[s3api get-public-access-block] read
--bucket VALUE
--expected-bucket-owner VALUE
[s3api get-object-tagging] read
--bucket VALUE
--key VALUE
--version-id VALUE
--expected-bucket-owner VALUE
--request-payer VALUE
[s3api get-object-attributes] read
--bucket VALUE
--key VALUE
--version-id VALUE
--max-parts INT
--part-number-marker INT
--sse-customer-algorithm VALUE
--sse-customer-key VALUE ! takes a key
--sse-customer-key-md5 VALUE ! takes a key
--request-payer VALUE
--expected-bucket-owner VALUE
--object-attributes VALUE...
[s3api get-object] read
--bucket VALUE
--if-match VALUE
--if-modified-since VALUE
--if-none-match VALUE
--if-unmodified-since VALUE
--key VALUE
--range VALUE
--response-cache-control VALUE
--response-content-disposition VALUE
--response-content-encoding VALUE
--response-content-language VALUE
--response-content-type VALUE
--response-expires VALUE
--version-id VALUE
--sse-customer-algorithm VALUE
--sse-customer-key VALUE ! takes a key
--sse-customer-key-md5 VALUE ! takes a key
--request-payer VALUE
--part-number INT
--expected-bucket-owner VALUE
--checksum-mode VALUE
args: SAVED
[s3api list-multipart-uploads] read
use: page
--bucket VALUE
--delimiter VALUE
--encoding-type VALUE
--key-marker VALUE
--max-uploads INT
--prefix VALUE
--upload-id-marker VALUE
--expected-bucket-owner VALUE
--request-payer VALUE
[s3api put-object] write
--acl VALUE ! opens it to others
--body SENT
--bucket VALUE
--cache-control VALUE
--content-disposition VALUE
--content-encoding VALUE
--content-language VALUE
--content-length INT
--content-md5 VALUE
--content-type VALUE
--checksum-algorithm VALUE
--checksum-crc32 VALUE
--checksum-crc32-c VALUE
--checksum-crc64-nvme VALUE
--checksum-sha1 VALUE
--checksum-sha256 VALUE
--checksum-sha512 VALUE
--checksum-md5 VALUE
--checksum-xxhash64 VALUE
--checksum-xxhash3 VALUE
--checksum-xxhash128 VALUE
--expires VALUE
--if-match VALUE
--if-none-match VALUE
--grant-full-control VALUE ! opens it to others
--grant-read VALUE ! opens it to others
--grant-read-acp VALUE ! opens it to others
--grant-write-acp VALUE ! opens it to others
--key VALUE
--write-offset-bytes INT
--metadata VALUE...
--server-side-encryption VALUE
--storage-class VALUE
--website-redirect-location VALUE ! redirects others
--sse-customer-algorithm VALUE
--sse-customer-key VALUE ! takes a key
--sse-customer-key-md5 VALUE ! takes a key
--ssekms-key-id VALUE
--ssekms-encryption-context VALUE
--[no-]bucket-key-enabled
--request-payer VALUE
--tagging VALUE
--object-lock-mode VALUE
--object-lock-retain-until-date VALUE
--object-lock-legal-hold-status VALUE
--expected-bucket-owner VALUE
[s3api copy-object] write
--acl VALUE ! opens it to others
--bucket VALUE
--cache-control VALUE
--checksum-algorithm VALUE
--content-disposition VALUE
--content-encoding VALUE
--content-language VALUE
--content-type VALUE
--copy-source VALUE
--copy-source-if-match VALUE
--copy-source-if-modified-since VALUE
--copy-source-if-none-match VALUE
--copy-source-if-unmodified-since VALUE
--expires VALUE
--grant-full-control VALUE ! opens it to others
--grant-read VALUE ! opens it to others
--grant-read-acp VALUE ! opens it to others
--grant-write-acp VALUE ! opens it to others
--if-match VALUE
--if-none-match VALUE
--key VALUE
--metadata VALUE...
--metadata-directive VALUE
--tagging-directive VALUE
--server-side-encryption VALUE
--storage-class VALUE
--website-redirect-location VALUE ! redirects others
--sse-customer-algorithm VALUE
--sse-customer-key VALUE ! takes a key
--sse-customer-key-md5 VALUE ! takes a key
--ssekms-key-id VALUE
--ssekms-encryption-context VALUE
--[no-]bucket-key-enabled
--copy-source-sse-customer-algorithm VALUE
--copy-source-sse-customer-key VALUE ! takes a key
--copy-source-sse-customer-key-md5 VALUE
--request-payer VALUE
--tagging VALUE
--object-lock-mode VALUE
--object-lock-retain-until-date VALUE
--object-lock-legal-hold-status VALUE
--expected-bucket-owner VALUE
--expected-source-bucket-owner VALUE
[s3api create-bucket] write
--acl VALUE ! opens it to others
--bucket VALUE
--create-bucket-configuration VALUE...
--grant-full-control VALUE ! opens it to others
--grant-read VALUE ! opens it to others
--grant-read-acp VALUE ! opens it to others
--grant-write VALUE ! opens it to others
--grant-write-acp VALUE ! opens it to others
--[no-]object-lock-enabled-for-bucket
--object-ownership VALUE ! opens it to others
--bucket-namespace VALUE
[s3api put-object-tagging] write
--bucket VALUE
--key VALUE
--version-id VALUE
--content-md5 VALUE
--checksum-algorithm VALUE
--tagging VALUE...
--expected-bucket-owner VALUE
--request-payer VALUE
[s3api delete-object] write
--bucket VALUE
--key VALUE
--mfa VALUE ! is no everyday work
--version-id VALUE
--request-payer VALUE
--[no-]bypass-governance-retention ! deletes what is locked
--expected-bucket-owner VALUE
--if-match VALUE
--if-match-last-modified-time VALUE
--if-match-size INT
[s3api wait bucket-exists] read
use: s3api.head-bucket
[s3api wait bucket-not-exists] read
use: s3api.head-bucket
[s3api wait object-exists] read
use: s3api.head-object
[s3api wait object-not-exists] read
use: s3api.head-object
[sts get-caller-identity] read
[sts decode-authorization-message] read
--encoded-message VALUE
[sts get-access-key-info] read
--access-key-id VALUE
%ec2.describe-instances
--instance-ids VALUE...
--[no-]include-managed-resources
--[no-]dry-run
--filters VALUE...
--next-token VALUE
--max-results INT
[ec2 describe-instances] read
use: page
use: ec2.describe-instances
%ec2.describe-instance-status
--instance-ids VALUE...
--max-results INT
--next-token VALUE
--[no-]include-managed-resources
--[no-]dry-run
--filters VALUE...
--[no-]include-all-instances
[ec2 describe-instance-status] read
use: page
use: ec2.describe-instance-status
[ec2 describe-instance-types] read
use: page
--[no-]dry-run
--instance-types VALUE...
--filters VALUE...
--max-results INT
--next-token VALUE
--[no-]include-unsupported-in-region
%ec2.describe-images
--executable-users VALUE...
--image-ids VALUE...
--owners VALUE...
--[no-]include-deprecated
--[no-]include-disabled
--max-results INT
--next-token VALUE
--[no-]dry-run
--filters VALUE...
[ec2 describe-images] read
use: page
use: ec2.describe-images
%ec2.describe-vpcs
--filters VALUE...
--vpc-ids VALUE...
--next-token VALUE
--max-results INT
--[no-]dry-run
[ec2 describe-vpcs] read
use: page
use: ec2.describe-vpcs
%ec2.describe-subnets
--filters VALUE...
--subnet-ids VALUE...
--next-token VALUE
--max-results INT
--[no-]dry-run
[ec2 describe-subnets] read
use: page
use: ec2.describe-subnets
%ec2.describe-security-groups
--group-ids VALUE...
--group-names VALUE...
--next-token VALUE
--max-results INT
--[no-]dry-run
--filters VALUE...
[ec2 describe-security-groups] read
use: page
use: ec2.describe-security-groups
[ec2 describe-security-group-rules] read
use: page
--filters VALUE...
--security-group-rule-ids VALUE...
--[no-]dry-run
--next-token VALUE
--max-results INT
%ec2.describe-volumes
--volume-ids VALUE...
--[no-]include-managed-resources
--[no-]dry-run
--filters VALUE...
--next-token VALUE
--max-results INT
[ec2 describe-volumes] read
use: page
use: ec2.describe-volumes
%ec2.describe-snapshots
--max-results INT
--next-token VALUE
--owner-ids VALUE...
--restorable-by-user-ids VALUE...
--snapshot-ids VALUE...
--[no-]dry-run
--filters VALUE...
[ec2 describe-snapshots] read
use: page
use: ec2.describe-snapshots
%ec2.describe-key-pairs
--key-names VALUE...
--key-pair-ids VALUE...
--[no-]include-public-key
--[no-]dry-run
--filters VALUE...
[ec2 describe-key-pairs] read
use: ec2.describe-key-pairs
[ec2 describe-regions] read
--region-names VALUE...
--[no-]all-regions
--[no-]dry-run
--filters VALUE...
[ec2 describe-availability-zones] read
--zone-names VALUE...
--zone-ids VALUE...
--[no-]all-availability-zones
--[no-]dry-run
--filters VALUE...
[ec2 describe-route-tables] read
use: page
--next-token VALUE
--max-results INT
--[no-]dry-run
--route-table-ids VALUE...
--filters VALUE...
%ec2.describe-internet-gateways
--next-token VALUE
--max-results INT
--[no-]dry-run
--internet-gateway-ids VALUE...
--filters VALUE...
[ec2 describe-internet-gateways] read
use: page
use: ec2.describe-internet-gateways
%ec2.describe-nat-gateways
--[no-]dry-run
--filter VALUE...
--max-results INT
--nat-gateway-ids VALUE...
--next-token VALUE
[ec2 describe-nat-gateways] read
use: page
use: ec2.describe-nat-gateways
%ec2.describe-network-interfaces
--next-token VALUE
--max-results INT
--[no-]include-managed-resources
--[no-]dry-run
--network-interface-ids VALUE...
--filters VALUE...
[ec2 describe-network-interfaces] read
use: page
use: ec2.describe-network-interfaces
[ec2 describe-addresses] read
--public-ips VALUE...
--[no-]dry-run
--filters VALUE...
--allocation-ids VALUE...
[ec2 describe-tags] read
use: page
--[no-]dry-run
--filters VALUE...
--max-results INT
--next-token VALUE
[ec2 describe-launch-templates] read
use: page
--[no-]dry-run
--launch-template-ids VALUE...
--launch-template-names VALUE...
--filters VALUE...
--next-token VALUE
--max-results INT
--[no-]include-managed-resources
[ec2 describe-vpc-endpoints] read
use: page
--[no-]dry-run
--vpc-endpoint-ids VALUE...
--filters VALUE...
--max-results INT
--next-token VALUE
[ec2 describe-network-acls] read
use: page
--next-token VALUE
--max-results INT
--[no-]dry-run
--network-acl-ids VALUE...
--filters VALUE...
%ec2.describe-vpc-peering-connections
--next-token VALUE
--max-results INT
--[no-]dry-run
--vpc-peering-connection-ids VALUE...
--filters VALUE...
[ec2 describe-vpc-peering-connections] read
use: page
use: ec2.describe-vpc-peering-connections
[ec2 describe-spot-price-history] read
use: page
--availability-zone-id VALUE
--[no-]dry-run
--start-time VALUE
--end-time VALUE
--instance-types VALUE...
--product-descriptions VALUE...
--filters VALUE...
--availability-zone VALUE
--max-results INT
--next-token VALUE
[ec2 describe-account-attributes] read
--[no-]dry-run
--attribute-names VALUE...
[ec2 start-instances] write
--instance-ids VALUE...
--additional-info VALUE
--[no-]dry-run
[ec2 stop-instances] write
--instance-ids VALUE...
--[no-]hibernate
--[no-]skip-os-shutdown
--[no-]dry-run
--[no-]force
[ec2 reboot-instances] write
--instance-ids VALUE...
--[no-]dry-run
[ec2 create-tags] write
--[no-]dry-run
--resources VALUE...
--tags VALUE...
[ec2 create-snapshot] write
--description VALUE
--outpost-arn VALUE
--volume-id VALUE
--tag-specifications VALUE...
--location VALUE
--[no-]dry-run
[ec2 create-image] write
--tag-specifications VALUE...
--snapshot-location VALUE
--[no-]dry-run
--instance-id VALUE
--name VALUE
--description VALUE
--[no-]no-reboot
--block-device-mappings VALUE...
[ec2 wait image-available] read
use: ec2.describe-images
[ec2 wait image-exists] read
use: ec2.describe-images
[ec2 wait image-usage-report-available] read
--image-ids VALUE...
--report-ids VALUE...
--next-token VALUE
--filters VALUE...
--[no-]dry-run
--max-results INT
[ec2 wait instance-exists] read
use: ec2.describe-instances
[ec2 wait instance-running] read
use: ec2.describe-instances
[ec2 wait instance-status-ok] read
use: ec2.describe-instance-status
[ec2 wait instance-stopped] read
use: ec2.describe-instances
[ec2 wait instance-terminated] read
use: ec2.describe-instances
[ec2 wait key-pair-exists] read
use: ec2.describe-key-pairs
[ec2 wait nat-gateway-available] read
use: ec2.describe-nat-gateways
[ec2 wait nat-gateway-deleted] read
use: ec2.describe-nat-gateways
[ec2 wait network-interface-available] read
use: ec2.describe-network-interfaces
[ec2 wait secondary-network-create-complete] read
--[no-]dry-run
--filters VALUE...
--max-results INT
--next-token VALUE
--secondary-network-ids VALUE...
[ec2 wait secondary-network-delete-complete] read
--[no-]dry-run
--filters VALUE...
--max-results INT
--next-token VALUE
--secondary-network-ids VALUE...
[ec2 wait secondary-subnet-create-complete] read
--[no-]dry-run
--filters VALUE...
--max-results INT
--next-token VALUE
--secondary-subnet-ids VALUE...
[ec2 wait secondary-subnet-delete-complete] read
--[no-]dry-run
--filters VALUE...
--max-results INT
--next-token VALUE
--secondary-subnet-ids VALUE...
[ec2 wait snapshot-completed] read
use: ec2.describe-snapshots
[ec2 wait subnet-available] read
use: ec2.describe-subnets
[ec2 wait system-status-ok] read
use: ec2.describe-instance-status
[ec2 wait volume-available] read
use: ec2.describe-volumes
[ec2 wait volume-deleted] read
use: ec2.describe-volumes
[ec2 wait volume-in-use] read
use: ec2.describe-volumes
[ec2 wait vpc-available] read
use: ec2.describe-vpcs
[ec2 wait vpc-exists] read
use: ec2.describe-vpcs
[ecs list-clusters] read
use: page
--next-token VALUE
--max-results INT
[ecs list-services] read
use: page
--cluster VALUE
--next-token VALUE
--max-results INT
--launch-type VALUE
--scheduling-strategy VALUE
--resource-management-type VALUE
[ecs list-tasks] read
use: page
--cluster VALUE
--container-instance VALUE
--family VALUE
--next-token VALUE
--max-results INT
--started-by VALUE
--service-name VALUE
--desired-status VALUE
--launch-type VALUE
--daemon-name VALUE
[ecs list-task-definitions] read
use: page
--family-prefix VALUE
--status VALUE
--sort VALUE
--next-token VALUE
--max-results INT
[ecs list-task-definition-families] read
use: page
--family-prefix VALUE
--status VALUE
--next-token VALUE
--max-results INT
[ecs list-container-instances] read
use: page
--cluster VALUE
--filter VALUE
--next-token VALUE
--max-results INT
--status VALUE
[ecs describe-clusters] read
--clusters VALUE...
--include VALUE...
%ecs.describe-services
--cluster VALUE
--services VALUE...
--include VALUE...
[ecs describe-services] read
use: ecs.describe-services
%ecs.describe-tasks
--cluster VALUE
--tasks VALUE...
--include VALUE...
[ecs describe-tasks] read
use: ecs.describe-tasks
[ecs describe-task-definition] read
--task-definition VALUE
--include VALUE...
[ecs describe-container-instances] read
--cluster VALUE
--container-instances VALUE...
--include VALUE...
[ecs update-service] write
--cluster VALUE
--service VALUE
--desired-count INT
--task-definition VALUE
--capacity-provider-strategy VALUE...
--deployment-configuration VALUE...
--availability-zone-rebalancing VALUE
--network-configuration VALUE...
--placement-constraints VALUE...
--placement-strategy VALUE...
--platform-version VALUE
--[no-]force-new-deployment
--health-check-grace-period-seconds INT
--deployment-controller VALUE...
--[no-]enable-execute-command ! opens a shell
--[no-]enable-ecs-managed-tags
--load-balancers VALUE...
--propagate-tags VALUE
--service-registries VALUE...
--service-connect-configuration VALUE...
--volume-configurations VALUE...
--vpc-lattice-configurations VALUE...
[ecs register-task-definition] write
--family VALUE
--task-role-arn VALUE
--execution-role-arn VALUE ! changes rights
--network-mode VALUE
--container-definitions VALUE...
--volumes VALUE...
--placement-constraints VALUE...
--requires-compatibilities VALUE...
--cpu VALUE
--memory VALUE
--tags VALUE...
--pid-mode VALUE
--ipc-mode VALUE
--proxy-configuration VALUE...
--inference-accelerators VALUE...
--ephemeral-storage VALUE...
--runtime-platform VALUE...
--[no-]enable-fault-injection
--cli-input-json VALUE
[ecs stop-task] write
--cluster VALUE
--task VALUE
--reason VALUE
[ecs wait services-inactive] read
use: ecs.describe-services
[ecs wait services-stable] read
use: ecs.describe-services
[ecs wait tasks-running] read
use: ecs.describe-tasks
[ecs wait tasks-stopped] read
use: ecs.describe-tasks
[ecr describe-repositories] read
use: page
--registry-id VALUE
--repository-names VALUE...
--next-token VALUE
--max-results INT
[ecr describe-images] read
use: page
--registry-id VALUE
--repository-name VALUE
--image-ids VALUE...
--next-token VALUE
--max-results INT
--filter VALUE...
[ecr list-images] read
use: page
--registry-id VALUE
--repository-name VALUE
--next-token VALUE
--max-results INT
--filter VALUE...
%ecr.describe-image-scan-findings
--registry-id VALUE
--repository-name VALUE
--image-id VALUE...
--next-token VALUE
--max-results INT
[ecr describe-image-scan-findings] read
use: page
use: ecr.describe-image-scan-findings
[ecr batch-get-image] read
--registry-id VALUE
--repository-name VALUE
--image-ids VALUE...
--accepted-media-types VALUE...
[ecr get-lifecycle-policy] read
--registry-id VALUE
--repository-name VALUE
[ecr list-tags-for-resource] read
--resource-arn VALUE
[ecr create-repository] write
--registry-id VALUE
--repository-name VALUE
--tags VALUE...
--image-tag-mutability VALUE
--image-tag-mutability-exclusion-filters VALUE...
--image-scanning-configuration VALUE...
--encryption-configuration VALUE...
[ecr start-image-scan] write
--registry-id VALUE
--repository-name VALUE
--image-id VALUE...
[ecr put-image] write
--registry-id VALUE
--repository-name VALUE
--image-manifest VALUE
--image-manifest-media-type VALUE
--image-tag VALUE
--image-digest VALUE
[ecr wait image-scan-complete] read
use: ecr.describe-image-scan-findings
[lambda list-functions] read
use: page
--master-region VALUE
--function-version VALUE
--marker VALUE
--max-items INT
%lambda.get-function
--function-name VALUE
--qualifier VALUE
[lambda get-function] read
use: lambda.get-function
%lambda.get-function-configuration
--function-name VALUE
--qualifier VALUE
[lambda get-function-configuration] read
use: lambda.get-function-configuration
[lambda list-versions-by-function] read
use: page
--function-name VALUE
--marker VALUE
--max-items INT
[lambda list-aliases] read
use: page
--function-name VALUE
--function-version VALUE
--marker VALUE
--max-items INT
[lambda get-alias] read
--function-name VALUE
--name VALUE
[lambda list-event-source-mappings] read
use: page
--event-source-arn VALUE
--function-name VALUE
--marker VALUE
--max-items INT
[lambda list-layers] read
use: page
--compatible-runtime VALUE
--marker VALUE
--max-items INT
--compatible-architecture VALUE
[lambda list-layer-versions] read
use: page
--compatible-runtime VALUE
--layer-name VALUE
--marker VALUE
--max-items INT
--compatible-architecture VALUE
[lambda get-policy] read
--function-name VALUE
--qualifier VALUE
[lambda list-tags] read
--resource VALUE
[lambda get-function-concurrency] read
--function-name VALUE
[lambda get-account-settings] read
[lambda get-function-url-config] read
--function-name VALUE
--qualifier VALUE
[lambda invoke] write
--function-name VALUE
--invocation-type VALUE
--log-type VALUE
--client-context VALUE
--durable-execution-name VALUE
--payload VALUE
--qualifier VALUE
--tenant-id VALUE
args: SAVED
[lambda update-function-code] write
--function-name VALUE
--zip-file VALUE
--s3-bucket VALUE
--s3-key VALUE
--s3-object-version VALUE
--image-uri VALUE
--[no-]publish
--[no-]dry-run
--revision-id VALUE
--architectures VALUE...
--source-kms-key-arn VALUE
--publish-to VALUE
[lambda publish-version] write
--function-name VALUE
--code-sha256 VALUE
--description VALUE
--revision-id VALUE
--publish-to VALUE
[lambda update-alias] write
--function-name VALUE
--name VALUE
--function-version VALUE
--description VALUE
--routing-config VALUE...
--revision-id VALUE
[lambda update-function-configuration] write
--function-name VALUE
--role VALUE ! changes rights
--handler VALUE ! runs a program
--description VALUE
--timeout INT
--memory-size INT
--vpc-config VALUE... ! moves it to another network
--environment VALUE... ! runs a program
--runtime VALUE
--dead-letter-config VALUE...
--kms-key-arn VALUE ! is no everyday work
--tracing-config VALUE...
--revision-id VALUE
--layers VALUE... ! runs a program
--file-system-configs VALUE... ! is no everyday work
--image-config VALUE... ! runs a program
--ephemeral-storage VALUE...
--snap-start VALUE...
--logging-config VALUE...
--capacity-provider-config VALUE...
--durable-config VALUE...
[lambda wait function-active] read
use: lambda.get-function-configuration
[lambda wait function-exists] read
use: lambda.get-function
[lambda wait function-updated] read
use: lambda.get-function-configuration
[lambda wait published-version-active] read
use: lambda.get-function-configuration
[logs describe-log-groups] read
use: page
--account-identifiers VALUE...
--log-group-name-prefix VALUE
--log-group-name-pattern VALUE
--next-token VALUE
--limit INT
--[no-]include-linked-accounts
--log-group-class VALUE
--log-group-identifiers VALUE...
[logs describe-log-streams] read
use: page
--log-group-name VALUE
--log-group-identifier VALUE
--log-stream-name-prefix VALUE
--order-by VALUE
--[no-]descending
--next-token VALUE
--limit INT
[logs get-log-events] read
--log-group-name VALUE
--log-group-identifier VALUE
--log-stream-name VALUE
--start-time INT
--end-time INT
--next-token VALUE
--limit INT
--[no-]start-from-head
--[no-]unmask
[logs filter-log-events] read
use: page
--log-group-name VALUE
--log-group-identifier VALUE
--log-stream-names VALUE...
--log-stream-name-prefix VALUE
--start-time INT
--end-time INT
--filter-pattern VALUE
--next-token VALUE
--limit INT
--[no-]interleaved
--[no-]unmask
[logs start-query] read
--query-language VALUE
--log-group-name VALUE
--log-group-names VALUE...
--log-group-identifiers VALUE...
--start-time INT
--end-time INT
--query-string VALUE
--limit INT
[logs get-query-results] read
--query-id VALUE
--next-token VALUE
--max-items INT
[logs describe-queries] read
use: page
--log-group-name VALUE
--status VALUE
--max-results INT
--next-token VALUE
--query-language VALUE
[logs describe-metric-filters] read
use: page
--log-group-name VALUE
--filter-name-prefix VALUE
--next-token VALUE
--limit INT
--metric-name VALUE
--metric-namespace VALUE
[logs stop-query] read
--query-id VALUE
[logs get-log-group-fields] read
--log-group-name VALUE
--time INT
--log-group-identifier VALUE
[logs put-retention-policy] write
--log-group-name VALUE
--retention-in-days INT
[logs create-log-group] write
--log-group-name VALUE
--kms-key-id VALUE
--tags VALUE...
--log-group-class VALUE
--[no-]deletion-protection-enabled
[logs create-log-stream] write
--log-group-name VALUE
--log-stream-name VALUE
[logs put-log-events] write
--log-group-name VALUE
--log-stream-name VALUE
--log-events VALUE...
--sequence-token VALUE
--entity VALUE...
%cloudformation.describe-stacks
--stack-name VALUE
--next-token VALUE
[cloudformation describe-stacks] read
use: page
use: cloudformation.describe-stacks
[cloudformation list-stacks] read
use: page
--next-token VALUE
--stack-status-filter VALUE...
[cloudformation describe-stack-events] read
use: page
--stack-name VALUE
--next-token VALUE
[cloudformation describe-stack-resources] read
--stack-name VALUE
--logical-resource-id VALUE
--physical-resource-id VALUE
[cloudformation describe-stack-resource] read
--stack-name VALUE
--logical-resource-id VALUE
[cloudformation list-stack-resources] read
use: page
--stack-name VALUE
--next-token VALUE
[cloudformation validate-template] read
--template-body VALUE
--template-url VALUE ! fetches from another place
[cloudformation get-template] read
--stack-name VALUE
--change-set-name VALUE
--template-stage VALUE
[cloudformation get-template-summary] read
--template-body VALUE
--template-url VALUE ! fetches from another place
--stack-name VALUE
--stack-set-name VALUE
--call-as VALUE
--template-summary-config VALUE...
%cloudformation.describe-change-set
--change-set-name VALUE
--stack-name VALUE
--next-token VALUE
--[no-]include-property-values
[cloudformation describe-change-set] read
use: page
use: cloudformation.describe-change-set
[cloudformation list-change-sets] read
use: page
--stack-name VALUE
--next-token VALUE
[cloudformation list-exports] read
use: page
--next-token VALUE
[cloudformation list-imports] read
use: page
--export-name VALUE
--next-token VALUE
[cloudformation describe-stack-drift-detection-status] read
--stack-drift-detection-id VALUE
[cloudformation detect-stack-drift] read
--stack-name VALUE
--logical-resource-ids VALUE...
[cloudformation describe-stack-resource-drifts] read
--stack-name VALUE
--stack-resource-drift-status-filters VALUE...
--next-token VALUE
--max-results INT
[cloudformation create-change-set] write
--stack-name VALUE
--template-body VALUE
--template-url VALUE ! fetches from another place
--[no-]use-previous-template
--parameters VALUE...
--capabilities VALUE... ! changes rights
--resource-types VALUE...
--role-arn VALUE ! changes rights
--rollback-configuration VALUE...
--notification-arns VALUE... ! is no everyday work
--tags VALUE...
--change-set-name VALUE
--client-token VALUE
--description VALUE
--change-set-type VALUE
--resources-to-import VALUE...
--[no-]include-nested-stacks
--on-stack-failure VALUE
--[no-]import-existing-resources
--deployment-mode VALUE
[cloudformation update-stack] write
--stack-name VALUE
--template-body VALUE
--template-url VALUE ! fetches from another place
--[no-]use-previous-template
--stack-policy-during-update-body VALUE
--stack-policy-during-update-url VALUE
--parameters VALUE...
--capabilities VALUE... ! changes rights
--resource-types VALUE...
--role-arn VALUE ! changes rights
--rollback-configuration VALUE...
--stack-policy-body VALUE
--stack-policy-url VALUE ! fetches from another place
--notification-arns VALUE... ! is no everyday work
--tags VALUE...
--[no-]disable-rollback
--client-request-token VALUE
--[no-]retain-except-on-create
[cloudformation create-stack] write
--stack-name VALUE
--template-body VALUE
--template-url VALUE ! fetches from another place
--parameters VALUE...
--[no-]disable-rollback
--rollback-configuration VALUE...
--timeout-in-minutes INT
--notification-arns VALUE... ! is no everyday work
--capabilities VALUE... ! changes rights
--resource-types VALUE...
--role-arn VALUE ! changes rights
--on-failure VALUE
--stack-policy-body VALUE
--stack-policy-url VALUE ! fetches from another place
--tags VALUE...
--client-request-token VALUE
--[no-]enable-termination-protection
--[no-]retain-except-on-create
[cloudformation wait change-set-create-complete] read
use: cloudformation.describe-change-set
[cloudformation wait stack-create-complete] read
use: cloudformation.describe-stacks
[cloudformation wait stack-delete-complete] read
use: cloudformation.describe-stacks
[cloudformation wait stack-exists] read
use: cloudformation.describe-stacks
[cloudformation wait stack-rollback-complete] read
use: cloudformation.describe-stacks
[cloudformation wait stack-update-complete] read
use: cloudformation.describe-stacks
[dynamodb list-tables] read
use: page
--exclusive-start-table-name VALUE
--limit INT
%dynamodb.describe-table
--table-name VALUE
[dynamodb describe-table] read
use: dynamodb.describe-table
[dynamodb scan] read
use: page
--table-name VALUE
--index-name VALUE
--attributes-to-get VALUE...
--limit INT
--select VALUE
--scan-filter VALUE...
--conditional-operator VALUE
--exclusive-start-key VALUE...
--return-consumed-capacity VALUE
--total-segments INT
--segment INT
--projection-expression VALUE
--filter-expression VALUE
--expression-attribute-names VALUE...
--expression-attribute-values VALUE...
--[no-]consistent-read
[dynamodb query] read
use: page
--table-name VALUE
--index-name VALUE
--select VALUE
--attributes-to-get VALUE...
--limit INT
--[no-]consistent-read
--key-conditions VALUE...
--query-filter VALUE...
--conditional-operator VALUE
--[no-]scan-index-forward
--exclusive-start-key VALUE...
--return-consumed-capacity VALUE
--projection-expression VALUE
--filter-expression VALUE
--key-condition-expression VALUE
--expression-attribute-names VALUE...
--expression-attribute-values VALUE...
[dynamodb get-item] read
--table-name VALUE
--key VALUE...
--attributes-to-get VALUE...
--[no-]consistent-read
--return-consumed-capacity VALUE
--projection-expression VALUE
--expression-attribute-names VALUE...
[dynamodb batch-get-item] read
--request-items VALUE...
--return-consumed-capacity VALUE
[dynamodb describe-time-to-live] read
--table-name VALUE
[dynamodb list-backups] read
use: page
--table-name VALUE
--limit INT
--time-range-lower-bound VALUE
--time-range-upper-bound VALUE
--exclusive-start-backup-arn VALUE
--backup-type VALUE
[dynamodb describe-continuous-backups] read
--table-name VALUE
[dynamodb put-item] write
--table-name VALUE
--item VALUE...
--expected VALUE...
--return-values VALUE
--return-consumed-capacity VALUE
--return-item-collection-metrics VALUE
--conditional-operator VALUE
--condition-expression VALUE
--expression-attribute-names VALUE...
--expression-attribute-values VALUE...
--return-values-on-condition-check-failure VALUE
[dynamodb update-item] write
--table-name VALUE
--key VALUE...
--attribute-updates VALUE...
--expected VALUE...
--conditional-operator VALUE
--return-values VALUE
--return-consumed-capacity VALUE
--return-item-collection-metrics VALUE
--update-expression VALUE
--condition-expression VALUE
--expression-attribute-names VALUE...
--expression-attribute-values VALUE...
--return-values-on-condition-check-failure VALUE
[dynamodb delete-item] write
--table-name VALUE
--key VALUE...
--expected VALUE...
--conditional-operator VALUE
--return-values VALUE
--return-consumed-capacity VALUE
--return-item-collection-metrics VALUE
--condition-expression VALUE
--expression-attribute-names VALUE...
--expression-attribute-values VALUE...
--return-values-on-condition-check-failure VALUE
[dynamodb create-table] write
--attribute-definitions VALUE...
--table-name VALUE
--key-schema VALUE...
--local-secondary-indexes VALUE...
--global-secondary-indexes VALUE...
--billing-mode VALUE
--provisioned-throughput VALUE...
--stream-specification VALUE...
--sse-specification VALUE...
--tags VALUE...
--table-class VALUE
--[no-]deletion-protection-enabled
--warm-throughput VALUE...
--resource-policy VALUE
--on-demand-throughput VALUE...
--global-table-source-arn VALUE
--global-table-settings-replication-mode VALUE
--cli-input-json VALUE
[dynamodb create-backup] write
--table-name VALUE
--backup-name VALUE
[dynamodb wait table-exists] read
use: dynamodb.describe-table
[dynamodb wait table-not-exists] read
use: dynamodb.describe-table
[sqs list-queues] read
use: page
--queue-name-prefix VALUE
--next-token VALUE
--max-results INT
[sqs get-queue-attributes] read
--queue-url QUEUE
--attribute-names VALUE...
[sqs get-queue-url] read
--queue-name VALUE
--queue-owner-aws-account-id VALUE
[sqs receive-message] read
--queue-url QUEUE
--attribute-names VALUE...
--message-system-attribute-names VALUE...
--message-attribute-names VALUE...
--max-number-of-messages INT
--visibility-timeout INT
--wait-time-seconds INT
--receive-request-attempt-id VALUE
[sqs list-queue-tags] read
--queue-url QUEUE
[sqs list-dead-letter-source-queues] read
use: page
--queue-url QUEUE
--next-token VALUE
--max-results INT
[sqs send-message] write
--queue-url QUEUE
--message-body VALUE
--delay-seconds INT
--message-attributes VALUE...
--message-system-attributes VALUE...
--message-deduplication-id VALUE
--message-group-id VALUE
[sqs send-message-batch] write
--queue-url QUEUE
--entries VALUE...
[sqs delete-message] write
--queue-url QUEUE
--receipt-handle VALUE
[sqs create-queue] write
--queue-name VALUE
--attributes VALUE...
--tags VALUE...
[sqs change-message-visibility] write
--queue-url QUEUE
--receipt-handle VALUE
--visibility-timeout INT
[sns list-topics] read
use: page
--next-token VALUE
[sns get-topic-attributes] read
--topic-arn VALUE
[sns list-subscriptions] read
use: page
--next-token VALUE
[sns list-subscriptions-by-topic] read
use: page
--topic-arn VALUE
--next-token VALUE
[sns get-subscription-attributes] read
--subscription-arn VALUE
[sns publish] write
--topic-arn VALUE
--target-arn VALUE ! sends to anybody
--phone-number VALUE ! sends to anybody
--message VALUE
--subject VALUE
--message-structure VALUE
--message-attributes VALUE...
--message-deduplication-id VALUE
--message-group-id VALUE
[sns create-topic] write
--name VALUE
--attributes VALUE...
--tags VALUE...
--data-protection-policy VALUE
%rds.describe-db-instances
--db-instance-identifier VALUE
--filters VALUE...
--max-records INT
--marker VALUE
[rds describe-db-instances] read
use: page
use: rds.describe-db-instances
%rds.describe-db-clusters
--db-cluster-identifier VALUE
--filters VALUE...
--max-records INT
--marker VALUE
--[no-]include-shared
[rds describe-db-clusters] read
use: page
use: rds.describe-db-clusters
%rds.describe-db-snapshots
--db-instance-identifier VALUE
--db-snapshot-identifier VALUE
--snapshot-type VALUE
--filters VALUE...
--max-records INT
--marker VALUE
--[no-]include-shared
--[no-]include-public
--dbi-resource-id VALUE
[rds describe-db-snapshots] read
use: page
use: rds.describe-db-snapshots
%rds.describe-db-cluster-snapshots
--db-cluster-identifier VALUE
--db-cluster-snapshot-identifier VALUE
--snapshot-type VALUE
--filters VALUE...
--max-records INT
--marker VALUE
--[no-]include-shared
--[no-]include-public
--db-cluster-resource-id VALUE
[rds describe-db-cluster-snapshots] read
use: page
use: rds.describe-db-cluster-snapshots
[rds describe-events] read
use: page
--source-identifier VALUE
--source-type VALUE
--start-time VALUE
--end-time VALUE
--duration INT
--event-categories VALUE...
--filters VALUE...
--max-records INT
--marker VALUE
[rds describe-db-log-files] read
use: page
--db-instance-identifier VALUE
--filename-contains VALUE
--file-last-written INT
--file-size INT
--filters VALUE...
--max-records INT
--marker VALUE
[rds describe-db-parameter-groups] read
use: page
--db-parameter-group-name VALUE
--filters VALUE...
--max-records INT
--marker VALUE
[rds describe-db-parameters] read
use: page
--db-parameter-group-name VALUE
--source VALUE
--filters VALUE...
--max-records INT
--marker VALUE
[rds describe-db-subnet-groups] read
use: page
--db-subnet-group-name VALUE
--filters VALUE...
--max-records INT
--marker VALUE
[rds describe-db-engine-versions] read
use: page
--engine VALUE
--engine-version VALUE
--db-parameter-group-family VALUE
--filters VALUE...
--max-records INT
--marker VALUE
--[no-]default-only
--[no-]list-supported-character-sets
--[no-]list-supported-timezones
--[no-]include-all
[rds download-db-log-file-portion] read
use: page
--db-instance-identifier VALUE
--log-file-name VALUE
--marker VALUE
--number-of-lines INT
[rds list-tags-for-resource] read
--resource-name VALUE
--filters VALUE...
[rds create-db-snapshot] write
--db-snapshot-identifier VALUE
--db-instance-identifier VALUE
--tags VALUE...
[rds create-db-cluster-snapshot] write
--db-cluster-snapshot-identifier VALUE
--db-cluster-identifier VALUE
--tags VALUE...
[rds wait db-cluster-available] read
use: rds.describe-db-clusters
[rds wait db-cluster-deleted] read
use: rds.describe-db-clusters
[rds wait db-instance-available] read
use: rds.describe-db-instances
[rds wait db-instance-deleted] read
use: rds.describe-db-instances
[rds wait db-snapshot-available] read
use: rds.describe-db-snapshots
[rds wait db-snapshot-completed] read
use: rds.describe-db-snapshots
[rds wait db-snapshot-deleted] read
use: rds.describe-db-snapshots
[cloudwatch list-metrics] read
use: page
--namespace VALUE
--metric-name VALUE
--dimensions VALUE...
--next-token VALUE
--recently-active VALUE
--[no-]include-linked-accounts
--owning-account VALUE
[cloudwatch get-metric-statistics] read
--namespace VALUE
--metric-name VALUE
--dimensions VALUE...
--start-time VALUE
--end-time VALUE
--period INT
--statistics VALUE...
--extended-statistics VALUE...
--unit VALUE
[cloudwatch get-metric-data] read
use: page
--metric-data-queries VALUE...
--start-time VALUE
--end-time VALUE
--next-token VALUE
--scan-by VALUE
--max-datapoints INT
--label-options VALUE...
[cloudwatch describe-alarms] read
use: page
--alarm-names VALUE...
--alarm-name-prefix VALUE
--alarm-types VALUE...
--children-of-alarm-name VALUE
--parents-of-alarm-name VALUE
--state-value VALUE
--action-prefix VALUE
--max-records INT
--next-token VALUE
[cloudwatch describe-alarm-history] read
use: page
--alarm-name VALUE
--alarm-contributor-id VALUE
--alarm-types VALUE...
--history-item-type VALUE
--start-date VALUE
--end-date VALUE
--max-records INT
--next-token VALUE
--scan-by VALUE
[cloudwatch describe-alarms-for-metric] read
--metric-name VALUE
--namespace VALUE
--statistic VALUE
--extended-statistic VALUE
--dimensions VALUE...
--period INT
--unit VALUE
[cloudwatch list-dashboards] read
use: page
--dashboard-name-prefix VALUE
--next-token VALUE
[cloudwatch get-dashboard] read
--dashboard-name VALUE
[cloudwatch put-metric-data] write
--namespace VALUE
--metric-data VALUE...
--entity-metric-data VALUE...
--[no-]strict-entity-validation
[cloudwatch put-metric-alarm] write
--alarm-name VALUE
--alarm-description VALUE
--[no-]actions-enabled
--ok-actions VALUE... ! runs a program
--alarm-actions VALUE... ! runs a program
--insufficient-data-actions VALUE... ! runs a program
--metric-name VALUE
--namespace VALUE
--statistic VALUE
--extended-statistic VALUE
--dimensions VALUE...
--period INT
--unit VALUE
--evaluation-periods INT
--datapoints-to-alarm INT
--threshold NUMBER
--comparison-operator VALUE
--treat-missing-data VALUE
--evaluate-low-sample-count-percentile VALUE
--metrics VALUE...
--tags VALUE...
--threshold-metric-id VALUE
--evaluation-criteria VALUE...
--evaluation-interval INT
[cloudwatch put-dashboard] write
--dashboard-name VALUE
--dashboard-body VALUE
--tags VALUE...
[events list-rules] read
use: page
--name-prefix VALUE
--event-bus-name VALUE
--next-token VALUE
--limit INT
[events describe-rule] read
--name VALUE
--event-bus-name VALUE
[events list-targets-by-rule] read
use: page
--rule VALUE
--event-bus-name VALUE
--next-token VALUE
--limit INT
[events list-event-buses] read
--name-prefix VALUE
--next-token VALUE
--limit INT
[events describe-event-bus] read
--name VALUE
[events put-events] write
--entries VALUE...
--endpoint-id VALUE
[stepfunctions list-state-machines] read
use: page
--max-results INT
--next-token VALUE
[stepfunctions describe-state-machine] read
--state-machine-arn VALUE
--included-data VALUE
[stepfunctions list-executions] read
use: page
--state-machine-arn VALUE
--status-filter VALUE
--max-results INT
--next-token VALUE
--map-run-arn VALUE
--redrive-filter VALUE
[stepfunctions describe-execution] read
--execution-arn VALUE
--included-data VALUE
[stepfunctions get-execution-history] read
use: page
--execution-arn VALUE
--max-results INT
--[no-]reverse-order
--next-token VALUE
--[no-]include-execution-data
[stepfunctions start-execution] write
--state-machine-arn VALUE
--name VALUE
--input VALUE
--trace-header VALUE
[stepfunctions stop-execution] write
--execution-arn VALUE
--error VALUE
--cause VALUE
[ssm get-parameter] read
--name VALUE
--[no-]with-decryption ! prints secrets
[ssm get-parameters] read
--names VALUE...
--[no-]with-decryption ! prints secrets
[ssm get-parameters-by-path] read
use: page
--path VALUE
--[no-]recursive
--parameter-filters VALUE...
--[no-]with-decryption ! prints secrets
--max-results INT
--next-token VALUE
[ssm describe-parameters] read
use: page
--filters VALUE...
--parameter-filters VALUE...
--max-results INT
--next-token VALUE
--[no-]shared
[ssm describe-instance-information] read
use: page
--instance-information-filter-list VALUE...
--filters VALUE...
--max-results INT
--next-token VALUE
[ssm list-documents] read
use: page
--document-filter-list VALUE...
--filters VALUE...
--max-results INT
--next-token VALUE
[ssm list-commands] read
use: page
--command-id VALUE
--instance-id VALUE
--max-results INT
--next-token VALUE
--filters VALUE...
[secretsmanager list-secrets] read
use: page
--[no-]include-planned-deletion
--max-results INT
--next-token VALUE
--filters VALUE...
--sort-order VALUE
--sort-by VALUE
[secretsmanager describe-secret] read
--secret-id VALUE
[kms list-keys] read
use: page
--limit INT
--marker VALUE
[kms list-aliases] read
use: page
--key-id VALUE
--limit INT
--marker VALUE
[kms describe-key] read
--key-id VALUE
--grant-tokens VALUE...
[kms get-key-rotation-status] read
--key-id VALUE
[kms get-key-policy] read
--key-id VALUE
--policy-name VALUE
[iam list-users] read
use: page
--path-prefix VALUE
--marker VALUE
--max-items INT
[iam list-roles] read
use: page
--path-prefix VALUE
--marker VALUE
--max-items INT
[iam list-groups] read
use: page
--path-prefix VALUE
--marker VALUE
--max-items INT
[iam list-policies] read
use: page
--scope VALUE
--[no-]only-attached
--path-prefix VALUE
--policy-usage-filter VALUE
--marker VALUE
--max-items INT
[iam list-attached-role-policies] read
use: page
--role-name VALUE
--path-prefix VALUE
--marker VALUE
--max-items INT
[iam list-attached-user-policies] read
use: page
--user-name VALUE
--path-prefix VALUE
--marker VALUE
--max-items INT
[iam list-role-policies] read
use: page
--role-name VALUE
--marker VALUE
--max-items INT
[iam list-user-policies] read
use: page
--user-name VALUE
--marker VALUE
--max-items INT
[iam get-user] read
--user-name VALUE
[iam get-role] read
--role-name VALUE
[iam get-policy] read
--policy-arn VALUE
[iam get-policy-version] read
--policy-arn VALUE
--version-id VALUE
[iam get-role-policy] read
--role-name VALUE
--policy-name VALUE
[iam get-user-policy] read
--user-name VALUE
--policy-name VALUE
[iam get-account-summary] read
[iam list-account-aliases] read
use: page
--marker VALUE
--max-items INT
[iam list-instance-profiles] read
use: page
--path-prefix VALUE
--marker VALUE
--max-items INT
[iam list-groups-for-user] read
use: page
--user-name VALUE
--marker VALUE
--max-items INT
[iam list-policy-versions] read
use: page
--policy-arn VALUE
--marker VALUE
--max-items INT
[iam simulate-principal-policy] read
use: page
--policy-source-arn VALUE
--policy-input-list VALUE...
--permissions-boundary-policy-input-list VALUE...
--action-names VALUE...
--resource-arns VALUE...
--resource-policy VALUE
--resource-owner VALUE
--caller-arn VALUE
--context-entries VALUE...
--resource-handling-option VALUE
--max-items INT
--marker VALUE
[iam list-access-keys] read
use: page
--user-name VALUE
--marker VALUE
--max-items INT
[iam list-mfa-devices] read
use: page
--user-name VALUE
--marker VALUE
--max-items INT
[iam list-open-id-connect-providers] read
[iam list-role-tags] read
use: page
--role-name VALUE
--marker VALUE
--max-items INT
[route53 list-hosted-zones] read
use: page
--marker VALUE
--max-items VALUE
--delegation-set-id VALUE
--hosted-zone-type VALUE
[route53 list-hosted-zones-by-name] read
--dns-name VALUE
--hosted-zone-id VALUE
--max-items VALUE
[route53 list-resource-record-sets] read
use: page
--hosted-zone-id VALUE
--start-record-name VALUE
--start-record-type VALUE
--start-record-identifier VALUE
--max-items VALUE
[route53 get-hosted-zone] read
--id VALUE
[route53 get-change] read
--id VALUE
[route53 list-health-checks] read
use: page
--marker VALUE
--max-items VALUE
[route53 test-dns-answer] read
--hosted-zone-id VALUE
--record-name VALUE
--record-type VALUE
--resolver-ip VALUE
--edns0-client-subnet-ip VALUE
--edns0-client-subnet-mask VALUE
[apigateway get-rest-apis] read
use: page
--position VALUE
--limit INT
[apigateway get-rest-api] read
--rest-api-id VALUE
[apigateway get-resources] read
use: page
--rest-api-id VALUE
--position VALUE
--limit INT
--embed VALUE...
[apigateway get-stages] read
--rest-api-id VALUE
--deployment-id VALUE
[apigateway get-stage] read
--rest-api-id VALUE
--stage-name VALUE
[apigateway get-deployments] read
use: page
--rest-api-id VALUE
--position VALUE
--limit INT
[apigateway get-method] read
--rest-api-id VALUE
--resource-id VALUE
--http-method VALUE
[apigateway get-integration] read
--rest-api-id VALUE
--resource-id VALUE
--http-method VALUE
[apigateway get-domain-names] read
use: page
--position VALUE
--limit INT
--resource-owner VALUE
[apigateway create-deployment] write
--rest-api-id VALUE
--stage-name VALUE
--stage-description VALUE
--description VALUE
--[no-]cache-cluster-enabled
--cache-cluster-size VALUE
--variables VALUE...
--canary-settings VALUE...
--[no-]tracing-enabled
[apigatewayv2 get-apis] read
use: page
--max-results VALUE
--next-token VALUE
[apigatewayv2 get-api] read
--api-id VALUE
[apigatewayv2 get-routes] read
use: page
--api-id VALUE
--max-results VALUE
--next-token VALUE
[apigatewayv2 get-stages] read
use: page
--api-id VALUE
--max-results VALUE
--next-token VALUE
[apigatewayv2 get-integrations] read
use: page
--api-id VALUE
--max-results VALUE
--next-token VALUE
[apigatewayv2 get-deployments] read
use: page
--api-id VALUE
--max-results VALUE
--next-token VALUE
[eks list-clusters] read
use: page
--max-results INT
--next-token VALUE
--include VALUE...
%eks.describe-cluster
--name VALUE
[eks describe-cluster] read
use: eks.describe-cluster
[eks list-nodegroups] read
use: page
--cluster-name VALUE
--max-results INT
--next-token VALUE
%eks.describe-nodegroup
--cluster-name VALUE
--nodegroup-name VALUE
[eks describe-nodegroup] read
use: eks.describe-nodegroup
[eks list-addons] read
use: page
--cluster-name VALUE
--max-results INT
--next-token VALUE
%eks.describe-addon
--cluster-name VALUE
--addon-name VALUE
[eks describe-addon] read
use: eks.describe-addon
[eks list-fargate-profiles] read
use: page
--cluster-name VALUE
--max-results INT
--next-token VALUE
[eks list-updates] read
use: page
--name VALUE
--nodegroup-name VALUE
--addon-name VALUE
--capability-name VALUE
--next-token VALUE
--max-results INT
[eks describe-update] read
--name VALUE
--update-id VALUE
--nodegroup-name VALUE
--addon-name VALUE
--capability-name VALUE
[eks wait addon-active] read
use: eks.describe-addon
[eks wait addon-deleted] read
use: eks.describe-addon
[eks wait cluster-active] read
use: eks.describe-cluster
[eks wait cluster-deleted] read
use: eks.describe-cluster
[eks wait nodegroup-active] read
use: eks.describe-nodegroup
[eks wait nodegroup-deleted] read
use: eks.describe-nodegroup
%elbv2.describe-load-balancers
--load-balancer-arns VALUE...
--names VALUE...
--marker VALUE
--page-size INT
[elbv2 describe-load-balancers] read
use: page
use: elbv2.describe-load-balancers
[elbv2 describe-target-groups] read
use: page
--load-balancer-arn VALUE
--target-group-arns VALUE...
--names VALUE...
--marker VALUE
--page-size INT
%elbv2.describe-target-health
--target-group-arn VALUE
--targets VALUE...
--include VALUE...
[elbv2 describe-target-health] read
use: elbv2.describe-target-health
[elbv2 describe-listeners] read
use: page
--load-balancer-arn VALUE
--listener-arns VALUE...
--marker VALUE
--page-size INT
[elbv2 describe-rules] read
use: page
--listener-arn VALUE
--rule-arns VALUE...
--marker VALUE
--page-size INT
[elbv2 describe-tags] read
--resource-arns VALUE...
[elbv2 describe-load-balancer-attributes] read
--load-balancer-arn VALUE
[elbv2 wait load-balancer-available] read
use: elbv2.describe-load-balancers
[elbv2 wait load-balancer-exists] read
use: elbv2.describe-load-balancers
[elbv2 wait load-balancers-deleted] read
use: elbv2.describe-load-balancers
[elbv2 wait target-deregistered] read
use: elbv2.describe-target-health
[elbv2 wait target-in-service] read
use: elbv2.describe-target-health
[autoscaling describe-auto-scaling-groups] read
use: page
--auto-scaling-group-names VALUE...
--[no-]include-instances
--next-token VALUE
--max-records INT
--filters VALUE...
[autoscaling describe-auto-scaling-instances] read
use: page
--instance-ids VALUE...
--max-records INT
--next-token VALUE
[autoscaling describe-scaling-activities] read
use: page
--activity-ids VALUE...
--auto-scaling-group-name VALUE
--[no-]include-deleted-groups
--max-records INT
--next-token VALUE
--filters VALUE...
[autoscaling describe-policies] read
use: page
--auto-scaling-group-name VALUE
--policy-names VALUE...
--policy-types VALUE...
--next-token VALUE
--max-records INT
[autoscaling describe-launch-configurations] read
use: page
--launch-configuration-names VALUE...
--next-token VALUE
--max-records INT
[autoscaling set-desired-capacity] write
--auto-scaling-group-name VALUE
--desired-capacity INT
--[no-]honor-cooldown
[autoscaling start-instance-refresh] write
--auto-scaling-group-name VALUE
--strategy VALUE
--desired-configuration VALUE...
--preferences VALUE...
[acm list-certificates] read
use: page
--certificate-statuses VALUE...
--includes VALUE...
--next-token VALUE
--max-items INT
--sort-by VALUE
--sort-order VALUE
[acm describe-certificate] read
--certificate-arn VALUE
[cloudfront list-distributions] read
use: page
--marker VALUE
--max-items VALUE
%cloudfront.get-distribution
--id VALUE
[cloudfront get-distribution] read
use: cloudfront.get-distribution
[cloudfront list-invalidations] read
use: page
--distribution-id VALUE
--marker VALUE
--max-items VALUE
%cloudfront.get-invalidation
--distribution-id VALUE
--id VALUE
[cloudfront get-invalidation] read
use: cloudfront.get-invalidation
[cloudfront get-distribution-config] read
--id VALUE
[cloudfront list-functions] read
--marker VALUE
--max-items VALUE
--stage VALUE
[cloudfront create-invalidation] write
--paths VALUE...
--distribution-id VALUE
--invalidation-batch VALUE...
[cloudfront wait distribution-deployed] read
use: cloudfront.get-distribution
[cloudfront wait invalidation-completed] read
use: cloudfront.get-invalidation
[codebuild list-projects] read
use: page
--sort-by VALUE
--sort-order VALUE
--next-token VALUE
[codebuild list-builds] read
use: page
--sort-order VALUE
--next-token VALUE
[codebuild list-builds-for-project] read
use: page
--project-name VALUE
--sort-order VALUE
--next-token VALUE
[codebuild batch-get-builds] read
--ids VALUE...
[codebuild batch-get-projects] read
--names VALUE...
[codebuild start-build] write
--project-name VALUE
--secondary-sources-override VALUE... ! runs a program
--secondary-sources-version-override VALUE...
--source-version VALUE
--artifacts-override VALUE... ! is no everyday work
--secondary-artifacts-override VALUE... ! is no everyday work
--environment-variables-override VALUE... ! runs a program
--source-type-override VALUE ! runs a program
--source-location-override VALUE ! runs a program
--source-auth-override VALUE... ! moves the credential
--git-clone-depth-override INT
--git-submodules-config-override VALUE...
--buildspec-override VALUE ! runs a program
--[no-]insecure-ssl-override ! moves the credential
--[no-]report-build-status-override
--build-status-config-override VALUE...
--environment-type-override VALUE ! is no everyday work
--image-override VALUE ! runs a program
--compute-type-override VALUE
--certificate-override VALUE ! moves the credential
--cache-override VALUE... ! is no everyday work
--service-role-override VALUE ! changes rights
--[no-]privileged-mode-override ! changes rights
--timeout-in-minutes-override INT
--queued-timeout-in-minutes-override INT
--encryption-key-override VALUE
--idempotency-token VALUE
--logs-config-override VALUE... ! is no everyday work
--registry-credential-override VALUE... ! moves the credential
--image-pull-credentials-type-override VALUE
--[no-]debug-session-enabled
--fleet-override VALUE...
--auto-retry-limit-override INT
[codebuild stop-build] write
--id VALUE
[codebuild retry-build] write
--id VALUE
--idempotency-token VALUE
[codepipeline list-pipelines] read
use: page
--next-token VALUE
--max-results INT
[codepipeline get-pipeline] read
--name VALUE
--version INT
[codepipeline get-pipeline-state] read
--name VALUE
[codepipeline list-pipeline-executions] read
use: page
--pipeline-name VALUE
--max-results INT
--filter VALUE...
--next-token VALUE
[codepipeline get-pipeline-execution] read
--pipeline-name VALUE
--pipeline-execution-id VALUE
[codepipeline list-action-executions] read
use: page
--pipeline-name VALUE
--filter VALUE...
--max-results INT
--next-token VALUE
[codepipeline start-pipeline-execution] write
--name VALUE
--variables VALUE...
--client-request-token VALUE
--source-revisions VALUE...
[codepipeline retry-stage-execution] write
--pipeline-name VALUE
--stage-name VALUE
--pipeline-execution-id VALUE
--retry-mode VALUE
[codecommit list-repositories] read
use: page
--next-token VALUE
--sort-by VALUE
--order VALUE
[codecommit get-repository] read
--repository-name VALUE
[codecommit list-branches] read
use: page
--repository-name VALUE
--next-token VALUE
[codecommit get-branch] read
--repository-name VALUE
--branch-name VALUE
[codecommit list-pull-requests] read
use: page
--repository-name VALUE
--author-arn VALUE
--pull-request-status VALUE
--next-token VALUE
--max-results INT
[codecommit get-pull-request] read
--pull-request-id VALUE
[codecommit get-commit] read
--repository-name VALUE
--commit-id VALUE
[codecommit create-pull-request] write
--title VALUE
--description VALUE
--targets VALUE...
--client-request-token VALUE
[cognito-idp list-user-pools] read
use: page
--next-token VALUE
--max-results INT
[cognito-idp describe-user-pool] read
--user-pool-id VALUE
[cognito-idp list-users] read
use: page
--user-pool-id VALUE
--attributes-to-get VALUE...
--limit INT
--pagination-token VALUE
--filter VALUE
[cognito-idp list-groups] read
use: page
--user-pool-id VALUE
--limit INT
--next-token VALUE
[cognito-idp list-user-pool-clients] read
use: page
--user-pool-id VALUE
--max-results INT
--next-token VALUE
[athena list-work-groups] read
--next-token VALUE
--max-results INT
[athena get-query-execution] read
--query-execution-id VALUE
[athena get-query-results] read
use: page
--query-execution-id VALUE
--next-token VALUE
--max-results INT
--query-result-type VALUE
[athena list-query-executions] read
use: page
--next-token VALUE
--max-results INT
--work-group VALUE
[athena list-databases] read
use: page
--catalog-name VALUE
--next-token VALUE
--max-results INT
--work-group VALUE
[athena list-data-catalogs] read
use: page
--next-token VALUE
--max-results INT
--work-group VALUE
[athena start-query-execution] write
--query-string VALUE
--client-request-token VALUE
--query-execution-context VALUE...
--result-configuration VALUE...
--work-group VALUE
--execution-parameters VALUE...
--result-reuse-configuration VALUE...
--engine-configuration VALUE...
[athena stop-query-execution] write
--query-execution-id VALUE
[glue get-databases] read
use: page
--catalog-id VALUE
--next-token VALUE
--max-results INT
--resource-share-type VALUE
--attributes-to-get VALUE...
[glue get-database] read
--catalog-id VALUE
--name VALUE
[glue get-tables] read
use: page
--catalog-id VALUE
--database-name VALUE
--expression VALUE
--next-token VALUE
--max-results INT
--transaction-id VALUE
--query-as-of-time VALUE
--audit-context VALUE...
--[no-]include-status-details
--attributes-to-get VALUE...
[glue get-table] read
--catalog-id VALUE
--database-name VALUE
--name VALUE
--transaction-id VALUE
--query-as-of-time VALUE
--audit-context VALUE...
--[no-]include-status-details
[glue get-partitions] read
use: page
--catalog-id VALUE
--database-name VALUE
--table-name VALUE
--expression VALUE
--next-token VALUE
--segment VALUE...
--max-results INT
--[no-]exclude-column-schema
--transaction-id VALUE
--query-as-of-time VALUE
--audit-context VALUE...
[glue get-jobs] read
use: page
--next-token VALUE
--max-results INT
[glue get-job] read
--job-name VALUE
[glue get-job-runs] read
use: page
--job-name VALUE
--next-token VALUE
--max-results INT
[glue get-job-run] read
--job-name VALUE
--run-id VALUE
--[no-]predecessors-included
[glue get-crawlers] read
use: page
--max-results INT
--next-token VALUE
[glue get-crawler] read
--name VALUE
[glue start-job-run] write
--job-name VALUE
--[no-]job-run-queuing-enabled
--job-run-id VALUE
--arguments VALUE...
--allocated-capacity INT
--timeout INT
--max-capacity NUMBER
--security-configuration VALUE
--notification-property VALUE...
--worker-type VALUE
--number-of-workers INT
--execution-class VALUE
--execution-role-session-policy VALUE
[glue start-crawler] write
--name VALUE
[kinesis list-streams] read
use: page
--limit INT
--exclusive-start-stream-name VALUE
--next-token VALUE
[kinesis describe-stream] read
use: page
--stream-name VALUE
--limit INT
--exclusive-start-shard-id VALUE
--stream-arn VALUE
--stream-id VALUE
[kinesis describe-stream-summary] read
--stream-name VALUE
--stream-arn VALUE
--stream-id VALUE
[kinesis list-shards] read
use: page
--stream-name VALUE
--next-token VALUE
--exclusive-start-shard-id VALUE
--max-results INT
--stream-creation-timestamp VALUE
--shard-filter VALUE...
--stream-arn VALUE
--stream-id VALUE
[kinesis get-shard-iterator] read
--stream-name VALUE
--shard-id VALUE
--shard-iterator-type VALUE
--starting-sequence-number VALUE
--timestamp VALUE
--stream-arn VALUE
--stream-id VALUE
[kinesis get-records] read
--shard-iterator VALUE
--limit INT
--stream-arn VALUE
--stream-id VALUE
[kinesis put-record] write
--stream-name VALUE
--data VALUE
--partition-key VALUE
--explicit-hash-key VALUE
--sequence-number-for-ordering VALUE
--stream-arn VALUE
--stream-id VALUE
[firehose list-delivery-streams] read
--limit INT
--delivery-stream-type VALUE
--exclusive-start-delivery-stream-name VALUE
[firehose describe-delivery-stream] read
--delivery-stream-name VALUE
--limit INT
--exclusive-start-destination-id VALUE
[firehose put-record] write
--delivery-stream-name VALUE
--record VALUE...
%elasticache.describe-cache-clusters
--cache-cluster-id VALUE
--max-records INT
--marker VALUE
--[no-]show-cache-node-info
--[no-]show-cache-clusters-not-in-replication-groups
[elasticache describe-cache-clusters] read
use: page
use: elasticache.describe-cache-clusters
%elasticache.describe-replication-groups
--replication-group-id VALUE
--max-records INT
--marker VALUE
[elasticache describe-replication-groups] read
use: page
use: elasticache.describe-replication-groups
[elasticache describe-events] read
use: page
--source-identifier VALUE
--source-type VALUE
--start-time VALUE
--end-time VALUE
--duration INT
--max-records INT
--marker VALUE
[elasticache wait cache-cluster-available] read
use: elasticache.describe-cache-clusters
[elasticache wait cache-cluster-deleted] read
use: elasticache.describe-cache-clusters
[elasticache wait replication-group-available] read
use: elasticache.describe-replication-groups
[elasticache wait replication-group-deleted] read
use: elasticache.describe-replication-groups
[ce get-cost-and-usage] read
--time-period VALUE...
--granularity VALUE
--filter VALUE...
--metrics VALUE...
--group-by VALUE...
--billing-view-arn VALUE
--next-page-token VALUE
[ce get-cost-forecast] read
--time-period VALUE...
--metric VALUE
--granularity VALUE
--filter VALUE...
--billing-view-arn VALUE
--prediction-interval-level INT
[ce get-dimension-values] read
--search-string VALUE
--time-period VALUE...
--dimension VALUE
--context VALUE
--filter VALUE...
--sort-by VALUE...
--billing-view-arn VALUE
--max-results INT
--next-page-token VALUE
[cloudtrail lookup-events] read
use: page
--lookup-attributes VALUE...
--start-time VALUE
--end-time VALUE
--event-category VALUE
--max-results INT
--next-token VALUE
[cloudtrail describe-trails] read
--trail-name-list VALUE...
--[no-]include-shadow-trails
[cloudtrail get-trail-status] read
--name VALUE
[resourcegroupstaggingapi get-resources] read
use: page
--pagination-token VALUE
--tag-filters VALUE...
--resources-per-page INT
--tags-per-page INT
--resource-type-filters VALUE...
--[no-]include-compliance-details
--[no-]exclude-compliant-resources
--resource-arn-list VALUE...
[resourcegroupstaggingapi get-tag-keys] read
use: page
--pagination-token VALUE
[resourcegroupstaggingapi get-tag-values] read
use: page
--pagination-token VALUE
--key VALUE
[organizations describe-organization] read
[organizations list-accounts] read
use: page
--next-token VALUE
--max-results INT
[organizations list-roots] read
use: page
--next-token VALUE
--max-results INT
[batch list-jobs] read
use: page
--job-queue VALUE
--array-job-id VALUE
--multi-node-job-id VALUE
--job-status VALUE
--max-results INT
--next-token VALUE
--filters VALUE...
[elasticbeanstalk describe-environments] read
--application-name VALUE
--environment-names VALUE...
--environment-ids VALUE...
--version-label VALUE
--[no-]include-deleted
[elasticbeanstalk describe-applications] read
--application-names VALUE...
[elasticbeanstalk describe-application-versions] read
--application-name VALUE
--version-labels VALUE...
[elasticbeanstalk describe-events] read
use: page
--application-name VALUE
--environment-name VALUE
--environment-id VALUE
--severity VALUE
--start-time VALUE
--end-time VALUE
[elasticbeanstalk describe-environment-health] read
--environment-name VALUE
--environment-id VALUE
--attribute-names VALUE...
[apprunner list-services] read
--next-token VALUE
--max-results INT
[apprunner list-operations] read
--service-arn VALUE
--max-results INT
[kafka list-clusters] read
use: page
--cluster-name-filter VALUE
[kafka list-clusters-v2] read
use: page
--cluster-name-filter VALUE
[kafka describe-cluster] read
--cluster-arn VALUE
[kafka get-bootstrap-brokers] read
--cluster-arn VALUE
[emr list-clusters] read
use: page
--active
--terminated
--failed
--created-after VALUE
--created-before VALUE
--cluster-states VALUE...
[emr describe-cluster] read
--cluster-id VALUE
[emr list-steps] read
use: page
--cluster-id VALUE
--step-states VALUE...
--step-ids VALUE...
[xray get-trace-summaries] read
use: page
--start-time VALUE
--end-time VALUE
--time-range-type VALUE
--filter-expression VALUE
[xray batch-get-traces] read
use: page
--trace-ids VALUE...
[batch describe-jobs] read
--jobs VALUE...
[batch describe-job-queues] read
use: page
--job-queues VALUE...
--max-results INT
--next-token VALUE
[batch describe-job-definitions] read
use: page
--job-definitions VALUE...
--max-results INT
--job-definition-name VALUE
--status VALUE
--next-token VALUE
[batch describe-compute-environments] read
use: page
--compute-environments VALUE...
--max-results INT
--next-token VALUE
[amplify list-apps] read
use: page
--next-token VALUE
--max-results INT
[amplify get-app] read
--app-id VALUE
[amplify list-branches] read
use: page
--app-id VALUE
--next-token VALUE
--max-results INT
[amplify get-branch] read
--app-id VALUE
--branch-name VALUE
[amplify list-jobs] read
use: page
--app-id VALUE
--branch-name VALUE
--next-token VALUE
--max-results INT
[amplify get-job] read
--app-id VALUE
--branch-name VALUE
--job-id VALUE
[amplify start-job] write
--app-id VALUE
--branch-name VALUE
--job-id VALUE
--job-type VALUE
--job-reason VALUE
--commit-id VALUE
--commit-message VALUE
--commit-time VALUE
[scheduler list-schedules] read
use: page
--group-name VALUE
--max-results INT
--name-prefix VALUE
--next-token VALUE
--state VALUE
[scheduler get-schedule] read
--group-name VALUE
--name VALUE
[efs describe-file-systems] read
use: page
--max-items INT
--marker VALUE
--creation-token VALUE
--file-system-id VALUE
[efs describe-mount-targets] read
use: page
--max-items INT
--marker VALUE
--file-system-id VALUE
--mount-target-id VALUE
--access-point-id VALUE
[opensearch list-domain-names] read
--engine-type VALUE
[opensearch describe-domain] read
--domain-name VALUE
[codeartifact list-repositories] read
use: page
--repository-prefix VALUE
--max-results INT
--next-token VALUE
[codeartifact list-domains] read
use: page
--max-results INT
--next-token VALUE
[codeartifact list-packages] read
use: page
--domain VALUE
--domain-owner VALUE
--repository VALUE
--format VALUE
--namespace VALUE
--package-prefix VALUE
--max-results INT
--next-token VALUE
--publish VALUE
--upstream VALUE
[codeartifact list-package-versions] read
use: page
--domain VALUE
--domain-owner VALUE
--repository VALUE
--format VALUE
--namespace VALUE
--package VALUE
--status VALUE
--sort-by VALUE
--max-results INT
--next-token VALUE
--origin-type VALUE
[codeartifact describe-package-version] read
--domain VALUE
--domain-owner VALUE
--repository VALUE
--format VALUE
--namespace VALUE
--package VALUE
--package-version VALUE
[codedeploy list-applications] read
use: page
--next-token VALUE
[codedeploy list-deployments] read
use: page
--application-name VALUE
--deployment-group-name VALUE
--external-id VALUE
--include-only-statuses VALUE...
--create-time-range VALUE...
--next-token VALUE
[codedeploy get-deployment] read
--deployment-id VALUE
[codedeploy list-deployment-groups] read
use: page
--application-name VALUE
--next-token VALUE
[codedeploy get-deployment-group] read
--application-name VALUE
--deployment-group-name VALUE
[service-quotas list-services] read
use: page
--next-token VALUE
--max-results INT
[service-quotas list-service-quotas] read
use: page
--service-code VALUE
--next-token VALUE
--max-results INT
--quota-code VALUE
--quota-applied-at-level VALUE
[service-quotas get-service-quota] read
--service-code VALUE
--quota-code VALUE
--context-id VALUE
[sesv2 list-email-identities] read
--next-token VALUE
--page-size INT
[sesv2 get-account] read
[sesv2 get-email-identity] read
--email-identity VALUE
[sesv2 list-configuration-sets] read
--next-token VALUE
--page-size INT
[wafv2 list-web-acls] read
--scope VALUE
--next-marker VALUE
--limit INT
[wafv2 get-web-acl] read
--name VALUE
--scope VALUE
--id VALUE
--arn VALUE
[bedrock list-foundation-models] read
--by-provider VALUE
--by-customization-type VALUE
--by-output-modality VALUE
--by-inference-type VALUE
[bedrock get-foundation-model] read
--model-identifier VALUE
[sagemaker list-endpoints] read
use: page
--sort-by VALUE
--sort-order VALUE
--next-token VALUE
--max-results INT
--name-contains VALUE
--creation-time-before VALUE
--creation-time-after VALUE
--last-modified-time-before VALUE
--last-modified-time-after VALUE
--status-equals VALUE
[sagemaker describe-endpoint] read
--endpoint-name VALUE
[sagemaker list-training-jobs] read
use: page
--next-token VALUE
--max-results INT
--creation-time-after VALUE
--creation-time-before VALUE
--last-modified-time-after VALUE
--last-modified-time-before VALUE
--name-contains VALUE
--status-equals VALUE
--sort-by VALUE
--sort-order VALUE
--warm-pool-status-equals VALUE
--training-plan-arn-equals VALUE
[sagemaker describe-training-job] read
--training-job-name VALUE
[sagemaker list-models] read
use: page
--sort-by VALUE
--sort-order VALUE
--next-token VALUE
--max-results INT
--name-contains VALUE
--creation-time-before VALUE
--creation-time-after VALUE
[sagemaker list-notebook-instances] read
use: page
--next-token VALUE
--max-results INT
--sort-by VALUE
--sort-order VALUE
--name-contains VALUE
--creation-time-before VALUE
--creation-time-after VALUE
--last-modified-time-before VALUE
--last-modified-time-after VALUE
--status-equals VALUE
--notebook-instance-lifecycle-config-name-contains VALUE
--default-code-repository-contains VALUE
--additional-code-repository-equals VALUE
[redshift describe-clusters] read
use: page
--cluster-identifier VALUE
--max-records INT
--marker VALUE
--tag-keys VALUE...
--tag-values VALUE...
[pricing get-products] read
use: page
--service-code VALUE
--filters VALUE...
--format-version VALUE
--next-token VALUE
--max-results INT
[pricing describe-services] read
use: page
--service-code VALUE
--format-version VALUE
--next-token VALUE
--max-results INT
[pricing get-attribute-values] read
use: page
--service-code VALUE
--attribute-name VALUE
--next-token VALUE
--max-results INT
[support describe-trusted-advisor-checks] read
--language VALUE
[support describe-cases] read
use: page
--case-id-list VALUE...
--display-id VALUE
--after-time VALUE
--before-time VALUE
--[no-]include-resolved-cases
--next-token VALUE
--max-results INT
--language VALUE
--[no-]include-communications
[health describe-events] read
use: page
--filter VALUE...
--next-token VALUE
--max-results INT
--locale VALUE
[inspector2 list-findings] read
use: page
--max-results INT
--next-token VALUE
--filter-criteria VALUE...
--sort-criteria VALUE...
[backup list-backup-plans] read
use: page
--next-token VALUE
--max-results INT
--[no-]include-deleted
[backup list-backup-jobs] read
use: page
--next-token VALUE
--max-results INT
--by-resource-arn VALUE
--by-state VALUE
--by-backup-vault-name VALUE
--by-created-before VALUE
--by-created-after VALUE
--by-resource-type VALUE
--by-account-id VALUE
--by-complete-after VALUE
--by-complete-before VALUE
--by-parent-job-id VALUE
--by-message-category VALUE
"""

_URI: Final = r"s3://[A-Za-z0-9][A-Za-z0-9.:_-]{0,200}(?:/[^\x00-\x1f\x7f]{0,1000})?"
_OUTSIDE: Final = (r"^\s*(?:file|fileb|https?)://", "reads files or fetches from another place")

PROFILE: Final = Profile(
    tool="aws",
    about="an account at Amazon's cloud",
    syntax=ARGPARSE,
    grammar=GRAMMAR,
    types={
        "REGION": matching(r"[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}|aws-global", "a region"),
        # file:// and fileb:// name a file in any parameter; `key@=` does inside a shorthand value
        "VALUE": either(
            without(BUILT_IN["TEXT"], _OUTSIDE, (r"(?:^|[,{\s])[\w.-]+@=", "reads files"), (r"^-", "begins with a dash")),
            ordinary(
                matching(r"fileb?://(?!/)(?!(?:.*/)?\.\.(?:/|$))(?!.*\.git(?:/|$))[\w./@+-]{1,500}", "a file of the workspace")
            ),
        ),
        "QUEUE": matching(
            r"https://(?:sqs\.[a-z0-9-]+|[a-z0-9-]+\.queue)\.amazonaws\.com/[0-9]{12}/[A-Za-z0-9_.-]{1,90}", "a queue's URL"
        ),
        "JMESPATH": without(BUILT_IN["TEXT"], (r"^\s*(?:fileb?|https?)://", "reads a file or another place")),
        "GLOB": matching(r"(?!-)[^\x00-\x1f\x7f]{1,500}", "a pattern"),
        "S3URI": matching(_URI, "s3://BUCKET/KEY"),
        "SAVED": BUILT_IN["PATH"],
        # the whole workspace holds more than what anybody means to publish
        "SENT": without(
            ordinary(BUILT_IN["PATH"]),
            (
                r"^(?:\./?|/home/[^/]*/?[^/]*/?)$|^\.(?!/|gitignore|dockerignore|editorconfig)[\w-]+/?$",
                "sends the whole workspace",
            ),
        ),
    },
    harden=Hardening(
        env={
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_PAGER": "",
            "AWS_CLI_AUTO_PROMPT": "off",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        },
    ),
    delivery="env",
    credentials=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    source="botocore 1.43's service models; aws help, 1.45",
)
