"""What an engine is asked for, and how engines that fit one event type after the other do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from riskcast.case.model import Case
from riskcast.engines.draws import EventDraws
from riskcast.engines.hazard import EventModel
from riskcast.engines.shared import NOTHING_SHARED, Shared, SharedDraws
from riskcast.machinery.threads import single_thread
from riskcast.record.arrays import Record

if TYPE_CHECKING:
    import xarray

Progress = Callable[[str, int, int], None]


def _silent(event: str, done: int, total: int) -> None:
    """Hear of progress and say nothing."""


@dataclass(frozen=True)
class Job:
    """What an engine is asked for: so many draws of every event type's parameters.

    `models` holds the regression of every event type; `known` the draws of those that an earlier posterior had in the
    same form, which an engine that fits one event type after the other need not sample again. `shared`: what event
    types share; where that couples them, `before` is what an earlier joint fit can be gone on from, and `marks` what
    tells whether an event type, or what is shared (""), has changed since; `grows`: whether a later fit of a longer
    record goes on from this one, and this one from `before` where its record is longer.
    """

    case: Case
    record: Record
    models: Mapping[str, EventModel]
    draws: int
    seed: int
    known: Mapping[str, EventDraws] = field(default_factory=dict)
    progress: Progress = _silent
    shared: Shared = NOTHING_SHARED
    before: Any = None
    marks: Mapping[str, str] = field(default_factory=dict)
    grows: bool = False


@dataclass(frozen=True)
class Joint:
    """Draws of all event types and of what they share, joined by draw number; `kept`: what a next fit goes on from;
    `chains`: what was sampled, whole, in standardised coordinates, where an engine runs chains."""

    events: dict[str, EventDraws]
    shared: SharedDraws | None
    kept: Any = None
    chains: xarray.DataTree | None = None


def one_by_one(job: Job, fit_one: Callable[[EventModel, int, int], EventDraws]) -> dict[str, EventDraws]:
    """Draws of event types that separate given the record, one after the other; those known already are kept."""
    events = {}
    with single_thread():
        for done, (event, model) in enumerate(job.models.items()):
            job.progress(event, done, len(job.models))
            events[event] = job.known.get(event) or fit_one(model, job.draws, job.seed)
    job.progress("", len(job.models), len(job.models))
    return events
