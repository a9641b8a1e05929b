"""The tasks of a tornado: nothing, one quantity or two of them held at the ends of their intervals."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from riskcast.challenge.held import Bench, Held, sum_error
from riskcast.challenge.relearned import REFITTED, UNTOUCHED, WEIGHED
from riskcast.challenge.targets import Target
from riskcast.engines.posterior import Posterior
from riskcast.errors import CaseError
from riskcast.forecasting.lineage import fit_provenance
from riskcast.forecasting.requests import Request
from riskcast.machinery.array_types import Floats
from riskcast.machinery.cache_folder import cache_folder
from riskcast.machinery.checkpoints import Checkpoints, Finished, finish_tasks, open_checkpoints
from riskcast.machinery.threads import single_thread
from riskcast.machinery.workers import Workers, workers
from riskcast.version import __version__

# With fewer draws and paths it is settled which quantities are worth more.
SCREEN_DRAWS, SCREEN_PATHS = 150, 2
KIND: Final = "sensitivity"
UNRELIABLE: Final = "unreliable"
CORNERS: Final = ((0, 0, 1.0), (0, 1, -1.0), (1, 0, -1.0), (1, 1, 1.0))
# So few tasks are done by this process.
FEW: Final = 12
_BENCH: dict[str, Bench] = {}


@dataclass(frozen=True)
class Setup:
    """What tasks have in common: what is asked, of which targets, with how many draws and paths at most."""

    request: Request
    targets: tuple[Target, ...]
    draws: int
    paths: int

    @property
    def about(self) -> dict[str, Any]:
        """What results depend on, as plain data."""
        return {
            "what": KIND,
            "request": self.request.id,
            "targets": [target.id for target in self.targets],
            "draws": self.draws,
            "paths": self.paths,
            "errors": "of effective draws",
            "riskcast": __version__,
        }

    def lend(self, posterior: Posterior) -> None:
        """Have this process take the fit of somebody else for its own."""
        _BENCH.clear()
        _BENCH[json.dumps(self.about)] = Bench(self.request, posterior, self.targets, self.draws, self.paths)

    @property
    def bench(self) -> Bench:
        """The fitted case, which each process fits once."""
        key = json.dumps(self.about)
        if key not in _BENCH:
            _BENCH.clear()
            _BENCH[key] = Bench.of(self.request, self.targets, self.draws, self.paths)
        return _BENCH[key]


@dataclass
class TaskRun:
    """Does tasks that are left, here, on processes or on a cluster."""

    setup: Setup
    workers_count: int | None
    cluster: str | None
    progress: Callable[[int, int], None]
    checkpoints: Checkpoints | None = None

    def finish(self, function: Callable[..., Finished], tasks: Mapping[str, tuple[Any, ...]]) -> Mapping[str, Finished]:
        """What tasks come to, by key: of a top-level function and its arguments."""
        if not tasks:
            return {}
        return finish_tasks(
            function,
            list(tasks),
            lambda key: tasks[key],
            lambda made: made,
            self._crew,
            self.checkpoints,
            self.progress,
        )

    def _crew(self, count: int) -> AbstractContextManager[Workers]:
        # Every process fits the case once, which a few tasks are not worth.
        few = self.workers_count is None and self.cluster is None and count < FEW
        return workers(1 if few else self.workers_count, self.cluster)


def open_kept(setup: Setup, cache: str | Path | None) -> AbstractContextManager[Checkpoints]:
    """The finished tasks of a setup, below a folder, `cache_folder()` where none is given."""
    digest = hashlib.sha256(json.dumps(setup.about, sort_keys=True).encode()).hexdigest()[:12]
    folder = Path(cache) if cache is not None else cache_folder()
    return open_checkpoints(folder / KIND / f"{setup.request.case.name}-{digest}", setup.about)


def hold_ends(setup: Setup, keys: Sequence[str], coarse: bool) -> Finished:
    """What the targets come to with nothing, one quantity or two of them held at the ends of their intervals.

    One table `values` by target. Of nothing: base, base_error. Of one: low, high, low_error, high_error, swing_error.
    Of two: points, error of their interaction.
    """
    import pandas

    with single_thread():
        bench = setup.bench
        if coarse:
            bench = _coarse(bench)
        base, facts = bench.base, {}
        if not keys:
            columns = {"base": base.means, "base_error": sum_error([(1.0, base)])}
            facts["warning"] = bench.original.warning
            facts["made"] = fit_provenance(bench.original)
        else:
            known = {key: quantity for key, quantity, _ in setup.request.case.quantities()}
            ends = [known[key].range for key in keys]
            try:
                columns, facts = (
                    _one(bench, keys[0], ends[0], not coarse) if len(keys) == 1 else _two(bench, keys, ends)
                )
            except CaseError as error:
                columns, facts = {}, {"refused": str(error)}
    return Finished({"values": pandas.DataFrame(columns)}, facts)


def _coarse(bench: Bench) -> Bench:
    """The bench with few draws and paths, made once for each."""
    if bench.coarse is None:
        bench.coarse = bench.with_fewer(min(SCREEN_DRAWS, bench.draws), SCREEN_PATHS)
    return bench.coarse


def _one(
    bench: Bench, key: str, ends: tuple[float, float], may_refit: bool
) -> tuple[dict[str, Floats], dict[str, Any]]:
    low, high = (bench.hold({key: end}, may_refit=may_refit) for end in ends)
    base = bench.base
    return {
        "low": low.means - base.means,
        "high": high.means - base.means,
        "low_error": sum_error([(1.0, low), (-1.0, base)]),
        "high_error": sum_error([(1.0, high), (-1.0, base)]),
        "swing_error": sum_error([(1.0, high), (-1.0, low)]),
    }, _health(low, high)


def _two(
    bench: Bench, keys: Sequence[str], ends: Sequence[tuple[float, float]]
) -> tuple[dict[str, Floats], dict[str, Any]]:
    corners = [bench.hold({keys[0]: ends[0][i], keys[1]: ends[1][j]}) for i, j, _ in CORNERS]
    signed = [(sign, corner) for (_, _, sign), corner in zip(CORNERS, corners, strict=True)]
    points = np.sum([sign * corner.means for sign, corner in signed], axis=0)
    return {"points": points, "error": sum_error(signed)}, _health(*corners)


def _health(*held: Held) -> dict[str, Any]:
    """How the one of some forecasts that took most was made; `unreliable` where a new fit failed its checks."""
    most = max(held, key=lambda one: (UNTOUCHED, WEIGHED, REFITTED).index(one.how)).how
    failed = any(one.how == REFITTED and not one.is_good for one in held)
    return {
        "how": UNRELIABLE if failed else most,
        "khat": max(h.khat for h in held),
        "ess": min(h.ess for h in held),
        "good": all(one.is_good for one in held),
    }
