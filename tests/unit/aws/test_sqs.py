from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

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


class Kept:
    """A queue of SQS that gives fewer messages than it was asked for."""

    def __init__(self, bodies: list[str]) -> None:
        self.bodies = dict(enumerate(bodies))
        self.hidden: set[int] = set()

    def receive_message(self, **_: Any) -> dict[str, Any]:
        visible = [number for number in self.bodies if number not in self.hidden]
        given = visible[:7]
        self.hidden |= set(given)
        messages = [
            {"MessageId": str(n), "ReceiptHandle": str(n), "Body": self.bodies[n]} for n in given
        ]
        return {"Messages": messages} if messages else {}

    def delete_message(self, *, ReceiptHandle: str, **_: Any) -> None:  # noqa: N803
        if self.bodies[int(ReceiptHandle)] == "refuse":
            raise EndpointConnectionError(endpoint_url="sqs")
        self.hidden.remove(int(ReceiptHandle))
        del self.bodies[int(ReceiptHandle)]

    def change_message_visibility_batch(self, *, Entries: list[dict[str, Any]], **_: Any) -> None:  # noqa: N803
        assert len(Entries) <= 10
        self.hidden -= {int(entry["ReceiptHandle"]) for entry in Entries}


def test_what_is_wanted_is_taken_out_and_all_else_is_visible_again() -> None:
    sqs = Kept([f"{number % 3}" for number in range(40)])
    assert Queue(sqs, "queue").take_out(lambda body: body == "0") == 14
    assert set(sqs.bodies.values()) == {"1", "2"}
    assert (len(sqs.bodies), sqs.hidden) == (26, set())


def test_a_failure_hides_nothing() -> None:
    sqs = Kept(["a", "b", "refuse", "c"])
    with pytest.raises(TransientError):
        Queue(sqs, "queue").take_out(lambda body: body == "refuse")
    assert sqs.hidden == {2, 3}  # until SQS shows them again
