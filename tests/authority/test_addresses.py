"""Which addresses are public, in all their spellings, and what a host with several is."""

from __future__ import annotations

import asyncio

import pytest

from janee.authority.addresses import is_link_local, is_public, resolve, verify_addresses
from janee.errors import ProtocolError


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2001:0:7f00:1::",
    ],
)
def test_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "fd00:ec2::254", "64:ff9b::a9fe:a9fe"]
)
def test_metadata_services_are_link_local(address: str) -> None:
    assert is_link_local(address)


@pytest.mark.parametrize(
    ("addresses", "allow_private", "is_plain_http", "passes"),
    [
        (["1.1.1.1"], False, False, True),
        (["1.1.1.1"], False, True, False),
        (["1.1.1.1"], True, True, False),
        (["10.0.0.1"], False, False, False),
        (["10.0.0.1"], True, False, True),
        (["10.0.0.1"], True, True, True),
        (["1.1.1.1", "10.0.0.1"], False, False, False),
        (["1.1.1.1", "::1"], False, False, False),
        (["169.254.169.254"], True, True, False),
    ],
)
def test_all_addresses_of_a_host_must_be_fit(
    addresses: list[str], allow_private: bool, is_plain_http: bool, passes: bool
) -> None:
    if passes:
        verify_addresses("h.test", addresses, allow_private=allow_private, is_plain_http=is_plain_http)
        return
    with pytest.raises(ProtocolError) as caught:
        verify_addresses("h.test", addresses, allow_private=allow_private, is_plain_http=is_plain_http)
    assert not any(address in caught.value.message for address in addresses)


def test_an_operator_may_name_a_link_local_address_itself() -> None:
    verify_addresses("169.254.0.9", ["169.254.0.9"], allow_private=True, is_plain_http=True)


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("127.1", "127.0.0.1"), ("2130706433", "127.0.0.1")]
)
def test_numeric_hosts_become_what_they_are(host: str, expected: str) -> None:
    assert asyncio.run(resolve(host, 80)) == (expected,)


def test_a_name_without_address_is_a_clear_error() -> None:
    with pytest.raises(ProtocolError) as caught:
        asyncio.run(resolve("no-such-host.invalid", 80))
    assert caught.value.code == "UPSTREAM_FAILED"
