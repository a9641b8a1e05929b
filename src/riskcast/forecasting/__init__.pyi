from .accuracy import Accuracy as Accuracy
from .attribution import Explanation as Explanation, explain as explain
from .contrasts import Contrast as Contrast, contrast as contrast
from .drivers_now import (
    Acting as Acting,
    ActingEffect as ActingEffect,
    BaseRate as BaseRate,
    LevelsToday as LevelsToday,
    Moved as Moved,
    Quantiles as Quantiles,
    acting as acting,
    base_rate_after as base_rate_after,
    levels_today as levels_today,
    moved_by_record as moved_by_record,
)
from .forecasts import Forecast as Forecast, forecast as forecast
from .level_bounds import HeldLevel as HeldLevel, held_levels as held_levels
from .lineage import provenance as provenance
from .outside_numbers import (
    Outside as Outside,
    OutsideProbability as OutsideProbability,
    read_outside as read_outside,
)
from .questions import Answer as Answer, Answers as Answers, ask as ask
from .remembered import (
    RememberedEvent as RememberedEvent,
    RememberedEvents as RememberedEvents,
    remembered_events as remembered_events,
)
from .requests import (
    ExpertShare as ExpertShare,
    OverlayFile as OverlayFile,
    Request as Request,
    fit_requested as fit_requested,
    forecast_requested as forecast_requested,
    request_doubts as request_doubts,
)
from .responses import Response as Response, plausible_range as plausible_range, respond as respond
from .scenarios import resolve_scenario as resolve_scenario
from .scoring import (
    Risk as Risk,
    estimative_words as estimative_words,
    score as score,
    score_text as score_text,
)
from .tension_now import TensionToday as TensionToday, tension_today as tension_today
from .weighed_paths import weigh_in as weigh_in
