"""What a subject of an assertion stands for, as a scenario."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from riskcast.case.model import AssumedEvent, Case, IndicatorMove, Scenario
from riskcast.case.moves import levels_today
from riskcast.challenge.claim_terms import Assumed, Made, Step, Subject


def scenario_of(case: Case, subject: Subject, dyads: Collection[str]) -> str | Scenario:
    """The scenario that a subject stands for where some dyads are forecast; raises ValueError or OverflowError for a
    step of no size."""
    match subject:
        case Assumed(scenario):
            return scenario
        case Made(event, whom):
            assumed = AssumedEvent(event=event, dyads=None if whom == case.host else (whom,), month=1)
            return Scenario(label=f"{event} happens", story="Made to happen in the first period.", events=(assumed,))
        case Step(name, steps):
            moves = tuple(_moves(case, name, steps, dyads))
            return Scenario(label=f"{name} {steps:+g} steps", story="Off its path.", indicators=moves)


def _moves(case: Case, name: str, steps: float, dyads: Collection[str]) -> Iterator[IndicatorMove]:
    """Every path so many steps further: one move for all units, or one for each where today's level tells its size."""
    held = case.indicators[name]
    levels = np.asarray(held.measure.steps(levels_today(case, name)), dtype=float).tolist()
    sizes = [held.measure.step_move(steps, level) for level in levels]
    if held.scope == "host" or len(set(sizes)) == 1:
        yield IndicatorMove.model_validate({"indicator": name, sizes[0][0]: sizes[0][1]})
        return
    for unit, (verb, size) in zip(case.units_of(name), sizes, strict=True):
        if unit in dyads:
            yield IndicatorMove.model_validate({"indicator": name, "dyads": (unit,), verb: size})
