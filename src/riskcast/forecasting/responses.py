"""How a forecast answers to an indicator over all that it may plausibly be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskcast.case.model import Case, IndicatorMove, Scenario
from riskcast.engines.posterior import Posterior
from riskcast.errors import OptionError, UnknownNameError
from riskcast.forecasting.contrasts import Contrast, contrast
from riskcast.forecasting.forecasts import Forecast, forecast
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.numbers import signed

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Response:
    """Forecasts with an indicator held at one level after another, under the same chance.

    levels: by unit, what it is held at in each forecast, in the indicator's own unit, from its low end to its high one.
    """

    indicator: str
    levels: Mapping[str, tuple[float, ...]]
    forecasts: tuple[Forecast, ...]

    @property
    def case(self) -> Case:
        """The case that was forecast."""
        return self.forecasts[0].case

    def change(self) -> Contrast:
        """What the whole range makes of every score and probability: the high end less the low end."""
        return contrast(self.forecasts[-1], self.forecasts[0])

    def to_frame(self) -> pandas.DataFrame:
        """One row for each level, unit and event type, and one for each level and dyad's score (event `score`)."""
        import pandas

        rows = []
        for point, one in enumerate(self.forecasts):
            at = {unit: levels[point] for unit, levels in self.levels.items()}
            for event in one.case.outcomes:
                for unit in one.units(event):
                    level = at.get(unit, at.get(one.case.host, np.nan))
                    found = one.probability(event, unit)
                    rows.append((self.indicator, level, unit, event, found.mean, found.low, found.high))
            for dyad in one.dyads:
                found = one.score(dyad)
                level = at.get(dyad, at.get(one.case.host, np.nan))
                rows.append((self.indicator, level, dyad, "score", found.mean, found.low, found.high))
        columns = ["indicator", "level", "unit", "event", "mean", "low", "high"]
        return pandas.DataFrame(rows, columns=columns)

    def __repr__(self) -> str:
        change = self.change().score
        moved = ", ".join(f"{dyad} {signed(found.mean)}" for dyad, found in list(change.items())[:6])
        return f"<Response to {self.indicator}, high end less low end. Scores: {moved}>"

    def _repr_html_(self) -> str:
        rows = [
            (dyad, *(one.score(dyad) for one in self.forecasts), found) for dyad, found in self.change().score.items()
        ]
        held = [Column(f"score at point {point}", form="score range") for point in range(1, len(self.forecasts) + 1)]
        columns = (Column("dyad"), *held, Column("high less low (90 %)", form="points range"))
        note = "; ".join(
            f"{unit}: {', '.join(f'{level:.3g}' for level in levels)}" for unit, levels in self.levels.items()
        )
        label = self.case.indicators[self.indicator].label
        return to_html(Table(f"Scores with {label} held", columns, rows, note=f"Levels of the points. {note}"))


def plausible_range(case: Case, indicator: str, unit: str) -> tuple[float, float]:
    """From the least to the greatest of what an indicator has been in the record and of today's 90 % interval.

    Of several series the one that stands for the level counts. Raises UnknownNameError for an unknown indicator.

    >>> from riskcast import load_case
    >>> low, high = plausible_range(load_case("central_asia_2024"), "poverty", "RUS-TJK")
    >>> low < high
    True
    """
    if indicator not in case.indicators:
        raise UnknownNameError("indicator", indicator, list(case.indicators))
    own = {name for name, measure in case.indicators[indicator].series.items() if measure.offset is None}
    rows = [row.value for row in case.series_rows if row.indicator == indicator and row.unit == unit]
    if own:
        rows = [
            row.value
            for row in case.series_rows
            if row.indicator == indicator and row.unit == unit and row.series in own
        ]
    today = case.now_of(indicator, unit).range
    return min([*rows, today[0]]), max([*rows, today[1]])


def respond(posterior: Posterior, indicator: str, points: int = 3, *, horizon: int | None = None) -> Response:
    """Forecasts with an indicator held, over the whole horizon, at so many levels across its plausible range.

    Each unit has its own range. What is held feels neither drift, nor parents, nor events; what follows from it does.
    Raises UnknownNameError for an unknown indicator, OptionError for fewer than two points or a panel's indicator.

    >>> from riskcast import fit, load_case
    >>> found = respond(fit(load_case("central_asia_2024"), draws=200), "labour_shortage", points=2, horizon=3)
    >>> len(found.forecasts)
    2
    """
    case = posterior.case
    if indicator not in case.indicators:
        raise UnknownNameError("indicator", indicator, list(case.indicators))
    if points < 2:
        raise OptionError(f"{points} points make no range; ask for 2 or more")
    if case.panel is not None:
        raise OptionError("a panel's indicators have no plausible range of their own; hold them by a scenario")
    levels = {
        unit: tuple(float(level) for level in np.linspace(*plausible_range(case, indicator, unit), points))
        for unit in case.units_of(indicator)
    }
    forecasts = []
    for point in range(points):
        moves = tuple(
            IndicatorMove(indicator=indicator, set=at[point], dyads=None if unit == case.host else (unit,))
            for unit, at in levels.items()
        )
        label = f"{case.indicators[indicator].label} at {point + 1} of {points}"
        forecasts.append(
            forecast(
                posterior, Scenario(label=label, story="Held over its plausible range.", indicators=moves), horizon
            )
        )
    return Response(indicator, levels, tuple(forecasts))
