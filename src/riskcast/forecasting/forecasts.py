"""Posterior -> forecast: probabilities of every kind of event for every dyad, and paired differences of forecasts."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from riskcast.case.model import Case, Scenario
from riskcast.case.quantities import Z90
from riskcast.engines.hazard import Floats
from riskcast.engines.posterior import Posterior
from riskcast.errors import OptionError, UnknownNameError
from riskcast.forecasting.scenarios import resolve_scenario
from riskcast.forecasting.simulation import Plan, Simulated, plan_simulation, simulate
from riskcast.machinery.threads import single_thread
from riskcast.numbers import MOST_NAMED, html_table, interval, more, percent, signed, signed_range

if TYPE_CHECKING:
    import pandas

PATHS = 4
LOW, HIGH = 0.05, 0.95


@dataclass(frozen=True)
class Estimate:
    """A number with its 90 % interval: what more knowledge of the parameters could make of it."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Forecast:
    """Probabilities within the horizon, given each draw of the parameters.

    probability[event]: (draws, units); score: (draws, dyads), 0-100; by_period: (periods, units) cumulative.
    """

    posterior: Posterior
    scenario_name: str
    scenario: Scenario
    horizon: int
    paths: int
    seed: int
    plan: Plan
    simulated: Simulated

    @property
    def case(self) -> Case:
        """The case that is forecast."""
        return self.posterior.case

    @cached_property
    def dyads(self) -> tuple[str, ...]:
        """The dyads that are forecast: those that exist at the start of the horizon."""
        present = self.posterior.record.present.tolist()
        return tuple(dyad for dyad, there in zip(self.case.dyads, present, strict=True) if there)

    def units(self, event: str) -> tuple[str, ...]:
        """The units for which an event type is forecast."""
        return self.dyads if self.case.events[event].scope == "dyad" else self.case.units(event)

    def _column(self, unit: str, units: tuple[str, ...], forecast: tuple[str, ...]) -> int:
        """Where a unit stands among all units of the case; raises UnknownNameError where it is not forecast."""
        if unit not in forecast:
            raise UnknownNameError("dyad at the start of the horizon", unit, forecast)
        return units.index(unit)

    @property
    def window(self) -> tuple[dt.date, dt.date]:
        """First and last day of the horizon."""
        return self.posterior.record.timeline.horizon(self.horizon)

    def probability(self, event: str, unit: str) -> Estimate:
        """Probability of at least one event of a type in a unit within the horizon."""
        column = self._column(unit, self.case.units(event), self.units(event))
        draws, error = self.simulated.probability[event][:, column], self.simulated.probability_error[event][:, column]
        return summarise(draws, error, self.stand_in(unit), 0.0, 1.0)

    def stand_in(self, unit: str) -> Floats:
        """What each draw lets one expect of a unit without simulating, as orthonormal columns: (draws, columns)."""
        if unit not in self._stand_ins:
            self._stand_ins[unit] = span(
                self.plan.chances(self.case.dyads.index(unit) if unit in self.case.dyads else 0)
            )
        return self._stand_ins[unit]

    @cached_property
    def _stand_ins(self) -> dict[str, Floats]:
        return {}

    def is_assumed(self, event: str, unit: str) -> bool:
        """Whether the scenario takes the event as given in that unit."""
        return any(e.event == event and (e.dyads is None or unit in e.dyads) for e in self.scenario.events)

    def by_period(self, event: str, unit: str) -> list[float]:
        """Probability of at least one event by the end of each period of the horizon."""
        column = self._column(unit, self.case.units(event), self.units(event))
        return np.clip(self.simulated.by_period[event][:, column], 0.0, 1.0).tolist()

    def severity(self, dyad: str) -> Estimate:
        """Expected severity, 0-100, of a dyad's worst outcome within the horizon."""
        column = self._column(dyad, self.case.dyads, self.dyads)
        draws, error = self.simulated.score[:, column], self.simulated.score_error[:, column]
        return summarise(draws, error, self.stand_in(dyad), 0.0, 100.0)

    def chance_above(self, dyad: str, other: str) -> float:
        """Probability that a dyad's expected severity is above another's, over what is not known of the parameters.

        The paired difference of each draw is blurred by the simulation's error of its mean, so that chance does not
        put one of two equal dyads first; a difference of exactly 0 counts half.
        """
        one, two = (self._column(each, self.case.dyads, self.dyads) for each in (dyad, other))
        simulated = self.simulated
        change = simulated.score[:, one] - simulated.score[:, two]
        error = np.hypot(simulated.score_error[:, one], simulated.score_error[:, two])
        basis = span(np.column_stack([self.stand_in(dyad), self.stand_in(other)]))
        paired = given_parameters(change, error, basis)
        blur = float(np.sqrt(np.square(error, dtype=float).mean() / len(paired)))
        if blur == 0.0:
            return float((paired > 0.0).mean() + 0.5 * (paired == 0.0).mean())
        return sum(math.erfc(-step / (blur * math.sqrt(2))) for step in paired.tolist()) / (2 * len(paired))

    def to_frame(self) -> pandas.DataFrame:
        """One row for each event type and unit: probability with its interval."""
        import pandas

        rows = []
        for event in self.case.events:
            for unit in self.units(event):
                estimate = self.probability(event, unit)
                rows.append((unit, event, estimate.mean, estimate.low, estimate.high))
        return pandas.DataFrame(rows, columns=["dyad", "event", "probability", "low", "high"])

    @property
    def origin(self) -> str:
        """In a sentence: horizon, scenario, and all that the posterior comes from."""
        first, last = self.window
        return f"From {first:%Y-%m-%d} to {last:%Y-%m-%d}, scenario {self.scenario.label}. {self.posterior.origin}"

    def __repr__(self) -> str:
        return f"<Forecast of {len(self.dyads):,} dyads. {self.origin}>"

    def _repr_html_(self) -> str:
        ranked = sorted(self.case.outcomes, key=lambda name: -(self.case.events[name].severity or 0.0))
        cells = [(event, unit) for event in ranked for unit in self.units(event)]
        estimates = ((event, unit, self.probability(event, unit)) for event, unit in cells)
        rows = ((self.case.events[event].label, unit, percent(e.mean), interval(e)) for event, unit, e in estimates)
        header = ("outcome, the most severe first", "unit", "probability", "90 %")
        title = "Probability of at least one event within the horizon"
        shown = {"texts": 2, "most": 60, "total": len(cells)}
        return html_table(title, header, rows, self.origin, warning=self.posterior.warning, **shown)


def summarise(draws: Floats, error: Floats, stand_in: Floats, floor: float, ceiling: float) -> Estimate:
    """Mean and 90 % interval of a quantity given the parameters, from noisy averages over a few paths each.

    `draws` (draws,) are regressed on `stand_in` (draws, columns), the span of functions of the parameters alone. The
    fitted part carries no chance; the rest has the variance of what the regression misses plus the mean square of
    `error`, and is drawn in until only the former is left. So chance within the horizon does not pass for lack of
    knowledge. The interval is never narrower than the simulation's own error of the mean.

    >>> estimate = summarise(np.array([0.0, 0.2, 0.4, 0.6]), np.zeros(4), np.zeros((4, 1)), floor=0.0, ceiling=1.0)
    >>> round(estimate.mean, 3), round(estimate.low, 3)
    (0.3, 0.03)
    """
    mean = float(draws.mean())
    noise = float(np.square(error, dtype=float).mean())
    low, high = np.quantile(given_parameters(draws, error, stand_in), [LOW, HIGH])
    blur = Z90 * float(np.sqrt(noise / len(draws)))
    mean = min(max(mean, floor), ceiling)
    return Estimate(mean, max(floor, min(float(low), mean - blur)), min(ceiling, max(float(high), mean + blur)))


def given_parameters(draws: Floats, error: Floats, stand_in: Floats) -> Floats:
    """What each draw's parameters let one expect, (draws,), from averages over a few paths: see `summarise`."""
    mean = float(draws.mean())
    fitted = stand_in @ (stand_in.T @ (draws - mean))
    rest = draws - mean - fitted
    noise = float(np.square(error, dtype=float).mean())
    kept = np.sqrt(max(0.0, 1.0 - noise / rest.var())) if rest.any() else 0.0
    return mean + fitted + kept * rest


def span(columns: Floats) -> Floats:
    """An orthonormal basis of what columns (draws, columns) span beside a constant.

    >>> span(np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])).shape
    (3, 1)
    """
    centred = columns - columns.mean(axis=0)
    with single_thread():
        basis, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    return basis[:, sizes > 1e-8 * max(float(sizes.max(initial=0.0)), 1e-300)]


def check_horizon(case: Case, horizon: int | None) -> int:
    """The horizon in periods, the case's own where None is given; raises OptionError outside 1 to 600."""
    horizon = case.settings.horizon if horizon is None else horizon
    if not 1 <= horizon <= 600:
        raise OptionError(f"horizon is {horizon}; give a number of {case.settings.period}s from 1 to 600")
    return horizon


def check_whom(name: str, scenario: Scenario, present: Sequence[str]) -> None:
    """Raise OptionError where a scenario names a dyad that does not exist at the start of the horizon."""
    named = [dyad for assumed in (*scenario.indicators, *scenario.events) for dyad in assumed.dyads or ()]
    gone = next((dyad for dyad in named if dyad not in present), None)
    if gone is not None:
        wrong = f"scenario {name} names {gone}, which has no row at the start of the horizon"
        raise OptionError(f"{wrong}; remove it from `dyads:`, or add its row")


def check_reach(name: str, scenario: Scenario, horizon: int) -> None:
    """Raise OptionError where a scenario assumes something that lies beyond the horizon and would go unheard."""
    last = max((*(e.month for e in scenario.events), *(move.start for move in scenario.indicators)), default=1)
    if last > horizon:
        wrong = f"scenario {name} reaches period {last}, beyond the horizon of {horizon}"
        raise OptionError(f"{wrong}; give --horizon {last} or more")


def forecast(
    posterior: Posterior,
    scenario: str | Scenario | None = None,
    horizon: int | None = None,
    seed: int | None = None,
    *,
    paths: int = PATHS,
    progress: Callable[[int, int], None] | None = None,
) -> Forecast:
    """Simulate the horizon under a scenario for every draw of the posterior.

    `horizon` is in the case's periods; `paths` futures are simulated for every draw. The same seed gives the same
    chance to every scenario. Raises UnknownNameError for an unknown scenario and OptionError for a bad option.

    >>> from riskcast import fit, load_case
    >>> ahead = forecast(fit(load_case("central_asia_2024"), draws=200), horizon=3)
    >>> 0 < ahead.probability("demarche", "RUS-TJK").mean < 1
    True
    """
    case = posterior.case
    horizon = check_horizon(case, horizon)
    if not 2 <= paths <= 1000:
        raise OptionError(f"paths is {paths}; give a number from 2 to 1000, as one cannot tell chance from ignorance")
    name, assumed = resolve_scenario(case, scenario)
    check_reach(name, assumed, horizon)
    seed = posterior.seed if seed is None else seed
    plan = plan_simulation(posterior, horizon, seed)
    check_whom(name, assumed, [dyad for i, dyad in enumerate(case.dyads) if plan.present[i]])
    simulated = simulate(plan, assumed, paths, progress=progress)
    return Forecast(posterior, name, assumed, horizon, paths, seed, plan, simulated)


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
        rows = [(dyad, "score, points", signed_range(e)) for dyad, e in self.score.items()]
        for (event, unit), e in moved:
            if round(100 * abs(e.mean), 1) > 0:
                points = Estimate(100 * e.mean, 100 * e.low, 100 * e.high)
                rows.append((unit, f"{event}, percentage points", signed_range(points)))
        note = "Paired draws under the same chance: what differs is due to what was changed."
        header = ("unit", "of what", "difference (90 %)")
        return html_table(f"{self.second} less {self.first}", header, rows, note, texts=2)


def contrast(second: Forecast, first: Forecast) -> Contrast:
    """How `second` differs from `first`, draw by draw under the same random numbers.

    Raises OptionError where the two do not share draws, paths, seed, horizon, events and dyads.
    """
    pairs = {
        "number of draws": (first.posterior.draws, second.posterior.draws),
        "number of paths": (first.paths, second.paths),
        "seed": (first.seed, second.seed),
        "horizon": (first.horizon, second.horizon),
        "event types": (first.case.order, second.case.order),
        "dyads": (first.dyads, second.dyads),
    }
    for what, (a, b) in pairs.items():
        if a != b:
            raise OptionError(f"the two forecasts differ in {what} ({a} and {b}); make them with the same")
    probability = {}
    one, two = first.simulated, second.simulated
    for event in first.case.events:
        change = two.probability[event] - one.probability[event]
        error = two.probability_error[event] - one.probability_error[event]
        for unit in first.units(event):
            column = first.case.units(event).index(unit)
            probability[event, unit] = summarise(change[:, column], error[:, column], first.stand_in(unit), -1.0, 1.0)
    change, error = two.score - one.score, two.score_error - one.score_error
    score = {
        dyad: summarise(change[:, i], error[:, i], first.stand_in(dyad), -100.0, 100.0)
        for i, dyad in enumerate(first.case.dyads)
        if first.posterior.record.present[i]
    }
    return Contrast(first.scenario_name, second.scenario_name, probability, score)
