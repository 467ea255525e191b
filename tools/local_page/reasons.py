"""Why a widget shows nothing here: the emulator does not measure it, or it has not happened."""

from collections.abc import Iterable

from tools.stack.metric_lines import Metric

_BY_SCHEDULE = "a schedule counts this: `xporter-bridge trigger {}` runs it now"
_WATCH = _BY_SCHEDULE.format("watch_deadlines")
# Namespace and name, or a whole namespace, of what AWS measures and the local stack does not.
NOT_MEASURED = {
    ("AWS/SQS", "NumberOfMessagesSent"): "is not counted by the emulator",
    ("AWS/SQS", "NumberOfEmptyReceives"): "is not counted by the emulator",
    ("AWS/DynamoDB", ""): "is not measured locally; docs/cost.md has counted units",
    ("AWS/S3", ""): "is measured once a day, by AWS only",
    ("AWS/Billing", ""): "is published by AWS only: nothing here costs money",
}
_OF_OURS = {
    "CallbackThrottled": "comes from the throttle of API Gateway, which only AWS has",
    "SchoolsInState": _BY_SCHEDULE.format("schedule_registrations"),
    "NightLateMinutes": f"only while it is night, until 08:00, {_WATCH}",
    "DatasetsSilent": f"none in this run; {_WATCH}",
    "DeadlinePassed": f"none in this run; {_WATCH}",
    "WatchCut": f"none in this run; {_WATCH}",
}


def is_measured(metric: Metric) -> bool:
    """Tell whether the local stack could have a sample of the metric."""
    wanted = {(metric.namespace, metric.name), (metric.namespace, "")}
    return wanted.isdisjoint(NOT_MEASURED)


def reasons(wanted: Iterable[Metric]) -> list[str]:
    """Return a sentence for each different reason why the metrics have no samples."""
    names: dict[str, list[str]] = {}
    for metric in wanted:
        named = names.setdefault(_reason(metric), [])
        name = f"{metric.namespace} {metric.name}" if "/" in metric.namespace else metric.name
        if name not in named:
            named.append(name)
    return [f"{', '.join(named)}: {reason}." for reason, named in names.items()]


def _reason(metric: Metric) -> str:
    for key in ((metric.namespace, metric.name), (metric.namespace, "")):
        if key in NOT_MEASURED:
            return NOT_MEASURED[key]
    return _OF_OURS.get(metric.name, "none in this run")
