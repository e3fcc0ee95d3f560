"""The root of every error Ostiary raises. Particular errors live beside the code that raises them."""


class OstiaryError(Exception):
    """Something failed and a person can act on it.

    Args:
        message: what happened, for the person who can act: a full sentence, no trailing stack.
        hint: what to do next, as a command or an instruction; empty when there is nothing to do.
        detail: for the log only; never shown to the person.
    """

    def __init__(self, message: str, *, hint: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()
