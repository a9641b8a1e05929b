"""Claims and what was found of them as plain data."""

from __future__ import annotations

from typing import Any

from riskcast.case.model import Case
from riskcast.challenge.claim_records import STATUSES, Finding, JudgedClaims
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.lineage import provenance, rounded
from riskcast.machinery.digests import digest


def claims_data(found: JudgedClaims) -> dict[str, Any]:
    """Claims as plain data: where the numbers come from, how many have each status, and each claim with its source and
    place, its status, and its assertions: status, reason, `number` with its 90 % interval, `error` (Monte Carlo), unit,
    what it is held `against`, the `difference` that the status rests on, and the ids of the quantities behind it."""
    case = found.forecast.case
    return {
        **provenance(found.forecast),
        "claims_digest": digest_of_claims(case),
        "counts": {status: found.counts[status] for status in STATUSES} | {"untested": len(found.untested)},
        "claims": [
            {
                "id": one.id,
                "claim": one.claim.claim,
                "source": one.claim.source,
                "source_title": case.sources[one.claim.source].title,
                "at": one.claim.at,
                "status": one.status,
                "missing": one.claim.missing,
                "assertions": [_finding(each) for each in one.findings],
            }
            for one in found.claims
        ],
        "untested": [
            {"id": id, "claim": claim.claim, "source": claim.source, "at": claim.at, "reason": claim.untested}
            for id, claim in found.untested.items()
        ],
    }


def digest_of_claims(case: Case) -> str:
    """sha256 of what the claims say, which the case's hash leaves out."""
    return digest({id: claim.model_dump(mode="json", exclude_defaults=True) for id, claim in case.claims.items()})


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "assertion": found.text,
        "status": found.status,
        "reason": found.reason,
        "told": found.told or None,
        "unit": found.label or found.unit,
        "number": _estimate(found.number),
        "error": rounded(found.error),
        "against": _estimate(found.against),
        "difference": _estimate(found.difference),
        "quantities": list(found.quantities),
    }


def _estimate(one: Estimate | None) -> dict[str, float | None] | None:
    return None if one is None else {"mean": rounded(one.mean), "low": rounded(one.low), "high": rounded(one.high)}
