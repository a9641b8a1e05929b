"""Simulation-based calibration of a case: do posteriors of records drawn from its priors hold the truth as often as
they say?

Parameters are drawn from the case's priors, a record from the parameters, and every event type is fitted to it. The
truth is then one more draw from the posterior, so its rank among the posterior draws is uniform, however little the
record says (Talts, Betancourt, Simpson, Vehtari and Gelman, 2018). The log likelihood of the record is ranked as well:
an engine that hands back its priors has uniform ranks in every parameter, but not in that (Modrak et al., 2023).

Ranks that are pooled are independent. Parameters of one fit move together, so that pooling all of them would make a
histogram rougher than a band for independent ranks allows. Of each block one parameter per event type and record is
ranked, chosen at random and blind to the record. Ranks of different records are independent. So are those of different
event types: given the record the posterior is a product over event types, hence the truths of two event types are
independent, and each has a uniform rank whatever the record. Where event types share tension or trust it is no product:
whole cases are fitted, tension and trust are ranked too, and of each block one event type per record enters the pool.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from riskcast.case.derived_columns import moved_by_events
from riskcast.case.model import Case
from riskcast.engines.draws import EventDraws, draw_prior, standardise_hyper
from riskcast.engines.hazard import (
    LOADING,
    EventModel,
    bounded_rate,
    build_event_model,
    half_life_ratio,
    log_event,
    tension_periods,
)
from riskcast.engines.jobs import Job
from riskcast.engines.laplace import fit_event
from riskcast.engines.log_rates import rates
from riskcast.engines.posterior import SHARED_NAME, judge
from riskcast.engines.shared import PERSISTENCE, TRUST, Shared, SharedDraws, build_shared, prior_draws
from riskcast.engines.together import fit_together
from riskcast.errors import OptionError
from riskcast.forecasting.lineage import case_lineage
from riskcast.machinery.array_types import Floats
from riskcast.machinery.random_streams import generator
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.machinery.threads import single_thread
from riskcast.names import BASE_RATE
from riskcast.record.arrays import Record, build_record, raised_in
from riskcast.verification.drawn_records import RecordDrawing
from riskcast.verification.ranks import DIGITS, LEVEL, RankHistogram, rank_histogram
from riskcast.version import __version__

if TYPE_CHECKING:
    import pandas

FitEvent = Callable[[EventModel, int, int], EventDraws]
RECORDS, FEWEST_RECORDS, MOST_RECORDS = 200, 20, 10_000
DRAWS, FEWEST_DRAWS, MOST_DRAWS = 400, 100, 10_000
EFFECTS, ESCALATIONS, HALF_LIFE = "effects", "escalations", "half_life."
TENSION, KEPT = "tension", "tension_persistence"
DYAD_EFFECTS, YEAR_SHOCKS, LOG_LIKELIHOOD = "dyad_effects", "year_shocks", "log_likelihood"
COEFFICIENT_BLOCKS = {BASE_RATE: "Base rate", EFFECTS: "Effects of indicators", ESCALATIONS: "Effects of past events"}
OTHER_BLOCKS = {
    "sd_dyad": "Spread between dyads",
    "sd_time": "Spread between years",
    "persistence": "Persistence of year shocks",
    DYAD_EFFECTS: "Dyad effects",
    YEAR_SHOCKS: "Year shocks",
    LOADING: "Loadings of tension",
    TENSION: "Tension",
    KEPT: "Persistence of tension",
    TRUST: "Trust in the effects of indicators",
    LOG_LIKELIHOOD: "Log likelihood of the record",
}


@dataclass(frozen=True)
class Calibration:
    """Rank histograms by block (such as `base_rate`, `effects`, `half_life.fast`) over all event types, and by event
    type and block; unreliable: fits that failed the engine's own checks, which are ranked all the same."""

    case: Case
    records: int
    draws: int
    seed: int
    histograms: Mapping[str, RankHistogram]
    unreliable: int
    by_event: Mapping[str, Mapping[str, RankHistogram]]
    unreliable_by_event: Mapping[str, int]

    @property
    def fits(self) -> int:
        """Event types times records."""
        return self.records * len(self.by_event)

    @property
    def p_value(self) -> float:
        """P-value of all blocks together: the smallest times their number, at most 1 (Bonferroni), however they depend
        on one another."""
        return min(1.0, len(self.histograms) * min(one.joint_p_value for one in self.histograms.values()))

    @property
    def is_calibrated(self) -> bool:
        """Whether chance alone explains the ranks of all blocks, at the level of the bands."""
        return self.p_value > 1.0 - LEVEL

    def worst(self, block: str) -> tuple[str, float]:
        """The event type whose ranks in a block are least uniform, and its p-value times the number of event types."""
        found = {event: own[block].joint_p_value for event, own in self.by_event.items() if block in own}
        event = min(found, key=lambda name: found[name])
        return event, min(1.0, len(found) * found[event])

    def to_frame(self) -> pandas.DataFrame:
        """One row per block over all event types (`event` is missing there), then one per event type and block."""
        import pandas

        parts = [(None, self.histograms), *self.by_event.items()]
        return pandas.DataFrame([{"event": name} | one.summary() for name, blocks in parts for one in blocks.values()])

    def __repr__(self) -> str:
        return f"<Calibration of {self.case.name}: {self.records:,} records, p = {self.p_value:.3g}>"

    def _repr_html_(self) -> str:
        columns = (Column("block"), Column("ranks"), Column("p", form="p"))
        rows = [
            (one.label, "inside its band" if one.inside else "outside its band", one.joint_p_value)
            for one in self.histograms.values()
        ]
        verdict = "Calibrated" if self.is_calibrated else "NOT calibrated"
        note = (
            f"{verdict}: p = {self.p_value:.2f} over all blocks. {self.records} records drawn from the priors of "
            f"{self.case.settings.title}, {self.draws} draws each; {self.unreliable} of {self.fits} fits failed checks."
        )
        return to_html(Table("Simulation-based calibration", columns, rows, note=note))


@dataclass(frozen=True)
class RecordRanks:
    """Ranks of the truth for one simulated record: ranks[event][block] between 0 and 1; unreliable: event types whose
    fit failed the engine's checks."""

    number: int
    ranks: Mapping[str, Mapping[str, float]]
    unreliable: tuple[str, ...]


def calibrate(
    case: Case,
    records: int = RECORDS,
    draws: int = DRAWS,
    seed: int = 1,
    *,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
    engine: FitEvent = fit_event,
) -> Calibration:
    """Rank the truth among posterior draws for records simulated from a case's own priors.

    rank = (draws below the truth + (1 + draws equal to it) U) / (draws + 1), U uniform from 0 to 1: exactly uniform if
    the truth is one more posterior draw. Periods, covariates and rows at risk are the case's own, its events are not
    used. Quantities held fixed are not ranked; of each block one parameter per event type and record is, so that all
    ranks of a histogram are independent (see the top of this module).

    Parameters: records, from 20 to 10,000; draws: posterior draws per fit, from 100 to 10,000; executor: what works on
    the records, this process if None; results do not depend on it; progress: called with the records done and their
    number; engine: fits one event type (model, draws, seed), that of the package if none is given. Raises OptionError
    for a bad option and for a case in which everything is fixed.

    Source: Talts, Betancourt, Simpson, Vehtari and Gelman, Validating Bayesian inference algorithms with
    simulation-based calibration, 2018.

    >>> from riskcast import load_case
    >>> whole = load_case("central_asia_2024")
    >>> alone = {"events": {"demarche": whole.events["demarche"]}, "effects": (), "scenarios": {}, "indicators": {}}
    >>> blank = {"event_rows": (), "series_rows": (), "coverage": ()}
    >>> settings = whole.settings.model_copy(update={"tension": None})
    >>> part = whole.revised(**alone, **blank, settings=settings)
    >>> found = calibrate(part, records=20, draws=100)
    >>> list(found.histograms)
    ['base_rate', 'sd_dyad', 'sd_time', 'dyad_effects', 'year_shocks', 'log_likelihood']
    """
    if not FEWEST_RECORDS <= records <= MOST_RECORDS:
        raise OptionError(f"records is {records}; give a number from {FEWEST_RECORDS} to {MOST_RECORDS}")
    if not FEWEST_DRAWS <= draws <= MOST_DRAWS:
        raise OptionError(f"draws is {draws}; give a number from {FEWEST_DRAWS} to {MOST_DRAWS}")
    generator(seed)
    record = build_record(case)
    couples = build_shared(case, record).couples
    if couples and engine is not fit_event:
        raise OptionError("the engine fits one event type, but in this case they share tension or trust; leave it out")
    if not couples and not any(_free_parameters(build_event_model(case, record, event)) for event in case.order):
        raise OptionError("every quantity of the case is held fixed; give at least one a median and an interval")
    report = progress or (lambda done, total: None)
    found: list[RecordRanks] = []
    if executor is None:
        for number in range(records):
            found.append(calibrate_record(case, seed, number, draws, engine))
            report(number + 1, records)
    else:
        futures: list[Future[RecordRanks]] = []
        try:
            futures += [executor.submit(calibrate_record, case, seed, n, draws, engine) for n in range(records)]
            for done, future in enumerate(as_completed(futures), start=1):
                found.append(future.result())
                report(done, records)
        finally:
            for future in futures:
                future.cancel()
    return _collect(case, draws, seed, sorted(found, key=lambda one: one.number))


def calibrate_record(case: Case, seed: int, number: int, draws: int, engine: FitEvent = fit_event) -> RecordRanks:
    """Draw parameters and a record, fit every event type, and rank the truth: the work of `calibrate` for one record.

    It depends on nothing but its arguments; they and the result can be sent to another process.

    >>> from riskcast import load_case
    >>> found = calibrate_record(load_case("central_asia_2024"), seed=1, number=0, draws=100)
    >>> all(0 <= rank < 1 for blocks in found.ranks.values() for rank in blocks.values())
    True
    """
    own_seed = int(generator(seed, "calibration", number).integers(2**63))
    recorded = build_record(case)
    blank = replace(recorded, occurred={event: np.zeros_like(own) for event, own in recorded.occurred.items()})
    rng = generator(own_seed, "calibration record")
    uniforms = {event: rng.random(blank.occurred[event].shape) for event in case.order}
    ranks: dict[str, dict[str, float]] = {}
    unreliable = []
    with single_thread():
        models = {event: build_event_model(case, blank, event) for event in case.order}
        shared = build_shared(case, blank)
        if shared.couples:
            truth, common = prior_draws(models, shared, 1, own_seed)
        else:
            truth = {event: draw_prior(model, 1, own_seed) for event, model in models.items()}
        record = draw_record(case, blank, models, truth, uniforms)
        models = {event: build_event_model(case, record, event) for event in case.order}
        if shared.couples:
            joint = fit_together(Job(case, record, models, draws, own_seed, shared=shared))
            fitted = joint.events
            if joint.shared is not None:
                ranks[SHARED_NAME] = _shared_ranks(shared, common, joint.shared, own_seed)
                if judge("laplace", {}, draws, joint.shared).failures:
                    unreliable.append(SHARED_NAME)
        else:
            fitted = {event: engine(model, draws, own_seed) for event, model in models.items()}
        for event, model in models.items():
            found = fitted[event]
            rng = generator(own_seed, "calibration ranks", event)
            chosen = {block: int(rng.choice(members)) for block, members in _free_parameters(model).items()}
            true, drawn = (_values(model, given, chosen) for given in (truth[event], found))
            ranks[event] = {block: _rank(drawn[block], float(true[block][0]), rng) for block in drawn}
            if judge("laplace", {event: found}, draws).failures:
                unreliable.append(event)
    return RecordRanks(number, ranks, tuple(unreliable))


def draw_record(
    case: Case,
    blank: Record,
    models: Mapping[str, EventModel],
    truth: Mapping[str, EventDraws],
    uniforms: Mapping[str, Floats],
) -> Record:
    """A record drawn from parameters over the periods, covariates and rows at risk of another.

    Period by period, and within a period in same-period order, an event happens where it is at risk and

        uniform < 1 - exp(-exposure exp(eta)),   eta = alpha + sum beta x + sum gamma m + dyad effect + year shock,
        x[t] = level without what events raise + sum of steps 2^(-gap / half-life) over events of earlier periods,
        m[t] = log2(1 + left[t]),       left[t] = left[t - 1] 2^(-1 / half-life) + events seen,

    where an edge sees the events of its own period if it acts within it, else those of the period before. Other kinds
    of memory step as they do in a forecast: an event's day is uniform over the days of its period that are on record,
    the number of events is Poisson, or in a panel one of the numbers that `blank` has of periods with the event, and an
    answer spends the triggers of its period that come before it in same-period order, and all before.

    Parameters: models by event type, for the names of coefficients and years; truth by event type, of which the first
    draw is used; uniforms by event type: (periods, units). Returns `blank` with the events that happened, and with the
    levels that they have raised. Raises OptionError for a case that derives columns from events.

    >>> from riskcast import load_case
    >>> case = load_case("central_asia_2024")
    >>> case = case.revised(settings=case.settings.model_copy(update={"tension": None}))
    >>> blank = build_record(case)
    >>> models = {event: build_event_model(case, blank, event) for event in case.order}
    >>> truth = {event: draw_prior(model, 1, seed=1) for event, model in models.items()}
    >>> always = draw_record(case, blank, models, truth, dict.fromkeys(case.order, np.zeros((233, 1))))
    >>> all((always.occurred[event] == blank.at_risk[event]).all() for event in case.order)
    True
    """
    moved = moved_by_events(case)
    if moved:
        wrong = f"records are drawn with the levels that a case has, but {moved[0]} is derived from events"
        raise OptionError(f"{wrong}; leave it out, or remember the events by an edge with a memory")
    settled = {event: _settled_log_rate(case, blank, models[event], truth[event]) for event in case.order}
    rising = {event: _rising_slopes(case, blank, models[event], truth[event]) for event in case.order}
    levels = {**blank.levels, **{name: own.copy() for name, own in blank.unraised.items()}}
    drawing = RecordDrawing(case, blank, models, levels)
    edges = {event: drawing.edges_of(event, truth[event]) for event in case.order}
    drawn = replace(blank, occurred=drawing.occurred, levels=levels)
    for t in range(len(blank.years)):
        for name in blank.unraised:
            levels[name][t] += raised_in(case, name, drawn, t)[0]
        for event in case.order:
            eta = settled[event][t]
            for name, by_step in rising[event]:
                eta = eta + by_step * levels[name][t]
            for edge in edges[event]:
                eta = eta + edge.felt(t)
            with np.errstate(over="ignore", invalid="ignore"):
                rate = blank.exposure[event][t] * np.exp(eta)
                chance = -np.expm1(-rate)
            drawing.note(event, t, blank.at_risk[event][t], uniforms[event][t], chance, rate)
        for edge in (edge for own in edges.values() for edge in own):
            edge.step(t)
    return replace(drawing.record(), levels=levels)


def _settled_log_rate(case: Case, blank: Record, model: EventModel, truth: EventDraws) -> Floats:
    """The part of the log rate that no event changes: (periods, units)."""
    coefficients = dict(zip(model.coefficients, truth.coefficients[0].tolist(), strict=True))
    eta = np.full(blank.occurred[model.event].shape, coefficients[BASE_RATE])
    for edge in case.effects_on(model.event):
        if not edge.is_escalation and edge.source not in blank.unraised:
            eta += coefficients[edge.id] * blank.levels[edge.source]
    # Years without rows at risk have no shock; nothing can be recorded in them, so that any shock will do.
    periods = tension_periods(case, blank)
    year = np.searchsorted(model.years, blank.years if periods is None else periods).clip(0, len(model.years) - 1)
    return eta + truth.shocks[0, year][:, None] + truth.effects[0]


def _rising_slopes(case: Case, blank: Record, model: EventModel, truth: EventDraws) -> list[tuple[str, float]]:
    """Indicators that events raise and that act on an event type, each with its log rate ratio."""
    coefficients = dict(zip(model.coefficients, truth.coefficients[0].tolist(), strict=True))
    edges = (edge for edge in case.effects_on(model.event) if edge.source in blank.unraised)
    return [(edge.source, coefficients[edge.id]) for edge in edges]


def _free_parameters(model: EventModel) -> dict[str, list[int]]:
    """Blocks of an event type's parameters, and the places of those that are not fixed; none without any."""
    free = np.flatnonzero(model.spread > 0.0).tolist()
    has_shocks = not model.has_tension and model.hyper["sd_time"].quantile(0.0) > 0.0
    blocks = {
        BASE_RATE: [k for k in free if k == 0],
        EFFECTS: [k for k in free if 0 < k < model.indicators],
        ESCALATIONS: [k for k in free if k >= model.indicators],
        **{name: [0] for name in model.free_hyper},
        DYAD_EFFECTS: list(range(len(model.units))) if model.has_dyad_effects else [],
        YEAR_SHOCKS: list(range(len(model.years))) if has_shocks else [],
    }
    return {block: members for block, members in blocks.items() if members}


def _values(model: EventModel, drawn: EventDraws, chosen: Mapping[str, int]) -> dict[str, Floats]:
    """Draws of the chosen parameter of every block, and of the log likelihood unless everything is fixed."""
    arrays = dict.fromkeys(COEFFICIENT_BLOCKS, drawn.coefficients)
    arrays |= {DYAD_EFFECTS: drawn.effects, YEAR_SHOCKS: drawn.shocks}
    arrays |= {name: values[:, None] for name, values in drawn.hyper.items()}
    out = {block: arrays[block][:, place] for block, place in chosen.items()}
    return out | {LOG_LIKELIHOOD: _log_likelihood(model, drawn)} if chosen else {}


def _shared_ranks(shared: Shared, truth: SharedDraws, found: SharedDraws, seed: int) -> dict[str, float]:
    """Ranks of the tension of one period, chosen at random, and of what is free of its persistence and trust."""
    rng = generator(seed, "calibration ranks", SHARED_NAME)
    values = {}
    if shared.has_tension:
        period = int(rng.integers(len(shared.periods)))
        values[TENSION] = (found.tension[:, period], truth.tension[0, period])
    named = {PERSISTENCE: (KEPT, "persistence"), TRUST: (TRUST, "trust")}
    for name in shared.free_hyper:
        block, field = named[name]
        values[block] = (getattr(found, field), getattr(truth, field)[0])
    return {block: _rank(drawn, float(true), rng) for block, (drawn, true) in values.items()}


def _one_for_each(found: list[RecordRanks], block: str, seed: int) -> list[Floats]:
    """Ranks of a block in one event type of each record, chosen at random: those of one record move together."""
    ranks = []
    for one in found:
        held = [own[block] for own in one.ranks.values() if block in own]
        if held:
            ranks.append(held[int(generator(seed, "calibration pool", one.number, block).integers(len(held)))])
    return [np.array(ranks)] if ranks else []


def _rank(draws: Floats, truth: float, rng: np.random.Generator) -> float:
    below, ties = int((draws < truth).sum()), int((draws == truth).sum())
    return (below + rng.random() * (1 + ties)) / (len(draws) + 1)


def _log_likelihood(model: EventModel, drawn: EventDraws) -> Floats:
    """Log probability of the event type's record given each draw of its parameters, dyad effects included: (draws,)."""
    at = rates(model, drawn.coefficients, drawn.shocks, standardise_hyper(model, drawn.hyper))
    with np.errstate(over="ignore"):
        ratio = np.exp(drawn.effects.T)
        return log_event(bounded_rate(at.log_hits) * ratio[model.hits.unit]).sum(axis=0) - (at.free * ratio).sum(axis=0)


def _collect(case: Case, draws: int, seed: int, found: list[RecordRanks]) -> Calibration:
    half_lives = {f"{HALF_LIFE}{name}": f"Half-life: {memory.label}" for name, memory in case.settings.memories.items()}
    acting = {
        half_life_ratio(edge): f"What acts on a half-life: {case.indicators[edge.source].label}"
        for edge in case.effects
        if edge.on == "half_life"
    }
    labels = COEFFICIENT_BLOCKS | half_lives | acting | OTHER_BLOCKS
    ranks = {
        event: {block: np.array([one.ranks[event][block] for one in found]) for block in labels if block in first}
        for event, first in found[0].ranks.items()
    }
    if build_shared(case, build_record(case)).couples:
        pooled = {block: _one_for_each(found, block, seed) for block in labels}
    else:
        pooled = {block: [own[block] for own in ranks.values() if block in own] for block in labels}
    failed = {event: sum(event in one.unreliable for one in found) for event in ranks}

    def histograms(ranks: Mapping[str, Floats]) -> dict[str, RankHistogram]:
        return {block: rank_histogram(block, labels[block], own) for block, own in ranks.items()}

    together = histograms({block: np.concatenate(parts) for block, parts in pooled.items() if parts})
    by_event = {event: histograms(own) for event, own in ranks.items()}
    return Calibration(case, len(found), draws, seed, together, sum(failed.values()), by_event, failed)


def calibration_data(calibration: Calibration) -> dict[str, Any]:
    """A calibration as plain data: provenance, histogram and ECDF of every block, p-values by event type.

    Counts are numbers of ranks, points and differences probabilities; `unreliable` counts fits.
    """
    case = calibration.case

    def block(one: RankHistogram) -> dict[str, Any]:
        worst = dict(zip(("event", "p_value"), calibration.worst(one.block), strict=True))
        bins = {name: getattr(one, name).tolist() for name in ("counts", "low", "high")}
        curves = ("points", "difference", "low", "high")
        ecdf = {name: getattr(one.ecdf, name).round(DIGITS).tolist() for name in curves}
        return one.summary() | {"level": one.level, **bins, "ecdf": ecdf, "worst": worst}

    return {
        "riskcast_version": __version__,
        "case": case_lineage(case).plain(),
        "overlay_hash": case.overlay_hash,
        "records": calibration.records,
        "draws": calibration.draws,
        "seed": calibration.seed,
        "fits": calibration.fits,
        "unreliable": calibration.unreliable,
        "p_value": calibration.p_value,
        "calibrated": calibration.is_calibrated,
        "blocks": [block(one) for one in calibration.histograms.values()],
        "unreliable_by_event": dict(calibration.unreliable_by_event),
        "p_values_by_event": {
            event: {one.block: one.joint_p_value for one in blocks.values()}
            for event, blocks in calibration.by_event.items()
        },
    }
