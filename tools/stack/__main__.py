"""`python -m tools.stack up | build STAGE [FOLDER] | trigger FUNCTION`."""

import sys

from tools.stack.failures import status_of_module

if __name__ == "__main__":
    sys.exit(status_of_module("tools.stack.main"))
