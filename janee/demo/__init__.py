"""`janee demo`: an agent does its work with credentials that it then fails to steal, on this machine, on loopback only.

Guarantees: it uses Janee as anybody does, by its published commands and the official MCP client; it judges by its own search
for the secrets, not by what Janee says; it cleans up after itself. It imports nothing of the Authority or the Runner.

`janee.demo.run.run_demo` is the way in; nothing is imported here, because two of the modules are programs of their own.
"""
