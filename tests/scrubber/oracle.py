"""The reference: what a scrubber of literal needles must put out, written for clarity, with the whole text at hand."""


def spans(text: bytes, needles: list[bytes]) -> list[tuple[int, int]]:
    """All occurrences of all needles, overlapping ones merged, touching ones not; then the unfinished one at the end."""
    found = [
        (at, at + len(needle)) for needle in needles for at in range(len(text) - len(needle) + 1) if text.startswith(needle, at)
    ]
    begun = max(
        (
            size
            for needle in needles
            for size in range(1, len(needle))
            if text.endswith(needle[:size]) and (size >= 8 or 2 * size >= len(needle))
        ),
        default=0,
    )
    if begun:
        found.append((len(text) - begun, len(text)))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def scrub(text: bytes, needles: list[bytes], marker: bytes) -> tuple[bytes, int]:
    """The clean text and the number of markers in it."""
    out, at = b"", 0
    merged = spans(text, needles)
    for start, end in merged:
        out += text[at:start] + marker
        at = end
    return out + text[at:], len(merged)


def held(text: bytes, needles: list[bytes]) -> int:
    """The longest suffix of `text` that is a proper prefix of a needle."""
    return max(
        (size for needle in needles for size in range(1, len(needle)) if text.endswith(needle[:size])),
        default=0,
    )
