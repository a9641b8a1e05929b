"""A horizon of one cell in which no event feeds another: probabilities and scores without any future simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from riskcast.case.model import Scenario
from riskcast.forecasting.levels_ahead import LevelsAhead, level_paths
from riskcast.forecasting.plan import EventPlan, Plan
from riskcast.forecasting.scenarios import assumed_events, excluded_events
from riskcast.forecasting.score_rule import can_enumerate, expected_points, scored_outcomes
from riskcast.forecasting.simulation import Simulated, check_numbers
from riskcast.forecasting.work_arrays import WORK, Block
from riskcast.machinery.array_types import Floats

# Nodes of the integral over a new year's shock, by the largest spread: within 1e-5 of the exact probability.
NODES = ((0.0, 1), (0.3, 5), (0.5, 7), (1.0, 16), (float("inf"), 40))


def is_closed(plan: Plan) -> bool:
    """Whether a plan has a closed form: one cell, no event that others feel within it, no level that drifts in it, and
    no tension that event types share, and few outcomes that imply others."""
    acting = {name for p in plan.events for name, _ in p.slopes}
    felt = any(edge.same_period and edge.gain.any() for p in plan.events for edge in p.edges)
    still = plan.tension is None and not felt and acting.isdisjoint(plan.drifting)
    return plan.cells == 1 and still and can_enumerate(scored_outcomes(plan.case))


def solve(plan: Plan, scenario: Scenario, cells: int) -> Simulated:
    """P(at least one event) = 1 - exp(-rate) for every draw, over a new year's shock by Gauss and Hermite.

    Given the parameters event types are then independent: a score is 100 (1 - prod over outcomes of (1 - share P)), see
    `expected_points`, and the worst outcome is at least s with probability 1 - prod over outcomes with severity >= s of
    (1 - P). Of what is recorded, rates are those times recall. `cells`: how many numbers are worked on together. Raises
    RiskcastError where a rate is no number.
    """
    found = _solve(plan, scenario, cells, recorded=False)
    is_thinned = any(p.is_thinned for p in plan.events)
    return replace(found, recorded=_solve(plan, scenario, cells, recorded=True)) if is_thinned else found


def _solve(plan: Plan, scenario: Scenario, cells: int, *, recorded: bool) -> Simulated:
    """`solve` of what happens, or of what of it is recorded."""
    draws, dyads = plan.draws, len(plan.case.dyads)
    probability = {p.event: np.empty((draws, p.units)) for p in plan.events}
    score, totals = np.empty((draws, dyads)), {s: np.zeros(dyads) for s in sorted({p.severity for p in plan.events})}
    totals.pop(0.0, None)
    forced, ruled_out = (find(plan.case, scenario, 1, plan.present) for find in (assumed_events, excluded_events))
    scored = scored_outcomes(plan.case)
    held = {each.event: plan.implied_in_running(each.event) for each in scored}
    per_block = max(1, cells // dyads)
    for first in range(0, draws, per_block):
        part = slice(first, min(first + per_block, draws))
        block = Block(np.arange(draws)[part], first)
        levels = LevelsAhead(plan, scenario, block.draw, level_paths(plan, scenario, block)).at(0)
        for p in plan.events:
            length = plan.shares[0] * (p.recall if recorded else 1.0)
            probability[p.event][part] = _chance(plan, p, levels, part, length)
            probability[p.event][part, forced.get((0, p.event), [])] = 1.0
            probability[p.event][part, ruled_out.get((0, p.event), [])] = 0.0
        counts = {each.event: probability[each.event][part] for each in scored}
        score[part] = expected_points(scored, {name: np.where(held[name], 0.0, own) for name, own in counts.items()})
        none = np.ones((part.stop - first, dyads))
        for level in sorted(totals, reverse=True):
            for p in plan.events:
                if p.severity == level:
                    none *= 1.0 - probability[p.event][part]
            totals[level] += (1.0 - none).sum(axis=0)
    for event, values in probability.items():
        check_numbers(plan, event, values)
    return Simulated(
        0,
        probability,
        {name: np.zeros(values.shape, dtype=np.float32) for name, values in probability.items()},
        {name: values.mean(axis=0, keepdims=True) for name, values in probability.items()},
        score,
        np.zeros(score.shape, dtype=np.float32),
        score.mean(axis=0),
        {level: total / draws for level, total in totals.items()},
    )


def _chance(plan: Plan, p: EventPlan, levels: Mapping[str, Floats], part: slice, length: Floats | float) -> Floats:
    """Probability of at least one event for some of the draws, (draws, units); `length`: of the cell, in periods."""
    log_rate = p.base(part)
    kept = p.persistence[part, None] ** (plan.years[0] - p.last_year)
    log_rate += (kept * p.last_shock[part, None]).astype(WORK)
    for name, slope in p.slopes:
        log_rate += slope[part, None].astype(WORK) * levels[name]
    for edge in p.edges:
        log_rate += edge.gain[part, None].astype(WORK) * edge.felt[part]
    spread = p.sd_time[part, None] * np.sqrt(1.0 - kept**2)
    with np.errstate(over="ignore", invalid="ignore"):
        rate = np.exp(log_rate, out=log_rate)
        chance, felt = np.zeros_like(rate), np.empty_like(rate)
        for node, weight in _nodes(float(p.sd_time.max()) if spread.any() else 0.0):
            np.multiply(rate, (-length * np.exp(spread * node)).astype(WORK), out=felt)
            chance -= np.multiply(np.expm1(felt, out=felt), WORK(weight), out=felt)
    return np.clip(chance, 0.0, 1.0, out=chance)


@cache
def _nodes(spread: float) -> tuple[tuple[float, float], ...]:
    """Nodes and weights of the integral over a standard normal, as many as the largest spread needs."""
    count = next(count for most, count in NODES if spread <= most)
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    return tuple(zip(nodes.tolist(), (weights / weights.sum()).tolist(), strict=True))
