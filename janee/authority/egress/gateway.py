"""The egress gateway: `POST /v1/egress/{grantId}`, one request (or database connection) of a command for each
stream of `janee.tunnel`.

Guarantees
- A request counts only with the grant's own egress key, once, while the grant lives, under the very policy it was issued for,
  and while runner key and session are not revoked; each time all of this is looked at anew.
- Its record is durable before anything is sent; how it ended is recorded; a placeholder in a wrong place is an alarm on record.
- No frame is made for a stream whose id was not claimed just now: a replay gets an ordinary error, never a second use of a
  nonce.
- When a grant ends, its streams are cut; so they are when it is found ended by another Authority, or revoked (a look every
  WATCH_EVERY_S).
It decides nothing itself: `janee.authority.policy.decide_egress`, `heads` and `places` do; `stream` moves the bytes.
One thread: the event loop's.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import re
import sys
import time
from collections import OrderedDict
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from starlette.responses import Response

from janee.authority.core import Authority
from janee.authority.egress.exchange import Outcome, Request
from janee.authority.egress.frames import Downlink, Receive, RelayGoneError, Send, Uplink
from janee.authority.egress.heads import EgressHead, parse_head
from janee.authority.egress.pgserver import Databases
from janee.authority.egress.pgsession import Keys, Tunnel, pass_tunnel
from janee.authority.egress.pgstartup import Cancel, PgHead, parse_pg_head, verify_target
from janee.authority.egress.places import Placed, Values, place_credentials, verify_head
from janee.authority.egress.refusal import Refusal, RefusedError
from janee.authority.egress.stream import pass_on, refuse
from janee.authority.egress.upstream import Connections
from janee.authority.gate import Gate
from janee.authority.policy import CompiledCapability, EgressQuery, decide_egress
from janee.authority.records import MAX_REFUSED, MAX_SHOWN, grant_fields, short_fields
from janee.authority.store import GrantRow, Transaction
from janee.errors import JaneeError, ProtocolError, StoreError
from janee.protocol import ErrorBody, ErrorCode
from janee.scrubber import Scrubber
from janee.secret import Secret
from janee.tunnel import STREAM_HEADER, STREAM_ID_BYTES, Direction, TunnelReader, TunnelWriter

# At once; one grant has at most as many as are free, 192. The server takes more connections, so that other calls get theirs.
MAX_STREAMS: Final = 384
MAX_STREAMS_IN_ALL: Final = 100_000  # under one grant
HOLDING_OF_GRANT: Final = 4  # bodies at once that are held whole
WATCH_EVERY_S: Final = 2.0
_KEPT_GRANTS: Final = 256
_GRANT_ID: Final = re.compile(r"g_[A-Za-z0-9_-]{1,62}")
_ISSUED: Final = "issued"
_STATUS: Final = {ErrorCode.BAD_REQUEST: 400, "RATE_LIMITED": 429, "GRANT_ENDED": 409, ErrorCode.GRANT_UNKNOWN: 409}


@dataclass(slots=True)
class _Live:
    """What is known of a grant with streams. claimed: so many ids, as far as this process knows."""

    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    claimed: int | None = None
    placeholders: Mapping[str, Secret] | None = None
    scan: Scrubber | None = None
    keys: Keys = field(default_factory=dict)
    holding: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(HOLDING_OF_GRANT))


@dataclass(frozen=True, slots=True)
class _Admitted:
    """A stream whose id is claimed and whose decision is on record. request: None exactly if it is refused."""

    common: dict[str, Any]
    request: Request | Tunnel | None
    refusal: RefusedError | None
    time_left_s: float


_Decided = tuple[Request | Tunnel | None, RefusedError | None, dict[str, Any]]


class Gateway:
    """An ASGI application."""

    def __init__(self, authority: Authority, gate: Gate) -> None:
        self._authority = authority
        self._gate = gate
        self._connections = Connections()
        self._databases = Databases()
        self._grants: OrderedDict[str, _Live] = OrderedDict()
        self._active = 0
        self._watcher: asyncio.Task[None] | None = None
        authority.on_grant_end = self.cut
        authority.on_stop.append(self.close)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one stream."""
        is_begun = False

        async def noted(message: MutableMapping[str, Any]) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        self._active += 1
        failure: JaneeError | None = None
        try:
            if self._active > MAX_STREAMS:
                raise StoreError("BUSY", "too many streams at once", "try again")
            await self._serve(scope, receive, noted)
        except RelayGoneError:
            pass
        except JaneeError as error:
            failure = error
        except Exception as error:  # the process's border: nothing is told
            print(f"janee: error: internal error: {type(error).__name__} in egress", file=sys.stderr)  # noqa: T201
            failure = JaneeError(ErrorCode.INTERNAL, "internal error", "see the Authority's stderr")
        finally:
            self._active -= 1
        if failure is not None and not is_begun:  # else it is cut off: the server closes what was not finished
            await _answer(failure)(scope, receive, send)

    def cut(self, grant_id: str) -> None:
        """End the streams of a grant."""
        live = self._grants.pop(grant_id, None)
        for task in live.tasks if live is not None else ():
            task.cancel()

    async def close(self) -> None:
        for grant_id in list(self._grants):
            self.cut(grant_id)
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
        self._connections.close()

    async def _serve(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        grant_id, stream_id = _ids(scope)
        key = self._authority.store.egress_key(grant_id)
        up = Uplink(receive, TunnelReader(key, stream_id, Direction.UP))
        try:
            value = await up.head()
        except ProtocolError as error:
            self._gate.note_failure("EGRESS_" + error.code)
            raise
        admitted = self._admit(grant_id, stream_id, value)
        down = Downlink(send, TunnelWriter(key, stream_id, Direction.DOWN))
        await self._run(grant_id, admitted, up, down)

    # --- admission

    def _admit(self, grant_id: str, stream_id: bytes, value: Mapping[str, Any]) -> _Admitted:
        """Decide, claim and record. Raises JaneeError where no frame may be made; StoreError."""
        now = self._authority.clock()
        crowd = f"egress\n{grant_id}"
        if self._authority.denials.is_over(crowd, now):
            raise ProtocolError("RATE_LIMITED", "the command was refused too often within a minute", "see: janee audit list")
        row = self._authority.store.grant(grant_id)
        if row is None:
            raise ProtocolError(ErrorCode.GRANT_UNKNOWN, "there is no such grant")
        request, refusal, facts = self._decide(row, value)
        live = self._live(grant_id)
        with self._authority.transaction() as tx:
            common = self._authority.masks.clean(_common(row, stream_id, facts))
            problem = self._claim(tx, live, grant_id, stream_id, now)
            if problem is None:
                refusal = self._revoked(tx, row, now) or refusal
            shown = short_fields(common, MAX_SHOWN if refusal is None else MAX_REFUSED)
            tx.audit("egress.decided", **shown, **self._verdict(problem or refusal))
            if refusal is not None and refusal.alarm is not None and problem is None:
                tx.audit("egress.alarm", **shown, place=self._authority.masks.clean({"place": refusal.alarm})["place"])
        if problem is not None or refusal is not None:
            self._authority.denials.note(crowd, now)
        if problem is not None:
            raise problem
        return _Admitted(shown, None if refusal is not None else request, refusal, max(0.0, row.deadline - now))

    def _claim(
        self, tx: Transaction, live: _Live, grant_id: str, stream_id: bytes, now: float
    ) -> ProtocolError | StoreError | None:
        """Why the stream's id could not be claimed for a live grant, or None."""
        row = tx.grant(grant_id)  # once more: here nobody completes it meanwhile
        if row is None or row.state != _ISSUED or now >= row.deadline:
            return ProtocolError("GRANT_ENDED", "the grant has ended", "run the command again")
        if live.claimed is None:
            live.claimed = tx.count_streams(grant_id)
        if live.claimed >= MAX_STREAMS_IN_ALL:
            return ProtocolError("RATE_LIMITED", f"one command makes at most {MAX_STREAMS_IN_ALL} requests", "run it again")
        if len(live.tasks) >= MAX_STREAMS - self._active:  # as many as are free: some are left to others, however many take all
            return StoreError("BUSY", "the command has too many requests at once", "make fewer at a time")
        # Remembered a minute longer than the grant can live: nothing that is forgotten could be taken for new.
        if not tx.claim_stream(grant_id, stream_id.hex(), row.deadline + 60):
            return ProtocolError(ErrorCode.REPLAYED, "this stream was seen before", "begin a new one")
        live.claimed += 1
        return None

    def _decide(self, row: GrantRow, value: Mapping[str, Any]) -> _Decided:
        """What is sent, or why it is not; and what the record says of it."""
        facts: dict[str, Any] = {}
        try:
            if value.get("kind") == "tunnel":
                tunnel = parse_pg_head(value)
                facts = _tunnel_facts(tunnel)
                return self._tunnel(row, tunnel), None, facts
            head = parse_head(value)
            facts = {"method": head.method, "host": head.origin, "path": head.target.partition("?")[0]}
            return self._request(row, head), None, facts
        except RefusedError as error:
            return None, error, facts
        except StoreError as error:
            return None, RefusedError(Refusal.MISSING_SECRET, error.message, error.hint), facts

    def _request(self, row: GrantRow, head: EgressHead) -> Request:
        """Raises RefusedError, StoreError."""
        compiled = self._compiled(row)
        service = compiled.service
        secrets, problem = self._authority.secrets_of(service)
        if problem is not None:
            raise problem
        values = Values(secrets, self._authority.placeholders(service.auth, secrets, row.grant_id))
        scan = self._scan(row.grant_id, values.placeholders)
        names = frozenset(name.decode("ascii") for name, _ in (*head.headers, *head.dropped))
        decision = decide_egress(compiled, EgressQuery(head.origin, head.method, head.target, names))
        if not decision.allowed:
            verify_head([*head.headers, *head.dropped] if decision.is_host else [], head.target, head, scan)
            code = Refusal.HOST_NOT_ALLOWED if decision.is_host else Refusal.RULE_DENY
            raise RefusedError(code, decision.policy, decision.next_step)
        placed: Placed = place_credentials(service.auth, head, decision.target, values, scan)
        scrub = self._authority.masks.of(service, secrets)
        holding = self._live(row.grant_id).holding
        return Request(service, head, placed, scan, scrub, holding, is_ruled=bool(compiled.allow or compiled.deny))

    def _tunnel(self, row: GrantRow, head: PgHead) -> Tunnel:
        """Raises RefusedError, StoreError."""
        compiled = self._compiled(row)
        service, wanted = compiled.service, head.wanted
        facts = _tunnel_facts(head)
        decision = decide_egress(compiled, EgressQuery(head.origin, facts["method"], facts["path"]))
        if not decision.allowed:
            raise RefusedError(Refusal.HOST_NOT_ALLOWED, decision.policy, decision.next_step)
        secrets, problem = self._authority.secrets_of(service)
        if problem is not None:
            raise problem
        scan = self._scan(row.grant_id, self._authority.placeholders(service.auth, secrets, row.grant_id))
        keys = self._live(row.grant_id).keys
        if isinstance(wanted, Cancel):
            real = keys.get((head.origin, wanted.pid, wanted.key))
            if real is None:
                raise RefusedError(Refusal.RULE_DENY, "the request to cancel names no open connection of this command")
            head = replace(head, wanted=real)
        else:
            verify_target(wanted, service, secrets["username"].expose_text(), scan)
        return Tunnel(service, head, secrets["password"], scan, self._authority.masks.of(service, secrets), keys)

    def _compiled(self, row: GrantRow) -> CompiledCapability:
        compiled = self._authority.capability(row.capability)
        if compiled is None or compiled.policy_hash != row.policy_hash:
            raise RefusedError(
                Refusal.POLICY_CHANGED, f"the policy of {row.capability} is not the one of the grant any more", "run it again"
            )
        return compiled

    def _revoked(self, tx: Transaction, row: GrantRow, now: float) -> RefusedError | None:
        if not self._gate.knows(row.runner_key):
            return RefusedError(Refusal.KEY_REVOKED, f"the runner key {row.runner_key} is revoked", "ask the operator")
        if tx.touch_session(row.agent_id, row.runner_key, now).is_revoked:
            return RefusedError(Refusal.SESSION_REVOKED, f"the session of {row.agent_id} is revoked", "ask the operator")
        return None

    def _verdict(self, refusal: JaneeError | None) -> dict[str, Any]:
        if refusal is None:
            return {"decision": "allow"}
        said = self._authority.masks.clean({"detail": refusal.message})
        return {"decision": "deny", "reasonCode": str(refusal.code), **short_fields(said, MAX_REFUSED)}

    def _live(self, grant_id: str) -> _Live:
        live = self._grants.setdefault(grant_id, _Live())
        self._grants.move_to_end(grant_id)
        if len(self._grants) > _KEPT_GRANTS:
            for old in [name for name, known in self._grants.items() if not known.tasks and name != grant_id][:_KEPT_GRANTS]:
                del self._grants[old]
        return live

    def _scan(self, grant_id: str, placeholders: Mapping[str, Secret]) -> Scrubber:
        """What looks for the grant's placeholders, whole: a piece of one is worth nothing, and may be a piece of anything."""
        live = self._live(grant_id)
        if live.scan is None or live.placeholders != placeholders:
            live.placeholders = placeholders
            live.scan = Scrubber([value.expose() for value in placeholders.values()], fragments=False)
        return live.scan

    # --- the stream

    async def _run(self, grant_id: str, admitted: _Admitted, up: Uplink, down: Downlink) -> None:
        outcome = Outcome()
        started = time.monotonic()
        task = asyncio.create_task(self._pass(admitted, up, down, outcome))
        live = self._live(grant_id)
        live.tasks.add(task)
        self._watch()
        try:
            await asyncio.wait({task})
            if task.cancelled() and not down.is_begun:
                await refuse(RefusedError(Refusal.GRANT_ENDED, "the command's grant has ended", "run it again"), down, outcome)
                outcome.name = "cut"
            if not task.cancelled() and (error := task.exception()) is not None:
                outcome.error = outcome.error or type(error).__name__
                if not isinstance(error, RelayGoneError):
                    raise error
        finally:
            task.cancel()
            live.tasks.discard(task)
            self._record(admitted, up, down, outcome, started)

    async def _pass(self, admitted: _Admitted, up: Uplink, down: Downlink, outcome: Outcome) -> None:
        if admitted.request is None:
            await refuse(admitted.refusal or RefusedError(Refusal.RULE_DENY, "nothing was decided"), down, outcome)
            return
        try:
            async with asyncio.timeout(admitted.time_left_s):
                if isinstance(admitted.request, Tunnel):
                    await pass_tunnel(admitted.request, up, down, self._databases, outcome)
                else:
                    await pass_on(admitted.request, up, down, self._connections, outcome)
        except TimeoutError:
            late = RefusedError(Refusal.UPSTREAM_TIMEOUT, "the service did not answer within the time of the grant")
            await refuse(late, down, outcome)

    def _record(self, admitted: _Admitted, up: Uplink, down: Downlink, outcome: Outcome, started: float) -> None:
        """How it ended: also when it was cut. A refusal that was decided is on record already."""
        if admitted.request is None:
            return
        shown = {
            "outcome": outcome.name,
            "status": outcome.status,
            "bytesOut": up.bytes,
            "bytesIn": down.bytes,
            "scrubHits": outcome.hits,
            "error": outcome.error,
            "detail": outcome.detail,
            "durationMs": int((time.monotonic() - started) * 1000),
        }
        with contextlib.suppress(StoreError), self._authority.transaction() as tx:  # `health` shows it; all is refused then
            if outcome.alarm is not None:
                tx.audit("egress.alarm", **admitted.common, place=outcome.alarm)
            tx.audit("egress.completed", **admitted.common, **short_fields(self._authority.masks.clean(shown), MAX_REFUSED))

    # --- grants that end elsewhere

    def _watch(self) -> None:
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._look())

    async def _look(self) -> None:
        """While there are streams: cut those whose grant does not stand any more."""
        while any(live.tasks for live in self._grants.values()):
            await asyncio.sleep(WATCH_EVERY_S)
            for grant_id in [grant_id for grant_id, live in self._grants.items() if live.tasks]:
                if not self._stands(grant_id):
                    self.cut(grant_id)

    def _stands(self, grant_id: str) -> bool:
        try:
            row = self._authority.store.grant(grant_id)
            if row is None or row.state != _ISSUED or self._authority.clock() >= row.deadline:
                return False
            self._compiled(row)
            if not self._gate.knows(row.runner_key):
                return False
            with self._authority.transaction() as tx:
                return not tx.touch_session(row.agent_id, row.runner_key, self._authority.clock()).is_revoked
        except JaneeError:
            return False


def _tunnel_facts(head: PgHead) -> dict[str, Any]:
    wanted = head.wanted
    if isinstance(wanted, Cancel):
        return {"method": "CANCEL", "host": head.origin, "path": "/"}
    return {"method": "CONNECT", "host": head.origin, "path": "/" + wanted.database}


def _ids(scope: MutableMapping[str, Any]) -> tuple[str, bytes]:
    """The grant's and the stream's id. Raises ProtocolError BAD_REQUEST."""
    grant_id = scope["path_params"]["grant_id"]
    sent = [value for name, value in scope["headers"] if name == STREAM_HEADER.encode()]
    try:
        stream_id = base64.urlsafe_b64decode(sent[0] + b"==") if len(sent) == 1 and len(sent[0]) == 22 else b""
    except (binascii.Error, ValueError):
        stream_id = b""
    if not _GRANT_ID.fullmatch(grant_id) or len(stream_id) != STREAM_ID_BYTES:
        raise ProtocolError(ErrorCode.BAD_REQUEST, f"a stream needs a grant's id and {STREAM_HEADER}")
    return grant_id, stream_id


def _common(row: GrantRow, stream_id: bytes, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that every record of a stream has. The stream's id is no secret, and not used again."""
    about = {name: value for name, value in grant_fields(row).items() if name not in ("command", "sandbox")}
    return about | {"stream": stream_id.hex()[:16], **facts}


def _answer(error: JaneeError) -> Response:
    status = _STATUS.get(error.code, 503 if isinstance(error, StoreError) else 401)
    if error.code == ErrorCode.INTERNAL:
        status = 500
    body = ErrorBody(error=error.message, code=error.code, hint=error.hint or None).to_json()
    headers = {"cache-control": "no-store", "connection": "close"}
    return Response(body, status_code=status, media_type="application/json", headers=headers)
