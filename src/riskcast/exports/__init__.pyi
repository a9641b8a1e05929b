from .dossier import Dossier as Dossier, make_dossier as make_dossier
from .folder import export as export
from .plain_data import contrast_data as contrast_data, forecast_data as forecast_data
from .writers import WRITERS as WRITERS, Writer as Writer
