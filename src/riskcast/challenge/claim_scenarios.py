"""What a subject of an assertion stands for, as a scenario."""

from __future__ import annotations

from riskcast.case.model import AssumedEvent, Case, IndicatorMove, Scenario
from riskcast.challenge.claim_terms import Assumed, Made, Step, Subject


def scenario_of(case: Case, subject: Subject) -> str | Scenario:
    """The scenario that a subject stands for."""
    match subject:
        case Assumed(scenario):
            return scenario
        case Made(event, whom):
            dyads = None if whom == case.host else (whom,)
            assumed = AssumedEvent(event=event, dyads=dyads, month=1)
            return Scenario(label=f"{event} happens", story="Made to happen in the first period.", events=(assumed,))
        case Step(name, steps):
            return Scenario(
                label=f"{name} {steps:+g} steps", story="Off its path.", indicators=_moves(case, name, steps)
            )


def _moves(case: Case, name: str, steps: float) -> tuple[IndicatorMove, ...]:
    held = case.indicators[name]
    if held.scale == "identity":
        return (IndicatorMove(indicator=name, shift=steps * held.step),)
    if held.scale == "log":
        return (IndicatorMove(indicator=name, multiply=held.step**steps),)
    found = []
    for unit in case.units_of(name):
        level = float(held.level(float(held.steps(case.now_of(name, unit).center)) + steps))
        dyads = None if held.scope == "host" else (unit,)
        found.append(IndicatorMove(indicator=name, dyads=dyads, set=level))
    return tuple(found)
