"""stripe: objects of the service's Stripe account, in its test mode.

Denied throughout: keys and configuration, other servers, forwarding of events to programs (`listen`, `serve`), fixtures (they read
the environment), samples, plugins, editors and browsers, and objects that make keys or send events elsewhere. Live mode, deletion
and what moves money need `admin`. Facts: the command line's reference, 1.21 to 1.31.
"""

from __future__ import annotations

from typing import Final

from janee.profiles import Hardening, Profile
from janee.profiles.syntaxes import COBRA
from janee.profiles.types import BUILT_IN, either, matching, without

_HEAD: Final = r"""
[] read
-v --version
needs: -v --version
[]
-h --help
--api-key TEXT ! replaces the credential
--color {on|off|auto}
--config TEXT ! reads configuration
--device-name NAME
--log-level {info|warn|error}
-p --project-name TEXT ! reads configuration
--api-base TEXT ! moves the credential
--files-api-base TEXT ! moves the credential
--dashboard-base TEXT ! moves the credential
--access-base TEXT ! moves the credential

%request
-d --data DATA
-e --expand NAME
-i --idempotency WORD
-c --confirm
-s --show-headers
--dark-style
--live @admin
--stripe-account ID
--stripe-context TEXT ! is no everyday work
-v --stripe-version WORD

%list
use: request
-l --limit INT
-a --starting-after ID
-b --ending-before ID

[get] read
use: list
args: OBJECT
[post] write
use: request
args: POSTED
[delete] admin
use: request
args: OBJECT
[trigger] write
--add PARAM
--override PARAM
--remove WORD
--skip WORD
--stripe-account ID
--stripe-version WORD
--api-version WORD
--raw TEXT ! is no everyday work
--edit ! runs a program (the editor)
args: EVENT
[logs tail] read
--filter-account {connect_in|connect_out|self}
--filter-http-method WORD
--filter-ip-address WORD
--filter-request-path WORD
--filter-request-status {SUCCEEDED|FAILED}
--filter-source {API|DASHBOARD}
--filter-status-code WORD
--filter-status-code-type {2XX|4XX|5XX}
--format {JSON|json}
--live @admin
[events resend] write
use: request
--account ID
--param PARAM
--webhook-endpoint ID
args: ID
[status] read
--format {default|json|JSON}
--hide-spinner
--verbose
--poll
--poll-rate INT
[resources] read
[version] read
[help] read
args: [NAME] [NAME]
[samples list] read
[samples create] ! fetches from other hosts
[listen] ! forwards events and prints a secret
[serve] ! listens for connections
[fixtures] ! reads the environment
[login] ! changes or prints the credential
[logout] ! changes the credential
[config] ! reconfigures the tool or prints the credential
[open] ! opens a browser
[playback,daemon,rpc_service,post-install,postinstall] ! listens for connections
[apps,plugin,sandbox,projects,generate,workbench] ! runs a program
[terminal] ! waits for a person
[feedback,community,completion,preview,v2,login-test] ! is no everyday work
[webhook_endpoints list] read
use: list
[webhook_endpoints retrieve] read
use: request
args: ID
[webhook_endpoints] ! sends events to other places
[ephemeral_keys,apple_pay_domains,account_links,login_links,account_sessions,oauth,secrets,apps_secrets,external_accounts,reporting,sigma,persons,capabilities] ! makes credentials or changes who has access
"""

# Objects: list and retrieve are `read`, create and update `write`, what cannot be undone `admin`.
_OBJECTS: Final = (
    "customers products prices plans coupons promotion_codes payment_intents setup_intents payment_methods payment_links charges invoices "
    "invoiceitems subscriptions subscription_items subscription_schedules quotes tax_rates shipping_rates credit_notes events disputes "
    "balance_transactions checkout_sessions files sources tokens orders skus reviews mandates application_fees accounts"
)
_SUB_OBJECTS: Final = (
    "checkout:sessions billing_portal:sessions billing_portal:configurations billing:meters test_helpers:test_clocks"
)
_VERBS: Final = (
    "confirm capture attach detach finalize_invoice send_invoice pay resume accept upcoming search mark_uncollectible expire "
    "list_line_items advance update_lines"
)
_MONEY: Final = "refunds payouts transfers topups"
_PARAMETERS: Final = (
    "name description email phone amount currency customer product price quantity unit_amount metadata active limit status query type "
    "payment_method payment_method_types payment_method_types[] confirm mode success_url cancel_url return_url line_items items collection_method days_until_due "
    "default_payment_method default_price due_date trial_end trial_period_days coupon promotion_code percent_off amount_off duration "
    "duration_in_months max_redemptions code invoice subscription interval recurring.interval recurring.interval_count "
    "automatic_payment_methods.enabled off_session setup_future_usage capture_method receipt_email statement_descriptor nickname lookup_key "
    "tax_behavior inclusive percentage display_name jurisdiction country balance address.city address.country address.line1 "
    "address.postal_code address.state shipping.name source created created.gt created.gte created.lt created.lte frozen_time "
    "cancel_at_period_end proration_behavior billing_cycle_anchor auto_advance cancellation_reason charge payment_intent after_completion.type"
)


def _parameter(name: str) -> str:
    plain = name.replace("[]", "")
    return " ".join(f"--{spelling}" for spelling in dict.fromkeys((plain, plain.replace("_", "-"))))


def _grammar() -> str:
    lines = [_HEAD, "%parameters", *dict.fromkeys(f"{_parameter(name)} TEXT" for name in _PARAMETERS.split())]
    names = [*_OBJECTS.split(), *(f"{name.replace(':', ' ')}" for name in _SUB_OBJECTS.split())]
    for name in names:
        for verb in ("list", "search"):
            lines += [f"[{name} {verb}] read", "use: parameters list", "args: [ID]"]
        lines += [f"[{name} retrieve] read", "use: parameters request", "args: [ID]"]
        lines += [f"[{name} create] write", "use: parameters request", "args: [ID]"]
        lines += [f"[{name} update] write", "use: parameters request", "args: ID"]
        for verb in _VERBS.split():
            if verb != "search":
                lines += [f"[{name} {verb}] write", "use: parameters request", "args: [ID]"]
        for verb in ("delete", "cancel", "void_invoice", "close", "reject"):
            lines += [f"[{name} {verb}] admin", "use: parameters request", "args: ID"]
    for name in _MONEY.split():
        lines += [f"[{name} list] read", "use: parameters list"]
        lines += [f"[{name} retrieve] read", "use: parameters request", "args: ID"]
        for verb in ("create", "update", "cancel", "reverse"):
            lines += [f"[{name} {verb}] admin", "use: parameters request", "args: [ID]"]
    lines += ["[balance retrieve] read", "use: request", "[balance_settings retrieve] read", "use: request"]
    return "\n".join(lines)


_PATHS: Final = (
    (
        r"(?:ephemeral_keys|webhook_endpoints|account_links|login_links|account_sessions|apple_pay|secrets|external_accounts)",
        "makes credentials or changes who has access",
    ),
)
_POSTS: Final = (
    *_PATHS,
    (
        r"(?:^|/)(?:refunds|payouts|transfers|topups|accounts?)(?:[/?]|$)|/(?:refund|cancel|void|reverse|reject|close)(?:[/?]|$)",
        "moves money or cannot be undone",
    ),
)

PROFILE: Final = Profile(
    tool="stripe",
    about="objects of a Stripe account",
    syntax=COBRA,
    grammar=_grammar(),
    types={
        "ID": matching(r"[a-zA-Z][A-Za-z0-9_]{2,255}", "an object's id"),
        "OBJECT": without(either(BUILT_IN["ENDPOINT"], matching(r"[a-z]+_[A-Za-z0-9_]{2,255}", "an object's id")), *_PATHS),
        "POSTED": without(either(BUILT_IN["ENDPOINT"], matching(r"[a-z]+_[A-Za-z0-9_]{2,255}", "an object's id")), *_POSTS),
        # key=value, sent as it is: this tool reads no `@file`
        "DATA": matching(r"[A-Za-z0-9_.\[\]-]{1,200}=[^\x00]{0,3800}", "KEY=VALUE"),
        "PARAM": matching(r"[A-Za-z0-9_.:\[\]-]{1,200}=[^\x00]{0,3800}", "OBJECT:KEY=VALUE"),
        "EVENT": without(matching(r"[a-z0-9_]+(?:\.[a-z0-9_]+){0,4}", "an event"), (r"\.json$", "reads the environment")),
    },
    harden=Hardening(
        env={"STRIPE_CLI_TELEMETRY_OPTOUT": "1", "DO_NOT_TRACK": "1", "XDG_CONFIG_HOME": "/nonexistent"},
    ),
    credentials=("STRIPE_API_KEY",),
    source="stripe's command line reference, 1.21–1.31",
)
