"""What earlier stacks have left is removed, and nothing else."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path

import pytest

from tools.stack import start
from tools.stack.earlier import KEPT, remove_earlier
from tools.stack.errors import StackError
from tools.stack.settings import StackSettings


def folder(stacks: Path, name: str) -> Path:
    made = stacks / name
    (made / "scratch").mkdir(parents=True)
    (made / "stack.log").write_text("it ran")
    return made


def names(stacks: Path) -> list[str]:
    return sorted(each.name for each in stacks.iterdir())


def test_all_but_the_last_three_are_removed_and_a_line_says_so(tmp_path: Path) -> None:
    made = [folder(tmp_path, f"2026112{day}T100000-77") for day in range(7)]
    said: list[str] = []
    remove_earlier(tmp_path, made[-1], said.append)
    assert names(tmp_path) == [each.name for each in made[-1 - KEPT :]]
    assert said == [f"removed 3 folders of earlier stacks from {tmp_path}"]
    remove_earlier(tmp_path, made[-1], said.append)
    assert len(said) == 1, "nothing is left to remove"


def test_a_stack_that_runs_keeps_its_folder(tmp_path: Path) -> None:
    made = [folder(tmp_path, f"2026112{day}T100000-77") for day in range(6)]
    said: list[str] = []
    with (made[0] / "stack.log").open("ab") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        remove_earlier(tmp_path, made[-1], said.append)
        assert made[0].is_dir()
        assert not made[1].exists()
    assert said == [f"removed 1 folder of earlier stacks from {tmp_path}"]


def test_what_a_person_has_named_or_put_there_stays(tmp_path: Path) -> None:
    for day in range(6):
        folder(tmp_path, f"2026112{day}T100000-77")
    folder(tmp_path, "trial")
    (tmp_path / "20251120T100000-1").write_text("a file")
    elsewhere = folder(tmp_path / "of", "somebody")
    (tmp_path / "20251121T100000-1").symlink_to(elsewhere)
    remove_earlier(tmp_path, tmp_path / "20261125T100000-77", lambda _: None)
    left = set(names(tmp_path))
    assert {"trial", "of", "20251120T100000-1", "20251121T100000-1"} <= left
    assert (elsewhere / "stack.log").is_file()
    assert "20261120T100000-77" not in left


def test_a_folder_that_cannot_be_deleted_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(6):
        folder(tmp_path, f"2026112{day}T100000-77")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "not yours")

    monkeypatch.setattr("tools.stack.earlier.shutil.rmtree", refuse)
    said: list[str] = []
    remove_earlier(tmp_path, tmp_path / "20261125T100000-77", said.append)
    assert (len(names(tmp_path)), said) == (6, [])


@pytest.mark.parametrize("is_named", [False, True])
def test_a_start_removes_them_before_it_looks_for_space_but_not_for_a_folder_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_named: bool
) -> None:
    for day in range(5):
        folder(tmp_path, f"2020112{day}T100000-77")
    monkeypatch.setattr(start, "STACKS", tmp_path)
    usage = shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    settings = StackSettings(directory=tmp_path / "mine" if is_named else None)
    said: list[str] = []
    with (
        pytest.raises(StackError, match="0 MB left"),
        start.local_stack(settings, progress=said.append),
    ):
        pass
    left = {name for name in names(tmp_path) if name.startswith("2020")}
    assert len(left) == (5 if is_named else KEPT)
    assert bool(said) is not is_named
