"""Writes the dashboard into the template: ``make dashboard``."""

from tools.dashboards.body import SOURCE, with_body
from tools.set_up import ROOT


def main() -> None:
    """Replace the body of the dashboard in ``template.yaml``; a second run changes nothing."""
    target = ROOT / "template.yaml"
    source = (ROOT / SOURCE).read_text(encoding="utf-8")
    written = with_body(target.read_text(encoding="utf-8"), source)
    target.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
