"""Posterior predictive checks: do records drawn from a posterior look like the one that it was fitted to?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from riskcast.engines.draws import EventDraws
from riskcast.engines.hazard import LOADING, EventModel, build_event_model, tension_shocks, year_factor
from riskcast.engines.posterior import Posterior
from riskcast.engines.shared import Shared, SharedDraws, build_shared, tension_of
from riskcast.errors import OptionError
from riskcast.machinery.array_types import Bools, Floats
from riskcast.machinery.random_streams import generator
from riskcast.machinery.threads import single_thread
from riskcast.machinery.workers import Workers, run_tasks, workers
from riskcast.record.arrays import Record
from riskcast.verification.calibration import draw_record
from riskcast.verification.metrics import HIGH, LOW

RECORDS, FEWEST_RECORDS = 200, 20
PER_TASK: Final = 10
SHARE, SPREAD, DYAD_YEARS, ALIKE, TOGETHER = "share_since", "variance", "dyad_years", "dyads_alike", "types_alike"
LABELS: Final = {
    SHARE: "Share of events since {since}",
    SPREAD: "Variance over years of the events of a year",
    DYAD_YEARS: "Dyad-years with an own outcome",
    ALIKE: "Mean correlation of dyads' events of a year",
    TOGETHER: "Mean correlation of event types' events of a year",
}


@dataclass(frozen=True)
class PredictiveCheck:
    """Where the record's value of a statistic falls among those of records drawn from the posterior.

    recorded: its value in the record; median, low, high: of drawn records, the last two their 5 and 95 % points;
    p_value: the share of drawn records with as much or more, those with as much counted half, so that near 0 the record
    has more than the model lets one expect and near 1 less; drawn: in how many of them it is defined.
    """

    statistic: str
    label: str
    recorded: float
    low: float
    median: float
    high: float
    p_value: float
    drawn: int

    @property
    def is_odd(self) -> bool:
        """Whether the record's value lies among the outermost 5 % on either side."""
        return self.p_value < 0.05 or self.p_value > 0.95


def check_predictive(
    posterior: Posterior,
    since: dt.date,
    records: int = RECORDS,
    *,
    new_years: bool = True,
    seed: int = 1,
    workers_count: int | None = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[PredictiveCheck, ...]:
    """Draw records from a posterior, one for each of `records` draws of it, and see where the record itself falls.

    Rows at risk, covariates, what was searched and dyad effects are the posterior's own. With `new_years` the shocks of
    years, or tension, are drawn anew from the process that was fitted: could such a record come about? Without, they
    are the posterior's own of those years, which know the record: does the model follow it? The share of events is of
    those since a day of the record (`since`); statistics of years leave out years of which the record has a part. A
    p-value that is neither near 0 nor near 1 is no proof of the model: it has seen the record (Gelman, Meng and Stern,
    1996; with new years a mixed predictive check, Marshall and Spiegelhalter, 2007). Raises OptionError for fewer than
    20 records, more than there are draws, or a day before the record or after it.

    >>> from riskcast import case_as_of, fit, load_case
    >>> then = case_as_of(load_case("central_asia_2024"), dt.date(2007, 12, 31))
    >>> found = check_predictive(fit(then, draws=100), dt.date(2007, 1, 1), records=20)
    >>> [one.statistic for one in found]
    ['share_since', 'variance', 'dyad_years', 'dyads_alike', 'types_alike']
    """
    if not FEWEST_RECORDS <= records <= posterior.draws:
        raise OptionError(f"records is {records}; give a number from {FEWEST_RECORDS} to the {posterior.draws} draws")
    line, case = posterior.record.timeline, posterior.case
    if not line.start < since <= case.as_of:
        raise OptionError(f"since is {since}; give a day of the record, after {line.start} and up to {case.as_of}")
    from_period = line.index(since)
    chosen = np.linspace(0, posterior.draws - 1, records).astype(int).tolist()
    parts = {f"{first}": chosen[first : first + PER_TASK] for first in range(0, records, PER_TASK)}
    found: dict[str, Floats] = {}
    lean = replace(posterior, kept=None)

    def keep(key: str, values: Floats) -> None:
        found[key] = values
        if progress is not None:
            progress(sum(map(len, found.values())), records)

    ready: Workers
    with workers(workers_count) as ready:
        tasks = ((key, (lean, part, from_period, new_years, seed)) for key, part in parts.items())
        run_tasks(replicate, tasks, ready, keep)
    drawn = np.concatenate([found[key] for key in parts])
    recorded = statistics(posterior, posterior.record, from_period)
    labels = {name: label.format(since=since) for name, label in LABELS.items()}
    return tuple(_placed(name, labels[name], recorded[name], drawn[:, column]) for column, name in enumerate(LABELS))


def replicate(posterior: Posterior, draws: Sequence[int], from_period: int, new_years: bool, seed: int) -> Floats:
    """Statistics of one record for each of some draws, (draws, statistics): the work of `check_predictive`."""
    case, record = posterior.case, posterior.record
    blank = replace(record, occurred={event: np.zeros_like(own) for event, own in record.occurred.items()}, dated={})
    out = np.empty((len(draws), len(LABELS)))
    with single_thread():
        models = {event: build_event_model(case, blank, event) for event in case.order}
        shared = build_shared(case, blank)
        for place, draw in enumerate(draws):
            rng = generator(seed, "predictive check", draw)
            truth = {event: own.take(slice(draw, draw + 1)) for event, own in posterior.events.items()}
            if new_years:
                common = _new_tension(shared, posterior.shared, draw, rng)
                truth = {e: replace(own, shocks=_new_shocks(models[e], own, common, rng)) for e, own in truth.items()}
            uniforms = {event: rng.random(own.shape) for event, own in blank.occurred.items()}
            made = draw_record(case, blank, models, truth, uniforms)
            out[place] = list(statistics(posterior, made, from_period).values())
    return out


def statistics(posterior: Posterior, record: Record, from_period: int) -> Mapping[str, float]:
    """The statistics of a record, in the order of `LABELS`; not a number where one is undefined."""
    case, counted = posterior.case, record.counted
    by_period = np.sum([own.sum(axis=1) for own in counted.values()], axis=0)
    total = float(by_period.sum())
    years = record.years
    every, size = np.unique(years, return_counts=True)
    whole = every[size >= size.max()]

    def of_years(grid: Floats) -> Floats:
        """Sums by whole year: (years, columns)."""
        return np.stack([grid[years == year].sum(axis=0) for year in whole])

    yearly = of_years(by_period[:, None].astype(float))[:, 0]
    outcomes = [counted[name] for name in case.own_outcomes]
    own: Bools = np.any(outcomes, axis=0) if outcomes else np.zeros((len(years), 0), dtype=bool)
    dyads = [grid.astype(float) for name, grid in counted.items() if case.events[name].scope == "dyad"]
    types = np.stack([grid.sum(axis=1) for grid in counted.values()], axis=1).astype(float)
    return {
        SHARE: float(by_period[from_period:].sum()) / total if total else np.nan,
        SPREAD: float(yearly.var(ddof=1)) if len(yearly) > 1 else np.nan,
        DYAD_YEARS: float(sum(own[years == year].any(axis=0).sum() for year in every)),
        ALIKE: _mean_correlation(of_years(np.sum(dyads, axis=0))) if dyads else np.nan,
        TOGETHER: _mean_correlation(of_years(types)),
    }


def _mean_correlation(counts: Floats) -> float:
    """Mean of the correlations of all pairs of columns (years, columns) that vary; not a number where none do."""
    varying = counts[:, counts.std(axis=0) > 0.0]
    if varying.shape[1] < 2 or len(varying) < 3:
        return np.nan
    return float(np.corrcoef(varying.T)[np.triu_indices(varying.shape[1], 1)].mean())


def _placed(statistic: str, label: str, recorded: float, drawn: Floats) -> PredictiveCheck:
    known = drawn[~np.isnan(drawn)]
    if not len(known) or np.isnan(recorded):
        return PredictiveCheck(statistic, label, recorded, np.nan, np.nan, np.nan, np.nan, len(known))
    low, median, high = np.quantile(known, [LOW, 0.5, HIGH]).tolist()
    alike = np.isclose(known, recorded, rtol=1e-9, atol=1e-12)
    more = float(((known > recorded) & ~alike).mean() + 0.5 * alike.mean())
    return PredictiveCheck(statistic, label, recorded, low, median, high, more, len(known))


def _new_tension(shared: Shared, drawn: SharedDraws | None, draw: int, rng: np.random.Generator) -> Floats | None:
    """Tension of all periods anew from its process at one draw of its persistence: (1, periods)."""
    if drawn is None or not drawn.has_tension:
        return None
    return tension_of(shared, rng.standard_normal((1, len(shared.periods))), drawn.persistence[draw : draw + 1])


def _new_shocks(model: EventModel, own: EventDraws, tension: Floats | None, rng: np.random.Generator) -> Floats:
    """Shocks of an event type anew: (1, years), or of the tension that all share: (1, periods)."""
    if model.has_tension and tension is not None:
        return tension_shocks(tension, own.hyper[LOADING])
    if model.has_tension or not own.shocks.any():
        return own.shocks
    factor = year_factor(model.years, own.hyper["sd_time"][0], own.hyper["persistence"][0])
    return (factor @ rng.standard_normal(len(model.years)))[None]
