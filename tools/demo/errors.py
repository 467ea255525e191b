"""Why a step of the demo could not be verified."""


class StepFailedError(Exception):
    """What was promised did not happen; the message says what did."""


class NotYetError(Exception):
    """What is waited for has not happened so far; the message says what is missing."""
