"""riskcast against each rival on the same questions, within the horizon and its steps, over dyads and over years."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskcast.case.dyads import Dyad
from riskcast.machinery.array_types import Floats, Ints
from riskcast.numbers import leaves_out_zero
from riskcast.verification.forecasters import MODEL
from riskcast.verification.measured import BY_DYADS, Measured, Resampling, begun_in, measured_skill, resample_rows
from riskcast.verification.metrics import brier_scores, log_scores, resampled_means

if TYPE_CHECKING:
    import pandas

# On fewer events, or years, nobody is told apart from anybody.
LEAST_EVENTS = LEAST_YEARS = 5
UNKNOWN = Measured(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Paired:
    """By how much the model's mean score is below another's on the same questions, 1 - model / other, with its 90 %
    interval from dyads that are drawn again and again, and from years."""

    by_dyads: Measured
    by_years: Measured

    @property
    def value(self) -> float:
        """The skill, above 0 where the model is better."""
        return self.by_dyads.value

    @property
    def is_told(self) -> bool:
        """Whether it can be told from chance: both intervals lie on one side of 0."""
        return leaves_out_zero(self.by_dyads) and leaves_out_zero(self.by_years)


@dataclass(frozen=True)
class RivalScore:
    """The model and one other forecaster on the same questions.

    step: within how many periods, None for the whole horizon; forecasts, events, dyads, years: how many there were;
    brier, log_score: mean scores of the other, lower is better, and `model_` of the model; brier_skill and log_skill:
    how far the model is below it.
    """

    forecaster: str
    step: int | None
    forecasts: int
    events: int
    dyads: int
    years: int
    brier: float
    log_score: float
    model_brier: float
    model_log_score: float
    brier_skill: Paired
    log_skill: Paired

    @property
    def is_told(self) -> bool:
        """Whether the two can be told apart by their log scores."""
        return self.tells(self.log_skill)

    def tells(self, skill: Paired) -> bool:
        """Whether a skill can be told from chance, on more than a handful of events and of years."""
        return skill.is_told and self.events >= LEAST_EVENTS and self.years >= LEAST_YEARS


def score_rivals(
    forecasts: pandas.DataFrame,
    steps: pandas.DataFrame | None,
    names: Sequence[str],
    by_years: Resampling,
    replicates: int,
    seed: int,
) -> dict[str, tuple[RivalScore, ...]]:
    """By rival: scores on the whole horizon, then within each step from the shortest on, where `steps` has rows of it.

    Tables have columns origin, unit, outcome and the forecasters, `steps` also step. The same draws of dyads, and of
    years, serve all forecasters of a step.
    """
    found: dict[str, list[RivalScore]] = {name: [] for name in names}
    for step, rows in _parts(forecasts, steps):
        for name, score in _compared(step, rows, names, by_years, replicates, seed):
            found[name].append(score)
    return {name: tuple(scores) for name, scores in found.items()}


def _parts(
    forecasts: pandas.DataFrame, steps: pandas.DataFrame | None
) -> Iterator[tuple[int | None, pandas.DataFrame]]:
    yield None, forecasts
    if steps is not None and len(steps):
        for step in sorted(steps["step"].unique().tolist()):
            yield step, steps[steps["step"] == step]


def _compared(
    step: int | None,
    rows: pandas.DataFrame,
    names: Sequence[str],
    by_years: Resampling,
    replicates: int,
    seed: int,
) -> Iterator[tuple[str, RivalScore]]:
    outcome = rows["outcome"].to_numpy(dtype=float)
    forecast = {name: rows[name].to_numpy(dtype=float) for name in (MODEL, *names)}
    scores = {
        "brier": {name: brier_scores(outcome, own) for name, own in forecast.items()},
        "log": {name: log_scores(outcome, own) for name, own in forecast.items()},
    }
    drawn = [resample_rows(rows, how, replicates, seed, f"rivals {step}") for how in (BY_DYADS, by_years)]
    skills = {kind: _skills(own, drawn) for kind, own in scores.items()}
    means = {kind: {name: float(own.mean()) for name, own in by_name.items()} for kind, by_name in scores.items()}
    for name in names:
        yield (
            name,
            RivalScore(
                forecaster=name,
                step=step,
                forecasts=len(rows),
                events=int(outcome.sum()),
                dyads=max(1, sum(Dyad.names_one(unit) for unit in rows["unit"].unique())),
                years=len(set(begun_in(rows["origin"]).tolist())),
                brier=means["brier"][name],
                log_score=means["log"][name],
                model_brier=means["brier"][MODEL],
                model_log_score=means["log"][MODEL],
                brier_skill=skills["brier"][name],
                log_skill=skills["log"][name],
            ),
        )


def _skills(scores: Mapping[str, Floats], drawn: Sequence[tuple[Ints, Floats]]) -> dict[str, Paired]:
    """The model against every other forecaster, with intervals from each way of drawing."""
    ways = []
    for cluster, counts in drawn:
        resampled = {name: resampled_means(own, cluster, counts) for name, own in scores.items()}
        ways.append((resampled, counts))
    return {
        name: Paired(*(measured_skill(scores, again, MODEL, name, counts) or UNKNOWN for again, counts in ways))
        for name in scores
        if name != MODEL
    }
