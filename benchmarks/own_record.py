"""Score a case on its own record and write what came of it as a page of the docs.

    uv run python benchmarks/own_record.py

writes docs/central_asia_2024.md and its figures anew: forecasts from the end of every quarter, refitted on what was
known then, with year-block intervals; joint log scores of whole years; what followed shocks; checks of the posterior
predictive. `--quick` prints the main numbers of a trial, from the ends of years and with fewer draws, and writes
nothing; `--beside FOLDER` sets another case beside it, with `--same-record` on the first one's events.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas
from article import THE_FOUR, article_part

import riskcast
from riskcast.charts.verification import origins_chart, reliability_chart, to_svg
from riskcast.exports.backtest_report import cautions_of, origin_scores, prior_conflicts, provenance_of
from riskcast.numbers import between, has_ends, number, skill
from riskcast.verification.backtesting import Backtest
from riskcast.verification.evaluation import (
    ALL,
    CONTINUATION,
    ONSET,
    REPLICATES,
    Evaluation,
    Measured,
    Performance,
    Slice,
)
from riskcast.verification.forecasters import (
    CELL_BY_CELL,
    LAST_TWO_YEARS,
    MODEL,
    POOLED_RATE,
    PRIOR_ONLY,
    crps_column,
    forecaster_label,
)
from riskcast.verification.predictive_checks import DYAD_YEARS, SPREAD, PredictiveCheck, check_predictive
from riskcast.verification.score_accuracy import ScoreAccuracy, score_accuracies
from riskcast.verification.verdicts import (
    is_reference,
    resampling_in_words,
    scores_in_words,
    severity_in_words,
    skill_verdict,
)

DOCS = Path(__file__).parents[1] / "docs"
FIRST = dt.date(2011, 12, 31)
PARTS = (("2012–2019", 2012, 2019), ("2020–2023", 2020, 2023))
SHOCKS = ("2013-10", "2017-04", "2022-03", "2024-03")
QUARTERS_AFTER = 4
DRAWS, QUICK_DRAWS, CHECKED = 2000, 1000, 100


@dataclass(frozen=True)
class Own:
    """What a case's own record says of it: backtests from quarters and from years, and their evaluations.

    parts: of the yearly one, by name; shocks: of the quarters after each shock that the record resolves, and of all of
    them, by name; anew, kept: checks of records drawn from the posterior of the whole record, with years drawn anew
    from the process, and with its own.
    """

    label: str
    case: riskcast.Case
    tested: Backtest
    evaluation: Evaluation
    yearly: Backtest
    of_years: Evaluation
    parts: Mapping[str, Evaluation]
    shocks: Mapping[str, tuple[Backtest, Evaluation]]
    anew: Sequence[PredictiveCheck]
    kept: Sequence[PredictiveCheck]


def main() -> None:
    """Backtest, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--case", default="central_asia_2024", help="a bundled case or a folder")
    parser.add_argument("--beside", help="another case to set beside it")
    parser.add_argument("--beside-label", default="the case beside it", help="what to call that one")
    parser.add_argument("--same-record", action="store_true", help="give the other case the events of the first")
    parser.add_argument("--quick", action="store_true", help="years and fewer draws; print, write nothing")
    parser.add_argument("--draws", type=int, help="draws of the parameters at each origin")
    parser.add_argument("--workers", type=int, help="processes to work on; all cores if not given")
    parser.add_argument("--shocks", nargs="*", default=list(SHOCKS), help="months of shocks, such as 2022-03")
    parser.add_argument(
        "--since",
        type=dt.date.fromisoformat,
        default=dt.date(2022, 1, 1),
        help="day from which a share of events is told",
    )
    parser.add_argument("--keep", type=Path, help="folder in which finished origins are kept for another run")
    parser.add_argument("--out", type=Path, default=DOCS)
    options = parser.parse_args()
    case = riskcast.load_case(options.case)
    cases = {"this case": case}
    if options.beside:
        other = riskcast.load_case(options.beside)
        if options.same_record:
            other = with_record_of(other, case)
        cases[options.beside_label] = other
    found = [measure(label, one, options) for label, one in cases.items()]
    if options.quick:
        print(glance(found))
        print("\n" + years_table(found[0]))
        return
    figures = options.out / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    whole = found[0].evaluation.slices[ALL]
    origins = origin_scores(found[0].tested.forecasts, list(whole.performances))
    shown = {name: whole.reliability[name] for name in (MODEL, whole.best_reference)}
    for name, chart in (
        ("reliability", reliability_chart(shown)),
        ("origins", origins_chart(origins, reference=whole.best_reference)),
    ):
        (figures / f"{case.name}_{name}.svg").write_text(to_svg(chart) + "\n", encoding="utf-8")
    (options.out / f"{case.name}.md").write_text(with_article(page(found), case), encoding="utf-8")


def with_article(text: str, case: riskcast.Case) -> str:
    """The page with what its indicators and scenarios do, where the case is the one that the article is about."""
    if not set(THE_FOUR) <= set(case.indicators):
        return text
    return text.replace("\n\n## Cautions", f"\n\n{article_part(case)}\n\n## Cautions")


def with_record_of(case: riskcast.Case, other: riskcast.Case) -> riskcast.Case:
    """A case with the events and the coverage of another, as far as it has their types and dyads."""
    rows = tuple(row for row in other.event_rows if row.type in case.events or row.type == "context")
    coverage = tuple(row for row in other.coverage if row.type in case.events or row.type == "ALL")
    return case.revised(event_rows=rows, coverage=coverage)


def measure(label: str, case: riskcast.Case, options: argparse.Namespace) -> Own:
    """Backtest a case from the ends of quarters, or of years where it is to be quick, and evaluate it."""
    draws = options.draws or (QUICK_DRAWS if options.quick else DRAWS)
    with tempfile.TemporaryDirectory() as folder:
        tested = riskcast.backtest(
            case,
            FIRST,
            every="year" if options.quick else "quarter",
            horizon=round(case.periods_per_year),
            draws=draws,
            workers_count=options.workers,
            out=(options.keep / label.replace(" ", "_")) if options.keep else folder,
            progress=_told(f"{label}: {{}} of {{}} origins"),
        )
    yearly = tested.at(day for day in tested.origins if (day.month, day.day) == (12, 31))
    of_years = yearly.evaluate()
    parts = {}
    for name, first, last in PARTS:
        days = [day for day in yearly.origins if first <= day.year + 1 <= last]
        if days:
            parts[name] = yearly.at(days).evaluate()
    evaluation = of_years if tested.origins == yearly.origins else tested.evaluate()
    shocks = {}
    if not options.quick:
        days_after = {shock: quarters_after(shock, tested.origins) for shock in options.shocks}
        every = sorted({day for days in days_after.values() for day in days})
        for name, days in {**days_after, "all of them": every}.items():
            if days:
                part = tested.at(days)
                shocks[name] = part, part.evaluate()
    checks: list[Sequence[PredictiveCheck]] = [(), ()]
    if not options.quick:
        posterior = riskcast.fit(case, draws=draws, allow_unreliable=True)
        checks = [
            check_predictive(
                posterior,
                options.since,
                CHECKED,
                new_years=new,
                workers_count=options.workers,
                progress=_told(
                    f"{label}: {{}} of {{}} records drawn {'anew' if new else 'with the years of the record'}"
                ),
            )
            for new in (True, False)
        ]
    return Own(label, case, tested, evaluation, yearly, of_years, parts, shocks, *checks)


def quarters_after(shock: str, origins: Sequence[dt.date]) -> list[dt.date]:
    """The origins among the first four ends of quarters from the end of a month on."""
    year, month = (int(part) for part in shock.split("-"))
    ends = []
    for quarter in range(year * 4 + (month - 1) // 3, year * 4 + (month - 1) // 3 + QUARTERS_AFTER):
        after = dt.date((quarter + 1) // 4, (quarter + 1) % 4 * 3 + 1, 1)
        ends.append(after - dt.timedelta(days=1))
    return [day for day in ends if day in origins]


def _told(words: str) -> Callable[[int, int], None]:
    begun = time.monotonic()

    def report(done: int, total: int) -> None:
        print(f"{words.format(done, total)}, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)

    return report


def glance(found: Sequence[Own]) -> str:
    """The main numbers of each case, from the ends of years."""
    names = [name for name, _, _ in PARTS if all(name in own.parts for own in found)]
    rows: list[tuple[str, Callable[[Own], str]]] = [
        ("Forecasts; events that came", lambda own: _counted(own.of_years.slices[ALL])),
        ("Brier score", lambda own: _both(own.of_years, lambda e: e.slices[ALL].performances[MODEL].brier, 4)),
        ("… of the base rate, pooled", lambda own: _both(own.of_years, lambda e: _of(e, POOLED_RATE).brier, 4)),
        ("Brier skill against it", lambda own: _both_skill(own.of_years, lambda e: _of(e, POOLED_RATE).model_skill)),
        ("Log score", lambda own: _both(own.of_years, lambda e: e.slices[ALL].performances[MODEL].log_score, 4)),
        ("Log skill, base rate, pooled", lambda own: _both_skill(own.of_years, _log_skill(POOLED_RATE))),
        ("Log skill, rate of the last two years", lambda own: _both_skill(own.of_years, _log_skill(LAST_TWO_YEARS))),
        (
            "RPS skill of the yearly peak, base rate, pooled",
            lambda own: _both_skill(own.of_years, lambda e: e.severity[POOLED_RATE].model_skill),
        ),
        ("Events forecast / that came", lambda own: _both(own.of_years, lambda e: _of(e, MODEL).ratio, 2)),
        ("Scores forecast / that came", lambda own: _both(own.of_years, lambda e: e.scores[MODEL].ratio, 2)),
        (
            "Joint log score, nats a year",
            lambda own: _both(own.of_years, lambda e: e.vectors[MODEL].log_probability, 2),
        ),
        ("… above the base rate, pooled, nats in all", lambda own: _both(own.of_years, _nats(POOLED_RATE), 1)),
        *((f"… {name}", lambda own, name=name: _both(own.parts[name], _nats(POOLED_RATE), 1)) for name in names),
        ("… above the last two years, in all", lambda own: _both(own.of_years, _nats(LAST_TWO_YEARS), 1)),
        ("… value of dependence, in all", lambda own: _both(own.of_years, _nats(CELL_BY_CELL), 1)),
        ("… chance in the estimate (±), bias, in all", lambda own: _noise(own.of_years)),
    ]
    return table(("Ends of years", *(own.label for own in found)), [(name, *map(cell, found)) for name, cell in rows])


def years_table(own: Own) -> str:
    """Joint log scores year by year."""
    rows = []
    for row in own.yearly.vectors.to_dict("records"):
        model = float(row[MODEL])
        rows.append(
            (
                str(int(str(row["origin"])[:4]) + 1),
                f"{row['events']} of {row['cells']}",
                f"{number(model, 2)} (± {number(float(row['error']), 2)})",
                *(number(float(row[name]), 2) for name in (CELL_BY_CELL, POOLED_RATE, LAST_TWO_YEARS)),
                number(model - float(row[POOLED_RATE]), 2),
            )
        )
    heading = (
        "Year",
        "Outcomes",
        "riskcast, jointly",
        *map(forecaster_label, (CELL_BY_CELL, POOLED_RATE, LAST_TWO_YEARS)),
    )
    return table((*heading, "Gain over the pooled rate"), rows)


def _of(evaluation: Evaluation, name: str) -> Performance:
    return evaluation.slices[ALL].performances[name]


def _log_skill(name: str) -> Callable[[Evaluation], Measured | None]:
    return lambda evaluation: _of(evaluation, name).model_log_skill


def _nats(name: str) -> Callable[[Evaluation], Measured | None]:
    """The model's gain over a forecaster in joint log score, over all origins."""

    def total(evaluation: Evaluation) -> Measured | None:
        found = evaluation.vectors[name]
        gain = found.gain
        return gain and Measured(*(found.origins * part for part in (gain.value, gain.low, gain.high)))

    return total


def _noise(evaluation: Evaluation) -> str:
    found = evaluation.vectors[MODEL]
    return f"± {number(found.origins * found.error, 2)}, {number(found.origins * found.bias, 2)}"


def _counted(part: Slice) -> str:
    return f"{part.forecasts}; {part.events}"


def _both(evaluation: Evaluation, what: Callable[[Evaluation], Measured | None], digits: int) -> str:
    """A measure with its interval, and its value had no disputed event happened."""
    value = what(evaluation)
    told = "–" if value is None else _measured(value, digits)
    if evaluation.undisputed is None:
        return told
    other = what(evaluation.undisputed)
    return f"{told}; {'–' if other is None else number(other.value, digits)} if disputed events did not happen"


def _both_skill(evaluation: Evaluation, what: Callable[[Evaluation], Measured | None]) -> str:
    value = what(evaluation)
    told = "–" if value is None else _skill(value)
    if evaluation.undisputed is None:
        return told
    other = what(evaluation.undisputed)
    return f"{told}; {'–' if other is None else skill(other)[0]} if disputed events did not happen"


def page(found: Sequence[Own]) -> str:
    """The page, as measured."""
    own = found[0]
    case, evaluation, tested = own.case, own.evaluation, own.tested
    whole = evaluation.slices[ALL]
    verdict = skill_verdict(whole)
    first, last = min(tested.origins), max(tested.origins)
    types = [part for name, part in evaluation.slices.items() if name not in (ALL, ONSET, CONTINUATION)]
    parts = [
        f"# {case.settings.title}: its own record",
        f"`{case.name}` was forecast {tested.horizon} months ahead as of {len(tested.origins)} days, the ends of "
        f"quarters from {first} to {last}, each time refitted on what was known then, and scored on what the collected "
        "record says followed. `uv run python benchmarks/own_record.py` writes this page anew; "
        f"`uv run riskcast backtest {case.name} --from {first} --every quarter` gives the same numbers as a page of "
        "HTML with every forecast beside it.",
        *verdict_in_words(own),
        _honest_words(own),
        "## At a glance",
        f"From the ends of years, {tested.horizon} months ahead, so that no two windows overlap. "
        f"{resampling_in_words(own.of_years.resampling)} Skill: by how much a score is below that of the forecaster "
        "named. Joint log score: the log probability of all that came in a year, own outcomes of every dyad and shared "
        "ones together; others multiply their probabilities as if outcomes were independent, and so does riskcast "
        "outcome by outcome, against which its joint score shows what dependence is worth.",
        glance(found),
        years_table(own),
        "## Quarters",
        f"{verdict.headline}. {verdict.detail} {severity_in_words(evaluation.severity)}",
        "From the ends of all quarters. Brier and log score: lower is better. Skill: by how much the Brier score is "
        f"below that of the best reference. In brackets {resampling_in_words(evaluation.resampling)} "
        "MCB, DSC: miscalibration and discrimination, parts of the Brier score.",
        table(("All forecasts", "Brier", "Skill", "Log score", "AUC", "MCB", "DSC", "Mean"), _rows(whole)),
        *(_part(name, evaluation) for name in (ONSET, CONTINUATION) if name in evaluation.slices),
        f"![Reliability](figures/{case.name}_reliability.svg)",
        f"![Scores by origin](figures/{case.name}_origins.svg)",
        "## After shocks",
        "Events forecast over events that came, from the ends of the four quarters that follow a shock, as far as the "
        "record resolves them. 1 is right; above it, the forecasts expect more of what a shock brings than came. The "
        "windows after one shock overlap and are one draw, so that only all shocks together have an interval, from "
        "their years.",
        shocks_table(found),
        "## Would the model make such a record?",
        f"{CHECKED} records drawn from the posterior of the whole record, over the same days, covariates and pairs. "
        "Anew: years (or tension) drawn from the process that was fitted; could such a record come about? With its own "
        "years: those that the posterior has learned from this record; does the model follow it? Median and 90 % "
        "interval; p: the share of drawn records with as much or more. Near 0 the record has more than the model lets "
        "one expect, near 1 less; in between is no proof, as the model has seen the record.",
        checks_table(found),
        "## By event type",
        "`Expected` is the sum of the forecast probabilities, to compare with the events that came. Quarters overlap: "
        "one event can count four times.",
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
            ("Forecaster", "Mean", "Forecast / came", "Bias", "RMSE", "CRPS", "Correlation", "Skill"),
            [_score_row(found) for found in evaluation.scores.values()],
        ),
        "The expected severity of the worst outcome is another number that could be shown. It is what the score is, "
        "but that only the worst outcome counts; both are held against what came, riskcast's forecasts alone. Spread: "
        "standard deviation of the forecasts, over pairs and days.",
        worst_table(found),
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


def checks_table(found: Sequence[Own]) -> str:
    """Posterior predictive checks of every case."""
    heading = ["Statistic"]
    for own in found:
        named = f", {own.label}" if len(found) > 1 else ""
        heading += [f"Record{named}", f"Anew{named}", "p", f"With its own years{named}", "p"]
    rows = []
    for place, one in enumerate(found[0].anew):
        digits = 0 if one.statistic == DYAD_YEARS else 1 if one.statistic == SPREAD else 2
        cells = [one.label]
        for own in found:
            drawn = (own.anew[place], own.kept[place])
            cells.append(number(own.anew[place].recorded, digits))
            for check in drawn:
                cells.append(f"{number(check.median, digits)} ({between(check, digits)})")
                cells.append(number(check.p_value, 2))
        rows.append(cells)
    return table(heading, rows)


def shocks_table(found: Sequence[Own]) -> str:
    """What was forecast after shocks over what came, of every case."""
    heading = ["Shock", "Origins", "Came"]
    for own in found:
        named = f", {own.label}" if len(found) > 1 else ""
        heading += [f"Forecast{named}", f"Forecast / came{named}"]
    rows = []
    for name, (part, evaluation) in found[0].shocks.items():
        cells = [name, str(len(part.origins)), str(evaluation.slices[ALL].events)]
        for own in found:
            if name not in own.shocks:
                cells += ["–", "–"]
                continue
            one = own.shocks[name][1]
            whole = one.slices[ALL]
            cells.append(f"{whole.performances[MODEL].mean_forecast * whole.forecasts:.1f}")
            cells.append(_both(one, lambda e: _of(e, MODEL).ratio, 2))
        rows.append(cells)
    return table(heading, rows)


def worst_table(found: Sequence[Own]) -> str:
    """The score beside the expected severity of the worst outcome, of every case."""
    rows = []
    for own in found:
        named = f", {own.label}" if len(found) > 1 else ""
        for words, scores in (("Score", own.tested.scores), ("Worst outcome", worst_severities(own.tested.peaks))):
            one = score_accuracies(scores, REPLICATES, own.tested.seed, own.evaluation.resampling)[MODEL]
            spread = float(scores[MODEL].std(ddof=0))
            cells = _score_row(one)
            rows.append((f"{words}{named}", cells[1], f"{one.mean_came:.1f}", *cells[2:-1], f"{spread:.1f}"))
    heading = ("Number", "Mean", "Came", "Forecast / came", "Bias", "RMSE", "CRPS", "Correlation", "Spread")
    return table(heading, rows)


def worst_severities(peaks: pandas.DataFrame) -> pandas.DataFrame:
    """Rows as `score_accuracies` takes them, of the severity S of the worst outcome.

    E S = sum over levels s of P(S >= s) (s - the level below), and CRPS = sum of (P(S >= s) - 1{came >= s})^2 times
    the same steps (Gneiting and Raftery, 2007).
    """
    ordered = peaks.sort_values(["origin", "unit", "level"])
    keys = [ordered["origin"], ordered["unit"]]
    step = ordered["level"] - ordered["level"].groupby(keys).shift(fill_value=0.0)
    parts = {"came": step * ordered["reached"]}
    for name in (MODEL, PRIOR_ONLY):
        parts[name] = step * ordered[name]
        parts[crps_column(name)] = step * (ordered[name] - ordered["reached"]) ** 2
    sums = pandas.DataFrame(parts).groupby(keys).sum()
    return sums.clip(0.0, 100.0).reset_index()


def verdict_in_words(own: Own) -> list[str]:
    """What the record says of the case, in a few sentences."""
    years, whole = own.of_years, own.of_years.slices[ALL]
    nats, apart = _nats(POOLED_RATE)(years), _nats(CELL_BY_CELL)(years)
    assert nats is not None
    assert apart is not None
    kind = "more" if nats.low > 0 else "less" if nats.high < 0 else ""
    headline = (
        f"Whole years were given {kind} probability than by the pooled base rate."
        if kind
        else "Whole years: no sure difference from the pooled base rate."
    )
    lines = [
        f"**{headline}** To what came in {len(own.yearly.origins)} "
        f"years, all outcomes of a year together, riskcast gave {_measured(nats, 1)} nats more in all than the pooled "
        f"base rate, of which {_measured(apart, 1)} come from what outcomes share.",
    ]
    for name, part in own.parts.items():
        gain = _nats(POOLED_RATE)(part)
        assert gain is not None
        lines.append(f"{name}: {_measured(gain, 1)}.")
    pooled, late = (whole.performances[name].model_log_skill for name in (POOLED_RATE, LAST_TWO_YEARS))
    peak = years.severity[POOLED_RATE].model_skill
    if pooled is not None and late is not None and peak is not None:
        lines.append(
            f"Outcome by outcome: log skill {_skill(pooled)} against the pooled base rate and {_skill(late)} against "
            f"the rate of the last two years; the worst outcome of a year: RPS skill {_skill(peak)}."
        )
    scores, events = years.scores[MODEL].ratio, _of(years, MODEL).ratio
    if scores is not None and events is not None:
        lines.append(f"Forecast over what came: events {_measured(events, 2)}, scores {_measured(scores, 2)}.")
    if "all of them" in own.shocks:
        ratio = _of(own.shocks["all of them"][1], MODEL).ratio
        if ratio is not None:
            lines.append(f"After shocks: {_measured(ratio, 2)}.")
    odd = [check for check in own.anew if check.is_odd]
    if own.anew:
        named = ", ".join(f"{one.label[0].lower()}{one.label[1:]} (p = {number(one.p_value, 2)})" for one in odd)
        told = (
            f"records that the model makes differ from this one in: {named}" if odd else "the model makes such records"
        )
        lines.append(f"Posterior predictive checks: {told}.")
    return [" ".join(lines)]


def _honest_words(own: Own) -> str:
    years, case = own.of_years.slices[ALL], own.case
    model = years.performances[MODEL]
    return (
        f"{years.events} events in {years.forecasts} forecasts of {len(own.yearly.origins)} years on {len(case.dyads)} "
        "dyads that share one host cannot prove a forecaster right: the events hang together (an attack, a war, one "
        "law), and what is independent, if anything, is years. What the test can do is catch gross errors. "
        f"Forecasts averaged {100 * model.mean_forecast:.1f} %, and {100 * years.events / years.forecasts:.1f} % came "
        "true. What is scored is what is recorded: where a search finds less than everything, a recorded “no” may be "
        "an event that was missed, and the forecast of a “yes” is the probability that one is recorded, thinned by the "
        "recall that the case states, so that the two are the same question."
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
        "–" if found.ratio is None else _measured(found.ratio, 2),
        _measured(found.bias, 1),
        _measured(found.rmse, 1),
        "–" if found.crps is None else _measured(found.crps, 1),
        "–" if found.correlation is None else _measured(found.correlation, 2),
        "–" if found.skill is None or is_reference(found.skill) else _skill(found.skill),
    )


def _measured(score: Measured, digits: int) -> str:
    value = number(score.value, digits)
    return f"{value} ({between(score, digits)})" if has_ends(score) else value


def _skill(score: Measured) -> str:
    value, interval = skill(score)
    return f"{value} ({interval})" if interval else value


def table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown; the first column is text, the others are numbers."""
    lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    main()
