"""What an Executor checks of an order before it opens anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from janee.errors import ProtocolError
from janee.runner.order import MAX_GRANT_LIFE_S, Order, check_order, encode_order, parse_order
from janee.seal import SealKey
from sandbox import Level
from tests.runner.orders import NOW, constraints, expiry, order, sealed


def test_an_order_that_fits_opens() -> None:
    key = SealKey()
    whole = sealed(order("true"), key.public)
    content = key.open(whole.sealed, check_order(parse_order(encode_order(whole)), now=NOW))
    assert list(content.env) == ["TOKEN"]


def with_terms(**changes: Any) -> Callable[[Order], Order]:
    return lambda whole: replace(whole, terms=replace(whole.terms, **changes))


def with_request(**changes: Any) -> Callable[[Order], Order]:
    return lambda whole: replace(whole, request=replace(whole.request, **changes))


@pytest.mark.parametrize(
    "change",
    [
        with_request(runner_key="other"),
        with_request(agent_id="agent:b"),
        with_request(command=("true", "x")),
        with_request(cwd="/tmp/elsewhere"),
        with_request(level=Level.OFF),
        with_request(timeout_ms=4999),
        with_terms(runner_key="other"),
        with_terms(agent_id="agent:b"),
        with_terms(timeout_ms=0),
        with_terms(expires_at=expiry(0)),
        with_terms(expires_at=expiry(-1)),
        with_terms(expires_at=expiry(MAX_GRANT_LIFE_S + 1)),
        with_terms(expires_at="soon"),
        with_terms(expires_at="2999-01-01T00:00:00"),
        with_terms(expires_at="2999-01-01T00:00:00+01:00"),
        with_terms(constraints=constraints("true", "x")),
        with_terms(constraints=constraints("true", cwd="/tmp")),
        with_terms(constraints=constraints("true", sandbox={"level": "off"})),
        with_terms(constraints=constraints("true", delivery="telepathy")),
        with_terms(constraints={}),
    ],
)
def test_a_grant_that_differs_in_one_fact_is_refused_before_it_is_opened(change: Callable[[Order], Order]) -> None:
    with pytest.raises(ProtocolError) as caught:
        check_order(change(order("true")), now=NOW)
    assert caught.value.code == "GRANT_MISMATCH"


@pytest.mark.parametrize(
    "change",
    [
        with_request(capability_id="other"),
        with_request(runner_id="other"),
        with_terms(grant_id="g_2"),
        with_terms(expires_at=expiry(61)),
        with_terms(timeout_ms=4000),
        with_terms(constraints=constraints("true", policyHash="sha256:" + "1" * 64)),
        with_terms(constraints=constraints("true", sandbox={"workspace": "write"})),
        with_terms(constraints=constraints("true", sandbox={"network": ["evil.example:443"]})),
        lambda whole: replace(whole, request=replace(whole.request, program=replace(whole.request.program, sha256="0" * 64))),
        lambda whole: replace(
            whole, request=replace(whole.request, program=replace(whole.request.program, path="/usr/bin/false"))
        ),
    ],
)
def test_what_is_bound_into_the_seal_does_not_open_when_changed(change: Callable[[Order], Order]) -> None:
    key = SealKey()
    changed = change(sealed(order("true"), key.public))
    with pytest.raises(ProtocolError) as caught:
        key.open(changed.sealed, check_order(changed, now=NOW))
    assert caught.value.code == "GRANT_MISMATCH"


def test_a_grant_sealed_to_another_executor_does_not_open() -> None:
    whole = sealed(order("true"), SealKey().public)
    with pytest.raises(ProtocolError):
        SealKey().open(whole.sealed, check_order(whole, now=NOW))


def test_an_order_of_another_shape_is_refused() -> None:
    value = json.loads(encode_order(order("true")))
    parse_order(json.dumps(value).encode())
    for path in _paths(value):
        wrongs: tuple[Any, ...] = (None, [], -1, {"x": 1}, True)
        for wrong in wrongs:
            damaged = json.loads(json.dumps(value))
            _set(damaged, path, wrong)
            if damaged == value:
                continue
            try:
                parsed = parse_order(json.dumps(damaged).encode())
            except ProtocolError as error:
                assert error.code == "ORDER_INVALID"
            else:  # a value that is one in that place: an optional one, a list, a flag
                assert isinstance(parsed, Order)
                assert path[-1] in {
                    "agentId",
                    "cwd",
                    "timeoutMs",
                    "homes",
                    "roots",
                    "hasStdin",
                    "protected",
                    "command",
                    "constraints",
                } or ("constraints" in path)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"\xff", b'{"request": 1}', b"[" * 100_000])
def test_bytes_that_are_no_order_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_order(data)


def _paths(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    if isinstance(value, dict):
        for name, inner in value.items():
            found += [(*prefix, name), *_paths(inner, (*prefix, name))]
    return found


def _set(value: Any, path: tuple[Any, ...], wrong: Any) -> None:
    for name in path[:-1]:
        value = value[name]
    value[path[-1]] = wrong
