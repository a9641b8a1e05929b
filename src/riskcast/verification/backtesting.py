"""Rolling-origin backtests: many origins, on many workers, resumable; and the tables that they are scored from."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskcast.case.coverage import record_end
from riskcast.case.model import Case
from riskcast.case.periods import shift_months
from riskcast.case.vintage import case_as_of
from riskcast.errors import OptionError
from riskcast.forecasting.forecasts import check_horizon
from riskcast.forecasting.requests import Request
from riskcast.forecasting.scoring import SCORE_IN_WORDS
from riskcast.machinery.array_types import Floats
from riskcast.machinery.checkpoints import Finished, finish_tasks, open_checkpoints
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.machinery.workers import Workers, workers
from riskcast.verification.evaluation import Evaluation, evaluate
from riskcast.verification.forecasters import MODEL, POOL
from riskcast.verification.measured import BY_DYADS, Resampling
from riskcast.verification.origins import (
    AtOrigin,
    Known,
    Truth,
    asked_vectors,
    forecast_origin,
    resolve,
    resolve_steps,
)
from riskcast.verification.rival_forecasts import check_rivals
from riskcast.verification.rival_pool import pool_table
from riskcast.version import __version__

if TYPE_CHECKING:
    import pandas

BURN_IN_YEARS = 5
LEAST_DAYS = 366
SHORTER = "give a shorter horizon, or a record that reaches further back"
MOST_LEFT_OUT = MOST_TOGETHER = 50
TABLES = ("forecasts", "peaks", "scores", "vectors")
# What is kept as well where rivals forecast.
STEPS = "steps"
# Origins that go by the calendar, and how many months lie between them.
CALENDAR_STEPS = {"month": 1, "quarter": 3, "year": 12}
DRAWS = 1000
RANDOM_FOLDS = (
    "folds are {!r}; only `rolling` is accepted: random folds put rows of one dyad, and of later years, on both sides, "
    "so that a forecast would be scored on what it had learned from"
)


def _no_rows() -> pandas.DataFrame:
    import pandas

    return pandas.DataFrame()


@dataclass(frozen=True)
class Backtest:
    """Forecasts from rolling origins, joined to what followed.

    forecasts, peaks, scores: the tables that `evaluate` takes; health: one row for each origin with seconds, k-hat, ESS
    and failed checks of the model's posterior, and how many forecasts are left out as the record cannot tell what
    followed; vectors: how probable each forecaster called all that came after an origin, empty where that was not
    asked for; unscored: origins whose horizon the record does not cover; steps: where rivals forecast, one row for each
    origin, step short of the horizon, event type and unit: what followed within the step, and every forecaster's
    probability; weights: of the pool, one row for each origin, with a column for each member.
    """

    case: Case
    horizon: int
    draws: int
    seed: int
    origins: tuple[dt.date, ...]
    unscored: tuple[dt.date, ...]
    forecasts: pandas.DataFrame
    peaks: pandas.DataFrame
    scores: pandas.DataFrame
    health: pandas.DataFrame
    vectors: pandas.DataFrame
    steps: pandas.DataFrame = field(default_factory=_no_rows)
    weights: pandas.DataFrame = field(default_factory=_no_rows)

    @property
    def resampling(self) -> Resampling:
        """What intervals are to be made of: years where all dyads share a host, as many in a row as a window reaches
        into; dyads of a panel."""
        return self.by_years if self.case.panel is None else BY_DYADS

    @property
    def by_years(self) -> Resampling:
        """Years in which windows begin, as many in a row as a window reaches into."""
        day = dt.timedelta(days=1)
        windows = [(at + day, self.case.calendar.shift(at, self.horizon)) for at in self.origins]
        return Resampling("years", 1 + max(last.year - first.year for first, last in windows))

    def evaluate(self, progress: Callable[[int, int], None] | None = None) -> Evaluation:
        """Scores of the model, of every reference and of rivals, with intervals from what `resampling` says; rivals are
        held against the model over dyads and over years."""
        return evaluate(
            self.forecasts,
            self.peaks,
            self.scores,
            self.vectors,
            steps=self.steps,
            weights=self.weights,
            resampling=self.resampling,
            by_years=self.by_years,
            progress=progress,
        )

    def at(self, origins: Iterable[dt.date]) -> Backtest:
        """The same from some of the origins alone, such as those after a shock; raises OptionError for one that it does
        not have, or for none."""
        chosen = sorted(set(origins))
        if not chosen:
            raise OptionError("no origin is named; give at least one")
        unknown = [day for day in chosen if day not in self.origins]
        if unknown:
            named = ", ".join(str(day) for day in self.origins)
            raise OptionError(f"{unknown[0]} is no origin of this backtest; it has {named}")
        days = {day.isoformat() for day in chosen}

        def part(table: pandas.DataFrame) -> pandas.DataFrame:
            return table[table["origin"].isin(days)].reset_index(drop=True) if len(table) else table

        names = ("forecasts", "peaks", "scores", "health", "vectors", "steps", "weights")
        tables = {name: part(getattr(self, name)) for name in names}
        return replace(self, origins=tuple(chosen), unscored=(), **tables)

    def to_frame(self) -> pandas.DataFrame:
        """One row for each origin, event type and unit: what followed, and the probability of every forecaster."""
        return self.forecasts.copy()

    def __repr__(self) -> str:
        span = f"{len(self.origins)} origins from {self.origins[0]} to {self.origins[-1]}"
        return f"<Backtest of {self.case.name}: {span}, {len(self.forecasts):,} forecasts>"

    def _repr_html_(self) -> str:
        columns = (
            Column("event type"),
            Column("forecasts", form="count"),
            Column("events", form="figure", digits=0),
            Column("expected by the model", form="figure", digits=1),
        )
        rows = [
            (str(event), len(own), float(own["outcome"].sum()), float(own["model"].sum()))
            for event, own in self.forecasts.groupby("event", sort=False)
        ]
        first, last = self.origins[0], self.origins[-1]
        note = (
            f"{len(self.origins)} origins from {first:%Y-%m-%d} to {last:%Y-%m-%d}, horizon {self.horizon} "
            f"{self.case.settings.period}s. {self.case.settings.title}. Scores: evaluate()."
        )
        return to_html(Table("Backtest", columns, rows, note=note))


def choose_origins(
    case: Case, start: dt.date | None, end: dt.date | None, every: int | str | None, horizon: int
) -> tuple[tuple[dt.date, ...], tuple[dt.date, ...]]:
    """Origins from `start` to `end`, `every` so many periods, that can be scored; and those that cannot.

    They are ends of the case's periods, counted back from the last whose horizon lies within the record, or those that
    end a calendar `month`, `quarter` or `year`, where `every` is one of these. By default they begin after five years
    of record, or after the first where it is too short for that, and there is one a year. Raises OptionError where none
    is left.

    >>> from riskcast import load_case
    >>> found, _ = choose_origins(load_case("central_asia_2024"), dt.date(2021, 1, 1), None, 12, 12)
    >>> [day.isoformat() for day in found]
    ['2021-04-30', '2022-04-30', '2023-04-30']
    >>> found, _ = choose_origins(load_case("central_asia_2024"), dt.date(2022, 9, 1), None, "quarter", 12)
    >>> [day.isoformat() for day in found]
    ['2022-09-30', '2022-12-31', '2023-03-31']
    """
    calendar, told = case.calendar, record_end(case)
    last = calendar.number((case.as_of if told is None else told.day) + dt.timedelta(days=1)) - 1
    begun = calendar.number(case.settings.history_from)
    first = case.settings.history_from + dt.timedelta(days=LEAST_DAYS)
    numbers, later = _ends(case, every, last - horizon, begun, last)
    scorable = [calendar.last_day(number) for number in numbers]
    known = [day for day in reversed(scorable) if day >= first and _has_rows_after(case, day)]
    if start is None:
        burnt_in = max(first, shift_months(case.settings.history_from, 12 * BURN_IN_YEARS))
        within = [day for day in known if end is None or day <= end]
        from_day = burnt_in if any(day >= burnt_in for day in within) else first
    else:
        from_day = start
    to_day = case.as_of if end is None else end
    chosen = [day for day in reversed(scorable) if from_day <= day <= to_day]
    if start is not None and chosen and chosen[0] < first and _has_rows_after(case, chosen[0]):
        raise OptionError(f"origin {chosen[0]} leaves less than a year of record; begin from {first} on")
    found = tuple(day for day in chosen if day in known)
    if not found:
        given = f"{f' from {start}' if start is not None else ''}{f' to {end}' if end is not None else ''}"
        wrong = f"no origin{given} can be scored with a horizon of {horizon} {case.settings.period}s"
        if known:
            raise OptionError(f"{wrong}; the record allows {known[0]} to {known[-1]}")
        raise OptionError(f"{wrong}: it takes a year of record before an origin, and the horizon after it; {SHORTER}")
    beyond = [calendar.last_day(number) for number in later]
    unscored = (*(day for day in chosen if day not in found), *(day for day in beyond if from_day <= day <= to_day))
    return found, unscored


def _ends(
    case: Case, every: int | str | None, newest: int, oldest: int, last: int
) -> tuple[Sequence[int], Sequence[int]]:
    """Numbers of periods that end with an origin: from the newest that can be scored down to the oldest, and those
    after it, up to the last of the record."""
    calendar = case.calendar
    if isinstance(every, str):
        months = CALENDAR_STEPS.get(every)
        if months is None:
            raise OptionError(f"every is {every!r}; give a number of periods, or one of {', '.join(CALENDAR_STEPS)}")
        if round(12 / months) > case.periods_per_year:
            shortest = case.settings.period
            raise OptionError(f"every is {every!r}, but the case's periods are {shortest}s; give a longer one")

        def ends(number: int) -> bool:
            # The last period that ends within a quarter or a year.
            here, after = (calendar.last_day(one) for one in (number, number + 1))
            return (here.year * 12 + here.month - 1) // months != (after.year * 12 + after.month - 1) // months

        numbers = [number for number in range(last, oldest - 1, -1) if ends(number)]
        return [n for n in numbers if n <= newest], [n for n in reversed(numbers) if n > newest]
    step = round(case.periods_per_year) if every is None else every
    if step < 1:
        raise OptionError(f"every is {step}; give a number of {case.settings.period}s from 1 on")
    return range(newest, oldest - 1, -step), range(newest + step, last + 1, step)


def _has_rows_after(case: Case, day: dt.date) -> bool:
    """Whether a panel holds rows of the period after a day: some have gaps, of which nothing can be forecast."""
    return case.panel is None or bool((case.panel.period == case.calendar.number(day) + 1).any())


def backtest(
    case: Case,
    start: dt.date | None = None,
    end: dt.date | None = None,
    every: int | str | None = None,
    horizon: int | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 1,
    folds: str = "rolling",
    leave_one_dyad_out: bool = False,
    joint: bool = True,
    rivals: Sequence[str] = (),
    workers_count: int | None = None,
    cluster: str | None = None,
    executor: Executor | Workers | None = None,
    out: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Backtest:
    """Forecast a case again and again from earlier days, each time from what was known then, and see what followed.

    Beside the model's stand forecasts of the references: base rates pooled, of late and per dyad, persistence, and the
    priors alone; with `leave_one_dyad_out` also the model without each dyad's own record; and unless `joint` is false
    how probable each called all that came, taken together. `rivals` (`logit`, `boosting`, `forest`) learn at every
    origin from the memories and covariates that the model sees there, tuned by splits in time; `pool` weighs them and
    the model by what they had said until then (docs/rivals.md). `every` and `horizon` are in the case's periods;
    `every` may be `month`, `quarter` or `year`, for origins that end these by the calendar. Origins run on local
    processes (`workers_count`), a Dask cluster by address, or an `executor` of your own, wrapped as `Workers(executor,
    count)` to say how much it does at once. With `out`, finished origins are kept there, and a run that was interrupted
    goes on from them. Raises OptionError for bad options; random folds are refused (Roberts et al., 2017: they leak the
    group and the future).

    >>> from riskcast import load_case
    >>> case = load_case("central_asia_2024")
    >>> tested = backtest(case, start=dt.date(2023, 1, 1), draws=100, workers_count=1)
    >>> tested.origins, len(tested.forecasts) > 40
    ((datetime.date(2023, 4, 30),), True)
    """
    if folds != "rolling":
        raise OptionError(RANDOM_FOLDS.format(folds))
    if leave_one_dyad_out and len(case.dyads) > MOST_LEFT_OUT:
        wrong = f"leaving out one of {len(case.dyads)} dyads at a time would take as many fits for every origin"
        raise OptionError(f"{wrong}; it is done for up to {MOST_LEFT_OUT} dyads")
    chosen = check_rivals(rivals)
    learners = tuple(name for name in chosen if name != POOL)
    horizon = check_horizon(case, horizon)
    origins, unscored = choose_origins(case, start, end, every, horizon)
    truth = Truth.of(case)
    # Of many dyads few of a thousand futures come near a vector: its probability cannot be told from draws.
    joint = joint and case.panel is None and len(case.dyads) <= MOST_TOGETHER

    def known_at(day: dt.date) -> Known:
        known = case_as_of(case, day)
        asked = Request(known, horizon=horizon, draws=draws, seed=seed, allow_unreliable=True)
        return Known(asked, leave_one_dyad_out, asked_vectors(truth, known, horizon) if joint else {}, learners)

    about = {
        "what": "backtest",
        "case": case.name,
        "case_hash": case.hash,
        "horizon": horizon,
        "draws": draws,
        "seed": seed,
        "leave_one_dyad_out": leave_one_dyad_out,
        "joint": joint,
        "score": SCORE_IN_WORDS,
        "crps": "as recorded and undisputed",
        "riskcast": __version__,
    } | ({"rivals": list(learners)} if learners else {})

    def finished(made: AtOrigin) -> Finished:
        known = case_as_of(case, made.origin)
        found = resolve(truth, made, known, horizon)
        frames = {name: getattr(found, name) for name in TABLES}
        if learners:
            frames[STEPS] = resolve_steps(truth, made, known)
        return Finished(frames, _facts(made, found.left_out))

    keys = [day.isoformat() for day in origins]
    with open_checkpoints(out, about) if out is not None else nullcontext() as checkpoints:
        results = finish_tasks(
            forecast_origin,
            keys,
            lambda key: (known_at(dt.date.fromisoformat(key)),),
            finished,
            lambda _: _crew(executor, workers_count, cluster),
            checkpoints,
            progress,
        )
    made = _gather(case, horizon, draws, seed, origins, unscored, [results[key] for key in keys])
    return _with_pool(made, (MODEL, *learners)) if POOL in chosen else made


def _with_pool(tested: Backtest, members: Sequence[str]) -> Backtest:
    """A backtest whose members are pooled as well, within the horizon and each step."""
    import pandas

    calendar = tested.case.calendar

    def of(table: pandas.DataFrame, ahead: int) -> tuple[pandas.DataFrame, Mapping[str, Floats]]:
        pool, weights = pool_table(table, members, lambda day: calendar.shift(day, ahead))
        return table.assign(**{POOL: pool}), weights

    forecasts, weights = of(tested.forecasts, tested.horizon)
    short = tested.steps["step"].unique().tolist() if len(tested.steps) else []
    steps = [of(tested.steps[tested.steps["step"] == step], step)[0] for step in short]
    rows = [{"origin": day, **dict(zip(members, own.tolist(), strict=True))} for day, own in weights.items()]
    joined = pandas.concat(steps).sort_index() if steps else tested.steps
    return replace(tested, forecasts=forecasts, steps=joined, weights=pandas.DataFrame(rows))


def _crew(
    executor: Executor | Workers | None, count: int | None, cluster: str | None
) -> AbstractContextManager[Workers]:
    if executor is None:
        return workers(count, cluster)
    if count is not None or cluster is not None:
        raise OptionError("an executor is given beside workers_count or cluster; give one of the three")
    return nullcontext(executor if isinstance(executor, Workers) else Workers(executor, os.cpu_count() or 1))


def _facts(made: AtOrigin, left_out: int) -> dict[str, Any]:
    khat = made.khat if abs(made.khat) < float("inf") else None
    return {
        "origin": made.origin.isoformat(),
        "seconds": made.seconds,
        "khat": khat,
        "ess": made.ess,
        "reliable": not made.failures,
        "failures": "; ".join(made.failures),
        "left_out": left_out,
    }


def _gather(
    case: Case,
    horizon: int,
    draws: int,
    seed: int,
    origins: tuple[dt.date, ...],
    unscored: tuple[dt.date, ...],
    results: Sequence[Finished],
) -> Backtest:
    import pandas

    forecasts, peaks, scores, vectors, steps = (
        pandas.concat([result.frames.get(name, _no_rows()) for result in results], ignore_index=True)
        for name in (*TABLES, STEPS)
    )
    health = pandas.DataFrame([result.facts for result in results])
    return Backtest(case, horizon, draws, seed, origins, unscored, forecasts, peaks, scores, health, vectors, steps)
