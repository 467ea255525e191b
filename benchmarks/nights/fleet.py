"""The fleet at 03:00: every school is live, and every dataset was pulled the two nights before.

The product's own code pulls one school; the other schools are copies of its items. Between the two
nights, the same datasets changed that change in this one.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nights.parameters import THREE
from nights.stores import shard_of
from tests.support.builders import ALL_SCOPES
from tests.support.fakes import KEY
from xporter_bridge.datasets.config import configured
from xporter_bridge.ingestion.pull_school import pull
from xporter_bridge.registrations.model import desired
from xporter_bridge.schools.model import Registration, School
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.schools.vault import OpenedKey, with_secret
from xporter_bridge.timestamps import parse

if TYPE_CHECKING:
    from nights.world import World

MODEL = "1000000"
LAST_NIGHT = THREE - timedelta(days=1) + timedelta(minutes=5)


def settle(world: World, chance: random.Random) -> list[str]:
    """Put the fleet into the tables, and return its estabs."""
    _pull_model(world)
    world.s3.keep_model()
    estabs = strangers(world)
    for estab in estabs:
        _copy_school(world, estab, chance)
    world.operations.begin(estabs)
    return estabs


def strangers(world: World) -> list[str]:
    """Return the estabs of a fleet that is not in the tables yet."""
    return [f"{int(MODEL) + number}" for number in range(world.night.schools)]


def _pull_model(world: World) -> None:
    school = replace(_school(world, MODEL), state=SchoolState.INSTALLED)
    world.schools.change(MODEL, lambda _: school)
    for night in (LAST_NIGHT - timedelta(days=1), LAST_NIGHT):
        world.now_is(night)
        world.xporter.is_before_change = night < LAST_NIGHT
        for name in configured():
            world.datasets.add_demand(MODEL, name, night)
            pull(MODEL, name, world.pulling, remaining_seconds=lambda: 600.0)
            found = world.datasets.get(MODEL, name)
            if found is None or found.is_due or not found.published.manifest:
                raise RuntimeError(f"the model's {name} was not pulled")
    # The watchdog looks once at each commit; without, its night would begin with 25,000 of those.
    world.now_is(LAST_NIGHT + timedelta(minutes=2))
    world.watch_once(lambda: True)
    world.now_is(None)


def _copy_school(world: World, estab: str, chance: random.Random) -> None:
    model = world.school_items.find(MODEL) or {}
    since = parse(model["state_since"])
    school = replace(_school(world, estab), state_since=since)
    due = THREE + timedelta(minutes=chance.randrange(24 * 60))
    world.schools.change(estab, lambda _: replace(school, registrations_due_at=due))
    if estab == MODEL:
        return
    for name in configured():
        item: dict[str, Any] = {
            key: value.replace(MODEL, estab) if isinstance(value, str) else value
            for key, value in (world.dataset_items.find(MODEL, name) or {}).items()
        }
        world.dataset_items.seed({**item, "watch_shard": shard_of(estab)})


def _school(world: World, estab: str) -> School:
    wanted = desired(
        estab, ALL_SCOPES, configured().values(), base_url=world.base_url, keys=world.keys
    )
    return School(
        estab,
        state=SchoolState.LIVE,
        version=(world.school_items.find(estab) or {}).get("version", 0),
        scopes=ALL_SCOPES,
        is_installed=True,
        # Without a token: every school's has expired, the worst that a night can begin with.
        credentials=with_secret(OpenedKey(estab, KEY, b"wrapped"), "a secret"),
        registrations={
            each.database: Registration(
                each.database, each.url_fingerprint, world.keys[0].id, LAST_NIGHT
            )
            for each in wanted
        },
    )
