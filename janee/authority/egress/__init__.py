"""The egress gateway: requests of commands that hold placeholders, sent with the credential. Its parts, from pure to I/O:

placeholder (stand-ins), heads (what a request may look like), places (where a placeholder may stand), signers (AWS), ranges
(answers in parts), upstream (connections), frames (the stream to the relay), answer and stream (one request and its answer),
pgstartup, scram, pgmessages, pgserver, pgsession (a connection to PostgreSQL), gateway (admission, audit, the end of grants).
"""
