"""The policy engine: what an agent may do. Pure.

    policy = compile_policy(config)                  # ConfigError names the rule at fault
    decision = decide_exec(policy, ExecQuery(…))     # .allowed, .reason_code, .trace, …

Guarantees: absence denies; the same input gives the same decision; no file, clock, socket or secret is ever touched.
State (rates, sessions, grants) is `janee.authority.grants`'.
"""

from janee.authority.policy._argv import UnknownTool
from janee.authority.policy._command import NOTHING_LIFTS
from janee.authority.policy._compile import CompiledCapability, Policy, compile_policy
from janee.authority.policy._decide import decide_exec, decide_http, may_see, overrule, refuse
from janee.authority.policy._decision import Decision, ExecQuery, HttpQuery, HttpTarget
from janee.authority.policy._egress import EgressDecision, EgressQuery, decide_egress
from janee.authority.policy._env import EnvTemplate, Placeholder
from janee.authority.policy._glob import glob_matches, matches_any
from janee.authority.policy._http import HttpRuleError, verify_body
from janee.authority.policy._pattern import Pattern, PatternError, compile_pattern

__all__ = [
    "NOTHING_LIFTS",
    "CompiledCapability",
    "Decision",
    "EgressDecision",
    "EgressQuery",
    "EnvTemplate",
    "ExecQuery",
    "HttpQuery",
    "HttpRuleError",
    "HttpTarget",
    "Pattern",
    "PatternError",
    "Placeholder",
    "Policy",
    "UnknownTool",
    "compile_pattern",
    "compile_policy",
    "decide_egress",
    "decide_exec",
    "decide_http",
    "glob_matches",
    "matches_any",
    "may_see",
    "overrule",
    "refuse",
    "verify_body",
]
