"""What a terminal, a line wrap or a dump does to a secret: masked all the same, and the same under any chunking."""

import base64
import os
import random
import subprocess

import pytest

from janee.scrubber import Scrubber

SECRET = b"ghp_9fK2xQ7LmZ3vT8bN1cR6wY4sD5hJ0aUeGiPo"
MARK = b"[REDACTED]"
SEEDS = int(os.environ.get("JANEE_TEST_STREAMS", "100"))
DUMPERS = (
    *("xxd", "xxd -u", "xxd -g1", "xxd -p", "xxd -p -c1"),
    *("hexdump", "hexdump -C", "hexdump -c"),
    *("od", "od -x", "od -c", "od -tx1", "od -tx1z", "od -tx4", "od -An -tx1", "od -An -c"),
)


def clean(text: bytes, secret: bytes = SECRET) -> bytes:
    return Scrubber([secret]).scrub(text)[0]


def coloured(secret: bytes) -> bytes:
    return b"\x1b[01;31m\x1b[K".join(bytes([byte]) for byte in secret)


@pytest.mark.parametrize(
    "disguised",
    [
        coloured(SECRET),
        SECRET[:9] + b"\x1b[0m" + SECRET[9:],
        SECRET[:1] + b"\x1b]0;a title\x07" + SECRET[1:],
        SECRET[:20] + b"\x1b]8;;https://x/\x1b\\" + SECRET[20:],
        SECRET[:20] + b"\x1b(B" + SECRET[20:],
        SECRET[:5] + b"X\b" + SECRET[5:],
        SECRET[:5] + b"XYZ\b\b\b" + SECRET[5:],
        SECRET[:7] + b"\r" + SECRET[7:],
        SECRET[:7] + b"\r\n" + SECRET[7:],
    ],
)
def test_terminal_sequences_backspaces_and_line_ends_inside_a_secret_hide_nothing(disguised: bytes) -> None:
    assert clean(b"a " + disguised + b" z") == b"a " + MARK + b" z"


def test_overstruck_letters_hide_nothing() -> None:
    overstruck = b"".join(bytes([byte, 8, byte]) for byte in SECRET)
    assert clean(b"a " + overstruck + b" z") == b"a " + SECRET[:1] + b"\b" + MARK + b" z"


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7, 15, 16, 20, 76])
def test_folded_base64_and_raw_values_show_at_most_five_characters(width: int) -> None:
    for value in (SECRET, base64.b64encode(b"user:" + SECRET)):
        folded = b"\n".join(value[at : at + width] for at in range(0, len(value), width))
        out = clean(b"x\n" + folded + b"\n")
        left = out.replace(b"\n", b"").replace(b"_", b"").replace(MARK, b"")[1:]
        assert len(left.removeprefix(base64.b64encode(b"user:g")[:7])) <= 5, out


@pytest.mark.parametrize("command", DUMPERS)
@pytest.mark.parametrize("shift", [0, 5, 14])
def test_dumps_show_nothing_to_speak_of(command: str, shift: int) -> None:
    run = subprocess.run(command.split(), input=b"." * shift + SECRET + b"\n", stdout=subprocess.PIPE, timeout=10, check=True)
    out = clean(run.stdout)
    assert MARK in out
    for size in range(6, len(SECRET)):  # neither six characters nor six bytes in digits
        assert SECRET[:size] not in out
        assert SECRET[-size:] not in out
    assert SECRET[10:14].hex().encode() not in out.replace(b" ", b"").lower()


def pieces(rng: random.Random) -> bytes:
    secret = SECRET
    cut = rng.randint(0, len(secret))
    encoded = base64.b64encode(b"u:" + secret)
    width = rng.choice((1, 4, 16, 20))
    dump = subprocess_free_xxd(b"." * rng.randint(0, 9) + secret)
    return rng.choice(
        (
            secret,
            secret[:cut],
            secret[cut:],
            coloured(secret[:cut]),
            coloured(secret),
            b"\x1b[0m",
            b"\x1b[",
            b"\x1b",
            b"\b",
            b"\b\b\b",
            b"x\b",
            b"\n",
            b"\r\n",
            b"ordinary text 42\n",
            b"\n".join(encoded[at : at + width] for at in range(0, len(encoded), width)),
            b"\n".join(secret[at : at + width] for at in range(0, cut, width)),
            b"\n" + dump,
            dump,
            b"000",
            b"\n0000",
        )
    )


def subprocess_free_xxd(data: bytes) -> bytes:
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        digits = row.hex()
        groups = " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))
        lines.append(f"{at:08x}: {groups:<39}  ".encode() + row + b"\n")
    return b"".join(lines)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_output_and_counts_do_not_depend_on_the_chunks(seed: int) -> None:
    rng = random.Random(seed)
    text = b"".join(pieces(rng) for _ in range(rng.randint(1, 12)))
    scrubber = Scrubber([SECRET], fragments=None if seed % 2 else False)
    expected = scrubber.scrub(text)
    for size in (1, 2, 3, 7, 50, 0):
        stream, out, at = scrubber.stream(), b"", 0
        while at < len(text):
            step = size or rng.randint(1, 60)
            out += stream.feed(text[at : at + step])
            at += step
        out += stream.finish()
        assert (out, stream.hits) == expected, (seed, size, text)


LIKELY = b"ghp_9fK2xQ7LmZ3vT8bN1cR6wY4sD5hJ0aUeGiPo"
HARD_SECRETS = (
    (b"abababababab", b"babab"),
    (b"-----BEGIN K-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQC7\n-----END K-----\n",),
    (b"ghp_9fK2xQ7LmZ3vT8bN1cR6", b"T8bN1cR6wY4sD5hJ0aUeGiPo"),
    (b"aaaaaaaaaaab",),
    (b"a\nb\nc\nd\ne\nf",),
    (b"12345678",),
)
SEEN_ONCE = (  # each came out under one chunking and not under another, until it was put right
    ((b"aaaaaaaaaaab",), b"b\n" + b"a" * 25 + b"b"),
    ((b"12345678",), b"123456781234\n5678\x1b12345678"),
    ((b"abababababab", b"babab"), b"bababa\n00000000: 6162 6162 6162 61  abababa\nbababa"),
    (
        (LIKELY,),
        b"37:65:43:86:24:e3:16:35:23:67:75:93:47:34:43:56:84:a3:06:15:56:54b\n32\n78\n51\n37\n4c\n6d\n5a\n33\n76\n54\n38\n62",
    ),
    ((LIKELY,), b"7851374c6\n    d5a337654\n    38624e316\n    352367759\n\r\n\x1b[31m\x1b[31m\n word"),
    ((LIKELY, b"two\nrows of a secret"), b"terces a fo swor\nowt 7851374c6d5a33765438624e316352367759347344\x1b[31m\n1  word "),
)


def disguised(rng: random.Random, secret: bytes) -> bytes:
    """A part of a secret, or all of it, with something done to it."""
    cut = sorted((rng.randint(0, len(secret)), rng.randint(0, len(secret))))
    part = secret[cut[0] : cut[1]] if rng.random() < 0.6 else secret
    width = rng.choice((1, 2, 4, 5))
    return rng.choice(
        (
            part,
            part,
            part,
            part.hex().encode(),
            coloured(part),
            b"\n".join(part[at : at + width] for at in range(0, len(part), width)),
            b"\n" + subprocess_free_xxd(part),
            rng.choice((b"\x1b[0m", b"\x1b", b"\r\n", b"\n", b"0000", b" ")),
        )
    )


@pytest.mark.parametrize(
    ("secrets", "text"),
    [
        *SEEN_ONCE,
        *(
            (secrets, b"".join(disguised(rng, rng.choice(secrets)) for _ in range(rng.randint(1, 10))))
            for rng in map(random.Random, range(SEEDS))
            for secrets in (rng.choice(HARD_SECRETS),)
        ),
    ],
)
@pytest.mark.parametrize("fragments", [None, False, True])
def test_self_overlapping_and_short_secrets_do_not_depend_on_the_chunks(
    secrets: tuple[bytes, ...], text: bytes, fragments: bool | None
) -> None:
    scrubber = Scrubber(secrets, fragments=fragments, min_length=1)
    expected = scrubber.scrub(text)
    for size in (1, 2, 5, 23):
        stream = scrubber.stream()
        out = b"".join(stream.feed(text[at : at + size]) for at in range(0, len(text), size)) + stream.finish()
        assert (out, stream.hits) == expected, size


def test_memory_stays_flat_whatever_a_view_leaves_out() -> None:
    scrubber = Scrubber([SECRET])
    for filler in (b"\n", b"\r\n", b"\x1b[0m", b"\b", b"x\b", b"0000"):
        stream = scrubber.stream()
        stream.feed(SECRET[:10])
        for _ in range(50):
            stream.feed(filler * 500)
            assert len(stream._kept) < 40_000


def test_a_line_that_ends_in_a_secret_waits_for_nothing() -> None:
    """Its last letters begin other needles: the secret backwards, the next of two tokens."""
    for secrets in ([LIKELY.decode()], [LIKELY.decode(), "two\nrows of a secret"]):
        stream = Scrubber(secrets).stream()
        for line in (LIKELY + b"\n", b"value: " + LIKELY + b"!\n", b"0c41abc\n"):
            assert stream.feed(line).endswith(b"\n"), line
            assert stream.held == 0
