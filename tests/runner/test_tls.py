"""A grant's own CA: trusted for the grant's hosts, and worth nothing for any other."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from janee.runner.tls import make_trust, server_context, trust_env

NOW = time.time()


def handshake(context: ssl.SSLContext, leaf: bytes, name: str) -> str | None:
    """The protocol agreed on. Raises ssl.SSLError."""
    ours, theirs = socket.socketpair()
    ours.settimeout(10)

    def serve() -> None:
        try:
            with server_context(leaf).wrap_socket(theirs, server_side=True) as server:
                server.recv(1)
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        with ours, context.wrap_socket(ours, server_hostname=name) as client:
            return client.selected_alpn_protocol()
    finally:
        thread.join(10)


def client_of(ca: bytes) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=ca.decode())
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


@pytest.mark.parametrize("name", ["api.example.com", "localhost", "127.0.0.1"])
def test_the_grants_hosts_are_trusted_and_speak_http_1(name: str) -> None:
    trust = make_trust(["api.example.com", "localhost", "127.0.0.1"], now=NOW, life_s=60)
    assert handshake(client_of(trust.ca), trust.leaf, name) == "http/1.1"


def forged(names: list[str], wanted: x509.GeneralName) -> tuple[bytes, bytes]:
    """A CA with the constraints of a grant for `names`, whose key is known, and a leaf of it for `wanted`."""
    original = x509.load_pem_x509_certificate(make_trust(names, now=NOW, life_s=60).ca)
    key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    moment = datetime.now(UTC)

    def builder(public: ec.EllipticCurvePublicKey, subject: x509.Name) -> x509.CertificateBuilder:
        span = (moment - timedelta(hours=1), moment + timedelta(hours=1))
        return x509.CertificateBuilder(original.subject, subject, public, x509.random_serial_number(), *span)

    ca = builder(key.public_key(), original.subject)
    for extension in original.extensions:
        if not isinstance(extension.value, x509.SubjectKeyIdentifier):
            ca = ca.add_extension(extension.value, extension.critical)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "forger")])
    leaf = builder(leaf_key.public_key(), subject).add_extension(x509.SubjectAlternativeName([wanted]), critical=False)
    pem = serialization.Encoding.PEM
    secret = leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return ca.sign(key, hashes.SHA256()).public_bytes(pem), secret + leaf.sign(key, hashes.SHA256()).public_bytes(pem)


def test_a_stolen_ca_key_vouches_for_the_grants_host() -> None:  # so that the refusals below are those of the constraints
    ca, leaf = forged(["api.example.com"], x509.DNSName("api.example.com"))
    assert handshake(client_of(ca), leaf, "api.example.com") == "http/1.1"


@pytest.mark.parametrize(
    "wanted", ["example.com", "bank.example", "api.example.com.evil.example", "localhost", "127.0.0.1", "::1"]
)
@pytest.mark.parametrize("names", [["api.example.com"], ["127.0.0.2"], ["api.example.com", "127.0.0.2"]])
def test_a_stolen_ca_key_vouches_for_nothing_else(names: list[str], wanted: str) -> None:
    try:
        name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(wanted))
    except ValueError:
        name = x509.DNSName(wanted)
    ca, leaf = forged(names, name)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"permitted subtree|excluded subtree"):
        handshake(client_of(ca), leaf, wanted)


def test_it_lives_hardly_longer_than_the_command_can() -> None:
    ca = x509.load_pem_x509_certificate(make_trust(["a.example"], now=NOW, life_s=100).ca)
    assert ca.not_valid_after_utc - datetime.fromtimestamp(NOW, UTC) < timedelta(seconds=100, minutes=15)


def test_two_grants_have_nothing_in_common() -> None:
    one, two = (make_trust(["a.example"], now=NOW, life_s=60) for _ in range(2))
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(client_of(one.ca), two.leaf, "a.example")


def test_the_leafs_key_is_in_no_file_and_in_no_text() -> None:
    trust = make_trust(["a.example"], now=NOW, life_s=60)
    server_context(trust.leaf)
    assert "PRIVATE KEY" not in repr(trust)
    assert not [path for path in Path("/proc/self/fd").iterdir() if "leaf" in str(path.resolve())]


def test_it_is_made_in_a_moment() -> None:
    best = 1.0
    for _ in range(5):
        started = time.perf_counter()
        make_trust(["a.example", "b.example"], now=NOW, life_s=60)
        best = min(best, time.perf_counter() - started)
    assert best < 0.1


def test_every_variable_names_the_bundle() -> None:
    env = trust_env("/b")
    assert {"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE"} <= set(env)
    assert set(env.values()) == {"/b"}
