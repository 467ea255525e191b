from typing import Any

import pytest

from xporter_bridge.aws.sqs import Queue
from xporter_bridge.errors import TransientError


class Sqs:
    """Refuses the first message of all."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send_message_batch(self, *, Entries: list[dict[str, str]], **_: Any) -> dict[str, Any]:  # noqa: N803
        is_first = not self.bodies
        self.bodies += [entry["MessageBody"] for entry in Entries]
        return {"Failed": [{"Id": "0"}]} if is_first else {}


def test_a_message_that_is_refused_keeps_no_later_one_back_and_is_told_in_the_end() -> None:
    sqs = Sqs()
    with pytest.raises(TransientError):
        Queue(sqs, "queue").send_all({"n": number} for number in range(25))
    assert len(sqs.bodies) == 25
