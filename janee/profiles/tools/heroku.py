"""heroku: applications, releases and logs of the service's Heroku account.

Denied throughout: tokens, values of configuration variables (they hold secrets), dynos with a command and consoles (they run
programs), databases' consoles and tunnels, plugins, and paths outside the workspace. Add-ons, domains, access and deletion need
`admin`. Facts: `heroku help COMMAND`, 8 to 10.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import NODE
from janee.profiles.types import matching

GRAMMAR: Final = r"""
[]
-h --help
[] read
-v --version
needs: -v --version

%app
-a --app SLUG
-r --remote NAME
--prompt ! waits for a person

%json
--json
-j

%sure
-c --confirm SLUG

[version] read
[help] read
args: [NAME...]
[status] read
--json
[regions] read
--json
--common
--private
[commands] read
--json
[apps|list|ls] read
-A --all
--json
-p --personal
-s --space SLUG
-t --team SLUG
-i --internal-routing
[apps:info|info] read
use: app
-s --shell
-j --json
--extended
args: [SLUG]
[apps:create|create] write
-a --app SLUG
-b --buildpack BUILDPACK
-k --kernel NAME
-l --locked
-n --no-remote
-r --remote NAME
-s --stack NAME
-t --team SLUG
--addons NAMES
--features NAMES
--manifest
--region NAME
--space SLUG
--json
-i --internal-routing
args: [SLUG]
[apps:destroy|apps:delete|destroy] admin
use: app sure
args: [SLUG]
[apps:rename|rename] admin
use: app
args: SLUG
[apps:errors] read
use: app json
--dyno
--router
--hours INT
[apps:stacks|stack] read
use: app
--json
[apps:stacks:set|stack:set] admin
use: app
args: NAME
[apps:favorites] read
--json
[apps:diff,apps:open,open,dashboard] ! opens a browser
[apps:join,apps:leave,apps:lock,apps:unlock,apps:transfer,join,leave,lock,unlock] ! changes who has access

[logs] read
use: app
-d --dyno DYNO
-n --num INT
-p --process-type --ps DYNO
-s --source NAME
-t --tail
--force-colors
--no-color
[ps] read
use: app
--json
--extended
args: [DYNO...]
[ps:type|dyno:resize|dyno:type|ps:resize] write
use: app
args: [SCALE...]
[ps:scale|dyno:scale|scale] write
use: app
args: [SCALE...]
[ps:restart|dyno:restart|restart] write
use: app
-d --dyno-name DYNO
-p --process-type DYNO
args: [DYNO]
[ps:stop|dyno:stop|ps:kill|dyno:kill|stop|kill] write
use: app
-d --dyno-name DYNO
-p --process-type DYNO
args: [DYNO]
[ps:wait] read
use: app
-R --with-run
-t --type DYNO
-w --wait-interval INT
[ps:autoscale:enable|ps:autoscale:disable] admin
use: app
--min INT
--max INT
--p95 INT
--notifications
[ps:exec,ps:copy,ps:socks,ps:forward] ! opens a shell or a tunnel

[releases] read
use: app
-n --num INT
--json
--extended
[releases:info] read
use: app
--json
-s --shell ! prints secrets
args: [RELEASE]
[releases:output] read
use: app
args: [RELEASE]
[releases:rollback|rollback] write
use: app
args: [RELEASE]
[releases:retry] write
use: app

[config:unset|config:remove] admin
use: app
args: NAME...
[config:set|config:add] admin
use: app
args: KEYVALUE...
[config,config:get,config:edit] ! prints secrets

[builds|builds:list] read
use: app
-n --num INT
--json
[builds:info] read
use: app
--json
args: [NAME]
[builds:output] read
use: app
args: [NAME]
[builds:create,builds:cache:purge,builds:cache:download] ! is a plugin

[buildpacks] read
use: app
--json
[buildpacks:info|buildpacks:versions] read
--json
args: BUILDPACK
[buildpacks:search] read
--namespace NAME
--name NAME
--description NAME
args: [NAME]
[buildpacks:set|buildpacks:add|buildpacks:remove] admin
use: app
-i --index INT
args: [BUILDPACK]
[buildpacks:clear] admin
use: app

[addons] read
-A --all
use: app
--json
[addons:info] read
use: app
--json
args: ADDON
[addons:plans] read
--json
args: NAME
[addons:services] read
--json
[addons:wait] read
use: app
--wait-interval INT
args: [ADDON]
[addons:create] admin
use: app sure
--as NAME
--name NAME
--wait
args: NAME
[addons:destroy|addons:remove] admin
use: app sure
-f --force
--wait
args: ADDON...
[addons:attach|addons:detach|addons:upgrade|addons:downgrade|addons:rename] admin
use: app
args: ADDON [ADDON]
[addons:docs,addons:open] ! opens a browser

[domains] read
use: app
-j --json
--csv
-x --extended
--columns NAMES
--filter NAME
--sort NAME
--output NAME
--no-header
--no-truncate
[domains:info] read
use: app
args: DOMAIN
[domains:wait] read
use: app
args: [DOMAIN]
[domains:add] admin
use: app
-c --cert NAME
-j --json
--wait
args: DOMAIN
[domains:update] admin
use: app
--cert NAME
args: DOMAIN
[domains:remove|domains:clear] admin
use: app sure
args: [DOMAIN]

[certs|certs:auto] read
use: app
[certs:info] read
use: app
--name NAME
--endpoint ! is no everyday work
--show-domains
args: [NAME]
[certs:auto:enable|certs:auto:disable|certs:auto:refresh] admin
use: app sure
--wait
[certs:add,certs:update,certs:generate,certs:remove,certs:chain,certs:key] ! changes certificates

[maintenance] read
use: app
[maintenance:on|maintenance:off] write
use: app
[features|labs] read
use: app
--json
[features:info|labs:info] read
use: app
--json
args: NAME
[features:enable|features:disable] admin
use: app sure
args: NAME
[labs:enable,labs:disable] ! reconfigures the tool

[pipelines] read
--json
[pipelines:info] read
--json
--with-owners
args: SLUG
[pipelines:promote] write
use: app
-t --to NAMES
[pipelines:create|pipelines:add] admin
use: app
-s --stage NAME
-t --team SLUG
args: [SLUG]
[pipelines:destroy|pipelines:remove|pipelines:update] admin
use: app
-s --stage NAME
args: [SLUG]
[pipelines:diff,pipelines:open] ! opens a browser
[pipelines:connect,pipelines:transfer,pipelines:setup,pipelines:rename] ! changes who has access
[reviewapps:enable,reviewapps:disable] ! changes who has access
[ci] read
use: app
--json
-p --pipeline SLUG
[ci:info|ci:last] read
use: app
--json
--node NAME
-p --pipeline SLUG
args: [INT]
[ci:rerun|ci:run] write
use: app
-p --pipeline SLUG
args: [INT]
[ci:config,ci:config:get,ci:config:set,ci:config:unset,ci:debug,ci:migrate-manifest,ci:open] ! prints secrets or runs a program

[pg|pg:info] read
use: app
args: [ADDON]
[pg:backups] read
use: app
args: [ADDON]
[pg:backups:info] read
use: app
args: [NAME]
[pg:backups:schedules] read
use: app
[pg:backups:capture] write
use: app
-v --verbose
--wait-interval INT
args: [ADDON]
[pg:wait] read
use: app
--wait-interval INT
--no-notify
args: [ADDON]
[pg:ps|pg:locks|pg:blocking|pg:bloat|pg:outliers|pg:diagnose|pg:vacuum-stats|pg:maintenance] read
use: app
-v --verbose
-n --num INT
-t --truncate
--json
args: [ADDON]
[pg:backups:schedule|pg:backups:unschedule|pg:backups:cancel] admin
use: app
--at TEXT
args: [ADDON]
[pg:backups:delete|pg:promote|pg:killall|pg:unfollow|pg:reset] admin
use: app sure
args: [NAME]
[pg:psql,psql,pg:kill] ! opens a shell
[pg:credentials,pg:credentials:url,pg:credentials:create,pg:credentials:rotate,pg:credentials:destroy,pg:credentials:repair-default] ! prints credentials of databases
[pg:backups:url,pg:backups:public-url,pg:backups:download,pg:backups:restore,pg:copy,pg:pull,pg:push,pg:upgrade,pg:links,pg:settings] ! moves or exports data
[redis|redis:info] read
use: app
--json
args: [ADDON]
[redis:cli,redis:credentials,redis:promote,redis:maintenance,redis:maxmemory,redis:keyspace-notifications,redis:timeout,redis:upgrade,redis:stats-reset] ! opens a shell or prints credentials
[redis:wait] read
use: app
args: [ADDON]

[drains] read
use: app
--json
--extended
[drains:add,drains:remove,drains:get,drains:set] ! sends logs to another host
[webhooks] read
use: app
--json
-p --pipeline SLUG
[webhooks:add,webhooks:remove,webhooks:update,webhooks:info,webhooks:deliveries,webhooks:events] ! sends data to another host
[git:remote] write
use: app
args: [SLUG]
[git:clone] ! fetches by a credential helper
[git:credentials] ! prints the credential
[auth:whoami|whoami] read
[auth:token,auth:login,auth:logout,auth:2fa,login,logout,2fa] ! prints or changes the credential
[authorizations,authorizations:create,authorizations:info,authorizations:revoke,authorizations:rotate,authorizations:update] ! prints the credential
[clients,clients:create,clients:info,clients:rotate,clients:update,clients:destroy,sessions,sessions:destroy] ! prints the credential
[keys] read
--json
-l --long
[keys:add,keys:remove,keys:clear] ! changes who has access
[access] read
use: app
--json
[access:add,access:remove,access:update,members:add,members:remove,members:set] ! changes who has access
[members] read
-t --team SLUG
-r --role NAME
--json
--pending
[orgs|teams] read
--json
--enterprise
[spaces] read
--json
-t --team SLUG
[spaces:info] read
--json
-s --space SLUG
args: [SLUG]
[spaces:create,spaces:destroy,spaces:transfer,spaces:vpn,spaces:peerings,spaces:drains:set,spaces:trusted-ips:add,trusted-ips:add,spaces:rename] ! changes who has access
[container:pull,container:run,container:login,container:logout,container:push] ! runs a program
[container:release] write
use: app
-v --verbose ! prints the credential
args: NAME...
[container:rm] admin
use: app
args: NAME...
[run,run:detached,run:inside,console,rake,run:list] ! runs a program
[local,local:run,local:start,local:version] ! runs a program
[plugins,plugins:install,plugins:link,plugins:uninstall,plugins:update,plugins:inspect,plugins:add,plugins:remove] ! runs a program
[update,autocomplete,autocomplete:create,autocomplete:doctor,autocomplete:script] ! reconfigures the tool
[api,repl,mcp,mcp:start] ! sends requests with all the credential's rights
[notifications,telemetry,usage,addons:usage,ai,ai:models:call,data,accounts,accounts:add,accounts:set] ! is no everyday work
"""

PROFILE: Final = Profile(
    tool="heroku",
    about="applications on Heroku",
    syntax=NODE,
    grammar=GRAMMAR,
    types={
        "SLUG": matching(r"[A-Za-z0-9][\w.-]{0,100}", "an application's, team's or pipeline's name"),
        "KEYVALUE": matching(r"[A-Za-z_][\w.-]{0,100}=[^\x00-\x1f\x7f]{0,2000}", "KEY=VALUE"),
        "NAMES": matching(r"[\w.:-]{1,60}(?:,[\w.:-]{1,60}){0,20}", "names"),
        "DYNO": matching(r"[A-Za-z][\w-]{0,40}(?:\.[0-9]{1,5})?", "a dyno or process type"),
        "SCALE": matching(r"[A-Za-z][\w-]{0,40}(?:[=+-][0-9]{0,4}(?::?[\w-]{1,30})?)?|[+-]?[0-9]{1,4}", "TYPE=COUNT"),
        "RELEASE": matching(r"v?[0-9]{1,7}|[0-9a-f-]{36}", "a release"),
        "ADDON": matching(r"[A-Za-z0-9][\w.:-]{0,100}", "an add-on"),
        "BUILDPACK": matching(r"heroku/[a-z0-9-]{1,60}|[a-z0-9-]{1,60}", "a registered buildpack"),
        "DOMAIN": matching(r"[A-Za-z0-9*][A-Za-z0-9.-]{0,200}", "a domain"),
    },
    harden=Hardening(
        env={
            "HEROKU_SKIP_ANALYTICS": "1",
            "DISABLE_TELEMETRY": "true",
            "HEROKU_SKIP_NEW_VERSION_CHECK": "1",
            "HEROKU_DISABLE_AUTOUPDATE": "1",
            "NO_COLOR": "1",
            "CI": "1",
            "BROWSER": "/bin/true",
        },
    ),
    credentials=("HEROKU_API_KEY",),
    source="heroku help COMMAND, 8–10",
)
