from .forecast_maps import ForecastMap as ForecastMap, load_forecast_map as load_forecast_map
from .forecasts_of_others import import_forecasts as import_forecasts
from .importing import Imported as Imported, import_tables as import_tables
from .maps import TableMap as TableMap, list_maps as list_maps, load_map as load_map
from .new_cases import NewCase as NewCase, draft_folder as draft_folder
