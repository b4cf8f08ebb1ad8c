"""Janee: secrets management for AI agents. See README.md."""
