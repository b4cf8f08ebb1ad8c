"""Which addresses an upstream may have. Pure, but for the one look-up.

Guarantees: an address that is not on the public Internet (private, loopback, link-local, multicast, reserved, or one of them
wrapped in IPv6) is refused unless the service allows private ones; link-local addresses, where clouds keep their metadata,
are refused even then, unless the base URL names the very address, wrapped in no other; of several addresses all must be fit.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from typing import Final

from janee.errors import ProtocolError
from janee.protocol import ErrorCode

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_LOCAL_NAT64: Final = ipaddress.IPv6Network("64:ff9b:1::/48")  # RFC 8215: what it leads to is the site's own affair
_METADATA: Final = frozenset({"fd00:ec2::254", "100.100.100.200"})  # AWS over IPv6, Alibaba; the others are link-local

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(text: str) -> bool:
    """Whether an address (without zone) is on the public Internet, also when it is wrapped in an IPv6 one."""
    return all(_is_public(address) for address in _layers(ipaddress.ip_address(text)))


def is_link_local(text: str) -> bool:
    """Whether an address reaches only the machine's own link, or is a cloud's metadata service."""
    return text in _METADATA or any(address.is_link_local for address in _layers(ipaddress.ip_address(text)))


def verify_addresses(host: str, addresses: Iterable[str], *, allow_private: bool, is_plain_http: bool) -> None:
    """Check all addresses of a host. is_plain_http: no TLS, so a public address would see the credential go by in clear.

    Raises ProtocolError UPSTREAM_FAILED, which names the host and no address.
    """
    for address in addresses:
        if is_link_local(address) and not (host == address and _is_bare(address)):
            raise _refused(host, "a link-local or metadata address", "name a host that is no metadata service")
        if not is_public(address) and not allow_private:
            raise _refused(host, "a private or local address", "allow it for this service: allowPrivate: true")
        if is_public(address) and is_plain_http:
            raise _refused(host, "a public address, which must not get a credential without TLS", "use https in baseUrl")


async def resolve(host: str, port: int) -> tuple[str, ...]:
    """All addresses of a host, without zones. Raises ProtocolError UPSTREAM_FAILED."""
    try:
        return (str(ipaddress.ip_address(host)),)
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ProtocolError(ErrorCode.UPSTREAM_FAILED, f"the host {host} has no address", "check baseUrl and DNS") from None
    return tuple(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def _is_bare(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return _layers(address) == [address]


def _layers(address: Address) -> list[Address]:
    """The address and what is wrapped in it: IPv4-mapped, 6to4, Teredo, NAT64, IPv4-compatible."""
    layers: list[Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        layers.extend(inner for inner in (address.ipv4_mapped, address.sixtofour) if inner is not None)
        layers.extend(address.teredo or ())
        low = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
            layers.append(low)
        if address.ipv4_mapped is not None or address in _NAT64:
            layers.remove(address)  # only what is wrapped counts: Python calls the wrappers themselves reserved
    return layers


def _is_public(address: Address) -> bool:
    is_special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    is_site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    is_local_nat64 = isinstance(address, ipaddress.IPv6Address) and address in _LOCAL_NAT64
    return address.is_global and not is_special and not is_site_local and not is_local_nat64


def _refused(host: str, why: str, hint: str) -> ProtocolError:
    return ProtocolError(ErrorCode.UPSTREAM_FAILED, f"the host {host} has {why}", hint)
