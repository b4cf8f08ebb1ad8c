"""Janee: secrets management for AI agents. See README.md."""

from typing import Final

__version__: Final = "1.0.0.dev0"
