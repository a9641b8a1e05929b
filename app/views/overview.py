"""Who is at risk of what, at one glance."""

from __future__ import annotations

from typing import Any

import riskcast
from parts import door as st, how_it_went, what_changed, widgets
from parts.markdown import Markdown
from riskcast import charts
from state import looking_back, results, session
from state.results import Result

# Score points that are told: what rounds to none is not.
LEAST_POINTS = 0.05


def show() -> None:
    """Draw the page."""
    now = session.view()
    before, result = results.published(now.case), results.current(now)
    first, last = result.forecast.window
    widgets.heading(
        now.case.settings.title,
        f"Forecast for {riskcast.long_date(first)} to {riskcast.long_date(last)}, "
        f"as of {riskcast.long_date(now.case.as_of)}. "
        f"Scenario: {result.forecast.scenario.label}.{_pairs(result)}",
    )
    widgets.health(result)
    _headline(result)
    left, right = st.columns([3, 2], gap="large")
    palette = widgets.palette()
    with left:
        chart = charts.map_chart(result.risk, palette=palette)
        if chart is not None:
            st.altair_chart(chart, theme=None, width="stretch")
        else:
            st.altair_chart(charts.score_chart(result.risk, palette=palette), theme=None, width="stretch")
    with right:
        _dyads(result, before)
    st.subheader("Who is at risk of what")
    st.altair_chart(charts.heatmap_chart(result.risk, palette=palette), theme=None, width="stretch")
    _months(result)
    what_changed.show(result)
    with st.expander("How to read these numbers"):
        st.markdown(
            Markdown(
                "**Score**, 0 to 100: what a pair's own outcomes within the horizon add up to on average; each takes "
                "its severity, in per cent, of what the others leave of 100. What pairs share stands apart. "
                "**Burden**: severities times probabilities, summed over own outcomes. **Onset**: of an outcome "
                "that was not recorded in the last year; any other goes on. "
                "**Probability**: of at least one such event within the horizon. **Interval**: nine times in ten, more "
                "knowledge of the parameters would leave the number within it; what the model leaves out is not in it. "
                "**Words**: the scale of US Intelligence Community Directive 203."
            )
        )


def _pairs(result: Result) -> str:
    """How many pairs of a panel are forecast, of how many that it holds."""
    ahead, every = len(result.risk.dyads), len(result.case.dyads)
    if result.case.panel is None:
        return ""
    return (
        f" {ahead:,} pairs." if ahead == every else f" {ahead:,} of the panel's {every:,} pairs are there at the start."
    )


def _headline(result: Result) -> None:
    """The judgement in a sentence."""
    highest = max(result.risk.dyads, key=lambda dyad: dyad.score.mean)
    open_ones = [outcome for outcome in highest.outcomes if not outcome.assumed]
    likely = sorted(open_ones, key=lambda outcome: -outcome.probability.mean)[:2]
    listed = " and ".join(
        f"{one.label.lower()} {one.words} ({riskcast.percent(one.probability.mean)})" for one in likely
    )
    listed = f": {listed}" if listed else ""
    name = highest.partner_name or highest.id
    shown = riskcast.score_text(highest.score.mean, result.case.settings.bands)
    scored = f"{shown} of 100 ({widgets.interval(highest.score)}, {highest.band})"
    st.markdown(Markdown("**{}** has the highest score, {}{}.", name, scored, listed))


def _dyads(result: Result, before: Result) -> None:
    explanation, history = results.explained(session.view()), looking_back.find(before.case)
    change = results.difference(result, before)
    for dyad in sorted(result.risk.dyads, key=lambda dyad: -dyad.score.mean)[: widgets.MOST_PAIRS]:
        driver = next(iter(explanation.contributions[dyad.id]), None)
        moved = change.score[dyad.id].mean
        delta = f" · {riskcast.signed(moved)} against the published baseline" if abs(moved) >= LEAST_POINTS else ""
        with st.container(border=True):
            name, badge = dyad.partner_name or dyad.id, widgets.band_badge(result.case, dyad.band)
            shown = riskcast.score_text(dyad.score.mean, result.case.settings.bands)
            score = Markdown("**{}** ({}){}", shown, widgets.interval(dyad.score), delta)
            st.markdown(Markdown("**{}** &nbsp; {} &nbsp; {}", name, badge, score))
            if driver is not None and abs(driver.points) >= LEAST_POINTS:
                st.caption(f"Strongest driver: {driver.label} ({riskcast.signed(driver.points)} points)")
            st.caption(_standing(result, dyad))
            line = None if history is None else how_it_went.line_of(history, dyad.id)
            if line is not None:
                st.caption(line)
            if dyad.grave is not None:
                st.caption(f"Outcome of severity {result.case.settings.grave:g} or more: {_grave(dyad)}")
    if len(result.risk.dyads) > widgets.MOST_PAIRS:
        st.caption(widgets.which_pairs(len(result.risk.dyads)))
    if history is None:
        how_it_went.offer(before.case, "overview")
    else:
        st.caption(f"Lines: scores of the case as published, month ends since {riskcast.short_date(history.days[0])}.")


def _standing(result: Result, dyad: Any) -> str:
    """The chance of the highest score, and the burden with what of it would be onsets."""
    burden = f"Burden {dyad.burden:.0f}, {dyad.burden_of('onset'):.0f} of it onsets"
    if len(result.risk.dyads) == 1:
        return burden
    return f"Highest score: {riskcast.percent(result.risk.standings[dyad.id].first)} · {burden}"


def _grave(dyad: Any) -> str:
    """The chance of a grave outcome, or what the scenario says of it."""
    chance = dyad.grave or 0.0
    if dyad.grave_is_assumed:
        return "assumed" if chance else "ruled out by the scenario"
    return riskcast.percent(chance)


def _months(result: Result) -> None:
    st.subheader(f"Probability by {result.case.settings.period}")
    chosen = widgets.choose_pair(result, f"months_dyad:{session.view().id}")
    st.altair_chart(
        charts.months_chart(result.risk, chosen, palette=widgets.palette()),
        theme=None,
        width="stretch",
    )
    if result.forecast.found_in_part:
        st.caption(Markdown("{}", result.forecast.found_in_part))
