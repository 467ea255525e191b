"""Draws the samples of a night as one SVG: a panel a quantity, over the time of day.

Fifty lines of our own instead of a plotting library: matplotlib and what it needs are 60 MB that
every machine would install for three pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from xml.sax.saxutils import escape

from nights.samples import Sample

_PANELS = (
    ("messages in the pull queue", "waiting"),
    ("age of the oldest message that waits, minutes", "oldest_minutes"),
    ("pulls served", "served"),
    ("requests to Xporter a second", "requests"),
    ("writes to DynamoDB a second", "writes"),
)
_LEFT, _WIDTH, _TOP, _HEIGHT, _STEP = 70, 620, 50, 80, 125
_MOST_POINTS = 300
_TICKS = 6


def svg(title: str, samples: Sequence[Sample]) -> str:
    """Return the picture.

    A night with more samples than points is drawn with the highest sample of each interval, so
    that no peak is lost.

    Raises:
        ValueError: There are fewer than two samples.
    """
    if len(samples) < 2:
        raise ValueError("a plot needs two samples")
    height = _TOP + _STEP * len(_PANELS) + 10
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 30}" '
            f'height="{height}" font-family="sans-serif" font-size="12">'
        ),
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="20" font-size="14">{escape(title)}</text>',
    ]
    for number, (label, name) in enumerate(_PANELS):
        parts += _panel(label, name, samples, _TOP + _STEP * number)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(label: str, name: str, samples: Sequence[Sample], top: float) -> list[str]:
    first, last = samples[0].at, samples[-1].at
    span = (last - first).total_seconds()
    points = _points(samples, name)
    most = max(getattr(sample, name) for sample in points) or 1
    path = " ".join(
        f"{_LEFT + _WIDTH * (sample.at - first).total_seconds() / span:.1f},"
        f"{top + _HEIGHT * (1 - getattr(sample, name) / most):.1f}"
        for sample in points
    )
    ticks = [first + (last - first) * number / _TICKS for number in range(_TICKS + 1)]
    return [
        f'<text x="{_LEFT}" y="{top - 6}">{escape(label)}</text>',
        (
            f'<rect x="{_LEFT}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" fill="none" '
            'stroke="#bbb"/>'
        ),
        f'<text x="{_LEFT - 6}" y="{top + 10}" text-anchor="end">{_short(most)}</text>',
        f'<text x="{_LEFT - 6}" y="{top + _HEIGHT}" text-anchor="end">0</text>',
        *(
            f'<text x="{_LEFT + _WIDTH * number / _TICKS:.0f}" y="{top + _HEIGHT + 14}" '
            f'text-anchor="middle" fill="#666">{tick:%H:%M}</text>'
            for number, tick in enumerate(ticks)
        ),
        f'<polyline points="{path}" fill="none" stroke="#1f5fa8" stroke-width="1.3"/>',
    ]


def _points(samples: Sequence[Sample], name: str) -> list[Sample]:
    size = ceil(len(samples) / _MOST_POINTS)
    groups = [samples[start : start + size] for start in range(0, len(samples), size)]
    return [max(group, key=lambda sample: float(getattr(sample, name))) for group in groups]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
