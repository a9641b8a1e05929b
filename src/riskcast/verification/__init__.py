"""Whether forecasts were right: backtests, metrics, calibration, references, and what `check` reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from riskcast.verification.backtesting import Backtest as Backtest
    from riskcast.verification.backtesting import backtest as backtest
    from riskcast.verification.calibration import Calibration as Calibration
    from riskcast.verification.calibration import calibrate as calibrate
    from riskcast.verification.coverage import check_priors as check_priors
    from riskcast.verification.coverage import report_coverage as report_coverage
    from riskcast.verification.evaluation import Evaluation as Evaluation
    from riskcast.verification.evaluation import evaluate as evaluate
    from riskcast.verification.references import dyad_rate as dyad_rate
    from riskcast.verification.references import pooled_rate as pooled_rate

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "backtesting": ["Backtest", "backtest"],
        "calibration": ["Calibration", "calibrate"],
        "coverage": ["check_priors", "report_coverage"],
        "evaluation": ["Evaluation", "evaluate"],
        "references": ["dyad_rate", "pooled_rate"],
    },
)
