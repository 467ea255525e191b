"""Removes the folders that earlier stacks have left, but for the last few and those in use."""

from __future__ import annotations

import fcntl
import re
import shutil
from collections.abc import Callable
from pathlib import Path

# The logs of the last stacks may be wanted after a failure.
KEPT = 3
# A name that a stack without STACK_DIR gives its folder: when it was started, and its process.
_OURS = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9]+")
LOG = "stack.log"


def remove_earlier(stacks: Path, own: Path, progress: Callable[[str], None]) -> None:
    """Remove the folders of stacks that have ended, but for the last three, and say so.

    A folder that somebody has named with STACK_DIR is never removed, nor one whose log is locked.

    Args:
        own: The folder of the stack that starts.
    """
    found = sorted(each for each in stacks.iterdir() if _OURS.fullmatch(each.name))
    earlier = [each for each in found if each != own and each.is_dir() and not each.is_symlink()]
    removed = [each for each in earlier[:-KEPT] if _removed(each)]
    if removed:
        folders = "folder" if len(removed) == 1 else "folders"
        progress(f"removed {len(removed)} {folders} of earlier stacks from {stacks}")


def _removed(folder: Path) -> bool:
    """Tell whether the folder is gone; one that is in use, or cannot be deleted, stays."""
    try:
        with (folder / LOG).open("ab") as log:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
    except OSError:  # it is in use, or another has begun to remove it, or it is not ours to delete
        return False
    return True
