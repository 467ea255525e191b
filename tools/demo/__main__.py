"""`make demo`."""

import sys

from tools.stack.failures import status_of_module

if __name__ == "__main__":
    sys.exit(status_of_module("tools.demo.main"))
