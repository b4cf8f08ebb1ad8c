"""What an agent is shown of a capability: names and rules, never a value."""

from __future__ import annotations

from janee.authority.policy import CompiledCapability
from janee.config.schema import Mode
from janee.protocol import CapabilityInfo


def capability_info(compiled: CompiledCapability) -> CapabilityInfo:
    """One line of `janee_list`."""
    capability = compiled.capability
    is_exec = capability.mode is Mode.EXEC
    has_rules = not is_exec or bool(compiled.egress and (compiled.allow or compiled.deny))
    rules = {} if not has_rules else {"allow": [r.text for r in compiled.allow], "deny": [r.text for r in compiled.deny]}
    return CapabilityInfo(
        name=capability.name,
        service=capability.service,
        mode="exec" if is_exec else "proxy",
        requires_reason=capability.requires_reason,
        delivery=capability.delivery.value if is_exec else None,
        workspace=capability.workspace.value if is_exec else None,
        timeout_ms=capability.timeout_ms,
        allow_commands=tuple(rule.text for rule in compiled.commands),
        rules=rules,
        env=tuple(template.name for template in compiled.env),
        network=compiled.network,
    )
