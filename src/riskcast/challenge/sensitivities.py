"""Which belief matters: every quantity of a case held at both ends of its interval, one after the other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from riskcast.case.quantities import Quantity
from riskcast.challenge.ends import SCREEN_DRAWS, Setup, TaskRun, hold_ends, open_kept
from riskcast.challenge.sensitivity_records import Interaction, Sensitivities, chance_bar, reach, reach_error
from riskcast.challenge.targets import find_targets
from riskcast.engines.posterior import Posterior
from riskcast.errors import OptionError, UnknownNameError
from riskcast.forecasting.requests import Request, check_request, refuse_experts
from riskcast.machinery.array_types import Floats
from riskcast.machinery.checkpoints import Finished

PATHS: Final = 4
# Of each target so many quantities are looked at with all draws, and so many of the largest by pairs.
KEPT, PAIRS = 25, 10
BASE: Final = "nothing held"
SCREENED: Final = "screened"


def find_sensitivities(
    request: Request,
    of: Iterable[str] = (),
    *,
    quantities: Iterable[str] | None = None,
    paths: int = PATHS,
    screen: bool = True,
    pairs: int = PAIRS,
    workers_count: int | None = None,
    cluster: str | None = None,
    cache: str | Path | None = None,
    use_cache: bool = True,
    fitted: Callable[[], Posterior] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Sensitivities:
    """What scores and probabilities gain or lose as each quantity is held at its 5 % and 95 %, the rest relearned.

    For a quantity q and a target y: E[y | q = v, record] - E[y | record] at both ends v of its 90 % interval. Draws of
    one fit are moved and weighed (`relearned`); where weights fail their check the case is fitted anew. All forecasts
    meet the same chance, and errors are of differences draw by draw. With `screen`, fewer draws settle first which
    quantities can be among the `KEPT` largest of a target; the others keep what those draws said, and are told to be
    `screened`. Of the `pairs` largest of each target, every two are held together at all four corners: an interaction
    is y(high, high) - y(high, low) - y(low, high) + y(low, low).

    request: case, overlays, scenario, horizon, draws and seed; of: what `find_targets` takes, all scores where nothing
    is given; quantities: ids, all that are not fixed where None; paths: futures of each draw. Finished quantities are
    kept below the folder `cache` (`cache_folder()` where none is given), so that a run that was interrupted goes on.
    `fitted` gives the request's posterior where it is at hand, and is asked once all else is known to be there.
    `progress` hears how many quantities, and then pairs, are done of how many. Raises UnknownNameError, OptionError and
    QueryError for what is not there, UnreliablePosteriorError as `fit` does.

    >>> from riskcast import Request, load_case
    >>> asked = Request(load_case("central_asia_2024"), draws=100)
    >>> level = "indicators.security_pressure.now"
    >>> found = find_sensitivities(asked, ["score:RUS-TJK"], quantities=[level], paths=2, screen=False, use_cache=False)
    >>> [swing.how for swing in found.swings("score:RUS-TJK")]
    ['untouched']
    """
    refuse_experts(request, "sensitivity")
    scenario, *others = check_request(request)
    if others:
        raise OptionError(f"sensitivities are of one scenario, and {1 + len(others)} are given; give one")
    if request.outside:
        raise OptionError("numbers from outside are of the forecast as it is; leave them out")
    if not 2 <= paths <= 64:
        raise OptionError(f"paths is {paths}; give a number from 2 to 64")
    if not 0 <= pairs <= 40:
        raise OptionError(f"pairs is {pairs}; give a number from 0, for no interactions, to 40")
    setup = Setup(request, find_targets(request.case, request.periods, of), request.draws, paths)
    known = {key: quantity for key, quantity, _ in request.case.quantities()}
    asked = _asked(known, quantities)
    if fitted is not None:
        setup.lend(fitted())
    run = TaskRun(setup, workers_count, cluster, progress or (lambda done, total: None))
    with open_kept(setup, cache) if use_cache else nullcontext() as run.checkpoints:
        base = run.finish(hold_ends, {BASE: (setup, (), False)})[BASE]
        screens = screen and request.draws > SCREEN_DRAWS and len(asked) > KEPT
        ends: dict[str, Finished] = {}
        if screens:
            coarse = run.finish(hold_ends, {f"{SCREENED} {key}": (setup, (key,), True) for key in asked})
            ends = {key: coarse[f"{SCREENED} {key}"] for key in asked}
        kept = that_may_matter(ends) if screens else list(asked)
        ends |= run.finish(hold_ends, {key: (setup, (key,), False) for key in kept})
        found = _gather(setup, scenario, known, asked, frozenset(kept) if screens else None, base, ends)
        largest = _pairs_of(found, pairs)
        every = sorted({pair for own in largest.values() for pair in own})
        twos = run.finish(hold_ends, {" with ".join(pair): (setup, pair, False) for pair in every})
    return replace(found, interactions=_interactions(found, largest, twos))


def _asked(known: Mapping[str, Quantity], quantities: Iterable[str] | None) -> tuple[str, ...]:
    """Which quantities to hold: those that are not fixed; raises OptionError for a fixed one that is asked for."""
    if quantities is None:
        return tuple(key for key, quantity in known.items() if not quantity.is_fixed)
    asked = tuple(dict.fromkeys(quantities))
    for key in asked:
        if key not in known:
            raise UnknownNameError("quantity", key, known)
        if known[key].is_fixed:
            raise OptionError(f"{key} is held fixed at {known[key].center:g} already; give it an interval to ask about")
    return asked


def that_may_matter(ends: Mapping[str, Finished]) -> list[str]:
    """The quantities of which few draws leave it open that they are among the `KEPT` largest of any target."""
    told = {key: done for key, done in ends.items() if "refused" not in done.facts}
    # Weights that failed say nothing of how small a quantity is, nor of how small the others are.
    good = {key: _sized(done) for key, done in told.items() if done.facts["good"]}
    if len(good) <= KEPT:
        return list(told)
    at_least = np.sort([size - 2.0 * error for size, error in good.values()], axis=0)
    bar = at_least[-KEPT]
    small = {key for key, (size, error) in good.items() if (size + 2.0 * error < bar).all()}
    return [key for key in told if key not in small]


def _sized(done: Finished) -> tuple[Floats, Floats]:
    """How far each target reaches, and the standard error of that: (targets,) each."""
    frame = done.frames["values"]
    low, high, *errors = (frame[name].to_numpy() for name in ("low", "high", "low_error", "high_error", "swing_error"))
    return reach(low, high), reach_error(low, high, *errors)


def _gather(
    setup: Setup,
    scenario: str,
    known: Mapping[str, Quantity],
    asked: Sequence[str],
    kept: frozenset[str] | None,
    base: Finished,
    ends: Mapping[str, Finished],
) -> Sensitivities:
    absent = np.full(len(setup.targets), np.nan)

    def table(name: str) -> Floats:
        rows = [ends[key].frames["values"].get(name, absent) for key in asked]
        return np.array([np.asarray(row, dtype=float) for row in rows]).reshape(len(asked), len(setup.targets))

    facts = {key: ends[key].facts for key in asked}
    return Sensitivities(
        case=setup.request.case,
        scenario=scenario,
        horizon=setup.request.periods,
        seed=setup.request.seed,
        targets=tuple(target.id for target in setup.targets),
        quantities=tuple(asked),
        base=base.frames["values"]["base"].to_numpy(),
        base_error=base.frames["values"]["base_error"].to_numpy(),
        low=table("low"),
        high=table("high"),
        low_error=table("low_error"),
        high_error=table("high_error"),
        swing_error=table("swing_error"),
        ends=np.array([known[key].range for key in asked]).reshape(len(asked), 2),
        how=tuple(
            "refused"
            if "refused" in facts[key]
            else SCREENED
            if kept is not None and key not in kept
            else str(facts[key]["how"])
            for key in asked
        ),
        refused={key: own["refused"] for key, own in facts.items() if "refused" in own},
        fixed=tuple(key for key, quantity in known.items() if quantity.is_fixed),
        interactions={},
        draws=setup.draws,
        paths=setup.paths,
        screen_draws=0 if kept is None else min(SCREEN_DRAWS, setup.draws),
        warning=str(base.facts.get("warning", "")),
        made=base.facts["made"],
    )


def _pairs_of(found: Sensitivities, most: int) -> dict[str, list[tuple[str, str]]]:
    """By target, every two of its largest swings that can be told from chance."""
    out = {}
    for target in found.targets:
        named = [s.quantity for s in found.swings(target) if s.is_told and s.how != SCREENED][:most]
        out[target] = [(min(pair), max(pair)) for pair in itertools.combinations(named, 2)]
    return out


def _interactions(
    found: Sensitivities, largest: Mapping[str, list[tuple[str, str]]], twos: Mapping[str, Finished]
) -> dict[str, tuple[Interaction, ...]]:
    out = {}
    for place, (target, pairs) in enumerate(largest.items()):
        own, bar = [], chance_bar(len(pairs))
        for one, two in pairs:
            frame = twos[f"{one} with {two}"].frames["values"]
            if len(frame):
                points, error = (float(frame[name].iloc[place]) for name in ("points", "error"))
                own.append(Interaction(one, two, points, error, abs(points) > bar * error))
        out[target] = tuple(sorted(own, key=lambda i: -abs(i.points)))
    return out
