import json

import pytest

from janee.errors import ProtocolError
from janee.protocol import (
    MAX_CONTROL_BODY,
    AuthorizeRequest,
    Completion,
    Denial,
    ErrorBody,
    Grant,
    Message,
    ReasonCode,
    parse_message,
)

AUTHORIZE = {"runner": {"runnerId": "r1"}, "capabilityId": "git-push", "command": ["git", "push"], "requestId": "req-1"}
CONSTRAINTS = {
    "policyHash": "sha256:ab",
    "executable": "gh",
    "command": ["gh", "issue", "create"],
    "sandbox": {"level": "strict", "network": ["api.github.com:443"], "workspace": "read", "limits": {}},
    "delivery": "env",
}
GRANT = {"grantId": "g_1", "grantExpiresAt": "2026-02-23T10:05:00Z", "effectiveTimeoutMs": 30000, "constraints": CONSTRAINTS}
COMPLETION = {
    "grantId": "g_1",
    "exitCode": 0,
    "startedAt": "2026-02-23T10:05:00Z",
    "durationMs": 1,
    "stdoutBytes": 0,
    "stderrBytes": 0,
    "scrubbedStdoutHits": 0,
    "scrubbedStderrHits": 0,
}
CANARY = "c4n4ry-secret-value"


def encode(value: object) -> bytes:
    return json.dumps(value).encode()


def test_the_original_runners_authorize_is_accepted() -> None:
    request = parse_message(AuthorizeRequest, encode(AUTHORIZE | {"agentId": "creature:patch", "cwd": "/tmp"}))
    assert request.command == ("git", "push")
    assert request.agent_id == "creature:patch"
    assert json.loads(request.to_json())["capabilityId"] == "git-push"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"command": []}, "command"),
        ({"command": "git push"}, "command"),
        ({"command": ["git", 5]}, "command"),
        ({"command": ["x"] * 4097}, "command"),
        ({"command": ["x" * (128 * 1024 + 1)]}, "command"),
        ({"capabilityId": ""}, "capabilityId"),
        ({"capabilityId": "a b"}, "capabilityId"),
        ({"capabilityId": "a\n"}, "capabilityId"),
        ({"agentId": "a\u202eb"}, "agentId"),
        ({"timeoutMs": 0}, "timeoutMs"),
        ({"timeoutMs": "5"}, "timeoutMs"),
        ({"timeoutMs": True}, "timeoutMs"),
        ({"runner": {}}, "runner.runnerId"),
        ({"runner": {"runnerId": "r", "sandbox": "none"}}, "runner.sandbox"),
        ({"executable": {"path": "/usr/bin/git", "sha256": "xyz"}}, "executable.sha256"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_malformed_authorize_is_refused_naming_the_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_message(AuthorizeRequest, encode(AUTHORIZE | change))
    assert caught.value.code == "BAD_REQUEST"
    assert field in caught.value.message


@pytest.mark.parametrize("data", [b"", b"{", b"null", b"[]", b"\xff\xfe", b'"x"', b"{" * 100_000, b"NaN"])
def test_what_is_not_a_json_object_is_a_bad_request(data: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_message(AuthorizeRequest, data)
    assert caught.value.code == "BAD_REQUEST"


def test_a_body_over_the_limit_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_message(AuthorizeRequest, b"x" * (MAX_CONTROL_BODY + 1))
    assert caught.value.code == "BODY_TOO_LARGE"


@pytest.mark.parametrize(
    "wrong", [{"command": CANARY}, {"agentToken": [CANARY]}, {"timeoutMs": CANARY}, {"runner": CANARY}, {"cwd": {CANARY: 1}}]
)
def test_an_error_never_quotes_the_input(wrong: dict[str, object]) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_message(AuthorizeRequest, encode(AUTHORIZE | wrong))
    assert CANARY not in caught.value.message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_grant_is_either_sealed_or_plain() -> None:
    plain = {"envInjections": {"T": CANARY}, "scrubValues": [CANARY]}
    assert parse_message(Grant, encode(GRANT | {"sealed": "AAAA"})).sealed == "AAAA"
    assert CANARY not in repr(parse_message(Grant, encode(GRANT | plain)))
    for wrong in (GRANT, GRANT | plain | {"sealed": "AAAA"}):
        with pytest.raises(ProtocolError):
            parse_message(Grant, encode(wrong))


@pytest.mark.parametrize(
    "change", [{"durationMs": -1}, {"exitCode": 256}, {"signal": 0}, {"outcome": "fine"}, {"grantId": "../x"}]
)
def test_a_completion_out_of_range_is_refused(change: dict[str, object]) -> None:
    assert parse_message(Completion, encode(COMPLETION)).exit_code == 0
    with pytest.raises(ProtocolError):
        parse_message(Completion, encode(COMPLETION | change))


def test_a_denial_has_the_published_field_names() -> None:
    body = ErrorBody(error="no", denial=Denial(reason_code=ReasonCode.RULE_DENY, capability="c", agent_id="a"))
    assert body.to_wire()["denial"] == {
        "reasonCode": "RULE_DENY",
        "capability": "c",
        "agentId": "a",
        "evaluatedPolicy": "",
        "nextStep": "",
    }


def test_a_message_cannot_be_changed_after_it_was_checked() -> None:
    request = parse_message(AuthorizeRequest, encode(AUTHORIZE))
    with pytest.raises(ValueError, match="frozen"):
        request.capability_id = "other"  # type: ignore[misc]
    assert isinstance(request, Message)
