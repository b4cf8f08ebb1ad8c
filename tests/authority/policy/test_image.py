"""Names of images: an image in another registry is refused, however its host is written."""

from __future__ import annotations

import pytest

from janee.authority.policy._hosts import hosts_of
from janee.authority.policy._values import Context, check
from janee.config.schema import Auth, AuthType, Service
from janee.profiles import Kind, Preset, ValueType

SERVICE = Service("s", "https://registry.example.test", Auth(AuthType.BEARER, ("key",)))
CONTEXT = Context(hosts_of(SERVICE, {}))
IMAGE = ValueType(Kind.IMAGE)
DIGEST = "@sha256:" + "0a" * 32


@pytest.mark.parametrize(
    "name",
    ["nginx", "nginx:1.27-alpine", "acme/app", "registry.example.test/acme/app:v1", f"acme/app{DIGEST}", f"app:1{DIGEST}"],
)
def test_an_image_of_the_service_or_of_no_registry_is_admitted(name: str) -> None:
    assert check(IMAGE, name, CONTEXT) is Preset.READ


@pytest.mark.parametrize(
    "name",
    [
        "evil.example/app",
        "registry.example.test.evil.example/app",
        "registry.example.test:444/app",
        "localhost/app",
        "localhost:5000/app",
        "10.0.0.1/app",
        "EVIL/app",
        "user@evil.example/app",
        "https://registry.example.test/app",
        "../app",
        "-app",
        "",
    ],
)
def test_an_image_elsewhere_or_no_image_is_refused(name: str) -> None:
    assert isinstance(check(IMAGE, name, CONTEXT), str)


def test_a_url_type_may_ask_for_one_scheme() -> None:
    oci = ValueType(Kind.URL, pattern="oci")
    assert check(oci, "oci://registry.example.test/charts", CONTEXT) is Preset.READ
    for value in ("https://registry.example.test/charts", "oci://evil.example/charts", "oci://u@registry.example.test/charts"):
        assert isinstance(check(oci, value, CONTEXT), str)
