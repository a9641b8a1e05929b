"""How far the record and the priors reach: what `check` reports about a valid case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from riskcast.case.coverage import disputed_rows
from riskcast.case.judgements import Doubt, Found
from riskcast.case.model import Case
from riskcast.case.plausibility.judge import judge
from riskcast.case.quantities import Quantity
from riskcast.case.quantity_ids import HALF_LIFE, PERSISTENCE, SD_TIME, QuantityId
from riskcast.case.where import Where
from riskcast.engines.draws import draw_prior, standardise_hyper
from riskcast.engines.hazard import build_event_model
from riskcast.engines.log_rates import MemoryTable, log_rates
from riskcast.engines.shared import TRUST, build_shared, draw_event_prior, draw_shared_prior
from riskcast.forecasting.level_bounds import HeldLevel, held_levels
from riskcast.forecasting.lineage import case_lineage
from riskcast.machinery.array_types import Floats, Ints
from riskcast.machinery.random_streams import generator
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.machinery.threads import single_thread
from riskcast.numbers import between, counted, number
from riskcast.record.arrays import Record, build_record
from riskcast.record.gaps import Gaps, find_gaps
from riskcast.verification.simulated_counts import SimulatedCount, simulate_counts
from riskcast.version import __version__

if TYPE_CHECKING:
    import pandas

BLOCK_CELLS = 2_000_000
ALL_TYPES: Final = "all event types"
MOST_TIMES_RECORDED: Final = 2.0
LEAST_EXCESS: Final = 3.0
AGREE: Final = "agree"
DRAWN: Final = "drawn from it"
PARTLY_DRAWN: Final = "partly drawn from it"
# Of fewer draws a share of quiet years would tell too little.
LEAST_DRAWS: Final = 200


@dataclass(frozen=True)
class SeriesCoverage:
    """How much of the record an indicator's values cover.

    values, first, last: how many the files hold, and the years of the first and last; share: of a series, the mean
    over units of the share of the record's length between first and last value, 0 where the past is held at the
    reference; of a panel, the share of its rows that have one; filled: cells of a panel that have none, where a value
    that was held over, or the reference, is used; low, high: least and greatest of the values, None where there are
    none.
    """

    indicator: str
    label: str
    values: int
    first: int | None
    last: int | None
    share: float
    filled: int = 0
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class PriorCheck:
    """An event type's count in the record against what its priors would have let one expect.

    `low`, `median`, `high`: 5, 50 and 95 % points of the prior predictive count, given the record's own covariates and
    memories; `tail`: two-sided prior predictive tail probability of the recorded count (Box, 1980); `seen`: ids of the
    event type's priors that rest on this very record (`basis: record`), which therefore cannot confirm them.
    """

    event: str
    label: str
    recorded: int
    low: float
    median: float
    high: float
    tail: float
    seen: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Agreement in words; none is found where the priors were drawn from the record."""
        found = _verdict(self.recorded, self.median, self.tail)
        if found != AGREE or not self.seen:
            return found
        return DRAWN if any(key.endswith(".base_rate") for key in self.seen) else PARTLY_DRAWN


@dataclass(frozen=True)
class YearCheck:
    """How the record's events lie over its years against what all priors together would have let one expect.

    measure: `busiest`, events in the fullest year, or `quiet`, the share of unit-years without any; the rest as in
    `PriorCheck`.
    """

    measure: Literal["busiest", "quiet"]
    recorded: float
    low: float
    median: float
    high: float
    tail: float

    @property
    def verdict(self) -> str:
        """Agreement in words."""
        return _verdict(self.recorded, self.median, self.tail)


def _verdict(recorded: float, median: float, tail: float) -> str:
    if tail >= 0.1:
        return AGREE
    side = "more" if recorded > median else "fewer"
    return f"{side} than expected" if tail >= 0.02 else f"conflict: far {side} than expected"


@dataclass(frozen=True)
class CoverageReport:
    """Coverage of a case's series, what nothing uses, prior against record, and what can hardly be meant.

    priors: event type by event type; jointly: all event types together; by_year: how all of them lie over the years;
    drawn: ids of quantities that rest on the case's own record; held: levels held at their bounds; gaps: what
    the record lacks; year_ahead: one by event type, where one was simulated, from a posterior with `failures`.
    """

    case: Case
    series: tuple[SeriesCoverage, ...]
    unused: tuple[str, ...]
    priors: tuple[PriorCheck, ...]
    jointly: PriorCheck
    by_year: tuple[YearCheck, ...]
    drawn: tuple[str, ...]
    doubts: tuple[Doubt, ...]
    held: tuple[HeldLevel, ...]
    gaps: Gaps
    year_ahead: tuple[SimulatedCount, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def counted_unit(self) -> str:
        """What simulated and recorded events are counted in."""
        return f"unit-{self.case.settings.period}s"

    @property
    def told(self) -> tuple[Doubt, ...]:
        """What can hardly be meant and is not allowed."""
        return tuple(doubt for doubt in self.doubts if not doubt.allowed)

    def to_frame(self) -> pandas.DataFrame:
        """One row for each event type, and one for all together: recorded count, prior predictive count (5, 50, 95 %),
        tail probability."""
        import pandas

        checks = (*self.priors, self.jointly)
        rows = [(p.event, p.recorded, p.low, p.median, p.high, p.tail, p.verdict) for p in checks]
        return pandas.DataFrame(rows, columns=["event", "recorded", "low", "median", "high", "tail", "verdict"])

    def __repr__(self) -> str:
        apart = [f"{p.event}: {p.verdict}" for p in self.priors if p.verdict != AGREE]
        told = f"{counted(len(self.told), 'doubt')}. " if self.told else ""
        return f"<CoverageReport of {self.case.name}. {told}Priors against the record: {'; '.join(apart) or 'agree'}>"

    def _repr_html_(self) -> str:
        columns = (
            Column("event type"),
            Column("prior and record"),
            Column("recorded", form="count"),
            Column("expected (90 %)", form="score range"),
        )
        rows = [(prior.label, prior.verdict, prior.recorded, prior) for prior in (*self.priors, self.jointly)]
        unused = f" Nothing uses: {', '.join(self.unused)}." if self.unused else ""
        doubts = f" Doubts: {'; '.join(map(str, self.told))}." if self.told else ""
        note = f"Counts that the priors let one expect, against the record. {self.case.settings.title}.{unused}{doubts}"
        return to_html(Table("Priors against the record", columns, rows, note=note))


def report_coverage(
    case: Case, draws: int = 1000, seed: int = 1, where: Where | None = None, *, simulate: bool = False
) -> CoverageReport:
    """Report on a valid case; `where` tells in which lines its parts are written. With `simulate` the case is fitted,
    and a year ahead held against the record.

    >>> from riskcast import load_case
    >>> report = report_coverage(load_case("central_asia_2024"), draws=200)
    >>> len(report.priors) == len(report.case.events)
    True
    """
    series = tuple(_series(case, name) for name in case.indicators)
    checks, jointly, by_year = _compare(case, draws, seed, BLOCK_CELLS)
    doubts = judge(case, where, known={"priors-exceed-record": _exceeding(checks, jointly)})
    gaps = find_gaps(case, build_record(case))
    simulated, failures = simulate_counts(case, seed) if simulate else ((), ())
    drawn = tuple(key for key, quantity, _ in case.quantities() if rests_on_record(quantity))
    found = series, find_unused(case), checks, jointly, by_year, drawn, doubts, held_levels(case), gaps
    return CoverageReport(case, *found, simulated, failures)


def coverage_data(report: CoverageReport) -> dict[str, Any]:
    """A report as plain data for JSON; None stands for what is not known.

    >>> from riskcast import load_case
    >>> data = coverage_data(report_coverage(load_case("central_asia_2024"), draws=200))
    >>> list(data["priors"][0])
    ['event', 'label', 'recorded', 'low', 'median', 'high', 'tail', 'seen', 'verdict']
    """
    case = report.case

    def plain(one: PriorCheck | YearCheck | SimulatedCount) -> dict[str, Any]:
        values = {item.name: getattr(one, item.name) for item in fields(one)} | {"verdict": one.verdict}
        return {name: None if value != value else value for name, value in values.items()}

    doubts = [
        {"judgement": one.judgement, "file": one.file, "line": one.line, "told": str(one), "allowed": one.allowed}
        for one in report.doubts
    ]
    return {
        "riskcast_version": __version__,
        "case": case_lineage(case).plain(),
        "overlay_hash": case.overlay_hash,
        "cautions": list(report.gaps.told),
        "disputed": [
            {"date": row.when, "type": row.type, "dyad": row.dyad, "description": row.description}
            for row in disputed_rows(case)
        ],
        "series": [{item.name: getattr(one, item.name) for item in fields(one)} for one in report.series],
        "unused": list(report.unused),
        "priors": [plain(one) for one in report.priors],
        "jointly": plain(report.jointly),
        "by_year": [plain(one) for one in report.by_year],
        "drawn_from_record": list(report.drawn),
        "year_ahead": [plain(one) for one in report.year_ahead],
        "year_ahead_unit": report.counted_unit,
        "year_ahead_failures": list(report.failures),
        "doubts": doubts,
    }


def _series(case: Case, name: str) -> SeriesCoverage:
    indicator = case.indicators[name]
    if indicator.history == "panel" and case.panel is not None:
        given = case.panel.given(name)
        years = (case.panel.period // case.periods_per_year)[given]
        count, filled = len(years), len(case.panel) - len(years)
        first, last = (int(years.min()), int(years.max())) if count else (None, None)
        ends = _ends(case.panel.levels[name][given])
        return SeriesCoverage(name, indicator.label, count, first, last, count / len(case.panel), filled, *ends)
    rows = [row for row in case.series_rows if row.indicator == name]
    units = case.dyads if indicator.scope == "dyad" else (case.host,)
    span = (case.as_of - case.settings.history_from).days
    shares = []
    for unit in units:
        days = [row.date for row in rows if row.unit == unit]
        first = max(min(days), case.settings.history_from) if days else case.as_of
        # The last value is held until today; two years are not much for an indicator, more is a gap.
        last = max(days, default=case.as_of)
        end = case.as_of if (case.as_of - last).days <= 731 else last
        shares.append(max(0.0, (end - first).days / span) if days else 0.0)
    years = [row.date.year for row in rows]
    return SeriesCoverage(
        *(name, indicator.label, len(rows), min(years, default=None), max(years, default=None)),
        float(np.mean(shares)),
        0,
        *_ends(np.array([row.value for row in rows])),
    )


def _ends(values: Floats) -> tuple[float | None, float | None]:
    """The least and the greatest of some values."""
    return (float(values.min()), float(values.max())) if len(values) else (None, None)


def find_unused(case: Case) -> tuple[str, ...]:
    """What a case declares and nothing uses: indicators and memories without edges, half-lives of which every event
    type has its own, series without a value, shocks of years under tension, uncited sources."""
    sources = {effect.source for effect in case.effects}
    parents = {parent for indicator in case.indicators.values() for parent in indicator.parents}
    raising = {event for indicator in case.indicators.values() for event in indicator.raises}
    unused = [f"indicators.{name}" for name in case.indicators if name not in sources | parents]
    used_memories = {(effect.target, effect.memory) for effect in case.effects}
    unused += [f"memories.{m}" for m in case.settings.memories if m not in {memory for _, memory in used_memories}]
    fading = [m for m, memory in case.settings.memories.items() if memory.half_life is not None]
    users = {m: [case.events[target] for target, memory in used_memories if memory == m] for m in fading}
    own = [m for m, events in users.items() if events and all(m in event.half_life for event in events)]
    unused += [str(QuantityId("memories", HALF_LIFE, m)) for m in own]
    if case.settings.tension is not None:
        unused += [str(QuantityId("hyperpriors", kind)) for kind in (SD_TIME, PERSISTENCE)]
        named = [name for name, event in case.events.items() if event.sd_time is not None]
        unused += [str(QuantityId("outcomes", SD_TIME, name)) for name in named]
    measured = {(row.indicator, row.series) for row in case.series_rows}
    unused += [
        f"indicators.{name}.series.{key} (no value is of it)"
        for name, indicator in case.indicators.items()
        for key in indicator.series
        if (name, key) not in measured
    ]
    for name, event in case.events.items():
        unused += [
            str(QuantityId("outcomes", HALF_LIFE, name, m)) for m in event.half_life if (name, m) not in used_memories
        ]
        if event.kind == "trigger" and name not in sources | raising:
            unused.append(f"outcomes.{name} (a trigger that drives nothing)")
    cited = {s for _, quantity, _ in case.quantities() if quantity.evidence for s in quantity.evidence.sources}
    cited |= {s for row in (*case.event_rows, *case.series_rows) for s in row.sources}
    return (*unused, *(f"sources.{name}" for name in case.sources if name not in cited))


def check_priors(case: Case, draws: int = 1000, seed: int = 1, *, cells: int = BLOCK_CELLS) -> tuple[PriorCheck, ...]:
    """Prior predictive counts of every event type against the record; about `cells` chances are in memory at a time."""
    return _compare(case, draws, seed, cells)[0]


def priors_exceed_record(case: Case) -> Iterator[Found]:
    """Event types, and all of them together, of which the priors expect twice the record or more."""
    checks, jointly, _ = _compare(case, 1000, 1, BLOCK_CELLS)
    yield from _exceeding(checks, jointly)


def _exceeding(checks: Iterable[PriorCheck], jointly: PriorCheck) -> Iterator[Found]:
    mend = "lower base rates or effects, or allow it where the record is known to have gaps"
    for check in (*checks, jointly):
        excess = check.median - check.recorded
        if not (excess < LEAST_EXCESS or check.median < MOST_TIMES_RECORDED * check.recorded):
            wrong = f"the priors expect {number(check.median, 0)} ({between(check)}), where the record holds "
            wrong += f"{check.recorded}"
            if check.event == ALL_TYPES:
                yield Found("outcomes", (), f"all event types together: {wrong}", mend)
            else:
                yield Found("outcomes", (check.event, "base_rate"), wrong, mend, (("outcomes", check.event),))


def rests_on_record(quantity: Quantity) -> bool:
    """Whether what is believed was drawn from the case's own record, so that the record cannot confirm it."""
    return quantity.evidence is not None and quantity.evidence.basis == "record"


def _compare(
    case: Case, draws: int, seed: int, cells: int
) -> tuple[tuple[PriorCheck, ...], PriorCheck, tuple[YearCheck, ...]]:
    """Every event type against its priors, and all together, draw by draw: their priors are independent of another, but
    for the tension and the trust that they share."""
    checks, whole = [], _Years.empty(case, draws, cells)
    for event, found in _expected_counts(case, draws, seed, cells):
        checks.append(_held_against(event, case.events[event].label, found, _seen(case, event)))
        whole = whole.joined(found, own=case.events[event].scope == "dyad")
    seen = tuple(key for check in checks for key in check.seen)
    return tuple(checks), _held_against(ALL_TYPES, "All event types together", whole, seen), tuple(whole.checks())


def _seen(case: Case, event: str) -> tuple[str, ...]:
    """Ids of the priors of an event type that were drawn from the record: its base rate, and what acts on it."""
    own = {f"outcomes.{event}."} | {f"effects.{effect.id}" for effect in case.effects if effect.target == event}
    return tuple(
        key
        for key, quantity, _ in case.quantities()
        if rests_on_record(quantity) and (key in own or key.startswith(f"outcomes.{event}."))
    )


@dataclass(frozen=True)
class _Years:
    """Events over years: recorded (years,) and expected (years, draws), and in which unit-years there was one:
    (units, years) and (units, years, draws), of no draw where they would not fit into memory."""

    recorded: Floats
    expected: Floats
    had: NDArray[np.bool_]
    expects: NDArray[np.bool_]

    @staticmethod
    def empty(case: Case, draws: int, cells: int) -> _Years:
        years, units = len(_calendar(build_record(case))), len(case.dyads)
        kept = min(draws, 4 * cells // max(units * years, 1))
        kept = kept if kept >= LEAST_DRAWS else 0
        shape = (units, years)
        return _Years(np.zeros(years), np.zeros((years, draws)), np.zeros(shape, bool), np.zeros((*shape, kept), bool))

    def joined(self, other: _Years, own: bool) -> _Years:
        """With the events of one more type; `own`: it happens to dyads, not to their host."""
        had, expects = (self.had | other.had, self.expects | other.expects) if own else (self.had, self.expects)
        return _Years(self.recorded + other.recorded, self.expected + other.expected, had, expects)

    def checks(self) -> Iterator[YearCheck]:
        if len(self.recorded):
            yield YearCheck("busiest", *_against(float(self.recorded.max()), self.expected.max(axis=0)))
        if self.expects.size:
            yield YearCheck("quiet", *_against(1.0 - float(self.had.mean()), 1.0 - self.expects.mean(axis=(0, 1))))


def _calendar(record: Record) -> Ints:
    """Calendar years of the record."""
    return np.unique(record.years)


def _held_against(event: str, label: str, found: _Years, seen: tuple[str, ...]) -> PriorCheck:
    recorded, *rest = _against(float(found.recorded.sum()), found.expected.sum(axis=0))
    return PriorCheck(event, label, round(recorded), *rest, seen=seen)


def _against(recorded: float, expected: Floats) -> tuple[float, float, float, float, float]:
    """What was recorded, what was expected (5, 50, 95 %), and the two-sided tail probability."""
    low, median, high = np.quantile(expected, [0.05, 0.5, 0.95])
    tail = min(1.0, 2.0 * min(float((expected <= recorded).mean()), float((expected >= recorded).mean())))
    return float(recorded), float(low), float(median), float(high), tail


def _expected_counts(case: Case, draws: int, seed: int, cells: int) -> Iterator[tuple[str, _Years]]:
    """Every event type with its recorded events and those that its priors draw."""
    record = build_record(case)
    calendar = _calendar(record)
    shared = build_shared(case, record)
    common = draw_shared_prior(shared, draws, seed) if shared.couples else None
    for event in case.events:
        # What is pooled is counted by whole periods: half of what happened in two of them is no whole one.
        model = build_event_model(case, record, event, pooled=not record.is_thinned(event))
        if common is None:
            drawn = draw_prior(model, draws, seed)
        else:
            drawn = draw_event_prior(model, common, draws, seed, scaled=not shared.hyper[TRUST].is_fixed)
        xi = standardise_hyper(model, drawn.hyper)
        rng = generator(seed, "prior check", event)
        rows = model.rows
        table = MemoryTable.of(model, rows, xi)
        found = _Years.empty(case, draws, cells)
        own = case.events[event].scope == "dyad"
        year = np.searchsorted(calendar, record.years[rows.period])
        hit = np.searchsorted(calendar, record.years[model.hits.period])
        np.add.at(found.recorded, hit, 1.0)
        if own:
            found.had[model.hits.unit, hit] = True
        block = max(1, cells // max(len(rows), 1))
        for first in range(0, draws, block):
            part = slice(first, first + block)
            with single_thread():
                eta = log_rates(model, drawn.coefficients[part], drawn.shocks[part], table.take(part))
            rate = np.exp(np.minimum(eta + drawn.effects[part].T[rows.unit], 50.0))
            whole = rng.binomial(rows.exposure.astype(np.int64)[:, None], -np.expm1(-rate))
            rest = rng.binomial(1, -np.expm1(-(rows.exposure % 1.0)[:, None] * rate))
            events = whole + rest
            found.expected[:, part] = _summed(events, year, len(calendar))
            kept = slice(first, min(first + events.shape[1], found.expects.shape[-1]))
            if own and kept.start < kept.stop:
                cell = rows.unit * len(calendar) + year
                sums = _summed(events[:, : kept.stop - kept.start] > 0, cell, found.had.size)
                found.expects[:, :, kept] = (sums > 0).reshape(*found.had.shape, -1)
        yield event, found


def _summed(events: NDArray[Any], key: Ints, keys: int) -> Floats:
    """Sums over rows with the same key: events (rows, draws), key (rows,); returns (keys, draws)."""
    sums = np.zeros((keys, events.shape[1]))
    if len(key):
        order = np.argsort(key, kind="stable")
        present, first = np.unique(key[order], return_index=True)
        sums[present] = np.add.reduceat(events[order].astype(float), first, axis=0)
    return sums
