"""Long results cut to what tells most, with how many there are of what was cut."""

from __future__ import annotations

from typing import Any, Final

from riskcast.challenge.claim_data import claims_data
from riskcast.challenge.claim_records import JudgedClaim, JudgedClaims
from riskcast.challenge.claim_words import decisive
from riskcast.challenge.evidence import Evidence
from riskcast.challenge.plain_evidence import evidence_data
from riskcast.challenge.sensitivity_records import Sensitivities, sensitivities_data

MOST_BELIEFS: Final = 12


def shorten_evidence(found: Evidence) -> dict[str, Any]:
    """What evidence is worth: the beliefs that are worth most, of those that can be told from nothing."""
    told = evidence_data(found)
    beliefs = told["beliefs"]
    told["beliefs"] = [one for one in beliefs if one["told_from_nothing"]][:MOST_BELIEFS]
    return told | {"beliefs_weighed": len(beliefs)}


def shorten_sensitivities(found: Sensitivities) -> dict[str, Any]:
    """A tornado: the largest swings of each target."""
    told = sensitivities_data(found)
    for target in told["targets"]:
        target["swings_found"] = len(target["swings"])
        target["swings"] = target["swings"][:MOST_BELIEFS]
    return told


def shorten_claims(found: JudgedClaims) -> dict[str, Any]:
    """Claims: of each the assertion that gives it its status, and how many it makes."""
    told = claims_data(found)
    for one, judged in zip(told["claims"], found.claims, strict=True):
        assertions = one.pop("assertions")
        one["assertions_count"] = len(assertions)
        one["decisive"] = next((assertions[place] for place in _decisive(judged)), None)
    return told


def _decisive(judged: JudgedClaim) -> list[int]:
    """Where the finding stands that gives a claim its status; nothing where it has none."""
    first = decisive(judged.findings, judged.status)
    return [place for place, one in enumerate(judged.findings) if one is first]
