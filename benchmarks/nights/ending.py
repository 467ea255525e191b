"""Decides when a night is over, and counts the datasets that it has lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xporter_bridge.datasets.config import configured

if TYPE_CHECKING:
    from nights.world import World

# So long nothing may be due and no message may wait before the night counts as over: an unchanged
# dataset is looked at again up to 15 minutes after its callback.
_QUIET_SECONDS = 20 * 60


def is_over(world: World) -> bool:
    """Tell whether nothing has been waited for during the last minutes, or it takes too long."""
    seconds = world.clock.global_seconds
    if seconds > world.night.longest_hours * 3600:
        return True
    if seconds <= world.night.refresh_minutes * 120 or _is_waited_for(world):
        world.quiet_since = None
        return False
    if world.quiet_since is None:
        world.quiet_since = seconds
    return seconds - world.quiet_since >= _QUIET_SECONDS


def lost(world: World) -> int:
    """Count datasets of schools that answer, and that nobody pulled or that are still due.

    Where keys were rotated, count the registrations that are not on the new key.
    """
    if world.night.scenario == "keys":
        return _on_another_key(world)
    return sum(
        key in world.due or key not in world.served
        for key in world.expected
        if key[0] not in world.hanging
    )


def _is_waited_for(world: World) -> bool:
    """Tell whether any dataset of a school that answers is still to be pulled."""
    if any(key[0] not in world.hanging for key in world.due):
        return True
    if world.night.scenario == "keys":
        return world.registration_queue.depth > 0
    if world.hanging:
        return False
    return world.pull_queue.depth > 0 or len(world.served) < len(world.expected)


def _on_another_key(world: World) -> int:
    databases, new = len({each.database for each in configured().values()}), world.keys[0].id
    schools = [world.schools.get(estab) for estab in {key[0] for key in world.expected}]
    recorded = sum(
        entry.key_id == new
        for school in schools
        if school
        for entry in school.registrations.values()
    )
    return len(schools) * databases - recorded
