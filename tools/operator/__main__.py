"""`python -m tools.operator`, which `.venv/bin/xporter-bridge` calls."""

import sys

from .main import main

sys.exit(main())
