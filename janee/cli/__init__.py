"""The commands: one module for each noun, loaded only when it is called.

Guarantees: results on stdout, all else on stderr; no traceback; the exit codes of `janee.errors.ExitCode`. No secret is printed
but the keys and tokens that a command has just made, once. It decides nothing: the commands call the packages below.
"""
