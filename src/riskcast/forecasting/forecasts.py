"""Posterior -> forecast: probabilities of every kind of event for every dyad, and paired differences of forecasts."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from riskcast.case.model import Case, Scenario
from riskcast.engines.posterior import Posterior
from riskcast.errors import OptionError, UnknownNameError
from riskcast.forecasting.estimates import Estimate, given_parameters, span, summarise
from riskcast.forecasting.plan import Plan, plan_simulation
from riskcast.forecasting.scenarios import resolve_scenario
from riskcast.forecasting.simulation import Simulated, simulate
from riskcast.machinery.array_types import Floats
from riskcast.machinery.tables import Column, Table, to_html

if TYPE_CHECKING:
    import pandas

PATHS = 4
MOST_SHOWN = 60


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
        estimates = [(event, unit, self.probability(event, unit)) for event, unit in cells[:MOST_SHOWN]]
        table = Table(
            "Probability of at least one event within the horizon",
            (
                Column("outcome, the most severe first"),
                Column("unit"),
                Column("probability", form="share"),
                Column("90 %", form="share range"),
            ),
            [(self.case.events[event].label, unit, estimate.mean, estimate) for event, unit, estimate in estimates],
            note=self.origin,
            warning=self.posterior.warning,
            left_out=max(len(cells) - MOST_SHOWN, 0),
        )
        return to_html(table, MOST_SHOWN)


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
