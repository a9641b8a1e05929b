"""Posterior -> forecast: probabilities of every kind of event for every dyad, and paired differences of forecasts."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Case, Scenario
from riskcast.case.periods import Cells
from riskcast.engines.posterior import Posterior
from riskcast.errors import OptionError, UnknownNameError
from riskcast.forecasting.accuracy import Accuracy, accuracy_of, standard_errors
from riskcast.forecasting.blocks import Averages, Drawn, estimate_all
from riskcast.forecasting.closed_form import is_closed, solve
from riskcast.forecasting.estimates import Estimate, Estimates, given_parameters, span
from riskcast.forecasting.outside_numbers import Outside
from riskcast.forecasting.phases import Phase, phases_of
from riskcast.forecasting.plan import Plan, plan_simulation
from riskcast.forecasting.scenarios import excluded_events, resolve_scenario
from riskcast.forecasting.simulation import BLOCK_CELLS, Simulated, simulate
from riskcast.machinery.array_types import Floats
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.names import DYAD
from riskcast.numbers import MOST_NAMED, more, number, share

if TYPE_CHECKING:
    import pandas
    import xarray

MOST_SHOWN = 60


@dataclass(frozen=True)
class Forecast:
    """Probabilities within the horizon, given each draw of the parameters.

    `paths`: futures of each draw, 0 where a closed form took their place; `paths_given`: whether they were asked for,
    so that none are added; `outside`: the numbers of others that it was adjusted by, None where there are none.
    """

    posterior: Posterior
    scenario_name: str
    scenario: Scenario
    horizon: int
    paths: int
    seed: int
    plan: Plan
    simulated: Simulated
    paths_given: bool = False
    outside: Outside | None = None

    @property
    def cautions(self) -> tuple[str, ...]:
        """What is to be said beside every number: what it was adjusted by, and what the record lacks."""
        return (*(() if self.outside is None else (self.outside.told,)), *self.posterior.cautions)

    @property
    def case(self) -> Case:
        """The case that is forecast."""
        return self.posterior.case

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        """Where the dyads that are forecast stand among those of the case: (dyads,)."""
        return np.flatnonzero(self.posterior.record.present)

    @cached_property
    def dyads(self) -> tuple[str, ...]:
        """The dyads that are forecast: those that exist at the start of the horizon."""
        return tuple(self.case.dyads[i] for i in self.columns.tolist())

    def units(self, event: str) -> tuple[str, ...]:
        """The units for which an event type is forecast."""
        return self.dyads if self.case.events[event].scope == "dyad" else self.case.units(event)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {dyad: place for place, dyad in enumerate(self.dyads)}

    def _place(self, unit: str, shared: bool = False) -> int:
        """Where a unit stands among those that are forecast; raises UnknownNameError where it is not forecast."""
        places = {self.case.host: 0} if shared else self._places
        if unit not in places:
            raise UnknownNameError("dyad at the start of the horizon", unit, tuple(places))
        return places[unit]

    def _is_shared(self, event: str) -> bool:
        return self.case.events[event].scope == "host"

    @property
    def window(self) -> tuple[dt.date, dt.date]:
        """First and last day of the horizon."""
        return self.posterior.record.timeline.horizon(self.horizon)

    @cached_property
    def ends(self) -> tuple[dt.date, ...]:
        """Last day of every cell of the horizon: of what `by_period` runs over."""
        return self.cells.last

    def days_of(self, period: int) -> tuple[dt.date, dt.date]:
        """First and last day of a period of the horizon, counted from 1; the first and last may be parts of one."""
        return self.cells.first[period - 1], self.cells.last[period - 1]

    @cached_property
    def cells(self) -> Cells:
        """The periods of the horizon, or parts of them."""
        return self.posterior.record.timeline.cells(self.horizon)

    @cached_property
    def estimates(self) -> Mapping[str, Estimates]:
        """By event type: probability of at least one event within the horizon, of every unit in `units(event)`."""
        return {event: self._estimates[event] for event in self.case.events}

    @cached_property
    def recorded_estimates(self) -> Mapping[str, Estimates]:
        """By event type: probability that at least one event is recorded within the horizon, by a search that finds as
        much as today's, of every unit in `units(event)`: what can be verified."""
        if self.simulated.recorded is None:
            return self.estimates
        thinned = [p.event for p in self.plan.events if p.is_thinned]
        quantities = {
            event: Averages(partial(self.averages, event, recorded=True), 0.0, 1.0, self._is_shared(event))
            for event in thinned
        }
        found = estimate_all(self.plan, self.columns, quantities, rows=self.simulated.rows)
        return {event: found.get(event, own) for event, own in self.estimates.items()}

    @cached_property
    def scores(self) -> Estimates:
        """The score, 0-100, of every dyad in `dyads`: the mean of what its own outcomes within the horizon add up to
        (`score_rule`)."""
        return self._estimates[None]

    @cached_property
    def _estimates(self) -> Mapping[str | None, Estimates]:
        """By event type, and of the score under None."""
        quantities: dict[str | None, Averages] = {
            event: Averages(partial(self.averages, event), 0.0, 1.0, self._is_shared(event))
            for event in self.case.events
        }
        quantities |= {None: Averages(self.score_averages, 0.0, 100.0)}
        return estimate_all(self.plan, self.columns, quantities, rows=self.simulated.rows)

    def averages(self, event: str, columns: NDArray[np.int64], *, recorded: bool = False) -> Drawn:
        """Each draw's probability of an event type in some dyads, or in the host, and its error, (draws, units); and
        the headline probability, (units,); with `recorded` that one is recorded."""
        which = slice(0, 1) if self._is_shared(event) else columns
        found = self.simulated.verifiable if recorded else self.simulated
        return (
            found.probability[event][found.rows][:, which],
            found.probability_error[event][found.rows][:, which],
            found.headline(event)[which],
        )

    def score_averages(self, columns: NDArray[np.int64]) -> Drawn:
        """Each draw's score of some dyads, its error, (draws, dyads); and the headline score, (dyads,)."""
        found = self.simulated
        rows = found.rows
        return found.score[rows][:, columns], found.score_error[rows][:, columns], found.mean_score[columns]

    @cached_property
    def paths_by_period(self) -> Mapping[str, Floats]:
        """By event type: probability of at least one event by the end of each period, (units, periods)."""
        which = {event: [0] if self._is_shared(event) else self.columns for event in self.case.events}
        return {e: self.simulated.by_period[e][:, columns].T for e, columns in which.items()}

    def probability(self, event: str, unit: str) -> Estimate:
        """Probability of at least one event of a type in a unit within the horizon."""
        place = self._place(unit, self._is_shared(event))
        return self.estimates[event][place]

    def recorded(self, event: str, unit: str) -> Estimate:
        """Probability that at least one event of a type in a unit is recorded within the horizon."""
        place = self._place(unit, self._is_shared(event))
        return self.recorded_estimates[event][place]

    @cached_property
    def found_in_part(self) -> str:
        """Of which event types a search like today's records a part, in a sentence; empty where all is found."""
        thinned = [p for p in self.plan.events if p.is_thinned]
        if not thinned:
            return ""
        named = ", ".join(self.case.events[p.event].label for p in thinned[:MOST_NAMED]) + more(thinned)
        low, high = (end(float(end(p.recall)) for p in thinned) for end in (min, max))
        part = share(low) if low == high else f"{share(low)} to {share(high)}"
        return (
            f"A search like today's finds {part} of what happens ({named}). Probabilities and scores are of what "
            "happens; the chance that it is recorded, which can be verified, stands in files as “recorded”."
        )

    @cached_property
    def _assumed(self) -> dict[str, frozenset[str] | None]:
        """By event type that the scenario takes as given: in which dyads, None where in all."""
        found: dict[str, frozenset[str] | None] = {}
        for assumed in self.scenario.events:
            if assumed.happens:
                known = found.get(assumed.event, frozenset())
                found[assumed.event] = None if known is None or assumed.dyads is None else known | set(assumed.dyads)
        return found

    def happens(self, event: str, unit: str) -> bool:
        """Whether the scenario takes it as given that the event happens in that unit."""
        where = self._assumed.get(event, frozenset())
        return where is None or unit in where

    def is_ruled_out(self, event: str, unit: str) -> bool:
        """Whether the scenario takes it as given that the event does not happen in that unit, in all of the horizon."""
        return len(self._ruled_out.get((event, unit), ())) == self.plan.cells

    @cached_property
    def _ruled_out(self) -> dict[tuple[str, str], set[int]]:
        """By event type and unit: the cells in which the scenario rules the event out."""
        found: dict[tuple[str, str], set[int]] = {}
        for (cell, event), places in excluded_events(self.case, self.scenario, self.plan.cells).items():
            units = self.case.units(event)
            for place in places:
                found.setdefault((event, units[place]), set()).add(cell)
        return found

    def is_assumed(self, event: str, unit: str) -> bool:
        """Whether the scenario says of the event that it happens in that unit, or that it does not in all of the
        horizon: its probability is then 1 or 0, and no forecast."""
        return self.happens(event, unit) or self.is_ruled_out(event, unit)

    def by_period(self, event: str, unit: str) -> list[float]:
        """Probability of at least one event by the end of each period of the horizon."""
        place = self._place(unit, self._is_shared(event))
        return self.paths_by_period[event][place].tolist()

    def score(self, dyad: str) -> Estimate:
        """A dyad's score, 0-100: the mean of what its own outcomes within the horizon add up to."""
        place = self._place(dyad)
        return self.scores[place]

    @cached_property
    def exceedance(self) -> Mapping[float, Floats]:
        """By severity of the case's own outcomes, from low to high: chance that the worst outcome of a dyad within the
        horizon has at least that severity, (dyads,)."""
        return {level: self.simulated.peaks[level][self.columns] for level in sorted(self.simulated.peaks)}

    @cached_property
    def phases(self) -> Mapping[str, tuple[Phase, ...]]:
        """By event type: whether an event would be an onset or a continuation, in every unit in `units(event)`."""
        found = {}
        for event in self.case.events:
            every = phases_of(self.posterior.record, event)
            found[event] = every if self._is_shared(event) else tuple(every[i] for i in self.columns.tolist())
        return found

    def phase(self, event: str, unit: str) -> Phase:
        """Whether an event of a type would be an onset or a continuation in a unit."""
        return self.phases[event][self._place(unit, self._is_shared(event))]

    @cached_property
    def grave(self) -> Floats | None:
        """Chance of at least one grave outcome, from the severity that the case names on, (dyads,); None where it names
        none."""
        least = self.case.settings.grave
        if least is None:
            return None
        above = (share for level, share in self.exceedance.items() if level >= least)
        return next(above, np.zeros(len(self.dyads)))

    def grave_is_assumed(self, dyad: str) -> bool:
        """Whether the scenario says of a dyad that a grave outcome happens, or that none does in all of the horizon."""
        least, events = self.case.settings.grave, self.case.events
        own = [] if least is None else [e for e in self.case.own_outcomes if (events[e].severity or 0.0) >= least]
        none = bool(own) and all(self.is_ruled_out(event, dyad) for event in own)
        return none or any(self.happens(event, dyad) for event in own)

    @cached_property
    def accuracy(self) -> Accuracy:
        """How far the headline numbers may be off for want of draws and paths."""
        return accuracy_of(self.plan, self.simulated)

    @cached_property
    def standard_errors(self) -> Mapping[str, Floats]:
        """By event type: Monte Carlo standard error of the headline probability of every unit in `units(event)`."""
        found = self.simulated.probability
        which = {event: [0] if self._is_shared(event) else self.columns for event in self.case.events}
        rows = self.simulated.rows
        return {event: standard_errors(found[event][rows][:, columns]) for event, columns in which.items()}

    def with_paths(self, paths: int) -> Forecast:
        """The same forecast from so many futures of each draw; itself where it has them, or a closed form.

        Raises OptionError where numbers from outside were weighed in.
        """
        if self.paths in (0, paths):
            return self
        if self.outside is not None and self.outside.acts:
            wrong = "numbers from outside are weighed in on the futures that there are"
            raise OptionError(f"{wrong}; ask for as many paths in all forecasts")
        simulated = simulate(self.plan, self.scenario, paths)
        return replace(self, paths=paths, simulated=simulated)

    def chance_above(self, dyad: str, other: str) -> float:
        """Probability that a dyad's score is above another's, over what is not known of the parameters.

        The paired difference of each draw is blurred by the simulation's error of its mean, so that chance does not
        put one of two equal dyads first; a difference of exactly 0 counts half.
        """
        pair = self.columns[[self._place(dyad), self._place(other)]]
        drawn, noise, _ = self.score_averages(pair)
        (one, two), (error_one, error_two) = drawn.T, noise.T
        error = np.hypot(error_one, error_two)
        basis = span(np.concatenate(span(self.plan.chances(pair)[:, self.simulated.rows])).T[None])
        paired = given_parameters((one - two)[None], error[None], basis)[0]
        blur = float(np.sqrt(np.square(error, dtype=float).mean() / len(paired)))
        if blur == 0.0:
            return float((paired > 0.0).mean() + 0.5 * (paired == 0.0).mean())
        return sum(math.erfc(-step / (blur * math.sqrt(2))) for step in paired.tolist()) / (2 * len(paired))

    def to_frame(self) -> pandas.DataFrame:
        """One row for each event type and unit: probability with its interval, and that of a recorded event."""
        import pandas

        frames = [
            pandas.DataFrame(
                {
                    "dyad": self.units(event),
                    "event": event,
                    "probability": e.mean,
                    "low": e.low,
                    "high": e.high,
                    "recorded": self.recorded_estimates[event].mean,
                }
            )
            for event, e in self.estimates.items()
        ]
        return pandas.concat(frames, ignore_index=True)

    def to_dataset(self) -> xarray.Dataset:
        """All estimates with named dimensions: probability and recorded (estimate, event, dyad), shared_probability and
        shared_recorded (estimate, shared_event), score (estimate, dyad), and by_period of the probabilities (...,
        period_end); an estimate is mean, low or high, the ends of the 90 % interval."""
        import xarray

        own = [event for event in self.case.events if not self._is_shared(event)]
        shared = [event for event in self.case.events if self._is_shared(event)]
        variables: dict[str, Any] = {"score": (("estimate", DYAD), _stacked(self.scores))}
        coords: dict[str, Any] = {"estimate": ["mean", "low", "high"], DYAD: list(self.dyads)}
        coords["period_end"] = np.array(self.ends, dtype="datetime64[ns]")
        for front, events, dims in (("", own, ("event", DYAD)), ("shared_", shared, ("shared_event",))):
            if events:
                for name, estimates in (("probability", self.estimates), ("recorded", self.recorded_estimates)):
                    found = np.stack([_stacked(estimates[event]) for event in events], axis=1)
                    variables[f"{front}{name}"] = (("estimate", *dims), found[..., 0] if front else found)
                paths = np.stack([self.paths_by_period[event] for event in events])
                place = (..., 0, slice(None)) if front else (...,)
                variables[f"{front}by_period"] = ((*dims, "period_end"), paths[place])
                coords[dims[0]] = events
        return xarray.Dataset(variables, coords)

    @property
    def origin(self) -> str:
        """In a sentence: horizon, scenario, and all that the posterior comes from."""
        first, last = self.window
        error = f"Monte Carlo error at most {number(self.accuracy.points, 1)} points"
        days = f"From {first:%Y-%m-%d} to {last:%Y-%m-%d}, scenario {self.scenario.label}"
        adjusted = "" if self.outside is None else f"{self.outside.told} "
        return f"{days}. {error}. {adjusted}{self.posterior.origin}"

    def __repr__(self) -> str:
        return f"<Forecast of {len(self.dyads):,} dyads. {self.origin}>"

    def _repr_html_(self) -> str:
        ranked = sorted(self.case.outcomes, key=lambda name: -(self.case.events[name].severity or 0.0))
        cells = (
            (self.case.events[event].label, unit, estimate.mean, estimate)
            for event in ranked
            for unit, estimate in zip(self.units(event), self.estimates[event], strict=True)
        )
        total = sum(len(self.units(event)) for event in ranked)
        table = Table(
            "Probability of at least one event within the horizon",
            (
                Column("outcome, the most severe first"),
                Column("unit"),
                Column("probability", form="share"),
                Column("90 %", form="share range"),
            ),
            list(islice(cells, MOST_SHOWN)),
            note=self.origin,
            warning=self.posterior.warning,
            left_out=max(total - MOST_SHOWN, 0),
        )
        return to_html(table, MOST_SHOWN)


def _stacked(estimates: Estimates) -> Floats:
    """(estimate, units): mean, low, high."""
    return np.stack([estimates.mean, estimates.low, estimates.high])


def check_horizon(case: Case, horizon: int | None) -> int:
    """The horizon in periods, the case's own where None is given; raises OptionError outside 1 to 600."""
    horizon = case.settings.horizon if horizon is None else horizon
    if not 1 <= horizon <= 600:
        raise OptionError(f"horizon is {horizon}; give a number of {case.settings.period}s from 1 to 600")
    return horizon


def check_paths(paths: int | None) -> None:
    """Raise OptionError for a number of paths outside 2 to 1000; None leaves it to `simulate`."""
    if paths is not None and not 2 <= paths <= 1000:
        raise OptionError(f"paths is {paths}; give a number from 2 to 1000, as one cannot tell chance from ignorance")


def check_whom(name: str, scenario: Scenario, present: Collection[str]) -> None:
    """Raise OptionError where a scenario names a dyad that does not exist at the start of the horizon."""
    named = [dyad for assumed in (*scenario.indicators, *scenario.events) for dyad in assumed.dyads or ()]
    gone = next((dyad for dyad in named if dyad not in present), None)
    if gone is not None:
        wrong = f"scenario {name} names {gone}, which has no row at the start of the horizon"
        raise OptionError(f"{wrong}; remove it from `dyads:`, or add its row")


def check_reach(name: str, scenario: Scenario, horizon: int) -> None:
    """Raise OptionError where a scenario assumes something that lies beyond the horizon and would go unheard."""
    last = max((*(e.month or 1 for e in scenario.events), *(move.start for move in scenario.indicators)), default=1)
    if last > horizon:
        wrong = f"scenario {name} reaches period {last}, beyond the horizon of {horizon}"
        raise OptionError(f"{wrong}; give --horizon {last} or more")


def forecast(
    posterior: Posterior,
    scenario: str | Scenario | None = None,
    horizon: int | None = None,
    seed: int | None = None,
    *,
    paths: int | None = None,
    cells: int = BLOCK_CELLS,
    progress: Callable[[int, int], None] | None = None,
) -> Forecast:
    """Simulate the horizon under a scenario for every draw of the posterior.

    `horizon` is in the case's periods; `paths` futures are simulated for every draw, as many as `simulate` finds enough
    where none are given, and none where one cell has a closed form. The same seed gives the same chance to every
    scenario. `cells`: how many numbers (paths times dyads) are simulated together, which bounds memory and changes no
    digit that is shown. Raises UnknownNameError for an unknown scenario, OptionError for a bad option, RiskcastError
    where a rate is no number.

    >>> from riskcast import fit, load_case
    >>> ahead = forecast(fit(load_case("central_asia_2024"), draws=200), horizon=3)
    >>> 0 < ahead.probability("demarche", "RUS-TJK").mean < 1
    True
    """
    case = posterior.case
    horizon = check_horizon(case, horizon)
    check_paths(paths)
    name, assumed = resolve_scenario(case, scenario)
    check_reach(name, assumed, horizon)
    seed = posterior.seed if seed is None else seed
    plan = plan_simulation(posterior, horizon, seed)
    check_whom(name, assumed, {dyad for dyad, there in zip(case.dyads, plan.present, strict=True) if there})
    closed = is_closed(plan)
    simulated = solve(plan, assumed, cells) if closed else simulate(plan, assumed, paths, progress, cells)
    return Forecast(posterior, name, assumed, horizon, simulated.paths, seed, plan, simulated, paths is not None)


def with_equal_paths(forecasts: Sequence[Forecast]) -> tuple[Forecast, ...]:
    """Forecasts that are to be compared, with the same number of futures of each draw: they meet the same chance.

    Those whose number was asked for keep it, and give it to the others; else the largest is that of all.
    """
    given = [ahead.paths for ahead in forecasts if ahead.paths_given and ahead.paths]
    most = max(given or (ahead.paths for ahead in forecasts), default=0)
    return tuple(ahead if ahead.paths_given else ahead.with_paths(most) for ahead in forecasts)
