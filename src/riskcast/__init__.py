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

from typing import TYPE_CHECKING

import lazy_loader

from riskcast.version import __version__ as __version__

if TYPE_CHECKING:
    from riskcast.case import Case as Case
    from riskcast.case import Place as Place
    from riskcast.case import Places as Places
    from riskcast.case import Quantity as Quantity
    from riskcast.case import Scenario as Scenario
    from riskcast.case import apply_overlay as apply_overlay
    from riskcast.case import case_as_of as case_as_of
    from riskcast.case import elicit as elicit
    from riskcast.case import find_place as find_place
    from riskcast.case import find_places as find_places
    from riskcast.case import find_problems as find_problems
    from riskcast.case import list_cases as list_cases
    from riskcast.case import load_case as load_case
    from riskcast.case import load_overlay as load_overlay
    from riskcast.case import overlay_text as overlay_text
    from riskcast.case import quantity_text as quantity_text
    from riskcast.case import write_case as write_case
    from riskcast.charts import draw_stills as draw_stills
    from riskcast.comparison import Difference as Difference
    from riskcast.comparison import describe_changes as describe_changes
    from riskcast.comparison import diff as diff
    from riskcast.engines import Posterior as Posterior
    from riskcast.engines import build_model as build_model
    from riskcast.engines import fit as fit
    from riskcast.errors import CaseError as CaseError
    from riskcast.errors import RiskcastError as RiskcastError
    from riskcast.errors import UnreliablePosteriorError as UnreliablePosteriorError
    from riskcast.exports import Dossier as Dossier
    from riskcast.exports import contrast_data as contrast_data
    from riskcast.exports import export as export
    from riskcast.exports import forecast_data as forecast_data
    from riskcast.exports import make_dossier as make_dossier
    from riskcast.exports import provenance as provenance
    from riskcast.forecasting import Contrast as Contrast
    from riskcast.forecasting import Explanation as Explanation
    from riskcast.forecasting import Forecast as Forecast
    from riskcast.forecasting import Risk as Risk
    from riskcast.forecasting import contrast as contrast
    from riskcast.forecasting import estimative_words as estimative_words
    from riskcast.forecasting import explain as explain
    from riskcast.forecasting import forecast as forecast
    from riskcast.forecasting import remembered_events as remembered_events
    from riskcast.forecasting import resolve_scenario as resolve_scenario
    from riskcast.forecasting import score as score
    from riskcast.numbers import percent as percent
    from riskcast.runs import Rerun as Rerun
    from riskcast.runs import Run as Run
    from riskcast.runs import read_bundle as read_bundle
    from riskcast.runs import rerun as rerun
    from riskcast.runs import run as run
    from riskcast.runs import write_bundle as write_bundle
    from riskcast.verification import Backtest as Backtest
    from riskcast.verification import Calibration as Calibration
    from riskcast.verification import Evaluation as Evaluation
    from riskcast.verification import backtest as backtest
    from riskcast.verification import calibrate as calibrate
    from riskcast.verification import check_priors as check_priors
    from riskcast.verification import dyad_rate as dyad_rate
    from riskcast.verification import evaluate as evaluate
    from riskcast.verification import pooled_rate as pooled_rate
    from riskcast.verification import report_coverage as report_coverage

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "errors": ["CaseError", "RiskcastError", "UnreliablePosteriorError"],
        "numbers": ["percent"],
        "case": [
            "Case",
            "Place",
            "Places",
            "Quantity",
            "Scenario",
            "apply_overlay",
            "case_as_of",
            "elicit",
            "find_place",
            "find_places",
            "find_problems",
            "list_cases",
            "load_case",
            "load_overlay",
            "overlay_text",
            "quantity_text",
            "write_case",
        ],
        "engines": ["Posterior", "build_model", "fit"],
        "forecasting": [
            "Contrast",
            "Explanation",
            "Forecast",
            "Risk",
            "contrast",
            "estimative_words",
            "explain",
            "forecast",
            "remembered_events",
            "resolve_scenario",
            "score",
        ],
        "verification": [
            "Backtest",
            "Calibration",
            "Evaluation",
            "backtest",
            "calibrate",
            "check_priors",
            "dyad_rate",
            "evaluate",
            "pooled_rate",
            "report_coverage",
        ],
        "comparison": ["Difference", "describe_changes", "diff"],
        "charts": ["draw_stills"],
        "exports": ["Dossier", "contrast_data", "export", "forecast_data", "make_dossier", "provenance"],
        "runs": ["Rerun", "Run", "read_bundle", "rerun", "run", "write_bundle"],
    },
)
__all__ += ["__version__"]
