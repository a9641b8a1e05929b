"""Paired differences of two forecasts under the same chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from riskcast.errors import OptionError
from riskcast.forecasting.blocks import Averages, Drawn, estimate_all
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.forecasts import Forecast, with_equal_paths
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.numbers import MOST_NAMED, more, signed

if TYPE_CHECKING:
    import pandas

Of = Callable[[NDArray[np.int64]], Drawn]


@dataclass(frozen=True)
class Contrast:
    """Paired differences of two forecasts, second less first, with 90 % intervals: probabilities and scores."""

    first: str
    second: str
    probability: Mapping[tuple[str, str], Estimate]
    score: Mapping[str, Estimate]

    def to_frame(self) -> pandas.DataFrame:
        """One row for each event type and unit, and one for each dyad's score (event `score`)."""
        import pandas

        rows = [(unit, event, e.mean, e.low, e.high) for (event, unit), e in self.probability.items()]
        rows += [(dyad, "score", e.mean, e.low, e.high) for dyad, e in self.score.items()]
        return pandas.DataFrame(rows, columns=["dyad", "event", "difference", "low", "high"])

    def __repr__(self) -> str:
        scores = ", ".join(f"{dyad} {signed(e.mean)}" for dyad, e in list(self.score.items())[:MOST_NAMED])
        return f"<Contrast, {self.second} less {self.first}. Scores: {scores}{more(self.score)}>"

    def _repr_html_(self) -> str:
        moved = sorted(self.probability.items(), key=lambda item: -abs(item[1].mean))
        rows = [(dyad, "score, points", e) for dyad, e in self.score.items()]
        for (event, unit), e in moved:
            if round(100 * abs(e.mean), 1) > 0:
                rows.append((unit, f"{event}, percentage points", e.times(100)))
        note = "Paired draws under the same chance: what differs is due to what was changed."
        columns = (Column("unit"), Column("of what"), Column("difference (90 %)", form="points range"))
        return to_html(Table(f"{self.second} less {self.first}", columns, rows, note=note))


def contrast(second: Forecast, first: Forecast) -> Contrast:
    """How `second` differs from `first`, draw by draw under the same random numbers.

    Where the number of paths was not asked for, both get as many as one of them has. Raises OptionError where the two
    do not share draws, paths, seed, horizon, events and dyads.
    """
    if first.outside is not None or second.outside is not None:
        raise OptionError("a forecast that numbers from outside adjust has no paired draws; contrast it without them")
    first, second = with_equal_paths((first, second))
    pairs = {
        "number of draws": (first.posterior.draws, second.posterior.draws),
        "number of paths": (first.paths or second.paths, second.paths or first.paths),
        "seed": (first.seed, second.seed),
        "horizon": (first.horizon, second.horizon),
        "event types": (first.case.order, second.case.order),
        "dyads": (first.dyads, second.dyads),
    }
    for what, (a, b) in pairs.items():
        if a != b:
            raise OptionError(f"the two forecasts differ in {what} ({a} and {b}); make them with the same")
    events = tuple(first.case.events)
    quantities: dict[str | None, Averages] = {
        event: Averages(
            partial(_change, partial(second.averages, event), partial(first.averages, event)), -1.0, 1.0, shared
        )
        for event, shared in ((event, first.case.events[event].scope == "host") for event in events)
    }
    quantities[None] = Averages(partial(_change, second.score_averages, first.score_averages), -100.0, 100.0)
    found = estimate_all(first.plan, first.columns, quantities)
    probability = {
        (event, unit): e for event in events for unit, e in zip(first.units(event), found[event], strict=True)
    }
    score = dict(zip(first.dyads, found[None], strict=True))
    return Contrast(first.scenario_name, second.scenario_name, probability, score)


def _change(second: Of, first: Of, columns: NDArray[np.int64]) -> Drawn:
    """Differences of averages, draw by draw, their errors, and those of the means."""
    (after, after_error, after_mean), (before, before_error, before_mean) = second(columns), first(columns)
    return after - before, after_error - before_error, after_mean - before_mean
