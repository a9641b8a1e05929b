"""The mixture of experts' forecasts: one forecast whose draws are shared out among experts by weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np

from riskcast.case.model import Case
from riskcast.engines.draws import EventDraws
from riskcast.engines.posterior import Posterior, judge
from riskcast.engines.shared import SharedDraws
from riskcast.errors import OptionError
from riskcast.forecasting.closed_form import is_closed, solve
from riskcast.forecasting.forecasts import Forecast, with_equal_paths
from riskcast.forecasting.simulation import BLOCK_CELLS, simulate
from riskcast.machinery.array_types import Ints
from riskcast.machinery.random_streams import generator


def shares_of_draws(weights: Sequence[float], draws: int, seed: int) -> Ints:
    """Which expert each draw belongs to, (draws,): as many as the weights say, to the nearest draw, in random order.

    >>> np.bincount(shares_of_draws([0.5, 0.25, 0.25], 100, 1)).tolist()
    [50, 25, 25]
    """
    ends = np.rint(np.cumsum(weights) / np.sum(weights) * draws).astype(int)
    whose = np.searchsorted(ends, np.arange(draws), side="right")
    return generator(seed, "shares of experts").permutation(whose)


def mix_forecasts(forecasts: Sequence[Forecast], weights: Sequence[float], case: Case | None = None) -> Forecast:
    """The forecast of a group: each draw of parameters, levels and what they move is one expert's, by weight.

    The prior of the group is the mixture sum of w p of its experts' and what is forecast is the same mixture of what
    each forecasts (the linear pool; Stone, 1961), of all numbers at once: probabilities, scores, joint futures. It can
    be scored, asked, explained and exported as any other. Draw by draw it meets the chance that each expert's own
    forecast met. `case`: what it is called, the first expert's where none is given. Raises OptionError where forecasts
    do not share draws, seed, horizon, scenario and the structure of their cases, and for weights that are not theirs.

    >>> import riskcast
    >>> case = riskcast.load_case("central_asia_2024")
    >>> one = riskcast.forecast(riskcast.fit(case, draws=100, allow_unreliable=True), horizon=2)
    >>> both = mix_forecasts([one, one], [0.5, 0.5])
    >>> both.score("RUS-TJK") == one.score("RUS-TJK")
    True
    """
    if not forecasts or len(weights) != len(forecasts) or not sum(weights) > 0.0 or min(weights) < 0.0:
        told = f"{list(weights)} for {len(forecasts)} forecasts"
        raise OptionError(f"weights are {told}; give one of at least 0 for each, not all 0")
    forecasts = with_equal_paths(tuple(forecasts))
    first = forecasts[0]
    for ahead in forecasts:
        if ahead.outside is not None:
            raise OptionError("a forecast that numbers from outside adjust cannot be mixed; make it without them")
        theirs = (ahead.posterior.draws, ahead.seed, ahead.horizon, ahead.scenario, ahead.paths, ahead.dyads)
        if theirs != (first.posterior.draws, first.seed, first.horizon, first.scenario, first.paths, first.dyads):
            raise OptionError(
                "experts' forecasts differ in draws, seed, horizon, scenario, paths or dyads; make all alike"
            )
    called = first.case if case is None else case
    whose = shares_of_draws(weights, first.posterior.draws, first.seed)
    mixed = _Mixed(whose)
    plan = replace(mixed.of([ahead.plan for ahead in forecasts], "plan"), case=called)
    posterior = _mixed_posterior([ahead.posterior for ahead in forecasts], mixed, called)
    if is_closed(plan):
        simulated = solve(plan, first.scenario, BLOCK_CELLS)
    else:
        simulated = simulate(plan, first.scenario, first.paths or None)
    return replace(first, posterior=posterior, plan=plan, simulated=simulated, paths=simulated.paths)


def _mixed_posterior(posteriors: Sequence[Posterior], mixed: _Mixed, case: Case) -> Posterior:
    """Draws of all parameters, each one expert's; its health is that of the worst."""
    first = posteriors[0]
    events: dict[str, EventDraws] = {}
    for name in first.events:
        every = [posterior.events[name] for posterior in posteriors]
        events[name] = _worst(mixed.of([_numbers_of(one) for one in every], name), every)
    shared: SharedDraws | None = None
    if first.shared is not None:
        common = [one for posterior in posteriors if (one := posterior.shared) is not None]
        shared = _worst(mixed.of([_numbers_of(one) for one in common], "what is shared"), common)
    diagnostics = judge(first.engine, events, first.draws, shared)
    return replace(
        first, case=case, events=events, shared=shared, diagnostics=diagnostics, fingerprints=None, kept=None
    )


HEALTH = ("khat", "ess", "rhat", "divergences", "failed")


def _numbers_of[T: (EventDraws, SharedDraws)](drawn: T) -> T:
    """Draws without what is said of their health, which is no part of what is mixed."""
    return replace(drawn, khat=0.0, ess=0.0, rhat=0.0, divergences=0, failed="")


def _worst[T: (EventDraws, SharedDraws)](mixed: T, every: Sequence[T]) -> T:
    khats, esses, rhats = ([getattr(one, name) for one in every] for name in HEALTH[:3])
    return replace(
        mixed,
        khat=float(np.max(khats)),
        ess=float(np.min(esses)),
        rhat=float(np.max(rhats)),
        divergences=max(one.divergences for one in every),
        failed=next((one.failed for one in every if one.failed), ""),
    )


@dataclass(frozen=True)
class _Mixed:
    """Takes records that differ in their draws, and gives each draw to its expert; whose: (draws,)."""

    whose: Ints

    def of(self, parts: Sequence[Any], where: str) -> Any:
        """One of several, draw by draw."""
        first = parts[0]
        if all(part is first for part in parts):
            return first
        if isinstance(first, np.ndarray):
            return self._array(parts, where)
        if is_dataclass(first) and not isinstance(first, type):
            if any(type(part) is not type(first) for part in parts):
                raise _differ(where)
            changed = {
                field.name: self.of([getattr(part, field.name) for part in parts], f"{where}.{field.name}")
                for field in fields(first)
                if field.init
            }
            return replace(first, **changed)
        if isinstance(first, Mapping):
            if any(list(part) != list(first) for part in parts):
                raise _differ(where)
            return {key: self.of([part[key] for part in parts], f"{where}.{key}") for key in first}
        if isinstance(first, tuple | list):
            if any(len(part) != len(first) for part in parts):
                raise _differ(where)
            return type(first)(self.of(list(each), where) for each in zip(*parts, strict=True))
        if isinstance(first, Case) or all(part == first for part in parts):
            return first
        raise _differ(where)

    def _array(self, parts: Sequence[np.ndarray], where: str) -> np.ndarray:
        first = parts[0]
        if any(part.shape != first.shape for part in parts):
            raise _differ(where)
        if all(np.array_equal(part, first, equal_nan=part.dtype.kind == "f") for part in parts):
            return first
        # What experts' numbers change has a row for each draw.
        if first.shape[:1] != self.whose.shape:
            raise _differ(where)
        found = first.copy()
        for place, part in enumerate(parts):
            rows = self.whose == place
            found[rows] = part[rows]
        return found


def _differ(where: str) -> OptionError:
    return OptionError(
        f"experts' cases differ in more than numbers ({where}), so that their draws cannot stand side by side; "
        "let experts change numbers alone, and hold none at 0 that others do not"
    )
