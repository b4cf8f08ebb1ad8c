import dataclasses
import json

import pytest

from janee import seal
from janee.errors import ProtocolError
from janee.seal import GrantContext, RunnerKey, SealedContent, SealKey, SignedParts
from janee.secret import Secret

NOW = 1_700_000_000.0
KEY = RunnerKey("default", Secret(bytes(range(32))))
OTHER = RunnerKey("default", Secret(bytes(range(1, 33))))
PARTS = SignedParts("POST", "/v1/exec/authorize", "a=1", b'{"x":1}')
NONCE = bytes(16)
CONTEXT = GrantContext(
    grant_id="g_1",
    expires_at="2026-02-23T10:05:00Z",
    runner_key="default",
    runner_id="host-1",
    agent_id="local",
    capability_id="git-push",
    policy_hash="sha256:ab",
    command=("git", "push"),
    executable=("/usr/bin/git", "0" * 64),
    cwd="/w",
    sandbox_level="strict",
    constraints_digest="1" * 64,
    timeout_ms=30_000,
)
CONTENT = SealedContent({"TOKEN": Secret("s3cr3t-äöü-\x00")}, (Secret("s3cr3t"), Secret(b"\xff\x80")))
SECRETLESS = SealedContent(
    {"TOKEN": Secret("ghp_stand-in")}, (), (Secret("ghp_stand-in"),), Secret(bytes(range(32))), {"CONFIG": Secret("a: b\n")}
)


# --- keys


def test_a_made_key_carries_its_runners_name_and_any_other_is_default() -> None:
    assert seal.key_name(seal.new_api_key("build-1", bytes(32))) == "build-1"
    for text in ("your-runner-key", "jnr.x", "jnr.UP.aaaa", "", "jnr.x." + "a" * 42):
        assert seal.key_name(Secret(text)) == "default"


def test_stretching_depends_on_key_and_name_and_is_repeatable() -> None:
    a, b = seal.new_api_key("a", bytes(32)), seal.new_api_key("b", bytes(32))
    assert seal.stretch_key(a).mac_key == seal.stretch_key(a).mac_key
    assert seal.stretch_key(a).mac_key != seal.stretch_key(b).mac_key
    assert len(seal.stretch_key(a).mac_key) == 32


@pytest.mark.parametrize(
    ("text", "weak"), [("short", True), ("a" * 40, True), ("your-runner-key", True), ("x7Qp-93kd-Lm2w-Zz81", False)]
)
def test_weak_keys_are_told(text: str, weak: bool) -> None:
    assert (seal.key_weakness(Secret(text)) is not None) == weak


# --- signatures


def verify(headers: dict[str, str], parts: SignedParts = PARTS, key: RunnerKey = KEY, now: float = NOW) -> None:
    seal.verify_request(key, seal.read_signature(headers), parts, headers, now=now)


def test_a_signed_request_verifies_and_names_key_and_nonce() -> None:
    headers = seal.sign_request(KEY, PARTS, now=NOW, nonce=NONCE)
    verify(headers)
    signature = seal.read_signature(headers)
    assert (signature.key_name, signature.created, len(signature.nonce)) == ("default", int(NOW), 22)


@pytest.mark.parametrize(
    "change",
    [{"method": "GET"}, {"path": "/v1/exec/complete"}, {"query": ""}, {"query": "a=2"}, {"body": b'{"x":2}'}, {"body": b""}],
)
def test_a_changed_request_does_not_verify(change: dict[str, object]) -> None:
    headers = seal.sign_request(KEY, PARTS, now=NOW, nonce=NONCE)
    with pytest.raises(ProtocolError) as caught:
        verify(headers, dataclasses.replace(PARTS, **change))
    assert caught.value.code == "SIGNATURE_INVALID"


def test_another_key_does_not_verify() -> None:
    with pytest.raises(ProtocolError, match="another key"):
        verify(seal.sign_request(KEY, PARTS, now=NOW, nonce=NONCE), key=OTHER)


@pytest.mark.parametrize("shift", [-61, 61, 10**6])
def test_a_request_signed_at_another_time_is_refused_with_the_clocks_named(shift: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        verify(seal.sign_request(KEY, PARTS, now=NOW, nonce=NONCE), now=NOW + shift)
    assert caught.value.code == "CLOCK_SKEW"
    assert "NTP" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("signature-input", ";nonce=", ";nince="),
        ("signature-input", '"@path" ', ""),
        ("signature-input", ' "content-digest"', ""),
        ("signature-input", 'alg="hmac-sha256"', 'alg="none"'),
        ("signature-input", f"created={int(NOW)}", f"created={int(NOW) + 1}"),
        ("signature-input", 'keyid="default"', 'keyid="other"'),
        ("signature", "janee=:", "janee=:AAAA"),
        ("signature", "janee=", "other="),
        ("content-digest", "sha-256", "sha-512"),
    ],
)
def test_every_edit_of_a_signature_header_is_refused(name: str, old: str, new: str) -> None:
    headers = seal.sign_request(KEY, PARTS, now=NOW, nonce=NONCE)
    assert old in headers[name]
    with pytest.raises(ProtocolError) as caught:
        verify(headers | {name: headers[name].replace(old, new)})
    assert caught.value.code == "SIGNATURE_INVALID"


@pytest.mark.parametrize("missing", ["signature", "signature-input", "content-digest"])
def test_a_missing_signature_header_is_refused(missing: str) -> None:
    headers = seal.sign_request(KEY, PARTS, now=NOW, nonce=NONCE)
    del headers[missing]
    with pytest.raises(ProtocolError):
        verify(headers)


def test_the_key_is_in_no_header() -> None:
    shown = json.dumps(seal.sign_request(KEY, PARTS, now=NOW, nonce=NONCE))
    assert KEY.mac_key.expose().hex() not in shown


def respond(status: int = 200, body: bytes = b"ok", key: RunnerKey = KEY) -> tuple[dict[str, str], dict[str, str]]:
    request = seal.sign_request(KEY, PARTS, now=NOW, nonce=NONCE)
    return request, seal.sign_response(key, seal.read_signature(request), status=status, body=body, now=NOW)


def test_a_signed_response_verifies_for_its_request_only() -> None:
    request, headers = respond()
    seal.verify_response(KEY, request, status=200, body=b"ok", headers=headers)
    other = seal.sign_request(KEY, PARTS, now=NOW, nonce=bytes([1]) * 16)
    cases = [
        (KEY, other, 200, b"ok", headers),
        (KEY, request, 201, b"ok", headers),
        (KEY, request, 200, b"no", headers),
        (OTHER, request, 200, b"ok", headers),
        (KEY, request, 200, b"ok", {}),
        (KEY, request, 200, b"ok", headers | {"signature": request["signature"]}),
        (KEY, request, 200, b"ok", request),  # a request's own signature is no answer
    ]
    for key, sent, status, body, got in cases:
        with pytest.raises(ProtocolError):
            seal.verify_response(key, sent, status=status, body=body, headers=got)


# --- sealing


def test_a_sealed_grant_opens_with_its_key_and_context() -> None:
    key = SealKey()
    opened = key.open(seal.seal_content(key.public, CONTENT, CONTEXT), CONTEXT)
    assert opened.env["TOKEN"] == CONTENT.env["TOKEN"]
    assert [value.expose() for value in opened.scrub_values] == [b"s3cr3t", b"\xff\x80"]


CHANGES = {
    "grant_id": "g_2",
    "expires_at": "2026-02-23T10:06:00Z",
    "runner_key": "other",
    "runner_id": "host-2",
    "agent_id": "mallory",
    "capability_id": "admin",
    "policy_hash": "sha256:cd",
    "command": ("git", "push", "--force"),
    "executable": ("/tmp/git", "0" * 64),
    "cwd": "/",
    "sandbox_level": "off",
    "constraints_digest": "2" * 64,
    "timeout_ms": 60_000,
}


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(GrantContext)])
def test_a_grant_does_not_open_when_any_single_fact_differs(field: str) -> None:
    key = SealKey()
    sealed = seal.seal_content(key.public, CONTENT, CONTEXT)
    with pytest.raises(ProtocolError) as caught:
        key.open(sealed, dataclasses.replace(CONTEXT, **{field: CHANGES[field]}))
    assert caught.value.code == "GRANT_MISMATCH"


def test_moving_a_boundary_between_fields_changes_the_context() -> None:
    assert (
        dataclasses.replace(CONTEXT, command=("git", "push")).info()
        != dataclasses.replace(CONTEXT, command=("git push",)).info()
    )
    assert dataclasses.replace(CONTEXT, executable=None).info() != dataclasses.replace(CONTEXT, executable=("", "")).info()


@pytest.mark.parametrize("sealed", ["", "AAAA", "not base64!", "A" * 4000, "\u00e9"])
def test_garbage_does_not_open(sealed: str) -> None:
    with pytest.raises(ProtocolError):
        SealKey().open(sealed, CONTEXT)


def test_another_executor_cannot_open_the_grant() -> None:
    with pytest.raises(ProtocolError):
        SealKey().open(seal.seal_content(SealKey().public, CONTENT, CONTEXT), CONTEXT)


@pytest.mark.parametrize("seal_to", ["", "AAAA", "?", "A" * 44 + "A", "\u00e9"])
def test_a_malformed_public_key_is_a_bad_request(seal_to: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        seal.seal_content(seal_to, CONTENT, CONTEXT)
    assert caught.value.code == "BAD_REQUEST"


def test_the_low_order_point_is_no_public_key() -> None:
    # An all-zero X25519 key makes the shared secret known to everybody (RFC 7748, section 6.1).
    with pytest.raises(ProtocolError):
        seal.seal_content("A" * 43 + "=", CONTENT, CONTEXT)


# --- agent tokens


def test_a_wrapped_token_comes_back_for_its_request_and_key_only() -> None:
    token = Secret("jna_0123456789")
    wrapped = seal.wrap_token(KEY, token, request_id="r1", nonce=bytes(12))
    assert "jna_" not in wrapped
    assert seal.unwrap_token(KEY, wrapped, request_id="r1") == token
    assert seal.unwrap_token(KEY, "jna_plain", request_id="r1") == Secret("jna_plain")
    for key, text, request_id in [
        (OTHER, wrapped, "r1"),
        (KEY, wrapped, "r2"),
        (KEY, wrapped[:-4] + "AAAA", "r1"),
        (KEY, "jnw1.", "r1"),
    ]:
        with pytest.raises(ProtocolError):
            seal.unwrap_token(key, text, request_id=request_id)


def test_a_grant_without_secrets_carries_placeholders_and_the_right_to_use_the_gateway() -> None:
    key = SealKey()
    assert key.open(seal.seal_content(key.public, SECRETLESS, CONTEXT), CONTEXT) == SECRETLESS
