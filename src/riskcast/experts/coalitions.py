"""Forecasts of cases that hold some of an expert's beliefs: tasks that can be shared out, kept and gone on with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from riskcast.case.model import Case
from riskcast.comparison.case_forecasts import CaseForecasts
from riskcast.comparison.in_between import Numbers
from riskcast.forecasting.requests import Request
from riskcast.machinery.array_types import Floats
from riskcast.machinery.cache_folder import cache_folder
from riskcast.machinery.checkpoints import Finished, finish_tasks, open_checkpoints
from riskcast.machinery.threads import single_thread
from riskcast.machinery.workers import Workers, workers
from riskcast.version import __version__

KIND: Final = "panel"
# Every process fits all experts' cases first, which a few tasks are not worth.
FEW: Final = 24
Progress = Callable[[int, int], None]
_READY: dict[str, CaseForecasts] = {}


@dataclass(frozen=True)
class Setup:
    """What tasks have in common: the request with the futures of each draw, the numbers that are read, and the cases
    whose fits all others go on from, in their order."""

    request: Request
    numbers: Numbers
    first: tuple[Case, ...]

    @property
    def about(self) -> dict[str, Any]:
        """What results depend on, as plain data."""
        return {
            "what": KIND,
            "request": self.request.id,
            "cases": [case.hash for case in self.first],
            "numbers": [list(self.numbers.dyads), [list(outcome) for outcome in self.numbers.outcomes]],
            "riskcast": __version__,
        }

    def hand(self, forecasts: CaseForecasts) -> None:
        """Use fits that were made already, in this process."""
        _READY.clear()
        _READY[json.dumps(self.about)] = forecasts

    @property
    def forecasts(self) -> CaseForecasts:
        """What has been fitted, which each process does once."""
        key = json.dumps(self.about)
        if key not in _READY:
            made = CaseForecasts(self.request, ())
            for case in self.first:
                made.fit(case)
            self.hand(made)
        return _READY[key]


def read_coalition(setup: Setup, case: Case, told: str) -> Finished:
    """The numbers of a case that holds some beliefs: one table `values`, (1 + batches, numbers), and failed checks."""
    import pandas

    with single_thread():
        forecasts = setup.forecasts
        ahead = forecasts.make(case, told, goes_on=False)
    values = setup.numbers.read(ahead.case, ahead.simulated)
    frame = pandas.DataFrame(values, columns=[str(place) for place in range(values.shape[1])])
    return Finished({"values": frame}, {"failures": list(ahead.posterior.diagnostics.failures)})


def read_coalitions(
    setup: Setup,
    cases: Mapping[str, tuple[Case, str]],
    *,
    workers_count: int | None = None,
    cluster: str | None = None,
    cache: str | Path | None = None,
    use_cache: bool = True,
    progress: Progress | None = None,
) -> Mapping[str, tuple[Floats, Sequence[str]]]:
    """By hash, the numbers of cases, (1 + batches, numbers), and what checks failed; each with the beliefs it holds.

    Finished ones are kept below the folder `cache` (`cache_folder()` where none is given), so that a hearing that was
    interrupted goes on.
    """
    if not cases:
        return {}

    def crew(count: int) -> AbstractContextManager[Workers]:
        few = workers_count is None and cluster is None and count < FEW
        return workers(1 if few else workers_count, cluster)

    digest = hashlib.sha256(json.dumps(setup.about, sort_keys=True).encode()).hexdigest()[:12]
    folder = (Path(cache) if cache is not None else cache_folder()) / KIND
    name = f"{setup.request.base.name}-{digest}"
    with open_checkpoints(folder / name, setup.about) if use_cache else nullcontext() as checkpoints:
        done = finish_tasks(
            read_coalition,
            list(cases),
            lambda key: (setup, *cases[key]),
            lambda made: made,
            crew,
            checkpoints,
            progress,
        )
    return {key: (one.frames["values"].to_numpy(dtype=float), one.facts["failures"]) for key, one in done.items()}


def with_paths(request: Request, paths: int) -> Request:
    """The request with so many futures of each draw, where they are not in closed form."""
    return replace(request, paths=paths or None)
