"""What the code at 60edcfd stored, sent and published is read as before (``tests/recorded``).

Items, messages, staged pages, published objects and callback URLs outlive a deployment: queues keep
messages for 14 days, Xporter keeps URLs for good, and the bucket belongs to its readers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import pytest

from tests.recorded.actors import ESTAB, SCHOOL, mark
from tests.recorded.additions import as_recorded
from tests.recorded.forms import form_of
from tests.recorded.names import names_in_use
from tests.recorded.outcomes import outcome_of
from tests.recorded.queries import school
from tests.recorded.support import HERE, Deployment, recorded, restore
from tests.support.builders import callback

ITEMS = {
    kind: list(entries)
    for kind, entries in groupby(
        sorted(recorded("items.json"), key=lambda each: str(each["kind"])),
        key=lambda each: str(each["kind"]),
    )
}
WORLDS = sorted(path.name for path in (HERE / "worlds").iterdir())


def is_like(now: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    """Tell whether a message says all that it said then; it may say more."""
    return bool(now["queue"] == then["queue"] and then["body"].items() <= now["body"].items())


# ---------------------------------------------------------------------- items


@pytest.mark.parametrize("kind", ITEMS)
def test_an_item_is_shown_and_watched_as_the_code_that_wrote_it_did(
    offline: Deployment, kind: str
) -> None:
    for entry in ITEMS[kind]:
        offline.clear()
        found = outcome_of(entry["item"], offline)
        name = form_of(entry["item"])
        for part in ("shown", "published", "written"):
            assert as_recorded(found[part], entry[part]) == entry[part], f"{part}: {name}"
        assert len(found["sent"]) == len(entry["sent"]), name
        assert all(map(is_like, found["sent"], entry["sent"])), name


def test_an_item_of_every_kind_and_state_is_among_the_recorded_ones() -> None:
    states = {
        kind: {entry["item"].get("state", {"S": ""})["S"] for entry in entries}
        for kind, entries in ITEMS.items()
    }
    assert states == {
        "school": {
            "invited", "authorised", "installed", "live", "paused", "revoked", "erased",
        },
        "dataset": {"", "pending", "current", "held", "failed", "not_covered", "erased"},
        "pull on request": {"queued", "waiting", "pulling", "failed"},
        "writeback": {"queued", "sent", "completed", "failed", "unknown"},
        "pull slot": {""},
        "latest pull of a dataset": {""},
    }  # fmt: skip


@pytest.mark.parametrize("name", WORLDS)
def test_what_was_stored_at_a_moment_is_answered_as_it_was_then(
    offline: Deployment, name: str
) -> None:
    world = restore(offline, name)
    answers = offline.answers()
    assert set(answers) == set(world["answers"])
    for path, then in world["answers"].items():
        assert as_recorded(answers[path], then) == then, path
    page = json.loads(offline.get("/v1/schools")["body"])
    assert page == {"schools": [school(offline)], "cursor": None}
    assert ESTAB in offline.invoke("render_widget", {"widgetContext": {}})
    for key, body in offline.cloud.objects("DataBucket").items():
        if key.endswith("/latest.json"):
            answer = offline.get(f"{SCHOOL}/datasets/{key.split('dataset=')[1].split('/')[0]}")
            assert json.loads(answer["body"]) == json.loads(body)


def test_a_message_is_dropped_while_four_slots_are_held(offline: Deployment) -> None:
    restore(offline, "pulling.leased_with_pages")
    [held] = [e["item"] for e in ITEMS["pull slot"] if "lease_expires_at" in e["item"]]
    for number in range(4):
        offline.put("DatasetsTable", {**held, "dataset": {"S": f"#slot-{number}"}})
    offline.clock.now = datetime.fromisoformat(held["lease_expires_at"]["S"]) - timedelta(seconds=1)
    assert offline.consume("PullQueue", {"estab": ESTAB, "dataset": "schoolinfo"}) == []
    assert offline.tape.messages == []


def test_the_same_request_made_again_finds_the_one_that_was_stored(offline: Deployment) -> None:
    world = restore(offline, "requesting.waiting")
    stored = {item["operation"]["S"] for item in world["items"]["OperationsTable"]}
    body = {"endpoint": "AttendanceForDate", "parameters": {"date": "2026-11-16"}}
    again = offline.api.post(f"{SCHOOL}/pulls", body)
    assert again.status == 202
    assert again.document["id"] in stored
    body["parameters"] = {"date": "2026-11-13"}
    assert offline.api.post(f"{SCHOOL}/pulls", body).document["id"] not in stored


def test_a_key_that_was_used_is_the_same_writeback_for_the_same_payload_alone(
    offline: Deployment,
) -> None:
    world = restore(offline, "writing.queued")
    stored = {item["operation"]["S"] for item in world["items"]["OperationsTable"]}
    answers = [
        offline.api.post(
            f"{SCHOOL}/writebacks",
            {"kind": "attendance", "payload": {"Marks": [mark(pupil)]}},
            idempotency_key="refused",
        )
        for pupil in ("99999999", "88888888")
    ]
    assert [answer.status for answer in answers] == [202, 409]
    assert answers[0].document["id"] in stored


# ---------------------------------------------------------------------- callback URLs


def test_urls_that_xporter_was_given_are_ours_and_others_are_not(offline: Deployment) -> None:
    urls = {
        "database": list(recorded("worlds/pulling.checkpoint/world.json")["webhooks"].values()),
        "availability": recorded("worlds/requesting.waiting/world.json")["callback_urls"],
        "writeback": recorded("worlds/writing.sent/world.json")["outcome_urls"],
    }
    for kind, given in urls.items():
        assert given
        for url in given:
            body = b"{}" if kind == "availability" else None
            event = callback(url, "POST", body=body, content_type="application/json")
            assert offline.invoke(f"receive_{kind}", event)["statusCode"] == 202, url
            forged = callback(url.replace(f"estab={ESTAB}", "estab=3281103"), "POST", body=body)
            assert offline.invoke(f"receive_{kind}", forged)["statusCode"] == 404, url


# ---------------------------------------------------------------------- names and the API


def undescribed(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: undescribed(entry)
            for name, entry in value.items()
            if not (name in {"description", "summary"} and isinstance(entry, str))
        }
    return [undescribed(entry) for entry in value] if isinstance(value, list) else value


def test_the_api_describes_itself_byte_for_byte_but_for_descriptions(offline: Deployment) -> None:
    now = undescribed(json.loads(offline.get("/v1/openapi.json")["body"]))
    then = undescribed(recorded("openapi.json"))
    assert json.dumps(as_recorded(now, then)) == json.dumps(then)


def test_metrics_log_events_variables_queues_and_tables_keep_their_names() -> None:
    now, then = names_in_use(), recorded("names.json")
    assert set(then["log_events"]) <= set(now["log_events"])
    for part in ("metrics", "consumers"):
        assert then[part].items() <= now[part].items()
    for table, facts in then["tables"].items():
        of_today = now["tables"][table]
        for index in facts["indexes"]:
            assert index in of_today["indexes"], table
        known = {k: v for k, v in facts.items() if v is not None and k != "indexes"}
        assert known.items() <= of_today.items(), table
    assert set(then["queues"]) <= set(now["queues"])
    for function, names in then["environment"].items():
        assert set(names) <= set(now["environment"][function]), function
