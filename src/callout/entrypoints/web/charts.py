"""Charts as numbers: where bars and lines stand in a picture of a fixed size. Templates write them as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: The size of a chart and of a small one, in units of its picture; and the room for the words at its edges.
WIDTH, HEIGHT, LEFT, BELOW = 720, 180, 56, 22
SMALL_WIDTH, SMALL_HEIGHT = 120, 24
#: Words below a chart.
MOST_WORDS = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, of two parts: what went well, and errors on top. `said` is its description."""

    x: float
    width: float
    good_y: float
    good: float
    bad_y: float
    bad: float
    said: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word at an edge."""

    x: float
    y: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars or lines (each a name and the path of an SVG), the words at the edges, and the lines behind."""

    bars: Sequence[Bar] = ()
    lines: Sequence[tuple[str, str]] = ()
    words: Sequence[Word] = ()
    levels: Sequence[float] = ()


def calls_over_time(series: Sequence[Mapping[str, Any]]) -> Chart:
    """Return bars of callouts, errors on top."""
    most = ceiling(max((each["calls"] for each in series), default=0))
    step = (WIDTH - LEFT) / max(1, len(series))
    bars = [
        _bar(LEFT + number * step + step * 0.1, step * 0.8, HEIGHT, each["calls"], each["errors"], most, each["at"])
        for number, each in enumerate(series)
    ]
    return Chart(bars, words=[*_heights(most, "{:,.0f}"), *_times(series, step)], levels=_levels(most))


def latency_over_time(series: Sequence[Mapping[str, Any]]) -> Chart:
    """Return lines of how long half of the callouts took at most, and 95 % of them."""
    names = ("p50_ms", "p95_ms")
    most = ceiling(max((each[name] for each in series for name in names if each[name] is not None), default=0))
    step = (WIDTH - LEFT) / max(1, len(series))
    lines = [(name.removesuffix("_ms"), _path([each[name] for each in series], step, most)) for name in names]
    return Chart(lines=lines, words=[*_heights(most, "{:,g} ms"), *_times(series, step)], levels=_levels(most))


def small(calls: Sequence[int], errors: Sequence[int]) -> list[Bar]:
    """Return bars without words, for a row of a table."""
    most, step = max(1, *calls, 1), SMALL_WIDTH / max(1, len(calls))
    pairs = zip(calls, errors, strict=True)
    return [_bar(number * step, step * 0.8, SMALL_HEIGHT, c, e, most, "") for number, (c, e) in enumerate(pairs)]


def ceiling(number: float) -> float:
    """Return a round number that is not below this one: 1, 2 or 5 times a power of ten."""
    unit = 1.0
    while number > unit * 10:
        unit *= 10
    return next(unit * each for each in (1, 2, 5, 10) if unit * each >= number)


def _bar(x: float, width: float, height: float, calls: int, errors: int, most: float, at: str) -> Bar:
    good, bad = (round(height * number / most, 1) for number in (calls - errors, errors))
    said = f"{at[5:16].replace('T', ' ')}: {calls:,} callouts, {errors:,} errors" if at else ""
    bad_y = round(height - good - bad, 1)
    return Bar(round(x, 1), round(width, 1), round(height - good, 1), good, bad_y, bad, said)


def _path(values: Sequence[float | None], step: float, most: float) -> str:
    """Return the path of a line; where there is no value it is broken, and a value alone is a dash."""
    parts, pen = [], "M"
    for number, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        x, y = LEFT + (number + 0.5) * step, HEIGHT - HEIGHT * value / most
        alone = pen == "M" and (number + 1 == len(values) or values[number + 1] is None)
        parts.append(f"M{x - 4:.1f} {y:.1f}h8" if alone else f"{pen}{x:.1f} {y:.1f}")
        pen = "L"
    return "".join(parts)


def _levels(most: float) -> list[float]:
    return [0, HEIGHT / 2, HEIGHT] if most else []


def _heights(most: float, form: str) -> list[Word]:
    return [Word(LEFT - 6, y, form.format(value), "end") for y, value in ((10, most), (HEIGHT / 2 + 4, most / 2))]


def _times(series: Sequence[Mapping[str, Any]], step: float) -> list[Word]:
    """Return words for a few of the times: the hour, and the day where more than two are shown."""
    if not series:
        return []
    days = len({each["at"][:10] for each in series}) > 2
    every = max(1, -(-len(series) // MOST_WORDS))
    return [
        Word(
            LEFT + (number + 0.5) * step,
            HEIGHT + 16,
            series[number]["at"][5:10] if days else series[number]["at"][11:16],
        )
        for number in range(every // 2, len(series), every)
    ]
