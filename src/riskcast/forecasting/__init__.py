"""The horizon, simulated: forecasts, scores, scenarios, and what drives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from riskcast.forecasting.attribution import Explanation as Explanation
    from riskcast.forecasting.attribution import explain as explain
    from riskcast.forecasting.attribution import remembered_events as remembered_events
    from riskcast.forecasting.forecasts import Contrast as Contrast
    from riskcast.forecasting.forecasts import Forecast as Forecast
    from riskcast.forecasting.forecasts import contrast as contrast
    from riskcast.forecasting.forecasts import forecast as forecast
    from riskcast.forecasting.scenarios import resolve_scenario as resolve_scenario
    from riskcast.forecasting.scoring import Risk as Risk
    from riskcast.forecasting.scoring import estimative_words as estimative_words
    from riskcast.forecasting.scoring import score as score

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "attribution": ["Explanation", "explain", "remembered_events"],
        "forecasts": ["Contrast", "Forecast", "contrast", "forecast"],
        "scenarios": ["resolve_scenario"],
        "scoring": ["Risk", "estimative_words", "score"],
    },
)
