"""An order that fits, to take apart in tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from janee.runner.executable import TrustedPath
from janee.runner.order import ExecRequest, GrantTerms, Order, check_order
from janee.seal import SealedContent, seal_content
from janee.secret import Secret
from sandbox import Level

NOW = 1_800_000_000.0
SECRET = "the-secret-of-the-orders-0123456789"


def expiry(seconds: float, now: float = NOW) -> str:
    return datetime.fromtimestamp(now + seconds, UTC).isoformat().replace("+00:00", "Z")


def constraints(*command: str, **more: Any) -> dict[str, Any]:
    sandbox = {"level": "strict", "network": [], "workspace": "none", "limits": {}, "allowPrivate": False}
    return {
        "policyHash": "sha256:" + "0" * 64,
        "executable": command[0],
        "command": list(command),
        "sandbox": sandbox | more.pop("sandbox", {}),
        "delivery": "env",
        **more,
    }


def order(*command: str, now: float = NOW, **sandbox: Any) -> Order:
    program = TrustedPath().resolve(command[0])
    request = ExecRequest("default", "vm", "agent:a", "cap", command, None, 5000, Level.STRICT, program)
    terms = GrantTerms("g_1", expiry(60, now), 5000, "agent:a", "default", constraints(*command, sandbox=sandbox))
    return Order(request, terms, "-", has_stdin=False)


def sealed(whole: Order, public_key: str, now: float = NOW, **env: str) -> Order:
    """The order with its content sealed, as the Authority would for exactly this request."""
    values = {"TOKEN": SECRET, **env}
    content = SealedContent({name: Secret(value) for name, value in values.items()}, (Secret(SECRET),))
    return replace(whole, sealed=seal_content(public_key, content, check_order(whole, now=now)))
