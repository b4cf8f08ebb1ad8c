"""Services that are databases: what of them a command may reach, and what has no meaning for them."""

from __future__ import annotations

import pytest

from janee.authority.policy import compile_policy
from janee.config.schema import Auth, AuthType, Capability, Config, Mode, Rules, ServerSettings, Service
from janee.config.schema import Delivery as How
from janee.errors import ConfigError


def compiled(base_url: str, *hosts: str, **more: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    service = Service("db", base_url, Auth(AuthType.POSTGRES, ("username", "password")), hosts)
    values: dict[str, object] = {"mode": Mode.EXEC, "delivery": How.SECRETLESS} | more
    capability = Capability("run", "db", **values)  # type: ignore[arg-type]
    policy = compile_policy(Config("0.3.0", ServerSettings(), {"db": service}, {"run": capability}))
    return policy.capabilities["run"].network, policy.capabilities["run"].egress


@pytest.mark.parametrize(
    ("base_url", "hosts", "network"),
    [
        ("postgres://db.example/shop", (), ("db.example:5432",)),
        ("postgres://db.example:6432/shop", (), ("db.example:6432",)),
        ("postgres://db.example:6432", ("replica.example", "other.example:5433"),
         ("db.example:6432", "replica.example:6432", "other.example:5433")),
    ],
)  # fmt: skip
def test_its_hosts_go_through_the_gateway(base_url: str, hosts: tuple[str, ...], network: tuple[str, ...]) -> None:
    assert compiled(base_url, *hosts) == (network, tuple(f"postgres://{entry}" for entry in network))


def test_another_host_of_the_network_is_relayed_as_it_is() -> None:
    network = ("db.example:5432", "db.example:443", "api.example:5432")
    assert compiled("postgres://db.example/shop", network=network)[1] == ("postgres://db.example:5432",)


def test_with_another_delivery_nothing_goes_through_the_gateway() -> None:
    assert compiled("postgres://db.example/shop", delivery=How.ENV) == (("db.example:5432",), ())


@pytest.mark.parametrize("more", [{"mode": Mode.PROXY}, {"rules": Rules(allow=("GET /*",))}, {"rules": Rules(deny=("* /*",))}])
def test_what_is_for_http_alone_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        compiled("postgres://db.example/shop", **more)
