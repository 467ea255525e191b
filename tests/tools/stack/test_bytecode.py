"""That bytecode is made by the runtime's own Python, or that its absence is said."""

import marshal
import os
import sys
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path

import pytest

from tools.stack import build
from tools.stack.bytecode import compile_artifacts, interpreter
from tools.stack.errors import StackError

OURS = f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    for artifact, module in (("Layer", "python/package/a.py"), ("Function", "functions/it/b.py")):
        path = tmp_path / artifact / module
        path.parent.mkdir(parents=True)
        path.write_text("def where() -> str:\n    return __file__\n")
    return tmp_path


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def code_of(source: Path) -> object:
    compiled = Path(cache_from_source(str(source))).read_bytes()
    return marshal.loads(compiled[16:])


def test_the_interpreter_that_runs_this_is_taken_for_its_own_version() -> None:
    assert interpreter(OURS) == Path(sys.executable)


def test_an_interpreter_is_found_on_the_path_and_among_those_of_pyenv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    found = tmp_path / "pyenv/versions/3.99.2/bin/python"
    executable(tmp_path / "bin/python3.99", "exit 127")  # a shim with nothing behind it
    executable(tmp_path / "pyenv/versions/3.99.1/bin/python", "echo cpython 3 99 candidate")
    assert interpreter("python3.99") is None
    executable(found, "echo cpython 3 99 final")
    assert interpreter("python3.99") == found


def test_every_module_is_compiled_under_the_name_that_it_has_in_lambda(artifacts: Path) -> None:
    assert compile_artifacts(artifacts, Path(sys.executable)) == 2
    layer = artifacts / "Layer/python/package/a.py"
    assert Path(cache_from_source(str(layer))).read_bytes()[:4] == MAGIC_NUMBER
    assert "/opt/python/package/a.py" in repr(code_of(layer))
    assert "/var/task/functions/it/b.py" in repr(code_of(artifacts / "Function/functions/it/b.py"))


def test_what_cannot_be_compiled_fails_the_build(artifacts: Path) -> None:
    (artifacts / "Layer/python/package/a.py").write_text("def (:")
    with pytest.raises(StackError, match="Layer cannot be compiled"):
        compile_artifacts(artifacts, Path(sys.executable))


def test_a_build_says_whether_there_is_bytecode_in_it(artifacts: Path) -> None:
    said = build._compiled(artifacts, "python3.99")
    assert said.startswith("WARNING: there is no python3.99 on this machine")
    assert list(artifacts.rglob("*.pyc")) == []
    assert build._compiled(artifacts, OURS).startswith(f"Compiled 2 modules for {OURS}")
