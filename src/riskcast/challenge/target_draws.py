"""Which number of a forecast is challenged: a dyad's score, or the probability of an event type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from riskcast.case.model import Case
from riskcast.errors import UnknownNameError
from riskcast.forecasting.estimates import Estimate, given_parameters, span
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.scoring import WORDS, band_of, estimative_words
from riskcast.machinery.array_types import Bools, Floats, Ints

SCORE: Final = "score"


@dataclass(frozen=True)
class Target:
    """A number of a forecast: `of` is `score` or an event type, `unit` a dyad, or the host.

    >>> str(Target("demarche", "RUS-TJK"))
    'demarche:RUS-TJK'
    """

    of: str
    unit: str

    def __str__(self) -> str:
        return f"{self.of}:{self.unit}"

    def label(self, case: Case) -> str:
        """As people read it."""
        return f"{self.unit}, {SCORE if self.of == SCORE else case.events[self.of].label}"


@dataclass(frozen=True)
class TargetDraws:
    """A target, from 0 to 100: a score in points, or a probability in percent.

    estimate: as the forecast tells it; averages, noise: (draws,) over the futures of each draw, and their standard
    errors; expected: (draws,) what each draw's parameters let one expect; places: where one step of the target ends
    and the next begins; names: of the steps, one more.
    """

    target: Target
    estimate: Estimate
    averages: Floats
    noise: Floats
    expected: Floats
    places: tuple[float, ...]
    names: tuple[str, ...]

    def step(self, values: Floats) -> Ints:
        """Which step, of bands or of estimative words, values fall into, from 0."""
        return np.searchsorted(np.array(self.places), values, side="right")

    @property
    def now(self) -> int:
        """The step of the number as it stands."""
        return int(self.step(np.array([self.estimate.mean]))[0])

    @property
    def error(self) -> float:
        """Monte Carlo standard error of the number, for want of draws and paths."""
        return float(self.averages.std() / np.sqrt(len(self.averages)))

    def leaves(self, values: Floats) -> Bools:
        """Which values fall into another step than the number as it stands, by more than its Monte Carlo error."""
        now = self.now
        low = self.places[now - 1] - self.error if now > 0 else -np.inf
        high = self.places[now] + self.error if now < len(self.places) else np.inf
        return (values < low) | (values >= high)

    @property
    def stands(self) -> str:
        """The band, or the estimative word, of the number as it stands."""
        return self.names[self.now]


def read_targets(case: Case, dyads: Sequence[str], given: Sequence[str] | None) -> tuple[Target, ...]:
    """The targets that are named as `score:RUS-TJK`, `demarche:RUS-TJK`, or `score` or an event type of all `dyads`;
    all scores where none is named.

    Raises UnknownNameError for an unknown event type or dyad.

    >>> from riskcast import load_case
    >>> case = load_case("central_asia_2024")
    >>> [str(found) for found in read_targets(case, case.dyads, ["score:RUS-TJK", "restrictive_act"])]
    ['score:RUS-TJK', 'restrictive_act:RUS']
    """
    return tuple(dict.fromkeys(one for text in given or (SCORE,) for one in _read(case, dyads, text.strip())))


def _read(case: Case, dyads: Sequence[str], text: str) -> list[Target]:
    of, _, unit = text.partition(":")
    if of != SCORE and of not in case.events:
        raise UnknownNameError("score or event type", of, (SCORE, *case.events))
    units = (case.host,) if of != SCORE and case.events[of].scope == "host" else tuple(dyads)
    if unit and unit not in units:
        raise UnknownNameError("dyad at the start of the horizon" if len(units) > 1 else "unit", unit, units)
    return [Target(of, one) for one in ([unit] if unit else units)]


def draw_target(ahead: Forecast, target: Target) -> TargetDraws:
    """A target over all draws of a forecast."""
    is_score = target.of == SCORE
    shared = not is_score and ahead.case.events[target.of].scope == "host"
    columns = ahead.columns[:1] if shared else ahead.columns[[ahead.dyads.index(target.unit)]]
    drawn, noise, _ = ahead.score_averages(columns) if is_score else ahead.averages(target.of, columns)
    values, errors = drawn[:, :1].T.astype(float), noise[:, :1].T.astype(float)
    basis = span(ahead.plan.chances(columns)[:, ahead.simulated.rows]) if errors.any() else None
    expected = given_parameters(values, errors, basis)[0]
    if is_score:
        bands = ahead.case.settings.bands
        places = tuple(band.start for band in bands[1:])
        names = tuple(band_of(start, bands) for start in (bands[0].start, *places))
        return TargetDraws(target, ahead.score(target.unit), values[0], errors[0], expected, places, names)
    places = tuple(100.0 * limit for limit, _ in WORDS[:-1])
    names = tuple(estimative_words(limit / 100.0) for limit in (0.0, *places))
    found = ahead.probability(target.of, target.unit).times(100.0)
    return TargetDraws(target, found, 100.0 * values[0], 100.0 * errors[0], 100.0 * expected, places, names)
