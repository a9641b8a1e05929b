"""What the record taught, as plain data."""

from __future__ import annotations

from typing import Any

from riskcast.challenge.learning import Learned, Learning
from riskcast.challenge.power_scaling import Hang
from riskcast.forecasting.lineage import provenance, rounded
from riskcast.verification.coverage import PriorCheck


def learning_data(found: Learning) -> dict[str, Any]:
    """What the record taught as plain data: where the numbers come from, every quantity before and after, the joint
    prior check, and by how many points targets would change were priors or record to count twice as much."""
    return {
        **provenance(found.forecast),
        "jointly": _check(found.jointly),
        "priors": [_check(check) for check in found.checks],
        "quantities": [_quantity(one) for one in found.quantities],
        "unfitted": list(found.unfitted),
        "targets": [
            {
                "target": target.id,
                "mean": rounded(drawn.estimate.mean),
                "per_doubling": [
                    {
                        "part": lean.part,
                        "event": lean.event or None,
                        "change": rounded(lean.change.value),
                        "error": rounded(lean.change.error),
                        "khat": rounded(lean.khat),
                        "reliable": lean.is_good,
                    }
                    for lean in found.leans[target]
                ],
            }
            for target, drawn in found.targets.items()
        ],
    }


def _check(check: PriorCheck) -> dict[str, Any]:
    numbers = {name: rounded(getattr(check, name)) for name in ("low", "median", "high", "tail")}
    return {"event": check.event, "recorded": check.recorded, **numbers, "verdict": check.verdict}


def _hang(one: Hang) -> dict[str, Any]:
    """A sensitivity, with what chance alone would make of it; without numbers where the weights fail."""
    numbers = (one.moved, one.floor) if one.is_known else (None, None)
    return dict(zip(("value", "by_chance"), map(rounded, numbers), strict=True)) | {"khat": rounded(one.khat)}


def _quantity(one: Learned) -> dict[str, Any]:
    return {
        "quantity": one.key,
        "label": one.label,
        "event": one.event or None,
        "unit": one.unit,
        "before": [rounded(value) for value in one.before],
        "after": [rounded(value) for value in one.after],
        "moved": {"value": rounded(one.moved.value), "error": rounded(one.moved.error)},
        "narrowed": {"value": rounded(one.narrowed.value), "error": rounded(one.narrowed.error)},
        "prior_sensitivity": _hang(one.of_prior),
        "record_sensitivity": _hang(one.of_record),
        "verdict": one.verdict,
        "basis": one.basis or None,
        "from_record": one.from_record,
    }
