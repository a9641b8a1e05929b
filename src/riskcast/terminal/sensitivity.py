"""Tornadoes as text for a terminal of 80 columns."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from riskcast.challenge.ends import UNRELIABLE
from riskcast.challenge.relearned import REFITTED
from riskcast.challenge.sensitivities import SCREENED
from riskcast.challenge.sensitivity_records import Sensitivities, Swing
from riskcast.forecasting.attribution import SCORE
from riskcast.numbers import counted, error_size, number, plain_number, signed, span
from riskcast.terminal.tables import ruled_table

MOST_ROWS, FEW_ROWS = 12, 6
MOST_PAIRS = 4
HALF = 9
BLOCK = "█"
MARKS = {SCREENED: "*", REFITTED: "†", UNRELIABLE: "‡"}


def sensitivities_view(found: Sensitivities, most: int | None = None) -> RenderableType:
    """The largest swings of every target, `most` of each, with bars, and which pairs do more together than apart."""
    rows = most or (MOST_ROWS if len(found.targets) == 1 else FEW_ROWS)
    parts: list[RenderableType] = [Text(found.case.settings.title, style="bold")]
    if found.warning:
        parts.append(Text(found.warning, style="red"))
    for place, target in enumerate(found.targets):
        base = f"{number(float(found.base[place]), 1)} ±{error_size(float(found.base_error[place]))}"
        parts += [Text.assemble("\n", (target_words(found, target), "bold"), f": {base} as it stands")]
        parts += [*_tornado(found, target, rows), *_pairs(found, target)]
    return Group(*parts, Text(_note(found), style="dim"))


def target_words(found: Sensitivities, target: str) -> str:
    """A target as people call it, such as `Score of RUS-TJK`."""
    name, _, unit = target.partition(":")
    if name == SCORE:
        return f"Score of {unit}"
    if name in found.case.events:
        return f"{found.case.events[name].label}, {unit}, in percent"
    return f"{target}, in percent"


def _tornado(found: Sensitivities, target: str, most: int) -> list[RenderableType]:
    swings = found.swings(target)
    shown = [swing for swing in swings if swing.is_told][:most]
    if not shown:
        return [Text("No quantity moves it by more than chance does here; more --draws may tell.", style="dim")]
    table = ruled_table()
    table.add_column("What is believed (5 % to 95 %)", ratio=1, overflow="fold")
    table.add_column("at 5 %", justify="right", no_wrap=True)
    table.add_column("at 95 %", justify="right", no_wrap=True)
    table.add_column("±", justify="right", no_wrap=True, style="dim")
    table.add_column("", no_wrap=True, width=2 * HALF + 1)
    reach = max(max(abs(s.low.mean), abs(s.high.mean)) for s in shown)
    for swing in shown:
        ends = span(*(plain_number(end, 3) for end in swing.ends))
        label = Text.assemble(swing.label, MARKS.get(swing.how, ""), "\n", (ends, "dim"))
        cells = (signed(swing.low.mean), signed(swing.high.mean), error_size(swing.error))
        table.add_row(label, *cells, _bar(swing, reach))
    told = sum(swing.is_told for swing in swings)
    rest = [swing for swing in swings if not swing.is_told and not swing.refused]
    words = [f"{counted(told - len(shown), 'more', 'more')} can be told from chance"] if told > len(shown) else []
    if rest:
        words.append(f"{counted(len(rest), 'quantity', 'quantities')} cannot be told from chance")
    words += [f"{swing.quantity} could not be held: {swing.refused}" for swing in swings if swing.refused]
    return [table, *([Text("; ".join(words) + ".", style="dim")] if words else [])]


def _bar(swing: Swing, reach: float) -> Text:
    """Bars to the left and right of where the target stands: blue at the low end, orange at the high end."""
    cells: list[tuple[str, str]] = [(" ", "")] * HALF + [("│", "dim")] + [(" ", "")] * HALF
    # The shorter one on top, where both reach to the same side.
    for change, style in sorted(((swing.low.mean, "blue"), (swing.high.mean, "yellow")), key=lambda one: -abs(one[0])):
        length = round(HALF * abs(change) / reach) if reach > 0.0 else 0
        for step in range(1, length + 1):
            cells[HALF + (step if change > 0 else -step)] = (BLOCK, style)
    return Text.assemble(*cells)


def _pairs(found: Sensitivities, target: str) -> list[RenderableType]:
    pairs = found.interactions.get(target, ())
    told = [pair for pair in pairs if pair.is_told][:MOST_PAIRS]
    if not told:
        return [Text("No two of the largest do more together than apart, as far as can be told.")] if pairs else []
    labels = {swing.quantity: swing.label for swing in found.swings(target)}
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for pair in told:
        size = Text(f"{signed(pair.points)} ±{error_size(pair.error)}")
        table.add_row(size, f"{labels[pair.first]}  with  {labels[pair.second]}")
    return [Text("What two do beyond what each does (the swing of one, at the two ends of the other):"), table]


def _note(found: Sensitivities) -> str:
    lines = [
        "\nPoints that are gained with one quantity at its own 5 % or 95 %, the rest relearned from the record;",
        f"± standard error of how far it reaches; {found.draws:,} draws, {found.paths} futures of each.",
    ]
    if SCREENED in found.how:
        count = sum(how == SCREENED for how in found.how)
        lines.append(f"Of {count} quantities (*) {found.screen_draws} draws showed that they are small.")
    for how, told in ((REFITTED, "took a new fit, as weights would not do"), (UNRELIABLE, "rest on a fit that failed")):
        count = found.how.count(how)
        if count:
            lines.append(f"{counted(count, 'quantity', 'quantities')} ({MARKS[how]}) {told}.")
    return "\n".join(lines)
