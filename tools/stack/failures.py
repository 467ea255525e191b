"""Says what can be foreseen in one sentence: what is wrong, and what to do."""

import errno
import sys
from collections.abc import Callable
from importlib import import_module

from tools.stack.errors import StackError

INTERRUPTED = 130  # as shells report a program that Ctrl-C ended
_ADVICE = {
    errno.ENOSPC: "the disk is full: free a gigabyte, or set STACK_DIR to a folder elsewhere",
    errno.EDQUOT: "your quota of the disk is used up: free a gigabyte, or set STACK_DIR elsewhere",
    errno.EROFS: "the file system is read-only: set STACK_DIR to a folder elsewhere",
    errno.EACCES: "you may not write there: set STACK_DIR to a folder of your own",
    errno.EPERM: "you may not write there: set STACK_DIR to a folder of your own",
    errno.ENOTDIR: "this is not a folder: set STACK_DIR to a folder",
    errno.EEXIST: "this is not a folder: set STACK_DIR to a folder",
    errno.EMFILE: "too many files are open: `ulimit -n 4096`",
}


def status_of(main: Callable[[], int]) -> int:
    """Run a command and return its exit status; say in one sentence why it cannot go on.

    What nobody has foreseen is raised, with its traceback.
    """
    try:
        return main()
    except KeyboardInterrupt:
        _say("stopped")
        return INTERRUPTED
    except StackError as error:
        _say(f"error: {error}")
    except OSError as error:
        if error.errno not in _ADVICE:
            raise
        _say(f"error: {error.filename or 'a file'}: {_ADVICE[error.errno]}")
    return 1


def status_of_module(name: str) -> int:
    """Run the ``main`` of a module; Ctrl-C while it is still being imported is said likewise."""
    return status_of(lambda: int(import_module(name).main()))


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
