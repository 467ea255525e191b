"""Errors that a person reads: one sentence of what is wrong, one of what to do, an exit status."""

from enum import IntEnum


class Exit(IntEnum):
    """The exit status of every command; `--help` documents them."""

    DONE = 0
    FOUND = 1
    WRONG_USE = 2
    NOT_ALLOWED = 3
    NOT_REACHABLE = 4
    INTERRUPTED = 130


class OperatorError(Exception):
    """A command could not do what it was asked.

    Args:
        says: What is wrong, as one sentence without a full stop.
        do: What the caller should do, likewise.
    """

    status = Exit.FOUND

    def __init__(self, says: str, do: str = "") -> None:
        super().__init__(says)
        self.says = says
        self.do = do

    def __str__(self) -> str:
        return f"{self.says}: {self.do}" if self.do else self.says


class WrongUseError(OperatorError):
    """The command line, or a setting that it reads, is wrong."""

    status = Exit.WRONG_USE


class NotAllowedError(OperatorError):
    """The caller's credentials are missing, have expired, or lack a right."""

    status = Exit.NOT_ALLOWED


class NotReachableError(OperatorError):
    """The stack, its API, or AWS did not answer."""

    status = Exit.NOT_REACHABLE


class AwsRefusedError(OperatorError):
    """AWS, or an emulator that does not know the call, refused it for another reason."""


class RefusedError(OperatorError):
    """The API refused the request.

    Args:
        http_status: The status that the API answered.
    """

    def __init__(self, says: str, http_status: int, do: str = "") -> None:
        super().__init__(says, do)
        self.http_status = http_status
