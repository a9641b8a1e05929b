"""Answers to queries as text for a terminal of 80 columns."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from riskcast.forecasting.lineage import lineage_of
from riskcast.forecasting.query_terms import Happens, LevelIs, leaves
from riskcast.forecasting.questions import Answer, Answers
from riskcast.forecasting.shares_of_paths import Share
from riskcast.numbers import NOTHING, error_size, interval, long_date, number, percent
from riskcast.terminal.forecasts import MOST_DYADS, heading
from riskcast.terminal.tables import ruled_table

MOST_PERIODS = 4


def answers_view(answers: Answers) -> RenderableType:
    """Probabilities given the condition, without it, and where it is made to happen; then what these words mean."""
    shown = answers.answers[:MOST_DYADS]
    conditional = shown[0].query.given is not None
    parts: list[RenderableType] = [heading(answers.forecast), Text(), Text(answers.text, style="bold")]
    parts += [Text(line, style="dim") for line in _named(answers)]
    answered = [one for one in shown if not one.refusal]
    if answered:
        parts.append(_conditional(answered) if conditional else _plain(answered))
    for one in shown:
        if one.refusal:
            parts.append(Text(f"{one.dyad + ': ' if one.dyad else ''}no answer: {one.refusal}.", style="yellow"))
    if len(answers.answers) > MOST_DYADS:
        parts.append(Text(f"the first {MOST_DYADS} of {len(answers.answers)} dyads; --json lists all", style="dim"))
    if any(one.refusal for one in shown):
        parts.append(Text())
    notes = [*_notes(answered, conditional), *_footer(answers)]
    return Group(*parts, *(Text(line, style="dim") for line in notes))


def _plain(answers: list[Answer]) -> Table:
    table = _table(answers)
    for title in ("Probability", "90 %", "± MC"):
        table.add_column(title, justify="right", no_wrap=True)
    for one in answers:
        shown = one.alone
        table.add_row(*_whom(one), _percent(shown), interval(shown.estimate), error_size(100 * shown.error))
    return table


def _conditional(answers: list[Answer]) -> Table:
    table = _table(answers)
    made = any(one.intervened is not None for one in answers)
    titles = ("Given", "90 %", "± MC", "Without", "Ratio", "± MC", *(["If made"] if made else []), "Held on")
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True, style="dim" if title == "± MC" else "")
    for one in answers:
        assert one.given is not None
        ratio, error = one.ratio
        table.add_row(
            *_whom(one),
            _percent(one.given, "bold"),
            interval(one.given.estimate),
            error_size(100 * one.given.error),
            percent(one.alone.mean),
            NOTHING if math.isnan(ratio) else number(ratio, 2),
            NOTHING if math.isnan(error) else _error(error),
            *([NOTHING if one.intervened is None else percent(one.intervened.mean)] if made else []),
            percent(one.held / one.paths),
        )
    return table


def _table(answers: list[Answer]) -> Table:
    table = ruled_table()
    if any(one.dyad for one in answers):
        table.add_column("Dyad", no_wrap=True)
    return table


def _whom(one: Answer) -> list[str]:
    return [one.dyad] if one.dyad else []


def _percent(share: Share, style: str = "") -> Text:
    return Text(percent(share.mean), style=style)


def _error(error: float) -> str:
    """The standard error of a ratio; a small one is not called 0."""
    return number(error, 2) if error >= 0.005 else "<0.01"


def _named(answers: Answers) -> Iterator[str]:
    """What the ids of a query stand for, and which days its periods are."""
    case, query = answers.forecast.case, answers.answers[0].query
    terms = [term for term in (query.event, query.given) if term is not None]
    found = [leaf for term in terms for leaf in leaves(term)]
    events = [leaf for leaf in found if isinstance(leaf, Happens)]
    ids = dict.fromkeys(leaf.event for leaf in events)
    if len(ids) <= 4:
        yield from (f"{name}: {case.events[name].label}" for name in ids)
    named = {leaf.indicator: case.indicators[leaf.indicator] for leaf in found if isinstance(leaf, LevelIs)}
    yield from (f"{name}: {of.label}, in {of.unit}, at the end of the horizon" for name, of in named.items())
    period, days = case.settings.period, answers.forecast.days_of
    starts = {leaf.first for leaf in events if leaf.first > 1}
    for place in sorted(starts | {leaf.last for leaf in events if leaf.last})[:MOST_PERIODS]:
        first, last = (long_date(day) for day in days(place))
        yield f"{period} {place}: {first} to {last}" if place in starts else f"{period} {place} ends on {last}"


def _notes(answered: list[Answer], conditional: bool) -> Iterator[str]:
    if not answered:
        return
    of_ratio = ", and of the ratio" if conditional else ""
    yield (
        "90 %: what more knowledge could change. ± MC: standard error, in points, that so few futures and draws leave"
        f"{of_ratio}."
    )
    if not conditional:
        return
    fewest = min(answered, key=lambda one: one.effective)
    many = f"{fewest.effective:,.0f}{' or more' if len(answered) > 1 else ''}"
    yield (
        f"Given: on futures on which the condition holds ({many}, of {fewest.effective_draws:,.0f} draws as they "
        "count). Without: on all of them. To condition is not to intervene: whoever sees the condition come true "
        "learns also of tension and of all else that makes it likely."
    )
    if any(one.intervened is not None for one in answered):
        yield (
            "If made: were the same event made to happen in the same periods, whatever drives it, as a scenario does. "
            "What lies between that and Given is what seeing it tells."
        )
    else:
        yield "What making it happen would do, a scenario says (riskcast compare)."


def _footer(answers: Answers) -> list[str]:
    found = lineage_of(answers.forecast)
    engine = "priors" if found.prior_only else found.engine
    parts = [engine, f"{found.draws} draws", f"{answers.paths} paths each", f"seed {found.seed}"]
    overlay = f", {found.case.overlay}" if found.case.overlay else ""
    state = "checks passed" if found.health.is_reliable else "CHECKS FAILED"
    return [" · ".join([*parts, state]), f"case {found.case.short_hash}{overlay}"]
