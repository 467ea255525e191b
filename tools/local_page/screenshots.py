"""`make screenshots`: runs the demo, and makes the picture of the README of its dashboards."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.local_page.chromium import HOW_TO_GET_IT, BrowserError, chromium
from tools.local_page.picture import draw
from tools.set_up import ROOT
from tools.stack.errors import StackError
from tools.stack.failures import status_of

PICTURE = ROOT / "docs" / "dashboards.png"
MOST_BYTES = 300_000
_WIDTH, _HEIGHT = 1200, 1320


def main() -> int:
    """Write the picture of the first dashboard."""
    program = chromium()
    if program is None:
        raise StackError(HOW_TO_GET_IT)
    with TemporaryDirectory() as directory:
        environment = {**os.environ, "STACK_DIR": directory, "KEEP": ""}
        demo = [sys.executable, "-m", "tools.demo"]
        if subprocess.run(demo, env=environment, cwd=ROOT, check=False).returncode:
            raise StackError("the demo failed, so there is no picture of it")
        try:
            html = Path(directory) / "dashboard.html"
            picture = draw(program, html, width=_WIDTH, most_height=_HEIGHT)
        except BrowserError as error:
            raise StackError(f"Chromium made no picture: {error}") from error
    if len(picture) > MOST_BYTES:
        raise StackError(f"the picture has {len(picture):,} bytes, more than {MOST_BYTES:,}")
    PICTURE.write_bytes(picture)
    print(f"wrote {PICTURE.relative_to(ROOT)}, {len(picture):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(status_of(main))
