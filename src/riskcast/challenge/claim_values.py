"""The number of every term of an assertion, with its 90 % interval and Monte Carlo error, from shared forecasts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from riskcast.case.links import IDENTITY
from riskcast.case.model import Case
from riskcast.case.moves import indicator_order
from riskcast.case.quantities import Z90, Quantity, elicit
from riskcast.case.quantity_ids import PASSED_ON, RISE
from riskcast.challenge.claim_counts import NotEncodedError, count_recorded
from riskcast.challenge.claim_factors import Logs, logs_of
from riskcast.challenge.claim_paths import rise_links
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
from riskcast.engines.posterior import widening
from riskcast.forecasting.attribution import Explanation
from riskcast.forecasting.blocks import Averages, estimate_all
from riskcast.forecasting.draw_spread import parameter_basis
from riskcast.forecasting.drawn_ahead import ahead_scores
from riskcast.forecasting.estimates import HIGH, LOW, Estimate
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.query_terms import Query
from riskcast.forecasting.questions import Count
from riskcast.forecasting.shares_of_paths import LEAST_DRAWS, LEAST_PATHS, Tally, share_of
from riskcast.machinery.array_types import Floats
from riskcast.names import RAISED, RECENT

# The standard error of a median over that of a mean.
OF_MEDIAN = math.sqrt(math.pi / 2.0)


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
            case Effect() | MemoryEffect() | Extreme() | Ending():
                return self.factor(term)
            case Base(event):
                rate = np.exp(self.baseline.posterior.events[event].coefficients[:, 0])
                return _middle(-np.expm1(-rate * self.case.periods_per_year), self.wider([event]))
            case Level(indicator, whom, reference):
                held = self.case.indicators[indicator]
                if reference:
                    return self.value(Number(held.reference))
                steps = self.baseline.plan.today[indicator]
                column = 0 if whom is None or steps.shape[1] == 1 else self.case.dyads.index(whom)
                return _middle(np.asarray(held.level(steps[:, column]), dtype=float))
            case Rise(source, indicator):
                return self._rise(source, indicator)
            case Fading(memory, event):
                found = self.case.settings.memories[memory].half_life
                return _believed(found if event is None else self.case.half_life(event, memory))  # ty: ignore[invalid-argument-type]
            case Recorded():
                counted = count_recorded(self.case, term)
                return Value(Estimate(counted.placed, counted.least, counted.found))
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
        return Value(estimate, self.wider() * float(kept[0].std() / math.sqrt(len(kept[0]))))

    def wider(self, events: Sequence[str] = ()) -> float:
        """By how much errors are wider as draws that were weighed count for fewer: those of some event types, or all
        together."""
        posterior = self.baseline.posterior
        counts = [posterior.events[event].ess for event in events] or [posterior.diagnostics.ess_min]
        return widening(posterior.draws, min((count for count in counts if count >= 1.0), default=posterior.draws))

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
        return Value(share.estimate, self.wider() * share.error)

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
        return Value(found.estimate, self.wider() * error)

    def factor(self, term: Term) -> Value:
        """A factor: the median of its draws, with quantiles."""
        found = logs_of(self.baseline.posterior, term)
        logs = _middle(found.values, self.wider(found.events))
        one = logs.estimate
        estimate = Estimate(*(math.exp(end) for end in (one.mean, one.low, one.high)))
        return Value(estimate, estimate.mean * logs.error, found.flaw)

    def log_ratio(self, left: Term, right: Term, factor: float) -> Value:
        """The logarithm of a factor over so many times a number or another factor, draw by draw; raises NotEncodedError
        where the case holds nothing of one of them."""
        one = logs_of(self.baseline.posterior, left)
        other = (
            Logs(math.log(right.value), ()) if isinstance(right, Number) else logs_of(self.baseline.posterior, right)
        )
        drawn = one.values - other.values - math.log(factor)
        return replace(_middle(drawn, self.wider((*one.events, *other.events))), flaw=one.flaw or other.flaw)

    def _rise(self, source: str, indicator: str) -> Value:
        """Steps by which an event, or a step of another, moves an indicator: what is passed on along every way."""
        links = rise_links(self.case, source, indicator)
        if not links:
            raise NotEncodedError(f"no way leads from {source} to {indicator} by `raises:` and `parents:`")
        if len(links) == 1:
            return _believed(self._moving(*links[0]))
        total: dict[str, Floats | float] = {source: 1.0}
        for name in indicator_order(self.case):
            own = [of for child, of in links if child == name]
            if own:
                total[name] = sum(self._drawn_ahead(name, of) * total[of] for of in own)
        return _middle(np.asarray(total[indicator], dtype=float))

    def _moving(self, name: str, of: str) -> Quantity:
        held = self.case.indicators[name]
        return held.raises[of].steps if of in held.raises else held.parents[of]

    def _drawn_ahead(self, name: str, of: str) -> Floats:
        """The draws, as every forecast has them, of what one thing does to an indicator."""
        prior = elicit(self._moving(name, of), IDENTITY)
        kind, plan = RISE if of in self.case.events else PASSED_ON, self.baseline.plan
        return prior.quantile(ahead_scores(prior, plan.draws, plan.seed, kind, name, of))

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


def _middle(values: Floats | float, wider: float = 1.0) -> Value:
    """The median of draws with their quantiles; its standard error is sqrt(pi / 2) times that of a mean, where draws
    are Normal (Kenney and Keeping, 1962)."""
    drawn = np.asarray(values, dtype=float)
    middle, low, high = np.quantile(drawn, (0.5, LOW, HIGH)).tolist()
    return Value(Estimate(middle, low, high), wider * OF_MEDIAN * float(drawn.std()) / math.sqrt(drawn.size))


def _believed(quantity: Quantity) -> Value:
    return Value(Estimate(quantity.center, *quantity.range))


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
