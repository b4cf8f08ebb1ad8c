"""The `*` of rules and agent patterns: any number of any characters. No other wildcard, whole string, exact case."""

from __future__ import annotations

from collections.abc import Iterable


def glob_matches(pattern: str, text: str) -> bool:
    head, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, tail = rest
    if not text.startswith(head) or len(text) < len(head) + len(tail) or not text.endswith(tail):
        return False
    # Leftmost matches suffice: whatever a later match leaves over, an earlier one does too.
    at, end = len(head), len(text) - len(tail)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def matches_any(patterns: Iterable[str], text: str) -> bool:
    """Whether one of the patterns matches. None: nobody."""
    return any(glob_matches(pattern, text) for pattern in patterns)
