"""The same input makes the same layer, whatever the machine: its umask, its clock, its clone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.template import ROOT
from tools.supply_chain.contents import digest_of, make_modes_alike

# What `uv pip install --target` leaves: a command that names the interpreter of this clone.
UV = """#!/bin/sh
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/bin" "$2/a-1.dist-info"
echo "#!$0" > "$2/bin/a"
echo 'a = 1' > "$2/a.py"
printf 'a.py,sha256=x,5\\nbin/a,sha256=%s,9\\n' "$0" > "$2/a-1.dist-info/RECORD"
"""
MODULES = {"b/__init__.py": "", "b/one.py": "names = {'x', 'y', 'z'}\n", "a.py": "import b\n"}


def make(recipe: str, target: str, artifacts: Path, umask: int, *settings: str) -> None:
    command = ["make", "-C", str(ROOT / recipe), target, f"ARTIFACTS_DIR={artifacts}", *settings]
    subprocess.run(command, check=True, capture_output=True, umask=umask)


def finished(build: Path, umask: int) -> str:
    """The last steps of a build, as another umask, hash seed and time would have them."""
    code = "import sys; from pathlib import Path; from tools.stack.bytecode import *; "
    code += "compile_artifacts(Path(sys.argv[1]), Path(sys.executable))"
    seed = {**os.environ, "PYTHONHASHSEED": str(umask), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, str(build)], check=True, umask=umask, env=seed)
    make_modes_alike(build)
    return digest_of(build)


def test_our_own_layer_is_the_same_from_two_machines(tmp_path: Path) -> None:
    digests = set()
    for name, umask in (("one", 0o022), ("two", 0o077)):
        make("layers/shared", "build-SharedLayer", tmp_path / name / "SharedLayer", umask)
        for path in (tmp_path / name).rglob("*.py"):
            os.utime(path, (umask, umask))
        digests.add(finished(tmp_path / name, umask))
    assert len(digests) == 1
    assert list((tmp_path / "one").rglob("*.pyc"))


def test_the_layer_of_others_does_not_hold_the_path_of_the_clone(tmp_path: Path) -> None:
    digests = set()
    for name, umask in (("one", 0o022), ("two", 0o077)):
        uv = tmp_path / name / "uv"
        uv.parent.mkdir()
        uv.write_text(UV)
        uv.chmod(0o755)
        build = tmp_path / name / "build"
        layer = build / "DependenciesLayer"
        make("layers/dependencies", "build-DependenciesLayer", layer, umask, f"UV={uv}")
        digests.add(finished(build, umask))
        assert (layer / "python/a-1.dist-info/RECORD").read_text() == "a.py,sha256=x,5\n"
    assert len(digests) == 1


def test_the_order_and_the_time_of_writing_do_not_matter(tmp_path: Path) -> None:
    for name, modules in (("one", list(MODULES)), ("two", list(reversed(MODULES)))):
        for module in modules:
            path = tmp_path / name / module
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(MODULES[module])
    assert digest_of(tmp_path / "one") == digest_of(tmp_path / "two")


@pytest.mark.parametrize("change", ["content", "name", "mode", "more", "less"])
def test_any_other_difference_is_another_digest(tmp_path: Path, change: str) -> None:
    path = tmp_path / "a.py"
    path.write_text("a = 1\n")
    (tmp_path / "b.py").write_text("b = 1\n")
    before = digest_of(tmp_path)
    changes = {
        "content": lambda: path.write_text("a = 2\n"),
        "name": lambda: path.rename(tmp_path / "c.py"),
        "mode": lambda: path.chmod(0o755),
        "more": lambda: (tmp_path / "d.py").write_text(""),
        "less": lambda: path.unlink(),
    }
    changes[change]()
    assert digest_of(tmp_path) != before
