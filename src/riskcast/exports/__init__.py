"""Results as files that others read: workbooks, tables, JSON, draws, briefs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from riskcast.exports.dossier import Dossier as Dossier
    from riskcast.exports.dossier import make_dossier as make_dossier
    from riskcast.exports.folder import export as export
    from riskcast.exports.plain_data import contrast_data as contrast_data
    from riskcast.exports.plain_data import forecast_data as forecast_data
    from riskcast.exports.plain_data import provenance as provenance

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "dossier": ["Dossier", "make_dossier"],
        "folder": ["export"],
        "plain_data": ["contrast_data", "forecast_data", "provenance"],
    },
)
