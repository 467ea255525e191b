"""Why a local stack could not be started."""


class StackError(Exception):
    """The local stack cannot go on; the message says what to look at."""
