"""The engines that can fit a case: what one must do, and those that come with riskcast.

A further engine is one file that does what `Engine` says, and one line in `ENGINES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

from riskcast.case.model import Case
from riskcast.engines.draws import EventDraws
from riskcast.engines.hazard import EventModel
from riskcast.machinery.registry import Entry, Registry
from riskcast.machinery.threads import single_thread
from riskcast.record.arrays import Record

Progress = Callable[[str, int, int], None]
DEFAULT_ENGINE = "laplace"


def _silent(event: str, done: int, total: int) -> None:
    """Hear of progress and say nothing."""


@dataclass(frozen=True)
class Job:
    """What an engine is asked for: so many draws of every event type's parameters.

    `models` holds the regression of every event type; `known` the draws of those that an earlier posterior had in the
    same form, which an engine that fits one event type after the other need not sample again.
    """

    case: Case
    record: Record
    models: Mapping[str, EventModel]
    draws: int
    seed: int
    known: Mapping[str, EventDraws] = field(default_factory=dict)
    progress: Progress = _silent


class Engine(Protocol):
    """What samples the posterior of a case.

    `packages` are those whose versions its digits depend on, `advice` what to try where its draws fail their checks,
    `chains` how many of equal length its draws are laid end to end from.
    """

    packages: tuple[str, ...]
    advice: str
    chains: int

    def sample(self, job: Job) -> dict[str, EventDraws]:
        """Draws of every event type, with their health: k-hat, ESS, R-hat, divergences, or NaN where it has none."""
        ...


# Each is imported when it is first asked for: one of them takes seconds to start.
ENGINES = Registry[Engine](
    "engine",
    {
        "laplace": Entry("is fast", "riskcast.engines.laplace:ENGINE"),
        "nuts": Entry("is the reference, and takes minutes", "riskcast.engines.pymc_model:ENGINE"),
    },
)


def one_by_one(job: Job, fit_one: Callable[[EventModel, int, int], EventDraws]) -> dict[str, EventDraws]:
    """Draws of event types that separate given the record, one after the other; those known already are kept."""
    events = {}
    with single_thread():
        for done, (event, model) in enumerate(job.models.items()):
            job.progress(event, done, len(job.models))
            events[event] = job.known.get(event) or fit_one(model, job.draws, job.seed)
    job.progress("", len(job.models), len(job.models))
    return events


def engine_versions(name: str) -> dict[str, str]:
    """Versions of the packages that an engine's digits depend on."""
    found = {}
    for package in ENGINES.get(name).packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found
