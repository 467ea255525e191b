"""Measures a local stack: the processes of its functions, and what its stores and queues hold."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from tools.demo.context import Journey

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TABLES = ("SchoolsTableName", "DatasetsTableName", "OperationsTableName")


@dataclass(frozen=True)
class Worker:
    """One process that runs a function of the stack."""

    pid: int
    function: str
    megabytes: float
    files: int
    threads: int


@dataclass(frozen=True)
class Sample:
    """The resources of a stack at one time; those of the processes are averages per process."""

    seconds: float
    workers: int
    megabytes: float
    files: float
    threads: float
    items: int
    staged: int


def workers(journey: Journey) -> list[Worker]:
    """Return the processes that run functions of the stack at this moment."""
    directory = str(Path(journey.stack.log_file).parent)
    names = [name for key, name in journey.stack.physical_ids.items() if key.endswith("Function")]
    return list(_workers(directory, names))


def _workers(directory: str, names: list[str]) -> Iterator[Worker]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_text()
            function = next((name for name in names if name in command), None)
            if function is None or directory not in command:
                continue
            pages = int((entry / "statm").read_text().split()[1])
            yield Worker(
                int(entry.name),
                function,
                pages * _PAGE_BYTES / 1e6,
                len(list((entry / "fd").iterdir())),
                len(list((entry / "task").iterdir())),
            )
        except OSError:
            continue  # The process has just ended.


def sample(journey: Journey, seconds: float) -> Sample:
    """Measure the stack."""
    found = workers(journey)
    return Sample(
        seconds=seconds,
        workers=len(found),
        megabytes=_mean([each.megabytes for each in found]),
        files=_mean([each.files for each in found]),
        threads=_mean([each.threads for each in found]),
        items=items(journey),
        staged=staged(journey),
    )


def items(journey: Journey) -> int:
    """Return the number of items of all tables."""
    dynamodb = journey.stack.aws("dynamodb")
    pages: Iterator[Any] = (
        page
        for name in _TABLES
        for page in dynamodb.get_paginator("scan").paginate(
            TableName=journey.stack.outputs[name], Select="COUNT"
        )
    )
    return sum(page["Count"] for page in pages)


def staged(journey: Journey) -> int:
    """Return the number of objects in the staging bucket."""
    pages = journey.stack.aws("s3").get_paginator("list_objects_v2")
    bucket = journey.stack.outputs["StagingBucketName"]
    return sum(page.get("KeyCount", 0) for page in pages.paginate(Bucket=bucket))


def dead_letters(journey: Journey) -> int:
    """Return the number of messages in all dead-letter queues."""
    sqs = journey.stack.aws("sqs")
    urls = [
        url for key, url in journey.stack.physical_ids.items() if key.endswith("DeadLetterQueue")
    ]
    name = "ApproximateNumberOfMessages"
    found = (sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name]) for url in urls)
    return sum(int(each["Attributes"][name]) for each in found)


def _mean(values: list[float]) -> float:
    return round(fmean(values), 1) if values else 0.0
