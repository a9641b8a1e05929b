"""The least surprising change of beliefs that brings a conclusion down, and other ways there.

In standard normal scores z of the priors, what is asked is the point nearest to 0 at which a goal is reached: the
design point of the first-order reliability method (Hasofer and Lind, 1974). Its density is exp(-|z|^2 / 2) of that at
the medians. The tornado tells what each quantity does at both ends of its interval; sums of parabolas through these
propose points, and forecasts with all of a way's quantities held check them and set how far along one has to go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from riskcast.case.model import Case
from riskcast.case.quantities import Z90, Prior, elicit
from riskcast.case.quantity_ids import LEVEL, parse_id
from riskcast.case.quantity_names import name_quantity
from riskcast.challenge.ends import Setup
from riskcast.challenge.event_ways import find_event_ways
from riskcast.challenge.goals import Goal, read_goal
from riskcast.challenge.held import Bench, error_of
from riskcast.challenge.sensitivities import PATHS, find_sensitivities
from riskcast.challenge.sensitivity_records import Sensitivities
from riskcast.challenge.way_records import Move, Way, Ways
from riskcast.errors import CaseError
from riskcast.forecasting.requests import Request
from riskcast.machinery.array_types import Floats
from riskcast.machinery.threads import single_thread

# A belief that lies further from its median than so many prior standard deviations is no way that is told.
FARTHEST = 3.0
# A way holds so many quantities; those that are moved by less than this share of the largest move are left alone.
MOST_MOVES, LEAST_MOVE = 8, 0.1
# How often a way is forecast to find how far to go, and how near to the goal is there.
TRIES, NEAR = 4, 0.3


def find_ways(
    request: Request,
    goal: str,
    *,
    quantities: Iterable[str] | None = None,
    paths: int = PATHS,
    workers_count: int | None = None,
    cluster: str | None = None,
    cache: str | Path | None = None,
    use_cache: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Ways:
    """A reverse stress test: the least surprising beliefs, and the most probable events, that reach a goal.

    goal: such as `score:RUS-TJK > 60`, see `read_goal`. All quantities that are not fixed are free, or those in
    `quantities`. Told are the way with all of them, ways with those of one kind alone, one without the largest moves of
    the first, and the single belief that comes farthest; each is forecast with its beliefs held and the rest relearned.
    Other parameters and errors as for `find_sensitivities`, whose results are used and kept.
    """
    aim = read_goal(request.case, request.periods, goal)
    of = [target.id for target in aim.targets]
    found = find_sensitivities(
        request,
        of,
        quantities=quantities,
        paths=paths,
        pairs=0,
        workers_count=workers_count,
        cluster=cluster,
        cache=cache,
        use_cache=use_cache,
        progress=progress,
    )
    base = tuple(found.base.tolist()), tuple(found.base_error.tolist())
    short = -float(aim.gap(found.base))
    with single_thread():
        bench = Setup(request, aim.targets, request.draws, paths).bench
        search = _Search(bench, aim, _priors(request.case), found)
        ways = [] if short <= 0.0 else search.ways()
        events = find_event_ways(bench, aim)
    return Ways(
        case=request.case,
        scenario=found.scenario,
        horizon=found.horizon,
        goal=aim,
        values=base[0],
        errors=base[1],
        is_reached=short <= 0.0,
        ways=tuple(ways),
        events=events,
        draws=request.draws,
        warning=found.warning,
    )


def _priors(case: Case) -> dict[str, Prior]:
    return {key: elicit(quantity, link) for key, quantity, link in case.quantities() if not quantity.is_fixed}


def farthest_point(slope: Floats, bend: Floats, farthest: float = FARTHEST) -> Floats:
    """The z, no |z| beyond the farthest, at which the sum of slope z + bend z^2 is largest: (quantities,).

    >>> farthest_point(np.array([1.0, -1.0]), np.array([-0.25, 0.0])).tolist()
    [2.0, -3.0]
    """
    with np.errstate(all="ignore"):
        return np.where(bend < 0.0, np.clip(slope / (-2.0 * bend), -farthest, farthest), _sides(slope) * farthest)


def nearest_point(slope: Floats, bend: Floats, short: float, farthest: float = FARTHEST) -> Floats | None:
    """The z of least |z| at which the sum of slope z + bend z^2 reaches `short` > 0, (quantities,); None where none is.

    Of all points with no |z| beyond the farthest, none that gets there is nearer. At a multiplier m, z = m slope /
    (1 - 2 m bend), or the farthest, has the least |z|^2 / 2 - m (the sum) of them all, so that nothing nearer reaches
    what it reaches (Everett, 1963); the sum rises with m. Where it leaps, as a parabola without slope takes over, all
    points in between have as little.

    >>> nearest_point(np.array([3.0, 4.0]), np.zeros(2), 10.0).round(3).tolist()
    [1.2, 1.6]
    >>> nearest_point(np.zeros(1), np.array([0.25]), 1.0).round(3).tolist()
    [2.0]
    """

    def at(m: float) -> Floats:
        room = 1.0 - 2.0 * m * bend
        with np.errstate(all="ignore"):
            return np.where(room > 0.0, np.clip(m * slope / room, -farthest, farthest), _sides(slope) * farthest)

    def reached(z: Floats) -> float:
        return float((slope * z + bend * z**2).sum())

    last = farthest_point(slope, bend, farthest)
    if reached(last) < short:
        return None
    low, high = 0.0, 1e-6
    while reached(at(high)) < short and high < 1e12:
        low, high = high, 2.0 * high
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if reached(at(middle)) < short else (low, middle)
    before, beyond = at(low), at(high) if reached(at(high)) >= short else last
    near, far = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (near + far)
        near, far = (middle, far) if reached(before + middle * (beyond - before)) < short else (near, middle)
    return before + far * (beyond - before)


def _sides(slope: Floats) -> Floats:
    return np.where(slope < 0.0, -1.0, 1.0)


@dataclass(frozen=True)
class _Search:
    bench: Bench
    goal: Goal
    priors: Mapping[str, Prior]
    found: Sensitivities

    def ways(self) -> list[Way]:
        """Ways that hold different beliefs, the least surprising first; those that do not get there last."""
        told = [key for row, key in enumerate(self.found.quantities) if self.found.told[row].any()]
        made: list[Way] = []
        whole = self._way("all beliefs", told)
        if whole is not None:
            made.append(whole)
            largest = {move.quantity for move in whole.moves[:3]}
            other = self._way("without the three largest moves of the first way", [k for k in told if k not in largest])
            made += [other] if other is not None else []
        single = self._single(told)
        made += [single] if single is not None else []
        for name, kind in _KINDS.items():
            own = [key for key in told if kind(key)]
            way = self._way(name, own) if 0 < len(own) < len(told) else None
            made += [way] if way is not None else []
        distinct: dict[frozenset[str], Way] = {}
        for way in made:
            distinct.setdefault(frozenset(move.quantity for move in way.moves), way)
        return sorted(distinct.values(), key=lambda way: (not way.is_there, way.distance))

    def _curves(self, keys: Sequence[str]) -> tuple[Floats, Floats]:
        """Slope and bend of what each quantity does to the gap: parabolas through both ends and where it stands."""
        rows = [self.found.quantities.index(key) for key in keys]
        nothing = self.goal.gap(self.found.base)
        low, high = (
            np.array([self.goal.gap(self.found.base + ends[row]) - nothing for row in rows])
            for ends in (self.found.low, self.found.high)
        )
        return (high - low) / (2.0 * Z90), (high + low) / (2.0 * Z90**2)

    def _way(self, name: str, keys: Sequence[str]) -> Way | None:
        """The way with some quantities free."""
        if not keys:
            return None
        slope, bend = self._curves(keys)
        short = -float(self.goal.gap(self.found.base))
        z = nearest_point(slope, bend, short)
        if z is None:
            # As far as those that do most may go: it may be there all the same, as beliefs act together.
            z = farthest_point(slope, bend)
            gains = slope * z + bend * z**2
            z = np.where(np.argsort(np.argsort(-gains)) < MOST_MOVES, z, 0.0)
        size = np.abs(z)
        kept = np.flatnonzero((size > 0.0) & (size >= LEAST_MOVE * size.max(initial=0.0)))
        kept = kept[np.argsort(-size[kept])][:MOST_MOVES]
        # What those left alone would have done, the others do.
        again = nearest_point(slope[kept], bend[kept], short)
        return self._walk(name, [keys[i] for i in kept.tolist()], z[kept] if again is None else again)

    def _single(self, keys: Sequence[str]) -> Way | None:
        """The one belief that gets there soonest, or comes nearest."""
        best: tuple[float, float, str, float] | None = None
        short = -float(self.goal.gap(self.found.base))
        for key in keys:
            slope, bend = self._curves([key])
            z = nearest_point(slope, bend, short)
            at = float((farthest_point(slope, bend) if z is None else z)[0])
            lacks = 0.0 if z is not None else short - float(slope[0] * at + bend[0] * at**2)
            best = min(best or (math.inf, math.inf, "", 0.0), (lacks, abs(at), key, at))
        return None if best is None else self._walk("one belief alone", [best[2]], np.array([best[3]]))

    def _walk(self, name: str, keys: Sequence[str], z: Floats) -> Way | None:
        """Forecast with beliefs held along a way, until the goal is there or the farthest is reached."""
        before = (0.0, float(self.goal.gap(self.bench.base.means)))
        most = FARTHEST / max(float(np.abs(z).max()), 1e-12)
        far, best = min(1.0, most), None
        for _ in range(TRIES):
            try:
                way, gap = self._at(name, keys, far * z)
            except CaseError:
                return best
            if best is None or (way.is_there, -abs(gap)) > (best.is_there, -abs(self._gap_of(best))):
                best = way
            if 0.0 <= gap <= NEAR:
                break
            rise = (gap - before[1]) / (far - before[0]) if far != before[0] else 0.0
            if rise <= 0.0:
                break
            # A little beyond, so that the goal is there and not all but there.
            step = min(max(far + (0.5 * NEAR - gap) / rise, 0.3 * far), 2.0 * far, most)
            if step == far:
                break
            before, far = (far, gap), step
        return best

    def _gap_of(self, way: Way) -> float:
        return float(self.goal.gap(np.array(way.values)))

    def _at(self, name: str, keys: Sequence[str], z: Floats) -> tuple[Way, float]:
        values = {key: float(self.priors[key].quantile(one)) for key, one in zip(keys, z.tolist(), strict=True)}
        held = self.bench.hold(values)
        case, priors = self.bench.request.case, self.priors
        moves = [
            Move(key, name_quantity(case, key).label, float(priors[key].quantile(0.0)), value, one)
            for (key, value), one in zip(values.items(), z.tolist(), strict=True)
        ]
        gap = float(self.goal.gap(held.means))
        distance = float(np.sqrt((z**2).sum()))
        errors = tuple(error_of(held.influence).tolist())
        ordered = tuple(sorted(moves, key=lambda move: -abs(move.z)))
        density = math.exp(-0.5 * distance**2)
        return Way(name, ordered, distance, density, tuple(held.means.tolist()), errors, gap >= 0.0), gap


_KINDS: Mapping[str, Callable[[str], bool]] = {
    "today's levels alone": lambda key: parse_id(key).kind is LEVEL,
    "effects alone": lambda key: parse_id(key).section == "effects",
    "base rates alone": lambda key: parse_id(key).kind.field == "base_rate",
}
