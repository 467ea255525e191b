"""The contents of a build: their modes, and their digest."""

from __future__ import annotations

import hashlib
from pathlib import Path


def digest_of(folder: Path) -> str:
    """Return the SHA-256, in hexadecimal, of the paths, modes and bytes of a folder's files.

    Neither times nor the order of a directory matter: sam's archive states no times. Equal
    digests mean that Lambda gets the same files.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda each: each.relative_to(folder).as_posix()):
        if path.is_file():
            mode = path.stat().st_mode & 0o777
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{mode:o}\0{content}\n".encode())
    return digest.hexdigest()


def make_modes_alike(folder: Path) -> None:
    """Give every file of a folder one of two modes, whatever the umask of the machine.

    Repeatable. A file that is executable for its owner stays so.
    """
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
