"""Forecasts and what followed -> scores with intervals, relative to the references that a sceptic would ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from riskcast.case.dyads import Dyad
from riskcast.errors import OptionError
from riskcast.machinery.array_types import Floats
from riskcast.machinery.random_streams import generator
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.verification.forecasters import LEFT_OUT, MODEL, POOL, forecaster_names, reference_names, rival_names
from riskcast.verification.measured import (
    BY_DYADS,
    BY_YEARS,
    Measured,
    Resampling,
    best_reference,
    measured,
    measured_skill,
    model_skill,
    resample_rows,
)
from riskcast.verification.metrics import (
    auc,
    average_precision,
    brier_scores,
    calibration_curve,
    decompose,
    log_scores,
    murphy_curve,
    ranked_probability_scores,
    resampled_means,
    resampled_ranks,
)
from riskcast.verification.rival_scores import Paired, RivalScore, score_rivals
from riskcast.verification.score_accuracy import ScoreAccuracy, ratio_of, score_accuracies
from riskcast.verification.vector_scores import VectorScore, score_vectors

if TYPE_CHECKING:
    import pandas

ALL: Final = "all"
ONSET: Final = "onset"
CONTINUATION: Final = "continuation"
REPLICATES = 500
RANK_REPLICATES = 200
BINS = 20
THRESHOLDS = 201
FEW_DYADS = 20
FEW_EVENTS = 30
FEW_YEARS = 20
DIGITS = 10


@dataclass(frozen=True)
class Reliability:
    """A CORP reliability diagram: forecasts, their recalibrated frequency (isotonic), the 90 % consistency band in
    which the curve would lie were the forecasts calibrated, and where the forecasts lie.

    forecast, frequency, low, high: (points,) probabilities; edges (bins + 1,) and counts (bins,): a histogram of
    forecasts.
    """

    forecast: Floats
    frequency: Floats
    low: Floats
    high: Floats
    edges: Floats
    counts: Floats


@dataclass(frozen=True)
class Performance:
    """How one forecaster did on a set of forecasts.

    brier, log_score (natural log; both lower is better; log_score is infinite where a forecast of exactly 0 or 1 was
    wrong); skill: Brier skill score against the best reference, None where that one is without error; auc and
    average_precision: None where all outcomes are alike; miscalibration, discrimination, uncertainty: brier =
    miscalibration - discrimination + uncertainty (Dimitriadis, Gneiting and Jordan, 2021). ratio: events that were
    forecast, the sum of probabilities, over those that came, None where none did. model_skill, model_log_skill: by how
    much the model's Brier and log score are below this forecaster's, None for the model and where this one is without
    error.
    """

    forecaster: str
    brier: Measured
    log_score: Measured
    skill: Measured | None
    auc: Measured | None
    average_precision: Measured | None
    miscalibration: float
    discrimination: float
    uncertainty: float
    mean_forecast: float
    ratio: Measured | None = None
    model_skill: Measured | None = None
    model_log_skill: Measured | None = None


@dataclass(frozen=True)
class Slice:
    """Scores on a set of forecasts: all of them, onset or continuation alone, or one event type.

    dyads: how many were forecast, 1 where only the host was; performances: by forecaster, the model first; resampling:
    what intervals are made of, and in how many `clusters` of it the forecasts fall; murphy[forecaster]: (thresholds,)
    mean elementary scores (Ehm, Gneiting, Jordan and Krueger, 2016).
    """

    name: str
    forecasts: int
    events: int
    dyads: int
    best_reference: str
    performances: Mapping[str, Performance]
    reliability: Mapping[str, Reliability]
    thresholds: Floats
    murphy: Mapping[str, Floats]
    resampling: Resampling = BY_DYADS
    clusters: int = 0

    @property
    def caution(self) -> str | None:
        """Why the intervals are themselves uncertain, in words: fewer than 20 dyads, or years where these are
        resampled, or fewer than 30 events; else None.

        With few clusters the bootstrap is too narrow (Cameron, Gelbach and Miller, 2008).
        """
        few = []
        by_years = self.resampling.by == "years"
        count, least, word = (self.clusters, FEW_YEARS, "year") if by_years else (self.dyads, FEW_DYADS, "dyad")
        if count < least:
            few.append(f"{count} {word}{'' if count == 1 else 's'}")
        if self.events < FEW_EVENTS:
            few.append(f"{self.events} event{'' if self.events == 1 else 's'}")
        if not few:
            return None
        listed = f"only {' and '.join(few)} in {self.name}"
        if count <= self.resampling.block:
            return f"{listed}: nothing to resample, so scores have no interval"
        return f"{listed}: the intervals are themselves uncertain and likely too narrow"


@dataclass(frozen=True)
class SeverityScore:
    """Ranked probability score of a dyad's peak severity, from 0 to 1, lower is better; skill against the best
    reference, None where that one is without error; model_skill: by how much the model's is below this one, None for
    the model."""

    forecaster: str
    rps: Measured
    skill: Measured | None
    model_skill: Measured | None = None


@dataclass(frozen=True)
class Evaluation:
    """Scores of all forecasters: slices[name] with names `all`, `onset`, `continuation` and, where there is more than
    one, event types; severity, scores (how the dyads' scores did) and vectors (joint log scores of all that came
    after an origin) by forecaster; undisputed: the same evaluation had no disputed event happened, None where that
    changes no outcome; rivals: by name, scores beside the model's on the whole horizon, then within its steps;
    pool_weights: what the pool gives each of its members at the last origin."""

    slices: Mapping[str, Slice]
    severity: Mapping[str, SeverityScore]
    scores: Mapping[str, ScoreAccuracy] = field(default_factory=dict)
    vectors: Mapping[str, VectorScore] = field(default_factory=dict)
    undisputed: Evaluation | None = None
    rivals: Mapping[str, tuple[RivalScore, ...]] = field(default_factory=dict)
    pool_weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def resampling(self) -> Resampling:
        """What intervals are made of."""
        return self.slices[ALL].resampling

    def to_frame(self) -> pandas.DataFrame:
        """One row for each slice, forecaster and score: value and, where the score has one, its 90 % interval.

        Columns slice, forecaster, score, value, low, high, and undisputed: the value had no disputed event happened.
        The severity of peaks is in slice `all`, as `rps`, `rps_skill` and `rps_model_skill`, and so are how the dyads'
        scores did, as `score_bias`, `score_ratio`, `score_rmse`, `score_correlation` and `score_skill`, and joint log
        scores, as `vector_log_probability` and `vector_gain`. Of rivals, by how much the model's scores are below
        theirs is there over dyads and over years (`rival_log_skill_by_dyads`, ...), within steps of the horizon in
        slices such as `within 3`. Scores that are undefined have no row.
        """
        import pandas

        keys = ["slice", "forecaster", "score"]
        table = pandas.DataFrame(self._rows(), columns=[*keys, "value", "low", "high"])
        if self.undisputed is None:
            return table.assign(undisputed=table["value"])
        other = pandas.DataFrame(self.undisputed._rows(), columns=[*keys, "undisputed", "low", "high"])
        return table.merge(other[[*keys, "undisputed"]], on=keys, how="left")

    def _rows(self) -> list[tuple[str, str, str, float, float, float]]:
        rows: list[tuple[str, str, str, float, float, float]] = []
        for name, part in self.slices.items():
            for forecaster, performance in part.performances.items():
                for item in fields(performance)[1:]:
                    rows += _row(name, forecaster, item.name, getattr(performance, item.name))
        for forecaster, severity in self.severity.items():
            rows += _row(ALL, forecaster, "rps", severity.rps)
            rows += _row(ALL, forecaster, "rps_skill", severity.skill)
            rows += _row(ALL, forecaster, "rps_model_skill", severity.model_skill)
        for forecaster, accuracy in self.scores.items():
            for name in ("bias", "ratio", "rmse", "correlation", "skill"):
                rows += _row(ALL, forecaster, f"score_{name}", getattr(accuracy, name))
        for forecaster, vector in self.vectors.items():
            rows += _row(ALL, forecaster, "vector_log_probability", vector.log_probability)
            rows += _row(ALL, forecaster, "vector_gain", vector.gain)
        for scores in self.rivals.values():
            for one in scores:
                rows += _rival_rows(one)
        return rows

    def __repr__(self) -> str:
        scores = ", ".join(f"{name} {one.brier.value:.4f}" for name, one in self.slices[ALL].performances.items())
        return f"<Evaluation of {self.slices[ALL].forecasts:,} forecasts. Brier scores: {scores}>"

    def _repr_html_(self) -> str:
        whole = self.slices[ALL]
        columns = (
            Column("forecaster"),
            Column("Brier", form="measured"),
            Column("log score", form="measured"),
            Column("Brier skill", form="skill"),
            Column("AUC", form="measured", digits=3),
            Column("miscalibration", form="figure", digits=4),
        )
        rows = [
            (name, found.brier, found.log_score, found.skill, found.auc, found.miscalibration)
            for name, found in whole.performances.items()
        ]
        caution = f" {whole.caution[0].upper()}{whole.caution[1:]}." if whole.caution else ""
        note = f"{whole.forecasts:,} forecasts, {whole.events:,} events; skill against {whole.best_reference}.{caution}"
        return to_html(Table("Scores of all forecasts; lower is better for the first two", columns, rows, note=note))


def evaluate(
    forecasts: pandas.DataFrame,
    peaks: pandas.DataFrame,
    scores: pandas.DataFrame | None = None,
    vectors: pandas.DataFrame | None = None,
    *,
    steps: pandas.DataFrame | None = None,
    weights: pandas.DataFrame | None = None,
    by_years: Resampling = BY_YEARS,
    resampling: Resampling = BY_DYADS,
    rivals: Sequence[str] = (),
    replicates: int = REPLICATES,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Score every forecaster on all forecasts, onset, continuation and each event type, with 90 % intervals.

    forecasts: a row for each origin, event and unit with columns origin, event, unit, outcome (0 or 1), recent (whether
    the unit had the event in the year before the origin: continuation, else onset), and a probability for each
    forecaster, of which there must be the model and a reference. peaks: a row for each origin, unit and level of
    severity with columns origin, unit, level, reached (0 or 1), and each forecaster's probability that the worst
    severity of the horizon reaches the level; it may be empty. scores: a row for each origin and unit with columns
    origin, unit, came (the score of what followed) and each forecaster's score, 0 to 100; it may be empty. vectors: a
    row for each origin, see `score_vectors`; it may be empty. In each table a column `undisputed` may hold the outcome
    had no disputed event happened, not a number where the record cannot tell it then; where it differs, all is scored
    a second time with it, and with columns `*_undisputed` in the place of those without that ending. `rivals` are
    further columns of forecasts, taken as references like the others. They, and columns `logit`, `boosting`, `forest`
    and `pool`, are also held against the model one by one, over dyads and over years in blocks as `by_years` has it,
    and in `steps`, which has a row for each origin, step short of the horizon, event and unit; `weights`: those of the
    pool, a row for each origin.

    The best reference of a slice is the one with the lowest Brier score there. Intervals are percentiles over
    `replicates` resamplings, the same for all forecasters (at most 200 resamplings for auc and average_precision):
    of units with all their rows, which allows for the dependence of a dyad's forecasts on one another, yet not for
    that of dyads at one origin (Cameron, Gelbach and Miller, 2008); or, as `resampling` has it, of calendar years in
    blocks, which allows for both, but takes years that are far apart as independent. The same seed gives the same
    numbers, whatever the order of the rows. `progress` is called with how many forecasters are scored and how many
    there are. Raises OptionError for tables or options that cannot be used.

    >>> import pandas
    >>> forecasts = pandas.DataFrame({
    ...     "origin": "2020-12-31", "event": "demarche", "unit": ["A-B", "A-C", "A-D", "A-E"], "outcome": [1, 0, 0, 1],
    ...     "recent": [True, False, False, False], "model": [0.8, 0.1, 0.3, 0.6], "pooled_rate": 0.5,
    ... })
    >>> evaluation = evaluate(forecasts, pandas.DataFrame(), replicates=100)
    >>> list(evaluation.slices), evaluation.slices["all"].best_reference
    (['all', 'onset', 'continuation'], 'pooled_rate')
    >>> round(evaluation.slices["all"].performances["model"].skill.value, 3)
    0.7
    """
    if replicates < 50:
        raise OptionError(f"replicates is {replicates}; give at least 50, as an interval leaves out 5 % at each end")
    forecasters = _check_table(forecasts, "forecasts", ("origin", "event", "unit"), ("outcome", "recent"), rivals)
    if not len(forecasts):
        raise OptionError("forecasts has no row; give at least one forecast with its outcome")
    ranked = _check_table(peaks, "peaks", ("origin", "unit", "level"), ("reached",)) if len(peaks) else ()
    parts = list(_slices(forecasts))
    total = len(parts) * len(forecasters) + len(ranked)
    done = 0

    def report() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    how = (resampling, replicates, seed)
    slices = {name: _score_slice(name, rows, forecasters, *how, report) for name, rows in parts}
    severity = _score_severity(peaks, ranked, *how, report) if ranked else {}
    accuracy = {} if scores is None or not len(scores) else score_accuracies(scores, replicates, seed, resampling)
    joint = {} if vectors is None or not len(vectors) else score_vectors(vectors, *how)
    named = tuple(name for name in forecasters if name in (*rival_names(), *rivals))
    stepped = steps if steps is not None and set(named) <= set(steps.columns) else None
    beside = score_rivals(forecasts, stepped, named, by_years, replicates, seed) if named else {}
    leans = {} if weights is None or not len(weights) else weights.drop(columns="origin").iloc[-1].to_dict()
    found = Evaluation(slices, severity, accuracy, joint, rivals=beside, pool_weights=leans)
    second = _undisputed(forecasts, "outcome"), _undisputed(peaks, "reached"), _undisputed(scores, "came")
    if all(table is None for table in second):
        return found
    again = evaluate(
        forecasts if second[0] is None else second[0],
        peaks if second[1] is None else second[1],
        scores if second[2] is None else second[2].assign(**_second(second[2])),
        None if vectors is None or not len(vectors) else vectors.assign(**_second(vectors)),
        by_years=by_years,
        resampling=resampling,
        rivals=rivals,
        replicates=replicates,
        seed=seed,
    )
    return replace(found, undisputed=again)


def _undisputed(table: pandas.DataFrame | None, outcome: str) -> pandas.DataFrame | None:
    """A table had no disputed event happened, None where that is the same."""
    if table is None or not len(table) or "undisputed" not in table.columns:
        return None
    other = table["undisputed"]
    if (other == table[outcome]).all():
        return None
    return table.assign(**{outcome: other})[other.notna().to_numpy()].drop(columns="undisputed")


def _second(table: pandas.DataFrame) -> dict[str, pandas.Series]:
    """Columns of a table had no disputed event happened, under the names of those had they."""
    return {name.removesuffix("_undisputed"): table[name] for name in table if name.endswith("_undisputed")}


def evaluation_data(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as plain data for JSON: slices, severity and scores by name, each slice with its caution.

    Numbers have ten digits after the point; None stands for what is undefined or infinite.

    >>> _plain({"score": Measured(0.1234567890123, 0.0, float("inf")), "curve": np.array([0.5, 1.0])})
    {'score': {'value': 0.123456789, 'low': 0.0, 'high': None}, 'curve': [0.5, 1.0]}
    """
    data = _plain(evaluation)
    for name, part in evaluation.slices.items():
        data["slices"][name]["caution"] = part.caution
    return data


def _slices(forecasts: pandas.DataFrame) -> Iterator[tuple[str, pandas.DataFrame]]:
    """Name and rows of each slice that has rows."""
    recent = forecasts["recent"].to_numpy(dtype=bool)
    events = sorted(forecasts["event"].unique())
    taken = sorted({ALL, ONSET, CONTINUATION}.intersection(events))
    if taken:
        raise OptionError(f"event type {taken[0]!r} has the name of a slice; give it another id")
    yield ALL, forecasts
    for name, chosen in ((ONSET, ~recent), (CONTINUATION, recent)):
        if chosen.any():
            yield name, forecasts[chosen]
    if len(events) > 1:
        for event in events:
            yield event, forecasts[(forecasts["event"] == event).to_numpy()]


def _score_slice(
    name: str,
    rows: pandas.DataFrame,
    forecasters: Sequence[str],
    resampling: Resampling,
    replicates: int,
    seed: int,
    report: Callable[[], None],
) -> Slice:
    outcome = rows["outcome"].to_numpy(dtype=float)
    probability = {forecaster: rows[forecaster].to_numpy(dtype=float) for forecaster in forecasters}
    cluster, counts = resample_rows(rows, resampling, replicates, seed, name)
    brier = {forecaster: brier_scores(outcome, probability[forecaster]) for forecaster in forecasters}
    logs = {forecaster: log_scores(outcome, probability[forecaster]) for forecaster in forecasters}
    reference = best_reference(brier)
    resampled = {forecaster: resampled_means(scores, cluster, counts) for forecaster, scores in brier.items()}
    relogged = {forecaster: resampled_means(scores, cluster, counts) for forecaster, scores in logs.items()}
    thresholds = np.linspace(0.0, 1.0, THRESHOLDS)
    performances, reliability, murphy = {}, {}, {}
    for forecaster, forecast in probability.items():
        areas, precisions = resampled_ranks(outcome, forecast, cluster, counts[:RANK_REPLICATES])
        parts = decompose(outcome, forecast)
        performances[forecaster] = Performance(
            forecaster=forecaster,
            brier=measured(float(brier[forecaster].mean()), resampled[forecaster], counts),
            log_score=measured(float(logs[forecaster].mean()), relogged[forecaster], counts),
            skill=measured_skill(brier, resampled, forecaster, reference, counts),
            auc=_measured_or_none(auc(outcome, forecast), areas, counts),
            average_precision=_measured_or_none(average_precision(outcome, forecast), precisions, counts),
            miscalibration=parts.miscalibration,
            discrimination=parts.discrimination,
            uncertainty=parts.uncertainty,
            mean_forecast=float(forecast.mean()),
            ratio=ratio_of(forecast, outcome, cluster, counts),
            model_skill=model_skill(brier, resampled, forecaster, counts),
            model_log_skill=model_skill(logs, relogged, forecaster, counts),
        )
        reliability[forecaster] = reliability_diagram(
            outcome, forecast, generator(seed, "consistency", name, forecaster)
        )
        murphy[forecaster] = murphy_curve(outcome, forecast, thresholds)
        report()
    return Slice(
        name=name,
        forecasts=len(rows),
        events=int(outcome.sum()),
        dyads=max(1, sum(Dyad.names_one(unit) for unit in rows["unit"].unique())),
        best_reference=reference,
        performances=performances,
        reliability=reliability,
        thresholds=thresholds,
        murphy=murphy,
        resampling=resampling,
        clusters=counts.shape[1],
    )


def _score_severity(
    peaks: pandas.DataFrame,
    forecasters: Sequence[str],
    resampling: Resampling,
    replicates: int,
    seed: int,
    report: Callable[[], None],
) -> dict[str, SeverityScore]:
    reached = peaks["reached"].to_numpy(dtype=float)
    case = peaks.groupby(["origin", "unit"], sort=True).ngroup().to_numpy()
    first = np.unique(case, return_index=True)[1]
    cluster, counts = resample_rows(peaks.iloc[first], resampling, replicates, seed, "severity")
    rps = {name: ranked_probability_scores(reached, peaks[name].to_numpy(dtype=float), case) for name in forecasters}
    resampled = {name: resampled_means(scores, cluster, counts) for name, scores in rps.items()}
    reference = best_reference(rps)
    severity = {}
    for name, scores in rps.items():
        mean = measured(float(scores.mean()), resampled[name], counts)
        skill = measured_skill(rps, resampled, name, reference, counts)
        severity[name] = SeverityScore(name, mean, skill, model_skill(rps, resampled, name, counts))
        report()
    return severity


def _measured_or_none(value: float | None, replicates: Floats, counts: Floats) -> Measured | None:
    return None if value is None else measured(value, replicates, counts)


def reliability_diagram(outcome: Floats, forecast: Floats, rng: np.random.Generator) -> Reliability:
    """The CORP reliability diagram of forecasts and their outcomes, (rows,) each, with a histogram of the forecasts."""
    curve = calibration_curve(outcome, forecast, rng)
    counts, edges = np.histogram(forecast, bins=BINS, range=(0.0, 1.0))
    return Reliability(curve.forecast, curve.frequency, curve.low, curve.high, edges, counts.astype(float))


def _check_table(
    table: pandas.DataFrame, what: str, keys: Sequence[str], flags: Sequence[str], rivals: Sequence[str] = ()
) -> tuple[str, ...]:
    """The forecasters of a table, the model first; raises OptionError for a table that cannot be scored."""
    needed = (*keys, *flags, MODEL, *rivals)
    missing = [column for column in needed if column not in table.columns]
    if missing:
        raise OptionError(f"{what} has no column {missing[0]!r}; it needs {', '.join(needed)}")
    known = (name for name in (*forecaster_names(), *rival_names()) if name in table.columns)
    forecasters = tuple(dict.fromkeys((*known, *rivals)))
    if not set(forecasters) - {MODEL, LEFT_OUT, POOL}:
        raise OptionError(f"{what} has no reference to compare with; give one of {', '.join(reference_names())}")
    repeated = table.loc[table.duplicated(list(keys)), list(keys)]
    if len(repeated):
        twice = dict(repeated.iloc[0])
        named = ", ".join(f"{key} {value}" for key, value in twice.items())
        raise OptionError(f"{what} has two rows for {named}; give one")
    for column in flags:
        if not table[column].isin([0, 1]).all():
            raise OptionError(f"{what}: {column} is neither 0 nor 1 in some row; give one of them in every row")
    for name in forecasters:
        if not table[name].between(0, 1).all():
            raise OptionError(f"{what}: {name} is outside 0 to 1 in some row; give a probability in every row")
    return forecasters


def _row(
    part: str, forecaster: str, score: str, value: Measured | float | None
) -> list[tuple[str, str, str, float, float, float]]:
    if value is None:
        return []
    if isinstance(value, Measured):
        return [(part, forecaster, score, value.value, value.low, value.high)]
    return [(part, forecaster, score, value, float("nan"), float("nan"))]


def _rival_rows(score: RivalScore) -> list[tuple[str, str, str, float, float, float]]:
    """The skills of the model against a rival, over dyads and over years."""
    part, rows = ALL if score.step is None else f"within {score.step}", []
    if score.step is not None:
        rows += _row(part, score.forecaster, "log_score", score.log_score)
        rows += _row(part, score.forecaster, "brier", score.brier)
    for kind, skill in (("log", score.log_skill), ("brier", score.brier_skill)):
        for way in fields(Paired):
            rows += _row(part, score.forecaster, f"rival_{kind}_skill_{way.name}", getattr(skill, way.name))
    return rows


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value.tolist()]
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return round(value, DIGITS) if np.isfinite(value) else None
    return value
