"""Scores, probabilities and ranks as of each month end of the last years, each from what was known on that day."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from riskcast.case.model import Case
from riskcast.case.periods import shift_months
from riskcast.case.vintage import case_as_of
from riskcast.errors import OptionError
from riskcast.forecasting.forecasts import check_horizon
from riskcast.forecasting.scoring import SCORE_IN_WORDS
from riskcast.machinery.array_types import Floats
from riskcast.machinery.cache_folder import cache_folder
from riskcast.machinery.checkpoints import Checkpoints, Finished, count_finished, open_checkpoints
from riskcast.machinery.workers import run_tasks, workers
from riskcast.verification.history_records import ScoreHistory
from riskcast.verification.history_turns import AsOf, Turn, forecast_in_turn, turns_of
from riskcast.version import __version__

YEARS: Final = 5
MOST_YEARS: Final = 50
# A panel has few periods in a year: at least so many of its last ones.
LEAST_PERIODS: Final = 20
DRAWS: Final = 300
LEAST_DAYS: Final = 366
KEPT: Final = "score-history"
TABLES: Final = ("scores", "probabilities", "draws")
MOST_KNOWN: Final = 8
_KNOWN: dict[tuple[str, str, int], tuple[str, ...]] = {}


def history_days(case: Case, years: int = YEARS) -> tuple[dt.date, ...]:
    """The month ends of so many years before a case's day, and last that day; of a panel, the ends of its periods.

    They begin once the case has a year of record. Raises OptionError for a number of years outside 1 to 50.

    >>> from riskcast import load_case
    >>> days = history_days(load_case("central_asia_2024"), 1)
    >>> len(days), days[0].isoformat(), days[-2].isoformat(), days[-1].isoformat()
    (14, '2023-04-30', '2024-04-30', '2024-05-06')
    """
    if not 1 <= years <= MOST_YEARS:
        raise OptionError(f"years is {years}; give a number from 1 to {MOST_YEARS}")
    last = case.as_of
    earliest = case.settings.history_from + dt.timedelta(days=LEAST_DAYS)
    if case.panel is not None:
        count = max(LEAST_PERIODS, round(years * case.periods_per_year))
        number = case.calendar.number(last)
        ends = [case.calendar.last_day(one) for one in range(number - count, number)]
        ends = [day for day in ends if day < last and _is_held(case, day)]
    else:
        # The month end nearest to so many years before.
        first = shift_months(last, -12 * years) - dt.timedelta(days=16)
        begin = last.replace(day=1) - dt.timedelta(days=1)
        ends = []
        while begin >= first:
            if begin < last:
                ends.append(begin)
            begin = begin.replace(day=1) - dt.timedelta(days=1)
        ends.reverse()
    return (*(day for day in ends if day >= earliest), last)


def _is_held(case: Case, day: dt.date) -> bool:
    """Whether a panel can be looked at as of the end of a period."""
    try:
        case_as_of(case, day)
    except OptionError:
        return False
    return True


def score_history(
    case: Case,
    years: int = YEARS,
    *,
    horizon: int | None = None,
    draws: int = DRAWS,
    seed: int = 1,
    workers_count: int | None = None,
    cache: str | Path | None = None,
    use_cache: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> ScoreHistory:
    """A case's scores, probabilities and ranks as of each month end of the last years, and as of its own day.

    Every day is forecast from the vintage that was known then (`case_as_of`), with the horizon and the priors of
    today: they have hindsight. Within half a year, a fit goes on from that of the day before where the record does
    (`fit(..., grows=True)`). Finished days are kept below the folder `cache` (`cache_folder()` where none is given) by
    what their digits depend on, so that a second call costs nothing, one that was interrupted goes on, and a later
    event costs the days after it alone. `progress` hears how many days are done. Draws correspond from day to day as
    far as the engine's random numbers do, so that changes are held against each other draw by draw. Raises OptionError
    for bad options.

    >>> import tempfile
    >>> from riskcast import load_case
    >>> case = case_as_of(load_case("central_asia_2024"), dt.date(2006, 4, 6))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = score_history(case, 1, draws=100, horizon=1, workers_count=1, cache=folder)
    >>> len(found.days), found.of("RUS-TJK").today.mean > 0
    (4, True)
    """
    horizon = check_horizon(case, horizon)
    days = history_days(case, years)
    about = _about(horizon, draws, seed)
    with (
        _open(Path(cache) if cache is not None else cache_folder(), case, about) if use_cache else nullcontext() as kept
    ):
        results = _finish(turns_of(case, days), (horizon, draws, seed), workers_count, kept, progress)
    return _gather(case, horizon, draws, seed, days, results)


def days_to_do(
    case: Case,
    years: int = YEARS,
    *,
    horizon: int | None = None,
    draws: int = DRAWS,
    seed: int = 1,
    cache: str | Path | None = None,
) -> int:
    """How many days `score_history` would have to work out, those that are kept being none of them."""
    horizon = check_horizon(case, horizon)
    folder = _folder(Path(cache) if cache is not None else cache_folder(), case, _about(horizon, draws, seed))
    keys = _keys(case, years)
    return len(keys) - count_finished(folder, keys)


def _keys(case: Case, years: int) -> tuple[str, ...]:
    """The keys of a history's days: a hash of every vintage, which takes longer than a page has time for."""
    known = (case.name, case.hash, years)
    if known not in _KNOWN:
        while len(_KNOWN) >= MOST_KNOWN:
            _KNOWN.pop(next(iter(_KNOWN)), None)
        _KNOWN[known] = tuple(key for turn in turns_of(case, history_days(case, years)) for key in turn.keys)
    return _KNOWN[known]


def _finish(
    turns: Sequence[Turn],
    settings: tuple[int, int, int],
    workers_count: int | None,
    kept: Checkpoints | None,
    progress: Callable[[int, int], None] | None,
) -> list[Finished]:
    """The results of all days in their order: those that are kept are loaded, the others worked out turn by turn."""
    keys = [key for turn in turns for key in turn.keys]
    done = frozenset() if kept is None else kept.done()
    results = {key: kept.load(key) for key in keys if kept is not None and key in done}
    report = progress or (lambda done, total: None)
    report(len(results), len(keys))
    # The latest first: what is looked at most is there soonest.
    waiting = {turn.keys[-1]: turn for turn in reversed(turns) if not results.keys() >= set(turn.keys)}

    def task(turn: Turn) -> tuple[Any, ...]:
        return turn.vintages, tuple(key not in results for key in turn.keys), *settings

    def keep(name: str, made: Sequence[AsOf | None]) -> None:
        for key, one in zip(waiting[name].keys, made, strict=True):
            if one is not None:
                results[key] = Finished(one.frames, one.facts)
                if kept is not None:
                    kept.save(key, one.frames, one.facts)
                report(len(results), len(keys))

    if waiting:
        with workers(_count(workers_count, len(waiting))) as crew:
            run_tasks(forecast_in_turn, ((name, task(turn)) for name, turn in waiting.items()), crew, keep)
    return [results[key] for key in keys]


def _count(asked: int | None, tasks: int) -> int | None:
    """One task is done here: a process of its own takes longer to start."""
    return 1 if asked is None and tasks == 1 else asked


def _about(horizon: int, draws: int, seed: int) -> dict[str, Any]:
    """What results depend on beside the vintage."""
    settings = {"horizon": horizon, "draws": draws, "seed": seed}
    return {"what": KEPT, **settings, "score": SCORE_IN_WORDS, "riskcast": __version__}


def _folder(cache: Path, case: Case, about: Mapping[str, Any]) -> Path:
    settings = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12]
    return cache / KEPT / f"{case.name}-{settings}"


def _open(cache: Path, case: Case, about: Mapping[str, Any]) -> Any:
    return open_checkpoints(_folder(cache, case, about), about)


def _gather(
    case: Case, horizon: int, draws: int, seed: int, days: tuple[dt.date, ...], results: list[Finished]
) -> ScoreHistory:
    import pandas

    scores, probabilities = (
        pandas.concat([result.frames[name] for result in results], ignore_index=True) for name in TABLES[:2]
    )
    kept: dict[dt.date, Floats] = {
        day: result.frames["draws"].to_numpy(dtype=float)
        for day, result in zip(days, results, strict=True)
        if len(result.frames["draws"])
    }
    health = pandas.DataFrame([result.facts for result in results])
    return ScoreHistory(case, horizon, draws, seed, days, scores, probabilities, health, kept)
