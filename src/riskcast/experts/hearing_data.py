"""What a panel's experts say, as plain data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from riskcast.experts.hearing import Hearing
from riskcast.experts.seed_scores import ClassicalModel
from riskcast.experts.together import Together
from riskcast.version import __version__


def hearing_data(heard: Hearing) -> dict[str, Any]:
    """A hearing as plain data, with all digits: experts, blanks, and by number what each says and why."""
    return {
        "riskcast_version": __version__,
        "case": {
            "name": heard.published.name,
            "hash": heard.published.hash,
            "as_of": heard.published.as_of.isoformat(),
        },
        "panel": heard.panel.title,
        "weights": heard.weighting,
        "blanks": {"used": heard.blanks, "chosen": heard.panel.blanks is not None},
        "against": heard.against,
        "exact": heard.exact,
        "draws": heard.request.draws,
        "seed": heard.request.seed,
        "forecasts": heard.forecasts,
        "notes": list(heard.told),
        "failures": list(heard.failures),
        "experts": [
            {
                "who": voice.name,
                "when": str(voice.expert.overlay.when),
                "why": voice.expert.overlay.why,
                "weight": voice.weight,
                "case_hash": voice.case.hash,
                "overlay_hash": voice.expert.overlay.hash,
                "beliefs": {
                    key: quantity.model_dump(mode="json", exclude_none=True) for key, quantity in voice.beliefs.items()
                },
                "blanks": [blank.id for blank in voice.blanks],
            }
            for voice in heard.voices
        ],
        "numbers": [
            {
                "unit": unit,
                "of": of,
                "unit_of_values": "points of 100",
                "intervals": [[one.low, one.high] for one in heard.estimates(unit, of)],
                **asdict(heard.disagreement(unit, of)),
            }
            for unit, of in heard.places()
        ],
    }


def together_data(together: Together) -> dict[str, Any]:
    """What a panel says together as plain data: its experts, pooled quantities, and every number in points of 100."""
    heard = together.heard
    said = hearing_data(heard)
    numbers = []
    for told in said.pop("numbers"):
        one = together.number(told["unit"], told["of"])
        numbers.append({**asdict(one), "unit": told["unit"], "experts": told["values"], "errors": told["errors"]})
    return said | {
        "pool_of_quantities": together.pool,
        "quantities": {
            key: quantity.model_dump(mode="json", exclude_none=True, exclude={"evidence"})
            for key, quantity in together.quantities.items()
        },
        "pooled_case_hash": together.case.hash,
        "numbers": numbers,
    }


def seed_data(found: ClassicalModel) -> dict[str, Any]:
    """What seed questions make of experts, as plain data."""
    return {
        "riskcast_version": __version__,
        "questions": found.questions,
        "cutoff": found.cutoff,
        "experts": [{**asdict(score), "product": score.product} for score in found.scores],
        "groups": [{**asdict(score), "product": score.product} for score in (found.group, found.equal)],
        "notes": list(found.told),
    }
