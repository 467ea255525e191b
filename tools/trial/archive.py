"""The simulator as one zip that runs where there is nothing but Python."""

import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tools.set_up import ROOT, UV, uv_settings
from tools.stack.errors import StackError

KEY = "simulator.zip"
# What simulator.yaml starts: Python and processor of its instance, and a glibc that it has.
INSTANCE = ("3.11", "aarch64-manylinux_2_28")
_LOCK = ROOT / "requirements" / "simulator.txt"


def build_archive(directory: Path, log: IO[bytes], python: str, platform: str) -> Path:
    """Return a new zip of the simulator with the packages that it needs.

    Raises:
        StackError: The packages cannot be had.
    """
    packages, archive = directory / "packages", directory / KEY
    install = [str(UV), "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:"]
    target = ["--python-version", python, "--python-platform", platform, "--target", str(packages)]
    command = [*install, *target, "--requirement", str(_LOCK)]
    ended = subprocess.run(command, env=uv_settings(), stdout=log, stderr=log, check=False)
    if ended.returncode:
        raise StackError(f"the simulator's packages: uv ended with status {ended.returncode}")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in _sources():
            file.write(path, path.relative_to(ROOT))
        for path in sorted(packages.rglob("*")):
            file.write(path, path.relative_to(directory))
    return archive


def _sources() -> Iterator[Path]:
    yield ROOT / "tools" / "__init__.py"
    for path in sorted((ROOT / "tools" / "simulator").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path
