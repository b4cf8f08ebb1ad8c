"""Configuration: where Janee's files are (`home`), what config.yaml says (`schema`), reading and changing it (`file`).

Guarantees: what is read is valid and holds no secret; what is written stays valid, keeps its comments and loses no change.
It never opens the state database or a key: those are `janee.authority.store`'s.
"""
