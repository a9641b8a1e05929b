"""Questions to the joint futures of a forecast: how probable one thing is given another, and if it were made happen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from riskcast.case.model import Case
from riskcast.errors import OptionError, UnknownNameError
from riskcast.forecasting.forecasts import Forecast, check_paths
from riskcast.forecasting.query_names import read_ahead, read_query
from riskcast.forecasting.query_terms import ANY, EVERY, Happens, Query, Term, leaves
from riskcast.forecasting.shares_of_paths import LEAST_DRAWS, LEAST_PATHS, Share, Tally, share_of
from riskcast.forecasting.simulation import BLOCK_CELLS, stages
from riskcast.forecasting.watched_paths import MadeHappen, Progress, watched_paths
from riskcast.forecasting.weighed_paths import outside_tilts, path_weights
from riskcast.machinery.array_types import Bools, Floats

# Futures of each draw that are made unasked, and those of a world in which the condition is made happen.
MOST_PATHS, INTERVENED_PATHS = 128, 4
# No more are made where so many hold the condition and the error is below.
ENOUGH_PATHS, ENOUGH_ERROR, ENOUGH_SHARE = 400.0, 0.015, 0.15
# Errors below this are as good as none.
SMALLEST = 0.0005


@dataclass(frozen=True)
class Answer:
    """How probable an event is given a condition, what it is without, and what it were if the condition were made
    happen.

    given: None where there is no condition, or too few paths hold it, as `refusal` says with the mend; ratio: `given`
    over `alone`, and its standard error; held: paths that hold the condition, of `paths`; effective: those and their
    draws as they count (Kish); intervened: probability of the event where a condition of one event is made happen, when
    it happens on paths that hold it, whatever brings it about.
    """

    query: Query
    dyad: str | None
    alone: Share
    condition: Share | None
    given: Share | None
    ratio: tuple[float, float]
    held: int
    paths: int
    effective: float
    effective_draws: float
    intervened: Share | None = None
    refusal: str = ""


@dataclass(frozen=True)
class Answers:
    """What the futures of a forecast answer to a query, of each dyad where it names none."""

    forecast: Forecast
    text: str
    paths: int
    answers: tuple[Answer, ...]

    def __repr__(self) -> str:
        shown = (f"{one.dyad or one.query}: {(one.given or one.alone).mean:.3f}" for one in self.answers[:5])
        return f"<Answers to {self.text}. {'; '.join(shown)}. {self.forecast.origin}>"


def check_query(case: Case, horizon: int, query: str, dyads: Sequence[str] | None = None) -> None:
    """Raise what `ask` would raise of a query to a forecast of so many periods, before the fit, which takes longest."""
    asked, there = read_ahead(case, horizon, query)
    _bound(there, asked, dyads)


def ask(
    forecast: Forecast,
    query: str,
    dyads: Sequence[str] | None = None,
    *,
    paths: int | None = None,
    cells: int = BLOCK_CELLS,
    progress: Progress | None = None,
) -> Answers:
    """How probable something is given something else, on joint futures: P(A | B) = P(A and B) / P(B).

    A query that names no dyad is asked of each, or of those in `dyads`. `paths` futures of each draw are simulated, as
    many as the forecast has if they were asked for, else as many as it takes, up to 128: until 400 hold the condition
    and leave an error of no more than 1.5 points, or of about 15 % of a small probability. No answer is given where
    fewer than 100 do. The interval is over what is not known of the parameters once the condition has been seen. A
    condition that is one event of one unit is made happen as well, for the first time in its period on paths that hold
    it (Pearl, 2009): conditioning tells also of what brings the condition about, and the difference between the two is
    that.
    Raises QueryError for a query that cannot be read, UnknownNameError for an unknown dyad.

    >>> from riskcast import fit, forecast, load_case
    >>> ahead = forecast(fit(load_case("central_asia_2024"), draws=200), horizon=3, paths=4)
    >>> found = ask(ahead, "P(demarche | abuse_incident)", ["RUS-TJK"]).answers[0]
    >>> found.given is None or found.given.mean > found.alone.mean / 2
    True
    """
    check_paths(paths)
    asked = read_query(forecast, query)
    queries = _bound(forecast.dyads, asked, dyads)
    given = paths or (forecast.paths if forecast.paths_given and forecast.paths else None)
    count = Count(forecast, queries, cells)
    for first, last in stages(given or MOST_PATHS):
        count.add(first, last, progress)
        if given is None and count.is_enough():
            break
    answers = tuple(count.answer(place) for place in range(len(queries)))
    return Answers(forecast, asked.text, count.paths, answers)


def _bound(known: Sequence[str], asked: Query, dyads: Sequence[str] | None) -> list[tuple[Query, str | None]]:
    """The query of each dyad, with the dyad."""
    for dyad in dyads or ():
        if dyad not in known:
            raise UnknownNameError("dyad at the start of the horizon", dyad, known)
    if asked.is_open:
        return [(asked.about(dyad), dyad) for dyad in dict.fromkeys(dyads or known)]
    if dyads:
        raise OptionError(f"the query leaves no dyad open; leave out --dyad {dyads[0]}")
    return [(asked, None)]


@dataclass
class Count:
    """Counts the paths of a forecast on which queries, each with the dyad that it is asked of, hold: stage by stage."""

    forecast: Forecast
    queries: list[tuple[Query, str | None]]
    cells: int
    paths: int = 0
    tallies: list[Tally] = field(init=False)
    firsts: list[Floats] = field(init=False)
    tilted: tuple[tuple[Term, float], ...] = field(init=False)
    _columns: dict[int, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plan = self.forecast.plan
        self.tallies = [Tally.empty(plan.draws) for _ in self.queries]
        self.firsts = [np.zeros(plan.cells) for _ in self.queries]
        self.tilted = outside_tilts(self.forecast)

    @property
    def terms(self) -> list[Term]:
        """All that is asked for."""
        return [term for query, _ in self.queries for term in (query.event, query.given) if term is not None]

    def add(self, first: int, last: int, progress: Progress | None) -> None:
        """Simulate the futures `first` to `last` of every draw."""
        plan = self.forecast.plan
        terms = [*self.terms, *(term for term, _ in self.tilted)]
        for draws, record in watched_paths(self.forecast, terms, first, last, self.cells, progress):
            weight = path_weights(self.tilted, record)
            for place, (query, _) in enumerate(self.queries):
                event = record.holds(query.event)
                held = np.ones_like(event) if query.given is None else record.holds(query.given)
                self._take(self.tallies[place], draws, event, held, weight)
                if (cause := _single(query)) is not None:
                    cell = record.first_cell(cause)[held]
                    self.firsts[place] += np.bincount(cell, weight[held], plan.cells)[: plan.cells]
        self.paths = last

    def _take(self, tally: Tally, draws: slice, event: Bools, held: Bools, weight: Floats) -> None:
        rows, square = draws.stop - draws.start, np.square(weight)
        for sums, found in (
            (tally.both, weight * (event & held)),
            (tally.held, weight * held),
            (tally.alone, weight * event),
            (tally.every, weight),
            (tally.held_squares, square * held),
            (tally.every_squares, square),
            (tally.number, held),
        ):
            sums[draws] += found.reshape(rows, -1).sum(axis=1)

    def is_enough(self) -> bool:
        """Whether more paths would tell little more, of any query."""
        for tally in self.tallies:
            if tally.effective < ENOUGH_PATHS or tally.effective_draws < LEAST_DRAWS:
                return False
            share = tally.both.sum() / tally.held.sum()
            of_paths = math.sqrt(share * (1.0 - share) / tally.effective)
            if of_paths > min(ENOUGH_ERROR, ENOUGH_SHARE * min(share, 1.0 - share) + SMALLEST):
                return False
        return True

    def columns(self, query: Query, dyad: str | None) -> Floats:
        """What the parameters let one expect of the dyad that is asked about: (draws, event types)."""
        names = [dyad, *(leaf.whom for term in (query.event, query.given) if term for leaf in leaves(term))]
        known = [self.forecast.case.dyads.index(name) for name in names if name in self.forecast.dyads]
        place = (known or self.forecast.columns.tolist())[0]
        if place not in self._columns:
            self._columns[place] = self.forecast.plan.chances(np.array([place]))[0]
        return self._columns[place]

    def answer(self, place: int) -> Answer:
        """The answer to one query."""
        (query, dyad), tally = self.queries[place], self.tallies[place]
        columns = self.columns(query, dyad)
        alone, total = tally.unconditional(columns), self.paths * len(tally.every)
        if query.given is None:
            numbers = (total, total, tally.effective, tally.effective_draws)
            return Answer(query, dyad, alone, None, None, (math.nan, math.nan), *numbers)
        held = int(tally.number.sum())
        condition = tally.condition(columns)
        found = Answer(
            query,
            dyad,
            alone,
            condition,
            None,
            (math.nan, math.nan),
            held,
            total,
            tally.effective,
            tally.effective_draws,
        )
        if tally.effective < LEAST_PATHS or tally.effective_draws < LEAST_DRAWS:
            return replace(found, refusal=self._refusal(query, tally, held, total))
        cause = _single(query)
        intervened = None if cause is None else self._intervened(query, cause, self.firsts[place], columns)
        return replace(found, given=tally.given(columns), ratio=tally.ratio(), intervened=intervened)

    def _refusal(self, query: Query, tally: Tally, held: int, total: int) -> str:
        """Why there is no answer, and how there can be one."""
        some = f"the condition holds on {held:,} of {total:,} futures"
        if tally.effective_draws < LEAST_DRAWS <= held:
            some += f", in {tally.effective_draws:.0f} of {len(tally.held):,} draws as they count"
        need = self.paths * max(LEAST_PATHS / max(tally.effective, 0.5), LEAST_DRAWS / max(tally.effective_draws, 0.5))
        more = math.ceil(1.5 * need / 4) * 4
        mend = f"give --paths {more}" if more <= 1000 else "more paths would hardly mend it"
        cause = _single(query)
        assume = "ask under a scenario that assumes it"
        if cause is not None:
            whom = "" if cause.whom == self.forecast.case.host else f", dyads: [{cause.whom}]"
            assume += f" (events: [{{event: {cause.event}{whom}, month: {cause.first}}}])"
        return f"{some}, too few to tell; {mend}, or {assume}"

    def _intervened(self, query: Query, cause: Happens, firsts: Floats, columns: Floats) -> Share | None:
        """The probability of the event where its condition is made happen."""
        plan, known = self.forecast.plan, self.forecast
        if known.happens(cause.event, cause.whom or "") or not firsts.sum():
            return None
        share = firsts / firsts.sum()
        hits, every = np.zeros(plan.draws), np.zeros(plan.draws)
        made = watched_paths(
            known, [query.event], 0, INTERVENED_PATHS, self.cells, None, MadeHappen(plan, cause, share, known.seed)
        )
        for draws, record in made:
            event = record.holds(query.event).reshape(draws.stop - draws.start, -1)
            hits[draws] += event.sum(axis=1)
            every[draws] += event.shape[1]
        # What numbers from outside say of the parameters holds here too; what they say of chance does not.
        own = known.simulated.weights
        weight = np.ones(plan.draws) if own is None else own / own.mean()
        return share_of(hits * weight, every * weight, every * np.square(weight), columns)


def _single(query: Query) -> Happens | None:
    """The condition, where it is one event of one unit."""
    given = query.given
    return given if isinstance(given, Happens) and given.whom not in (ANY, EVERY) else None
