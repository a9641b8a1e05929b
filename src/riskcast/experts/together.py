"""What a panel says together: pools of forecasts, the case of pooled quantities, the mixture, and who moves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from riskcast.case.model import Case
from riskcast.case.overlays import apply_overlay, overlay_text
from riskcast.case.quantities import Z90, Evidence, Quantity, quantity_text
from riskcast.comparison.case_forecasts import CaseForecasts
from riskcast.errors import visible
from riskcast.experts.beliefs import PUBLISHED
from riskcast.experts.disagreement import standard_errors
from riskcast.experts.hearing import SCORE, Hearing
from riskcast.experts.mixture import mix_forecasts
from riskcast.experts.pools import QuantityPool, pool_linear, pool_log, pool_quantities
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.forecasts import Forecast
from riskcast.machinery.array_types import Floats
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.numbers import share

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

    linear, log: the pools of experts' numbers, log None for a score, which is no probability; mixture: the number of
    the mixture with its 90 % interval; case: that of the case with pooled quantities; errors: Monte Carlo standard
    errors; without: the linear pool without each expert, none in a panel whose weight is one expert's.
    """

    dyad: str
    of: str
    linear: float
    linear_error: float
    log: float | None
    log_error: float | None
    mixture: Estimate
    case: float
    case_error: float
    without: tuple[Without, ...]


@dataclass(frozen=True)
class Together:
    """A panel heard together.

    heard: each expert alone; pool: how quantities were pooled; quantities: by id, what they pool to, and `case` the
    published case with them; forecast: the forecast of that case; mixture: that of the mixture, which
    `with_panel` asks for to go on with.
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
            self._error(linear),
            None if log is None else float(log[0]),
            None if log is None else self._error(log),
            mixed,
            float(self.case_values[0, place]),
            self._error(self.case_values[:, place]),
            tuple(self._without(values)),
        )

    def _error(self, number: Floats) -> float:
        """Of a number and its means over batches, (1 + batches,)."""
        return self.heard.wider * float(standard_errors(number[None])[0])

    def _without(self, values: Floats) -> list[Without]:
        weights, found = self.heard.weights, []
        whole = weights @ values
        for place, name in enumerate(self.heard.names):
            rest = np.delete(weights, place)
            if not rest.sum() > 0.0:
                continue
            left = rest / rest.sum() @ np.delete(values, place, axis=0)
            found.append(Without(name, float(left[0]), float(left[0] - whole[0]), self._error(left - whole)))
        return found

    def overlay_text(self) -> str:
        """The pooled quantities as the text of an overlay, for the case that the panel speaks of; comments say who was
        asked, when, and what was left blank."""
        heard = self.heard
        label = f"{heard.panel.title}: {self.pool} pool of {len(heard.names)} experts"
        comments = [f"weights: {heard.weighting}"]
        for voice in heard.voices:
            comments.append(f"{voice.name}, {voice.expert.overlay.when}, weight {share(voice.weight)}")
            for one in voice.blanks:
                used = "published value" if one.of == PUBLISHED else "pool of the others"
                comments.append(f"  left blank, {used} taken: {one.id}")
        head = "".join(f"# {visible(line)}\n" for line in comments)
        return head + overlay_text(self.quantities, label, heard.published)

    def to_frame(self) -> pandas.DataFrame:
        """One row for each number, in points of 100: columns dyad, of, linear, log, low, high (90 % of the mixture),
        case, and the Monte Carlo errors linear_error, log_error, case_error."""
        import pandas

        rows = []
        for dyad, of in self.heard.places():
            one = self.number(dyad, of)
            numbers = (one.linear, one.log, one.mixture.low, one.mixture.high, one.case)
            rows.append((dyad, of, *numbers, one.linear_error, one.log_error, one.case_error))
        names = ["linear", "log", "low", "high", "case", "linear_error", "log_error", "case_error"]
        return pandas.DataFrame(rows, columns=["dyad", "of", *names])

    def __repr__(self) -> str:
        told = self.heard.told_blanks
        return (
            f"<Together: {len(self.heard.names)} experts{'. ' + told if told else ''} {self.mixture.posterior.origin}>"
        )

    def _repr_html_(self) -> str:
        ones = [self.number(dyad) for dyad in self.heard.dyads]
        rows = [
            (one.dyad, one.linear, one.linear_error, one.mixture.mean, one.mixture, one.case, one.case_error)
            for one in ones
        ]
        columns = (
            Column("dyad"),
            Column("linear pool", form="figure", digits=3),
            Column("± MC", form="figure", digits=1),
            Column("mixture", form="figure", digits=3),
            Column("90 %", form="score range"),
            Column("pooled quantities", form="figure", digits=3),
            Column("± MC", form="figure", digits=1),
        )
        told = " ".join(part for part in (self.heard.told_blanks, self.mixture.posterior.origin) if part)
        return to_html(Table("What the group says", columns, rows, note=told, warning=self.mixture.posterior.warning))


def pool_panel(heard: Hearing, pool: QuantityPool = "quantile") -> Together:
    """What a panel that was heard says together: pools of its forecasts, the case of pooled quantities with its own
    forecast, the mixture, and how each number would be without each expert.

    Raises OptionError for quantities that cannot be pooled.
    """
    beliefs = {key: [voice.beliefs[key] for voice in heard.voices] for key in heard.panel.stated}
    weights = heard.weights.tolist()
    quantities = {
        key: quantity.model_copy(update={"evidence": _evidence(heard, pool, beliefs[key])})
        for key, quantity in pool_quantities(heard.published, beliefs, weights, pool).items()
    }
    case = apply_overlay(heard.published, quantities)
    own = [voice for voice in heard.voices if voice.weight > 0.0]
    mixture = mix_forecasts(
        [voice.forecast for voice in own],
        [voice.weight for voice in own],
        heard.published,
        [voice.name for voice in own],
    )
    forecasts = CaseForecasts(heard.request, [voice.forecast.posterior for voice in heard.voices])
    forecasts.keep_paths(heard.voices[0].forecast.paths)
    ahead = forecasts.make(case, "with pooled quantities")
    return Together(heard, pool, quantities, case, ahead, mixture, heard.numbers.read(ahead.case, ahead.simulated))


def _evidence(heard: Hearing, pool: QuantityPool, said: Sequence[Quantity]) -> Evidence:
    """What a pooled number rests on: nobody's own sources, but what each of them said."""
    parts = "; ".join(f"{voice.name} {quantity_text(one)}" for voice, one in zip(heard.voices, said, strict=True))
    return Evidence(basis="judgement", claim=f"{pool} pool of {len(said)} experts: {parts}")
