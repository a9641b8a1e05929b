"""What a panel's experts say, as plain data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from riskcast.case.quantities import Quantity
from riskcast.experts.disagreement import Disagreement
from riskcast.experts.hearing import Hearing
from riskcast.experts.seed_scores import ClassicalModel
from riskcast.experts.together import Together
from riskcast.forecasting.lineage import provenance, rounded
from riskcast.version import __version__


def hearing_data(heard: Hearing) -> dict[str, Any]:
    """A hearing as plain data: where it comes from, experts with their blanks, and by number what each says and why.

    `engine` is of the first expert's posterior, `failures` of all; what is no number is null.
    """
    return {
        **provenance(heard.voices[0].forecast),
        "case": {
            "name": heard.published.name,
            "as_of": heard.published.as_of.isoformat(),
            "hash": heard.published.original_hash,
        },
        "overlay_hash": heard.published.overlay_hash,
        "panel": heard.panel.title,
        "weights": heard.weighting,
        "blanks": {"used": heard.blanks, "chosen": heard.is_chosen},
        "against": heard.against,
        "exact": heard.exact,
        "forecasts": heard.forecasts,
        "notes": list(heard.told),
        "failures": list(heard.failures),
        "experts": [
            {
                "who": voice.name,
                "when": str(voice.expert.overlay.when),
                "why": voice.expert.overlay.why,
                "weight": rounded(voice.weight),
                "case_hash": voice.case.hash,
                "overlay_hash": voice.expert.overlay.hash,
                "reliable": voice.forecast.posterior.is_reliable,
                "ess_min": rounded(voice.forecast.posterior.diagnostics.ess_min),
                "khat_max": rounded(voice.forecast.posterior.diagnostics.khat_max),
                "beliefs": {key: _plain(quantity) for key, quantity in voice.beliefs.items()},
                "blanks": [{"id": one.id, "used": _plain(one.used), "of": one.of} for one in voice.blanks],
            }
            for voice in heard.voices
        ],
        "numbers": [
            {
                "unit": unit,
                "of": of,
                "unit_of_values": "points of 100",
                "intervals": [[rounded(one.low), rounded(one.high)] for one in heard.estimates(unit, of)],
                **_disagreement(heard.disagreement(unit, of)),
            }
            for unit, of in heard.places()
        ],
    }


def _plain(quantity: Quantity) -> dict[str, Any]:
    return quantity.model_dump(mode="json", exclude_none=True)


def _disagreement(found: Disagreement) -> dict[str, Any]:
    return {**_rounded(asdict(found)), "noise": found.is_noise}


def _rounded(value: Any) -> Any:
    """Plain data with ten digits after the point; what is no number is null."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return rounded(value) if isinstance(value, float) else value


def together_data(together: Together) -> dict[str, Any]:
    """What a panel says together as plain data: its experts, pooled quantities, and every number in points of 100."""
    heard = together.heard
    said = hearing_data(heard)
    numbers = []
    for told in said.pop("numbers"):
        one = together.number(told["unit"], told["of"])
        noise = [without.is_noise for without in one.without]
        plain = _rounded(asdict(one))
        plain["without"] = [each | {"noise": own} for each, own in zip(plain["without"], noise, strict=True)]
        numbers.append({**plain, "unit": told["unit"], "experts": told["values"], "errors": told["errors"]})
    return said | {
        "mixture": provenance(together.mixture),
        "pool_of_quantities": together.pool,
        "quantities": {key: _plain(quantity) for key, quantity in together.quantities.items()},
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
