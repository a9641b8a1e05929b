"""The number of every term of an assertion, with its 90 % interval and Monte Carlo error, from shared forecasts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from riskcast.case.model import Case
from riskcast.case.quantities import Z90, Quantity
from riskcast.challenge.claim_paths import effects_between
from riskcast.challenge.claim_terms import (
    Base,
    Chance,
    Change,
    Contribution,
    Effect,
    Ending,
    Extreme,
    Fading,
    Level,
    MemoryEffect,
    Number,
    Recorded,
    Rise,
    ScoreOf,
    Subject,
    Term,
)
from riskcast.engines.hazard import half_life_ratio
from riskcast.forecasting.attribution import Explanation
from riskcast.forecasting.blocks import Averages, estimate_all
from riskcast.forecasting.draw_spread import parameter_basis
from riskcast.forecasting.estimates import HIGH, LOW, Estimate
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.query_terms import Query
from riskcast.forecasting.questions import Count
from riskcast.forecasting.shares_of_paths import LEAST_DRAWS, LEAST_PATHS, Tally, share_of
from riskcast.machinery.array_types import Floats
from riskcast.names import RAISED, RECENT


class NotEncodedError(LookupError):
    """Nothing in the case could carry what is asserted; says what is missing."""


class TooFewError(LookupError):
    """A condition holds on too few futures to say anything; says on how many."""


@dataclass(frozen=True)
class Value:
    """A number with its 90 % interval and the Monte Carlo standard error of its mean; `flaw`: why it speaks against the
    assertion whatever its size, empty where it does not."""

    estimate: Estimate
    error: float = 0.0
    flaw: str = ""

    def less(self, other: Value, factor: float, together: float = 0.0) -> Value:
        """This less `factor` times another, from the intervals of both and the correlation of what is not known of
        them: low = d - sqrt(a^2 + b^2 - 2 r a b), a and b the sides that face it (Zou and Donner, 2008).

        >>> one, two = Value(Estimate(0.5, 0.3, 0.7)), Value(Estimate(0.5, 0.2, 0.8))
        >>> one.less(two, 1.0, together=1.0).estimate.low.__round__(2)
        -0.1
        """
        (mean, low, high), (m, lo, hi) = (
            (v.estimate.mean, v.estimate.low, v.estimate.high) for v in (self, other)
        )  # fmt: skip
        down, up = _side(mean - low, factor * (hi - m), together), _side(high - mean, factor * (m - lo), together)
        d = mean - factor * m
        error = math.hypot(self.error, factor * other.error)
        return Value(Estimate(d, d - down, d + up), error, self.flaw or other.flaw)


def _side(one: float, two: float, together: float) -> float:
    return math.sqrt(max(0.0, one**2 + two**2 - 2.0 * together * one * two))


@dataclass(frozen=True)
class Worlds:
    """The forecasts that all claims share: the baseline, its explanation and counted paths, one for each subject."""

    baseline: Forecast
    moved: Mapping[Subject, Forecast]
    explained: Explanation | None
    count: Count | None
    places: Mapping[tuple[Query, str | None], int] = field(default_factory=dict)

    @cached_property
    def case(self) -> Case:
        """The case that is forecast."""
        return self.baseline.case

    def value(self, term: Term) -> Value:
        """The number of a term; raises NotEncodedError where the case holds nothing of it."""
        match term:
            case Change() | ScoreOf():
                return self.mixed([(1.0, term)])
            case Chance(query):
                return self.chance(query)
            case Number(value):
                return Value(Estimate(value, value, value))
            case Effect(source, target, path):
                effects = effects_between(self.case, source, target, path)
                if not effects:
                    raise NotEncodedError(f"no effect of {source} on the rate of {target}{_through(path)}")
                return _factor(sum(self._log_ratio(target, effect.id) for effect in effects))
            case Extreme(source, highest):
                found = [e for e in self.case.effects if e.source == source and e.on == "rate"]
                if not found:
                    raise NotEncodedError(f"no effect of {source} on a rate")
                sizes = [self._log_ratio(effect.target, effect.id) for effect in found]
                return _factor((max if highest else min)(sizes, key=np.median))
            case Ending(answer, cause):
                return self._ending(answer, cause)
            case MemoryEffect(indicator, event):
                effects = [e for e in self.case.half_life_effects_on(event) if e.source == indicator]
                if not effects:
                    raise NotEncodedError(f"no effect of {indicator} on a half-life of {event}")
                hyper = self.baseline.posterior.events[event].hyper
                return _factor(sum(np.log(hyper[half_life_ratio(effect)]) for effect in effects))
            case Base(event):
                rate = np.exp(self.baseline.posterior.events[event].coefficients[:, 0])
                return _drawn(-np.expm1(-rate * self.case.periods_per_year))
            case Level(indicator, whom, reference):
                held = self.case.indicators[indicator]
                if reference:
                    return self.value(Number(held.reference))
                steps = self.baseline.plan.today[indicator]
                column = 0 if whom is None or steps.shape[1] == 1 else self.case.dyads.index(whom)
                return _drawn(np.asarray(held.level(steps[:, column]), dtype=float))
            case Rise(source, indicator):
                return _believed(self._moving(source, indicator))
            case Fading(memory, event):
                found = self.case.settings.memories[memory].half_life
                return _believed(found if event is None else self.case.half_life(event, memory))  # ty: ignore[invalid-argument-type]
            case Recorded(event, whom, first, last):
                rows = [r for r in self.case.event_rows if r.type == event and first <= r.date <= last]
                count = float(sum(whom is None or row.dyad == whom for row in rows))
                return Value(Estimate(count, count, count))
            case Contribution(drivers, whom):
                return self._contribution(drivers, whom)

    def mixed(self, parts: Sequence[tuple[float, Change | ScoreOf]]) -> Value:
        """Weighted sum of changes and scores, draw by draw under the same chance."""
        ahead = self.baseline
        terms = [piece for weight, term in parts for piece in self._pieces(weight, term)]

        def of(_: object) -> tuple[Floats, Floats, Floats]:
            drawn, noise, mean = 0.0, 0.0, 0.0
            for weight, world, event, columns in terms:
                found = world.score_averages(columns) if event is None else world.averages(event, columns)
                scale = weight * (1.0 if event is None else 100.0)
                drawn = drawn + scale * found[0].mean(axis=1, keepdims=True)
                noise = noise + scale * found[1].mean(axis=1, keepdims=True)
                mean = mean + scale * found[2].mean(keepdims=True)
            kept.append(np.asarray(drawn))
            return np.asarray(drawn), np.asarray(noise), np.asarray(mean)

        kept: list[Floats] = []
        most = 100.0 * sum(abs(weight) for weight, *_ in terms)
        of_what = {None: Averages(of, -most, most)}
        estimate = estimate_all(ahead.plan, terms[0][3][:1], of_what)[None][0]
        return Value(estimate, float(kept[0].std() / math.sqrt(len(kept[0]))))

    def _pieces(
        self, weight: float, term: Change | ScoreOf
    ) -> Iterable[tuple[float, Forecast, str | None, np.ndarray]]:
        ahead = self.baseline
        event = term.event if isinstance(term, Change) else None
        among = ahead.columns
        if isinstance(term, Change) and term.beside is not None:
            among = among[among != self.case.dyads.index(term.beside)]
        if term.whom in self.case.dyads:
            among = np.array([self.case.dyads.index(term.whom)])
        if isinstance(term, ScoreOf):
            return [(weight, ahead, None, among)]
        return [(weight, self.moved[term.subject], event, among), (-weight, ahead, event, among)]

    def chance(self, query: Query) -> Value:
        """The probability that a query asks for, of all dyads together where it names none."""
        tally, columns = self.tally(query)
        if tally.effective < LEAST_PATHS or tally.effective_draws < LEAST_DRAWS:
            held = int(tally.number.sum())
            few = f"the condition of {query.text} holds on {held:,} of the simulated futures, too few to tell"
            raise TooFewError(f"{few}; ask for more with --paths")
        share = share_of(tally.both, tally.held, tally.held_squares, columns)
        return Value(share.estimate, share.error)

    def tally(self, query: Query) -> tuple[Tally, Floats]:
        """What was counted of a query, and what parameters let one expect of whom it speaks."""
        assert self.count is not None
        whom = self.baseline.dyads if query.is_open else (None,)
        found = [self.places[query, dyad] for dyad in whom]
        tallies = [self.count.tallies[place] for place in found]
        names = ("both", "held", "alone", "every", "held_squares", "every_squares", "number")
        summed = Tally(*(sum(getattr(tally, name) for tally in tallies) for name in names))
        return summed, self.count.columns(*self.count.queries[found[0]])

    def chances(self, left: Query, right: Query, factor: float) -> Value:
        """How much more one probability is than `factor` times another, both counted on the same paths."""
        one, two = self.chance(left), self.chance(right)
        (first, columns), (second, others) = self.tally(left), self.tally(right)
        together = _correlation(first, second, np.hstack([columns, others]))
        found = one.less(two, factor, together)
        parts = _influence(first) - factor * _influence(second)
        error = float(np.sqrt(np.square(parts).sum() * len(parts) / max(len(parts) - 1, 1)))
        return Value(found.estimate, error)

    def _log_ratio(self, event: str, effect: str) -> Floats:
        posterior = self.baseline.posterior
        return posterior.events[event].coefficients[:, posterior.models[event].coefficients.index(effect)]

    def _ending(self, answer: str, cause: str) -> Value:
        effects = effects_between(self.case, cause, answer)
        if not effects:
            raise NotEncodedError(f"no effect of {cause} on the rate of {answer}")
        lasting = [effect.id for effect in effects if not effect.spent]
        found = _factor(sum(self._log_ratio(answer, effect.id) for effect in effects))
        if lasting:
            return Value(found.estimate, found.error, "the effect acts on after the answer (no `spent: true`)")
        return found

    def _moving(self, source: str, indicator: str) -> Quantity:
        of = self.case.indicators[indicator]
        found = of.raises[source].steps if source in of.raises else of.parents.get(source)
        if found is None:
            raise NotEncodedError(f"neither `raises:` nor `parents:` of {indicator} names {source}")
        return found

    def _contribution(self, drivers: tuple[str, ...], whom: str) -> Value:
        assert self.explained is not None
        own = {one.id: one for one in self.explained.contributions[whom]}
        named = [key for name in drivers for key in (name, f"{RECENT}:{name}", f"{RAISED}:{name}") if key in own]
        if not named:
            # A driver that stands at its reference with nothing recent adds nothing, which is a number.
            return Value(Estimate(0.0, 0.0, 0.0))
        found = [own[name] for name in named]
        points = sum(one.points for one in found)
        down = math.sqrt(sum((one.points - (one.points if one.low is None else one.low)) ** 2 for one in found))
        up = math.sqrt(sum(((one.points if one.high is None else one.high) - one.points) ** 2 for one in found))
        error = math.sqrt(sum(one.error**2 for one in found))
        return Value(Estimate(points, points - max(down, Z90 * error), points + max(up, Z90 * error)), error)


def _factor(log_factor: Floats | float) -> Value:
    """A factor from the draws of its logarithm: its median, with quantiles."""
    drawn = np.asarray(log_factor, dtype=float)
    middle, low, high = np.exp(np.quantile(drawn, (0.5, LOW, HIGH))).tolist()
    return Value(Estimate(middle, low, high), middle * float(drawn.std()) / math.sqrt(drawn.size))


def _drawn(values: Floats) -> Value:
    low, high = np.quantile(values, (LOW, HIGH)).tolist()
    return Value(Estimate(float(np.median(values)), low, high), float(values.std()) / math.sqrt(values.size))


def _believed(quantity: Quantity) -> Value:
    return Value(Estimate(quantity.center, *quantity.range))


def _through(path: str | None) -> str:
    return f" through {path}" if path else ""


def _influence(tally: Tally) -> Floats:
    """What each draw adds to the share of those paths with the condition on which the event holds, (draws,)."""
    share = tally.both.sum() / tally.held.sum()
    return (tally.both - share * tally.held) / tally.held.sum()


def _correlation(one: Tally, two: Tally, columns: Floats) -> float:
    """Of what parameters let one expect of two shares, from their regressions on the same functions of parameters."""
    basis = parameter_basis(columns, np.ones(len(columns)))
    first, second = (basis.T @ _influence(tally) for tally in (one, two))
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / size if size else 0.0
