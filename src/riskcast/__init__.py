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

import lazy_loader

from riskcast.version import __version__ as __version__

# As typing has it, whose import would take longer than all else here.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from riskcast.case import *
    from riskcast.charts import draw_stills as draw_stills
    from riskcast.comparison import *
    from riskcast.engines import *
    from riskcast.errors import (
        CaseError as CaseError,
        RiskcastError as RiskcastError,
        UnreliablePosteriorError as UnreliablePosteriorError,
        unforeseen as unforeseen,
        visible as visible,
        wants_traceback as wants_traceback,
    )
    from riskcast.exports import (
        Dossier as Dossier,
        contrast_data as contrast_data,
        export as export,
        forecast_data as forecast_data,
        make_dossier as make_dossier,
    )
    from riskcast.forecasting import *
    from riskcast.numbers import (
        factor_text as factor_text,
        long_date as long_date,
        percent as percent,
        plain_number as plain_number,
        short_date as short_date,
        signed as signed,
        signed_ends as signed_ends,
        signed_number as signed_number,
        signed_range as signed_range,
        span as span,
    )
    from riskcast.runs import *
    from riskcast.verification import *

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "errors": [
            "CaseError",
            "RiskcastError",
            "UnreliablePosteriorError",
            "unforeseen",
            "visible",
            "wants_traceback",
        ],
        "numbers": [
            "factor_text",
            "long_date",
            "percent",
            "plain_number",
            "short_date",
            "signed",
            "signed_ends",
            "signed_number",
            "signed_range",
            "span",
        ],
        "case": [
            "Case",
            "Doubt",
            "KnownState",
            "Overlay",
            "Place",
            "Places",
            "Quantity",
            "QuantityName",
            "Scenario",
            "apply_overlay",
            "apply_overlays",
            "case_as_of",
            "driver_label",
            "elicit",
            "find_doubts",
            "find_place",
            "find_places",
            "find_problems",
            "find_scenario_doubts",
            "find_state",
            "followed",
            "ids_behind_driver",
            "ids_behind_outcome",
            "level_ids",
            "ratio_is_for",
            "list_cases",
            "load_case",
            "load_overlay",
            "name_quantity",
            "nameless_overlays",
            "overlay_text",
            "quantity_text",
            "severity_in_words",
            "with_unit",
            "write_case",
        ],
        "engines": [
            "Diagnostics",
            "Posterior",
            "build_model",
            "fit",
        ],
        "forecasting": [
            "Acting",
            "ActingEffect",
            "Answer",
            "Answers",
            "BaseRate",
            "Contrast",
            "Explanation",
            "Forecast",
            "HeldLevel",
            "LevelsToday",
            "Moved",
            "Outside",
            "OutsideNumber",
            "OverlayFile",
            "Quantiles",
            "RememberedEvent",
            "RememberedEvents",
            "Request",
            "Response",
            "Risk",
            "TensionToday",
            "acting",
            "ask",
            "base_rate_after",
            "contrast",
            "estimative_words",
            "explain",
            "fit_requested",
            "forecast",
            "forecast_requested",
            "held_levels",
            "levels_today",
            "moved_by_record",
            "plausible_range",
            "provenance",
            "remembered_events",
            "read_outside",
            "request_doubts",
            "resolve_scenario",
            "respond",
            "score",
            "score_text",
            "tension_today",
            "weigh_in",
        ],
        "verification": [
            "Backtest",
            "Calibration",
            "Evaluation",
            "PastRate",
            "SimulatedCount",
            "TrackRecord",
            "TrackRow",
            "backtest",
            "calibrate",
            "check_priors",
            "dyad_rate",
            "evaluate",
            "make_track_record",
            "past_rates",
            "pooled_rate",
            "report_coverage",
            "simulated_year",
        ],
        "comparison": [
            "ChangePart",
            "ChangeSplit",
            "Difference",
            "WhatChanged",
            "changed",
            "describe_changes",
            "diff",
        ],
        "charts": [
            "draw_stills",
        ],
        "exports": [
            "Dossier",
            "contrast_data",
            "export",
            "forecast_data",
            "make_dossier",
        ],
        "runs": [
            "Rerun",
            "Run",
            "read_bundle",
            "rerun",
            "run",
            "write_bundle",
        ],
    },
)
__all__ += ["__version__"]
