"""Case -> posterior: choose the engine, fit each event type, judge the result."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, Literal

import numpy as np

from riskcast.case.model import Case
from riskcast.engines.draws import EventDraws, draw_prior
from riskcast.engines.hazard import EventModel, build_event_model
from riskcast.engines.laplace import fit_event
from riskcast.engines.posterior import Posterior, judge
from riskcast.errors import OptionError, UnknownNameError, UnreliablePosteriorError
from riskcast.machinery.threads import single_thread
from riskcast.record.arrays import build_record, leave_out

EngineName = Literal["laplace", "nuts"]
DRAWS = 1000
Progress = Callable[[str, int, int], None]


def fit(
    case: Case,
    engine: EngineName = "laplace",
    draws: int = DRAWS,
    seed: int = 1,
    *,
    prior_only: bool = False,
    without: str | None = None,
    allow_unreliable: bool = False,
    reuse: Posterior | None = None,
    progress: Progress | None = None,
) -> Posterior:
    """Posterior draws of every parameter of a case.

    `prior_only` leaves the record out, `without` that of one dyad. `reuse` hands on the draws of event types whose
    priors and record are the same as in an earlier posterior: after one changed effect, one event type is fitted.
    `progress` is called with an event type, how many are done and how many there are. Raises OptionError for a bad
    option and UnreliablePosteriorError where the draws fail the engine's checks, unless `allow_unreliable` is given.

    >>> from riskcast import load_case
    >>> posterior = fit(load_case("central_asia_2024"), draws=200)
    >>> posterior.is_reliable
    True
    """
    if engine not in ("laplace", "nuts"):
        raise OptionError(f"unknown engine {engine!r}; use laplace or nuts")
    if not 100 <= draws <= 100_000:
        raise OptionError(f"draws is {draws}; give a number from 100 to 100000")
    if not 0 <= seed < 2**63:
        raise OptionError(f"seed is {seed}; give a whole number from 0 to 2^63 - 1")
    report = progress or (lambda event, done, total: None)
    if without is not None and without not in case.dyads:
        raise UnknownNameError("dyad", without, case.dyads)
    record = build_record(case)
    learned = record if without is None else leave_out(record, case, without)
    models = {event: build_event_model(case, learned, event) for event in case.order}
    kind = "prior" if prior_only else engine
    fingerprints = {event: fingerprint(kind, draws, seed, model) for event, model in models.items()}
    known = reuse.fingerprints if reuse is not None and reuse.fingerprints else {}
    if engine == "nuts" and not prior_only:
        from riskcast.engines.pymc_model import sample

        events = sample(case, record, models, draws=draws, seed=seed, progress=report)
    else:
        events = {}
        run: Callable[[EventModel, int, int], EventDraws] = draw_prior if prior_only else fit_event
        with single_thread():
            for done, (event, model) in enumerate(models.items()):
                report(event, done, len(models))
                if reuse is not None and known.get(event) == fingerprints[event]:
                    events[event] = reuse.events[event]
                else:
                    events[event] = run(model, draws, seed)
        report("", len(models), len(models))
    diagnostics = judge(engine, events, draws)
    if not diagnostics.is_reliable and not allow_unreliable:
        raise UnreliablePosteriorError(_advice(engine, draws, diagnostics.failures))
    return Posterior(case, record, models, events, diagnostics, engine, draws, seed, prior_only, fingerprints)


def _advice(engine: str, draws: int, failures: tuple[str, ...]) -> str:
    other = "--engine nuts" if engine == "laplace" else "tighter priors on what the record says little about"
    listed = "; ".join(failures)
    return (
        f"the {engine} posterior failed its checks ({listed}). Try more draws (--draws {draws * 4}) or {other}; "
        "--allow-unreliable goes on all the same and marks every output"
    )


def fingerprint(kind: str, draws: int, seed: int, model: EventModel) -> str:
    """sha256 of all that an event type's posterior depends on: its priors, rows, memories, engine, draws and seed."""
    digest = hashlib.sha256(f"{kind}|{draws}|{seed}".encode())

    def add(value: Any) -> None:
        if isinstance(value, np.ndarray):
            digest.update(str((value.shape, value.dtype)).encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        elif is_dataclass(value) and not isinstance(value, type):
            for item in fields(value):
                add(getattr(value, item.name))
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
