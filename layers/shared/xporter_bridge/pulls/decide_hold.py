"""Takes a person's decision on a held change set; the next holder of the dataset carries it out."""

from __future__ import annotations

from datetime import datetime

from xporter_bridge import telemetry
from xporter_bridge.api.queries import Viewer
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.errors import ConflictError, RequestRejectedError


def decide(
    estab: str, dataset: str, decision: str, viewer: Viewer, pulls: Queue, now: datetime
) -> None:
    """Record what is to become of the hold, and have it carried out.

    A crash between the two leaves a decision that the watcher finds within minutes.

    Raises:
        RequestRejectedError: 404 for no such school or dataset, 409 when nothing is held.
    """
    viewer.known_school(estab)
    if viewer.datasets.get(estab, dataset) is None:
        raise RequestRejectedError(404, "there is no such dataset")
    try:
        viewer.datasets.decide(estab, dataset, decision, now)
    except ConflictError as error:
        raise RequestRejectedError(
            409, "nothing is held, or the hold has changed; look again"
        ) from error
    pulls.send({"estab": estab, "dataset": dataset})
    telemetry.record("hold_decided", estab=estab, dataset=dataset, decision=decision)
