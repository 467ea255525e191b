"""Renders the small console inside the dashboard: the fleet, and one school."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from functions.render_widget.holds_page import render_holds
from functions.render_widget.request import HOLDS, WidgetRequest, read_request
from functions.render_widget.school_page import render_school
from functions.render_widget.settings import Settings
from functions.render_widget.table import render
from xporter_bridge import dry_run, entrypoints, telemetry
from xporter_bridge.api.fleet_overview import FleetReader
from xporter_bridge.aws.clients import client
from xporter_bridge.datasets.config import configured
from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.repository import SchoolRepository

_ROWS = 50
_DESCRIPTION = f"""### Xporter Bridge: the schools

Where each school stands, what happens next, and how old its data are: {_ROWS} schools on a page,
those in trouble first. A search, a filter by state, a page for each school and a page of every held
change are in the widget.
Parameters, all optional, for a widget that begins elsewhere:
`q` (part of a number or name), `state` (as `paused`, or `troubled`), `estab` (one school),
`view` (`holds`).
"""


@cache
def reader() -> FleetReader:
    """Return what an invocation reads with, opened once per environment."""
    settings = Settings.from_env(os.environ)
    return FleetReader(
        SchoolRepository(client("dynamodb"), settings.schools_table),
        DatasetRepository(
            client("dynamodb"), settings.datasets_table, configured(settings.field_profile)
        ),
        configured(settings.field_profile),
    )


def show(asked: WidgetRequest, endpoint: str, now: datetime) -> str:
    """Return the page that was asked for."""
    if asked.estab:
        return render_school(reader().school(asked.estab, now), asked.estab, endpoint, now)
    render_page = _show_holds if asked.view == HOLDS else _show_fleet
    try:
        return render_page(asked, endpoint, now)
    except RequestRejectedError:  # A cursor of a filter that was changed meanwhile: begin anew.
        return render_page(replace(asked, cursor=""), endpoint, now)


def _show_holds(asked: WidgetRequest, endpoint: str, now: datetime) -> str:
    return render_holds(reader().holds(_ROWS, asked.cursor or None, now), endpoint, now)


def _show_fleet(asked: WidgetRequest, endpoint: str, now: datetime) -> str:
    found = reader().overview(asked.wanted, _ROWS, asked.cursor or None, now)
    return render(found, asked, endpoint, now)


@dry_run.possible
def lambda_handler(event: Mapping[str, Any], context: entrypoints.LambdaContext) -> Any:
    """Called by a CloudWatch dashboard: return HTML, or on request the widget's description.

    A fault is raised. CloudWatch then shows that the widget failed, and the next refresh tries
    again.
    """
    telemetry.bind(context.aws_request_id)
    if event.get("describe"):
        return {"markdown": _DESCRIPTION}
    asked = read_request(event)
    telemetry.record("widget_rendered", of_school=bool(asked.estab))
    return show(asked, context.invoked_function_arn, datetime.now(UTC))
