"""British names, streets and towns, so that rows look real without Faker at run time."""

import json
from pathlib import Path

_POOLS = json.loads((Path(__file__).parent / "pools.json").read_text(encoding="utf-8"))

BOYS: tuple[str, ...] = tuple(_POOLS["boys"])
GIRLS: tuple[str, ...] = tuple(_POOLS["girls"])
SURNAMES: tuple[str, ...] = tuple(_POOLS["surnames"])
STREETS: tuple[str, ...] = tuple(_POOLS["streets"])
TOWNS: tuple[tuple[str, str, str], ...] = tuple(tuple(town) for town in _POOLS["towns"])
DISTRICTS: tuple[str | None, ...] = tuple(_POOLS["districts"])
SCHOOL_WORDS: tuple[str, ...] = tuple(_POOLS["school_words"])
HOUSES: tuple[str, ...] = tuple(_POOLS["houses"])
