"""The assumptions of the simulated night, each with its source, and the scenarios."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support import template

SCENARIOS = (
    "ordinary", "silent", "outage", "hanging", "twice", "killed", "deploy", "keys", "onboarding",
)  # fmt: skip
FLEET = 25_000
THREE = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
_PULL_QUEUE = template.resources("AWS::SQS::Queue")["PullQueue"]
_PULL_MEGABYTES = int(template.functions()["pull_dataset"]["MemorySize"])
# "At 1,769 MB, a function has the equivalent of one vCPU" (Lambda's guide, memory).
_PROCESSOR_MEGABYTES = 1_769


@dataclass(frozen=True)
class Latencies:
    """Seconds per call, as assumed in issue 11; those of S3, KMS and EventBridge are ours.

    ``compute`` is our own work in a pull: 0.1 s of a whole processor (tools/cost/assumptions.json,
    seconds_per_invocation), of which Lambda gives a function its share by memory. ``overhead`` is
    what Lambda and the handler take of an invocation that finds nothing to do.
    """

    dynamodb: float = 0.005
    sqs: float = 0.010
    page: float = 0.300
    s3: float = 0.030
    kms: float = 0.010
    events: float = 0.015
    compute: float = 0.1 * max(1, _PROCESSOR_MEGABYTES / _PULL_MEGABYTES)
    # Our own work in a look of the watchdog: four calls of 0.4 ms (docs/performance.md, the
    # acknowledgement) on the 0.29 of a processor that 512 MB are.
    look: float = 0.006
    overhead: float = 0.005
    # Lambda's own start and the imports of pull_dataset at a quarter of a processor, rounded up
    # (docs/performance.md, the cold start).
    cold_start: float = 2.0
    # xporter/client.py, DATA_SECONDS: so long it may be silent before data.
    hang: float = 60.0
    # xporter/client.py: a refused connection, and once more after _QUICK_RETRY_SECONDS.
    refused: float = 0.3

    def of(self, call: str) -> float:
        """Return how long a call of AWS takes."""
        if call in {"GetItem", "UpdateItem", "PutItem", "DeleteItem", "Query"}:
            return self.dynamodb
        if call.startswith("SendMessage"):
            return self.sqs
        return {"Decrypt": self.kms, "PutEvents": self.events}.get(call, self.s3)


@dataclass(frozen=True)
class Capacities:
    """What AWS and template.yaml allow."""

    # SQS's quota of messages in flight of a standard queue.
    in_flight: int = 120_000
    visibility_seconds: int = int(_PULL_QUEUE["VisibilityTimeout"])
    max_receives: int = int(_PULL_QUEUE["RedrivePolicy"]["maxReceiveCount"])
    pulls: int = int(template.load()["Parameters"]["ConcurrentPulls"]["Default"])
    planners: int = int(
        template.consumers()["DatabaseQueue"][1]["ScalingConfig"]["MaximumConcurrency"]
    )
    plan_batch: int = int(template.consumers()["DatabaseQueue"][1]["BatchSize"])
    registrars: int = int(
        template.consumers()["RegistrationQueue"][1]["ScalingConfig"]["MaximumConcurrency"]
    )
    onboarders: int = int(
        template.consumers()["AuthenticationQueue"][1]["ScalingConfig"]["MaximumConcurrency"]
    )
    pull_seconds: int = template.timeout_seconds("pull_dataset")
    # functions/watch_deadlines/handler.py keeps 20 seconds back of its time-out.
    watch_seconds: float = template.timeout_seconds("watch_deadlines") - 20
    watch_every: timedelta = timedelta(minutes=1)
    register_every: timedelta = timedelta(hours=1)


@dataclass(frozen=True)
class Night:
    """One night of one fleet."""

    scenario: str = "ordinary"
    schools: int = 2_500
    # Places in which datasets are pulled. 0: a small model of a whole fleet, in which the places,
    # the other consumers and the watchdog's time are in proportion to the schools.
    places: int = 0
    seed: int = 11
    # Xporter refreshes the schools "within minutes of each other"; the second callback of each
    # database comes within as long after the first.
    refresh_minutes: float = 10
    # As in tests/support/simulated_day.py: pupils and attendance change, the others do not.
    changed: tuple[str, ...] = ("students", "attendancesummary")
    hanging_share: float = 0.1
    twice_share: float = 0.1
    killed_share: float = 0.02
    outage: tuple[float, float] = (5, 125)
    deploy_minute: float = 10
    longest_hours: float = 24
    latencies: Latencies = field(default_factory=Latencies)
    capacities: Capacities = field(default_factory=Capacities)

    @property
    def pulls_at_a_time(self) -> int:
        """How many datasets are pulled at a time."""
        return self.places or self.in_proportion(self.capacities.pulls)

    @property
    def watch_seconds(self) -> float:
        """How long one run of the watchdog may look."""
        whole = self.capacities.watch_seconds
        return whole if self.places else max(0.1, whole * self.schools / FLEET)

    @property
    def deployed_at(self) -> float | None:
        """Return when a new version is deployed, in seconds; None if none is."""
        return 60 * self.deploy_minute if self.scenario == "deploy" else None

    def in_proportion(self, consumers: int) -> int:
        """Return the number of consumers, in proportion to that of a whole fleet."""
        return consumers if self.places else max(2, round(consumers * self.schools / FLEET))

    def is_outage(self, now: datetime) -> bool:
        """Tell whether Xporter is down."""
        first, last = (THREE + timedelta(minutes=each) for each in self.outage)
        return self.scenario == "outage" and first <= now < last

    def described(self) -> dict[str, Any]:
        """Return the parameters that the result includes."""
        names = ("scenario", "schools", "seed")
        return {name: getattr(self, name) for name in names} | {
            "pulls_at_a_time": self.pulls_at_a_time,
            "watch_seconds_a_run": self.watch_seconds,
        }
