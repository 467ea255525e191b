"""A register that writes marks into the school's MIS, once, and says what became of them.

Usage: API_URL=https://… python register.py 3281102 7B 2026-11-20 AM 1 marks.csv
"""

import csv
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xporter_bridge_client import Api, ApiError, WaitTimeoutError, idempotency_key
from xporter_bridge_client.api_types import Writeback

SAID = {
    "completed": "All marks are in the school's MIS.",
    "failed": "Some marks are not in the school's MIS",
    "unknown": "It is not known whether the marks are in the school's MIS: look there",
}


def take(
    api: Api,
    estab: str,
    group: str,
    date: str,
    session: str,
    version: int,
    marks: Mapping[str, str],
) -> str:
    """Send the marks of a group (mark by pupil's id) and return the writeback's id.

    The key is made of what is written. So a register that is sent again, even by a program that
    began anew after a crash, is written once. A teacher who corrects a mark makes another version.
    """
    payload = {
        "Marks": [
            {
                "StudentId": pupil,
                "MarkType": "S",
                "Date": date,
                "Session": session,
                "Mark": mark,
            }
            for pupil, mark in sorted(marks.items())
        ]
    }
    key = idempotency_key("register", estab, group, date, session, version)
    return api.write(estab, "attendance", payload, key=key)


def outcome(writeback: Writeback) -> str:
    """Return what to tell the teacher."""
    reason = f" ({writeback.reason})" if writeback.reason else ""
    return SAID[writeback.state] + reason


def main(arguments: list[str], api: Api) -> int:
    """Send a register, wait for its end, and return the exit status."""
    estab, group, date, session, version, file = arguments
    with Path(file).open(encoding="utf-8", newline="") as lines:
        marks = {row["StudentId"]: row["Mark"] for row in csv.DictReader(lines)}
    try:
        writeback_id = take(api, estab, group, date, session, int(version), marks)
    except ApiError as error:
        if error.status == 409:
            print("This version was sent with other marks, or the school does not allow it:")
        print(error)
        return 1
    try:
        ended = api.wait_for_writeback(estab, writeback_id, on_progress=say)
    except WaitTimeoutError as error:
        print(f"{error}: run this again later, nothing is written twice")
        return 1
    print(outcome(ended))
    return 0 if ended.state == "completed" else 1


def say(writeback: Any) -> None:
    """Show that something happens."""
    print(f"{writeback.state} …")


if __name__ == "__main__":
    with Api(os.environ["API_URL"]) as own:
        sys.exit(main(sys.argv[1:], own))
