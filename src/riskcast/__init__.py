"""riskcast: Bayesian scenario forecasts and risk scores for friction between states.

>>> import riskcast
>>> case = riskcast.load_case("central_asia_2024")
>>> posterior = riskcast.fit(case, engine="laplace", draws=200, seed=1)
>>> ahead = riskcast.forecast(posterior, scenario="second_attack", horizon=12, seed=1)
>>> risk = riskcast.score(ahead)
>>> [dyad.partner for dyad in risk.dyads]
['KAZ', 'KGZ', 'TJK', 'TKM', 'UZB']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "load_case": "casefiles",
    "list_cases": "casefiles",
    "write_case": "casefiles",
    "load_overlay": "overlay",
    "apply_overlay": "overlay",
    "case_as_of": "vintage",
    "fit": "fitting",
    "forecast": "forecasting",
    "contrast": "forecasting",
    "score": "scoring",
    "explain": "attribution",
    "build_model": "reference",
    "backtest": "backtesting",
    "evaluate": "evaluation",
    "calibrate": "calibration",
    "Case": "case",
    "Posterior": "posterior",
    "Forecast": "forecasting",
    "Risk": "scoring",
    "Backtest": "backtesting",
    "Evaluation": "evaluation",
    "Calibration": "calibration",
    "RiskcastError": "errors",
    "CaseError": "errors",
    "UnreliablePosteriorError": "errors",
}

if TYPE_CHECKING:
    from riskcast.attribution import explain
    from riskcast.backtesting import Backtest, backtest
    from riskcast.calibration import Calibration, calibrate
    from riskcast.case import Case
    from riskcast.casefiles import list_cases, load_case, write_case
    from riskcast.errors import CaseError, RiskcastError, UnreliablePosteriorError
    from riskcast.evaluation import Evaluation, evaluate
    from riskcast.fitting import fit
    from riskcast.forecasting import Forecast, contrast, forecast
    from riskcast.overlay import apply_overlay, load_overlay
    from riskcast.posterior import Posterior
    from riskcast.reference import build_model
    from riskcast.scoring import Risk, score
    from riskcast.vintage import case_as_of

__all__ = [
    "Backtest",
    "Calibration",
    "Case",
    "CaseError",
    "Evaluation",
    "Forecast",
    "Posterior",
    "Risk",
    "RiskcastError",
    "UnreliablePosteriorError",
    "__version__",
    "apply_overlay",
    "backtest",
    "build_model",
    "calibrate",
    "case_as_of",
    "contrast",
    "evaluate",
    "explain",
    "fit",
    "forecast",
    "list_cases",
    "load_case",
    "load_overlay",
    "score",
    "write_case",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(f"riskcast.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'riskcast' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
