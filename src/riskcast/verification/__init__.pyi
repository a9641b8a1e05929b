from .backtesting import Backtest as Backtest, backtest as backtest
from .calibration import Calibration as Calibration, calibrate as calibrate
from .coverage import check_priors as check_priors, report_coverage as report_coverage
from .evaluation import Evaluation as Evaluation, evaluate as evaluate
from .history import days_to_do as days_to_do, history_days as history_days, score_history as score_history
from .history_records import (
    HINDSIGHT as HINDSIGHT,
    Change as Change,
    DyadHistory as DyadHistory,
    ScoreHistory as ScoreHistory,
)
from .record_alone import PastRate as PastRate, past_rates as past_rates
from .references import dyad_rate as dyad_rate, pooled_rate as pooled_rate
from .simulated_counts import SimulatedCount as SimulatedCount, simulated_year as simulated_year
from .track_record import make_track_record as make_track_record
from .track_rows import TrackRecord as TrackRecord, TrackRow as TrackRow
