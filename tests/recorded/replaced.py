"""The three things of ours that the stories replace, wherever a module holds them by name."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from unittest import mock

from tests.support import template
from xporter_bridge.datasets import config

OURS = ("xporter_bridge", "functions")
START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


class Clock:
    """The time that the code of ours is told."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def advance(self, **time: float) -> None:
        self.now += timedelta(**time)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have every module of ours read this clock."""
        clock = self

        class Meta(type):
            def __getattr__(cls, name: str) -> Any:
                return getattr(datetime, name)

            def __instancecheck__(cls, value: object) -> bool:
                return isinstance(value, datetime)

        class Fixed(metaclass=Meta):
            def __new__(cls, *args: Any, **facts: Any) -> Any:
                return datetime(*args, **facts)  # noqa: DTZ001 - as the code of ours says

            @staticmethod
            def now(zone: tzinfo | None = None) -> datetime:
                return clock.now.astimezone(zone)

        with _everywhere("datetime", lambda value: value is datetime, Fixed):
            yield


@contextmanager
def small_pages(rows: int = 10) -> Iterator[None]:
    """Let a small table take several pages."""
    with _everywhere("PAGE_SIZE", lambda value: isinstance(value, int), rows):
        yield


@contextmanager
def with_timetable() -> Iterator[None]:
    """Switch on the dataset that ``datasets.toml`` asks for on a timetable."""
    text = Path(config.__file__).with_name("datasets.toml").read_text(encoding="utf-8")
    made = config.parse(text.replace("enabled = false", "enabled = true"))
    with _everywhere("configured", callable, lambda *_: made):
        yield


@contextmanager
def _everywhere(name: str, is_it: Callable[[Any], bool], value: Any) -> Iterator[None]:
    for function in template.functions():
        importlib.import_module(f"functions.{function}.handler")
    found = [
        module
        for path, module in list(sys.modules.items())
        if path.split(".")[0] in OURS and is_it(vars(module).get(name))
    ]
    assert found, f"no module of ours has {name}"
    with ExitStack() as stack:
        for module in found:
            stack.enter_context(mock.patch.object(module, name, value))
        yield
