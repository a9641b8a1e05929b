"""The tasks of a tornado: nothing, one quantity or two of them held at the ends of their intervals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from riskcast.challenge.held import Bench, Held, error_of
from riskcast.challenge.targets import Target
from riskcast.engines.posterior import Posterior
from riskcast.errors import CaseError
from riskcast.forecasting.requests import Request
from riskcast.machinery.array_types import Floats
from riskcast.machinery.checkpoints import Finished
from riskcast.machinery.threads import single_thread
from riskcast.version import __version__

# With fewer draws and paths it is settled which quantities are worth more.
SCREEN_DRAWS, SCREEN_PATHS = 150, 2
KIND: Final = "sensitivity"
CORNERS: Final = ((0, 0, 1.0), (0, 1, -1.0), (1, 0, -1.0), (1, 1, 1.0))
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
            columns = {"base": base.means, "base_error": error_of(base.influence)}
            facts["warning"] = bench.original.warning
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
        "low_error": error_of(low.influence - base.influence),
        "high_error": error_of(high.influence - base.influence),
        "swing_error": error_of(high.influence - low.influence),
    }, _health(low, high)


def _two(
    bench: Bench, keys: Sequence[str], ends: Sequence[tuple[float, float]]
) -> tuple[dict[str, Floats], dict[str, Any]]:
    corners = [bench.hold({keys[0]: ends[0][i], keys[1]: ends[1][j]}) for i, j, _ in CORNERS]
    signs = [sign for _, _, sign in CORNERS]
    points = sum((s * c.means for s, c in zip(signs, corners, strict=True)), np.zeros(len(bench.targets)))
    moved = sum((s * c.influence for s, c in zip(signs, corners, strict=True)), np.zeros_like(corners[0].influence))
    return {"points": points, "error": error_of(moved)}, _health(*corners)


def _health(*held: Held) -> dict[str, Any]:
    """How the least reliable of some forecasts was made."""
    worst = max(held, key=lambda one: ("untouched", "weighed", "refitted").index(one.how))
    return {
        "how": worst.how,
        "khat": max(h.khat for h in held),
        "ess": min(h.ess for h in held),
        "good": all(one.is_good for one in held),
    }
