from .assumptions import density_chart as density_chart, effects_matrix_chart as effects_matrix_chart
from .comparison import (
    contrast_chart as contrast_chart,
    scenarios_chart as scenarios_chart,
    tornado_chart as tornado_chart,
    waterfall_chart as waterfall_chart,
)
from .exceedance import exceedance_chart as exceedance_chart
from .forecast import (
    heatmap_chart as heatmap_chart,
    map_chart as map_chart,
    months_chart as months_chart,
    score_chart as score_chart,
)
from .futures import futures_chart as futures_chart
from .history import history_chart as history_chart
from .record import series_chart as series_chart, timeline_chart as timeline_chart
from .sensitivity import sensitivity_chart as sensitivity_chart
from .sparklines import sparkline as sparkline
from .stills import draw_stills as draw_stills
from .theme import DARK as DARK, LIGHT as LIGHT, Palette as Palette
from .verification import (
    ecdf_chart as ecdf_chart,
    murphy_chart as murphy_chart,
    origins_chart as origins_chart,
    rank_chart as rank_chart,
    rank_grid as rank_grid,
    reliability_chart as reliability_chart,
    skill_chart as skill_chart,
    slices_chart as slices_chart,
)
