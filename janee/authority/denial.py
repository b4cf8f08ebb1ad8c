"""A denial on its way out: the error that carries a `Decision` to the API's border."""

from __future__ import annotations

from janee.authority.policy import Decision
from janee.errors import DeniedError
from janee.protocol import Denial, ReasonCode


class DecisionDenied(DeniedError):  # noqa: N818  (it is an answer, not a fault)
    """The policy said no. `denial` is what the Runner is told."""

    def __init__(self, decision: Decision) -> None:
        code = decision.reason_code or ReasonCode.RULE_DENY
        super().__init__(code.value, f"denied: {decision.evaluated_policy}", decision.next_step)
        self.denial = Denial(
            reason_code=code,
            capability=decision.capability_id,
            agent_id=decision.agent_id,
            evaluated_policy=decision.evaluated_policy,
            next_step=decision.next_step,
        )
