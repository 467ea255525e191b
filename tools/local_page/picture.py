"""Leaves the dashboards of a run as a page that is complete in itself, and as a picture."""

from pathlib import Path

from tools.local_page.chromium import HOW_TO_GET_IT, BrowserError, browser, chromium
from tools.local_page.serve import read_page

WIDTH, MOST_HEIGHT = 1200, 6000


def leave_dashboards(page_url: str, directory: Path) -> str:
    """Write ``dashboard.html`` and, if Chromium is there, ``dashboard.png``; return a sentence.

    Raises:
        StackError: The local page does not answer.
    """
    html = directory / "dashboard.html"
    html.write_text(read_page(f"{page_url}/dashboard.html"), encoding="utf-8")
    program = chromium()
    if program is None:
        return f"the dashboards are {html}; {HOW_TO_GET_IT}"
    try:
        picture = draw(program, html)
    except (BrowserError, OSError) as error:
        return f"the dashboards are {html}; Chromium made no picture of them: {error}"
    png = html.with_suffix(".png")
    png.write_bytes(picture)
    return f"the dashboards are {html} and {png}"


def draw(program: str, html: Path, *, width: int = WIDTH, most_height: int = MOST_HEIGHT) -> bytes:
    """Return the page as PNG.

    Raises:
        BrowserError: Chromium does not do it.
    """
    with browser(program) as page:
        page.show(html.resolve().as_uri(), width)
        return page.picture(width, most_height)
