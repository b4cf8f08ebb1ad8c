"""SCRAM-SHA-256: the example of RFC 7677, and servers that do not keep to it."""

from __future__ import annotations

import base64

import pytest

from janee.authority.egress.scram import MIN_ITERATIONS, PLAIN, PLUS, Exchange, ScramError, begin, prepare, verify_final
from janee.secret import Secret

NONCE = "rOprNGfwEbeRWgbNEkqO"
FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


class RfcExchange(Exchange):
    """With the user name of the example, which PostgreSQL leaves empty."""

    @property
    def _first_bare(self) -> str:
        return f"n=user,r={self.nonce}"


def test_the_example_of_the_rfc() -> None:
    exchange = RfcExchange(NONCE, "n,,")
    assert exchange.first == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    final, expected = exchange.finish(exchange.challenge(FIRST), Secret("pencil"))
    assert (
        final == b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    verify_final(FINAL, expected)


@pytest.mark.parametrize(
    "message",
    [
        FIRST.replace(b"rOprNGf", b"xOprNGf"),  # another nonce
        b"r=" + NONCE.encode() + b",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",  # ours, with nothing of the server's
        FIRST.replace(b"4096", b"4095"),
        FIRST.replace(b"4096", b"1"),
        FIRST.replace(b"4096", b"1000001"),
        FIRST.replace(b"4096", b"99999999999999"),
        FIRST.replace(b"4096", b"04096"),
        FIRST.replace(b"s=W22ZaJ0SNY7soEsUEjb6gQ==", b"s="),
        FIRST.replace(b"s=W22ZaJ0SNY7soEsUEjb6gQ==", b"s=W22Za"),
        b"m=ext," + FIRST,  # an extension that must be understood
        b"e=unknown-user",
        b"",
        FIRST + b"," + b"x" * 5000,
        FIRST.replace(b"r=", b"r=\xff"),
    ],
)
def test_a_hostile_challenge_is_refused(message: bytes) -> None:
    with pytest.raises(ScramError):
        Exchange(NONCE, "n,,").challenge(message)


@pytest.mark.parametrize("message", [b"e=other-error", b"", FINAL[:-1], b"v=" + base64.b64encode(bytes(32)), FINAL + b"\0"])
def test_a_server_that_does_not_know_the_password_is_refused(message: bytes) -> None:
    exchange = RfcExchange(NONCE, "n,,")
    _, expected = exchange.finish(exchange.challenge(FIRST), Secret("pencil"))
    with pytest.raises(ScramError):
        verify_final(message, expected)


@pytest.mark.parametrize(
    ("offered", "binding", "name", "header"),
    [
        ((PLUS, PLAIN), b"certificate", PLUS, "p=tls-server-end-point,,"),
        ((PLAIN,), b"certificate", PLAIN, "y,,"),
        ((PLUS, PLAIN), None, PLAIN, "n,,"),
    ],
)
def test_binding_is_used_where_it_can_be(offered: tuple[str, ...], binding: bytes | None, name: str, header: str) -> None:
    chosen, exchange = begin(bytes(18), offered, binding)
    assert (chosen, exchange.header) == (name, header)


@pytest.mark.parametrize("offered", [(), ("PLAIN",), ("SCRAM-SHA-1",), (PLUS,)])
def test_nothing_but_scram_sha_256_is_spoken(offered: tuple[str, ...]) -> None:
    with pytest.raises(ScramError):
        begin(bytes(18), offered, None)


def test_the_binding_is_part_of_what_is_proven() -> None:
    plain, bound = Exchange(NONCE, "y,,"), Exchange(NONCE, "p=tls-server-end-point,,", b"certificate")
    challenge = plain.challenge(FIRST)
    assert challenge.iterations == MIN_ITERATIONS
    finals = {one.finish(challenge, Secret("pencil"))[0].rpartition(b",")[2] for one in (plain, bound)}
    assert len(finals) == 2


@pytest.mark.parametrize(
    ("given", "prepared"),
    [
        ("pencil", "pencil"),
        ("a\tb", "a\tb"),
        ("I\u00adX", "IX"),  # RFC 4013, section 3: soft hyphen mapped to nothing
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("\u0627\u0031", "\u0627\u0031"),  # fails the rule on directions: kept as it is
        ("\u00e9\u0007", "\u00e9\u0007"),  # a control character: kept as it is
    ],
)
def test_saslprep(given: str, prepared: str) -> None:
    assert prepare(Secret(given)).expose_text() == prepared


def test_a_password_that_is_no_text_is_kept() -> None:
    assert prepare(Secret(b"\xff\xfe")).expose() == b"\xff\xfe"
