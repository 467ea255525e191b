"""Deletes the dead letters of an erased school, or those that name an erased person.

Only dead letters of writebacks hold what names somebody: writebacks that the company's software
put on the queue itself, and that failed again and again. All other messages hold ids of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from xporter_bridge.aws.sqs import Queue
from xporter_bridge.schools.erased_people import OpenedPeople


def forget_dead_letters_of_school(estab: str, dead_letters: Queue) -> int:
    """Delete every dead letter of the school, and return how many."""
    return dead_letters.take_out(lambda body: _message_of(body, estab) is not None)


def forget_dead_letters(estab: str, people: OpenedPeople, dead_letters: Queue) -> int:
    """Delete the school's dead letters that name an erased person, and return how many."""
    return dead_letters.take_out(lambda body: names_an_erased_person(body, estab, people))


def names_an_erased_person(body: str, estab: str, people: OpenedPeople) -> bool:
    """Tell whether a message of the school names an erased person.

    Ids of people are the school's own: the same Id is somebody else in another school. A body that
    is not of our form names nobody.
    """
    message = _message_of(body, estab)
    return message is not None and people.are_named_in(message)


def _message_of(body: str, estab: str) -> Mapping[str, Any] | None:
    """Return the message of a body; None if it is not of the school, or not of our form."""
    try:
        message = orjson.loads(body)
    except ValueError:
        return None
    is_of_school = isinstance(message, Mapping) and str(message.get("estab")) == estab
    return message if is_of_school else None
