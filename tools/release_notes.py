"""`python -m tools.release_notes v1.2.3`: the notes of a release, if the tag may be one.

The version stands in pyproject.toml alone; a tag that says otherwise, or without notes in
CHANGELOG.md, is no release. Standard library only, as nothing is installed when it runs.
"""

import re
import sys
import tomllib
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]


def notes(tag: str, project: str, changelog: str) -> str:
    """Return what the changelog says of the tag's version.

    Args:
        project: The text of pyproject.toml.

    Raises:
        ValueError: The tag is not the version, or the changelog has no such release.
    """
    version = tomllib.loads(project)["project"]["version"]
    if tag != f"v{version}":
        raise ValueError(f"the tag is {tag}, and pyproject.toml has the version {version}")
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n"
    found = re.search(rf"(?ms){heading}(.*?)(?=^## |\Z)", changelog)
    if found is None or not found[1].strip():
        raise ValueError(f"CHANGELOG.md has no section of {version} with its day and notes")
    return found[1].strip() + "\n"


def main() -> int:
    """Print the notes of the first argument."""
    texts = (
        (_ROOT / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "CHANGELOG.md")
    )
    try:
        print(notes(sys.argv[1], *texts), end="")
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
