"""Backtests and calibrations -> a folder to keep: a page, plain data, and tables of every forecast."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskcast.case.coverage import disputed_rows, searches
from riskcast.case.periods import DAYS_PER_YEAR
from riskcast.engines.registry import DEFAULT_ENGINE
from riskcast.exports.files import write_all
from riskcast.exports.html_pages import backtest_page, calibration_page, case_rows
from riskcast.machinery.staging import write_folder
from riskcast.verification.backtesting import Backtest
from riskcast.verification.calibration import Calibration, calibration_data
from riskcast.verification.coverage import check_priors
from riskcast.verification.evaluation import Evaluation, evaluation_data
from riskcast.verification.rival_words import rivals_in_words
from riskcast.version import __version__

if TYPE_CHECKING:
    import pandas

PAGE, DATA, SCORES = "index.html", "scores.json", "scores.csv"
STAGE = ".riskcast-report-"
CONFLICT_DRAWS = 1000


def cautions_of(tested: Backtest) -> list[str]:
    """What to keep in mind of a backtest, whatever its scores."""
    case, period = tested.case, tested.case.settings.period
    out = [
        f"The priors are those of {case.as_of}: whoever wrote them knew the record until then. Forecasts from earlier "
        "origins fit on nothing later, but base rates, effects and severities were thought out with hindsight, which "
        "favours riskcast and the priors alone."
    ]
    days = sorted(tested.origins)
    if len(days) > 1 and (days[1] - days[0]).days < (tested.horizon - 0.5) * DAYS_PER_YEAR / case.periods_per_year:
        out.append(
            f"Horizons overlap: an event can count at several origins, {tested.horizon} {period}s ahead each time, so "
            "there is less evidence here than the number of forecasts suggests."
        )
    if tested.unscored:
        listed = ", ".join(str(day) for day in tested.unscored)
        out.append(f"Not scored, as the record does not cover their horizon: {listed}.")
    left_out = int(tested.health["left_out"].sum())
    if left_out:
        out.append(
            f"{left_out:,} forecasts are not scored, as the record cannot tell what followed: days or rows are "
            "missing, or an event is known to the month or year alone."
        )
    failed = tested.health.loc[~tested.health["reliable"].astype(bool), "origin"].tolist()
    if failed:
        out.append(f"The posterior failed its checks, and was used all the same, at {', '.join(failed)}.")
    if case.panel is None:
        out.append("That the record holds no event does not prove that there was none.")
    if any(found < 1.0 for own in searches(case, case.outcomes).values() for _, _, found in own):
        out.append(
            "Searches find less than everything, so that a recorded no may be an event that was missed. What is scored "
            "is the probability that an event is recorded, at the recall that the case states, which is the same "
            "question; that of what happens is higher."
        )
    disputed = disputed_rows(case)
    if disputed:
        named = ", ".join(f"{row.when} {row.type} {row.dyad}" for row in disputed)
        out.append(
            f"{len(disputed):,} event{'s are' if len(disputed) > 1 else ' is'} disputed ({named}): used as having "
            "happened, and scored both ways."
        )
    return out


def provenance_of(tested: Backtest) -> dict[str, str]:
    """Where a backtest's numbers come from."""
    case = tested.case
    return {
        **case_rows(case),
        "Horizon": f"{tested.horizon} {case.settings.period}{'s' if tested.horizon > 1 else ''}",
        "Engine": f"{DEFAULT_ENGINE}, {tested.draws:,} draws, seed {tested.seed}",
        "riskcast": __version__,
    }


def backtest_data(tested: Backtest, evaluation: Evaluation) -> dict[str, Any]:
    """A backtest as plain data: provenance, cautions, scores, and the health of every origin's posterior."""
    return {
        "provenance": provenance_of(tested),
        "origins": [day.isoformat() for day in tested.origins],
        "cautions": cautions_of(tested),
        "evaluation": evaluation_data(evaluation),
        "reading": list(rivals_in_words(evaluation, tested.case.settings.period)),
        "health": tested.health.astype(object).where(tested.health.notna(), None).to_dict("records"),
    }


def write_backtest(
    tested: Backtest, evaluation: Evaluation, folder: str | Path, joined: pandas.DataFrame | None = None
) -> Path:
    """Write a backtest's page, scores and every forecast to a folder, all or none; returns the page.

    `joined`: the forecasts with further columns, where more forecasters were scored than the backtest made.
    """
    folder = Path(folder)
    forecasts = tested.forecasts if joined is None else joined
    case = tested.case
    page = backtest_page(
        title=case.settings.title,
        provenance=provenance_of(tested),
        summary=[_what_was_done(tested)],
        evaluation=evaluation,
        origins=origin_scores(forecasts, list(evaluation.slices["all"].performances)),
        cautions=cautions_of(tested),
        conflicts=prior_conflicts(tested),
        origin_health=tested.health,
        labels={name: event.label for name, event in case.events.items()},
        period=case.settings.period,
    )
    frames = {"forecasts": forecasts, "peaks": tested.peaks, "scores": tested.scores}
    further = {"vectors": tested.vectors, "steps": tested.steps, "weights": tested.weights}
    frames |= {name: frame for name, frame in further.items() if len(frame)}
    contents = {
        PAGE: page.encode(),
        DATA: _as_json(backtest_data(tested, evaluation)),
        SCORES: evaluation.to_frame().to_csv(index=False, lineterminator="\n").encode(),
        **{f"{name}.parquet": frame.to_parquet(index=False) for name, frame in frames.items()},
    }
    write_folder(folder, lambda made: write_all(made, contents), STAGE, last=(PAGE,))
    return folder / PAGE


def write_calibration(found: Calibration, folder: str | Path) -> Path:
    """Write a calibration's page and data to a folder, all or none; returns the page."""
    folder = Path(folder)
    contents = {PAGE: calibration_page(found).encode(), DATA: _as_json(calibration_data(found))}
    write_folder(folder, lambda made: write_all(made, contents), STAGE, last=(PAGE,))
    return folder / PAGE


def prior_conflicts(tested: Backtest) -> pandas.DataFrame:
    """Each event type's recorded count against what its priors let one expect."""
    import pandas

    checks = check_priors(tested.case, CONFLICT_DRAWS, tested.seed)
    columns = ["event", "recorded", "low", "median", "high", "verdict"]
    return pandas.DataFrame([[getattr(check, name) for name in columns] for check in checks], columns=columns)


def _what_was_done(tested: Backtest) -> str:
    first, last = min(tested.origins), max(tested.origins)
    period = tested.case.settings.period
    ahead = f"{tested.horizon} {period}{'s' if tested.horizon > 1 else ''}"
    when = f"As of {len(tested.origins)} days from {first} to {last}" if len(tested.origins) > 1 else f"As of {first}"
    return f"{when}, riskcast forecast {ahead} ahead from what was known on each, and was scored on what followed."


def origin_scores(forecasts: pandas.DataFrame, forecasters: list[str]) -> pandas.DataFrame:
    """Brier score of every forecaster at every origin."""
    import pandas

    rows = []
    for origin, part in forecasts.groupby("origin"):
        size = {"forecasts": len(part), "events": int(part["outcome"].sum())}
        for name in forecasters:
            brier = float(((part[name] - part["outcome"]) ** 2).mean())
            rows.append({"origin": origin, "forecaster": name, "brier": brier} | size)
    return pandas.DataFrame(rows)


def _as_json(content: Any) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
