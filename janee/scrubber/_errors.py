"""What the scrubber refuses. No message ever holds a secret: it names a secret by its index or name only.

ValueError
└── ScrubberError          code, message, hint
"""


class ScrubberError(ValueError):
    """The scrubber was asked for something that it will not do; nothing was scrubbed.

    code: stable word. message: what and why. hint: the caller's next step.
    """

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
