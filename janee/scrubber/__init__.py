"""Removes secrets from bytes on their way out: exact under any chunking, in constant memory, at near-memory speed.

    scrubber = Scrubber([secret])
    stream = scrubber.stream()
    clean = stream.feed(chunk) + stream.finish()

Guarantees: no byte of a secret, in any of the forms of `FORMS`, passes; see `_stream` for streams and `_scrubber` for values.
Never transforms what it cannot recognise: compressed or encrypted output passes unchanged.
"""

from ._clashes import find_clashes
from ._errors import ScrubberError
from ._forms import FORMS, FRAGMENTS, PARTS, VIEWS, Form, Part, ViewRow
from ._scrubber import DEFAULT_MARKER, DEFAULT_MIN_LENGTH, Scrubber
from ._stream import StreamScrubber

__all__ = [
    "DEFAULT_MARKER",
    "DEFAULT_MIN_LENGTH",
    "FORMS",
    "FRAGMENTS",
    "PARTS",
    "VIEWS",
    "Form",
    "Part",
    "Scrubber",
    "ScrubberError",
    "StreamScrubber",
    "ViewRow",
    "find_clashes",
]
