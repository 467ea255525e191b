"""The artifact of `sam build` in three forms, and the time that its functions take to import.

AWS's own libraries are those of .tools/runtime. Layers are read-only in Lambda, so nothing here may
write bytecode either.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.set_up import ROOT
from tools.stack.build import built_for_this_machine

PYTHON = ROOT / ".tools" / "runtime" / "bin" / "python"
# shipped: as it is deployed. source: without bytecode. cached: with what Python itself would have
# written at the first import, if it could.
FORMS = ("shipped", "source", "cached")
_TIMED = "import time; began = time.process_time(); {}; print(time.process_time() - began)"


@contextmanager
def forms() -> Iterator[dict[str, Path]]:
    """Yield the folder of each form of a build for this machine."""
    with TemporaryDirectory() as scratch:
        made = {form: Path(scratch) / form for form in FORMS}
        with (Path(scratch) / "log").open("wb") as log, built_for_this_machine(log) as template:
            shutil.copytree(template.parent, made["shipped"])
        without = shutil.ignore_patterns("__pycache__")
        for form in ("source", "cached"):
            shutil.copytree(made["shipped"], made[form], ignore=without)
        subprocess.run([PYTHON, "-m", "compileall", "-q", made["cached"]], check=True)
        yield made


def logical_id(function: str) -> str:
    """Return the name of the function's folder in a build."""
    return "".join(word.title() for word in function.split("_")) + "Function"


def import_ms(build: Path, function: str) -> float:
    """Return the processor time that a fresh interpreter takes to import the handler."""
    done = python(build, function, "-c", _TIMED.format(f"import functions.{function}.handler"))
    return float(done.stdout) * 1000


def python(build: Path, function: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an interpreter that sees what Lambda would show it, and this benchmark."""
    return subprocess.run(
        [PYTHON, *arguments],
        env={**os.environ, "PYTHONPATH": _path(build, function), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )


def _path(build: Path, function: str) -> str:
    parts: Sequence[Path] = (
        build / logical_id(function),
        build / "SharedLayer" / "python",
        build / "DependenciesLayer" / "python",
        ROOT / "benchmarks",
    )
    return os.pathsep.join(map(str, parts))
