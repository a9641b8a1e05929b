"""What a panel's experts say, as text for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from riskcast.case.quantities import quantity_text
from riskcast.case.quantity_names import name_quantity
from riskcast.experts.beliefs import PUBLISHED
from riskcast.experts.consulting import POOL
from riskcast.experts.hearing import SCORE, Hearing
from riskcast.experts.together import PooledNumber, Together
from riskcast.forecasting.estimates import Estimate
from riskcast.numbers import (
    counted,
    error_size,
    long_date,
    plain_number,
    share,
    short_date,
    signed,
    span,
)
from riskcast.terminal.tables import ruled_table

MOST_CAUSES = 4
# Less than this would be printed as 0.
LEAST_POINTS = 0.05
MOST_COLUMNS = 6
WAYS = {
    "equal": "equal weights",
    "given": "weights as given in the panel",
    "seeds": "weights earned on seed questions (classical model)",
    "ledger": "weights earned in the ledger",
}


def hearing_view(heard: Hearing, of: str = SCORE) -> RenderableType:
    """Who speaks, what was left blank, what each forecasts, and which beliefs they disagree about."""
    parts = _heading(heard)
    parts += [Text(), Text(f"Each alone: {_what(heard, of)}", style="bold"), _alone(heard, of)]
    if heard.is_split:
        parts += [Text("What they disagree about", style="bold"), _causes(heard, of)]
    return Group(*parts, *(Text(line, style="dim") for line in _footer(heard, of)))


def _heading(heard: Hearing) -> list[RenderableType]:
    """Case, day, what to keep in mind; who speaks, and what was left blank."""
    case, ahead = heard.published, heard.voices[0].forecast
    first, last = ahead.window
    parts: list[RenderableType] = [
        Text(heard.panel.title, style="bold"),
        Text(case.settings.title),
        Text(f"as of {long_date(case.as_of)}, forecast for {short_date(first)} to {short_date(last)}", style="dim"),
    ]
    if ahead.scenario_name != "baseline":
        parts.append(Text(f"scenario: {ahead.scenario.label}", style="bold magenta"))
    parts += [Text(f"UNRELIABLE: {failure}", style="bold red") for failure in heard.failures]
    parts += [Text(f"NOTE: {told}", style="yellow") for told in (*heard.told, *ahead.cautions)]
    return [*parts, Text(), Text("Experts", style="bold"), *_experts(heard), Text(), *_blanks(heard)]


def _what(heard: Hearing, of: str) -> str:
    return "score" if of == SCORE else heard.published.events[of].label


def together_view(together: Together, of: str = SCORE) -> RenderableType:
    """Pools, the mixture and the case of pooled quantities; what the quantities pool to; what each expert moves."""
    heard = together.heard
    numbers = [together.number(unit, of) for unit in heard.units(of)]
    table = ruled_table()
    table.add_column("Dyad", no_wrap=True)
    logs = any(one.log is not None for one in numbers)
    for title in ("Linear", "± MC", *(["Log", "± MC"] if logs else []), "Mixture", "90 %", "Pooled case", "± MC"):
        table.add_column(title, justify="right", no_wrap=True, style="dim" if title == "± MC" else "")
    for one in numbers:
        log = [] if one.log is None else [_level(one.log), error_size(one.log_error or 0.0)]
        mixed = [_level(one.mixture.mean), _ends(one.mixture), _level(one.case), error_size(one.case_error)]
        table.add_row(one.dyad, _level(one.linear), error_size(one.linear_error), *log, *mixed)
    lines = [
        f"Linear: mean of experts ({WAYS[heard.weighting]}).",
        *(["Log: mean of their log odds."] if logs else []),
        "Mixture: the forecast whose draws are shared out among experts. Its mean is the linear pool, but for chance; "
        "90 %: what knowing more, and who of them is right, could change.",
        f"Pooled case: the case with the {together.pool} pool of quantities. Averaged quantiles leave out that experts "
        "disagree, and the mixture does not: go on with that by --panel FILE.",
        "“noise”: chance alone may make the difference.",
    ]
    return Group(
        *_heading(heard),
        Text(),
        Text(f"Together: {_what(heard, of)}", style="bold"),
        table,
        Text(f"Without one expert: points that the linear pool moves ({_what(heard, of)})", style="bold"),
        _left_out(heard, numbers),
        Text(f"What quantities pool to ({together.pool})", style="bold"),
        _quantities(together),
        *(Text(line, style="dim") for line in (*lines, *_origin(heard), f"pooled case {together.case.hash[:12]}")),
    )


def _left_out(heard: Hearing, numbers: Sequence[PooledNumber]) -> Table:
    table = ruled_table()
    table.add_column("Dyad", no_wrap=True)
    letters = dict(zip(heard.names, _letters(heard), strict=True))
    names = [without.name for without in numbers[0].without][:MOST_COLUMNS] if numbers else []
    for name in names:
        table.add_column(f"Without {letters[name]}", justify="right", no_wrap=True)
    for one in numbers:
        shown = [
            Text("noise", style="dim") if each.is_noise else Text(f"{signed(each.change)} ± {error_size(each.error)}")
            for each in one.without[: len(names)]
        ]
        table.add_row(one.dyad, *shown)
    return table


def _quantities(together: Together) -> Table:
    table = ruled_table()
    table.add_column("Quantity", ratio=1, overflow="fold")
    table.add_column("Published", justify="right", max_width=20)
    table.add_column("Pool", justify="right", max_width=20)
    known = {key: quantity for key, quantity, _ in together.heard.published.quantities()}
    for key, quantity in together.quantities.items():
        name = name_quantity(together.heard.published, key)
        said = [quantity_text(each, lambda value: plain_number(value, 3)) for each in (known[key], quantity)]
        table.add_row(Text.assemble(name.label, "\n", (key, "dim")), *said)
    return table


def _letters(heard: Hearing) -> list[str]:
    single = [chr(ord("A") + place) for place in range(26)]
    return [*single, *(f"A{letter}" for letter in single)][: len(heard.names)]


def _experts(heard: Hearing) -> Iterator[Text]:
    for letter, voice in zip(_letters(heard), heard.voices, strict=True):
        overlay = voice.expert.overlay
        spoke = "" if overlay.when is None else short_date(overlay.when)
        said = f", {spoke}, weight {share(voice.weight)}: {overlay.why}"
        yield Text.assemble((f"{letter}  ", "bold"), (voice.name, "bold"), said)


def _blanks(heard: Hearing) -> Iterator[Text]:
    """A number that nobody gave is never handed on in silence."""
    left = [(letter, voice) for letter, voice in zip(_letters(heard), heard.voices, strict=True) if voice.blanks]
    if not left:
        yield Text("No expert left a quantity blank that another one gave or that was asked for.", style="dim")
        return
    used = {
        PUBLISHED: "the published value stands in its place",
        "others": "what the others pool to stands in its place, the published value where nobody gave one",
    }[heard.blanks]
    how = "as chosen" if heard.is_chosen else "as nobody has chosen"
    yield Text(f"Left blank ({used}, {how}; --blanks published or others):", style="yellow")
    for letter, voice in left:
        for blank in voice.blanks:
            name = name_quantity(heard.published, blank.id)
            yield Text(f"{letter}  {name.label}: {quantity_text(blank.used)}", style="yellow")


def _alone(heard: Hearing, of: str) -> Table:
    table = ruled_table()
    table.add_column("Dyad", no_wrap=True)
    letters = _letters(heard)[:MOST_COLUMNS]
    for letter in letters:
        table.add_column(letter, justify="right", no_wrap=True)
    for title in ("Mean", "Range", "SD", "± MC"):
        table.add_column(title, justify="right", no_wrap=True, style="dim" if title == "± MC" else "")
    for dyad in heard.units(of):
        found = heard.disagreement(dyad, of)
        own = [
            Text.assemble(_level(value), "\n", (_ends(one), "dim"))
            for value, one in zip(found.values[: len(letters)], heard.estimates(dyad, of), strict=False)
        ]
        spread = "noise" if found.is_noise else f"{found.spread:.1f}"
        table.add_row(dyad, *own, _level(found.mean), f"{found.range:.1f}", spread, error_size(found.error))
    return table


def _ends(one: Estimate) -> str:
    """The 90 % interval of a number of points."""
    return span(f"{one.low:.0f}", f"{one.high:.0f}")


def _level(points: float) -> str:
    return f"{points:.1f}"


def _causes(heard: Hearing, of: str) -> Table:
    table = ruled_table()
    table.add_column("Dyad", no_wrap=True)
    table.add_column("Points of SD", justify="right", no_wrap=True)
    table.add_column("± MC", justify="right", no_wrap=True, style="dim")
    table.add_column("Belief, and what it does to each expert's number", ratio=1, overflow="fold")
    for dyad in heard.units(of):
        found = heard.disagreement(dyad, of)
        spread = "noise" if found.is_noise else f"{found.spread:.1f}"
        table.add_row(Text(dyad, style="bold"), Text(spread, style="bold"), error_size(found.error), "")
        shown = [cause for cause in found.causes[:MOST_CAUSES] if abs(cause.points) >= LEAST_POINTS]
        for cause in shown:
            table.add_row(
                "", _points(cause.points), error_size(cause.error), _belief(heard, cause.label, cause.by_expert)
            )
        rest = found.causes[len(shown) :]
        if rest:
            points = sum(cause.points for cause in rest)
            table.add_row("", Text(signed(points), style="dim"), "", Text(counted(len(rest), "other"), style="dim"))
    return table


def _points(points: float) -> Text:
    return Text(signed(points), style="red" if points > 0 else "green")


def _belief(heard: Hearing, label: str, points: tuple[float, ...]) -> Text:
    each = " ".join(f"{letter} {signed(value)}" for letter, value in zip(_letters(heard), points, strict=True))
    return Text.assemble(label, "\n", (each, "dim"))


def _footer(heard: Hearing, of: str) -> list[str]:
    against = {PUBLISHED: "the case as published", POOL: "the case with the panel's pooled quantities"}
    of_whom = against.get(heard.against, f"the case of {heard.against}")
    way = "all coalitions of beliefs" if heard.exact else "random orders of beliefs"
    unit = "points" if of == SCORE else "percentage points"
    parts = "its parts add up to it. Below 0: a belief that brings together what others keep apart."
    lines = [
        f"SD: standard deviation among experts by weight ({WAYS[heard.weighting]}), in {unit}"
        + (f"; {parts}" if heard.is_split else ".")
    ]
    if heard.is_split:
        lines.append(
            f"Beneath: what it adds to each, from {of_whom} (Shapley values by {way}); the difference of two experts "
            "is that of theirs."
        )
    return [
        *lines,
        "Beneath each number: its 90 % interval, what more knowledge could change. "
        "± MC: standard error, in points, that so few draws leave; “noise”: chance alone may tell them apart.",
        *_origin(heard),
    ]


def _origin(heard: Hearing) -> list[str]:
    request, count = heard.request, len(heard.names)
    return [
        *([f"Columns of the first {MOST_COLUMNS} of {count} experts; --json has all."] if count > MOST_COLUMNS else []),
        "All forecasts meet the same chance, draw by draw.",
        f"{request.engine} · {request.draws} draws · seed {request.seed} · {counted(heard.forecasts, 'forecast')}",
        f"case {heard.published.hash[:12]}",
    ]
