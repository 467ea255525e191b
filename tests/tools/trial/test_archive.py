"""That the zip of the simulator holds all that it needs on an instance."""

import zipfile
from pathlib import Path

from tools.trial.archive import INSTANCE, build_archive


def test_the_archive_for_the_instance_has_its_machine_code_and_no_test_or_cache(
    tmp_path: Path,
) -> None:
    with (tmp_path / "log").open("wb") as log:
        archive = build_archive(tmp_path, log, *INSTANCE)
    names = zipfile.ZipFile(archive).namelist()
    assert "tools/simulator/__main__.py" in names
    assert "tools/simulator/school/pools.json" in names
    machine_code = [name for name in names if name.endswith(".so")]
    assert machine_code
    assert all("aarch64" in name for name in machine_code)
    assert not [name for name in names if "__pycache__" in name]
    assert archive.stat().st_size < 5_000_000
