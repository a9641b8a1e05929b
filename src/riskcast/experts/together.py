"""What a panel says together: pools of forecasts, the case of pooled quantities, the mixture, and who moves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from riskcast.case.model import Case
from riskcast.case.overlays import apply_overlay, overlay_text
from riskcast.case.quantities import Z90, Quantity
from riskcast.comparison.case_forecasts import CaseForecasts
from riskcast.experts.disagreement import standard_errors
from riskcast.experts.hearing import SCORE, Hearing
from riskcast.experts.mixture import mix_forecasts
from riskcast.experts.pools import QuantityPool, pool_linear, pool_log, pool_quantities
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.forecasts import Forecast
from riskcast.machinery.array_types import Floats

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Without:
    """What the linear pool says without one expert: its number, how many points that is more, and the standard error
    of that difference."""

    name: str
    value: float
    change: float
    error: float

    @property
    def is_noise(self) -> bool:
        """Whether chance alone may make the difference."""
        return abs(self.change) <= Z90 * self.error


@dataclass(frozen=True)
class PooledNumber:
    """One number of a group, in points of a hundred.

    linear, log: the pools of experts' numbers, log None for a score, which is no probability; errors: their Monte Carlo
    standard errors; mixture: the number of the mixture with its 90 % interval; case: that of the case with pooled
    quantities; without: the linear pool without each expert, none in a panel whose weight is one expert's.
    """

    dyad: str
    of: str
    linear: float
    linear_error: float
    log: float | None
    log_error: float | None
    mixture: Estimate
    case: float
    without: tuple[Without, ...]


@dataclass(frozen=True)
class Together:
    """A panel heard together.

    heard: each expert alone; pool: how quantities were pooled; quantities: by id, what they pool to, and `case` the
    published case with them, to go on with; forecast: the forecast of that case; mixture: that of the mixture.
    """

    heard: Hearing
    pool: QuantityPool
    quantities: Mapping[str, Quantity]
    case: Case
    forecast: Forecast
    mixture: Forecast
    case_values: Floats

    @cached_property
    def linear(self) -> Floats:
        """The linear pool of all numbers, and below it its means over batches of draws: (1 + batches, numbers)."""
        return pool_linear(self.heard.values, self.heard.weights)

    def number(self, dyad: str, of: str = SCORE) -> PooledNumber:
        """A dyad's score, or the probability of an outcome; raises UnknownNameError."""
        heard = self.heard
        place = heard.place(dyad, of)
        values = heard.values[:, :, place]
        linear, log = self.linear[:, place], None
        if of == SCORE:
            mixed = self.mixture.score(dyad)
        else:
            unit = heard.numbers.outcomes[place - len(heard.dyads)][1]
            mixed = self.mixture.probability(of, unit).times(100.0)
            log = 100.0 * pool_log(np.clip(values, 0.0, 100.0) / 100.0, heard.weights)
        return PooledNumber(
            dyad,
            of,
            float(linear[0]),
            float(standard_errors(linear[None])[0]),
            None if log is None else float(log[0]),
            None if log is None else float(standard_errors(log[None])[0]),
            mixed,
            float(self.case_values[0, place]),
            tuple(self._without(values)),
        )

    def _without(self, values: Floats) -> list[Without]:
        weights, found = self.heard.weights, []
        whole = weights @ values
        for place, name in enumerate(self.heard.names):
            rest = np.delete(weights, place)
            if not rest.sum() > 0.0:
                continue
            left = rest / rest.sum() @ np.delete(values, place, axis=0)
            error = float(standard_errors((left - whole)[None])[0])
            found.append(Without(name, float(left[0]), float(left[0] - whole[0]), error))
        return found

    def overlay_text(self) -> str:
        """The pooled quantities as the text of an overlay, for the case that the panel speaks of."""
        label = f"{self.heard.panel.title}: {self.pool} pool of {len(self.heard.names)} experts"
        plain = {key: quantity.model_copy(update={"evidence": None}) for key, quantity in self.quantities.items()}
        return overlay_text(plain, label, self.heard.published)

    def to_frame(self) -> pandas.DataFrame:
        """One row for each number, in points of 100: columns dyad, of, linear, log, low, high (90 %), case."""
        import pandas

        rows = []
        for dyad, of in self.heard.places():
            one = self.number(dyad, of)
            rows.append((dyad, of, one.linear, one.log, one.mixture.low, one.mixture.high, one.case))
        return pandas.DataFrame(rows, columns=["dyad", "of", "linear", "log", "low", "high", "case"])


def pool_panel(heard: Hearing, pool: QuantityPool = "quantile") -> Together:
    """What a panel that was heard says together: pools of its forecasts, the case of pooled quantities with its own
    forecast, the mixture, and how each number would be without each expert.

    Raises OptionError for quantities that cannot be pooled.
    """
    beliefs = {key: [voice.beliefs[key] for voice in heard.voices] for key in heard.panel.stated}
    weights = heard.weights.tolist()
    quantities = pool_quantities(heard.published, beliefs, weights, pool)
    case = apply_overlay(heard.published, quantities)
    own = [voice for voice in heard.voices if voice.weight > 0.0]
    mixture = mix_forecasts([voice.forecast for voice in own], [voice.weight for voice in own], case)
    forecasts = CaseForecasts(heard.request, [voice.forecast.posterior for voice in heard.voices])
    forecasts.keep_paths(heard.voices[0].forecast.paths)
    ahead = forecasts.make(case, "with pooled quantities")
    return Together(heard, pool, quantities, case, ahead, mixture, heard.numbers.read(ahead.case, ahead.simulated))
