"""A school's day, played through the real handlers, with everything counted that AWS charges for.

``make cost`` writes the counts and docs/cost.md; ``integration/test_cost.py`` holds both.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.support import builders, template
from tests.support.builders import ESTAB
from tests.support.company_api import CompanyApi
from tests.support.metered_calls import Meter, metered
from tests.support.moto_cloud import Cloud
from tests.support.priced_template import priced
from tests.support.xporter import Xporter
from tools.aws_rules.dynamodb import item_bytes

# About what a school of England and Wales has, primary and secondary together.
PUPILS = 360
SCHEDULES = ("schedule_registrations", "schedule_pulls", "watch_deadlines", "rotate_secrets")
# How many schools stand by while schedules run, to see what each of them adds.
FLEET = 110
# What a night changes.
CHANGED = {
    "XodSchoolData": {"Students": 5, "Staff": 1, "Contacts": 3},
    "XodAttendanceSummary": {"AttendanceSummary": 250},
}
ALL_IS_WELL = b'{"DBStatus": [{"DatabaseName": "XodSchoolData", "Status": "OK"}]}'
Counts = dict[str, dict[str, float]]


class MeteredCloud(Cloud):
    """A deployment that counts what its functions use, by activity."""

    def __init__(self, xporter: Xporter, **parameters: str) -> None:
        super().__init__(XporterUrl=xporter.url, **parameters)
        self.counts: Counts = {}
        self.metrics: set[str] = set()
        self._xporter = xporter
        self._meter = Meter(_Reversed(self._made))

    @contextmanager
    def activity(self, name: str) -> Iterator[None]:
        """Count what is done within the block under a name."""
        self._meter.used.clear()
        yield
        self.counts[name] = {key: value for key, value in sorted(self._meter.used.items()) if value}

    def invoke(
        self,
        function: str,
        event: Mapping[str, Any],
        *,
        remaining_seconds: Callable[[], float] = lambda: 600.0,
        without: Iterable[str] = (),
    ) -> Any:
        """Run the handler and count it, its calls, its requests to Xporter and its log."""
        self.environment(function)  # makes what it refers to
        asked_before = len(self._xporter.requests())
        printed = io.StringIO()
        with metered(self._meter), contextlib.redirect_stdout(printed):
            answer = super().invoke(
                function, event, remaining_seconds=remaining_seconds, without=without
            )
        asked = len(self._xporter.requests()) - asked_before
        self._meter.used += Counter(
            {
                f"invocations:{function}": 1,
                f"xporter_requests:{function}": asked,
                "log_bytes": len(printed.getvalue().encode()),
                # Lambda receives a batch and deletes it.
                "sqs_requests": 2 * ("Records" in event),
            }
        )
        self._note_metrics(printed.getvalue())
        return answer

    def stored_bytes(self, bucket: str) -> int:
        """Return how much lies in a bucket."""
        return sum(map(len, self.objects(bucket).values()))

    def _note_metrics(self, printed: str) -> None:
        for line in printed.splitlines():
            document = json.loads(line)
            for directive in document.get("_aws", {}).get("CloudWatchMetrics", ()):
                dimensions = [document[each] for each in directive["Dimensions"][0]]
                for metric in directive["Metrics"]:
                    self.metrics.add("/".join(map(str, (metric["Name"], *dimensions))))


def counted(xporter: Xporter) -> dict[str, Any]:
    """Play every activity of a day once, and return all that a prediction needs of it."""
    cloud = _played(xporter)
    return {
        "pupils": PUPILS,
        "fleet": FLEET + 1,
        "activities": cloud.counts,
        "template": priced(len(cloud.metrics)),
    }


def _played(xporter: Xporter) -> MeteredCloud:
    cloud = MeteredCloud(xporter, CallbackBaseUrl=builders.BASE_URL)
    _schedules(cloud, "")
    secret = xporter.school(students=PUPILS, today="2026-11-20")
    _first_day(cloud, secret)
    _refreshes(cloud, xporter)
    _conversations(cloud, xporter)
    for number in range(FLEET):
        builders.stored_school(cloud, f"{9_000_000 + number}")
    _schedules(cloud, f" with {FLEET + 1} schools")
    return cloud


def _first_day(cloud: MeteredCloud, secret: str) -> None:
    with cloud.activity("authorise"):
        builders.onboard(cloud, secret)
        cloud.settle("RegistrationQueue")
    with cloud.activity("pull everything"):
        cloud.settle("PullQueue")
    cloud.counts["store"] = {
        "s3_bytes": cloud.stored_bytes("DataBucket"),
        "table_bytes": _table_bytes(cloud),
    }
    with cloud.activity("check scopes"):
        cloud.invoke(
            "register_webhooks", builders.records({"estab": ESTAB, "look_at_scopes": True})
        )


def _refreshes(cloud: MeteredCloud, xporter: Xporter) -> None:
    urls = xporter.webhooks()

    def announce() -> None:
        for url in urls.values():
            cloud.invoke("receive_database", builders.callback(url))
        cloud.settle("DatabaseQueue", "PullQueue")

    before = cloud.stored_bytes("DataBucket")
    for database, tables in CHANGED.items():
        for table, rows in tables.items():
            path = f"schools/{ESTAB}/databases/{database}/change"
            xporter.control("POST", path, {"table": table, "rows": rows, "notify": False})
    with cloud.activity("refresh with changes"):
        announce()
    grown = cloud.stored_bytes("DataBucket") - before
    cloud.counts["refresh with changes"]["s3_bytes"] = grown
    with cloud.activity("refresh without changes"):
        announce()


def _conversations(cloud: MeteredCloud, xporter: Xporter) -> None:
    api, school = CompanyApi(cloud), f"/v1/schools/{ESTAB}"
    pupil = xporter.truth("Students")[0]["Id"]
    mark = {"StudentId": pupil, "Date": "2026-11-20", "Session": "AM", "Mark": "/"}
    with cloud.activity("writeback"):
        payload = {"kind": "attendance", "payload": {"Marks": [mark]}}
        answer = api.post(f"{school}/writebacks", payload, Idempotency_Key="one")
        assert answer.status == 202, answer
        cloud.settle("WritebackQueue")
        url = xporter.control("GET", "callbacks")["callbacks"][-1]["url"]
        cloud.invoke("receive_writeback", builders.callback(url))
        cloud.settle("OutcomeQueue")
    with cloud.activity("pull on request"):
        asked = {"endpoint": "AttendanceForDate", "parameters": {"date": "2026-11-20"}}
        answer = api.post(f"{school}/pulls", asked)
        assert answer.status == 202, answer
        cloud.settle("AvailabilityRequestQueue")
        url = xporter.control("GET", "callbacks")["callbacks"][-1]["url"]
        event = builders.callback(url, "POST", body=ALL_IS_WELL, content_type="application/json")
        cloud.invoke("receive_availability", event)
        cloud.settle("AvailabilityQueue", "PullQueue")
    with cloud.activity("request to the API"):
        assert api.get(f"{school}/datasets/students").status == 200


def _schedules(cloud: MeteredCloud, suffix: str) -> None:
    for function in SCHEDULES:
        with cloud.activity(f"{function}{suffix}"):
            # As its schedules do, which look at one shard each.
            cloud.invoke(function, {"shard": 0} if function == "watch_deadlines" else {})


def _table_bytes(cloud: MeteredCloud) -> int:
    tables = template.resources("AWS::DynamoDB::Table")
    return sum(item_bytes(item) for table in tables for item in cloud.items(table))


class _Reversed(Mapping[str, str]):
    """The logical id behind the name of whatever has been made so far."""

    def __init__(self, made: Mapping[str, Mapping[str, str]]) -> None:
        self._made = made

    def __getitem__(self, name: str) -> str:
        return next(logical for logical, made in self._made.items() if made["Ref"] == name)

    def __iter__(self) -> Iterator[str]:
        return (made["Ref"] for made in self._made.values())

    def __len__(self) -> int:
        return len(self._made)
