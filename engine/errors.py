"""The errors that a user may see.

Every one carries a sentence that says what is wrong, where, and what to do about it; the command line and the studio print
it as it is. A programming fault is not one of these: it stays an ordinary Python exception.
"""


class CtvisError(Exception):
    """Base of all errors whose message is meant for the user."""


class VideoError(CtvisError):
    """A video, image folder or frame cannot be read."""


class CheckpointError(CtvisError):
    """A checkpoint file is damaged, of an unknown kind, or does not fit the model."""


class DataError(CtvisError):
    """An annotation or results file breaks its format."""


class ConfigError(CtvisError):
    """A setting has a value that makes no sense."""
