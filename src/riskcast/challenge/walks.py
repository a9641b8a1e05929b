"""The tasks of a reverse stress test: a belief held at its median, beliefs held on the way to a goal, and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from riskcast.case.model import Case
from riskcast.case.quantities import Prior, elicit
from riskcast.challenge.ends import Setup
from riskcast.challenge.event_ways import find_event_ways
from riskcast.challenge.goals import Goal
from riskcast.challenge.held import Bench, Held, error_of
from riskcast.errors import CaseError
from riskcast.machinery.array_types import Floats
from riskcast.machinery.checkpoints import Finished
from riskcast.machinery.threads import single_thread

# A belief that lies further from its median than so many prior standard deviations is no way that is told.
FARTHEST = 3.0
# How often a way is forecast to find how far to go, and how near to the goal is there.
TRIES, NEAR = 4, 0.3


def priors_of(case: Case) -> Mapping[str, Prior]:
    """The priors of all quantities that are not fixed."""
    return {key: elicit(quantity, link) for key, quantity, link in case.quantities() if not quantity.is_fixed}


def hold_median(setup: Setup, goal: Goal, key: str) -> Finished:
    """What one quantity at its prior's median does to the gap of a goal: fact `median`, or why it is `refused`."""
    with single_thread():
        bench = setup.bench
        try:
            held = bench.hold({key: float(priors_of(setup.request.case)[key].quantile(0.0))})
        except CaseError as error:
            return Finished({}, {"refused": str(error)})
        return Finished({}, {"median": float(goal.gap(held.means) - goal.gap(bench.base.means))})


@dataclass(frozen=True)
class _Step:
    """Beliefs held at scores z, the gap of the goal there, and its standard error."""

    z: Floats
    held: Held
    gap: float
    gap_error: float
    is_there: bool

    @property
    def rank(self) -> tuple[bool, float]:
        """The nearest to the goal of those that are there, or else of those that are not."""
        return self.is_there, -abs(self.gap)


def walk(setup: Setup, goal: Goal, keys: Sequence[str], z: Sequence[float], start: float) -> Finished:
    """Forecast with beliefs held along a way, until the goal is there or the farthest is reached.

    z: where parabolas see the goal reached; start: the gap with these beliefs at their medians. Facts: where the way
    ends, `z`, and what the targets are there, `values`, with `errors`; the `gap` and its `gap_error`; whether it
    `is_there`, and whether its fit `is_good`; or why it is `refused`.
    """
    with single_thread():
        bench, priors = setup.bench, priors_of(setup.request.case)
        ray = np.asarray(z, dtype=float)
        before, most = (0.0, start), FARTHEST / max(float(np.abs(ray).max()), 1e-12)
        far, best = min(1.0, most), None
        for _ in range(TRIES):
            try:
                step = _at(bench, goal, {key: priors[key] for key in keys}, far * ray)
            except CaseError as error:
                if best is None:
                    return Finished({}, {"refused": str(error)})
                break
            best = step if best is None or step.rank > best.rank else best
            rise = (step.gap - before[1]) / (far - before[0]) if far != before[0] else 0.0
            if (step.is_there and step.gap <= NEAR) or rise <= 0.0:
                break
            # A little beyond, so that the goal is there and not all but there.
            further = min(max(far + (0.5 * NEAR - step.gap) / rise, 0.3 * far), 2.0 * far, most)
            if further == far:
                break
            before, far = (far, step.gap), further
        assert best is not None
        return Finished({}, _facts(best))


def _at(bench: Bench, goal: Goal, priors: Mapping[str, Prior], z: Floats) -> _Step:
    values = {key: float(prior.quantile(one)) for (key, prior), one in zip(priors.items(), z.tolist(), strict=True)}
    held = bench.hold(values)
    influence = goal.gap(held.influence) - goal.gap(np.zeros(len(goal.targets)))
    error = held.wider * float(error_of(influence[:, None])[0])
    return _Step(z, held, float(goal.gap(held.means)), error, bool(goal.is_reached(held.means)))


def _facts(step: _Step) -> dict[str, object]:
    return {
        "z": step.z.tolist(),
        "values": step.held.means.tolist(),
        "errors": (step.held.wider * error_of(step.held.influence)).tolist(),
        "gap": step.gap,
        "gap_error": step.gap_error,
        "is_there": step.is_there,
        "is_good": step.held.is_good,
    }


def watch_events(setup: Setup, goal: Goal) -> Finished:
    """What `find_event_ways` finds, as the fact `ways`."""
    with single_thread():
        return Finished({}, {"ways": [asdict(way) for way in find_event_ways(setup.bench, goal)]})
