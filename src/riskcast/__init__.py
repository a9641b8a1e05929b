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
    "find_place": "places",
    "find_places": "places",
    "load_overlay": "overlay",
    "apply_overlay": "overlay",
    "case_as_of": "vintage",
    "fit": "fitting",
    "forecast": "forecasting",
    "contrast": "forecasting",
    "describe_changes": "differences",
    "diff": "shares",
    "score": "scoring",
    "explain": "attribution",
    "remembered_events": "attribution",
    "check_priors": "coverage",
    "find_problems": "casecheck",
    "resolve_scenario": "scenarios",
    "report_coverage": "coverage",
    "pooled_rate": "baselines",
    "dyad_rate": "baselines",
    "estimative_words": "scoring",
    "percent": "displays",
    "export": "exporting",
    "run": "runs",
    "write_bundle": "bundles",
    "read_bundle": "bundles",
    "rerun": "reruns",
    "forecast_data": "exports",
    "make_dossier": "dossier",
    "contrast_data": "exports",
    "provenance": "exports",
    "overlay_text": "overlay",
    "quantity_text": "quantities",
    "elicit": "quantities",
    "build_model": "reference",
    "draw_stills": "stills",
    "backtest": "backtesting",
    "evaluate": "evaluation",
    "calibrate": "calibration",
    "Case": "case",
    "Posterior": "posterior",
    "Forecast": "forecasting",
    "Risk": "scoring",
    "Dossier": "dossier",
    "Run": "runs",
    "Rerun": "reruns",
    "Contrast": "forecasting",
    "Difference": "shares",
    "Explanation": "attribution",
    "Quantity": "quantities",
    "Scenario": "case",
    "Backtest": "backtesting",
    "Evaluation": "evaluation",
    "Calibration": "calibration",
    "RiskcastError": "errors",
    "Place": "places",
    "Places": "places",
    "CaseError": "errors",
    "UnreliablePosteriorError": "errors",
}

if TYPE_CHECKING:
    from riskcast.attribution import Explanation, explain, remembered_events
    from riskcast.backtesting import Backtest, backtest
    from riskcast.baselines import dyad_rate, pooled_rate
    from riskcast.bundles import read_bundle, write_bundle
    from riskcast.calibration import Calibration, calibrate
    from riskcast.case import Case, Scenario
    from riskcast.casecheck import find_problems
    from riskcast.casefiles import list_cases, load_case, write_case
    from riskcast.coverage import check_priors, report_coverage
    from riskcast.differences import describe_changes
    from riskcast.displays import percent
    from riskcast.dossier import Dossier, make_dossier
    from riskcast.errors import CaseError, RiskcastError, UnreliablePosteriorError
    from riskcast.evaluation import Evaluation, evaluate
    from riskcast.exporting import export
    from riskcast.exports import contrast_data, forecast_data, provenance
    from riskcast.fitting import fit
    from riskcast.forecasting import Contrast, Forecast, contrast, forecast
    from riskcast.overlay import apply_overlay, load_overlay, overlay_text
    from riskcast.places import Place, Places, find_place, find_places
    from riskcast.posterior import Posterior
    from riskcast.quantities import Quantity, elicit, quantity_text
    from riskcast.reference import build_model
    from riskcast.reruns import Rerun, rerun
    from riskcast.runs import Run, run
    from riskcast.scenarios import resolve_scenario
    from riskcast.scoring import Risk, estimative_words, score
    from riskcast.shares import Difference, diff
    from riskcast.stills import draw_stills
    from riskcast.vintage import case_as_of

__all__ = [
    "Backtest",
    "Calibration",
    "Case",
    "CaseError",
    "Contrast",
    "Difference",
    "Dossier",
    "Evaluation",
    "Explanation",
    "Forecast",
    "Place",
    "Places",
    "Posterior",
    "Quantity",
    "Rerun",
    "Risk",
    "RiskcastError",
    "Run",
    "Scenario",
    "UnreliablePosteriorError",
    "__version__",
    "apply_overlay",
    "backtest",
    "build_model",
    "calibrate",
    "case_as_of",
    "check_priors",
    "contrast",
    "contrast_data",
    "describe_changes",
    "diff",
    "draw_stills",
    "dyad_rate",
    "elicit",
    "estimative_words",
    "evaluate",
    "explain",
    "export",
    "find_place",
    "find_places",
    "find_problems",
    "fit",
    "forecast",
    "forecast_data",
    "list_cases",
    "load_case",
    "load_overlay",
    "make_dossier",
    "overlay_text",
    "percent",
    "pooled_rate",
    "provenance",
    "quantity_text",
    "read_bundle",
    "remembered_events",
    "report_coverage",
    "rerun",
    "resolve_scenario",
    "run",
    "score",
    "write_bundle",
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
