"""Forecasts, assumptions, records and scores as charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from riskcast.charts.stills import draw_stills as draw_stills

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "stills": ["draw_stills"],
    },
)
