"""az: what a coding agent asks of a subscription; reading, logs, builds and deployments of what exists.

Denied throughout: whatever shows credentials or secrets (`account get-access-token`, keys, connection strings, `keyvault secret show`,
application settings, publishing profiles, `--debug`), logging in, other clouds, rights, shells and commands in machines, requests of any
kind (`rest`), values that name a URL or a file outside the workspace (`@FILE` works in every value).
Facts: the tool's own table of commands and arguments, 2.91; the azure-devops extension's reference.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import ARGPARSE
from janee.profiles.types import BUILT_IN, either, matching, ordinary, without

GRAMMAR: Final = r"""
[] read
-v --version
[]
-h --help
-o --output {json|jsonc|yaml|yamlc|table|tsv|none}
--query JMESPATH
--subscription VALUE
--only-show-errors
--verbose
--debug ! prints the credential

[version] read
[account get-access-token] ! prints the credential
[account set,clear,create,alias,management-group] ! reconfigures the tool
[login,logout,configure,config,cloud-shell,init,upgrade,extension,alias,feedback,survey,interactive,self-test,cache] ! prints or changes the credential, or reconfigures the tool
[cloud set,register,unregister,update] ! moves the credential
[rest] ! any request of the API
[find,next,scenario] ! asks another place
[aks get-credentials,command,create,delete,scale,update,upgrade,browse,install-cli,update-credentials,rotate-certs] ! prints the credential, or runs a program
[acr login,credential,token,import,update,create,delete,run,scope-map,agentpool] ! prints the credential, or runs a program
[acr task create,run,update,credential,logs] ! runs a program
[vm run-command,create,delete,user,extension,open-port,ssh,repair,image,secret,encryption,update,auto-shutdown] ! runs a program, or gives others access
[vmss run-command,create,delete,extension,secret,update] ! runs a program
[ssh,serial-console,bastion] ! opens a shell
[webapp ssh,create-remote-connection,create,delete,up,config,deployment-source,auth,cors,identity,connection,webjob,traffic-routing,hybrid-connection,browse,deleted,sitecontainers] ! opens a shell, prints secrets, or is no everyday work
[webapp deployment list-publishing-profiles,list-publishing-credentials,user,source,container,github-actions] ! prints the credential
[functionapp keys,config,create,delete,cors,identity,connection,devops-pipeline,hybrid-connection] ! prints secrets
[functionapp function keys,delete] ! prints secrets
[functionapp deployment list-publishing-profiles,list-publishing-credentials,user,container,github-actions] ! prints the credential
[storage account keys,show-connection-string,generate-sas,create,delete,update,network-rule,revoke-delegation-keys,local-user] ! prints the credential
[storage blob generate-sas,copy,sync,url,set-tier,lease,update,delete-old] ! prints the credential
[storage container generate-sas,set-permission,policy,delete,lease,immutability-policy] ! opens it to others
[storage share generate-sas,policy,delete] ! prints the credential
[storage queue generate-sas,policy,delete] ! prints the credential
[storage table generate-sas,policy,delete] ! prints the credential
[storage copy,azcopy,remove,cors,file,message,entity,fs,logging] ! is no everyday work
[keyvault secret show,download,backup,set,set-attributes,delete,purge,recover,restore,list-deleted] ! prints secrets
[keyvault key,certificate,storage,set-policy,delete-policy,create,delete,purge,role,network-rule,security-domain,backup,restore,update] ! prints secrets
[ad app,sp] ! changes rights of others
[ad app list] read
--all
--app-id VALUE
--display-name VALUE
--filter TEXT
--show-mine
[ad app show] read
--id VALUE
[ad sp list] read
--all
--display-name VALUE
--filter TEXT
--show-mine
[ad sp show] read
--id VALUE
[ad user create,update,delete] ! changes rights of others
[ad group create,delete,owner] ! changes rights of others
[ad group member add,remove] ! changes rights of others
[role assignment create,delete,update] ! changes rights of others
[role definition create,delete,update] ! changes rights of others
[policy assignment create,delete,update] ! changes rights of others
[lock create,delete,update] ! changes rights of others
[identity create,delete,federated-credential] ! changes rights of others
[resource create,delete,update,patch,invoke-action,tag,move] ! any request of the API
[container exec,attach,create,delete,export] ! opens a shell
[containerapp exec,up,create,delete,secret,registry,identity,connection,auth,compose,browse,dapr,debug,github-action,hostname,ssl] ! opens a shell, or prints secrets
[cosmosdb keys,list-keys,list-connection-strings,regenerate-key,create,delete,update] ! prints secrets
[redis list-keys,regenerate-keys,create,delete,update,access-policy,access-policy-assignment] ! prints secrets
[servicebus namespace authorization-rule,create,delete,update] ! prints secrets
[eventhubs namespace authorization-rule,create,delete,update] ! prints secrets
[sql server create,delete,firewall-rule,ad-admin,update] ! changes rights of others
[sql db create,delete,export,import,copy,show-connection-string,update,tde] ! moves data elsewhere
[network nsg create,delete,update] ! opens it to others
[network nsg rule create,delete,update] ! opens it to others
[deployment-scripts,stack,ts,managedapp,automation,batch,ml,sig,cognitiveservices] ! runs a program, or is no everyday work
[appconfig,signalr,search,maps,iot,apim,afd,cdn,databricks,datafactory,hdinsight,synapse,spring,quantum,webpubsub] ! is no everyday work
[connection,serviceconnector,webapp-auth] ! prints secrets
[bicep build,decompile,install,upgrade,uninstall,publish,restore,generate-params,lint,format,build-params,decompile-params] ! runs a program

# azure-devops, an extension
%devops
--organization --org URL
-p --project VALUE
--detect {true|false|on|off}
[pipelines list] read
use: devops
--name VALUE
--folder-path VALUE
--repository VALUE
--repository-type {tfsgit|github}
--top INT
[pipelines show] read
use: devops
--id INT
--name VALUE
--folder-path VALUE
[pipelines run] write
use: devops
--id INT
--name VALUE
--branch REF
--commit-id NAME
--folder-path VALUE
--parameters VALUE...
--variables VALUE...
[pipelines runs list] read
use: devops
--branch REF
--pipeline-ids VALUE...
--status VALUE
--result VALUE
--reason VALUE
--top INT
[pipelines runs show] read
use: devops
--id INT
[pipelines build list] read
use: devops
--branch REF
--definition-ids VALUE...
--status VALUE
--result VALUE
--top INT
[pipelines build show] read
use: devops
--id INT
[repos list] read
use: devops
[repos show] read
use: devops
-r --repository VALUE
[repos pr list] read
use: devops
--creator VALUE
--reviewer VALUE
-r --repository VALUE
-s --source-branch REF
-t --target-branch REF
--status {abandoned|active|all|completed}
--top INT
--skip INT
--include-links
[repos pr show] read
use: devops
--id INT
[repos pr create] write
use: devops
--title TEXT
-d --description PROSE...
-r --repository VALUE
-s --source-branch REF
-t --target-branch REF
--draft {true|false}
--reviewers --optional-reviewers VALUE...
--required-reviewers VALUE...
--work-items INT...
--labels VALUE...
--auto-complete {true|false}
--squash {true|false}
--delete-source-branch {true|false}
--merge-commit-message PROSE
--open ! opens a browser
--bypass-policy TEXT ! goes round the rules
[repos pr update] write
use: devops
--id INT
--title TEXT
-d --description PROSE...
--draft {true|false}
--status {abandoned|active|completed}
--auto-complete {true|false}
--squash {true|false}
--delete-source-branch {true|false}
--merge-commit-message PROSE
--bypass-policy TEXT ! goes round the rules
[boards work-item show] read
use: devops
--id INT
--fields VALUE
--expand {all|fields|links|none|relations}
--open ! opens a browser
[boards work-item create] write
use: devops
--title TEXT
--type VALUE
-d --description PROSE
--assigned-to VALUE
--area VALUE
--iteration VALUE
--reason VALUE
--discussion PROSE
-f --fields VALUE...
--open ! opens a browser
[boards work-item update] write
use: devops
--id INT
--title TEXT
-d --description PROSE
--assigned-to VALUE
--area VALUE
--iteration VALUE
--reason VALUE
--state VALUE
--discussion PROSE
-f --fields VALUE...
--open ! opens a browser
[boards query] read
use: devops
--id VALUE
--path VALUE
--wiql PROSE
[devops,artifacts] ! prints the credential, or reconfigures the tool
[pipelines variable,variable-group,agent,pool,queue,create,update,delete,folder] ! changes secrets of others
[vm list-ip-addresses] read
--resource-group -g VALUE
--name -n VALUE
--ids VALUE...
[acr manifest list-metadata] read
--registry -r VALUE
--name -n VALUE
--orderby {time_asc|time_desc}
--top INT
[sql db op list] read
--server -s VALUE
--resource-group -g VALUE
--database -d VALUE
[cosmosdb mongodb database list] read
--account-name -a VALUE
--resource-group -g VALUE
[cosmosdb mongodb collection list] read
--account-name -a VALUE
--resource-group -g VALUE
--database-name -d VALUE
[network private-endpoint list] read
--resource-group -g VALUE
[monitor metrics list-definitions] read
--resource VALUE
--resource-group -g VALUE
--resource-type VALUE
--namespace VALUE
[identity list] read
--resource-group -g VALUE
[identity show] read
--resource-group -g VALUE
--name -n VALUE
[containerapp replica list] read
--name -n VALUE
--resource-group -g VALUE
--revision VALUE
[repos pr set-vote] write
use: devops
--id VALUE
--vote {approve|approve-with-suggestions|reject|reset|wait-for-author}
[repos ref list] read
use: devops
--repository -r VALUE
--filter VALUE
[account list] read
--all
--refresh
[account list-locations] read
--include-extended-locations[={true|false}]
args: [TRUTH...]
[account lock list] read
--filter-string VALUE
[account lock show] read
--name -n VALUE
--ids VALUE...
[account show] read
[acr check-name] read
--name -n VALUE
--resource-group -g VALUE
--dnl-scope {Unsecure|TenantReuse|SubscriptionReuse|ResourceGroupReuse|NoReuse}
[acr list] read
--resource-group -g VALUE
[acr repository list] read
--name -n VALUE
--top VALUE
--resource-group -g VALUE
--suffix VALUE
--username -u VALUE
--password -p TEXT ! moves the credential
[acr repository show] read
--name -n VALUE
--repository VALUE
--image -t VALUE
--resource-group -g VALUE
--suffix VALUE
--username -u VALUE
--password -p TEXT ! moves the credential
[acr repository show-manifests] read
--name -n VALUE
--repository VALUE
--top VALUE
--orderby {time_asc|time_desc}
--resource-group -g VALUE
--suffix VALUE
--username -u VALUE
--password -p TEXT ! moves the credential
--detail
[acr repository show-tags] read
--name -n VALUE
--repository VALUE
--top VALUE
--orderby {time_asc|time_desc}
--resource-group -g VALUE
--suffix VALUE
--username -u VALUE
--password -p TEXT ! moves the credential
--detail
[acr show] read
--name -n VALUE
--resource-group -g VALUE
[acr task list] read
--registry -r VALUE
--resource-group -g VALUE
[acr task show] read
--name -n VALUE
--registry -r VALUE
--with-secure-properties
--resource-group -g VALUE
[ad group list] read
--display-name VALUE
--filter VALUE
[ad group member list] read
--group -g VALUE
[ad group show] read
--group -g VALUE
[ad signed-in-user show] read
[ad user list] read
--upn VALUE
--display-name VALUE
--filter VALUE
[ad user show] read
--id VALUE
[aks get-upgrades] read
--resource-group -g VALUE
--name -n VALUE
[aks get-versions] read
--location -l VALUE
[aks list] read
--resource-group -g VALUE
[aks namespace list] read
--resource-group -g VALUE
--cluster-name VALUE
[aks namespace show] read
--resource-group -g VALUE
--cluster-name VALUE
--name -n VALUE
[aks nodepool get-upgrades] read
--resource-group -g VALUE
--cluster-name VALUE
--nodepool-name --name -n VALUE
[aks nodepool list] read
--resource-group -g VALUE
--cluster-name VALUE
[aks nodepool show] read
--resource-group -g VALUE
--cluster-name VALUE
--nodepool-name --name -n VALUE
[aks nodepool snapshot list] read
--resource-group -g VALUE
[aks nodepool snapshot show] read
--resource-group -g VALUE
--name -n VALUE
[aks show] read
--resource-group -g VALUE
--name -n VALUE
[aks snapshot list] read
--resource-group -g VALUE
[aks snapshot show] read
--resource-group -g VALUE
--name -n VALUE
[appservice list-locations] read
--sku VALUE
--linux-workers-enabled
--hyperv-workers-enabled
--managed-instance-enabled
[appservice plan list] read
--resource-group -g VALUE
[appservice plan show] read
--resource-group -g VALUE
--name -n VALUE
--ids VALUE...
[consumption budget list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
[consumption budget show] read
--budget-name VALUE
--resource-group -g VALUE
[consumption usage list] read
--next-token TEXT ! moves the credential
--max-items VALUE
-p --billing-period-name VALUE
-t --top VALUE
--end-date -e VALUE
--include-additional-properties -a[={true|false}]
--include-meter-details -m[={true|false}]
--start-date -s VALUE
args: [TRUTH...]
[container list] read
--resource-group -g VALUE
[container show] read
--resource-group -g VALUE
--name -n VALUE
--ids VALUE...
[containerapp env list] read
--resource-group -g VALUE
[containerapp env show] read
--name -n VALUE
--resource-group -g VALUE
--ids VALUE...
[containerapp env storage list] read
--name -n VALUE
--resource-group -g VALUE
[containerapp env storage show] read
--name -n VALUE
--storage-name VALUE
--resource-group -g VALUE
[containerapp job list] read
--resource-group -g VALUE
[containerapp job show] read
--name -n VALUE
--resource-group -g VALUE
--ids VALUE...
[containerapp list] read
--resource-group -g VALUE
--environment VALUE
[containerapp revision list] read
--name -n VALUE
--resource-group -g VALUE
--all
[containerapp revision show] read
--resource-group -g VALUE
--revision VALUE
--name -n VALUE
--ids VALUE...
[containerapp show] read
--name -n VALUE
--resource-group -g VALUE
--show-secrets TEXT ! moves the credential
--ids VALUE...
[cosmosdb database exists] read
--resource-group-name -g VALUE
--name -n VALUE
--key TEXT ! moves the credential
--url-connection VALUE
--db-name -d VALUE
[cosmosdb database list] read
--resource-group-name -g VALUE
--name -n VALUE
--key TEXT ! moves the credential
--url-connection VALUE
[cosmosdb database show] read
--resource-group-name -g VALUE
--name -n VALUE
--key TEXT ! moves the credential
--url-connection VALUE
--db-name -d VALUE
[cosmosdb list] read
--resource-group -g VALUE
[cosmosdb postgres role list] read
--cluster-name VALUE
--resource-group -g VALUE
[cosmosdb postgres role show] read
--cluster-name VALUE
--resource-group -g VALUE
-n --name --role-name VALUE
--ids VALUE...
[cosmosdb show] read
--resource-group -g VALUE
--name -n VALUE
--ids VALUE...
[cosmosdb sql container exists] read
--resource-group -g VALUE
--account-name -a VALUE
--database-name -d VALUE
--name -n VALUE
[cosmosdb sql container list] read
--resource-group -g VALUE
--account-name -a VALUE
--database-name -d VALUE
[cosmosdb sql container show] read
--resource-group -g VALUE
--account-name -a VALUE
--database-name -d VALUE
--name -n VALUE
[cosmosdb sql database exists] read
--resource-group -g VALUE
--account-name -a VALUE
--name -n VALUE
[cosmosdb sql database list] read
--resource-group -g VALUE
--account-name -a VALUE
[cosmosdb sql database show] read
--resource-group -g VALUE
--account-name -a VALUE
--name -n VALUE
[cosmosdb sql role assignment exists] read
--resource-group -g VALUE
--account-name -a VALUE
--role-assignment-id -i VALUE
[cosmosdb sql role assignment list] read
--resource-group -g VALUE
--account-name -a VALUE
[cosmosdb sql role assignment show] read
--role-assignment-id -i VALUE
--resource-group -g VALUE
--account-name -a VALUE
[cosmosdb sql role definition exists] read
--resource-group -g VALUE
--account-name -a VALUE
--id -i VALUE
[cosmosdb sql role definition list] read
--resource-group -g VALUE
--account-name -a VALUE
[cosmosdb sql role definition show] read
--id -i VALUE
--resource-group -g VALUE
--account-name -a VALUE
[cosmosdb table exists] read
--resource-group -g VALUE
--account-name -a VALUE
--name -n VALUE
[cosmosdb table list] read
--resource-group -g VALUE
--account-name -a VALUE
[cosmosdb table show] read
--resource-group -g VALUE
--account-name -a VALUE
--name -n VALUE
[deployment group list] read
--resource-group -g VALUE
--filter VALUE
[deployment group show] read
--resource-group -g VALUE
--name -n VALUE
[deployment list] read
--filter VALUE
[deployment operation group list] read
--resource-group -g VALUE
--name -n VALUE
[deployment operation group show] read
--resource-group -g VALUE
--name -n VALUE
--operation-ids VALUE...
[deployment operation list] read
--name -n VALUE
[deployment operation show] read
--name -n VALUE
--operation-ids VALUE...
[deployment operation sub list] read
--name -n VALUE
[deployment operation sub show] read
--name -n VALUE
--operation-ids VALUE...
[deployment show] read
--name -n VALUE
[deployment sub list] read
--filter VALUE
[deployment sub show] read
--name -n VALUE
[disk list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
[disk show] read
-n --name --disk-name VALUE
--resource-group -g VALUE
--ids VALUE...
[eventhubs eventhub list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--namespace-name VALUE
--resource-group -g VALUE
--skip VALUE
--top VALUE
[eventhubs eventhub show] read
-n --name --event-hub-name VALUE
--namespace-name VALUE
--resource-group -g VALUE
--ids VALUE...
[eventhubs namespace exists] read
--name VALUE
[eventhubs namespace list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
[eventhubs namespace show] read
-n --name --namespace-name VALUE
--resource-group -g VALUE
--ids VALUE...
[functionapp list] read
--resource-group -g VALUE
[functionapp list-consumption-locations] read
[functionapp list-runtimes] read
--os --os-type {linux|windows}
[functionapp log deployment list] read
--resource-group -g VALUE
--name -n VALUE
--slot -s VALUE
[functionapp log deployment show] read
--resource-group -g VALUE
--name -n VALUE
--slot -s VALUE
--deployment-id VALUE
[functionapp plan list] read
--resource-group -g VALUE
[functionapp plan show] read
--resource-group -g VALUE
--name -n VALUE
--ids VALUE...
[functionapp show] read
--resource-group -g VALUE
--name -n VALUE
--slot -s VALUE
--ids VALUE...
[group deployment list] read
--resource-group -g VALUE
--filter VALUE
--top VALUE
[group deployment operation list] read
--resource-group -g VALUE
--name -n VALUE
--top VALUE
[group deployment operation show] read
--resource-group -g VALUE
--name -n VALUE
--operation-ids VALUE...
[group deployment show] read
--resource-group -g VALUE
--name -n VALUE
[group exists] read
--name -n --resource-group -g VALUE
[group list] read
--tag VALUE
[group lock list] read
--resource-group -g VALUE
--filter-string VALUE
[group lock show] read
--name -n VALUE
--resource-group -g VALUE
--ids VALUE...
[group show] read
--name -n --resource-group -g VALUE
[image list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
[image show] read
-n --name --image-name VALUE
--resource-group -g VALUE
--expand VALUE
--ids VALUE...
[keyvault check-name] read
--name -n VALUE
--resource-type {hsm}
[keyvault list] read
--resource-group -g VALUE
--resource-type VALUE
[keyvault show] read
--resource-group -g VALUE
--name -n VALUE
--hsm-name VALUE
[lock list] read
--resource-group -g VALUE
--namespace VALUE
--parent VALUE
--resource-type VALUE
--resource --resource-name VALUE
--filter-string VALUE
[lock show] read
--name -n VALUE
--resource-group -g VALUE
--namespace VALUE
--parent VALUE
--resource-type VALUE
--resource --resource-name VALUE
--ids VALUE...
[monitor account list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
[monitor account show] read
-n --name --azure-monitor-workspace-name VALUE
--resource-group -g VALUE
--ids VALUE...
[monitor activity-log alert list] read
--resource-group -g VALUE
[monitor activity-log alert show] read
-n --name --activity-log-alert-name VALUE
--resource-group -g VALUE
--ids VALUE...
[monitor activity-log list] read
--correlation-id VALUE
--resource-group -g VALUE
--resource-id VALUE
--namespace VALUE
--start-time VALUE...
--end-time VALUE...
--caller VALUE
--status VALUE
--max-events VALUE
--select VALUE...
--offset VALUE
[monitor log-analytics query] read
--workspace -w VALUE
--analytics-query PROSE
--timespan -t VALUE
--workspaces VALUE...
[monitor app-insights query] read
--app --apps -a VALUE...
--analytics-query PROSE
--start-time VALUE
--end-time VALUE
--offset VALUE
--resource-group -g VALUE
--ids VALUE...
[graph query] read
--graph-query -q PROSE
--first INT
--skip INT
--subscriptions -s VALUE...
--management-groups -m VALUE...
--allow-partial-scopes
[advisor recommendation list] read
--category -c VALUE
--resource-group -g VALUE
--refresh -r
--ids VALUE...
[monitor log-analytics workspace list] read
--resource-group -g VALUE
[monitor log-analytics workspace show] read
--resource-group -g VALUE
-n --name --workspace-name VALUE
--ids VALUE...
[monitor log-analytics workspace table list] read
--resource-group -g VALUE
--workspace-name VALUE
[monitor log-analytics workspace table show] read
--resource-group -g VALUE
-n --name --table-name VALUE
--workspace-name VALUE
--ids VALUE...
[monitor metrics alert list] read
--resource-group -g VALUE
[monitor metrics alert show] read
--resource-group -g VALUE
-n --name VALUE
--ids VALUE...
[monitor metrics list] read
--resource VALUE
--start-time VALUE...
--end-time VALUE...
--offset VALUE
--interval VALUE
--metadata
--dimension VALUE...
--aggregation {None|Average|Count|Minimum|Maximum|Total}
--metrics VALUE...
--filter VALUE
--namespace VALUE
--orderby VALUE
--top VALUE
--resource-namespace VALUE
--resource-parent VALUE
--resource-type VALUE
--resource-group -g VALUE
[mysql db list] read
--resource-group -g VALUE
--server-name -s VALUE
[mysql db show] read
--resource-group -g VALUE
--server-name -s VALUE
--name -n VALUE
--ids VALUE...
[mysql flexible-server db list] read
--resource-group -g VALUE
--server-name -s VALUE
[mysql flexible-server db show] read
--resource-group -g VALUE
--server-name -s VALUE
--database-name -d VALUE
--ids VALUE...
[mysql flexible-server list] read
--resource-group -g VALUE
[mysql flexible-server list-skus] read
--location -l VALUE
[mysql flexible-server show] read
--resource-group -g VALUE
--name -n VALUE
--ids VALUE...
[mysql server list] read
--resource-group -g VALUE
[mysql server list-skus] read
--location -l VALUE
[mysql server show] read
--resource-group -g VALUE
--name -n VALUE
--ids VALUE...
[network application-gateway list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
[network application-gateway rule list] read
--gateway-name VALUE
--resource-group -g VALUE
[network application-gateway rule show] read
--gateway-name VALUE
--resource-group -g VALUE
-n --name VALUE
[network application-gateway show] read
-n --name VALUE
--resource-group -g VALUE
--ids VALUE...
[network dns record-set list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
-z --zone-name VALUE
[network dns zone list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
--top VALUE
[network dns zone show] read
--resource-group -g VALUE
-n --name --zone-name VALUE
--ids VALUE...
[network lb list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
[network lb rule list] read
--lb-name VALUE
--resource-group -g VALUE
[network lb rule show] read
--lb-name VALUE
--resource-group -g VALUE
-n --name VALUE
[network lb show] read
-n --name VALUE
--resource-group -g VALUE
--detail-level {Reduced}
--expand VALUE
--ids VALUE...
[network nat gateway list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
[network nat gateway show] read
-n --name VALUE
--resource-group -g VALUE
--ids VALUE...
[network nic list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
[network nic show] read
-n --name VALUE
--resource-group -g VALUE
--expand VALUE
--ids VALUE...
[network nsg list] read
--resource-group -g VALUE
[network nsg rule list] read
--resource-group -g VALUE
--nsg-name VALUE
--include-default
[network nsg rule show] read
--nsg-name VALUE
--resource-group -g VALUE
-n --name VALUE
--ids VALUE...
[network nsg show] read
-n --name VALUE
--resource-group -g VALUE
--expand VALUE
--ids VALUE...
[network profile list] read
--resource-group -g VALUE
[network profile show] read
-n --name VALUE
--resource-group -g VALUE
--expand VALUE
--ids VALUE...
[network public-ip list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
[network public-ip show] read
-n --name VALUE
--resource-group -g VALUE
--expand VALUE
--ids VALUE...
[network route-table list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
[network route-table show] read
--resource-group -g VALUE
-n --name VALUE
--expand VALUE
--ids VALUE...
[network vnet list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
[network vnet show] read
--resource-group -g VALUE
-n --name VALUE
--expand VALUE
--ids VALUE...
[network vnet subnet list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
--vnet-name VALUE
[network vnet subnet show] read
--resource-group -g VALUE
-n --name VALUE
--vnet-name VALUE
--expand VALUE
--ids VALUE...
[policy assignment list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--management-group VALUE
--resource-group -g VALUE
--expand VALUE
--filter VALUE
--scope VALUE
-d --disable-scope-strict-match[={true|false}]
args: [TRUTH...]
[policy assignment show] read
-n --name VALUE
--scope VALUE
--expand VALUE
--resource-group -g VALUE
[policy definition list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--management-group VALUE
--filter VALUE
[policy definition show] read
--management-group VALUE
-n --name VALUE
[postgres flexible-server db list] read
--resource-group -g VALUE
--server-name -s VALUE
--ids VALUE...
[postgres flexible-server db show] read
--resource-group -g VALUE
--server-name -s VALUE
--name -n VALUE
--ids VALUE...
[postgres flexible-server list] read
--resource-group -g VALUE
--show-cluster
[postgres flexible-server list-skus] read
--location -l VALUE
[postgres flexible-server show] read
--resource-group -g VALUE
--name -n VALUE
--ids VALUE...
[provider list] read
--expand VALUE
[provider operation list] read
[provider operation show] read
--namespace -n VALUE
[provider show] read
--namespace -n VALUE
--expand VALUE
[redis list] read
--resource-group -g VALUE
[redis show] read
--resource-group -g VALUE
--name -n VALUE
--ids VALUE...
[resource list] read
--resource-group -g VALUE
--namespace VALUE
--resource-type VALUE
--name -n VALUE
--tag VALUE
--location -l VALUE
[resource lock list] read
--resource-group -g VALUE
--namespace VALUE
--parent VALUE
--resource-type VALUE
--resource --resource-name VALUE
--filter-string VALUE
[resource lock show] read
--name -n VALUE
--resource-group -g VALUE
--namespace VALUE
--parent VALUE
--resource-type VALUE
--resource --resource-name VALUE
--ids VALUE...
[resource show] read
--ids VALUE...
--resource-group -g VALUE
--namespace VALUE
--parent VALUE
--resource-type VALUE
--name -n VALUE
--api-version VALUE
--include-response-body[={true|false}]
--latest-include-preview -v VALUE
args: [TRUTH...]
[role assignment list] read
--assignee VALUE
--assignee-object-id VALUE
--role VALUE
--resource-group -g VALUE
--scope VALUE
--include-inherited
--all
--include-groups
--fill-role-definition-name[={true|false}]
--fill-principal-name[={true|false}]
args: [TRUTH...]
[role definition list] read
--name -n VALUE
--resource-group -g VALUE
--scope VALUE
--custom-role-only[={true|false}]
args: [TRUTH...]
[role definition show] read
--scope VALUE
--name -n VALUE
--id VALUE
[servicebus namespace exists] read
--name VALUE
[servicebus namespace list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
[servicebus namespace show] read
-n --name --namespace-name VALUE
--resource-group -g VALUE
--ids VALUE...
[servicebus queue list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--namespace-name VALUE
--resource-group -g VALUE
--skip VALUE
--top VALUE
[servicebus queue show] read
--namespace-name VALUE
-n --name --queue-name VALUE
--resource-group -g VALUE
--ids VALUE...
[servicebus topic list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--namespace-name VALUE
--resource-group -g VALUE
--skip VALUE
--top VALUE
[servicebus topic show] read
--namespace-name VALUE
--resource-group -g VALUE
-n --name --topic-name VALUE
--ids VALUE...
[servicebus topic subscription list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--namespace-name VALUE
--resource-group -g VALUE
--topic-name VALUE
--skip VALUE
--top VALUE
[servicebus topic subscription rule list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--namespace-name VALUE
--resource-group -g VALUE
--subscription-name VALUE
--topic-name VALUE
--skip VALUE
--top VALUE
[servicebus topic subscription rule show] read
--namespace-name VALUE
--resource-group -g VALUE
-n --name --rule-name VALUE
--subscription-name VALUE
--topic-name VALUE
--ids VALUE...
[servicebus topic subscription show] read
--namespace-name VALUE
--resource-group -g VALUE
-n --name --subscription-name VALUE
--topic-name VALUE
--ids VALUE...
[snapshot list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
[snapshot show] read
--resource-group -g VALUE
-n --name --snapshot-name VALUE
--ids VALUE...
[sql db list] read
--server -s VALUE
--resource-group -g VALUE
--elastic-pool VALUE
--ids VALUE...
[sql db show] read
--name -n VALUE
--server -s VALUE
--resource-group -g VALUE
--expand-keys[={true|false}]
--keys-filter VALUE
--ids VALUE...
args: [TRUTH...]
[sql elastic-pool list] read
--resource-group -g VALUE
--server -s VALUE
--skip VALUE
--ids VALUE...
[sql elastic-pool show] read
--resource-group -g VALUE
--server -s VALUE
--name -n VALUE
--ids VALUE...
[sql server list] read
--resource-group -g VALUE
--expand-ad-admin
[sql server show] read
--resource-group -g VALUE
--name -n VALUE
--expand-ad-admin
--ids VALUE...
[sql vm group list] read
--resource-group -g VALUE
[sql vm group show] read
--resource-group -g VALUE
--name -n VALUE
--ids VALUE...
[sql vm list] read
--resource-group -g VALUE
[sql vm show] read
--resource-group -g VALUE
--name -n VALUE
--expand VALUE...
--ids VALUE...
[staticwebapp environment list] read
--name -n VALUE
--resource-group -g VALUE
[staticwebapp environment show] read
--name -n VALUE
--environment-name VALUE
--resource-group -g VALUE
[staticwebapp list] read
--resource-group -g VALUE
[staticwebapp show] read
--name -n VALUE
--resource-group -g VALUE
[storage account check-name] read
--name -n VALUE
[storage account list] read
--resource-group -g VALUE
[storage account show] read
--resource-group -g VALUE
--name -n VALUE
--expand {geoReplicationStats|blobRestoreStatus}
--ids VALUE...
[storage blob exists] read
--account-name VALUE
--connection-string TEXT ! moves the credential
--blob-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--auth-mode {login|key}
--name -n VALUE
--container-name -c VALUE
--timeout VALUE
--blob-url TEXT ! moves the credential
--snapshot VALUE
[storage blob list] read
--account-name VALUE
--connection-string TEXT ! moves the credential
--blob-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--delimiter VALUE
--include VALUE
--marker VALUE
--num-results VALUE
--prefix VALUE
--show-next-marker
--auth-mode {login|key}
--container-name -c VALUE
--timeout VALUE
[storage blob show] read
--account-name VALUE
--connection-string TEXT ! moves the credential
--blob-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--auth-mode {login|key}
--name -n VALUE
--container-name -c VALUE
--timeout VALUE
--blob-url TEXT ! moves the credential
--if-modified-since VALUE
--if-unmodified-since VALUE
--if-match VALUE
--if-none-match VALUE
--tags-condition VALUE
--snapshot VALUE
--lease-id VALUE
[storage container exists] read
--account-name VALUE
--connection-string TEXT ! moves the credential
--blob-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--auth-mode {login|key}
--name -n VALUE
--timeout VALUE
[storage container list] read
--account-name VALUE
--connection-string TEXT ! moves the credential
--blob-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--include-metadata[={true|false}]
--include-deleted[={true|false}]
--marker VALUE
--num-results VALUE
--prefix VALUE
--show-next-marker VALUE
--auth-mode {login|key}
--timeout VALUE
args: [TRUTH...]
[storage container show] read
--account-name VALUE
--connection-string TEXT ! moves the credential
--blob-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--auth-mode {login|key}
--name -n VALUE
--timeout VALUE
--lease-id VALUE
[storage metrics show] read
--account-name VALUE
--connection-string TEXT ! moves the credential
--service-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--interval {hour|minute|both}
--timeout VALUE
--services VALUE
[storage queue exists] read
--account-name VALUE
--connection-string TEXT ! moves the credential
--queue-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--auth-mode {login|key}
--timeout VALUE
--name -n VALUE
[storage queue list] read
--account-name VALUE
--connection-string TEXT ! moves the credential
--queue-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--include-metadata
--marker VALUE
--num-results VALUE
--prefix VALUE
--show-next-marker
--auth-mode {login|key}
--timeout VALUE
[storage share exists] read
--account-name VALUE
--connection-string TEXT ! moves the credential
--file-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--name -n VALUE
--snapshot VALUE
--timeout VALUE
[storage share list] read
--account-name VALUE
--connection-string TEXT ! moves the credential
--file-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--prefix VALUE
--marker VALUE
--num-results VALUE
--include-metadata
--timeout VALUE
--include-snapshots
[storage share show] read
--account-name VALUE
--connection-string TEXT ! moves the credential
--file-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--name -n VALUE
--snapshot VALUE
--timeout VALUE
[storage table exists] read
--account-name VALUE
--connection-string TEXT ! moves the credential
--table-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--name -n VALUE
--auth-mode {login|key}
[storage table list] read
--account-name VALUE
--connection-string TEXT ! moves the credential
--table-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--num-results VALUE
--marker VALUE
--show-next-marker
--auth-mode {login|key}
[tag list] read
--resource-id VALUE
[vm get-instance-view] read
--resource-group -g VALUE
--name -n VALUE
--ids VALUE...
[vm list] read
--resource-group -g VALUE
--show-details -d
--vmss VALUE
[vm list-sizes] read
--location -l VALUE
[vm list-skus] read
--location -l VALUE
--size -s VALUE
--zone -z[={true|false}]
--all[={true|false}]
--resource-type -r VALUE
args: [TRUTH...]
[vm list-usage] read
--location -l VALUE
[vm monitor log show] read
--resource-group -g VALUE
--name -n VALUE
--analytics-query -q VALUE
--timespan VALUE
--ids VALUE...
[vm nic list] read
--resource-group -g VALUE
--vm-name VALUE
[vm nic show] read
--resource-group -g VALUE
--vm-name VALUE
--nic VALUE
[vm show] read
--resource-group -g VALUE
--name -n VALUE
--show-details -d
--include-user-data -u
--ids VALUE...
[vmss get-instance-view] read
--resource-group -g VALUE
--name -n VALUE
--instance-id VALUE
--ids VALUE...
[vmss list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
[vmss list-instances] read
--resource-group -g VALUE
-n --name --virtual-machine-scale-set-name VALUE
--expand VALUE
--filter VALUE
--select VALUE
--max-items VALUE
--next-token TEXT ! moves the credential
--resiliency-view
[vmss list-skus] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
-n --name --vm-scale-set-name VALUE
[vmss nic list] read
--next-token TEXT ! moves the credential
--max-items VALUE
--resource-group -g VALUE
--vmss-name --virtual-machine-scale-set-name VALUE
[vmss nic show] read
-n --name --network-interface-name VALUE
--resource-group -g VALUE
--vmss-name --virtual-machine-scale-set-name VALUE
--instance-id --virtualmachine-index VALUE
--expand VALUE
--ids VALUE...
[vmss show] read
--resource-group -g VALUE
--name -n VALUE
--instance-id VALUE
--include-user-data -u
[webapp list] read
--resource-group -g VALUE
--show-details
[webapp list-instances] read
--resource-group -g VALUE
--name -n VALUE
--slot -s VALUE
[webapp list-runtimes] read
--os --os-type {linux|windows}
--runtime {dotnet|node|php|python|java}
--support {supported|active|near|eol|all}
[webapp log deployment list] read
--resource-group -g VALUE
--name -n VALUE
--slot -s VALUE
[webapp log deployment show] read
--resource-group -g VALUE
--name -n VALUE
--slot -s VALUE
--deployment-id VALUE
[webapp log show] read
--resource-group -g VALUE
--name -n VALUE
--slot -s VALUE
--ids VALUE...
[webapp show] read
--resource-group -g VALUE
--name -n VALUE
--slot -s VALUE
--ids VALUE...
[group create] write
--name --resource-group -n -g VALUE
--location -l VALUE
--tags VALUE...
--managed-by VALUE
[vm start] write
--no-wait[={true|false}]
--resource-group -g VALUE
-n --name --vm-name VALUE
--ids VALUE...
args: [TRUTH...]
[vm stop] write
--resource-group -g VALUE
--name -n VALUE
--skip-shutdown
--no-wait
--ids VALUE...
[vm restart] write
--resource-group -g VALUE
--name -n VALUE
--force
--no-wait
--ids VALUE...
[vm deallocate] write
--no-wait[={true|false}]
--resource-group -g VALUE
-n --name --vm-name VALUE
--force-deallocate[={true|false}]
--hibernate[={true|false}]
--ids VALUE...
args: [TRUTH...]
[acr build] write
--registry -r VALUE
--image -t NAME
--resource-group -g VALUE
--agent-pool TEXT ! is no everyday work
--timeout VALUE
--build-arg BUILDARG
--secret-build-arg TEXT ! moves secrets
--file -f PATH
--no-format
--no-push
--no-logs
--platform VALUE
--target VALUE
--auth-mode TEXT ! moves the credential
--log-template VALUE
--source-acr-auth-id VALUE
--no-wait
args: PATH
[acr check-health] read
--vnet VALUE
--repository VALUE
--ignore-errors
--yes -y
--name -n VALUE
[webapp restart] write
--resource-group -g VALUE
--name -n VALUE
--slot -s VALUE
--ids VALUE...
[webapp start] write
--resource-group -g VALUE
--name -n VALUE
--slot -s VALUE
--ids VALUE...
[webapp stop] write
--resource-group -g VALUE
--name -n VALUE
--slot -s VALUE
--ids VALUE...
[webapp deploy] write
--resource-group -g VALUE
--name -n VALUE
--src-path SENT
--src-url TEXT ! fetches from another place
--target-path VALUE
--type {war|jar|ear|lib|startup|static|zip}
--async[={true|false}]
--restart[={true|false}]
--clean[={true|false}]
--ignore-stack[={true|false}]
--timeout VALUE
--slot -s VALUE
--track-status[={true|false}]
--enable-kudu-warmup[={true|false}]
--enriched-errors[={true|false}]
--deploymentTag --tag VALUE
--show-secure-build
--ids VALUE...
args: [TRUTH...]
[webapp log tail] read
--resource-group -g VALUE
--name -n VALUE
--provider VALUE
--slot -s VALUE
--ids VALUE...
[webapp deployment slot swap] write
--resource-group -g VALUE
--name -n VALUE
--slot -s VALUE
--target-slot VALUE
--preserve-vnet[={true|false}]
--action {swap|preview|reset}
--ids VALUE...
args: [TRUTH...]
[webapp deployment slot list] read
--resource-group -g VALUE
--name -n VALUE
--ids VALUE...
[functionapp restart] write
--resource-group -g VALUE
--name -n VALUE
--slot -s VALUE
--ids VALUE...
[functionapp start] write
--resource-group -g VALUE
--name -n VALUE
--slot -s VALUE
--ids VALUE...
[functionapp stop] write
--resource-group -g VALUE
--name -n VALUE
--slot -s VALUE
--ids VALUE...
[functionapp function list] read
--resource-group -g VALUE
--name -n VALUE
[functionapp function show] read
--resource-group -g VALUE
--name -n VALUE
--function-name VALUE
[functionapp deployment source config-zip] write
--resource-group -g VALUE
--name -n VALUE
--src SENT
--build-remote[={true|false}]
--timeout -t VALUE
--slot -s VALUE
--ids VALUE...
args: [TRUTH...]
[storage blob download] read
--account-name VALUE
--connection-string TEXT ! moves the credential
--blob-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--file -f PATH
--open-mode VALUE
--start-range VALUE
--end-range VALUE
--overwrite[={true|false}]
--auth-mode {login|key}
--name -n VALUE
--container-name -c VALUE
--timeout VALUE
--blob-url TEXT ! moves the credential
--if-modified-since VALUE
--if-unmodified-since VALUE
--if-match VALUE
--if-none-match VALUE
--tags-condition VALUE
--no-progress
--snapshot VALUE
--lease-id VALUE
--version-id VALUE
--max-connections VALUE
--validate-content
args: [TRUTH...]
[storage blob upload] write
--account-name VALUE
--connection-string TEXT ! moves the credential
--blob-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--file -f SENT
--container-name -c VALUE
--name -n VALUE
--type -t {block|page|append}
--metadata VALUE...
--validate-content
--maxsize-condition VALUE
--max-connections VALUE
--lease-id VALUE
--if-modified-since VALUE
--if-unmodified-since VALUE
--if-match VALUE
--if-none-match VALUE
--timeout VALUE
--encryption-scope VALUE
--overwrite[={true|false}]
--data TEXT ! a body that is not seen here
--length VALUE
--auth-mode {login|key}
--blob-url TEXT ! moves the credential
--tags-condition VALUE
--content-type VALUE
--content-encoding VALUE
--content-language VALUE
--content-disposition VALUE
--content-cache-control --content-cache VALUE
--content-md5 VALUE
--no-progress
--tier VALUE
--tags VALUE...
--socket-timeout VALUE
args: [TRUTH...]
[storage blob download-batch] read
--account-name VALUE
--connection-string TEXT ! moves the credential
--blob-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--source -s VALUE
--destination -d PATH
--pattern VALUE
--dryrun
--overwrite[={true|false}]
--auth-mode {login|key}
--no-progress
--max-connections VALUE
args: [TRUTH...]
[storage blob upload-batch] write
--account-name VALUE
--connection-string TEXT ! moves the credential
--blob-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--source -s SENT
--destination -d PATH
--pattern VALUE
--destination-path PATH
--type -t {block|page|append}
--metadata VALUE...
--validate-content
--maxsize-condition VALUE
--max-connections VALUE
--lease-id VALUE
--if-modified-since VALUE
--if-unmodified-since VALUE
--if-match VALUE
--if-none-match VALUE
--timeout VALUE
--dryrun
--socket-timeout VALUE
--auth-mode {login|key}
--tags-condition VALUE
--content-type VALUE
--content-encoding VALUE
--content-language VALUE
--content-disposition VALUE
--content-cache-control --content-cache VALUE
--content-md5 VALUE
--no-progress
--tier VALUE
--overwrite[={true|false}]
--tags VALUE...
args: [TRUTH...]
[storage container create] write
--account-name VALUE
--connection-string TEXT ! moves the credential
--blob-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--name -n VALUE
--resource-group -g VALUE
--metadata VALUE...
--public-access {off}
--fail-on-exist
--timeout VALUE
--default-encryption-scope -d VALUE
--prevent-encryption-scope-override -p[={true|false}]
--auth-mode {login|key}
args: [TRUTH...]
[keyvault secret list] read
--id VALUE
--vault-name VALUE
--maxresults VALUE
--include-managed[={true|false}]
args: [TRUTH...]
[deployment group what-if] read
--resource-group -g VALUE
--template-file -f PATH
--template-uri -u TEXT ! fetches from another place
--parameters -p PARAM...
--name -n VALUE
--mode {Incremental|Complete}
--aux-tenants VALUE...
--result-format -r {ResourceIdOnly|FullResourcePayloads}
--no-pretty-print
--no-prompt[={true|false}]
--exclude-change-types -x {Create|Delete|Ignore|Deploy|NoChange|Modify|Unsupported}
--template-spec -s TEXT ! is no everyday work
--query-string -q VALUE
--validation-level {Template|Provider|ProviderNoRbac}
args: [TRUTH...]
[deployment group validate] read
--resource-group -g VALUE
--template-file -f PATH
--template-uri -u TEXT ! fetches from another place
--parameters -p PARAM...
--name -n VALUE
--mode {Incremental|Complete}
--rollback-on-error[={true|false}]
--handle-extended-json-format -j
--no-prompt[={true|false}]
--template-spec -s TEXT ! is no everyday work
--query-string -q VALUE
--validation-level {Template|Provider|ProviderNoRbac}
args: [TRUTH...]
[deployment group create] admin
--resource-group -g VALUE
--template-file -f PATH
--template-uri -u TEXT ! fetches from another place
--parameters -p PARAM...
--name -n VALUE
--mode {Incremental|Complete}
--rollback-on-error[={true|false}]
--handle-extended-json-format -j
--aux-subs VALUE...
--aux-tenants VALUE...
--no-prompt[={true|false}]
--confirm-with-what-if -c
--what-if-result-format -r {ResourceIdOnly|FullResourcePayloads}
--what-if-exclude-change-types -x {Create|Delete|Ignore|Deploy|NoChange|Modify|Unsupported}
--template-spec -s TEXT ! is no everyday work
--query-string -q VALUE
--what-if -w
--proceed-if-no-change
--validation-level {Template|Provider|ProviderNoRbac}
--no-wait
args: [TRUTH...]
[deployment sub what-if] read
--template-file -f PATH
--template-uri -u TEXT ! fetches from another place
--parameters -p PARAM...
--name -n VALUE
--location -l VALUE
--result-format -r {ResourceIdOnly|FullResourcePayloads}
--no-pretty-print
--no-prompt[={true|false}]
--exclude-change-types -x {Create|Delete|Ignore|Deploy|NoChange|Modify|Unsupported}
--template-spec -s TEXT ! is no everyday work
--query-string -q VALUE
--validation-level {Template|Provider|ProviderNoRbac}
args: [TRUTH...]
[deployment sub validate] read
--template-file -f PATH
--template-uri -u TEXT ! fetches from another place
--parameters -p PARAM...
--name -n VALUE
--location -l VALUE
--handle-extended-json-format -j
--no-prompt[={true|false}]
--template-spec -s TEXT ! is no everyday work
--query-string -q VALUE
--validation-level {Template|Provider|ProviderNoRbac}
args: [TRUTH...]
[containerapp update] write
--name -n VALUE
--resource-group -g VALUE
--yaml TEXT ! parameters that are not seen here
--image -i VALUE
--container-name VALUE
--min-replicas VALUE
--max-replicas VALUE
--scale-rule-name --srn VALUE
--scale-rule-type --srt VALUE
--scale-rule-http-concurrency --srhc --srtc --scale-rule-tcp-concurrency VALUE
--scale-rule-metadata --srm VALUE...
--scale-rule-auth --sra TEXT ! moves secrets
--set-env-vars ASSIGNED...
--remove-env-vars VALUE...
--replace-env-vars ASSIGNED...
--remove-all-env-vars
--cpu VALUE
--memory VALUE
--revision-suffix VALUE
--command TEXT ! runs a program
--args TEXT ! runs a program
--tags VALUE...
--workload-profile-name -w VALUE
--termination-grace-period --tgp VALUE
--secret-volume-mount TEXT ! moves the credential
--no-wait
--ids VALUE...
[containerapp logs show] read
--resource-group -g VALUE
--name -n VALUE
--container VALUE
--revision VALUE
--replica VALUE
--follow[={true|false}]
--tail VALUE
--format {json|text}
--type -t {console|system}
args: [TRUTH...]
[containerapp revision restart] write
--resource-group -g VALUE
--revision VALUE
--name -n VALUE
--ids VALUE...
[containerapp ingress traffic set] write
--name -n VALUE
--resource-group -g VALUE
--label-weight VALUE...
--revision-weight --traffic-weight VALUE...
--ids VALUE...
[container logs] read
--resource-group -g VALUE
--name -n VALUE
--container-name VALUE
--follow
--ids VALUE...
[container restart] write
--resource-group -g VALUE
--name -n VALUE
--no-wait
[container start] write
--resource-group -g VALUE
--name -n VALUE
--no-wait
[container stop] write
--resource-group -g VALUE
--name -n VALUE
[group delete] admin
--name -n --resource-group -g VALUE
--force-deletion-types -f VALUE
--yes -y
--no-wait
[storage blob delete] admin
--account-name VALUE
--connection-string TEXT ! moves the credential
--blob-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--delete-snapshots {include|only}
--auth-mode {login|key}
--name -n VALUE
--container-name -c VALUE
--timeout VALUE
--blob-url TEXT ! moves the credential
--if-modified-since VALUE
--if-unmodified-since VALUE
--if-match VALUE
--if-none-match VALUE
--tags-condition VALUE
--lease-id VALUE
--snapshot VALUE
[storage blob delete-batch] admin
--account-name VALUE
--connection-string TEXT ! moves the credential
--blob-endpoint TEXT ! moves the credential
--account-key TEXT ! moves the credential
--sas-token TEXT ! moves the credential
--source -s VALUE
--pattern VALUE
--lease-id VALUE
--delete-snapshots {include|only}
--if-modified-since VALUE
--if-unmodified-since VALUE
--if-match VALUE
--if-none-match VALUE
--timeout VALUE
--dryrun
--auth-mode {login|key}
[bicep version] read
[cloud list] read
[cloud show] read
--name -n VALUE
"""

_URL: Final = (r"^\s*(?:https?|file|ftp)://", "fetches from another place")
# azure.cli.core.commands, expand_file_prefixed_files: `@FILE` alone or behind the first `=` is the file's text
_FILE: Final = (r"(?:^|[=:{,\[\s'])@", "reads files")
_LOADER: Final = (
    r"LD_[A-Z]|[A-Z]*_?PROXY|PATH|NODE_OPTIONS|PYTHON(?:PATH|STARTUP|HOME)|BASH_ENV|JAVA_TOOL_OPTIONS|RUBYOPT|PERL5OPT"
)
_WITHIN: Final = ordinary(
    matching(r"@(?!/)(?!(?:.*/)?\.\.(?:/|$))(?!.*\.git(?:/|$))[\w./+-]{1,500}", "a file of the workspace")
)

PROFILE: Final = Profile(
    tool="az",
    about="a subscription at Microsoft's cloud",
    syntax=ARGPARSE,
    grammar=GRAMMAR,
    types={
        # `@FILE` and `=@FILE` are replaced by the file in every argument
        "JMESPATH": without(BUILT_IN["TEXT"], (r"^@.|^[\w-]*=@", "reads files")),
        "VALUE": either(without(BUILT_IN["TEXT"], _URL, _FILE, (r"^-", "begins with a dash")), _WITHIN),
        "PROSE": either(without(BUILT_IN["TEXT"], (r"^(?:[^=]*=)?@", "reads files"), (r"^-\w", "begins with a dash")), _WITHIN),
        "PARAM": either(
            without(
                BUILT_IN["TEXT"], _URL, _FILE, (r"^(?:-|/|~|(?:[^={]*/)?\.\.(?:/|$))", "reads files outside the workspace")
            ),
            _WITHIN,
        ),
        "ASSIGNED": without(
            matching(r"[A-Za-z_][\w.-]{0,100}=[^\x00-\x1f\x7f]{0,4000}", "NAME=VALUE"),
            (rf"^(?:{_LOADER})[A-Z_]*=|=@|=secretref:", "runs a program, reads files or moves secrets"),
        ),
        "BUILDARG": matching(r"[A-Za-z_][\w.-]{0,100}=(?!@)[^\x00-\x1f\x7f]{0,2000}", "NAME=VALUE"),
        "NAME": matching(r"[A-Za-z0-9][\w.:/{}-]{0,300}", "a name"),
        "TRUTH": matching(r"true|false", "true or false"),
        "SENT": without(
            ordinary(BUILT_IN["PATH"]),
            (
                r"^(?:\.?/?|/home/[^/]*/?[^/]*/?)$|^\.(?!/|gitignore|dockerignore|editorconfig)[\w-]+/?$",
                "sends the whole workspace",
            ),
        ),
    },
    harden=Hardening(
        env={
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_CORE_NO_COLOR": "true",
            "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
            "AZURE_LOGGING_ENABLE_LOG_FILE": "false",
            "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
            "AZURE_BICEP_CHECK_VERSION": "false",
        },
    ),
    delivery="file",
    credentials=("AZURE_CLIENT_SECRET", "AZURE_DEVOPS_EXT_PAT"),
    source="the table of commands of azure-cli 2.91; the reference of azure-devops 1.0",
)
