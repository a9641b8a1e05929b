"""Case -> posterior: choose the engine, fit each event type, judge the result."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from riskcast.case.links import Link
from riskcast.case.model import Case
from riskcast.engines.draws import EventDraws, draw_prior
from riskcast.engines.hazard import EventModel, build_event_model
from riskcast.engines.jobs import Job, Joint, Progress, one_by_one
from riskcast.engines.posterior import Posterior, judge
from riskcast.engines.registry import DEFAULT_ENGINE, ENGINES, JointEngine
from riskcast.engines.shared import Shared, build_shared, fixed_trust, prior_draws
from riskcast.errors import OptionError, UnknownNameError, UnreliablePosteriorError
from riskcast.machinery.digests import SILENT_AT
from riskcast.record.arrays import build_record, leave_out

DRAWS = 1000
# Under which fingerprints hold what tells whether tension and trust are those of an earlier fit: no event type's id.
SHARED = ""


def check_draws(draws: int, seed: int) -> None:
    """Raise OptionError for a number of draws or a seed that is none."""
    if not 100 <= draws <= 100_000:
        raise OptionError(f"draws is {draws}; give a number from 100 to 100000")
    if not 0 <= seed < 2**63:
        raise OptionError(f"seed is {seed}; give a whole number from 0 to 2^63 - 1")


def fit(
    case: Case,
    engine: str = DEFAULT_ENGINE,
    draws: int = DRAWS,
    seed: int = 1,
    *,
    prior_only: bool = False,
    without: str | None = None,
    allow_unreliable: bool = False,
    reuse: Posterior | None = None,
    grows: bool = False,
    progress: Progress | None = None,
) -> Posterior:
    """Posterior draws of every parameter of a case.

    `prior_only` leaves the record out, `without` that of one dyad. `reuse` hands on the draws of event types whose
    priors and record are the same as in an earlier posterior: after one changed effect, one event type is fitted. Where
    event types share tension or trust, draws of the others follow as far as the change bears on what they share.
    `grows` is for one of many forecasts as a record grows, with fewer paths where few draws are asked for: where that
    of `reuse`, which was fitted with it, goes on in this one, the same draws are weighed by what has been recorded
    since, as long as that leaves enough of them; it takes more memory.
    `progress` is called with an event type, how many are done and how many there are. Raises UnknownNameError for an
    unknown engine or dyad, OptionError for a bad option, and UnreliablePosteriorError where the draws fail the
    engine's checks, unless `allow_unreliable` is given.

    >>> from riskcast import load_case
    >>> posterior = fit(load_case("central_asia_2024"), draws=200)
    >>> posterior.is_reliable
    True
    """
    ENGINES.check(engine)
    check_draws(draws, seed)
    if without is not None and without not in case.dyads:
        raise UnknownNameError("dyad", without, case.dyads)
    record = build_record(case)
    learned = record if without is None else leave_out(record, case, without)
    models = {event: build_event_model(case, learned, event) for event in case.order}
    kind = "prior" if prior_only else engine
    shared = build_shared(case, learned)
    fingerprints = {event: fingerprint(kind, draws, seed, model) for event, model in models.items()}
    if shared.couples:
        fingerprints[SHARED] = fingerprint(kind, draws, seed, shared)
    job = Job(case, record, models, draws, seed, _known(reuse, fingerprints), shared=shared)
    if progress is not None:
        job = replace(job, progress=progress)
    if shared.couples:
        before = None if reuse is None else reuse.kept
        job = replace(job, before=before, marks=fingerprints, grows=grows and without is None)
        joint = Joint(*prior_draws(models, shared, draws, seed)) if prior_only else _together(engine, job)
    elif prior_only:
        joint = Joint(one_by_one(job, draw_prior), fixed_trust(shared, draws))
    else:
        joint = replace(_apart(engine, job), shared=fixed_trust(shared, draws))
    events, common = joint.events, joint.shared
    diagnostics = judge(engine, events, draws, common)
    if not diagnostics.is_reliable and not allow_unreliable:
        raise UnreliablePosteriorError(_advice(engine, draws, diagnostics.failures))
    return Posterior(
        case,
        record,
        models,
        events,
        diagnostics,
        engine,
        draws,
        seed,
        prior_only,
        fingerprints,
        common,
        joint.kept,
        joint.chains,
    )


def _apart(engine: str, job: Job) -> Joint:
    """Draws of event types that share nothing; an engine that runs chains hands these on too."""
    chosen = ENGINES.get(engine)
    if isinstance(chosen, JointEngine) and chosen.chains > 1:
        return chosen.sample_together(job)
    return Joint(chosen.sample(job), None)


def _together(engine: str, job: Job) -> Joint:
    """The joint draws of an engine; raises OptionError for one that takes event types one by one."""
    chosen = ENGINES.get(engine)
    if not isinstance(chosen, JointEngine):
        able = [name for name in ENGINES.names if isinstance(ENGINES.get(name), JointEngine)]
        wrong = f"the engine {engine} fits event types one by one, and in this case they share tension or trust"
        raise OptionError(f"{wrong}; use {' or '.join(able)}")
    return chosen.sample_together(job)


def _known(reuse: Posterior | None, fingerprints: Mapping[str, str]) -> dict[str, EventDraws]:
    """The draws of an earlier posterior that depend on nothing that has changed since."""
    before = {} if reuse is None else reuse.fingerprints or {}
    if SHARED in fingerprints or SHARED in before:
        return {}
    same = [event for event, mark in fingerprints.items() if before.get(event) == mark]
    return {} if reuse is None else {event: reuse.events[event] for event in same}


def _advice(engine: str, draws: int, failures: tuple[str, ...]) -> str:
    other = ENGINES.get(engine).advice
    listed = "; ".join(failures)
    return (
        f"the {engine} posterior failed its checks ({listed}). Try more draws (--draws {draws * 4}) or {other}; "
        "--allow-unreliable goes on all the same and marks every output"
    )


@cache
def _told(dtype: np.dtype[Any]) -> str:
    return repr(dtype)


def fingerprint(kind: str, draws: int, seed: int, model: EventModel | Shared) -> str:
    """sha256 of all that an event type's posterior depends on: its priors, rows, memories, engine, draws and seed.

    Of what event types share: its priors and periods.
    """
    digest = hashlib.sha256(f"{kind}|{draws}|{seed}".encode())

    def add(value: Any) -> None:
        if isinstance(value, np.ndarray):
            digest.update(f"({value.shape}, {_told(value.dtype)})".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        elif isinstance(value, Link):
            add(value.parts)
        elif is_dataclass(value) and not isinstance(value, type):
            for item in fields(value):
                content = getattr(value, item.name)
                if SILENT_AT not in item.metadata or np.any(content != item.metadata[SILENT_AT]):
                    add(content)
        elif isinstance(value, dict):
            for key, item in value.items():
                add(key)
                add(item)
        elif isinstance(value, tuple):
            for item in value:
                add(item)
        else:
            digest.update(repr(value).encode())

    add(model)
    return digest.hexdigest()
