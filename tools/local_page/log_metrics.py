"""Reads the metrics of a run from the stack's log, on and on."""

from pathlib import Path
from threading import Lock

from tools.local_page.metrics import Metrics
from tools.stack.metric_lines import samples


class LogMetrics:
    """The metrics of a log file that grows."""

    def __init__(self, log_file: Path) -> None:
        self._log_file = log_file
        self._position = 0
        self._half = b""
        self._lock = Lock()
        self._metrics = Metrics()

    def read(self) -> Metrics:
        """Return all metrics, after reading what the log has had since the last call."""
        with self._lock:
            with self._log_file.open("rb") as log:
                log.seek(self._position)
                lines = (self._half + log.read()).split(b"\n")
                self._position = log.tell()
            self._half = lines.pop()
            for line in lines:
                for sample in samples(line.decode(errors="replace")):
                    self._metrics.add(sample)
            return self._metrics
