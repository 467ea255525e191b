"""The simulated night of a few schools: nothing is lost, and what is counted adds up."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from tests.support.template import ROOT

SCHOOLS = 20
SCENARIOS = ("ordinary", "silent", "outage", "hanging", "twice", "killed", "deploy")


@cache
def nights() -> dict[str, dict[str, Any]]:
    """Return the figures of every scenario."""
    command = [sys.executable, "benchmarks/night.py", "--schools", str(SCHOOLS)]
    done = subprocess.run(
        [*command, "--scenario", "all"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout.splitlines()[-1])
    return {night["scenario"]: night for night in printed["nights"]}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_dataset_is_lost_in_any_night(scenario: str) -> None:
    night = nights()[scenario]
    assert night["lost"] == night["dead_letters"] == 0
    answering = 0.9 if scenario == "hanging" else 1
    assert night["datasets"] == 8 * SCHOOLS
    assert night["pulls_served"] >= answering * night["datasets"]


# A night ends when every school that answers is served: those that hang still have messages then.
@pytest.mark.parametrize("scenario", [each for each in SCENARIOS if each != "hanging"])
def test_every_message_is_delivered_once_and_again_only_if_it_came_back(scenario: str) -> None:
    night = nights()[scenario]
    sent = night["messages"] + night["delivered_twice"] + night["came_back"]
    assert night["invocations"] == sent
    assert (night["delivered_twice"] > 0) is (scenario == "twice")
    assert (night["killed"] > 0) is (scenario == "killed")


@pytest.mark.parametrize("scenario", ["ordinary", "silent", "twice"])
def test_every_invocation_pulls_or_finds_nothing_to_do(scenario: str) -> None:
    night = nights()[scenario]
    at_work = night["invocations"] - night["invocations_without_work"]
    assert 0 < at_work <= night["pulls_served"], "one invocation pulls all datasets of a school"


PAGE_SECONDS, COLD_START_SECONDS = 0.3, 2


@pytest.mark.parametrize("scenario", [each for each in SCENARIOS if each != "killed"])
def test_the_time_that_xporter_takes_passes_in_the_place_of_the_pull(scenario: str) -> None:
    night = nights()[scenario]
    pages = night["pulls_served"] * PAGE_SECONDS
    # A school that hangs is given five seconds or more at its first failure, and then a minute.
    hangs = 5 * night["xporter_requests_failed"] if scenario == "hanging" else 0
    assert 3600 * night["hours_of_places"] >= pages + hangs
    if scenario == "hanging":
        assert night["seconds_a_pull"] > 2 * nights()["ordinary"]["seconds_a_pull"]


def test_a_deployment_costs_each_place_a_cold_start_and_nothing_else() -> None:
    deploy, ordinary = nights()["deploy"], nights()["ordinary"]
    took = 3600 * (deploy["hours_of_places"] - ordinary["hours_of_places"])
    assert 0 < took < 4 * COLD_START_SECONDS * deploy["pulls_at_a_time"]


def test_without_callbacks_every_dataset_is_pulled_once_because_it_was_silent() -> None:
    night = nights()["silent"]
    assert night["silent_counted"] == night["pulls_served"] == night["datasets"]
    assert nights()["ordinary"]["silent_counted"] == 0


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_operations_are_looked_at_before_all_else(scenario: str) -> None:
    night = nights()[scenario]
    assert (night["operation_messages"], night["operations_waiting"]) == (SCHOOLS, 0)
    assert night["latest_operation_minutes"] <= 2


def test_only_an_xporter_that_is_down_or_hangs_fails_requests() -> None:
    failing = {name for name, night in nights().items() if night["xporter_requests_failed"]}
    assert failing == {"outage", "hanging"}
