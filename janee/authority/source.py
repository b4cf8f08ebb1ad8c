"""The policy in force: config.yaml, read and compiled again as soon as it changes.

Guarantees: a change reaches the next decision, in live sessions too (one `stat` a decision, no timer); a file that is gone,
unreadable or invalid leaves no policy at all, so that everything is denied: never the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from janee.authority.policy import Policy, compile_policy
from janee.config.file import ConfigSource
from janee.config.schema import Config
from janee.errors import ConfigError


class PolicySource:
    """Owns the compiled policy. For one thread. `report` is told of each new problem, once."""

    def __init__(self, path: Path, report: Callable[[ConfigError], None]) -> None:
        self._source = ConfigSource(path)
        self._report = report
        self._config: Config | None = None
        self._result: Policy | ConfigError | None = None
        self._reported = ""

    def current(self) -> Policy:
        """The policy of the file as it is now. Raises ConfigError, CONFIG_… or POLICY_INVALID."""
        try:
            config = self._source.current()
            if config is not self._config or self._result is None:
                self._result = _compile(config)
                self._config = config
            if isinstance(self._result, ConfigError):
                raise self._result
        except ConfigError as error:
            self._note(error)
            raise
        self._reported = ""
        return self._result

    def config(self) -> Config:
        """The configuration that `current()` compiled. Raises ConfigError."""
        self.current()
        return self._source.current()

    def _note(self, error: ConfigError) -> None:
        if error.message != self._reported:
            self._reported = error.message
            self._report(error)


def _compile(config: Config) -> Policy | ConfigError:
    try:
        return compile_policy(config)
    except ConfigError as error:
        return error
