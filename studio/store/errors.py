"""What can be wrong with a request to the store. The message is a sentence for the user; the API turns the class into a status."""

from engine.errors import CtvisError


class NotFound(CtvisError):
    """There is no such row, or it does not belong where the request looks for it."""


class Conflict(CtvisError):
    """The request was made against an older state, or the state forbids it. `current` is what the client needs to catch up."""

    def __init__(self, message: str, current: object = None) -> None:
        super().__init__(message)
        self.current = current


class Invalid(CtvisError):
    """A value breaks a rule."""
