"""Computes the figures of a simulated night: counts per pull, delays, and a price."""

from __future__ import annotations

from typing import Any

from nights.ending import lost
from nights.world import World
from tests.support import template
from tools.cost.model import Facts

_FUNCTIONS = (
    "pull_dataset", "plan_pulls", "register_webhooks", "watch_deadlines", "onboard_school",
)  # fmt: skip
_MEGABYTES = {
    name: int(
        template.functions()[name].get("MemorySize")
        or template.load()["Globals"]["Function"]["MemorySize"]
    )
    for name in _FUNCTIONS
}
_S3_READS = ("GetObject", "HeadObject")
# Deleting costs nothing.
_S3_WRITES = ("PutObject", "CopyObject", "ListObjectsV2", "CreateMultipartUpload", "UploadPart")
_S3_WRITES += ("CompleteMultipartUpload",)
_S3 = (*_S3_READS, *_S3_WRITES, "DeleteObjects")
_ACKNOWLEDGED_SECONDS = 0.02


def figures(world: World) -> dict[str, Any]:
    """Return all figures of the table and of the JSON line, in the order of the table."""
    return {
        **world.night.described(),
        **_of_pulls_and_messages(world),
        **_of_the_watchdog(world),
        **_of_the_whole_night(world),
        **_of_an_unchanged_pull(world),
        **_of_the_price(world),
    }


def _of_the_price(world: World) -> dict[str, float]:
    """Return the price of the night for 25,000 schools, and what it consists of."""
    prices = {name: usd * 25_000 / world.night.schools for name, usd in _prices(world).items()}
    return {
        "usd_for_25000": round(sum(prices.values()), 2),
        **{f"usd_{name}": round(usd, 2) for name, usd in prices.items()},
    }


def _of_pulls_and_messages(world: World) -> dict[str, Any]:
    queue, metrics = world.pull_queue, world.metrics
    served = sum(world.served.values())
    pulls = max(1, served)
    tokens = world.xporter.counts["token"] - world.xporter.failed["token"]
    return {
        "datasets": len(world.expected),
        "pulls_served": served,
        "pulls_a_dataset": round(served / len(world.expected), 2),
        "commits": world.metrics["PullCommitted"],
        "lost": lost(world),
        "messages": queue.counts["sent"],
        "messages_a_pull": round(queue.counts["sent"] / pulls, 2),
        "invocations_a_pull": round(queue.counts["invocations"] / pulls, 2),
        "invocations_without_work": metrics["invocations_without_work"],
        "invocations": queue.counts["invocations"],
        "delivered_twice": queue.counts["delivered_twice"],
        "came_back": queue.counts["killed"] + queue.counts["failed"] - queue.counts["dead"],
        "killed": queue.counts["killed"],
        "dead_letters": queue.counts["dead"],
        "backed_off": metrics["pull_backs_off"],
        "leases_lost": metrics["pull_lost_its_lease"],
        "tokens_a_school": round(tokens / world.night.schools, 2),
        "queue_peak": queue.peak,
    }


def _of_the_watchdog(world: World) -> dict[str, Any]:
    watch, metrics, looks = world.watch, world.metrics, world.dataset_items.looks
    return {
        "watch_runs": watch["runs"],
        "watch_runs_cut": watch["cut"],
        "watch_looks": watch["looks"],
        "most_looks_a_run": watch["most"],
        "watch_messages": metrics["DeadlinePassed"],
        "latest_look_minutes": round(max(looks, default=0) / 60, 1),
        "operations_waiting": world.operations.waiting,
        "operation_messages": world.operations.sent,
        "latest_operation_minutes": round(world.operations.latest_look_seconds / 60, 1),
        "silent_counted": metrics["DatasetsSilent"],
        "contradicted_counted": metrics["CallbackContradicted"],
    }


def _of_the_whole_night(world: World) -> dict[str, Any]:
    return {
        "night_hours": round(world.last_served / 3600, 2),
        "others_hours": round(world.ends.get("others", 0) / 3600, 2),
        "xporter_requests": sum(world.xporter.counts.values()),
        "xporter_requests_failed": sum(world.xporter.failed.values()),
        "registration_messages": world.registration_queue.counts["sent"],
        "registrations": world.xporter.counts["registration"],
        "registered_hours": round(world.ends.get("registered", 0) / 3600, 2),
        "most_writes_a_second_by_state": max(world.state_writes.values(), default=0),
    }


def _of_an_unchanged_pull(world: World) -> dict[str, float]:
    """Return the average use of AWS by a pull that finds no change.

    The first figures are those of invocations that pulled one dataset; ``in_a_visit`` are those of
    a dataset in an invocation that pulled several, of which none had changed.
    """
    counts = world.metrics

    def each(*names: str, kind: str = "unchanged") -> float:
        return round(sum(counts[f"{kind}:{name}"] for name in names) / (counts[kind] or 1), 2)

    return {
        "unchanged_pulls": counts["unchanged"],
        "unchanged_pulls_in_a_visit": counts["visit"],
        "writes_in_a_visit": each("UpdateItem", kind="visit"),
        "write_units_in_a_visit": each("write_units", kind="visit"),
        "reads_in_a_visit": each("GetItem", "Query", kind="visit"),
        "s3_calls_in_a_visit": each(*_S3, kind="visit"),
        "writes_an_unchanged_pull": each("UpdateItem"),
        "write_units_an_unchanged_pull": each("write_units"),
        "reads_an_unchanged_pull": each("GetItem", "Query"),
        "read_units_an_unchanged_pull": each("read_units"),
        "s3_calls_an_unchanged_pull": each(*_S3),
        "seconds_a_pull": round(world.pull_queue.busy_seconds / max(1, counts["pulls"]), 2),
        "hours_of_places": round(world.pull_queue.busy_seconds / 3600, 3),
    }


def _prices(world: World) -> dict[str, float]:
    """Return the prices of requests and computing, without storage, logs and idle polling."""
    facts, calls, watch = Facts.read(), world.calls.counts, world.watch
    queues = (
        world.pull_queue, world.database_queue, world.registration_queue,
        world.authentication_queue,
    )  # fmt: skip
    invocations = sum(queue.counts["invocations"] for queue in queues)
    callbacks = world.metrics["callbacks"]
    pull, planning, registering, watching, onboarding = (
        _MEGABYTES[name] / 1024 for name in _FUNCTIONS
    )
    used = {
        "lambda_request": invocations + watch["runs"] + watch["schedules"] + callbacks,
        "lambda_gb_second": world.pull_queue.busy_seconds * pull
        + world.database_queue.busy_seconds * planning
        + world.registration_queue.busy_seconds * registering
        + watch["seconds"] * watching
        + world.authentication_queue.busy_seconds * onboarding
        + callbacks * _ACKNOWLEDGED_SECONDS * planning,
        "api_request": callbacks,
        # Lambda receives each batch and deletes it.
        "sqs_request": calls["SendMessage"] + calls["SendMessageBatch"] + 2 * invocations,
        "dynamodb_write": calls["write_units"],
        "dynamodb_read": calls["read_units"],
        "s3_write": sum(calls[name] for name in _S3_WRITES),
        "s3_read": sum(calls[name] for name in _S3_READS),
        "event": calls["PutEvents"],
        "kms_request": calls["Decrypt"],
        "scheduled_invocation": watch["runs"] + watch["schedules"],
    }
    return {name: number * facts.price(name) for name, number in used.items()}


def table(found: list[dict[str, Any]]) -> str:
    """Return the nights side by side, one column each."""
    lines = []
    for name in found[0]:
        cells = "".join(f"{_cell(night[name]):>14}" for night in found)
        lines.append(f"{name.replace('_', ' '):32}{cells}")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)
