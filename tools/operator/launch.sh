#!/bin/sh
# The operator's command line of this repository; `make setup` copies it to .venv/bin/xporter-bridge.
bin=$(dirname "$(readlink -f "$0")")
PYTHONPATH=$bin/../.. exec "$bin/python" -P -m tools.operator "$@"
