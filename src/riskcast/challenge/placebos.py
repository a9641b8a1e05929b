"""Effects that do nothing: whatever one believes of them, no score and no probability moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from riskcast.case.model import Effect
from riskcast.case.quantity_names import Labels
from riskcast.challenge.beliefs import widening_of
from riskcast.engines.hazard import half_life_ratio
from riskcast.engines.posterior import Posterior
from riskcast.forecasting.estimates import HIGH, LOW
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.lineage import rounded
from riskcast.forecasting.plan import EventPlan, Plan, plan_simulation
from riskcast.forecasting.simulation import simulate
from riskcast.machinery.array_types import Floats
from riskcast.numbers import share

# So many draws at first, and as many more where they leave it open.
STAGES: Final = (100, 400)
PATHS: Final = 4
# A source must happen in so many futures before they can say that it moves nothing.
LEAST_MET: Final = 10.0
# What moves less than these is shown as nothing.
LEAST_POINTS: Final = 0.1
LEAST_CHANCE: Final = 0.005
# Why it may be so: a target that is as rare, a ratio as large.
RARE: Final = 0.05
LARGE: Final = 50.0


@dataclass(frozen=True)
class Placebo:
    """An effect of which the whole range moves nothing, all else held.

    low, high: the 5 and 95 % quantiles of its rate ratio, or ratio of half-lives, between which it was moved; points,
    error: by how much that moved a score at most, and the paired Monte Carlo error; chance, chance_error: a probability
    at most, 0 to 1; why: what stands in its way, as far as that can be told; is_told: whether two errors more would
    be nothing still, and its source happened often enough to tell.
    """

    effect: str
    label: str
    low: float
    high: float
    points: float
    error: float
    chance: float
    chance_error: float
    why: str
    is_told: bool

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        numbers = ("low", "high", "points", "error", "chance", "chance_error")
        return {
            "effect": self.effect,
            "label": self.label,
            **{name: rounded(getattr(self, name)) for name in numbers},
            "why": self.why,
        }


def find_placebos(ahead: Forecast, *, progress: Callable[[int, int], None] | None = None) -> tuple[Placebo, ...]:
    """Effects of a forecast's case of which the whole range, from the 5 to the 95 % quantile of what is believed now,
    moves no score by 0.1 points and no probability by half a percentage point, in any dyad.

    Each is held at both ends in 100 draws, with common random numbers and all else as drawn: the record is not asked
    again. Those that move today's rates are passed over at once. What an effect does is at most what happens while its
    source does: one that is likely in fewer than 10 of the futures, and is not next to impossible, cannot be told.
    What is open after 100 draws is looked at with 400; what is open then has `is_told` False.
    """
    posterior = ahead.posterior
    stages = dict.fromkeys(min(draws, posterior.draws) for draws in STAGES)
    thins = [_Thin.of(ahead, draws) for draws in stages]
    effects = [effect for effect in ahead.case.effects if not effect.rate_ratio.is_fixed]
    found = []
    for done, effect in enumerate(effects):
        if progress is not None:
            progress(done, len(effects))
        low, high = (float(end) for end in np.quantile(_ratios(posterior, effect), (LOW, HIGH)))
        for thin in thins:
            moved = thin.moved(effect, low, high)
            if moved is None or moved.is_something or moved.is_nothing:
                break
        if moved is not None and moved.is_small:
            label, why = Labels.of(ahead.case).effect(effect.id), _why(ahead, effect)
            found.append(Placebo(effect.quantity_id, label, low, high, *moved.numbers, why, moved.is_nothing))
    return tuple(found)


@dataclass(frozen=True)
class _Moved:
    """By how much a score, in points, and a probability moved at most, with errors; and whether the source happened
    often enough."""

    points: float
    error: float
    chance: float
    chance_error: float
    is_met: bool

    @property
    def numbers(self) -> tuple[float, float, float, float]:
        return self.points, self.error, self.chance, self.chance_error

    @property
    def is_small(self) -> bool:
        return self.points < LEAST_POINTS and self.chance < LEAST_CHANCE

    @property
    def is_nothing(self) -> bool:
        points, chance = self.points + 2.0 * self.error, self.chance + 2.0 * self.chance_error
        return self.is_met and points < LEAST_POINTS and chance < LEAST_CHANCE

    @property
    def is_something(self) -> bool:
        points, chance = self.points - 2.0 * self.error, self.chance - 2.0 * self.chance_error
        return points >= LEAST_POINTS or chance >= LEAST_CHANCE


@dataclass(frozen=True)
class _Thin:
    """A forecast with few of its draws, on which effects are held."""

    ahead: Forecast
    posterior: Posterior
    planned: Plan
    wider: float

    @classmethod
    def of(cls, ahead: Forecast, draws: int) -> _Thin:
        thin = _thinned(ahead.posterior, draws)
        return cls(ahead, thin, plan_simulation(thin, ahead.horizon, ahead.seed), widening_of(ahead.posterior))

    def moved(self, effect: Effect, low: float, high: float) -> _Moved | None:
        """What an effect moves from one end to the other; None where today's rates tell at once that it does."""
        plans = [_held(self.posterior, self.planned, self.ahead, effect, ratio) for ratio in (low, high)]
        places = np.arange(len(self.ahead.case.dyads))
        one, two = (held.chances(places).mean(axis=1) for held in plans)
        if np.abs(two - one).max() >= LEAST_CHANCE:
            return None
        first, second = (simulate(held, self.ahead.scenario, PATHS) for held in plans)
        points, error = _moved_most(second.mean_score - first.mean_score, second.score - first.score)
        chances = [
            _moved_most(second.headline(e) - first.headline(e), second.probability[e] - first.probability[e])
            for e in self.ahead.case.events
        ]
        # The largest of many: that which is so with its error.
        chance, chance_error = max(chances, key=lambda one: one[0] + 2.0 * self.wider * one[1])
        return _Moved(points, self.wider * error, chance, self.wider * chance_error, self._is_met(effect))

    def _is_met(self, effect: Effect) -> bool:
        """Whether so many futures hold the source often enough, or it is so rare that nothing can come of it."""
        if effect.source not in self.ahead.case.events:
            return True
        chances = self.ahead.estimates[effect.source].mean
        if float(chances.max(initial=0.0)) * self.posterior.draws * PATHS >= LEAST_MET:
            return True
        return float(chances.sum()) < min(LEAST_CHANCE, LEAST_POINTS / 100.0)


def _thinned(posterior: Posterior, draws: int) -> Posterior:
    """The first draws of a posterior."""
    part = slice(draws)
    shared = None if posterior.shared is None else posterior.shared.take(part)
    events = {name: drawn.take(part) for name, drawn in posterior.events.items()}
    return replace(posterior, draws=draws, events=events, shared=shared, kept=None)


def _ratios(posterior: Posterior, effect: Effect) -> Floats:
    """An effect in every draw, as it is stated: (draws,)."""
    if effect.on == "half_life":
        return posterior.events[effect.target].hyper[half_life_ratio(effect)]
    place = posterior.models[effect.target].coefficients.index(effect.id)
    return np.exp(posterior.stated(effect.target)[:, place])


def _held(posterior: Posterior, plan: Plan, ahead: Forecast, effect: Effect, ratio: float) -> Plan:
    """The plan with an effect held at one ratio in all draws."""
    if effect.on == "half_life":
        drawn = posterior.events[effect.target]
        hyper = {**drawn.hyper, half_life_ratio(effect): np.full(posterior.draws, ratio)}
        events = {**posterior.events, effect.target: replace(drawn, hyper=hyper)}
        return plan_simulation(replace(posterior, events=events), ahead.horizon, ahead.seed)
    edges = [one for one in ahead.case.effects_on(effect.target) if one.is_escalation == effect.is_escalation]
    place = [one.id for one in edges].index(effect.id)
    target = next(p for p in plan.events if p.event == effect.target)
    size = np.full(plan.draws, np.log(ratio))
    changed = _at_event(target, place, size) if effect.is_escalation else _at_slope(target, place, size, posterior)
    return replace(plan, events=tuple(changed if p is target else p for p in plan.events))


def _at_event(plan: EventPlan, place: int, size: Floats) -> EventPlan:
    edges = list(plan.edges)
    edges[place] = replace(edges[place], gain=(size / edges[place].memory.unit).astype(edges[place].gain.dtype))
    return replace(plan, edges=tuple(edges))


def _at_slope(plan: EventPlan, place: int, size: Floats, posterior: Posterior) -> EventPlan:
    slopes = list(plan.slopes)
    name, slope = slopes[place]
    slopes[place] = name, (size * posterior.trust).astype(slope.dtype)
    return replace(plan, slopes=tuple(slopes))


def _moved_most(moved: Floats, paired: Floats) -> tuple[float, float]:
    """The largest move of any unit, (units,), and its error by the differences of draws, (draws, units)."""
    unit = int(np.abs(moved).argmax())
    return float(np.abs(moved[unit])), float(paired[:, unit].std() / np.sqrt(len(paired)))


def _why(ahead: Forecast, effect: Effect) -> str:
    return next(_reasons(ahead, effect), "")


def _reasons(ahead: Forecast, effect: Effect) -> Iterator[str]:
    """What stands in an effect's way."""
    case = ahead.case

    def most(event: str) -> float:
        return float(ahead.estimates[event].mean.max(initial=0.0))

    if effect.source in case.indicators:
        if float(np.abs(np.median(ahead.plan.today[effect.source], axis=0)).max()) < 0.1:
            yield "its level stands at the reference"
    elif float(np.quantile(_ratios(ahead.posterior, effect), LOW)) > LARGE:
        yield "whatever it is within its range, the one is all but certain to follow the other"
    elif effect.is_escalation:
        edges = [one for one in case.effects_on(effect.target) if one.is_escalation]
        plan = next(p for p in ahead.plan.events if p.event == effect.target)
        felt = plan.edges[[one.id for one in edges].index(effect.id)].felt
        if float(np.abs(felt).mean(axis=0).max()) < 0.05:
            label = case.events[effect.source].label
            yield f"nothing of it is remembered today, and {label} has a chance of {share(most(effect.source))} at most"
    if most(effect.target) < RARE:
        yield f"{case.events[effect.target].label} has a chance of {share(most(effect.target))} at most"
