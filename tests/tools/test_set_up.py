"""The set-up on a machine's bare Python, when it cannot do what it should."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools import set_up
from tools.set_up import ROOT, SetUpError

SET_UP = ROOT / "tools" / "set_up.py"


@pytest.mark.parametrize("version", [(3, 7), (3, 9)])
def test_an_old_python_reads_the_file_that_says_it_is_too_old(version: tuple[int, int]) -> None:
    text = SET_UP.read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=version)
    first = tree.body[1]
    # Annotations are not evaluated, so names that an old Python does not have do no harm.
    assert isinstance(first, ast.ImportFrom)
    assert first.module == "__future__"


def test_an_old_python_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_up.sys, "version_info", (3, 10))
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer: PYTHON="):
        set_up.main()


def test_without_its_arguments_it_says_who_calls_it() -> None:
    command = [sys.executable, "-m", "tools.set_up"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.startswith("usage:")) == (1, True)


def test_make_runs_it_as_a_module_so_that_no_folder_of_tools_hides_the_standard_library() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert makefile.count("$(PYTHON) -m tools.set_up ") == makefile.count("$(PYTHON) ") == 3


def test_a_registry_that_does_not_answer_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    failing = [sys.executable, "-c", "import sys; sys.exit('no route to host')"]
    monkeypatch.setattr(set_up, "set_up", lambda *_: set_up._run(failing, os.environ))
    monkeypatch.setattr(set_up.sys, "argv", ["set_up.py", ".venv", "lock"])
    monkeypatch.setattr(set_up.signal, "signal", lambda *_: None)
    assert set_up.main() == 1
    said = capfd.readouterr().err
    assert "no route to host" in said
    assert "error: .venv cannot be set up:" in said
    assert "PIP_INDEX_URL" in said
    assert "Traceback" not in said


def test_what_takes_long_says_that_it_is_alive(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(set_up, "_TICK_SECONDS", 0.1)
    set_up._run([sys.executable, "-c", "import time; time.sleep(0.5)"], os.environ)
    assert "still installing" in capfd.readouterr().err


def test_ctrl_c_ends_it_without_a_traceback(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys, tools.set_up as s;"
        # A test run in the background inherits that the signal is ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        "s.set_up = lambda *_: os.kill(os.getpid(), signal.SIGINT);"
        "sys.argv = ['set_up.py', '.venv', 'lock']; sys.exit(s.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 128 + signal.SIGINT
    assert done.stderr == "stopped; the next `make` goes on\n"


def test_a_home_that_is_read_only_gets_no_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", "/proc/nothing")
    assert set_up.uv_settings()["UV_CACHE_DIR"] == str(ROOT / ".tools" / "cache")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "UV_CACHE_DIR" not in set_up.uv_settings() or "UV_CACHE_DIR" in os.environ


def test_a_python_without_pip_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def create(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(1, "ensurepip")

    monkeypatch.setattr(set_up.venv, "create", create)
    with pytest.raises(SetUpError, match="python3-venv"):
        set_up._install_with_pip(Path("nowhere"), Path("lock"))
