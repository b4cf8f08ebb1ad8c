"""One module a tool, named after it (`redis-cli` → redis_cli), each with a `PROFILE`; see docs/profiles.md."""
