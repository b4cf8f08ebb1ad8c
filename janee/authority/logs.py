"""What libraries log in the Authority, on its way to stderr.

Guarantees: every record of every logger, with its traceback, passes the scrubber of all stored secrets before it is written;
one that cannot be scrubbed is dropped, and a line says so. We log nothing ourselves: outcomes are audited, errors are answered.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Final

from janee.authority.masks import Masks

DROPPED: Final = "a log record could not be scrubbed and was dropped"


class CleanHandler(logging.Handler):
    """The root logger's only handler. Made in the thread that `masks` is for; other threads use what that one last saw."""

    def __init__(self, masks: Masks) -> None:
        """Raises StoreError."""
        super().__init__(logging.WARNING)
        self._masks = masks
        self._thread = threading.get_ident()
        self._scrubber = masks.every()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if threading.get_ident() == self._thread:
                self._scrubber = self._masks.every()
            line = self._scrubber.scrub_text(self.format(record))
        except Exception:  # the border of the process: a record that nobody could clean does not leave it
            line = DROPPED
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"janee: {record.levelname.lower()}: {line}\n")


@contextlib.contextmanager
def clean_logs(masks: Masks) -> Iterator[None]:
    """While it lasts, the root logger writes through a `CleanHandler` and through nothing else."""
    root = logging.getLogger()
    before = root.handlers[:]
    root.handlers[:] = [CleanHandler(masks)]
    try:
        yield
    finally:
        root.handlers[:] = before
