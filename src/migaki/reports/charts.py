"""Line charts as geometry: numbers in, coordinates and labels out; the template draws them as SVG.

Drawn by ourselves and not by matplotlib, because a page wants colours that follow light and dark mode
through CSS classes, text that is text, a title on every point for the mouse and the screen reader, a
few kilobytes for 10,000 steps, and the same bytes on every machine; and because importing matplotlib
takes longer than the whole report. Everything that reaches the template is a number or a label
that autoescape handles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Chart", "Line", "Series", "Tick", "line_chart", "short"]

Point = tuple[float, float]

_SIZES = {False: (500, 230), True: (1040, 300)}
"""Width and height, ordinary and wide: about the pixels that they get, so that text is equally large."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 14, 34
_MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class Series:
    """One named line: points in rising order of x, and the CSS class that colours it."""

    name: str
    points: Sequence[Point]
    css: str


@dataclass(frozen=True, slots=True)
class Line:
    """A series in the coordinates of the drawing."""

    name: str
    css: str
    path: str
    dots: tuple[tuple[float, float, str], ...]
    """(x, y, label) of points to mark: all of a short series, the last of a long one."""
    last: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that a template needs to draw."""

    title: str
    description: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int
    height: int
    left: float = _LEFT

    @property
    def right(self) -> float:
        """Right end of the plot."""
        return self.width - _RIGHT

    @property
    def bottom(self) -> float:
        """Lower end of the plot."""
        return self.height - _BOTTOM


def line_chart(
    title: str,
    series: Sequence[Series],
    *,
    zero: bool = False,
    wide: bool = False,
) -> Chart | None:
    """Lay out a chart over training steps; None where no series has a point.

    Args:
        title: Names the quantity and its unit.
        series: What to draw.
        zero: Let the y axis begin at 0.
        wide: Twice as wide.
    """
    drawn = [s for s in series if s.points]
    if not drawn:
        return None
    width, height = _SIZES[wide]
    xs = [x for s in drawn for x, _ in s.points]
    ys = [y for s in drawn for _, y in s.points]
    y_at = _nice_ticks(min([*ys, 0.0] if zero else ys), max(ys))
    low_x, high_x = min(xs), max(xs)
    if low_x == high_x:
        low_x, high_x = low_x - 1, high_x + 1

    def place(point: Point) -> Point:
        x, y = point
        across = (x - low_x) / (high_x - low_x)
        up = (y - y_at[0]) / (y_at[-1] - y_at[0])
        return (
            round(_LEFT + across * (width - _LEFT - _RIGHT), 1),
            round(height - _BOTTOM - up * (height - _TOP - _BOTTOM), 1),
        )

    x_at = [x for x in _nice_ticks(low_x, high_x) if low_x <= x <= high_x and x == int(x) >= 0]
    lines = tuple(_line(s, place) for s in drawn)
    return Chart(
        title=title,
        description=f"{title} over training steps. "
        + " ".join(
            f"{s.name}: from {short(s.points[0][1])} to {short(s.points[-1][1])}." for s in drawn
        ),
        lines=lines,
        x_ticks=tuple(
            Tick(place((x, y_at[0]))[0], f"step {x:,.0f}" if x == x_at[0] else f"{x:,.0f}")
            for x in x_at
        ),
        y_ticks=tuple(Tick(place((low_x, y))[1], short(y)) for y in y_at),
        width=width,
        height=height,
    )


def short(value: float) -> str:
    """Write a number in few characters.

    Example:
        >>> [short(v) for v in (0, 2.5, 0.00025, 1234, 12_345, 2_500_000)]
        ['0', '2.5', '2.5e-4', '1,234', '12.3k', '2.5M']
    """
    size = abs(value)
    for limit, divisor, unit in ((1e9, 1e9, "B"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if size >= limit:
            return f"{value / divisor:.3g}{unit}"
    if size >= 1000:
        return f"{value:,.0f}"
    if size and size < 1e-2:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return f"{round(value, 3):g}"


def _line(series: Series, place: Callable[[Point], Point]) -> Line:
    points = _thinned(series.points)
    placed = [place(point) for point in points]
    marked = points if len(points) <= 12 else points[-1:]
    return Line(
        name=series.name,
        css=series.css,
        path="M" + "L".join(f"{x:g} {y:g}" for x, y in placed),
        dots=tuple(
            (*place(point), f"{series.name}, step {point[0]:,.0f}: {short(point[1])}")
            for point in marked
        ),
        last=short(series.points[-1][1]),
    )


def _thinned(points: Sequence[Point]) -> list[Point]:
    """Keep the lowest and the highest point of each stretch, so that no spike is hidden."""
    if len(points) <= _MOST_POINTS:
        return list(points)
    kept = []
    stretch = len(points) / (_MOST_POINTS // 2)
    for number in range(_MOST_POINTS // 2):
        piece = points[int(number * stretch) : int((number + 1) * stretch)]
        ends = {min(piece, key=lambda p: p[1]), max(piece, key=lambda p: p[1])}
        kept += sorted(ends)
    return [*kept, points[-1]] if kept[-1] != points[-1] else kept


def _nice_ticks(low: float, high: float) -> list[float]:
    """Return 3-7 round numbers from at or below ``low`` to at or above ``high``."""
    if high - low < 1e-12 * max(1.0, abs(low), abs(high)):
        margin = abs(high) * 0.1 or 1.0
        low, high = low - margin, high + margin
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(m for m in (1, 2, 2.5, 5, 10) if m * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]
