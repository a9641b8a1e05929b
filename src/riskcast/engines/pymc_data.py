"""All event types of a case side by side, in arrays: what the reference engine's graph is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Case
from riskcast.case.settings import COUNT, MEAN, PER_TIME
from riskcast.engines.hazard import LOADING, Escalation, EventModel, Rows, build_event_model, edge_columns
from riskcast.engines.shared import PERSISTENCE, TRUST, Shared, build_shared
from riskcast.errors import OptionError
from riskcast.machinery.array_types import Floats
from riskcast.names import BASE_RATE, COEFFICIENT, DYAD, EVENT, TENSION_PERIOD
from riskcast.record.arrays import Record, build_record

Ints = NDArray[np.int64]
MergedRows = tuple[Rows, NDArray[np.bool_]]

EFFECT = "effect"
DYAD_EVENT = "dyad_event"
YEAR = "year"
HYPER = "hyper"
FREE_HYPER = "free_hyper"
HALF_LIFE = "half_life"
MEMORY = "memory"
# Whose persistence and trust are, among labels that begin with an event type; no event type's id.
TENSION = ""
ROW = "row"


@dataclass(frozen=True)
class FlatCase:
    """All event types of a case side by side, ready to become a graph.

    models: the regressions in order; shared: priors of what they share; coords: labels by dimension, those of rows,
    years and coefficients beginning with their event type; data: what may be swapped, priors and the record; layout:
    which coefficient, row, unit, year or half-life goes with which, and whole numbers of periods and years between
    them.
    """

    models: tuple[EventModel, ...]
    shared: Shared
    coords: Mapping[str, tuple[str, ...]]
    data: Mapping[str, NDArray[Any]]
    layout: Mapping[str, Ints]
    periods_per_year: float

    @property
    def packed(self) -> Mapping[str, NDArray[Any]]:
        """Every array by the name of its `pm.Data`; the layout is one, as each more of them slows the compilation."""
        return {**self.data, "layout": np.concatenate(list(self.layout.values()))}

    @property
    def shape(self) -> tuple[tuple[str, int], ...]:
        """All lengths: cases that share them share their graph, and so one compiled model."""
        parts = {**self.coords, **self.data, **self.layout}
        return tuple((name, len(part)) for name, part in parts.items())


def flatten_case(case: Case) -> FlatCase:
    """The priors, rows and memories of all event types of a case, side by side."""
    record = build_record(case)
    return flatten(case, record, {event: build_event_model(case, record, event) for event in case.order})


def flatten(case: Case, record: Record, models: Mapping[str, EventModel]) -> FlatCase:
    """Lay the regressions of all event types side by side."""
    blocks = tuple(models.values())
    coefficients = tuple(f"{model.event}:{name}" for model in blocks for name in model.coefficients)
    is_base = np.array([name == BASE_RATE for model in blocks for name in model.coefficients])
    shared = build_shared(case, record)
    hyper = {f"{model.event}:{name}": prior for model in blocks for name, prior in model.hyper.items()}
    # What is fixed of trust is in the priors of effects already.
    common = tuple(name for name in shared.hyper if name == PERSISTENCE or name in shared.free_hyper)
    hyper |= {f"{TENSION}:{name}": shared.hyper[name] for name in common}
    place = {label: position for position, label in enumerate(hyper)}
    half_lives = [label for label in hyper if f":{HALF_LIFE}." in label]
    free = [label for label, prior in hyper.items() if not prior.is_fixed]
    with_dyads = tuple(model.event for model in blocks if model.has_dyad_effects)

    rows = [_merge(model) for model in blocks]
    step_size, steps = _lay_steps(blocks, rows)
    remembered, memories = _lay_memories(blocks, rows, list(hyper), half_lives, record.timeline.length)
    data = {
        "coefficient_middle": np.concatenate([model.middle for model in blocks]),
        "coefficient_spread": np.concatenate([model.spread for model in blocks]),
        "coefficient_skew": np.concatenate([model.skew for model in blocks]),
        "hyper_middle": np.array([prior.middle for prior in hyper.values()]),
        "hyper_spread": np.array([prior.spread for prior in hyper.values()]),
        "hyper_skew": np.array([prior.skew for prior in hyper.values()]),
        "step_size": step_size,
        **remembered,
        "exposure": np.concatenate([mine.exposure for mine, _ in rows]),
        "happened": np.concatenate([hit for _, hit in rows]).astype(np.int64),
    }
    layout = {
        "base_rate": np.flatnonzero(is_base),
        "rate_ratio": np.flatnonzero(~is_base),
        "free_hyper": _integers(place[label] for label in free),
        "half_life": _integers(place[label] for label in half_lives),
        "sd_dyad": _integers(place[f"{event}:sd_dyad"] for event in with_dyads),
        "sd_time": _places(place, models, "sd_time"),
        "persistence": _places(place, models if not shared.has_tension else (TENSION,), "persistence"),
        "loading": _places(place, models, LOADING),
        "trust": _places(place, (TENSION,), TRUST),
        "indicator": _lay_indicators(blocks),
    }
    years = [shared.periods] if shared.has_tension else [model.years for model in blocks]
    layout |= _lay_rows(blocks, rows) | _lay_years(years) | steps | memories
    ends = record.timeline.ends.astype(str)
    coords = {
        EVENT: tuple(models),
        DYAD_EVENT: with_dyads,
        DYAD: case.dyads,
        COEFFICIENT: coefficients,
        EFFECT: tuple(label for label, base in zip(coefficients, is_base, strict=True) if not base),
        HYPER: tuple(hyper),
        FREE_HYPER: tuple(free),
        MEMORY: tuple(label.replace(f"{HALF_LIFE}.", "") for label in half_lives),
        YEAR: tuple(f"{model.event}:{year}" for model in blocks for year in model.years),
        TENSION_PERIOD: tuple(str(number) for number in shared.periods.tolist()),
        ROW: tuple(
            f"{model.event}:{model.units[unit]}:{ends[period]}"
            for model, (mine, _) in zip(blocks, rows, strict=True)
            for unit, period in zip(mine.unit, mine.period, strict=True)
        ),
    }
    return FlatCase(blocks, shared, coords, data, layout, case.periods_per_year)


def _places(place: Mapping[str, int], owners: Iterable[str], name: str) -> Ints:
    """Where a hyper-parameter of each owner stands; of those alone that have it."""
    return _integers(place[f"{owner}:{name}"] for owner in owners if f"{owner}:{name}" in place)


def _lay_indicators(blocks: tuple[EventModel, ...]) -> Ints:
    """The coefficients that trust multiplies: those of indicators."""
    begins = _offsets(len(model.middle) for model in blocks)
    spans = [
        np.arange(begin + 1, begin + model.indicators) for model, begin in zip(blocks, begins.tolist(), strict=True)
    ]
    return np.concatenate(spans).astype(np.int64)


def _integers(values: Iterable[int]) -> Ints:
    return np.array(list(values), dtype=np.int64)


def _offsets(lengths: Iterable[int]) -> Ints:
    """Where each of several blocks begins when they are laid end to end."""
    return np.concatenate([[0], np.cumsum(_integers(lengths))])[:-1]


def _merge(model: EventModel) -> MergedRows:
    """Rows without and with the event in one, sorted by unit and period, and which of them have it."""
    free, hits = model.free, model.hits
    rows = Rows(*(np.concatenate([getattr(free, item.name), getattr(hits, item.name)]) for item in fields(Rows)))
    order = np.lexsort((rows.period, rows.unit))
    return rows.take(order), (np.arange(len(rows)) >= len(free))[order]


def _lay_years(blocks: list[Ints]) -> dict[str, Ints]:
    """Of every event type's years its number and the gap to the year before; and every (later, earlier) pair of years.

    Where event types share tension, one sequence of its periods stands for them all.
    """
    begins = _offsets(len(years) for years in blocks)
    counts = [len(years) for years in blocks]
    pairs = [np.tril_indices(count, -1) for count in counts]
    laid = list(zip(blocks, begins, pairs, strict=True))
    return {
        "year_event": np.repeat(np.arange(len(blocks)), counts),
        "year_follows": np.concatenate([np.arange(count) > 0 for count in counts]).astype(np.int64),
        "year_gap": np.concatenate([np.diff(years, prepend=years[:1]) for years in blocks]),
        "pair_later": np.concatenate([begin + later for _, begin, (later, _) in laid]),
        "pair_earlier": np.concatenate([begin + earlier for _, begin, (_, earlier) in laid]),
        "pair_gap": np.concatenate([years[later] - years[earlier] for years, _, (later, earlier) in laid]),
    }


def _lay_rows(blocks: tuple[EventModel, ...], rows: list[MergedRows]) -> dict[str, Ints]:
    """Of every row its unit and year; of every unit of every event type its event type, and which have an effect."""
    units = [len(model.units) for model in blocks]
    first_unit = _offsets(units)
    first_year = _offsets(len(model.years) for model in blocks)
    return {
        "unit_event": np.repeat(np.arange(len(blocks)), units),
        "dyad_unit": np.flatnonzero(np.repeat([model.has_dyad_effects for model in blocks], units)),
        "row_unit": np.concatenate([mine.unit + begin for (mine, _), begin in zip(rows, first_unit, strict=True)]),
        "row_year": np.concatenate([mine.year + begin for (mine, _), begin in zip(rows, first_year, strict=True)]),
    }


def _lay_steps(blocks: tuple[EventModel, ...], rows: list[MergedRows]) -> tuple[Floats, dict[str, Ints]]:
    """Indicator steps and memories without half-life that are not zero, and the row and coefficient of each."""
    first_row = _offsets(len(mine) for mine, _ in rows)
    first_coefficient = _offsets(len(model.middle) for model in blocks)
    row, coefficient, size = [], [], []
    for model, (mine, _), begin, column in zip(blocks, rows, first_row, first_coefficient, strict=True):
        known = [mine.x[:, 1:]]
        for edge in model.escalations:
            own = np.zeros(len(mine)) if edge.fades else edge_columns(edge, {})[mine.period, mine.unit]
            known.append(own[:, None])
        steps = np.concatenate(known, axis=1)
        at_row, at_column = np.nonzero(steps)
        row.append(begin + at_row)
        coefficient.append(column + 1 + at_column)
        size.append(steps[at_row, at_column])
    return np.concatenate(size), {
        "step_row": np.concatenate(row),
        "step_coefficient": np.concatenate(coefficient),
    }


@dataclass
class _Laid:
    """Columns of numbers that are laid end to end, by name."""

    parts: dict[str, list[NDArray[Any]]]

    @classmethod
    def of(cls, *names: str) -> _Laid:
        return cls({name: [] for name in names})

    def add(self, **columns: NDArray[Any]) -> None:
        for name, values in columns.items():
            self.parts[name].append(np.asarray(values))

    def joined(self, kind: type) -> dict[str, NDArray[Any]]:
        """Each column as one array."""
        return {name: np.concatenate([np.zeros(0), *parts]).astype(kind) for name, parts in self.parts.items()}


def _lay_memories(
    blocks: tuple[EventModel, ...],
    rows: list[MergedRows],
    hyper: list[str],
    half_lives: list[str],
    periods: int,
) -> tuple[dict[str, Floats], dict[str, Ints]]:
    """Memories that are not zero, each with its row and coefficient; and every past event that each remembers.

    `past_faded` points into a table of what is left of an event by half-life and gap, so that its powers are computed
    once and not for every event. Where indicators act on a half-life, events point into a table of periods (`clock`)
    instead, each unit's own, that is summed up to when they happened and to now. A memory that is a rate or a mean has
    the covered periods that it has seen as well. `past_weight` is there where events count other than one by one.
    """
    first_row = _offsets(len(mine) for mine, _ in rows)
    first_coefficient = _offsets(len(model.middle) for model in blocks)
    laid = _Laid.of("memory_row", "memory_coefficient", "past_memory", "past_faded")
    clocks = _Laid.of("clock_half_life", "stretch_clock", "stretch_hyper", "timed_memory", "timed_now", "timed_then")
    covered = _Laid.of("rate_memory", "rate_half_life", "mean_rate", "covered_rate", "covered_faded")
    counts, sizes = _Laid.of("past", "timed"), _Laid.of("stretch_size", "covered_share")
    memories, rates, ticks = 0, 0, 0
    for model, (mine, _), begin, column in zip(blocks, rows, first_row, first_coefficient, strict=True):
        bounds = np.searchsorted(mine.unit, np.arange(len(model.units) + 1))
        for number, edge in enumerate(model.escalations):
            if not edge.fades:
                continue
            if edge.kind not in (COUNT, *PER_TIME):
                wrong = f"the memory {edge.memory} is of the kind {edge.kind}, which the engine nuts does not know"
                raise OptionError(f"{wrong}; use laplace, or kind: {COUNT}")
            half_life = half_lives.index(f"{model.event}:{HALF_LIFE}.{edge.memory}")
            if edge.stretches:
                clocks.add(clock_half_life=np.full(periods * len(model.units), half_life))
                for name, levels in edge.stretches:
                    clock, unit = np.nonzero(levels)
                    at = ticks + unit * periods + clock
                    clocks.add(stretch_clock=at, stretch_hyper=np.full(len(at), hyper.index(f"{model.event}:{name}")))
                    sizes.add(stretch_size=levels[clock, unit])
            for unit in range(len(model.units)):
                now = mine.period[bounds[unit] : bounds[unit + 1]]
                freshest = now - (0 if edge.same_period else 1)
                past, counted = _remembered(edge, unit, now, freshest)
                at_row, at_past = np.nonzero(counted)
                remembering, owner = np.unique(at_row, return_inverse=True)
                laid.add(
                    memory_row=begin + bounds[unit] + remembering,
                    memory_coefficient=np.full(len(remembering), column + model.indicators + number),
                )
                if edge.stretches:
                    clock = ticks + unit * periods
                    clocks.add(timed_memory=memories + owner, timed_now=clock + freshest[at_row])
                    clocks.add(timed_then=clock + past[at_past])
                    counts.add(timed=counted[at_row, at_past])
                else:
                    gap = half_life * periods + freshest[at_row] - past[at_past]
                    laid.add(past_memory=memories + owner, past_faded=gap)
                    counts.add(past=counted[at_row, at_past])
                if edge.kind in PER_TIME and edge.sight is not None:
                    share = edge.sight.seen[:, 1, unit]
                    where, when = np.nonzero((np.arange(periods) <= freshest[remembering, None]) & (share > 0.0))
                    covered.add(
                        rate_memory=memories + np.arange(len(remembering)),
                        rate_half_life=np.full(len(remembering), half_life),
                        mean_rate=rates + np.arange(len(remembering) if edge.kind == MEAN else 0),
                        covered_rate=rates + where,
                        covered_faded=half_life * periods + freshest[remembering][where] - when,
                    )
                    sizes.add(covered_share=share[when])
                    rates += len(remembering)
                memories += len(remembering)
            ticks += periods * len(model.units) if edge.stretches else 0
    happened = counts.joined(float)
    past = happened["past"]
    whole = bool((past == np.round(past)).all())
    data = {
        **sizes.joined(float),
        "past_weight": np.zeros(0) if whole else past,
        "timed_weight": happened["timed"],
    }
    layout = {name: part for one in (laid, clocks, covered) for name, part in one.joined(np.int64).items()}
    count = past.astype(np.int64) if whole else np.zeros(0, dtype=np.int64)
    return data, layout | {"past_count": count, "gap": np.arange(periods)}


def _remembered(edge: Escalation, unit: int, now: Ints, freshest: Ints) -> tuple[Ints, Floats]:
    """Periods in which an edge has seen events in a unit, and how many of each period the rows in periods `now`, of
    which `freshest` is the last that they feel, remember: (rows, periods seen)."""
    sight = edge.sight
    grid = edge.seen if sight is None else sight.seen
    seen = grid[:, 0, unit] if edge.kind in PER_TIME else grid[:, unit]
    past = np.flatnonzero(seen)
    counted = np.where(past <= freshest[:, None], seen[past], 0.0)
    if sight is not None and sight.answered is not None and sight.upto is not None and sight.after is not None:
        for answer in np.flatnonzero(sight.answered[:, unit]).tolist():
            own, later = past == answer, now > answer
            counted[np.ix_(later, past < answer)] = 0.0
            counted[np.ix_(later, own)] = sight.after[answer, unit]
            if edge.same_period:
                counted[np.ix_(now == answer, own)] = sight.upto[answer, unit]
    return past, counted
