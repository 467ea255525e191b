"""Writes what is generated from the catalogue: ``make tables``."""

from tools.catalogue.pages import SCHEMAS, files
from tools.set_up import ROOT


def main() -> None:
    """Write every file, and remove the schemas of tables that are no more."""
    written = set()
    for path, text in files():
        target = ROOT / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")
        written.add(target)
    for stale in set((ROOT / SCHEMAS).glob("*.schema.json")) - written:
        stale.unlink()


if __name__ == "__main__":
    main()
