"""Score a case on its own record and write what came of it as a page of the docs.

    uv run python benchmarks/own_record.py

writes docs/central_asia_2024.md and its figures anew.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import riskcast
from riskcast.charts.verification import origins_chart, reliability_chart, to_svg
from riskcast.exports.backtest_report import cautions_of, origin_scores, prior_conflicts, provenance_of
from riskcast.numbers import between, number, skill
from riskcast.verification.evaluation import ALL, CONTINUATION, ONSET, Evaluation, Measured, Performance, Slice
from riskcast.verification.forecasters import MODEL, forecaster_label
from riskcast.verification.score_accuracy import ScoreAccuracy
from riskcast.verification.verdicts import is_reference, scores_in_words, severity_in_words, skill_verdict

DOCS = Path(__file__).parents[1] / "docs"
FIRST = dt.date(2012, 1, 1)


def main() -> None:
    """Backtest and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--case", default="central_asia_2024")
    parser.add_argument("--out", type=Path, default=DOCS)
    options = parser.parse_args()
    case = riskcast.load_case(options.case)
    with tempfile.TemporaryDirectory() as folder:
        tested = riskcast.backtest(case, FIRST, leave_one_dyad_out=True, out=folder, progress=_report)
    evaluation = tested.evaluate()
    figures = options.out / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    whole = evaluation.slices[ALL]
    origins = origin_scores(tested.forecasts, list(whole.performances))
    shown = {name: whole.reliability[name] for name in (MODEL, whole.best_reference)}
    for name, chart in (
        ("reliability", reliability_chart(shown)),
        ("origins", origins_chart(origins, reference=whole.best_reference)),
    ):
        (figures / f"{case.name}_{name}.svg").write_text(to_svg(chart) + "\n", encoding="utf-8")
    (options.out / f"{case.name}.md").write_text(page(tested, evaluation), encoding="utf-8")


def _report(done: int, total: int) -> None:
    print(f"{done} of {total} origins", flush=True)


def page(tested: riskcast.Backtest, evaluation: Evaluation) -> str:
    """The page, as measured."""
    case, whole = tested.case, evaluation.slices[ALL]
    verdict = skill_verdict(whole)
    first, last = min(tested.origins), max(tested.origins)
    types = [part for name, part in evaluation.slices.items() if name not in (ALL, ONSET, CONTINUATION)]
    parts = [
        f"# {case.settings.title}: its own record",
        f"`{case.name}` was forecast {tested.horizon} months ahead as of {len(tested.origins)} days, {first} to "
        f"{last}, each time from what was known then, and scored on what the collected record says followed. "
        "`uv run python benchmarks/own_record.py` writes this page anew; "
        f"`uv run riskcast backtest {case.name} --from {first.year} --to {case.as_of.year} --leave-one-dyad-out` gives "
        "the same numbers as a page of HTML with every forecast beside it.",
        f"**{verdict.headline}.** {verdict.detail} {severity_in_words(evaluation.severity)}",
        _honest_words(whole, case),
        "## Scores",
        "Brier and log score: lower is better. Skill: by how much the Brier score is below that of the best reference. "
        "In brackets: 90 % intervals from resampled dyads. MCB, DSC: miscalibration and discrimination, parts of the "
        "Brier score.",
        table(("All forecasts", "Brier", "Skill", "Log score", "AUC", "MCB", "DSC", "Mean"), _rows(whole)),
        *(_part(name, evaluation) for name in (ONSET, CONTINUATION) if name in evaluation.slices),
        f"![Reliability](figures/{case.name}_reliability.svg)",
        f"![Scores by origin](figures/{case.name}_origins.svg)",
        "## By event type",
        "`Expected` is the sum of the forecast probabilities, to compare with the events that came.",
        table(
            ("Event type", "Forecasts", "Events", "Expected", "Brier", "Best reference", "Its Brier", "Skill"),
            [_type_row(part, case) for part in types],
        ),
        "## The worst outcome of a year",
        "Ranked probability score of the severity of the worst own outcome that a dyad met within a year, from 0 "
        "(perfect) to 1.",
        table(
            ("Forecaster", "RPS", "Skill"),
            [
                (
                    forecaster_label(name),
                    _measured(found.rps, 4),
                    "–" if found.skill is None or is_reference(found.skill) else _skill(found.skill),
                )
                for name, found in evaluation.severity.items()
            ],
        ),
        "## Scores of dyads",
        "What a dyad's own outcomes of a year added up to, and what was forecast, in points of 100. "
        f"{scores_in_words(evaluation.scores)} Skill: of the mean squared error, against the best reference.",
        table(
            ("Forecaster", "Mean", "Bias", "RMSE", "Correlation", "Skill"),
            [_score_row(found) for found in evaluation.scores.values()],
        ),
        "Where riskcast forecast so much, so much came:",
        table(
            ("Forecast score", "Forecasts", "Mean forecast", "Mean that came"),
            [
                (f"{one.low:.1f}–{one.high:.1f}", one.forecasts, f"{one.mean_forecast:.1f}", f"{one.mean_came:.1f}")
                for one in evaluation.scores[MODEL].bins
            ],
        ),
        "## Priors against the record",
        "Unit-months with an event in the whole record, and what the priors alone let one expect of it, given its own "
        "memories and levels (median, 90 % interval).",
        table(
            ("Event type", "Recorded", "Expected", "Verdict"),
            [
                (
                    case.events[row["event"]].label,
                    row["recorded"],
                    f"{row['median']:.0f} ({row['low']:.0f}–{row['high']:.0f})",
                    row["verdict"],
                )
                for row in prior_conflicts(tested).to_dict("records")
            ],
        ),
        "## Cautions",
        "\n".join(f"- {caution}" for caution in cautions_of(tested)),
        "## Provenance",
        "\n".join(f"- {key}: {value}" for key, value in provenance_of(tested).items()),
    ]
    return "\n\n".join(parts) + "\n"


def _honest_words(whole: Slice, case: riskcast.Case) -> str:
    model = whole.performances[MODEL]
    return (
        f"{whole.events} events in {whole.forecasts} forecasts on {len(case.dyads)} dyads that share one host cannot "
        "prove a forecaster right: the events hang together (an attack, a war, one law), the dyads are not a sample of "
        "anything, and the interval of the skill, which pretends that they are, is if anything too narrow. What the "
        "test can do is catch gross errors. "
        f"Forecasts averaged {100 * model.mean_forecast:.1f} %, and {100 * whole.events / whole.forecasts:.1f} % came "
        "true."
    )


def _part(name: str, evaluation: Evaluation) -> str:
    part = evaluation.slices[name]
    words = {ONSET: "Onset: no such event in the year before", CONTINUATION: "Continuation: at least one"}[name]
    heading = (
        f"{words} ({part.events} of {part.forecasts})",
        "Brier",
        "Skill",
        "Log score",
        "AUC",
        "MCB",
        "DSC",
        "Mean",
    )
    return table(heading, _rows(part))


def _rows(part: Slice) -> list[tuple[str, ...]]:
    return [_row(name, found, part.best_reference) for name, found in part.performances.items()]


def _row(name: str, found: Performance, best: str) -> tuple[str, ...]:
    return (
        forecaster_label(name) + (" (best reference)" if name == best else ""),
        _measured(found.brier, 4),
        "–" if found.skill is None or name == best else _skill(found.skill),
        _measured(found.log_score, 3),
        "–" if found.auc is None else _measured(found.auc, 2),
        number(found.miscalibration, 4),
        number(found.discrimination, 4),
        f"{100 * found.mean_forecast:.1f} %",
    )


def _type_row(part: Slice, case: riskcast.Case) -> tuple[str, ...]:
    model, best = part.performances[MODEL], part.performances[part.best_reference]
    return (
        case.events[part.name].label,
        str(part.forecasts),
        str(part.events),
        f"{model.mean_forecast * part.forecasts:.1f}",
        number(model.brier.value, 4),
        forecaster_label(part.best_reference),
        number(best.brier.value, 4),
        "–" if model.skill is None else _skill(model.skill),
    )


def _score_row(found: ScoreAccuracy) -> tuple[str, ...]:
    return (
        forecaster_label(found.forecaster),
        f"{found.mean_forecast:.1f}",
        _measured(found.bias, 1),
        _measured(found.rmse, 1),
        "–" if found.correlation is None else _measured(found.correlation, 2),
        "–" if found.skill is None or is_reference(found.skill) else _skill(found.skill),
    )


def _measured(score: Measured, digits: int) -> str:
    return f"{number(score.value, digits)} ({between(score, digits)})"


def _skill(score: Measured) -> str:
    value, interval = skill(score)
    return f"{value} ({interval})" if interval else value


def table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown; the first column is text, the others are numbers."""
    lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    main()
