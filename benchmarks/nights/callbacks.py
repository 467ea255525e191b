"""The callbacks of a night: when each comes, and what its receiver sends."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from nights.credentials import SEALED
from tests.support.builders import RELYING_PARTY
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.datasets.config import configured
from xporter_bridge.onboarding.messages import SchoolAuthorised
from xporter_bridge.pulls.messages import DatabaseChanged

if TYPE_CHECKING:
    from nights.world import World


def let_callbacks_come(world: World, chance: random.Random, estabs: list[str]) -> None:
    """Let two callbacks of each database of each school come."""
    databases = sorted({each.database for each in configured().values()})
    span = world.night.refresh_minutes * 60
    for estab in estabs:
        first = chance.uniform(0, span)
        for database in databases:
            for at in (first, first + chance.uniform(0, span)):
                world.clock.at(
                    at, lambda estab=estab, database=database: _changed(world, estab, database)
                )


def let_schools_authorise(world: World, chance: random.Random, estabs: list[str]) -> None:
    """Let each school authorise us once."""
    for estab in estabs:
        at = chance.uniform(0, world.night.refresh_minutes * 60)
        world.clock.at(at, lambda estab=estab: _authorised(world, estab))


def _authorised(world: World, estab: str) -> None:
    """Do what receive_authentication does: one durable message."""
    world.metrics["callbacks"] += 1
    message = SchoolAuthorised(
        estab, SEALED, RELYING_PARTY, "A school", True, True, world.clock.now()
    )
    Queue(world.authentication_queue, "authentications").send(message.body())


def _changed(world: World, estab: str, database: str) -> None:
    """Do what receive_database does: one durable message."""
    world.metrics["callbacks"] += 1
    message = DatabaseChanged(estab, database, world.clock.now())
    Queue(world.database_queue, "databases").send(message.body())
