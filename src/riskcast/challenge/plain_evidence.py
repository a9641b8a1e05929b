"""What evidence is worth, as plain data."""

from __future__ import annotations

from typing import Any

from riskcast.challenge.evidence import Belief, Evidence
from riskcast.challenge.target_draws import TargetDraws, is_score
from riskcast.challenge.targets import Target
from riskcast.challenge.worth import Worth
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.lineage import provenance, rounded


def evidence_data(found: Evidence) -> dict[str, Any]:
    """What evidence is worth as plain data: where the numbers come from, the targets as they stand, every belief with
    its worth by target (points of the 90 % interval, shares from 0 to 1, losses in the rule's own unit; `error` is the
    Monte Carlo standard error), what a new value would have to be to change a band, and effects that move nothing."""
    return {
        **provenance(found.forecast),
        "rule": None if found.rule is None else {"cost": found.rule.cost, "loss": found.rule.loss},
        "targets": [_target(found, target, drawn) for target, drawn in found.targets.items()],
        "look_here_next": [
            {"place": look.place.key, "label": look.place.label, "quantity": look.best.key} for look in found.look_next
        ],
        "beliefs": [_belief(found, one) for one in found.beliefs],
        "placebos": None if found.placebos is None else [one.plain() for one in found.placebos],
        "too_rare_to_tell": [one.plain() for one in found.unsure],
        "held_at_their_medians": list(found.undrawn),
        "not_judged": [{"label": label, "draws": draws} for label, draws in found.unjudged.items()],
    }


def _target(found: Evidence, target: Target, drawn: TargetDraws) -> dict[str, Any]:
    return {
        "target": target.id,
        "unit": "points" if is_score(target) else "percent",
        **_estimate(drawn.estimate),
        "stands": drawn.stands,
        "most_saved": rounded(found.most_saved[target]) if target in found.most_saved else None,
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {"mean": rounded(estimate.mean), "low": rounded(estimate.low), "high": rounded(estimate.high)}


def _belief(found: Evidence, one: Belief) -> dict[str, Any]:
    return {
        "belief": one.key,
        "label": one.label,
        "kind": one.kind,
        "members": list(one.members),
        "basis": one.basis or None,
        "told_from_nothing": found.is_told(one),
        "saves_something": None if found.rule is None else found.saves(one),
        "overall": _worth(one.overall),
        "by_target": [
            {
                "target": target.id,
                **_worth(worth),
                "at_its_ends": None
                if target not in one.responses
                else [rounded(one.responses[target].low), rounded(one.responses[target].high)],
                "turns": [
                    {
                        "value": rounded(turn.value),
                        "side": "above" if turn.above else "below",
                        "stands": turn.band,
                        "chance": rounded(turn.chance),
                    }
                    for turn in one.turns.get(target, ())
                ],
            }
            for target, worth in one.worth.items()
        ],
    }


def _worth(worth: Worth) -> dict[str, Any]:
    told = {
        "narrower": worth.narrower,
        "explained": worth.explained,
        "other_band": worth.other_band,
        "saved": worth.saved,
    }
    return {
        name: None if one is None else {"value": rounded(one.value), "error": rounded(one.error)}
        for name, one in told.items()
    }
