"""The certificates of one grant: a CA that only its sandbox trusts, and the leaf with which the relay answers there.

Guarantees: the CA can vouch for the grant's gateway hosts and nothing else (critical name constraints, RFC 5280, 4.2.1.10),
lives as long as the grant's command can, and its key exists only while `make_trust` runs: what is left can sign no other name.
Never a file, and nothing that is trusted outside of the sandbox.

One leaf names all of the hosts: the listener that a connection came in on, not the certificate, says where it goes.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_SLACK: Final = timedelta(minutes=10)  # a clock that is set back while the command runs
_EVERY_ADDRESS: Final = (
    x509.IPAddress(ipaddress.IPv4Network("0.0.0.0/0")),
    x509.IPAddress(ipaddress.IPv6Network("::/0")),
)
_NO_NAME: Final = x509.DNSName("none.invalid")
_BUNDLE_VARIABLES: Final = (
    "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "AWS_CA_BUNDLE",
    "PIP_CERT", "NPM_CONFIG_CAFILE", "CARGO_HTTP_CAINFO", "DENO_CERT", "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "HEX_CACERTS_PATH", "BUNDLE_SSL_CA_CERT", "NIX_SSL_CERT_FILE", "PGSSLROOTCERT",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GrantTrust:
    """ca: PEM, for the sandbox. leaf: PEM of private key and certificate, for the relay."""

    ca: bytes
    leaf: bytes = field(repr=False)


def make_trust(names: Sequence[str], *, now: float, life_s: float) -> GrantTrust:
    """names: host names, `*.domain` (one label, RFC 6125, 6.4.3) and addresses, at least one. now: seconds since the epoch."""
    hosts = tuple(_general_name(name) for name in dict.fromkeys(names))
    moment = datetime.fromtimestamp(now, UTC)
    window = (moment - _SLACK, moment + timedelta(seconds=life_s) + _SLACK)
    ca_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("Janee, one grant's own CA")
    ca_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = (
        _certificate(issuer, issuer, ca_key.public_key(), window)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(_constraints(hosts), critical=True)
        .add_extension(ca_id, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    leaf = (
        _certificate(_name("Janee relay"), issuer, leaf_key.public_key(), window)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(leaf_key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    key = leaf_key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return GrantTrust(ca.public_bytes(serialization.Encoding.PEM), key + leaf.public_bytes(serialization.Encoding.PEM))


def trust_env(bundle: str) -> Mapping[str, str]:
    """The variables by which tools find their trusted certificates. bundle: path inside."""
    return MappingProxyType(dict.fromkeys(_BUNDLE_VARIABLES, bundle))


def server_context(leaf: bytes) -> ssl.SSLContext:
    """For the relay: TLS 1.2 or newer, HTTP/1.1 only."""
    return _context(leaf, "http/1.1")


def postgres_context(leaf: bytes) -> ssl.SSLContext:
    """The same for a database's clients; from PostgreSQL 17 on they ask for their own protocol."""
    return _context(leaf, "postgresql")


def _context(leaf: bytes, protocol: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([protocol])
    # OpenSSL takes files only. This one is memory, and nobody else can open it: the relay's memory is protected.
    fd = os.memfd_create("leaf", os.MFD_CLOEXEC)
    try:
        os.write(fd, leaf)
        context.load_cert_chain(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)
    return context


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, window: tuple[datetime, datetime]
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=window[0],
        not_valid_after=window[1],
    )


def _constraints(hosts: Sequence[x509.GeneralName]) -> x509.NameConstraints:
    """Only `hosts`. A kind of name that is not mentioned would be free, so both are always."""
    # A constraint covers what is below it as well, and has no star. The leaf's names are narrower.
    names = [x509.DNSName(host.value.removeprefix("*.")) for host in hosts if isinstance(host, x509.DNSName)]
    addresses = [x509.IPAddress(_network(host)) for host in hosts if isinstance(host, x509.IPAddress)]
    return x509.NameConstraints([*(names or [_NO_NAME]), *addresses], None if addresses else list(_EVERY_ADDRESS))


def _network(host: x509.IPAddress) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(str(host.value))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(organization: str) -> x509.Name:
    # No common name: old clients take one for a host's.
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
