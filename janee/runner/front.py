"""The Runner front: what the MCP tools do.

Guarantees:
- A command runs only under a grant of the Authority, in an Executor, and its end is reported whatever happens: completed,
  failed, timed out, cancelled or refused. A report that cannot be delivered at once is tried again in the background; it never
  costs the caller the result.
- A call that is cancelled, or whose client goes away, kills the command's whole process tree.
- The front holds sealed grants and scrubbed bytes only: no credential is ever in this process.
- A bounded number of commands runs at once; further calls wait their turn.
It never evaluates a policy: a refusal that it makes itself (no trusted executable) is reported to the Authority first, which
denies.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from janee.errors import JaneeError
from janee.protocol import (
    AuthorizeRequest,
    Completion,
    ErrorCode,
    Executable,
    ExecuteRequest,
    ExplainRequest,
    Grant,
    HostTraffic,
    Outcome,
    RunnerInfo,
    SandboxLevel,
)
from janee.runner.client import AnswerError, AuthorityClient
from janee.runner.executable import TrustedPath
from janee.runner.execution import Execution, ExecutionResult
from janee.runner.identity import Caller, token_fingerprint
from janee.runner.order import DEFAULT_MAX_OUTPUT_BYTES, AuthorityAddress, ExecRequest, GrantTerms, Order, Program
from janee.runner.pool import Pool
from janee.runner.tools import (
    ExecArguments,
    ExecuteArguments,
    ExplainArguments,
    ToolResult,
)
from janee.runner.workspace import HostDirectories
from sandbox import Level

MAX_CONCURRENT: Final = 16  # commands at one time; each has a sandbox of its own
MAX_EACH: Final = 8  # of them, of one agent where several share the Runner (HTTP)
MAX_WAITING: Final = 256  # commands of one agent that wait for their turn; beyond, they are refused
REPORT_S: Final = 5.0  # how long a result waits for its completion to be recorded
CLOSE_S: Final = 10.0  # how long cancelled commands have to die and be reported when the Runner ends
_RETRY_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_PROGRESS_S: Final = 1.0
_ANSWER_FIRST_S: Final = 0.001

Progress = Callable[[float, str], Awaitable[None]]
Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """runner_id, environment, host_label: what this Runner says of itself. protected: host paths that no workspace exposes."""

    runner_id: str
    level: Level
    environment: str | None = None
    host_label: str | None = None
    max_output: int = DEFAULT_MAX_OUTPUT_BYTES
    host: HostDirectories = field(default_factory=HostDirectories)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)  # of what `passEnv` may name, what is set
    protected: tuple[str, ...] = ()
    tls_files: tuple[str | None, ...] = (None, None, None)  # ca, cert, key: for the relays' connections


@dataclass(slots=True)
class Timings:
    """Where one call's time went, in microseconds."""

    executor: int = 0
    authorize: int = 0
    spawn: int = 0
    run: int = 0
    complete: int = 0
    _mark: float = field(default_factory=time.perf_counter)

    def lap(self) -> int:
        now = time.perf_counter()
        elapsed, self._mark = round((now - self._mark) * 1e6), now
        return elapsed

    def to_wire(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("executor", "authorize", "spawn", "run", "complete")}


@dataclass(frozen=True, slots=True)
class ExecAnswer:
    result: ToolResult
    timings: Timings


class Front:
    """One per Runner; used from one event loop."""

    def __init__(
        self, client: AuthorityClient, pool: Pool, settings: FrontSettings, warn: Warn, path: TrustedPath | None = None
    ) -> None:
        self._client = client
        self._pool = pool
        self._settings = settings
        self._warn = warn
        self._path = path or TrustedPath()
        self._slots = _Slots()
        self._commands: set[asyncio.Task[ExecAnswer]] = set()
        self._reports: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Kill what still runs, report it, and let go of everything; takes CLOSE_S at most."""
        for task in self._commands:
            if not task.cancelling():  # a second cancellation would cut off the report of the first
                task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                while self._commands or self._reports:
                    await asyncio.wait({*self._commands, *self._reports})
        for report in self._reports:
            report.cancel()
        await self._pool.close()
        await self._client.close()

    # tools

    async def list_capabilities(self, caller: Caller) -> ToolResult:
        known = await self._client.capabilities(self._capability_query(caller))
        return ToolResult({"agentId": known.agent_id, "capabilities": [item.to_wire() for item in known.capabilities]})

    async def verify(self, caller: Caller) -> None:
        """Return None if the Authority knows who this is. Raises JaneeError IDENTITY_UNVERIFIED, or UnreachableError."""
        known = await self._client.capabilities(self._capability_query(caller))
        if known.agent_id is None:
            raise JaneeError("IDENTITY_UNVERIFIED", "the authority does not know this agent", "see `janee agent add`")

    async def whoami(self, caller: Caller) -> ToolResult:
        known = await self._client.capabilities(self._capability_query(caller))
        return ToolResult(
            {
                "agentId": known.agent_id,
                "identitySource": known.identity_source,
                "runnerId": self._settings.runner_id,
                "runnerKey": self._client.key.name,
                "sandbox": self._settings.level.value,
                "authority": str(self._client.endpoint),
                "capabilities": [item.name for item in known.capabilities if item.accessible],
            }
        )

    async def explain(self, arguments: ExplainArguments, caller: Caller) -> ToolResult:
        request_id = _request_id()
        proof = caller.proof(self._client.key, request_id)
        proof.pop("claimed_agent", None)
        request = ExplainRequest(
            runner=self._runner_info(),
            capability_id=arguments.capability,
            command=arguments.command,
            method=arguments.method,
            path=arguments.path,
            request_id=request_id,
            **proof,
        )
        return ToolResult((await self._client.explain(request)).to_wire())

    async def execute(self, arguments: ExecuteArguments, caller: Caller) -> ToolResult:
        request_id = _request_id()
        request = ExecuteRequest(
            runner=self._runner_info(),
            capability_id=arguments.capability,
            method=arguments.method,
            path=arguments.path,
            query=arguments.query,
            headers=arguments.headers,
            body=arguments.body,
            reason=arguments.reason,
            request_id=request_id,
            **caller.proof(self._client.key, request_id),
        )
        return ToolResult((await self._client.execute(request)).to_wire())

    async def exec(self, arguments: ExecArguments, caller: Caller, progress: Progress | None = None) -> ExecAnswer:
        """Run a command. Cancelling this call kills the command, which is still reported."""
        # A task of its own: it outlives the cancelled call until the command is dead and reported.
        task = asyncio.get_running_loop().create_task(self._exec(arguments, caller))
        self._commands.add(task)
        task.add_done_callback(self._command_ended)
        try:
            return await (asyncio.shield(task) if progress is None else _with_progress(task, progress))
        except asyncio.CancelledError:
            if not task.cancelling():
                task.cancel()
            raise

    def _command_ended(self, task: asyncio.Task[ExecAnswer]) -> None:
        self._commands.discard(task)
        if not task.cancelled():
            task.exception()  # seen: whoever waited for it had it raised
        self._pool.refill()

    # one execution

    async def _exec(self, arguments: ExecArguments, caller: Caller) -> ExecAnswer:
        async with self._slots.turn(caller):
            timings = Timings()
            execution = await self._pool.take()
            try:
                seal_to = await execution.public_key()
                timings.executor = timings.lap()
                program, refusal = self._resolve(arguments.command[0])
                request = self._authorize_request(arguments, caller, program, seal_to)
                grant, constraints = await self._authorize(request)
                timings.authorize = timings.lap()
                if program is None or refusal is not None or grant.sealed is None:
                    return await self._refuse(grant, refusal or _not_sealed())
                order = self._order(arguments, caller, program, grant, constraints)
                stdin = None if arguments.stdin is None else arguments.stdin.encode("utf-8", "surrogatepass")
                execution.start(order, stdin)
                result = await self._result(execution, grant)
                timings.spawn = result.spawn_us
                timings.run = timings.lap() - result.spawn_us
                await self._report(grant, result)
                timings.complete = timings.lap()
                return ExecAnswer(_exec_result(grant, result), timings)
            finally:
                # After the answer: what the end of a sandbox costs the kernel, nobody need wait for.
                asyncio.get_running_loop().call_later(_ANSWER_FIRST_S, execution.close)

    async def _authorize(self, request: AuthorizeRequest) -> tuple[Grant, dict[str, Any]]:
        """Ask for a grant. Cancelled meanwhile, a grant that was issued all the same is reported, not left behind."""
        task = asyncio.get_running_loop().create_task(self._client.authorize(request))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            with suppress(JaneeError):
                grant, _ = await task
                unused = ExecutionResult(Outcome.CANCELLED)
                self._report_later(self._completion(grant, unused, Outcome.CANCELLED))
            raise

    async def _result(self, execution: Execution, grant: Grant) -> ExecutionResult:
        """The result; on cancellation the command is killed and reported before the cancellation goes on."""
        try:
            return await execution.result()
        except asyncio.CancelledError:
            execution.cancel()
            result = await execution.result()
            self._report_later(self._completion(grant, result, Outcome.CANCELLED))
            raise

    def _resolve(self, name: str) -> tuple[Program | None, JaneeError | None]:
        try:
            return self._path.resolve(name), None
        except JaneeError as error:
            return None, error

    def _authorize_request(
        self, arguments: ExecArguments, caller: Caller, program: Program | None, seal_to: str
    ) -> AuthorizeRequest:
        request_id = _request_id()
        return AuthorizeRequest(
            runner=self._runner_info(seal_to),
            capability_id=arguments.capability,
            command=arguments.command,
            executable=None if program is None else Executable(path=program.path, sha256=program.sha256),
            cwd=arguments.cwd,
            timeout_ms=arguments.timeout_ms,
            reason=arguments.reason,
            request_id=request_id,
            **caller.proof(self._client.key, request_id),
        )

    def _passed(self, grant: Grant) -> dict[str, str]:
        """What is set here of the variables that the grant names. The Executor looks at the values: it can refuse."""
        variables = self._settings.variables
        return {name: variables[name] for name in grant.constraints.pass_env if name in variables}

    def _order(
        self, arguments: ExecArguments, caller: Caller, program: Program, grant: Grant, constraints: dict[str, Any]
    ) -> Order:
        return Order(
            request=ExecRequest(
                runner_key=self._client.key.name,
                runner_id=self._settings.runner_id,
                agent_id=None if caller.token is not None else caller.agent_id,
                capability_id=arguments.capability,
                command=arguments.command,
                cwd=arguments.cwd,
                timeout_ms=arguments.timeout_ms,
                level=self._settings.level,
                program=program,
            ),
            terms=GrantTerms(
                grant_id=grant.grant_id,
                expires_at=grant.grant_expires_at,
                timeout_ms=grant.effective_timeout_ms,
                agent_id=grant.agent_id or "",
                runner_key=grant.runner_key or "",
                constraints=constraints,
            ),
            sealed=grant.sealed or "",
            has_stdin=arguments.stdin is not None,
            max_output=self._settings.max_output,
            host=self._settings.host,
            passed=self._passed(grant),
            protected=self._settings.protected,
            authority=self._address(),
        )

    def _address(self) -> AuthorityAddress:
        """Where a command's relay finds the gateway."""
        endpoint, (ca, cert, key) = self._client.endpoint, self._settings.tls_files
        return AuthorityAddress(
            host=endpoint.host,
            port=endpoint.port,
            host_header=endpoint.host_header,
            base=endpoint.base,
            tls=endpoint.tls,
            socket_path=endpoint.socket_path,
            ca=ca,
            cert=cert,
            key=key,
        )

    async def _refuse(self, grant: Grant, why: JaneeError) -> ExecAnswer:
        """A grant that we do not use, because of what we know ourselves: reported, then answered as an error."""
        result = ExecutionResult(Outcome.REFUSED, error=why.message, code=why.code, hint=why.hint)
        await self._report(grant, result)
        return ExecAnswer(_exec_result(grant, result), Timings())

    def _runner_info(self, seal_to: str | None = None) -> RunnerInfo:
        settings = self._settings
        return RunnerInfo(
            runner_id=settings.runner_id,
            environment=settings.environment,
            host_label=settings.host_label,
            seal_to=seal_to,
            sandbox=SandboxLevel(settings.level.value),
        )

    def _capability_query(self, caller: Caller) -> dict[str, str]:
        request_id = _request_id()
        proof = caller.proof(self._client.key, request_id)
        query = {"runnerId": self._settings.runner_id, "requestId": request_id}
        if "agent_token" in proof:
            query["agentToken"] = proof["agent_token"]
        elif "agent_id" in proof:
            query["agentId"] = proof["agent_id"]
        return query

    # completions

    async def _report(self, grant: Grant, result: ExecutionResult) -> None:
        """Record the end of an execution; wait for that a little, and leave the rest to the background."""
        task = self._report_later(self._completion(grant, result, result.outcome))
        await asyncio.wait({task}, timeout=REPORT_S)

    def _report_later(self, completion: Completion) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._deliver(completion))
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)
        return task

    async def _deliver(self, completion: Completion) -> None:
        for pause in (*_RETRY_S, None):
            try:
                await self._client.complete(completion)
                return
            except AnswerError as error:
                if error.status < 500:
                    if error.code != ErrorCode.GRANT_COMPLETED:  # then an earlier attempt did arrive
                        self._warn(f"the completion of {completion.grant_id} was refused: {error.message}")
                    return
                cause = error.message
            except JaneeError as error:
                cause = error.message
            if pause is not None:
                await asyncio.sleep(pause)
        self._warn(
            f"the completion of {completion.grant_id} could not be reported ({cause}); the authority will call it abandoned"
        )

    def _completion(self, grant: Grant, result: ExecutionResult, outcome: Outcome) -> Completion:
        started = datetime.fromtimestamp(result.started_at if result.started_at is not None else time.time(), UTC)
        return Completion(
            grant_id=grant.grant_id,
            exit_code=result.exit_code,
            signal=result.signal,
            started_at=started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            duration_ms=result.duration_ms,
            stdout_bytes=result.stdout_bytes,
            stderr_bytes=result.stderr_bytes,
            scrubbed_stdout_hits=result.stdout_hits,
            scrubbed_stderr_hits=result.stderr_hits,
            placeholder_hits=result.placeholder_hits,
            network=tuple(HostTraffic(**asdict(one)) for one in result.traffic),
            timed_out=result.timed_out,
            truncated=result.truncated,
            policy_hash=grant.constraints.policy_hash,
            sandbox=self._settings.level.value,
            outcome=outcome,
            error=None if result.error is None else result.error[:2048],
        )


class _Slots:
    """Who may run a command now: MAX_CONCURRENT in all, a share for each agent, in order of arrival."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(MAX_CONCURRENT)
        self._shares: dict[str, tuple[asyncio.Semaphore, list[None]]] = {}

    @asynccontextmanager
    async def turn(self, caller: Caller) -> AsyncIterator[None]:
        """Wait for a turn. Raises JaneeError BUSY when too many of the same agent wait already."""
        who = "" if caller.token is None else token_fingerprint(caller.token)
        limit = MAX_CONCURRENT if caller.token is None else MAX_EACH
        share, present = self._shares.setdefault(who, (asyncio.Semaphore(limit), []))
        if len(present) >= limit + MAX_WAITING:
            raise JaneeError("BUSY", f"{MAX_WAITING} commands of this agent are waiting already", "wait for their results")
        present.append(None)
        try:
            async with share, self._all:
                yield
        finally:
            present.pop()
            if not present:
                self._shares.pop(who, None)


async def _with_progress(task: asyncio.Task[ExecAnswer], progress: Progress) -> ExecAnswer:
    """Wait for `task`, and say once a second that it still runs."""
    started = time.monotonic()
    while True:
        done, _ = await asyncio.wait({task}, timeout=_PROGRESS_S)
        if done:
            return task.result()
        elapsed = time.monotonic() - started
        await progress(round(elapsed, 1), f"running for {elapsed:.0f} s")


def _exec_result(grant: Grant, result: ExecutionResult) -> ToolResult:
    if result.error is not None:
        error = {"error": result.error, "code": result.code, "nextStep": result.hint, "grantId": grant.grant_id}
        return ToolResult({name: value for name, value in error.items() if value}, is_error=True)
    return ToolResult(
        {
            "exitCode": result.exit_code,
            "signal": result.signal,
            "stdout": result.stdout.decode("utf-8", "replace"),  # whole and scrubbed: no character is cut in two
            "stderr": result.stderr.decode("utf-8", "replace"),
            "durationMs": result.duration_ms,
            "timedOut": result.timed_out,
            "truncated": result.truncated,
            "scrubHits": result.stdout_hits + result.stderr_hits + result.placeholder_hits,
            "grantId": grant.grant_id,
        }
    )


def error_result(error: JaneeError) -> ToolResult:
    """A tool error for `error`, structured: a denial keeps its reason code and next step."""
    content: dict[str, Any] = {"error": error.message, "code": error.code}
    if isinstance(error, AnswerError) and error.denial is not None:
        content["denial"] = error.denial.to_wire()
    if error.hint:
        content["nextStep"] = error.hint
    return ToolResult(content, is_error=True)


def _not_sealed() -> JaneeError:
    return JaneeError("GRANT_MISMATCH", "the authority sent a grant that is not sealed to the executor", "update the authority")


def _request_id() -> str:
    return f"r_{os.urandom(12).hex()}"
