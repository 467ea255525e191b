"""Writes the dashboards and the saved queries into the template: ``make dashboard``."""

from tools.dashboards.body import SOURCES, with_body
from tools.dashboards.queries import QUERIES, with_queries
from tools.set_up import ROOT


def main() -> None:
    """Replace what is generated in ``template.yaml``; a second run changes nothing."""
    target = ROOT / "template.yaml"
    written = target.read_text(encoding="utf-8")
    for name in SOURCES:
        written = with_body(written, name, (ROOT / name).read_text(encoding="utf-8"))
    written = with_queries(written, (ROOT / QUERIES).read_text(encoding="utf-8"))
    target.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
