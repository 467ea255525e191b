"""What can be foreseen is one sentence with what to do, and no traceback."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.set_up import ROOT
from tools.stack.errors import StackError
from tools.stack.failures import INTERRUPTED, status_of
from tools.stack.processes import LogEnd, listen, url_of
from tools.stack.settings import StackSettings
from tools.stack.start import local_stack


def told(capsys: pytest.CaptureFixture[str], error: BaseException) -> tuple[int, str]:
    def main() -> int:
        raise error

    status = status_of(main)
    return status, capsys.readouterr().err


def test_ctrl_c_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, KeyboardInterrupt()) == (INTERRUPTED, "stopped\n")


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free a gigabyte"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "a folder of your own"),
        (errno.ENOTDIR, "not a folder"),
    ],
)
def test_what_the_disk_refuses_is_said_with_what_to_do(
    capsys: pytest.CaptureFixture[str], number: int, advice: str
) -> None:
    status, said = told(capsys, OSError(number, os.strerror(number), "/data/stack.log"))
    assert status == 1
    assert said.startswith("error: /data/stack.log: ")
    assert advice in said
    assert said.count("\n") == 1


def test_what_nobody_has_foreseen_keeps_its_traceback() -> None:
    with pytest.raises(OSError, match="chair"):
        status_of(lambda: (_ for _ in ()).throw(OSError(errno.EBADMSG, "chair")))


@pytest.mark.parametrize("port", ["http", "-1", "65536", "8 0", "٣"])
def test_a_port_that_is_no_port_is_named(port: str) -> None:
    with pytest.raises(StackError, match=r"API_PORT is .* or 0 for any free port"):
        StackSettings.from_env({"API_PORT": port})


def test_an_address_and_a_level_that_cannot_be_are_named() -> None:
    with pytest.raises(StackError, match="XPORTER_URL is 'localhost:8080'"):
        StackSettings.from_env({"XPORTER_URL": "localhost:8080"})
    with pytest.raises(StackError, match="give one of DEBUG, INFO"):
        StackSettings.from_env({"LOG_LEVEL": "info"})


def test_a_folder_in_use_by_another_stack_is_refused(tmp_path: Path) -> None:
    settings = StackSettings(directory=tmp_path)
    holder = "import fcntl, sys; f = open(sys.argv[1], 'ab'); fcntl.flock(f, 2); input()"
    command = [sys.executable, "-c", f"{holder}"]
    other = subprocess.Popen(
        [*command, str(tmp_path / "stack.log")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        while True:
            with pytest.raises(StackError) as caught, local_stack(settings, progress=_only(other)):
                pass
            if "another stack runs in" in str(caught.value):
                break
    finally:
        other.communicate(b"\n")


def _only(process: "subprocess.Popen[bytes]"):  # type: ignore[no-untyped-def]
    """Return a progress that ends a start which goes on because the holder is not there yet."""

    def progress(line: str) -> None:
        if line.startswith("starting"):
            assert process.poll() is None
            raise StackError("not yet")

    return progress


def test_a_disk_that_is_nearly_full_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=5_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    settings = StackSettings(directory=tmp_path)
    with (
        pytest.raises(StackError, match=r"has 5 MB left, .* set STACK_DIR"),
        local_stack(settings, progress=print),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_failed_child_is_shown_by_the_end_of_its_log(tmp_path: Path) -> None:
    with (tmp_path / "log").open("ab", buffering=0) as log:
        log.write(b"before\n")
        end = LogEnd(log)
        assert str(end) == ""
        log.write("".join(f"line {n}\n\n" for n in range(30)).encode())
        assert str(end).startswith(":\n    line 18\n")
        assert str(end).endswith("line 29")


def run(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("module", ["tools.stack", "tools.demo"])
def test_a_command_fails_with_one_sentence(module: str, tmp_path: Path) -> None:
    arguments = ["up"] if module == "tools.stack" else []
    file = tmp_path / "file"
    file.write_text("")
    with listen(0) as taken:
        port = url_of(taken).rpartition(":")[2]
        for environment, said in (
            ({"PAGE_PORT": port}, f"port {port} cannot be used (Address already in use)"),
            ({"CALLBACKS_PORT": "x"}, "CALLBACKS_PORT is 'x'"),
            ({"STACK_DIR": str(file)}, "this is not a folder"),
        ):
            done = run("-m", module, *arguments, **environment)
            assert done.returncode == 1
            assert said in done.stderr
            assert "Traceback" not in done.stderr


def test_an_argument_that_is_missing_is_asked_for() -> None:
    assert "usage:" in run("-m", "tools.stack").stderr
    done = run("-m", "tools.stack", "build")
    assert "no stage ''" in done.stderr
    assert "Traceback" not in done.stderr
