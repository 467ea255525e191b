"""Renders the table of schools inside the dashboard."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from functions.render_widget.settings import Settings
from functions.render_widget.table import render
from xporter_bridge import dry_run, entrypoints, telemetry
from xporter_bridge.api.fleet_overview import fleet_overview
from xporter_bridge.aws.clients import client
from xporter_bridge.datasets.config import DatasetConfig, configured
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.repository import SchoolRepository

_ROWS = 200
_DESCRIPTION = f"""### Xporter Bridge: the schools

Where each school stands, what happens next, and how old its data are; at most {_ROWS} rows, those
in trouble first. Takes no parameters.
"""


@cache
def tables() -> tuple[SchoolRepository, DatasetRepository, DatasetConfig]:
    """Return the tables that an invocation reads, opened once per environment."""
    settings = Settings.from_env(os.environ)
    return (
        SchoolRepository(client("dynamodb"), settings.schools_table),
        DatasetRepository(client("dynamodb"), settings.datasets_table, configured()),
        configured(),
    )


@dry_run.possible
def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> Any:
    """Called by a CloudWatch dashboard: return HTML, or on request the widget's description.

    A fault is raised. CloudWatch then shows that the widget failed, and the next refresh tries
    again.
    """
    telemetry.bind(context.aws_request_id)
    if event.get("describe"):
        return {"markdown": _DESCRIPTION}
    schools, datasets, config = tables()
    found = fleet_overview(schools, datasets, config, limit=_ROWS, now=datetime.now(UTC))
    telemetry.record("widget_rendered", schools=len(found.schools))
    return render(found)
