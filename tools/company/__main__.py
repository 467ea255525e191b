"""`python -m tools.company FILE|FOLDER`: prints what is wrong there as JSON, one document."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from tools.company.folder import check


def main() -> int:
    """Print the findings of the first argument; the status tells whether it could be read."""
    try:
        found = check(Path(sys.argv[1]))
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    print(json.dumps([asdict(each) for each in found]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
