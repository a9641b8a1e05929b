"""Claims held against the model as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from riskcast.challenge.claim_records import JudgedClaim, JudgedClaims, Status
from riskcast.challenge.claim_words import (
    MARKS,
    MEANING,
    ORDER,
    counts_text,
    decisive,
    found_text,
    made_text,
    number_text,
    quantities_text,
    reason_text,
)
from riskcast.forecasting.lineage import lineage_of
from riskcast.terminal.forecasts import heading

STYLES: Final[dict[Status, str]] = {
    "reproduced": "green",
    "weak": "yellow",
    "contradicted": "red",
    "not encoded": "dim",
}


def claims_view(found: JudgedClaims, in_full: Sequence[Status] = ("contradicted",)) -> RenderableType:
    """How many claims have each status; those of some statuses in full, others by what decides about them."""
    parts: list[RenderableType] = [heading(found.forecast), Text(), Text(counts_text(found), style="bold")]
    for status in ORDER:
        own = found.of(status)
        if not own:
            continue
        title = Text.assemble((f"{MARKS[status]} {status}", f"bold {STYLES[status]}"), (f": {MEANING[status]}", "dim"))
        parts += [Text(), title]
        for one in own:
            parts += _in_full(found, one) if status in in_full else _in_short(one)
    if found.untested:
        parts += [Text(), Text.assemble(("untested", "bold"), (": says nothing that a model could contradict", "dim"))]
        parts += [_indented(Text.assemble(id, (f"  {claim.untested}", "dim"))) for id, claim in found.untested.items()]
    return Group(*parts, Text(), *(Text(line, style="dim") for line in _footer(found)))


def _in_full(found: JudgedClaims, one: JudgedClaim) -> Iterator[RenderableType]:
    title = found.forecast.case.sources[one.claim.source].title
    yield _indented(Text(one.id, style="bold"))
    yield _indented(Text(one.claim.claim), 4)
    yield _indented(Text(f"{title}; {one.claim.at} ({one.claim.source})", style="dim"), 4)
    if one.claim.missing is not None:
        yield _indented(Text(one.claim.missing), 4)
    for each in one.findings:
        yield _indented(Text.assemble((f"{MARKS[each.status]} ", STYLES[each.status]), each.text), 4)
        yield _indented(Text(found_text(each)), 6)
        if each.quantities:
            yield _indented(Text("by " + ", ".join(quantities_text(each)), style="dim"), 6)


def _in_short(one: JudgedClaim) -> Iterator[RenderableType]:
    if one.claim.missing is not None:
        yield _indented(Text.assemble(one.id, (f"  {one.claim.missing}", "dim")))
        return
    each = decisive(one.findings, one.status)
    assert each is not None
    if one.status == "reproduced":
        yield _indented(Text.assemble(one.id, (f"  {number_text(each) or reason_text(each)}", "dim")))
        return
    yield _indented(Text(one.id))
    yield _indented(Text(f"{each.text}: {found_text(each)}", style="dim"), 4)


def _indented(text: Text, by: int = 2) -> Padding:
    return Padding(text, (0, 0, 0, by))


def _footer(found: JudgedClaims) -> Iterator[str]:
    lineage = lineage_of(found.forecast)
    yield (
        "In brackets: 90 % intervals of what more knowledge could change; ± their middle's Monte Carlo error, in "
        "points. A claim is as good as the worst of its assertions. --claim ID shows one with the quantities behind it."
    )
    yield made_text(found)
    overlay = f", overlay {lineage.case.short_overlay_hash}" if lineage.case.overlay_hash else ""
    yield f"case {lineage.case.short_hash}{overlay}"
