"""Assumed futures side by side, kept apart from changed beliefs and from observed events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal

import riskcast
from parts import door as st, last_words, widgets
from parts.markdown import Markdown, lines
from riskcast import charts
from scenarios import builder, observed_events
from scenarios.words import event_words, move_words
from state import results, session
from state.results import Result
from views import assumptions

MOST_COMPARED = builder.MOST_COMPARED
MOST_MOVED = 10
MOST_DRAWN = 8
# Pixels for the longest estimative term.
WORDS_WIDE = 165
LEAST_MOVED = 0.005
Changes = Mapping[str, riskcast.Contrast]
# Which way a change points, by the sign before it, and its colour: what is likelier is worse.
Arrow = tuple[Literal["up", "down", "off"], Literal["red", "green", "gray"]]
ARROWS: Final[Mapping[str, Arrow]] = {"+": ("up", "red"), "−": ("down", "green")}
LEVEL: Final[Arrow] = ("off", "gray")


def show() -> None:
    """Draw the page."""
    now = session.view()
    widgets.heading(
        "Scenarios", "What would follow if something were done or happened? Assumed futures, up to four side by side."
    )
    with st.container(gap="small"):
        _questions(now.case)
    st.subheader("Intervene: compare futures", anchor="intervene")
    found = _results(now, _pick(now))
    base = next(iter(found.values()), None) or results.current(now, "baseline")
    builder.show(base)
    builder.kept()
    if found:
        _stories(now, found)
        widgets.health(base)
        changes = {label: results.difference(result, base) for label, result in list(found.items())[1:]}
        _scores(found, changes)
        if changes:
            _moved(found, changes)
        _months(found, changes)
    else:
        st.info("Pick at least one future to see its numbers.", icon=":material/alt_route:")
    st.divider()
    observed_events.show(base)


def _questions(case: riskcast.Case) -> None:
    belief, event, future = st.columns(3)
    with belief.container(border=True, height="stretch"):
        st.markdown(Markdown("**:material/tune: Change a belief**"))
        st.markdown(Markdown("*What do we think is true today?*"))
        st.caption("Moves the priors and so the posterior: all numbers change, in every future.")
        st.page_link(
            st.Page(assumptions.show, title="Assumptions", url_path="assumptions"),
            label="To the assumptions",
            icon=":material/arrow_forward:",
        )
    with event.container(border=True, height="stretch"):
        st.markdown(Markdown("**:material/add_notes: Add an observed event**"))
        st.markdown(Markdown("*What has happened, by {}?*", f"{riskcast.long_date(case.as_of)}"))
        st.caption("Enters the record and is learned from: the parameters change, and the case with them.")
        st.markdown(Markdown("[:material/arrow_downward: To the form below](#add-an-observed-event)"))
    with future.container(border=True, height="stretch"):
        st.markdown(Markdown("**:material/alt_route: Intervene**"))
        st.markdown(Markdown("*What if something were done, or happened?*"))
        st.caption("Changes the future alone and teaches nothing: the parameters stay as they are.")
        st.markdown(Markdown("[:material/arrow_downward: To the futures below](#intervene)"))


def _pick(now: session.View) -> list[str]:
    """Names of the scenarios to compare, the first of them the yardstick."""
    titles = now.titles
    st.session_state["compare"] = _kept_choice(now, list(titles))
    chosen = st.multiselect(
        f"Futures side by side (up to {MOST_COMPARED}; the others are compared with the first)",
        list(titles),
        format_func=lambda name: titles[name] + (" (built here)" if name in now.built else ""),
        max_selections=MOST_COMPARED,
        key="compare",
        placeholder="pick a future",
    )
    st.session_state["compared"] = (now.id, chosen, now.scenario)
    for done in (builder.DONE, observed_events.DONE):
        st.session_state.pop(done, None)
    note = st.session_state.pop("compare_note", None)
    if note:
        st.warning(note, icon=":material/info:")
    return chosen


def _kept_choice(now: session.View, known: list[str]) -> list[str]:
    """What was compared before on this page, without what is gone, with what the sidebar has turned to since."""
    case, kept, turned_to = st.session_state.get("compared", (None, [], None))
    if case != now.id:
        first = next((name for name in known if name != "baseline"), "baseline")
        other = first if now.scenario == "baseline" else now.scenario
        return list(dict.fromkeys(("baseline", other)))
    chosen = [name for name in st.session_state.get("compare", kept) if name in known]
    if now.scenario != turned_to and now.scenario not in chosen and len(chosen) < MOST_COMPARED:
        chosen.append(now.scenario)
    return chosen


def _results(now: session.View, chosen: list[str]) -> dict[str, Result]:
    """Results by what their scenarios are called; those that cannot be had are told."""
    titles = now.titles
    found = {}
    with st.spinner("Simulating the futures …"):
        for name in chosen:
            label = titles[name]
            try:
                found[label] = results.current(now, name)
            except riskcast.RiskcastError as error:
                st.error(Markdown("**{}** cannot be forecast: {}", label, error), icon=":material/error:")
    return found


def _stories(now: session.View, found: dict[str, Result]) -> None:
    for column, (place, (label, result)) in zip(st.columns(len(found)), enumerate(found.items()), strict=True):
        scenario = result.forecast.scenario
        with column.container(border=True, height="stretch"):
            first = Markdown(":blue-badge[compared with]") if place == 0 and len(found) > 1 else ""
            built = Markdown(":violet-badge[built here]") if result.forecast.scenario_name in now.built else ""
            st.markdown(Markdown("**{}** {} {}", label, first, built))
            st.caption(scenario.story)
            told = [Markdown("- {}", move_words(result.case, move)) for move in scenario.indicators]
            assumed = [event_words(result.case, event) for event in scenario.events]
            told += [Markdown("- {} :orange-badge[assumed]", words) for words in assumed]
            st.markdown(lines(told or [Markdown("- nothing is assumed")]))
            name = result.forecast.scenario_name
            for doubt in riskcast.find_scenario_doubts(result.case, name, scenario):
                st.caption(Markdown(":material/info: To note: {}.", doubt.wrong))


def _scores(found: Mapping[str, Result], changes: Changes) -> None:
    name, first = next(iter(found.items()))
    st.subheader("Scores side by side")
    if changes:
        st.caption(
            Markdown(
                "Differences are from **{}**. All futures share the same draws of the parameters and the same random "
                "numbers: nothing has moved that was not assumed. Intervals (90 %) say what more knowledge of the "
                "parameters could make of a number.",
                name,
            )
        )
    chart = charts.scenarios_chart({label: result.risk for label, result in found.items()}, palette=widgets.palette())
    st.altair_chart(chart, theme=None, width="stretch", key="scenarios_chart")
    st.dataframe(
        [
            {"Pair": dyad.partner_name or dyad.id} | _score_cells(found, changes, dyad.id)
            for dyad in sorted(first.risk.dyads, key=lambda dyad: -dyad.score.mean)
        ],
        hide_index=True,
        key="scores",
    )
    st.caption(_said_by(found))


def _score_cells(found: Mapping[str, Result], changes: Changes, dyad: str) -> dict[str, str]:
    cells = {}
    for label, result in found.items():
        score = next(each.score for each in result.risk.dyads if each.id == dyad)
        cells[label] = f"{score.mean:.1f} ({score.low:.0f}–{score.high:.0f})"
        if label in changes:
            cells[f"{label}: difference"] = riskcast.signed_range(changes[label].score[dyad])
    return cells


def _said_by(found: Mapping[str, Result]) -> str:
    posterior = next(iter(found.values())).posterior
    return f"Scenarios: {', '.join(found)} · engine {posterior.engine} · seed {posterior.seed}"


def moved_rows(
    second: tuple[str, Result], first: tuple[str, Result], change: riskcast.Contrast
) -> list[dict[str, Any]]:
    """Probabilities that a future moves by half a point or more, the largest move first; what either assumes is left
    out, as it is no forecast."""
    (label, then), (other, before) = second, first
    case, rows = then.case, []
    for (event, unit), estimate in sorted(change.probability.items(), key=lambda item: -abs(item[1].mean)):
        kind = case.events[event]
        assumed = then.forecast.is_assumed(event, unit) or before.forecast.is_assumed(event, unit)
        if kind.kind != "outcome" or abs(estimate.mean) < LEAST_MOVED or assumed:
            continue
        after = then.forecast.probability(event, unit).mean
        rows.append(
            {
                "Pair": "all pairs" if unit == case.host else case.name_of(unit),
                "Outcome": kind.label,
                other: riskcast.percent(before.forecast.probability(event, unit).mean),
                label: riskcast.percent(after),
                "In words": riskcast.estimative_words(after),
                "Difference, points (90 %)": riskcast.signed_range(estimate, times=100.0),
            }
        )
    return rows


def _moved(found: Mapping[str, Result], changes: Changes) -> None:
    st.subheader("What moves most")
    first, *others = found.items()
    for tab, other in zip(st.tabs([label for label, _ in others]), others, strict=True):
        with tab:
            _moved_by(other, first, changes[other[0]])


def _moved_by(second: tuple[str, Result], first: tuple[str, Result], change: riskcast.Contrast) -> None:
    (label, then), (other, before) = second, first
    assumptions_of = [each.forecast.scenario for each in (then, before)]
    events = [event for scenario in assumptions_of for event in scenario.events]
    if events:
        told = "; ".join(dict.fromkeys(event_words(then.case, event) for event in events))
        st.markdown(Markdown(":orange-badge[assumed, not forecast] {}", told))
    rows = moved_rows(second, first, change)
    if not rows:
        st.caption("No probability moves by half a percentage point.")
        return
    chart = charts.contrast_chart(
        replace(change, first=other, second=label),
        then.case,
        most=MOST_DRAWN,
        scenarios=assumptions_of,
        palette=widgets.palette(),
    )
    st.altair_chart(chart, theme=None, width="stretch", key=f"contrast:{then.forecast.scenario_name}")
    wide = {"In words": st.column_config.TextColumn(width=WORDS_WIDE)}
    st.dataframe(rows[:MOST_MOVED], hide_index=True, column_config=wide)
    more = f" · the {MOST_MOVED} largest of {len(rows)}" if len(rows) > MOST_MOVED else ""
    st.caption(f"{label} less {other} · engine {then.posterior.engine}{more}")


@st.fragment
@last_words.spoken()
def _months(found: Mapping[str, Result], changes: Changes) -> None:
    first = next(iter(found.values()))
    st.subheader(f"Probability by {first.case.settings.period}")
    names = {dyad.id: dyad.partner_name or dyad.id for dyad in first.risk.dyads}
    left, right = st.columns(2)
    with left:
        dyad = st.selectbox("Pair", list(names), format_func=names.__getitem__, key="scenario_dyad")
    with right:
        outcome = st.selectbox(
            "Outcome",
            first.case.outcomes,
            format_func=lambda name: first.case.events[name].label,
            key="scenario_outcome",
        )
    unit = dyad if first.case.events[outcome].scope == "dyad" else first.case.host
    ahead = {label: result.forecast for label, result in found.items()}
    chart = charts.futures_chart(ahead, outcome, unit, palette=widgets.palette())
    st.altair_chart(chart, theme=None, width="stretch", key="month_lines")
    for column, (label, result) in zip(st.columns(len(found)), found.items(), strict=True):
        with column:
            _closing(label, result, changes.get(label), outcome, unit)
    st.caption(_said_by(found))


def _closing(label: str, result: Result, change: riskcast.Contrast | None, outcome: str, unit: str) -> None:
    """The probability at the end of the horizon, or that it is assumed."""
    if result.forecast.is_assumed(outcome, unit):
        told = "ruled out" if result.forecast.is_ruled_out(outcome, unit) else "assumed"
        st.metric(label, told, help="This future takes the event as given, or rules it out: it is no forecast.")
        return
    estimate = result.forecast.probability(outcome, unit)
    moved = None if change is None else change.probability[outcome, unit]
    points = "" if moved is None else riskcast.signed(100 * moved.mean)
    arrow, colour = ARROWS.get(points[:1], LEVEL)
    told = None if moved is None else f"{points} points"
    st.metric(label, riskcast.percent(estimate.mean), told, delta_color=colour, delta_arrow=arrow)
    within = f"90 % interval {riskcast.percent(estimate.low)} to {riskcast.percent(estimate.high)}"
    against = "" if moved is None else f"; difference {riskcast.signed_range(moved, times=100.0)}"
    st.caption(f"{riskcast.estimative_words(estimate.mean)}; {within}{against}")
