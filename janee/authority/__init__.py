"""The Authority: store, policy, identity, audit, upstream calls.

Guarantees: secrets are decrypted here and nowhere else, one at a time, for one request. It never runs an agent's command:
that is the Runner's (`janee.runner`), which knows nothing of this package.
"""
