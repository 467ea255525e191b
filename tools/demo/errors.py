"""Why a step of the demo could not be verified."""


class StepFailedError(Exception):
    """The expected result did not come; the message says what came instead."""


class NotYetError(Exception):
    """The expected result has not come yet; the message says what is missing."""
