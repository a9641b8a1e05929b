from .csv_parquet import to_csv as to_csv, to_json as to_json
from .dossier import Dossier as Dossier, make_dossier as make_dossier
from .elicitation import write_sheet as write_sheet
from .folder import export as export
from .json_reader import read_forecast_file as read_forecast_file
from .pictures import (
    Picture as Picture,
    Wish as Wish,
    draw_picture as draw_picture,
    to_png as to_png,
    to_svg as to_svg,
)
from .plain_data import contrast_data as contrast_data, forecast_data as forecast_data
from .tables import (
    Table as Table,
    make_table as make_table,
    names_of_tables as names_of_tables,
    origin as origin,
)
from .track_report import track_data as track_data, write_track as write_track
from .workbook import one_table as one_table
from .writers import WRITERS as WRITERS, Writer as Writer, export_schemas as export_schemas
