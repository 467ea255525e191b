"""Draws series as one inline SVG: lines or stacked areas over the time of day.

A hundred lines of our own instead of a plotting library, which would be larger than all other
tools together (docs/decisions.md). Colours are classes, so that the page has a light and a dark
theme.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import pairwise

from tools.local_page.expressions import Series
from tools.local_page.metrics import Point, Window

COLOURS = 8
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 480, 150, 44, 44, 8, 20
_TICKS = 4


def chart(
    title: str, series: Sequence[Series], window: Window, period: int, *, stacked: bool
) -> str:
    """Return the picture; a series without points is left out, and colours go on without it."""
    drawn = stack(series) if stacked else list(series)
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">',
        *_times(window),
    ]
    tops = {right: _top(drawn, is_right=right) for right in (False, True)}
    for is_right, top in tops.items():
        parts += _scale(top, is_right=is_right) if top is not None else ()
    # The highest of a stack is drawn first, and the lower ones over it.
    order = list(enumerate(drawn))
    for number, each in reversed(order) if stacked else order:
        top = tops[each.is_right] or 1.0
        places = [_place(point, top, window) for point in each.points]
        parts += _drawn(places, each.points, number % COLOURS, period, stacked=stacked)
    return "".join([*parts, "</svg>"])


def stack(series: Sequence[Series]) -> list[Series]:
    """Return the series with the sum of those before added; a missing point counts as zero."""
    begins = sorted({begin for each in series for begin, _ in each.points})
    totals, stacked = dict.fromkeys(begins, 0.0), []
    for each in series:
        for begin, value in each.points:
            totals[begin] += value
        points = tuple(totals.items()) if each.points else ()
        stacked.append(Series(each.label, points, each.wanted))
    return stacked


def scale_end(value: float) -> float:
    """Return the end of a scale: 1, 2 or 5 times a power of ten."""
    power = 10.0
    while power >= value and power > 1e-3:
        power /= 10
    while power < value / 10:
        power *= 10
    return next(step * power for step in (1, 2, 5, 10, 20) if step * power >= value)


def short(value: float) -> str:
    """Return a number in few characters."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 10:
            return f"{value / size:,.0f} {unit}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _top(series: Sequence[Series], *, is_right: bool) -> float | None:
    values = [v for each in series if each.is_right == is_right for _, v in each.points]
    return scale_end(max(values)) if values and max(values) > 0 else (1.0 if values else None)


def _place(point: Point, top: float, window: Window) -> Point:
    begin, value = point
    span = max(window.until - window.since, 1)
    x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * (max(begin, window.since) - window.since) / span
    return x, _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - value / top)


def _drawn(
    places: Sequence[Point], points: Sequence[Point], colour: int, period: int, *, stacked: bool
) -> Iterator[str]:
    if stacked and len(places) > 1:
        bottom = _HEIGHT - _BOTTOM
        area = [(places[0][0], bottom), *places, (places[-1][0], bottom)]
        yield f'<polygon class="f{colour}" points="{_text(area)}"/>'
        return
    for run in _runs(places, points, period):
        if len(run) == 1:
            yield f'<circle class="f{colour}" cx="{run[0][0]:.1f}" cy="{run[0][1]:.1f}" r="2.2"/>'
        else:
            yield f'<polyline class="s{colour}" points="{_text(run)}"/>'


def _runs(
    places: Sequence[Point], points: Sequence[Point], period: int
) -> Iterator[Sequence[Point]]:
    """Yield what lies side by side: a period without samples interrupts a line."""
    ends = [i for i, (a, b) in enumerate(pairwise(points), 1) if b[0] - a[0] > period]
    for begin, end in pairwise([0, *ends, len(places)]):
        if end > begin:
            yield places[begin:end]


def _text(places: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _times(window: Window) -> Iterator[str]:
    bottom, span = _HEIGHT - _BOTTOM, window.until - window.since
    form = "%H:%M:%S" if span < 15 * 60 else "%H:%M"
    yield f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{_WIDTH - _RIGHT}"/>'
    for number in range(_TICKS + 1):
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * number / _TICKS
        at = datetime.fromtimestamp(window.since + span * number / _TICKS, UTC)
        yield f'<text x="{x:.0f}" y="{_HEIGHT - 5}" text-anchor="middle">{at:{form}}</text>'


def _scale(top: float, *, is_right: bool) -> Iterator[str]:
    x, anchor = (_WIDTH - _RIGHT + 4, "start") if is_right else (_LEFT - 4, "end")
    for share in (0.0, 0.5, 1.0):
        y = _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - share)
        yield f'<text x="{x}" y="{y + 4:.0f}" text-anchor="{anchor}">{short(top * share)}</text>'
        if not is_right:
            yield f'<path class="grid" d="M{_LEFT} {y:.0f}H{_WIDTH - _RIGHT}"/>'
