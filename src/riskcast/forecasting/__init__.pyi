from .attribution import Explanation as Explanation, explain as explain
from .contrasts import Contrast as Contrast, contrast as contrast
from .forecasts import Forecast as Forecast, forecast as forecast
from .lineage import provenance as provenance
from .remembered import remembered_events as remembered_events
from .scenarios import resolve_scenario as resolve_scenario
from .scoring import Risk as Risk, estimative_words as estimative_words, score as score
