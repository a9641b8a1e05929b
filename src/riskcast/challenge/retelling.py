"""`retell`: what would have happened without some events of the record, by abduction, action and prediction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from riskcast.case.model import Case
from riskcast.challenge.edges_anew import state_before
from riskcast.challenge.removals import Reduced, Removed, find_removed, held_events, moments_of, without_events
from riskcast.challenge.retold import Counterfactual, Instead, RetoldCount, RetoldEvent
from riskcast.challenge.worlds_anew import Abducted, Factual, Worlds
from riskcast.engines.mixing import refuse_mixture
from riskcast.engines.posterior import Posterior
from riskcast.errors import OptionError
from riskcast.forecasting.estimates import summarise
from riskcast.forecasting.shares_of_paths import Share
from riskcast.machinery.array_types import Bools, Floats, Ints
from riskcast.machinery.random_streams import UniformTable

PATHS, MOST_PATHS = 4, 64
# So many worlds go through the record together, and no more than a part of all, so that progress is told.
BLOCK_CELLS, FEWEST_BLOCKS = 100_000, 4
# What is less probable is not listed as what would have happened instead.
LEAST_CHANCE = 0.0005


def retell(
    posterior: Posterior,
    without: str | Sequence[str],
    *,
    paths: int = PATHS,
    seed: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Counterfactual:
    """What the record would hold without some of its events, given all that it does hold.

    Abduction, action, prediction (Pearl, 2009): for each draw of the posterior, the uniform behind every cell of the
    record (event type, unit, period) is drawn given whether it holds an event at the chance p0 that the draw gives it;
    the events in `without` are taken out; and the periods from the first of them on are gone through anew, in
    same-period order, where an event happens if its uniform is below its new chance p1. So what has happened is kept
    with chance min(1, p1 / p0). Memories, answers that spend triggers, and what events raise follow; tension, shocks,
    levels, and what searches find are as they were inferred from the whole record.

    `without`: `DATE:TYPE` or `DATE:TYPE:UNIT`, one or several; `paths` of each draw. Probabilities are averages of
    chances given the path so far, with 90 % intervals over draws, from which the chance of so few paths is taken out.
    Raises OptionError and UnknownNameError for events that the record does not hold.

    >>> from riskcast import fit, load_case
    >>> found = retell(fit(load_case("central_asia_2024"), draws=100), "2024-03-22:mass_casualty_attack", paths=1)
    >>> [one] = [one for one in found.of("demarche", "RUS-TJK") if "2024-04-29" in one.when]
    >>> 0.0 < one.probability.mean < 1.0
    True
    """
    check_paths(paths)
    refuse_mixture(posterior, "record retold")
    case, record = posterior.case, posterior.record
    removed = find_removed(case, [without] if isinstance(without, str) else without)
    reduced = without_events(case, record, removed)
    sums = _Sums.of(posterior, reduced)
    seed = posterior.seed if seed is None else seed
    size = max(1, min(BLOCK_CELLS // (max(1, len(case.dyads)) * paths), -(-posterior.draws // FEWEST_BLOCKS)))
    parts = [np.arange(first, min(first + size, posterior.draws)) for first in range(0, posterior.draws, size)]
    for done, part in enumerate(parts, start=1):
        sums.add(part, retell_draws(posterior, reduced, part, paths, seed))
        if progress is not None:
            progress(done, len(parts))
    return _gathered(posterior, reduced, sums, paths, seed)


def check_paths(paths: int) -> None:
    """Raise OptionError for a number of paths that is none."""
    if not 1 <= paths <= MOST_PATHS:
        raise OptionError(f"paths is {paths}; give a number from 1 to {MOST_PATHS}")


def retell_draws(posterior: Posterior, reduced: Reduced, draws: Ints, paths: int, seed: int) -> Abducted:
    """The worlds of some draws of a posterior, `paths` of each, one after the other."""
    case, record = posterior.case, posterior.record
    worlds, since = np.repeat(draws, paths), reduced.since
    events = {name: own.take(worlds) for name, own in posterior.events.items()}
    starts = {
        name: [
            np.repeat(
                state_before(case, record, model, place, posterior.events[name].take(draws), since), paths, axis=-2
            )
            for place in range(len(model.escalations))
        ]
        for name, model in posterior.models.items()
    }
    moments = moments_of(case, record)
    factual = Factual(record)
    Worlds(posterior, events, record, since, starts, moments, moments).go_on(factual)
    first, count = int(draws[0]) * paths, len(worlds)
    tables = {
        name: UniformTable(seed, ("retold", name), first, count, len(case.units(name))) for name in posterior.events
    }

    def uniforms(event: str, t: int) -> Floats:
        return tables[event].page(t).astype(float)

    abducted = Abducted(case, record, reduced, factual.rates, uniforms)
    Worlds(posterior, events, reduced.told, since, starts, reduced.moments, moments).go_on(abducted)
    return abducted


@dataclass
class _Mean:
    """An average over the paths of each draw, and the error that so few leave in it: (draws, ...) each."""

    mean: Floats
    error: Floats

    @classmethod
    def of(cls, *shape: int) -> _Mean:
        return cls(np.zeros(shape), np.zeros(shape))

    def put(self, draws: Ints, values: Floats) -> None:
        """Set those of some draws from values of all their paths, (draws * paths, ...)."""
        paths = len(values) // len(draws)
        values = values.reshape(len(draws), paths, *values.shape[1:])
        self.mean[draws] = values.mean(axis=1)
        self.error[draws] = values.std(axis=1, ddof=1) / np.sqrt(paths) if paths > 1 else 0.0

    def shares(self, most: float) -> list[Share]:
        """As numbers from 0 to `most`, one for each column."""
        draws = len(self.mean)
        flat, error = self.mean.reshape(draws, -1).T, self.error.reshape(draws, -1).T
        mean = np.clip(flat.mean(axis=1), 0.0, most)
        found = summarise(np.clip(flat, 0.0, most), error, np.zeros((len(flat), 1, draws)), mean, 0.0, most)
        spread = flat.std(axis=1, ddof=1) / np.sqrt(draws) if draws > 1 else np.zeros(len(flat))
        return [Share(estimate, float(one)) for estimate, one in zip(found, spread, strict=True)]


@dataclass
class _Sums:
    """What worlds say, by event type: of told cells (draws, cells), of periods with something new and of whether there
    is one (draws, units), and of how many cells have an event (draws,)."""

    cells: dict[str, tuple[Ints, Ints]]
    kept: dict[str, _Mean] = field(default_factory=dict)
    added: dict[str, _Mean] = field(default_factory=dict)
    some: dict[str, _Mean] = field(default_factory=dict)
    count: dict[str, _Mean] = field(default_factory=dict)

    @classmethod
    def of(cls, posterior: Posterior, reduced: Reduced) -> _Sums:
        cells = {}
        for event, told in reduced.told.occurred.items():
            period, unit = np.nonzero(told[reduced.since :])
            cells[event] = period + reduced.since, unit
        out, draws = cls(cells), posterior.draws
        for event, (period, _) in cells.items():
            units = len(posterior.case.units(event))
            out.kept[event], out.count[event] = _Mean.of(draws, len(period)), _Mean.of(draws)
            out.added[event], out.some[event] = _Mean.of(draws, units), _Mean.of(draws, units)
        return out

    def add(self, draws: Ints, found: Abducted) -> None:
        """Add the worlds of some draws."""
        for event, (period, unit) in self.cells.items():
            times = sorted(t for name, t in found.added if name == event)
            added = np.sum([found.added[event, t] for t in times], axis=0)
            anew = np.array([found.now[event, t].happened & ~found.now[event, t].as_told for t in times])
            some = at_least_one(np.array([found.added[event, t] for t in times]), anew)
            pairs = zip(period.tolist(), unit.tolist(), strict=True)
            kept = np.array([found.kept[event, t][:, u] for t, u in pairs]).reshape(len(period), len(added)).T
            self.kept[event].put(draws, kept)
            self.added[event].put(draws, added)
            self.some[event].put(draws, some)
            self.count[event].put(draws, kept.sum(axis=1) + added.sum(axis=1))


def at_least_one(chances: Floats, happened: Bools) -> Floats:
    """Whether something happens in any of some periods, with what each brings beyond its chance taken out:
    (periods, ...) -> (...).

    1{any} - sum of beta[t] (1{event at t} - p[t]) over t up to the first event, beta[t] = (1 - p[t])^(periods after t):
    unbiased, whatever feeds back on what, and near to the chance itself where that is small (a control variate; Glynn
    and Szechtman, 2002). One value may lie outside of 0 to 1; means do not but for chance.

    >>> at_least_one(np.array([[0.1], [0.2]]), np.array([[False], [False]])).round(12).tolist()
    [0.29]
    """
    before = np.cumsum(happened, axis=0) - happened
    left = np.arange(len(chances))[::-1].reshape(-1, *([1] * (chances.ndim - 1)))
    beyond = (1.0 - chances) ** left * (happened - chances)
    return happened.any(axis=0) - np.where(before == 0, beyond, 0.0).sum(axis=0)


def _gathered(posterior: Posterior, reduced: Reduced, sums: _Sums, paths: int, seed: int) -> Counterfactual:
    case, record = posterior.case, posterior.record
    events, instead, counts = list[tuple[int, RetoldEvent]](), list[Instead](), list[RetoldCount]()
    periods = record.timeline.length - reduced.since
    earlier = unsearched = 0
    for event, (period, unit) in sums.cells.items():
        label, units = case.events[event].label, case.units(event)
        rows = _rows_of(case, event, reduced.removed)
        for t, u, share in zip(period.tolist(), unit.tolist(), sums.kept[event].shares(1.0), strict=True):
            if reduced.settled[event][t, u]:
                before = bool(reduced.earlier[event][t, u])
                earlier, unsearched = earlier + before, unsearched + (not before)
                continue
            held = rows.get((t, units[u]), [])
            when, told = tuple(one.when for one in held), tuple(one.description for one in held)
            found = RetoldEvent(event, label, units[u], record.timeline.label(t), when, told, share)
            events.append((t, found))
        pairs = zip(sums.some[event].shares(1.0), sums.added[event].shares(float(periods)), strict=True)
        for u, (some, expected) in enumerate(pairs):
            if expected.mean >= LEAST_CHANCE:
                instead.append(Instead(event, label, units[u], some, expected))
        [expected] = sums.count[event].shares(float(periods * len(units)))
        recorded = int(record.occurred[event][reduced.since :].sum())
        counts.append(RetoldCount(event, label, recorded, expected))
    ordered = sorted(events, key=lambda one: (one[0], one[1].when[:1], one[1].unit))
    instead.sort(key=lambda one: -one.expected.mean)
    return Counterfactual(
        posterior,
        reduced.removed,
        tuple(one for _, one in ordered),
        tuple(instead),
        tuple(counts),
        earlier,
        unsearched,
        paths,
        seed,
    )


def _rows_of(case: Case, event: str, removed: Sequence[Removed]) -> dict[tuple[int, str], list[Removed]]:
    """The events of a type that are left, by period and unit."""
    gone, found = {one.id for one in removed}, dict[tuple[int, str], list[Removed]]()
    for one in held_events(case, event):
        if one.id not in gone:
            found.setdefault((max(one.period, 0), one.unit), []).append(one)
    return found
