"""Forecasts that lie between two: of what was known by then, what was learned by then, and what was believed by then.

Each is a forecast that could have been made: a case of one day, with its memories and levels, simulated with the
parameters that some record had taught. All meet the same chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from riskcast.case.model import Case, Scenario
from riskcast.comparison.news import New, News
from riskcast.comparison.plan_pieces import PlanPieces
from riskcast.comparison.shapley import Floats
from riskcast.engines.hazard import build_escalations
from riskcast.engines.posterior import Posterior
from riskcast.errors import UnreliablePosteriorError
from riskcast.forecasting.closed_form import is_closed, solve
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.plan import Plan, plan_simulation
from riskcast.forecasting.requests import Request, fit_requested, forecast_requested
from riskcast.forecasting.scenarios import resolve_scenario
from riskcast.forecasting.simulation import BLOCK_CELLS, Simulated, simulate
from riskcast.machinery.array_types import Ints
from riskcast.machinery.random_streams import generator
from riskcast.record.arrays import Record, build_record

# What a record teaches: how restless the times are, and all else.
TENSION, RATES = "tension", "rates"
# Batches of draws, from whose means errors of paired differences are told.
BATCHES: Final = 25


@dataclass(frozen=True)
class Numbers:
    """Which numbers of a forecast are compared: scores of dyads, then outcomes in their units, by place."""

    dyads: tuple[str, ...]
    outcomes: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, first: Case, second: Case) -> Numbers:
        """What both cases forecast."""
        dyads = tuple(dyad for dyad in second.dyads if dyad in first.dyads)
        shared = [event for event in second.outcomes if event in first.outcomes]
        outcomes = [
            (event, unit)
            for event in shared
            if first.events[event].scope == second.events[event].scope
            for unit in (dyads if second.events[event].scope == "dyad" else second.units(event))
            if unit in first.units(event)
        ]
        return cls(dyads, tuple(outcomes))

    def __len__(self) -> int:
        return len(self.dyads) + len(self.outcomes)

    def read(self, case: Case, simulated: Simulated) -> Floats:
        """The headline numbers in points of a hundred, and below them their means over batches of draws: (1 + batches,
        numbers). Batches are the same in all forecasts of as many draws."""
        places = {dyad: place for place, dyad in enumerate(case.dyads)}
        columns = [places[dyad] for dyad in self.dyads]
        headline = simulated.mean_score[columns].tolist()
        drawn = [simulated.score[:, columns].astype(float)]
        for event, unit in self.outcomes:
            place = places[unit] if case.events[event].scope == "dyad" else 0
            headline.append(100.0 * float(simulated.headline(event)[place]))
            drawn.append(100.0 * simulated.probability[event][:, [place]].astype(float))
        draws = np.concatenate(drawn, axis=1)
        batches = min(BATCHES, len(draws))
        # What neighbouring draws have in common, as of one path of tension, is not to stay in one batch.
        turns = generator(0, "batches", len(draws)).permutation(len(draws))
        means = [draws[own].mean(axis=0) for own in np.array_split(turns, batches)]
        return np.array([headline, *means])


@dataclass
class InBetween:
    """Forecasts between two, of which fits are made once.

    news: what leads from the one to the other; request: scenario, draws and the like; kept: posteriors of the first and
    the second that were drawn before, if they can be used; step: hears that one more fit or forecast is done.
    """

    news: News
    request: Request
    numbers: Numbers
    kept: tuple[Posterior | None, Posterior | None]
    step: Callable[[], None]
    paths: int | None = None
    failures: dict[str, None] = field(default_factory=dict)
    _fits: dict[tuple[frozenset[str], bool], Posterior] = field(default_factory=dict)
    _pieces: dict[tuple[frozenset[str], bool, bytes], PlanPieces] = field(default_factory=dict)

    def fit(self, beliefs: Sequence[New], learned: bool) -> Posterior:
        """What the first record taught, or with `learned` the second, under some of the second's beliefs."""
        key = frozenset(new.id for new in beliefs), learned
        if key not in self._fits:
            ends = {(frozenset(), False): 0, (frozenset(new.id for new in self.news.beliefs), True): 1}
            kept = self.kept[ends[key]] if key in ends else None
            self._fits[key] = kept or self._fit(beliefs, learned)
            self.step()
        return self._fits[key]

    def _fit(self, beliefs: Sequence[New], learned: bool) -> Posterior:
        news = self.news
        case = news.learned_after(beliefs) if learned else news.learned_before(beliefs)
        near = self._fits.get((frozenset(new.id for new in news.beliefs if learned), learned))
        try:
            posterior = fit_requested(replace(self.request, base=case), reuse=near)
        except UnreliablePosteriorError as error:
            raise UnreliablePosteriorError(f"as of {case.as_of}: {error}") from None
        self.failures |= dict.fromkeys(posterior.diagnostics.failures)
        return posterior

    def end(self, second: bool) -> Forecast:
        """The first forecast, or the second, as it is made today."""
        posterior = self.fit(self.news.beliefs if second else (), second)
        [ahead] = forecast_requested(replace(self.request, base=posterior.case, paths=self.paths), posterior)
        self.step()
        return ahead

    @property
    def has_tension(self) -> bool:
        """Whether tension is learned of in both, apart from rates and effects."""
        return all(case.settings.tension is not None for case in (self.news.first, self.news.second))

    def planned(self, chosen: Iterable[New], learned: Iterable[str], part: Ints | None = None) -> Plan:
        """The rolled case with some of what is new, under the draws of what was learned: ready to simulate.

        learned: which of `tension` and `rates` are the second record's; part: which draws, all where None.
        """
        chosen, second = list(chosen), set(learned)
        rates = self._of_fit(chosen, RATES in second, part)
        if not self.has_tension or (RATES in second) == (TENSION in second):
            return rates
        return replace(rates, tension=self._of_fit(chosen, TENSION in second, part).tension)

    def _of_fit(self, chosen: Sequence[New], learned: bool, part: Ints | None) -> Plan:
        ids = {new.id for new in chosen}
        beliefs = tuple(new for new in self.news.beliefs if new.id in ids)
        key = frozenset(new.id for new in beliefs), learned, b"" if part is None else part.tobytes()
        if key not in self._pieces:
            case = self.news.case_with((*self.news.events, *self.news.values, *beliefs))
            posterior = posed(case, build_record(case), self.fit(beliefs, learned), part)
            self._pieces[key] = PlanPieces(self.news, posterior, beliefs, self._periods(case))
        return self._pieces[key].planned(chosen)

    def first_plan(self, part: Ints | None = None) -> Plan:
        """The first case on its own day."""
        fitted = self.fit((), False)
        drawn = fitted if part is None else drawn_part(fitted, part)
        return plan_simulation(drawn, self._periods(drawn.case), drawn.seed)

    def _periods(self, case: Case) -> int:
        return replace(self.request, base=case).periods

    def worth(self, plan: Plan) -> Floats:
        """The numbers of a plan: (1 + batches, numbers)."""
        simulated = simulated_from(plan, resolve_scenario(plan.case, self.request.scenarios[0])[1], self.paths)
        self.step()
        return self.numbers.read(plan.case, simulated)


def simulated_from(plan: Plan, scenario: Scenario, paths: int | None) -> Simulated:
    """What the horizon of a plan holds, as `forecast` simulates it."""
    return solve(plan, scenario, BLOCK_CELLS) if is_closed(plan) else simulate(plan, scenario, paths or None)


def posed(case: Case, record: Record, fitted: Posterior, part: Ints | None = None) -> Posterior:
    """A case under parameters that another record of it has taught: memories and levels are the case's, the draws of
    base rates, effects, shocks and tension are those that were fitted.

    Shocks and tension go on from the last year or period that was learned of. part: which draws, all where None.
    """
    models = {
        event: replace(model, escalations=build_escalations(case, record, event))
        for event, model in fitted.models.items()
    }
    found = fitted if part is None else drawn_part(fitted, part)
    return replace(found, case=case, record=record, models=models, kept=None)


def drawn_part(posterior: Posterior, part: Ints) -> Posterior:
    """A posterior of some of its draws."""
    shared = None if posterior.shared is None else posterior.shared.take(part)
    events = {name: drawn.take(part) for name, drawn in posterior.events.items()}
    return replace(posterior, events=events, shared=shared, draws=len(part), kept=None)
