"""Which belief matters: every quantity of a case held at both ends of its interval, one after the other."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from riskcast.case.quantities import Quantity
from riskcast.challenge.held import Bench, Held, error_of
from riskcast.challenge.sensitivity_records import Interaction, Sensitivities
from riskcast.challenge.targets import Target, find_targets
from riskcast.errors import CaseError, OptionError, UnknownNameError
from riskcast.forecasting.requests import Request, check_request
from riskcast.machinery.array_types import Floats
from riskcast.machinery.cache_folder import cache_folder
from riskcast.machinery.checkpoints import Finished, finish_tasks, open_checkpoints
from riskcast.machinery.threads import single_thread
from riskcast.machinery.workers import Workers, workers
from riskcast.version import __version__

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

DRAWS: Final = 500
PATHS: Final = 4
# With fewer draws and paths it is settled which quantities are worth more.
SCREEN_DRAWS, SCREEN_PATHS = 150, 2
# Of each target so many quantities are looked at with all draws, and so many of the largest by pairs.
KEPT, PAIRS = 25, 10
KIND: Final = "sensitivity"
BASE: Final = "nothing held"
SCREENED: Final = "screened"
CORNERS: Final = ((0, 0, 1.0), (0, 1, -1.0), (1, 0, -1.0), (1, 1, 1.0))
_BENCH: dict[str, Bench] = {}


@dataclass(frozen=True)
class _Setup:
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

    @property
    def bench(self) -> Bench:
        """The fitted case, which each process fits once."""
        key = json.dumps(self.about)
        if key not in _BENCH:
            _BENCH.clear()
            _BENCH[key] = Bench.of(self.request, self.targets, self.draws, self.paths)
        return _BENCH[key]


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
    `progress` hears how many quantities, and then pairs, are done of how many. Raises UnknownNameError, OptionError and
    QueryError for what is not there, UnreliablePosteriorError as `fit` does.

    >>> from riskcast import Request, load_case
    >>> asked = Request(load_case("central_asia_2024"), draws=100)
    >>> level = "indicators.security_pressure.now"
    >>> found = find_sensitivities(asked, ["score:RUS-TJK"], quantities=[level], paths=2, screen=False, use_cache=False)
    >>> [swing.how for swing in found.swings("score:RUS-TJK")]
    ['untouched']
    """
    scenario, *others = check_request(request)
    if others:
        raise OptionError(f"sensitivities are of one scenario, and {1 + len(others)} are given; give one")
    if request.outside:
        raise OptionError("numbers from outside are of the forecast as it is; leave them out")
    if not 2 <= paths <= 64:
        raise OptionError(f"paths is {paths}; give a number from 2 to 64")
    if not 0 <= pairs <= 40:
        raise OptionError(f"pairs is {pairs}; give a number from 0, for no interactions, to 40")
    setup = _Setup(request, find_targets(request.case, request.periods, of), request.draws, paths)
    known = {key: quantity for key, quantity, _ in request.case.quantities()}
    asked = _asked(known, quantities)
    run = _Run(setup, workers_count, cluster, progress or (lambda done, total: None))
    with _open(cache, setup) if use_cache else nullcontext() as run.checkpoints:
        base = run.finish({BASE: (setup, (), False)})[BASE]
        screens = screen and request.draws > SCREEN_DRAWS and len(asked) > KEPT
        ends: dict[str, Finished] = {}
        if screens:
            coarse = run.finish({f"{SCREENED} {key}": (setup, (key,), True) for key in asked})
            ends = {key: coarse[f"{SCREENED} {key}"] for key in asked}
        kept = [key for key in asked if not screens or _may_matter(ends, key)]
        ends |= run.finish({key: (setup, (key,), False) for key in kept})
        found = _gather(setup, scenario, known, asked, frozenset(kept) if screens else None, base, ends)
        largest = _pairs_of(found, pairs)
        every = sorted({pair for own in largest.values() for pair in own})
        twos = run.finish({" with ".join(pair): (setup, pair, False) for pair in every})
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


@dataclass
class _Run:
    """Does tasks that are left, here, on processes or on a cluster."""

    setup: _Setup
    workers_count: int | None
    cluster: str | None
    progress: Callable[[int, int], None]
    checkpoints: Any = None

    def finish(self, tasks: Mapping[str, tuple[Any, ...]]) -> Mapping[str, Finished]:
        """What tasks of `hold_ends` come to, by key."""
        if not tasks:
            return {}
        return finish_tasks(
            hold_ends,
            list(tasks),
            lambda key: tasks[key],
            lambda made: made,
            self._crew,
            self.checkpoints,
            self.progress,
        )

    def _crew(self, count: int) -> AbstractContextManager[Workers]:
        # Every process fits the case once, which a few tasks are not worth.
        few = self.workers_count is None and self.cluster is None and count < 12
        return workers(1 if few else self.workers_count, self.cluster)


def hold_ends(setup: _Setup, keys: Sequence[str], coarse: bool) -> Finished:
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


def _may_matter(ends: Mapping[str, Finished], key: str) -> bool:
    """Whether few draws leave it open that a quantity is among the `KEPT` largest of any target."""
    if "refused" in ends[key].facts:
        return False
    # Weights that failed say nothing of how small it is.
    if not ends[key].facts["good"]:
        return True
    at_most, at_least = {}, {}
    for name, done in ends.items():
        if "refused" not in done.facts:
            at_least[name] = _size(done)
            at_most[name] = at_least[name] + 2.0 * done.frames["values"]["swing_error"].to_numpy()
    ranked = np.sort(np.stack(list(at_least.values())), axis=0)[::-1]
    bar = ranked[min(KEPT, len(ranked)) - 1]
    return bool((at_most[key] >= bar).any())


def _size(done: Finished) -> Floats:
    frame = done.frames["values"]
    ends = np.stack([frame["low"].to_numpy(), np.zeros(len(frame)), frame["high"].to_numpy()])
    return ends.max(axis=0) - ends.min(axis=0)


def _gather(
    setup: _Setup,
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
        own = []
        for one, two in pairs:
            frame = twos[f"{one} with {two}"].frames["values"]
            if len(frame):
                own.append(Interaction(one, two, float(frame["points"].iloc[place]), float(frame["error"].iloc[place])))
        out[target] = tuple(sorted(own, key=lambda i: -abs(i.points)))
    return out


def _open(cache: str | Path | None, setup: _Setup) -> Any:
    digest = hashlib.sha256(json.dumps(setup.about, sort_keys=True).encode()).hexdigest()[:12]
    folder = Path(cache) if cache is not None else cache_folder()
    return open_checkpoints(folder / KIND / f"{setup.request.case.name}-{digest}", setup.about)
