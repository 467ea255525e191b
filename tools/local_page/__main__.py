"""`python -m tools.local_page DIRECTORY NUMBER`: serves the page of the stack in a directory.

A process of its own, so that drawing takes nothing from what the stack is doing. NUMBER is a
listening socket on loopback.
"""

import socket
import sys
from pathlib import Path

import uvicorn

from tools.local_page.console import Console
from tools.local_page.dashboards import Dashboards
from tools.local_page.log_metrics import LogMetrics
from tools.local_page.server import Server
from tools.stack.local_stack import LocalStack


def main() -> None:
    """Serve until the process is ended."""
    stack = LocalStack.attach(Path(sys.argv[1]))
    boards = Dashboards(stack, LogMetrics(Path(stack.log_file)))
    links = {
        "dashboards": "/dashboards",
        "schools, from the API": f"{stack.api_url}/v1/schools",
        "the runbook": "/docs/runbook.md",
    }
    app = Server(boards, Console(stack), links).app()
    config = uvicorn.Config(app, lifespan="off", access_log=False, log_level="warning")
    config.timeout_graceful_shutdown = 1
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[2]))])


if __name__ == "__main__":
    main()
