"""`forecast.json` of this and of earlier versions -> plain data as the newest version has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from riskcast.errors import RiskcastError, show
from riskcast.exports.json_file import SCHEMA_VERSION

MEND = "give a forecast.json that `riskcast export` wrote"


def read_forecast_file(path: str | Path) -> dict[str, Any]:
    """The content of a `forecast.json`, in the words of the newest schema version.

    Version 1 had no `schema_version` and called the exceedance curve `worst`; what it did not tell (burden, rank,
    severity and phase of outcomes) is left out. Raises RiskcastError for a file that cannot be read, is no
    forecast.json, or is of a later version.
    """
    path = Path(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RiskcastError(f"cannot read {path} ({error.strerror or error}); {MEND}") from None
    except ValueError as error:
        raise RiskcastError(f"{path} is no JSON ({error}); {MEND}") from None
    return upgraded(data, str(path))


def upgraded(data: Any, name: str = "the file") -> dict[str, Any]:
    """Plain data of any schema version in the words of the newest; raises RiskcastError where that cannot be.

    >>> old = {"scenarios": [{"dyads": [{"id": "A-B", "worst": [{"severity": 10.0, "probability": 0.5}]}]}]}
    >>> upgraded(old)["scenarios"][0]["dyads"][0]["exceedance"]
    [{'severity': 10.0, 'probability': 0.5}]
    """
    if not isinstance(data, dict) or not isinstance(data.get("scenarios"), list):
        raise RiskcastError(f"{name} holds no scenarios; {MEND}")
    version = data.get("schema_version", 1)
    if version == SCHEMA_VERSION:
        return data
    if version != 1:
        told = f"{name} has schema_version {show(version)}, and this riskcast reads 1 and {SCHEMA_VERSION}"
        raise RiskcastError(f"{told}; use the riskcast that wrote it, or a later one")
    try:
        scenarios = [{**one, "dyads": [_renamed(dyad) for dyad in one["dyads"]]} for one in data["scenarios"]]
    except (KeyError, TypeError, AttributeError):
        raise RiskcastError(f"{name} has a scenario without dyads; {MEND}") from None
    return {"schema_version": SCHEMA_VERSION, **data, "scenarios": scenarios}


def _renamed(dyad: dict[str, Any]) -> dict[str, Any]:
    return {"exceedance" if key == "worst" else key: value for key, value in dyad.items()}
