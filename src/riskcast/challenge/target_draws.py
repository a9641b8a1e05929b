"""Numbers of a forecast that are challenged, over all its draws, and the bands that they can fall into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from riskcast.case.model import Case
from riskcast.challenge.beliefs import widening_of
from riskcast.challenge.targets import Target, find_targets, shares_of
from riskcast.forecasting.estimates import Estimate, given_parameters, span, summarise
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.scoring import WORDS, band_of, estimative_words
from riskcast.forecasting.simulation import PATHS
from riskcast.machinery.array_types import Bools, Floats, Ints


@dataclass(frozen=True)
class TargetDraws:
    """A target, from 0 to 100: a score in points, or a probability in percent.

    estimate: as the forecast tells it; averages, noise: (draws,) over the futures of each draw, and their standard
    errors; expected: (draws,) what each draw's parameters let one expect; places: where one step of the target ends
    and the next begins; names: of the steps, one more; wider: by how much errors are, as draws count for fewer.
    """

    target: Target
    estimate: Estimate
    averages: Floats
    noise: Floats
    expected: Floats
    places: tuple[float, ...]
    names: tuple[str, ...]
    wider: float = 1.0

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
        return self.wider * float(self.averages.std() / np.sqrt(len(self.averages)))

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


def is_score(target: Target) -> bool:
    """Whether a target is a score, and no probability."""
    return not target.event and target.term is None


def name_target(case: Case, target: Target) -> str:
    """A target as people read it; a query as it was asked.

    >>> from riskcast import load_case
    >>> case = load_case("central_asia_2024")
    >>> [name_target(case, one) for one in find_targets(case, 12, ["score:RUS-TJK", "demarche:RUS-TJK"])]
    ['RUS-TJK, score', 'RUS-TJK, Demarche (summons or note)']
    """
    if target.term is not None:
        return target.id
    return f"{target.unit}, {case.events[target.event].label if target.event else 'score'}"


def draw_targets(ahead: Forecast, of: Sequence[str] | None) -> Mapping[Target, TargetDraws]:
    """Targets as `find_targets` reads them over all draws of a forecast; all its scores where none is named.

    Raises as `find_targets` does, and UnknownNameError for a dyad that has ended before the horizon.
    """
    named = of or [f"score:{dyad}" for dyad in ahead.dyads]
    wider = widening_of(ahead.posterior)
    return {
        target: replace(_draw(ahead, target), wider=wider) for target in find_targets(ahead.case, ahead.horizon, named)
    }


def _draw(ahead: Forecast, target: Target) -> TargetDraws:
    case = ahead.case
    own = ahead.dyads.index(target.unit) if target.unit in ahead.dyads else 0
    columns = ahead.columns[[own]]
    basis = span(ahead.plan.chances(columns)[:, ahead.simulated.rows])
    if is_score(target):
        bands, found = case.settings.bands, ahead.score(target.unit)
        places = tuple(band.start for band in bands[1:])
        names = tuple(band_of(start, bands) for start in (bands[0].start, *places))
        return _over_draws(target, found, *ahead.score_averages(columns)[:2], basis, places, names)
    places = tuple(100.0 * limit for limit, _ in WORDS[:-1])
    names = tuple(estimative_words(limit / 100.0) for limit in (0.0, *places))
    if target.event:
        found = ahead.probability(target.event, target.unit).times(100.0)
        drawn, noise, _ = ahead.averages(target.event, columns)
        return _over_draws(target, found, 100.0 * drawn[:, :1], 100.0 * noise[:, :1], basis, places, names)
    paths = ahead.paths or PATHS
    drawn = shares_of(ahead, [target], paths)[target.id][ahead.simulated.rows, None]
    # Of so few futures each draw tells little of its own chance: all tell how far chance throws them on average.
    noise = np.full(drawn.shape, np.sqrt(float((drawn * (100.0 - drawn)).mean()) / (paths - 1)))
    found = summarise(drawn.T, noise.T, basis, drawn.mean(axis=0), 0.0, 100.0)[0]
    return _over_draws(target, found, drawn, noise, basis, places, names)


def _over_draws(
    target: Target,
    estimate: Estimate,
    drawn: Floats,
    noise: Floats,
    basis: Floats,
    places: tuple[float, ...],
    names: tuple[str, ...],
) -> TargetDraws:
    values, errors = drawn.T.astype(float), noise.T.astype(float)
    expected = given_parameters(values, errors, basis if errors.any() else None)[0]
    return TargetDraws(target, estimate, values[0], errors[0], expected, places, names)
