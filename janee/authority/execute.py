"""`janee_execute`: an HTTP request of an agent, sent with a service's credential.

Guarantees: decided and audited before it is sent, audited again with its outcome before the answer leaves; the credential is
put only where the service's auth type has it; every byte of the answer, header names too, is scrubbed before it is cut,
decoded or returned. It never follows a redirect: `Location` is returned, scrubbed, and a new request is a new decision.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from janee.authority.callers import Caller, Subject
from janee.authority.core import TOO_MANY_DENIALS, Authority
from janee.authority.delivery import basic_pair
from janee.authority.denial import DecisionDenied
from janee.authority.egress.signers import Scope, ToSign, sign
from janee.authority.policy import HttpQuery, HttpTarget, refuse
from janee.authority.records import MAX_REFUSED, MAX_SHOWN, common_fields, decided, short_fields
from janee.authority.upstream import MAX_CALLS, MAX_RESPONSE_BYTES, UpstreamRequest, UpstreamResponse, Upstreams
from janee.config.schema import AWS_FIELDS, AWS_SESSION, Auth, AuthType, Service
from janee.errors import JaneeError, ProtocolError, StoreError
from janee.protocol import ErrorCode, ExecuteRequest, ExecuteResponse
from janee.scrubber import Scrubber
from janee.secret import Secret

_BIG: Final = 256 << 10  # bytes; more is scrubbed in a thread, so that others need not wait
# Hop by hop (RFC 9110, 7.6.1), or true only of what we read; cookies would be a credential that nobody scrubs next time.
_WITHHELD: Final = frozenset(
    (
        *(
            "connection",
            "keep-alive",
            "proxy-authenticate",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
        ),
        *("content-length", "content-encoding", "set-cookie", "set-cookie2", "alt-svc", "strict-transport-security"),
    )
)


async def execute(authority: Authority, caller: Caller, request: ExecuteRequest) -> ExecuteResponse:
    """Decide about a request, send it, return its answer.

    Raises DecisionDenied; ProtocolError UPSTREAM_FAILED, UPSTREAM_TIMEOUT; StoreError (then nothing was sent).
    """
    subject = authority.identify(caller, request.agent_id, request.agent_token, request.request_id)
    now = authority.clock()
    query = _query(subject, request)
    names = (request.runner.runner_id, request.request_id, request.claimed_agent)
    crowd = f"{caller.key.name}\n{subject.agent_id}"
    if authority.denials.is_over(crowd, now):
        decision = refuse(query, *TOO_MANY_DENIALS)
        common = common_fields(caller, subject, *names, decision)
        authority.audit_crowding(crowd, common, "execute.decided", decision, now)
        raise DecisionDenied(decision)
    decision, compiled = authority.decide_http(subject, query)
    secrets, failure = authority.secrets_of(decision.service)
    with authority.transaction() as tx:
        decision = authority.apply_state(tx, caller, subject, decision, compiled, now)
        is_allowed = decision.allowed and failure is None
        fields = authority.masks.clean(
            {
                "common": common_fields(caller, subject, *names, decision) | {"method": request.method, "path": request.path},
                "asked": {"query": dict(request.query or {}) or None, "reason": request.reason},
                "decided": decided(decision, failure),
            }
        )
        common = short_fields(fields["common"], MAX_SHOWN if is_allowed else MAX_REFUSED)
        first = fields["asked"] if is_allowed else short_fields(fields["asked"], MAX_REFUSED)
        tx.audit("execute.requested", **(common | ({"path": fields["common"]["path"]} if is_allowed else {}) | first))
        tx.audit("execute.decided", **common, **short_fields(fields["decided"], MAX_SHOWN))
    if not is_allowed:
        authority.denials.note(crowd, now)
    if not decision.allowed or decision.target is None or decision.service is None or decision.capability is None:
        raise DecisionDenied(decision)
    if failure is not None:
        raise failure
    timeout_s = decision.capability.timeout_ms / 1000
    return await _send_audited(authority, decision.service, decision.target, request.body, secrets, timeout_s, common, crowd)


def _query(subject: Subject, request: ExecuteRequest) -> HttpQuery:
    pairs = [
        (name, value)
        for name, values in (request.query or {}).items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    return HttpQuery(
        capability_id=request.capability_id,
        agent_id=subject.agent_id,
        method=request.method,
        path=request.path,
        query=tuple(pairs),
        headers=request.headers or {},
        body=request.body,
        reason=request.reason,
    )


async def _send_audited(
    authority: Authority,
    service: Service,
    target: HttpTarget,
    body: str | None,
    secrets: Mapping[str, Secret],
    timeout_s: float,
    common: dict[str, Any],
    crowd: str,
) -> ExecuteResponse:
    """Send, scrub, and record how it ended: also when it failed or was cancelled."""
    started = time.monotonic()
    result: dict[str, Any] = {"outcome": "cancelled"}
    waited_s = timeout_s
    try:
        upstreams = _upstreams(authority)
        async with asyncio.timeout(timeout_s), upstreams.turn(service, crowd):
            waited_s = time.monotonic() - started
            response = await upstreams.send(service, _request(service, target, body, secrets, authority.clock()))
            answer = await _clean(response, authority.masks.of(service, secrets))
        result = {"outcome": "completed", "status": answer.status, "bytes": len(response.body), "scrubHits": answer.scrub_hits}
        return answer
    except TimeoutError:
        if waited_s > timeout_s / 2:  # for its turn, not for the service
            result = {"outcome": "failed", "error": "BUSY"}
            why = f"{MAX_CALLS} calls of this agent to the service {service.name} are under way since {timeout_s:g} s"
            raise ProtocolError("BUSY", why, "wait for their answers") from None
        result = {"outcome": "timed_out", "error": ErrorCode.UPSTREAM_TIMEOUT.value}
        raise ProtocolError(
            ErrorCode.UPSTREAM_TIMEOUT, f"the service {service.name} did not answer within {timeout_s:g} s", "raise `timeout`"
        ) from None
    except JaneeError as error:
        result = {"outcome": "failed", "error": error.code, "detail": error.message}
        raise
    finally:
        duration_ms = int((time.monotonic() - started) * 1000)
        with authority.transaction() as tx:
            tx.audit("execute.completed", **common, **result, durationMs=duration_ms)


def _upstreams(authority: Authority) -> Upstreams:
    if authority.upstreams is None:
        authority.upstreams = Upstreams()
    return authority.upstreams


# --- the request ------------------------------------------------------------------------------------------------------


def _request(
    service: Service, target: HttpTarget, body: str | None, secrets: Mapping[str, Secret], now: float
) -> UpstreamRequest:
    headers = {name.encode("ascii"): value.encode("ascii") for name, value in target.headers.items()}
    headers.setdefault(b"accept", b"*/*")
    headers[b"user-agent"] = b"janee"
    headers[b"accept-encoding"] = b"identity"
    content = None if body is None else body.encode("utf-8", "surrogatepass")
    if content is not None and b"content-type" not in headers:
        headers[b"content-type"] = (
            b"application/json" if body and body.lstrip()[:1] in ("{", "[") else b"text/plain; charset=utf-8"
        )
    query = target.query
    if service.auth.type is AuthType.QUERY:
        own = urlencode([(service.auth.options["param"], secrets["key"].expose())])
        query = f"{query}&{own}" if query else own
    elif service.auth.type is AuthType.AWS_SIGV4:
        headers |= _aws_headers(service, target, content or b"", headers, secrets, now)
    else:
        headers |= credential_headers(service.auth, secrets)
    return UpstreamRequest(target.method, target.path, query, headers, content)


def _aws_headers(
    service: Service,
    target: HttpTarget,
    content: bytes,
    headers: Mapping[bytes, bytes],
    secrets: Mapping[str, Secret],
    now: float,
) -> dict[bytes, bytes]:
    """The headers that sign a request. Raises ProtocolError UPSTREAM_FAILED, RefusedError, StoreError SECRET_UNUSABLE."""
    options = service.auth.options
    if not {"region", "service"} <= options.keys():
        why = f"the service {service.name} names no region and service to sign for"
        raise ProtocolError(ErrorCode.UPSTREAM_FAILED, why, "set region and service under its auth")
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    digest = hashlib.sha256(content).hexdigest()
    own = {b"x-amz-date": stamp.encode(), b"x-amz-content-sha256": digest.encode()}
    if AWS_SESSION in secrets:
        own[b"x-amz-security-token"] = secrets[AWS_SESSION].expose()
    url = urlsplit(service.base_url)
    sent = {b"host": url.netloc.encode("ascii"), **headers, **own}
    texts = tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in sent.items())
    path = url.path.rstrip("/") + target.path + (f"?{target.query}" if target.query else "")
    covered = tuple(name for name, _ in texts if name in ("host", "content-type") or name.startswith("x-amz-"))
    scope = Scope(stamp[:8], options["region"], options["service"], covered)
    key, secret = (secrets[name] for name in AWS_FIELDS)
    made = sign(ToSign(target.method, path, texts, digest), scope, key.expose_text(), secret.expose())
    return _verified(own | {b"authorization": made.encode("latin-1")})


def credential_headers(auth: Auth, secrets: Mapping[str, Secret]) -> dict[bytes, bytes]:
    """The headers that authenticate a request. Raises StoreError SECRET_UNUSABLE: a value that no header can hold."""
    if auth.type is AuthType.BEARER:
        headers = {b"authorization": b"Bearer " + secrets["key"].expose()}
    elif auth.type is AuthType.BASIC:
        pair = basic_pair(secrets["username"].expose(), secrets["password"].expose())
        headers = {b"authorization": b"Basic " + pair}
    else:
        headers = {name.lower().encode("ascii"): secret.expose() for name, secret in secrets.items()}
    return _verified(headers)


def _verified(headers: dict[bytes, bytes]) -> dict[bytes, bytes]:
    if any(byte < 0x20 or byte == 0x7F for value in headers.values() for byte in value):
        raise StoreError(
            "SECRET_UNUSABLE", "the credential holds a control character, so no header can carry it", "store it anew"
        )
    return headers


# --- the answer -------------------------------------------------------------------------------------------------------


async def _clean(response: UpstreamResponse, scrubber: Scrubber) -> ExecuteResponse:
    if len(response.body) > _BIG:
        body, hits = await asyncio.to_thread(_scrubbed, scrubber, response)
    else:
        body, hits = _scrubbed(scrubber, response)
    headers, header_hits = _headers(response, scrubber)
    is_cut = response.is_cut or len(body) > MAX_RESPONSE_BYTES
    text, encoding = _text(body[:MAX_RESPONSE_BYTES], is_cut)
    return ExecuteResponse(
        status=response.status,
        headers=headers,
        body=text,
        body_encoding=encoding,
        truncated=is_cut,
        scrub_hits=hits + header_hits,
    )


def _scrubbed(scrubber: Scrubber, response: UpstreamResponse) -> tuple[bytes, int]:
    """The body without secrets, and the number of hits."""
    stream = scrubber.stream()
    clean = [stream.feed(response.body[at : at + _BIG]) for at in range(0, len(response.body), _BIG)]
    if not response.is_cut:
        clean.append(stream.finish())
    # Of a cut body the stream's last bytes are left out: they may be the head of a secret whose rest was not read.
    return b"".join(clean), stream.hits


def _headers(response: UpstreamResponse, scrubber: Scrubber) -> tuple[dict[str, str], int]:
    """The headers that are passed on, scrubbed as the bytes that came, names then in lower case."""
    headers: dict[str, str] = {}
    hits = 0
    for pair in response.headers:
        (name, name_hits), (value, value_hits) = ((_decoded(clean), n) for clean, n in map(scrubber.scrub, pair))
        hits += name_hits + value_hits
        lower = name.lower()
        if lower not in _WITHHELD:
            headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
    return headers, hits


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _text(body: bytes, is_cut: bool) -> tuple[str, Any]:
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        if is_cut and error.start >= len(body) - 3:  # the cut fell into a character
            return body[: error.start].decode("utf-8"), "utf-8"
        return base64.b64encode(body).decode(), "base64"
