"""Has the repository check a company's configuration; its wheel alone knows no template."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from .checks import Check
from .errors import OperatorError, WrongUseError

_REPOSITORY = Path(__file__).resolve().parents[2]


def check_company(path: Path) -> Iterator[Check]:
    """Yield a check for every line that is wrong or doubtful, or one that says that none is.

    Raises:
        WrongUseError: The path cannot be read, or this is the wheel.
    """
    if not (_REPOSITORY / "tools" / "company").is_dir():
        raise WrongUseError(
            "the configuration is checked against a release's template and catalogue",
            "run .venv/bin/xporter-bridge of the release's repository",
        )
    for found in _findings(path.resolve()):
        name = f"{found['file']}:{found['line']}"
        yield Check(name, not found["wrong"], found["says"], found["do"])


def _findings(path: Path) -> list[dict[str, str]]:
    paths = (_REPOSITORY, _REPOSITORY / "layers" / "shared")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, "-m", "tools.company", str(path)]
    done = subprocess.run(
        command, cwd=_REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode == 2:
        raise WrongUseError(f"{path} cannot be read", done.stderr.strip())
    if done.returncode:
        raise OperatorError("the check itself failed", done.stderr.strip()[-2000:])
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found
