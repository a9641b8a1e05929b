"""The hazard model and the engines that sample its posterior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from riskcast.engines.fitting import fit as fit
    from riskcast.engines.posterior import Posterior as Posterior
    from riskcast.engines.pymc_model import build_model as build_model

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "fitting": ["fit"],
        "posterior": ["Posterior"],
        "pymc_model": ["build_model"],
    },
)
