"""A joint fit that goes on as its record grows: draws that are there, weighed by what has been recorded since.

What a draw of an event type on a path of tension weighs is multiplied by the likelihood of the new rows (Chopin, 2002),

    prod of hits (1 - exp(-r)) * exp(-sum of E),      r, E = exposure exp(eta + loading g - loading^2 / 2 + shift),

`shift` being that of its base rate on the path, and tension goes on into new periods by its prior. That is exact for
any record that says of its past what it said before; whether enough draws are left to tell, their weights say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from riskcast.case.model import Case
from riskcast.engines.hazard import EventModel, model_since
from riskcast.engines.jobs import Job
from riskcast.engines.log_rates import MemoryTable, log_rates
from riskcast.engines.path_weights import WORK, EventPaths, add_log_events
from riskcast.engines.shared import TRUST, Shared
from riskcast.engines.tension_paths import Paths
from riskcast.machinery.array_types import Floats
from riskcast.machinery.random_streams import generator
from riskcast.record.arrays import Dated, Record


@dataclass(frozen=True)
class Growth:
    """What a fit of a longer record goes on from.

    paths, as far as the record goes, and every event type as it was first drawn from; log_weights: of its draws on
    every path, up to a constant, and shifts of their base rates there, (paths, draws).
    """

    case: Case
    record: Record
    paths: Paths
    events: Mapping[str, EventPaths]
    log_weights: Mapping[str, Floats]
    shifts: Mapping[str, Floats]


def grow(before: Growth, job: Job) -> Growth | None:
    """Weigh the draws of an earlier fit by what a job's record has beyond that of the fit; None where the job's case
    believes something else, its record does not go on from that record, or trust is free."""
    is_plain = job.shared.has_tension and job.shared.hyper[TRUST].is_fixed
    if not is_plain or not _believes_alike(before.case, job.case) or not goes_on(before.record, job.record):
        return None
    if any(event.failed for event in before.events.values()):
        return None
    paths = go_on(before.paths, job.shared, job.seed)
    first = before.record.timeline.length
    log_weights = dict(before.log_weights)
    for name, event in before.events.items():
        model = model_since(job.models[name], job.case, job.record, first)
        if len(model.rows):
            log_weights[name] = log_weights[name] + log_likelihood(event, model, paths, before.shifts[name])
    return replace(before, case=job.case, record=job.record, paths=paths, log_weights=log_weights)


def go_on(paths: Paths, shared: Shared, seed: int) -> Paths:
    """Paths of tension drawn on by its prior into all periods of a longer record."""
    g = [paths.g]
    for number in shared.periods[paths.g.shape[1] :].tolist():
        fresh = generator(seed, "laplace", "tension goes on", number).standard_normal(len(paths))
        kept = paths.persistence
        g.append((kept * g[-1][:, -1] + np.sqrt(1.0 - kept**2) * fresh)[:, None])
    return paths if len(g) == 1 else replace(paths, g=np.concatenate(g, axis=1))


def log_likelihood(event: EventPaths, model: EventModel, paths: Paths, shift: Floats) -> Floats:
    """Log probability of a model's rows for every draw of an event type on every path: (paths, draws)."""
    out = np.zeros((len(paths), len(event)), dtype=WORK)
    xi = {name: model.hyper[name].score(event.hyper[name]) for name in model.free_hyper}
    shocks = np.broadcast_to(-0.5 * event.loading[:, None] ** 2, (len(event), paths.g.shape[1]))
    rows, loading = model.rows, event.loading.astype(WORK)
    with np.errstate(all="ignore"):
        table = MemoryTable.of(model, rows, xi)
        eta = log_rates(model, event.coefficients, shocks, table) + event.effects.T[rows.unit]
        eta += np.log(rows.exposure)[:, None]
        free, hits = eta[: len(model.free)], eta[len(model.free) :].astype(WORK)
        for period in np.unique(rows.year).tolist():
            lift = np.outer(paths.g[:, period].astype(WORK), loading)
            lift += shift
            for log_rate in hits[model.hits.year == period]:
                add_log_events(out, lift + log_rate)
            expected = np.exp(free[model.free.year == period]).sum(axis=0)
            out -= np.multiply(np.exp(lift, out=lift), expected.astype(WORK), out=lift)
        out[np.isnan(out)] = -np.inf
    return out


def goes_on(earlier: Record, later: Record) -> bool:
    """Whether one record says of the periods of an earlier one what that says of them."""
    before, after = earlier.timeline, later.timeline
    length = before.length
    if (before.calendar, before.first) != (after.calendar, after.first) or length > after.length:
        return False
    for name in ("occurred", "exposure", "counted", "covered", "levels", "numbers"):
        old, new = getattr(earlier, name), getattr(later, name)
        if list(old) != list(new) or any(not np.array_equal(old[key], new[key][:length]) for key in old):
            return False
    same = np.array_equal(earlier.present, later.present) and list(earlier.dated) == list(later.dated)
    return same and all(_same_days(own, later.dated[event], length) for event, own in earlier.dated.items())


def _same_days(earlier: Dated, later: Dated, length: int) -> bool:
    """Whether of the first periods the same events are known, with the same days."""
    rows = []
    for dated in (earlier, later):
        parts = np.stack([dated.period, dated.unit, dated.earliest, dated.latest, dated.placed])
        rows.append(sorted(parts[:, dated.period < length].T.tolist()))
    return rows[0] == rows[1]


def _believes_alike(earlier: Case, later: Case) -> bool:
    """Whether two cases have the same priors of all that their records teach, and the same settings but for the day."""
    settings = earlier.settings.model_copy(update={"as_of": later.as_of})
    return (settings, earlier.events, earlier.effects) == (later.settings, later.events, later.effects)
