"""Results as text that is a pleasure to read on a terminal of 80 columns."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from riskcast.case.coverage import disputed_rows, vague_rows
from riskcast.case.doubts import find_scenario_doubts
from riskcast.case.judgements import Doubt
from riskcast.case.model import Case, EventRow
from riskcast.case.panel import TREATMENTS
from riskcast.errors import UnknownNameError, visible
from riskcast.exports.plain_data import evidence_of
from riskcast.forecasting.accuracy import Accuracy
from riskcast.forecasting.attribution import SCORE, Explanation
from riskcast.forecasting.contrasts import Contrast
from riskcast.forecasting.contributions import Contribution
from riskcast.forecasting.drivers_now import ActingEffect
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.lineage import lineage_of
from riskcast.forecasting.phases import CONTINUATION, ONSET, UNKNOWN
from riskcast.forecasting.remembered import RememberedEvent
from riskcast.forecasting.scoring import ASSUMED, DyadRisk, OutcomeRisk, Risk, score_text
from riskcast.forecasting.tension_now import tension_today
from riskcast.numbers import (
    MOST_NAMED,
    NOTHING,
    between,
    counted,
    error_size,
    factor_text,
    figure,
    interval,
    long_date,
    more,
    number,
    percent,
    plain_number,
    short_date,
    signed,
    signed_ends,
)
from riskcast.terminal.tables import WIDTH
from riskcast.verification.coverage import CoverageReport, YearCheck
from riskcast.verification.simulated_counts import AS_RECORDED, LATELY_YEARS

BAR = 8
LABEL = 33
MOST_DRIVERS = 3
MOST_DYADS = 20
MOST_ACTING = 10
LEAST_FELT = 0.05
PHASE_SIGNS = {CONTINUATION: "●", ONSET: "○", UNKNOWN: "?"}
RAMP = ("green", "cyan", "yellow", "dark_orange", "red")


def band_style(case: Case, band: str) -> str:
    """Colour of a band, from green for the lowest to red for the highest."""
    names = [b.name for b in case.settings.bands]
    place = names.index(band) / max(len(names) - 1, 1)
    return RAMP[round(place * (len(RAMP) - 1))]


def bar(share: float, width: int = BAR) -> Text:
    """A bar for a share from 0 to 1, in eighths of a cell."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    drawn = "█" * full + ("▏▎▍▌▋▊▉"[rest - 1] if rest else "")
    return Text(drawn.ljust(width, "·"), style="blue")


def heading(forecast: Forecast) -> RenderableType:
    """Title, dates, scenario, and a warning where the posterior may not be trusted."""
    case = forecast.case
    first, last = forecast.window
    lines = [
        Text(case.settings.title, style="bold"),
        Text(f"as of {long_date(case.as_of)}, forecast for {short_date(first)} to {short_date(last)}", style="dim"),
    ]
    if forecast.scenario_name != "baseline" or case.overlay_hash:
        overlay = " with overlay" if case.overlay_hash else ""
        lines.append(Text(f"scenario: {forecast.scenario.label}{overlay}", style="bold magenta"))
    if len(forecast.dyads) < len(case.dyads):
        gone = len(case.dyads) - len(forecast.dyads)
        lines.append(
            Text(f"{len(forecast.dyads)} dyads; {gone} of the record have ended before the horizon", style="dim")
        )
    if forecast.posterior.prior_only:
        lines.append(Text("from the priors alone: the record is left out", style="bold magenta"))
    return Group(*lines, *notes(forecast), *warning(forecast))


def notes(forecast: Forecast) -> list[Text]:
    """What the scenario says and cannot be used as said, unless the case allows it."""
    doubts = find_scenario_doubts(forecast.case, forecast.scenario_name, forecast.scenario)
    return [
        Text(f"to note: {doubt.wrong} [{doubt.judgement}]", style="yellow") for doubt in doubts if not doubt.allowed
    ]


def warning(forecast: Forecast) -> list[Text]:
    """What to say of a posterior that failed its checks, and of what the record lacks."""
    failures = forecast.posterior.diagnostics.failures
    failed = [Text(f"UNRELIABLE: {failure}", style="bold red") for failure in failures]
    return failed + [Text(f"NOTE: {caution}", style="yellow") for caution in forecast.cautions]


def footer(forecast: Forecast) -> Text:
    """Engine, its health and provenance."""
    found = lineage_of(forecast)
    health, checks = found.health, []
    if health.khat_max is not None and not found.prior_only:
        checks.append(f"k-hat ≤ {max(health.khat_max, 0.0):.2f}")
    if health.rhat_max is not None:
        checks.append(f"R-hat ≤ {health.rhat_max:.3f}, {health.divergences} divergences")
    if not found.prior_only:
        checks.append(f"ESS ≥ {health.ess_min:.0f}")
    engine = "priors" if found.prior_only else found.engine
    state = "checks passed" if health.is_reliable else "CHECKS FAILED"
    futures = f"{found.paths} paths each" if found.paths else "closed form"
    parts = [engine, f"{found.draws} draws", futures, f"seed {found.seed}", *checks, error_words(found.accuracy), state]
    overlay = f", {found.case.overlay}" if found.case.overlay else ""
    return Text(" · ".join(parts) + f"\ncase {found.case.short_hash}{overlay}", style="dim")


def error_words(accuracy: Accuracy) -> str:
    """The largest Monte Carlo error of a headline number, what paths have in it, and whether there are too few."""
    told = f"Monte Carlo error ≤ {number(accuracy.points, 1)} points"
    if not accuracy.paths:
        return told
    few = "" if accuracy.has_enough_paths else f": {accuracy.paths} paths are few"
    return f"{told}, of paths ≤ {number(accuracy.points_of_paths, 1)}{few}"


def forecast_view(risk: Risk, explanation: Explanation) -> RenderableType:
    """A whole forecast: scores with drivers first, then every outcome of every dyad, then what all share."""
    parts: list[RenderableType] = [heading(risk.forecast), Text()]
    shown = risk.dyads
    if len(shown) > MOST_DYADS:
        shown = sorted(shown, key=lambda dyad: -dyad.score.mean)[:MOST_DYADS]
        parts.append(Text(f"the {MOST_DYADS} highest scores of {len(risk.dyads)} dyads; --json lists all", style="dim"))
    parts += [scores_with_drivers(risk, shown, explanation), Text()]
    for dyad in shown:
        case = risk.forecast.case
        title = Text.assemble(
            (f"{dyad.id}  {dyad.partner_name}".rstrip(), "bold"), "  ", (dyad.band, band_style(case, dyad.band))
        )
        parts += [title, *standing_lines(risk, dyad), outcome_table(dyad.outcomes), Text()]
    if risk.shared:
        parts += [Text("Shared outcomes, apart from scores", style="bold"), outcome_table(risk.shared)]
        parts += [*touched_lines(risk), Text()]
    if risk.forecast.found_in_part:
        parts.append(Text(risk.forecast.found_in_part, style="dim"))
    parts += [reading_note(), footer(risk.forecast)]
    return Group(*parts)


def touched_lines(risk: Risk) -> list[Text]:
    """Of shared outcomes that cannot touch every dyad: whom they can touch."""
    every = len(risk.forecast.dyads)
    return [
        Text(f"{one.label} can touch {', '.join(one.applies_to[:MOST_NAMED])}{more(one.applies_to)}", style="dim")
        for one in risk.shared
        if len(one.applies_to) < every
    ]


def reading_note() -> Text:
    """How to read the numbers, in two sentences."""
    return Text(
        "Score (0-100): what own outcomes within the horizon add up to on average.\n"
        "First: chance of the highest score. Burden: sum of severity times probability.\n"
        "● goes on: recorded in the last year; ○ onset: not recorded; ? not known.\n"
        "Ranges are 90 % intervals: what more knowledge could change. Words: ICD 203.",
        style="dim",
    )


def scores_with_drivers(risk: Risk, dyads: Sequence[DyadRisk], explanation: Explanation) -> Table:
    """Dyads with score, interval, band and strongest drivers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, width=WIDTH)
    table.add_column("Dyad", no_wrap=True)
    table.add_column("Score", justify="right", no_wrap=True)
    table.add_column("90 %", justify="center", no_wrap=True)
    table.add_column("Band", no_wrap=True)
    is_grave, many = any(dyad.grave is not None for dyad in dyads), len(risk.dyads) > 1
    if many:
        table.add_column("First", justify="right", no_wrap=True)
    if is_grave:
        table.add_column("Grave", justify="right", no_wrap=True)
    table.add_column("Strongest drivers (points)", ratio=1)
    for dyad in dyads:
        style = band_style(risk.forecast.case, dyad.band)
        table.add_row(
            dyad.id,
            Text(score_text(dyad.score.mean, risk.forecast.case.settings.bands), style=f"bold {style}"),
            between(dyad.score),
            Text(dyad.band, style=style),
            *([percent(risk.standings[dyad.id].first)] if many else []),
            *([grave_chance(dyad)] if is_grave else []),
            Text("\n").join(driver_line(c) for c in explanation.contributions[dyad.id][:MOST_DRIVERS]),
        )
    return table


def standing_lines(risk: Risk, dyad: DyadRisk) -> list[Text]:
    """How severe the worst outcome may be, the burden, and the expected rank, in dim lines."""
    lines = []
    if dyad.exceedance:
        curve = "; ".join(f"{severity:g}: {percent(chance)}" for severity, chance in dyad.exceedance)
        lines.append(f"Worst outcome of severity at least {curve}")
    told = f"Burden {dyad.burden:.0f} ({dyad.burden_of(ONSET):.0f} of onsets)"
    if len(risk.dyads) > 1:
        told += f" · expected rank {number(risk.standings[dyad.id].expected, 1)} of {len(risk.dyads)}"
    return [Text(line, style="dim") for line in (*lines, told)]


def grave_chance(dyad: DyadRisk) -> str:
    """The chance of a grave outcome; where the scenario says it, 0 or 100 %, and that it is assumed."""
    chance = dyad.grave or 0.0
    return f"{100 * chance:.0f} %, {ASSUMED}" if dyad.grave_is_assumed else percent(chance)


def driver_line(contribution: Contribution) -> Text:
    """One driver with its points."""
    style = "red" if contribution.points > 0 else "green"
    return Text.assemble((f"{signed(contribution.points):>5}", style), " ", contribution.label)


def outcome_table(outcomes: Sequence[OutcomeRisk]) -> Table:
    """Outcomes with probability, interval and word, and a sign that tells onsets from continuations."""
    table = Table(box=None, pad_edge=False, show_header=False, collapse_padding=True)
    table.add_column(width=1, no_wrap=True, style="dim")
    table.add_column(width=LABEL, no_wrap=True)
    table.add_column(width=BAR, no_wrap=True)
    table.add_column(width=5, justify="right", no_wrap=True)
    table.add_column(width=8, justify="right", no_wrap=True, style="dim")
    table.add_column(width=19, no_wrap=True)
    for outcome in outcomes:
        estimate, front = outcome.probability, (PHASE_SIGNS[outcome.phase], outcome.label)
        if outcome.assumed:
            table.add_row(*front, bar(estimate.mean), "", "", Text(outcome.words, style="magenta"))
        else:
            table.add_row(*front, bar(estimate.mean), percent(estimate.mean), interval(estimate), outcome.words)
    return table


def contrast_view(change: Contrast, first: Forecast, second: Forecast) -> RenderableType:
    """Paired differences of two scenarios: scores, then the outcomes that move most."""
    case = first.case
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, width=WIDTH)
    table.add_column("Dyad")
    for title in (first.scenario_name, second.scenario_name):
        table.add_column(title, justify="right")
    table.add_column("Change", justify="right")
    table.add_column("90 %", justify="center")
    shown = list(change.score.items())
    if len(shown) > MOST_DYADS:
        shown = sorted(shown, key=lambda item: -abs(item[1].mean))[:MOST_DYADS]
    for dyad, e in shown:
        row = [f"{first.score(dyad).mean:.0f}", f"{second.score(dyad).mean:.0f}"]
        table.add_row(dyad, *row, Text(signed(e.mean), style=change_style(e)), signed_ends(e))
    moves = Table(box=box.SIMPLE_HEAD, pad_edge=False, width=WIDTH)
    moves.add_column("What moves most (percentage points)", ratio=1)
    for title, justify in (("From", "right"), ("To", "right"), ("Change", "right"), ("90 %", "center")):
        moves.add_column(title, justify=justify, no_wrap=True)
    scored = [
        item
        for item in change.probability.items()
        if case.events[item[0][0]].kind == "outcome" and not (first.is_assumed(*item[0]) or second.is_assumed(*item[0]))
    ]
    for (event, unit), e in sorted(scored, key=lambda item: -abs(item[1].mean))[:12]:
        whom = case.pairs[unit].second if case.panel is None and unit in case.pairs else unit
        moves.add_row(
            f"{'all' if unit == case.host else whom}  {case.events[event].label}",
            percent(first.probability(event, unit).mean),
            percent(second.probability(event, unit).mean),
            Text(signed(100 * e.mean), style=change_style(e)),
            signed_ends(e, times=100),
        )
    story = [Text(f"{f.scenario_name}: {f.scenario.story}", style="dim") for f in (first, second)]
    note = Text("Both scenarios meet the same chance, draw by draw.", style="dim")
    title = Group(
        heading(first), *notes(second), Text(f"{second.scenario.label} against {first.scenario.label}", style="bold")
    )
    body = Padding(Group(*story), (0, 0, 1, 0))
    scores = Text("Scores", style="bold")
    if len(shown) < len(change.score):
        scores.append(f"  the {MOST_DYADS} that move most of {len(change.score)} dyads; --json lists all", style="dim")
    return Group(title, body, scores, table, moves, note, footer(second))


def change_style(e: Estimate) -> str:
    """Red for a rise, green for a fall, dim where the interval holds both."""
    return "red" if e.low > 0 else "green" if e.high < 0 else "dim"


def explanation_view(
    risk: Risk,
    explanation: Explanation,
    dyad_id: str,
    remembered: Sequence[RememberedEvent],
    acting: Iterable[ActingEffect] = (),
) -> RenderableType:
    """Why one dyad's score is what it is: contributions, the effects and events behind them, and the evidence."""
    forecast = risk.forecast
    dyad = next((d for d in risk.dyads if d.id == dyad_id), None)
    if dyad is None:
        raise UnknownNameError("dyad at the start of the horizon", dyad_id, forecast.dyads)
    case = forecast.case
    own = explanation.contributions[dyad_id]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, width=WIDTH)
    table.add_column("Driver", ratio=1)
    table.add_column("Points", justify="right", no_wrap=True)
    table.add_column("90 %", justify="right", no_wrap=True)
    table.add_column("± MC", justify="right", no_wrap=True, style="dim")
    table.add_column("", width=BAR)
    largest = max((abs(c.points) for c in own), default=1.0) or 1.0
    table.add_row("At reference levels, nothing recent", f"{explanation.reference[dyad_id]:.1f}", "", "", "")
    for c in own:
        ends = NOTHING if c.interval is None else signed_ends(c.interval)
        table.add_row(c.label, driver_points(c), ends, error_size(c.error), bar(abs(c.points) / largest))
    total = Text(f"{explanation.score[dyad_id]:.1f}", style="bold")
    is_score = explanation.of == SCORE
    what = "Score" if is_score else f"{case.events[explanation.of].label}, in %"
    band = Text(dyad.band, style=band_style(case, dyad.band)) if is_score else Text()
    table.add_row(Text(what, style="bold"), total, "", "", band)
    if not is_score:
        acting = [effect for effect in acting if effect.target == explanation.of]
    parts: list[RenderableType] = [
        heading(forecast),
        Text(),
        Text(f"{dyad.id}  {dyad.partner_name}", style="bold"),
        table,
        Text("90 %: what more knowledge could change. ± MC: standard error of the simulation.", style="dim"),
        *_acting_tables(case, acting),
        *_tension_lines(forecast),
    ]
    if remembered:
        events = Table(
            box=box.SIMPLE_HEAD, pad_edge=False, width=WIDTH, title="Events still remembered", title_justify="left"
        )
        events.add_column("Date", no_wrap=True)
        events.add_column("Left", justify="right", no_wrap=True)
        events.add_column("Event", ratio=1)
        for event in remembered:
            events.add_row(event.when, f"{100 * event.share:.0f} %", str(event))
        parts.append(events)
    parts.append(Text("Evidence behind the strongest drivers", style="bold"))
    for c in own[:MOST_DRIVERS]:
        parts.append(Text(f"\n{c.label}"))
        for quantity, basis, claim in evidence_of(case, c.id)[:4]:
            parts.append(Padding(Text.assemble((f"{quantity} ", "cyan"), (f"({basis}) ", "dim"), claim), (0, 0, 0, 2)))
    return Group(*parts, Text(), footer(forecast))


def _acting_tables(case: Case, acting: Iterable[ActingEffect]) -> list[RenderableType]:
    """The effects that change the rate of an outcome most today; nothing where there are none."""
    on_rates = (one for one in acting if one.target in case.outcomes and one.on == "rate")
    felt = [one for one in on_rates if abs(math.log(one.now.median)) >= LEAST_FELT]
    if not felt:
        return []
    title = "What acts now on its outcomes" + (f": the {MOST_ACTING} strongest" if len(felt) > MOST_ACTING else "")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, width=WIDTH, title=title, title_justify="left")
    table.add_column("Driver", ratio=1)
    table.add_column("Acts on", ratio=1)
    for heading in ("Steps", "Factor", "90 %"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in felt[:MOST_ACTING]:
        style = "red" if one.now.median > 1.0 else "green"
        path = f" ({one.path.replace('_', ' ')})" if one.path else ""
        table.add_row(
            one.source_label,
            one.target_label + path,
            signed(one.steps),
            Text(f"×{factor_text(one.now.median)}", style=style),
            f"{factor_text(one.now.low)}–{factor_text(one.now.high)}",
        )
    note = (
        "Factor: what it does to the event's rate today. Steps: of an indicator from its\n"
        "reference; of events, 1 is a fresh one."
    )
    return [table, Text(note, style="dim"), Text()]


def _tension_lines(forecast: Forecast) -> list[RenderableType]:
    """Today's tension and trust in a few lines; nothing where the case has no tension, or no event type feels it."""
    found = tension_today(forecast.posterior)
    if found is None or not found.is_felt:
        return []
    level, low, high = map(signed, found.level)
    least, most = (pick(one.median for one in found.factors.values()) for pick in (min, max))
    factors = dict.fromkeys(factor_text(end) for end in (least, most))
    told = f"Tension in {found.period}: {level} standard deviations ({low} to {high}); in the middle of that\n"
    told += f"it multiplies rates by {' to '.join(factors)}, by event type. 0 and 1: average times."
    if found.trust_with_tension is not None:
        middle, low, high = (f"{number:.2f}" for number in found.trust)
        told += f"\nTrust in the effects of indicators: {middle} ({low} to {high}); its correlation with\n"
        told += f"tension is {signed(found.trust_with_tension, 2)}."
    return [Text(told, style="dim"), Text()]


def driver_points(c: Contribution) -> Text:
    """Signed points in the colour of their direction."""
    return Text(signed(c.points), style="red" if c.points > 0 else "green")


def _vague(rows: tuple[EventRow, ...]) -> list[Text]:
    """What is used of events whose day is not known."""
    if not rows:
        return []
    named = ", ".join(dict.fromkeys(row.when for row in rows))
    return [Text(f"dated to {named} alone, and so put in the middle of it: {len(rows)} events", style="dim")]


def _disputed(rows: tuple[EventRow, ...]) -> list[Text]:
    """Which events are disputed, and what is made of them."""
    if not rows:
        return []
    named = ", ".join(f"{row.when} {row.type} {row.dyad}" for row in rows)
    many = "1 event" if len(rows) == 1 else f"{len(rows)} events"
    told = f"disputed, and used as having happened, which backtests score both ways: {many} ({named})"
    return [Text(told, style="dim")]


def coverage_view(report: CoverageReport) -> RenderableType:
    """What `check` says about a valid case."""
    case = report.case
    parts = [counted(len(case.dyads), "dyad"), counted(len(case.indicators), "indicator")]
    parts += [counted(len(case.events), "event type"), counted(len(case.effects), "edge")]
    if case.panel is None:
        parts += [counted(len(case.event_rows), "event"), counted(len(case.series_rows), "series value")]
    else:
        parts.append(f"{counted(len(case.panel), 'row')} of a panel")
    counts = ", ".join(parts)
    series = Table(box=box.SIMPLE_HEAD, pad_edge=False, width=WIDTH)
    series.add_column("Indicator", ratio=1)
    for title in ("Values", "Least", "Most", "From", "To", "Covers"):
        series.add_column(title, justify="right", no_wrap=True)
    for item in report.series:
        if item.values:
            ends = (plain_number(end) for end in (item.low, item.high) if end is not None)
            series.add_row(item.label, str(item.values), *ends, str(item.first), str(item.last), percent(item.share))
        elif item.filled:
            series.add_row(item.label, "0", "", "", "", "", Text("no value", style="yellow"))
        else:
            series.add_row(item.label, "–", "", "", "", "", Text("at reference", style="dim"))
    priors = Table(box=box.SIMPLE_HEAD, pad_edge=False, width=WIDTH)
    priors.add_column("Event type", ratio=1)
    for title in ("Record", "Prior expects", "Tail"):
        priors.add_column(title, justify="right", no_wrap=True)
    priors.add_column("", no_wrap=True)
    for check in report.priors:
        style = "red" if check.tail < 0.02 else "yellow" if check.tail < 0.1 else "dim"
        expected = f"{number(check.median, 0)} ({between(check)})"
        priors.add_row(
            check.label, str(check.recorded), expected, f"{check.tail:.2f}", Text(check.verdict, style=style)
        )
    held = []
    for one in report.held:
        today = f", today in {percent(one.today)}" if one.today > 0 else ""
        told = f"at {plain_number(one.bound)} in {percent(one.ahead)} of futures{today}"
        held.append(Text(f"  {one.label}, {case.name_of(one.unit)}: {told}"))
    treated = [
        Text(f"  {item.indicator}: {item.cells} cells {TREATMENTS[item.treatment]}")
        for item in (case.panel.treated if case.panel is not None else ())
    ]
    unused: Iterable[RenderableType] = [Text("  " + name) for name in report.unused] or [Text("  none", style="dim")]
    return Group(
        Text(f"{case.name} is valid", style="bold green"),
        Text(f"{case.settings.title}, as of {case.as_of}", style="dim"),
        Text(counts, style="dim"),
        Text(f"sha256 {case.hash}", style="dim"),
        *(Text(f"NOTE: {caution}", style="yellow") for caution in report.gaps.told),
        *_vague(vague_rows(case)),
        *_disputed(disputed_rows(case)),
        *(Text(f"{one.file}: {one.told}", style="dim") for one in case.dialects if one.told),
        Text(),
        Text("Coverage of the record by indicator series", style="bold"),
        series,
        Text("Priors against the record (unit-months with an event)", style="bold")
        if case.settings.period == "month"
        else Text("Priors against the record (unit-periods with an event)", style="bold"),
        priors,
        *(
            [Text(f"Levels held at a bound after {case.settings.horizon} {case.settings.period}s", style="bold"), *held]
            if held
            else []
        ),
        Text.assemble(
            (f"{report.jointly.label}: ", "bold"),
            f"{report.jointly.recorded} in the record, the priors expect {number(report.jointly.median, 0)} "
            f"({between(report.jointly)}), tail {report.jointly.tail:.2g}: {report.jointly.verdict}",
        ),
        *(_by_year(check) for check in report.by_year),
        *_drawn(report),
        *_simulated(report),
        Text(),
        *([Text("Missing cells of the panel", style="bold"), *treated] if treated else []),
        Text("Declared but not used", style="bold"),
        *unused,
        *_doubts(report.doubts),
    )


def _by_year(check: YearCheck) -> Text:
    if check.measure == "busiest":
        label, form = "Fullest year", lambda value: number(value, 0)
    else:
        label, form = "Years of a pair without any event", percent
    told = f"{form(check.recorded)} in the record, the priors expect {form(check.median)} "
    told += f"({form(check.low)} to {form(check.high)}), tail {check.tail:.2g}: {check.verdict}"
    return Text.assemble((f"{label}: ", "bold"), told)


def _drawn(report: CoverageReport) -> list[Text]:
    """Beliefs that rest on the record which they are held against."""
    if not report.drawn:
        return []
    of = sum(1 for _ in report.case.quantities())
    told = f"{len(report.drawn)} of {of} priors were drawn from this record (basis: record), which cannot confirm them"
    return [Text(told, style="dim")]


def _simulated(report: CoverageReport) -> list[RenderableType]:
    """A simulated year ahead against the record's years."""
    if not report.year_ahead:
        return []
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, width=WIDTH)
    table.add_column("Event type", ratio=1)
    for title in ("Year ahead", "A year", "Of late", "Most"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for one in report.year_ahead:
        recorded = (*(NOTHING if math.isnan(n) else figure(n, 2) for n in (one.a_year, one.lately)), str(one.most))
        style = "dim" if one.verdict == AS_RECORDED else "yellow"
        ahead = f"{number(one.mean, 1)} ({between(one)})"
        table.add_row(one.label, ahead, *recorded, Text(one.verdict, style=style))
    note = (
        f"In {report.counted_unit} with an event that is recorded, 90 % in brackets; the record's a year, over its "
        f"last {LATELY_YEARS} years, and in its fullest. What is simulated is the baseline, with all that was learned."
    )
    failed = [Text(f"The posterior failed its checks: {'; '.join(report.failures)}", style="red")]
    return [
        Text(),
        Text("A simulated year ahead against the record", style="bold"),
        table,
        Text(note, style="dim"),
        *(failed if report.failures else []),
    ]


def _doubts(doubts: Sequence[Doubt]) -> list[RenderableType]:
    """What can hardly be meant, each with its mend and its name, and what is allowed."""
    told = [doubt for doubt in doubts if not doubt.allowed]
    allowed = Counter(doubt.judgement for doubt in doubts if doubt.allowed)
    parts: list[RenderableType] = [Text()]
    if told:
        parts += [
            Text("Can this be meant?", style="bold"),
            *(Padding(Text(str(doubt), style="yellow"), (0, 0, 0, 2)) for doubt in told),
            Text("  Mend what is not meant; `allow: [name]` in the file accepts what is.", style="dim"),
        ]
    else:
        parts.append(Text("Nothing that could hardly be meant", style="bold"))
    if allowed:
        counted = ", ".join(f"{name} ({count})" for name, count in allowed.items())
        parts.append(Text(f"  Allowed by the case: {counted}", style="dim"))
    return parts


def scenarios_view(case: Case) -> RenderableType:
    """Names and stories of a case's scenarios."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, width=WIDTH)
    table.add_column("Scenario", no_wrap=True)
    table.add_column("What it assumes", ratio=1)
    for name, scenario in case.scenarios.items():
        table.add_row(Text(name, style="bold"), Text.assemble((scenario.label, "bold"), "\n", scenario.story))
    return table


def make_console(stderr: bool = False) -> Console:
    """A console no wider than 80 columns, so that what is printed looks the same everywhere; texts are words, whatever
    they hold."""
    look: dict[str, Any] = {"stderr": stderr, "highlight": False, "markup": False, "emoji": False}
    console = _Console(soft_wrap=False, **look)
    # A terminal that says it has no columns does not know how many it has.
    return console if 1 <= console.width <= WIDTH else _Console(width=WIDTH, **look)


class _Console(Console):
    """A console on which no text moves the cursor, changes colours or turns the direction of writing."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """The parts of what is printed; those that rich makes to steer the terminal stay as they are."""
        for part in super().render(renderable, options):
            yield part if part.control else Segment(visible(part.text), part.style)
