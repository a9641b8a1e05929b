"""A record retold without some of its events, as text for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from riskcast.challenge.retold import Counterfactual, RetoldEvent
from riskcast.forecasting.lineage import case_lineage
from riskcast.numbers import between, counted, error_size, interval, long_date, number, percent
from riskcast.terminal.tables import ruled_table

MOST_EVENTS, MOST_INSTEAD = 40, 8
# What is less to be expected is left to --json.
LEAST_INSTEAD, LEAST_MOVED = 0.01, 0.05


def counterfactual_view(found: Counterfactual) -> RenderableType:
    """What would have happened all the same, what instead, how many of each type; then what these words mean."""
    case, posterior = found.posterior.case, found.posterior
    parts: list[RenderableType] = [
        Text(case.settings.title, style="bold"),
        Text(f"the record to {long_date(case.as_of)}, told again", style="dim"),
    ]
    if posterior.warning:
        parts.append(Text(posterior.warning, style="yellow" if posterior.is_reliable else "bold red"))
    for label, units, when, description in _left_out(found):
        head = Text.assemble(("without ", "dim"), (f"{label}, {units}, {when}", "bold"))
        parts.append(head.append(f"\n{description}" if description else "", style="dim"))
    if not found.events:
        parts.append(Text("The record holds nothing later that a search covers.", style="bold"))
    elif not found.moved:
        parts.append(Text("Nothing later hangs on it: all would have happened all the same.", style="bold"))
    else:
        parts += [Text(), Text("Had it happened all the same?", style="bold"), _events(found.moved[:MOST_EVENTS])]
        if found.moved[MOST_EVENTS:]:
            parts.append(Text(f"{len(found.moved) - MOST_EVENTS} more; --json has all", style="dim"))
    instead = [one for one in found.instead if one.expected.mean >= LEAST_INSTEAD][:MOST_INSTEAD]
    if instead:
        parts += [Text("What would have happened instead", style="bold")]
        table = _table("Event", "Pair", "At least one", "90 %", "± MC", "Periods")
        for one in instead:
            share = one.probability
            ends = interval(share.estimate), error_size(100 * share.error)
            table.add_row(one.label, one.unit, percent(share.mean), *ends, number(one.expected.mean, 2))
        parts.append(table)
    counts = [one for one in found.counts if abs(one.recorded - one.expected.mean) >= LEAST_MOVED]
    if counts:
        parts += [Text("How many, in periods and pairs", style="bold")]
        table = _table("Event", "Recorded", "Without", "90 %", "± MC")
        for one in counts:
            mean, error = one.expected.mean, one.expected.error
            ends = between(one.expected.estimate, 1), number(error, 2) if error >= 0.005 else "<0.01"
            table.add_row(one.label, str(one.recorded), number(mean, 1), *ends)
        parts.append(table)
        stay = len([one for one in found.counts if one.recorded]) - len([one for one in counts if one.recorded])
        if stay:
            parts.append(Text(f"{counted(stay, 'other event type')} as recorded", style="dim"))
    return Group(*parts, *(Text(line, style="dim") for line in _notes(found)))


def _left_out(found: Counterfactual) -> Iterator[tuple[str, str, str, str]]:
    """Label, units, date and words of what is left out, an event of several units once."""
    events = found.posterior.case.events
    together: dict[tuple[str, str, str], list[str]] = {}
    for one in found.removed:
        together.setdefault((one.event, one.when, one.description), []).append(one.unit)
    for (event, when, description), units in together.items():
        yield events[event].label, " ".join(units), when, description


def _events(events: tuple[RetoldEvent, ...]) -> Table:
    table = _table("Event", "Pair", "When", "All the same", "90 %", "± MC")
    for one in events:
        share = one.probability
        chance = Text(percent(share.mean), style="bold")
        dates = Text("\n".join(dict.fromkeys(one.when)))
        table.add_row(one.label, one.unit, dates, chance, interval(share.estimate), error_size(100 * share.error))
    return table


def _table(*headings: str) -> Table:
    table = ruled_table()
    for place, heading in enumerate(headings):
        words = heading in ("Pair", "When")
        if place == 0:
            table.add_column(heading, ratio=1, min_width=12, overflow="fold")
        else:
            table.add_column(heading, no_wrap=words, justify="left" if words else "right")
    return table


def _notes(found: Counterfactual) -> Iterator[str]:
    same = len(found.events) - len(found.moved)
    if same and found.moved:
        yield f"{counted(same, 'other later event').capitalize()} would have happened all the same."
    if found.earlier:
        yield f"{counted(found.earlier, 'event').capitalize()} of the same period came before it and stand."
    if found.unsearched:
        yield f"{counted(found.unsearched, 'later event').capitalize()} outside of what was searched stand."
    yield (
        "All the same: given all that was recorded, the probability that the record would hold it without what is left "
        "out; several dates of one type, pair and period stand and fall together. 90 %: what more knowledge could "
        "change. ± MC: standard error, in points, that so few draws and paths leave."
    )
    yield (
        "Chance, tension, and levels are kept as they were inferred from the whole record; an effect is as causal as "
        "the case says (docs/counterfactual.md)."
    )
    posterior, case = found.posterior, case_lineage(found.posterior.case)
    engine = "priors" if posterior.prior_only else posterior.engine
    state = "checks passed" if posterior.is_reliable else "CHECKS FAILED"
    yield " · ".join(
        [engine, f"{posterior.draws} draws", f"{counted(found.paths, 'path')} each", f"seed {posterior.seed}", state]
    )
    yield f"case {case.short_hash}" + (f", overlay {case.short_overlay_hash}" if case.overlay_hash else "")
