"""Explanations, contrasts and forecasts side by side -> Altair charts of what makes a difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from riskcast.case.model import Case, Scenario
from riskcast.charts.canvas import (
    LABEL_ROOM,
    Width,
    dyad_label,
    finish,
    highest,
    hues,
    plot,
    rows_axis,
    swatches,
    tips,
    unit_label,
)
from riskcast.charts.theme import LIGHT, SIGNED, Palette
from riskcast.comparison.attribute_changes import Difference
from riskcast.errors import OptionError, UnknownNameError
from riskcast.forecasting.contrasts import Contrast
from riskcast.forecasting.contributions import Attribution
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.scoring import Risk
from riskcast.numbers import between, signed, signed_ends

if TYPE_CHECKING:
    import altair as alt

MOST_DRIVERS: Final = 10
MOST_SCENARIOS: Final = 4
MOST_SWINGS: Final = 12
ROW: Final = 32
START, OTHERS, END = "reference", "others", "score"


def waterfall_chart(
    attribution: Attribution,
    dyad: str,
    *,
    labels: Mapping[str, str] | None = None,
    name: str | None = None,
    most: int = MOST_DRIVERS,
    width: Width = "container",
    palette: Palette = LIGHT,
) -> alt.LayerChart:
    """What leads to a dyad's score, the largest first: from reference levels with nothing recent, what each driver
    adds (`explain`); from the first of two cases, what each change does (`diff`).

    labels: what to call drivers or changes, where not by their own labels; name: what to call the dyad; beyond `most`
    of them, the rest are joined. Raises UnknownNameError for a dyad whose score is not split.
    """
    import altair as alt

    if dyad not in attribution.contributions:
        raise UnknownNameError("dyad at the start of the horizon", dyad, tuple(attribution.contributions))
    split, whose = attribution.split(dyad), name or dyad
    own, start, end = split.contributions, split.start, split.end
    kept = own if len(own) <= most + 1 else own[:most]
    rest = own[len(kept) :]
    steps = [(c.id, (labels or {}).get(c.id, c.label), c.points, c.error) for c in kept]
    if rest:
        # Errors of drivers are of one simulation; their squares add up where the drivers are independent.
        error = sum(c.error**2 for c in rest) ** 0.5
        steps.append((OTHERS, f"{len(rest)} others", sum(c.points for c in rest), error))
    rows, at = [], start
    for key, label, points, error in steps:
        to = at + points
        rows.append(
            {
                "row": key,
                "label": label,
                "points": points,
                "error": error,
                "from": at,
                "to": to,
                "low": to - error,
                "high": to + error,
                "right": max(at, to + error),
                "text": signed(points),
                "within": f"± {error:.1f}",
                "colour": palette.persistence if points > 0 else palette.model,
            }
        )
        at = to
    first, last = (label[:1].upper() + label[1:] for label in split.names)
    totals = [
        {"row": key, "label": label, "value": value, "text": f"{value:.1f}"}
        for key, label, value in ((START, first, start), (END, last, end))
    ]
    shown = {START: first, **{row["row"]: row["label"] for row in rows}, END: last}
    ends = [start, end, *(row[field] for row in rows for field in ("from", "low", "high"))]
    room = max(max(ends) - min(ends), 1.0)
    domain = [max(0.0, min(ends) - 0.08 * room), max(ends) + 0.2 * room]
    axis = alt.Axis(tickCount=5, labelExpr=SIGNED, grid=True)

    def x(field: str) -> Any:
        return alt.X(f"{field}:Q", title="score points", scale=alt.Scale(domain=domain, nice=False), axis=axis)

    y = alt.Y("row:N", title=None, sort=list(shown), scale=alt.Scale(domain=list(shown)), axis=rows_axis(shown, (END,)))
    colour = alt.Color("colour:N", scale=None)
    tooltip = tips(label="driver", text="score points", within="simulation error")
    bars, sums = plot(rows), plot(totals)
    layers = [
        sums.mark_rule(color=palette.rule, strokeDash=[3, 3]).encode(x=x("value")),
        sums.mark_tick(color=palette.ink, thickness=4, size=22).encode(
            x=x("value"), y=y, tooltip=tips(label="what", text="points")
        ),
        sums.mark_text(color=palette.ink, align="left", dx=8, fontWeight="bold", fontSize=12).encode(
            x=x("value"), y=y, text="text:N"
        ),
        bars.mark_bar(size=18).encode(x=x("from"), x2="to:Q", y=y, color=colour, tooltip=tooltip),
        bars.mark_rule(color=palette.ink, strokeWidth=1).encode(x=x("low"), x2="high:Q", y=y, tooltip=tooltip),
        bars.mark_text(color=palette.ink, align="left", dx=6, fontSize=12).encode(x=x("right"), y=y, text="text:N"),
    ]
    title, lead = f"Why the score of {whose} is {end:.0f}", f"From {start:.1f} at reference levels"
    if isinstance(attribution, Difference):
        title = f"What changed the score of {whose} by {signed(end - start)}"
        lead = f"From {start:.1f} in {attribution.first}"
    told = ", ".join(f"{row['label']} {row['text']}" for row in rows)
    return finish(
        layers,
        palette=palette,
        width=width,
        height=alt.Step(ROW),
        title=title,
        subtitle="orange raises, blue lowers; thin line: simulation error",
        description=f"{lead} to a score of {end:.1f} for {whose}: {told}.",
    )


def contrast_chart(
    contrast: Contrast,
    case: Case,
    *,
    most: int = 12,
    scenarios: Sequence[Scenario] | None = None,
    title: str | None = None,
    width: Width = "container",
    palette: Palette = LIGHT,
) -> alt.LayerChart:
    """Paired differences with 90 % intervals: scores first, then probabilities, the largest first, `most` of each.

    scenarios: those compared, where they are not the case's own by name; what one of them assumes is left out. title:
    what is compared, where it is not two scenarios.
    """
    import altair as alt

    known = scenarios if scenarios is not None else [_scenario(case, n) for n in (contrast.first, contrast.second)]
    scores = [(f"{END} {dyad}", unit_label(case, dyad), e, e) for dyad, e in contrast.score.items()]
    chances = [
        (f"{event} {unit}", f"{case.events[event].label}\n{unit_label(case, unit)}", e.times(100), e)
        for (event, unit), e in contrast.probability.items()
        if case.events[event].kind == "outcome" and not any(_assumes(s, event, unit) for s in known)
    ]
    titles = {"scores": "Scores, points", "chances": "Probabilities, percentage points"}
    rows, shown = [], {}
    for heading, found in (("scores", scores), ("chances", chances)):
        shown[heading] = titles[heading]
        for key, label, e, given in sorted(found, key=lambda item: -abs(item[2].mean))[:most]:
            shown[key] = label
            spoken = label.replace("\n", ": ")
            colour = palette.persistence if e.low > 0 else palette.model if e.high < 0 else palette.pooled_rate
            rows.append(
                {
                    "row": key,
                    "label": spoken,
                    "difference": given.mean,
                    "value": e.mean,
                    "low": e.low,
                    "high": e.high,
                    "text": signed(e.mean),
                    "interval": signed_ends(e),
                    "colour": colour,
                }
            )
    reach = [0.0, *(row[end] for row in rows for end in ("low", "high"))]
    room = max(max(reach) - min(reach), 1.0)
    domain = [min(reach) - 0.04 * room, max(reach) + 0.22 * room]
    axis = alt.Axis(tickCount=5, labelExpr=SIGNED, grid=True)

    def x(field: str) -> Any:
        return alt.X(f"{field}:Q", title="difference in points", scale=alt.Scale(domain=domain, nice=False), axis=axis)

    y = alt.Y("row:N", title=None, sort=list(shown), scale=alt.Scale(domain=list(shown)), axis=rows_axis(shown, titles))
    colour = alt.Color("colour:N", scale=None)
    tooltip = tips(label="what", text="difference", interval="90 % interval")
    base = plot(rows)
    layers = [
        plot([{"zero": 0.0}]).mark_rule(color=palette.rule, strokeWidth=1.4).encode(x=x("zero")),
        base.mark_rule(strokeWidth=2.4).encode(x=x("low"), x2="high:Q", y=y, color=colour, tooltip=tooltip),
        base.mark_point(filled=True, size=90, opacity=1).encode(x=x("value"), y=y, color=colour, tooltip=tooltip),
        base.mark_text(color=palette.ink, align="left", dx=7, fontSize=12).encode(x=x("high"), y=y, text="text:N"),
    ]
    first, second = (_scenario(case, n).label if n in case.scenarios else n for n in (contrast.first, contrast.second))
    told = ", ".join(f"{row['label']} {row['text']}" for row in rows)
    return finish(
        layers,
        palette=palette,
        width=width,
        height=alt.Step(ROW - 2),
        title=title or f"What changes: {second} against {first}",
        subtitle="line: 90 % interval\norange: higher; blue: lower; grey: may be either",
        description=f"Differences of {second} from {first}, in points: {told}.",
    )


def tornado_chart(
    swings: Mapping[str, tuple[Estimate, Estimate]],
    *,
    title: str = "Which assumption matters",
    subtitle: str = "score points when one quantity stands at an end of its 90 % interval",
    axis_title: str = "change of the score, points",
    most: int = MOST_SWINGS,
    width: Width = "container",
    palette: Palette = LIGHT,
) -> alt.LayerChart:
    """What a result gains or loses as one quantity after another moves to an end of its interval, the widest first.

    swings: by the quantity's label, the changes with it at its low and at its high end; no more than `most` are shown.
    """
    import altair as alt

    reach = {label: max(abs(low.mean), abs(high.mean)) for label, (low, high) in swings.items()}
    ranked = sorted(swings, key=lambda label: -reach[label])[:most]
    colours = {"at its low end": palette.model, "at its high end": palette.persistence}
    rows = [
        {"quantity": label, "end": end, "change": e.mean, "zero": 0.0, "text": signed(e.mean)}
        | {"interval": signed_ends(e)}
        for label in ranked
        for end, e in zip(colours, swings[label], strict=True)
    ]
    edge = 1.25 * max((reach[label] for label in ranked), default=1.0) or 1.0
    scale, axis = alt.Scale(domain=[-edge, edge], nice=False), alt.Axis(tickCount=7, labelExpr=SIGNED, grid=True)
    shown = {label: label for label in ranked}
    y = alt.Y("quantity:N", title=None, sort=ranked, scale=alt.Scale(domain=ranked), axis=rows_axis(shown))
    offset = alt.YOffset("end:N", sort=list(colours), scale=alt.Scale(domain=list(colours)))
    x = alt.X("change:Q", title=axis_title, scale=scale, axis=axis)
    colour = alt.Color("end:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())), legend=swatches(2))
    bars = plot(rows)
    where = {"x": x, "y": y, "yOffset": offset}
    tooltip = tips(quantity="quantity", end="stands", text="change", interval="90 % interval")
    layers = [bars.mark_bar(height=11).encode(**where, x2="zero:Q", color=colour, tooltip=tooltip)]
    for test, side, shift in (("datum.change < 0", "right", -5), ("datum.change >= 0", "left", 5)):
        written = bars.transform_filter(test).mark_text(color=palette.ink, align=side, dx=shift, fontSize=11)
        layers.append(written.encode(**where, text="text:N"))
    layers.append(plot([{"zero": 0.0}]).mark_rule(color=palette.rule).encode(x=alt.X("zero:Q", scale=scale)))
    told = "; ".join(f"{label} {signed(swings[label][0].mean)} and {signed(swings[label][1].mean)}" for label in ranked)
    return finish(
        layers,
        palette=palette,
        width=width,
        height=alt.Step(ROW - 2, **{"for": "position"}),
        title=title,
        subtitle=subtitle + (f"; the {most} widest of {len(swings)}" if len(swings) > most else ""),
        description=f"{title}, at the low and at the high end: {told}.",
    )


def _scenario(case: Case, name: str) -> Scenario:
    """A scenario of the case; one that it does not know assumes nothing."""
    return case.scenarios.get(name, Scenario(label=name, story=name))


def _assumes(scenario: Scenario, event: str, unit: str) -> bool:
    """Whether a scenario says of an event that it happens, or that it does not at any time."""
    said = (e for e in scenario.events if e.event == event and (e.happens or (e.month is None and e.until is None)))
    return any(e.dyads is None or unit in e.dyads for e in said)


def scenarios_chart(
    risks: Mapping[str, Risk], *, width: Width = "container", palette: Palette = LIGHT
) -> alt.LayerChart:
    """Scores with 90 % intervals under one to four scenarios, side by side; dyads by their highest score.

    Raises OptionError for another number of scenarios.
    """
    import altair as alt

    if not 1 <= len(risks) <= MOST_SCENARIOS:
        raise OptionError(f"{len(risks)} scenarios are given; give 1 to {MOST_SCENARIOS}")
    first = next(iter(risks.values()))
    found = [(name, dyad) for name, risk in risks.items() for dyad in risk.dyads]
    peak: dict[str, float] = {}
    for _, dyad in found:
        peak[dyad.id] = max(peak.get(dyad.id, 0.0), dyad.score.mean)
    kept = sorted(peak, key=lambda dyad: -peak[dyad])[: len(highest(first)[0])]
    labels = {dyad: next(dyad_label(d) for _, d in found if d.id == dyad) for dyad in kept}
    rows = [
        {
            "dyad": d.id,
            "name": labels[d.id],
            "scenario": name,
            "score": d.score.mean,
            "low": d.score.low,
            "high": d.score.high,
            "text": f"{d.score.mean:.0f}",
            "interval": between(d.score),
            "band": d.band,
        }
        for name, d in found
        if d.id in labels
    ]
    top = 1.14 * max((d.score.high for _, d in found if d.id in labels), default=100.0)
    axis = alt.Axis(values=[20 * i for i in range(6) if 20 * i <= top], grid=True)

    def x(field: str) -> Any:
        scale = alt.Scale(domain=[0, top], nice=False)
        return alt.X(f"{field}:Q", title="score, 0–100", scale=scale, axis=axis)

    y = alt.Y("dyad:N", title=None, sort=kept, axis=rows_axis(labels), scale=alt.Scale(paddingInner=0.3))
    names = list(risks)
    offset = alt.YOffset("scenario:N", sort=names, scale=alt.Scale(domain=names))
    legend = swatches(1, LABEL_ROOM, symbolType="circle", labelLimit=330)
    colour = alt.Color(
        "scenario:N", scale=alt.Scale(domain=names, range=list(hues(palette)[: len(names)])), legend=legend
    )
    tooltip = tips(name="dyad", scenario="scenario", text="score", interval="90 % interval", band="band")
    base = plot(rows)
    place = {"y": y, "yOffset": offset}
    layers = [
        base.mark_rule(strokeWidth=2.2).encode(x=x("low"), x2="high:Q", color=colour, tooltip=tooltip, **place),
        base.mark_point(filled=True, size=80, opacity=1).encode(x=x("score"), color=colour, tooltip=tooltip, **place),
        base.mark_text(color=palette.ink, align="left", dx=6, fontSize=11).encode(x=x("high"), text="text:N", **place),
    ]
    spoken = "; ".join(
        f"{name}: " + ", ".join(f"{row['name']} {row['text']}" for row in rows if row["scenario"] == name)
        for name in names
    )
    more = f"; {len(kept)} of {len(peak)} dyads" if len(kept) < len(peak) else ""
    return finish(
        layers,
        palette=palette,
        width=width,
        height=alt.Step(16 * max(len(names), 2), **{"for": "position"}),
        title="Scores by scenario",
        subtitle=f"dot: score; line: 90 % interval; number: score{more}",
        description=f"Scores by scenario. {spoken}.",
    )
