"""Events that have happened and that the record lacks: added for this session, learned from, removable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import riskcast
from parts import door as st, last_words
from parts.markdown import Markdown
from scenarios.builder import told
from state import results, session
from state.results import Result

EVERY_PAIR = "ALL"
NOBODY_KNOWN = "other"
DONE = "event_added"


def show(shown: Result) -> None:
    """Draw the section: a form, the added events, and what they changed."""
    now = session.view()
    st.subheader("Add an observed event", anchor="add-an-observed-event")
    st.caption(
        Markdown(
            "Something **has happened**, by {}, which the record lacks. It enters the record, the parameters are "
            "learned anew, and every page shows a changed case with a hash of its own.",
            f"{riskcast.long_date(now.case.as_of)}",
        )
    )
    if now.case.panel is not None:
        st.info("This case's record is a panel: add a row to its table instead.", icon=":material/table:")
        return
    if now.observed:
        _listed(now, shown)
    with st.expander("Add an event to the record", expanded=not now.observed, icon=":material/add_notes:"):
        _form(now.case, shown)


@st.fragment
@last_words.spoken()
def _form(case: riskcast.Case, shown: Result) -> None:
    """The form; the page is drawn anew once an event is added."""
    if st.session_state.pop(DONE, False):
        st.rerun()
    problem = st.session_state.pop("observed_problem", None)
    if problem:
        st.error(problem, icon=":material/error:")
    left, right = st.columns(2, gap="large")
    with left:
        kind = st.selectbox(
            "What happened", list(case.events), format_func=lambda name: case.events[name].label, key="observed_type"
        )
        event = case.events[kind]
        st.caption(f"It counts as one where: {event.resolution.yes}")
        whom = [*case.dyads, EVERY_PAIR] if event.scope == "dyad" else [case.host]
        dyad = st.selectbox(
            "Between whom", whom, format_func=lambda unit: _pair(case, unit), key=f"observed_dyad:{event.scope}"
        )
    with right:
        day = st.date_input(
            "On which day",
            value=case.as_of,
            min_value=case.settings.history_from,
            max_value=case.as_of,
            key="observed_day",
            help=f"At the latest {riskcast.long_date(case.as_of)}: what comes later belongs to the forecast.",
        )
        actors = list(dict.fromkeys((case.host, *_partners(case, dyad), NOBODY_KNOWN)))
        usual = {"host": case.host, "partner": (*_partners(case, dyad), NOBODY_KNOWN)[0], "other": NOBODY_KNOWN}
        actor = st.selectbox(
            "Who acted",
            actors,
            index=actors.index(usual.get(event.initiator, case.host)),
            format_func=lambda one: "somebody else" if one == NOBODY_KNOWN else case.state_names.get(one, one),
            key=f"observed_actor:{kind}:{dyad}",
        )
    words = st.text_input(
        "What happened, in a sentence", key="observed_words", max_chars=500, placeholder="who did what, and who says so"
    )
    row = {
        "date": day.isoformat(),
        "precision": "day",
        "type": kind,
        "dyad": dyad,
        "initiator": actor,
        "description": words.strip(),
        "sources": [],
        "status": "unverified",
    }
    for note in _unheard(shown, row):
        st.warning(note, icon=":material/info:")
    st.button(
        "Add to the record", type="primary", icon=":material/add:", key="add_observed", on_click=_add, args=(row,)
    )


def _pair(case: riskcast.Case, unit: str) -> str:
    if unit == EVERY_PAIR:
        return "every pair"
    if unit not in case.pairs:
        return f"{case.name_of(unit)} towards all"
    return " – ".join(case.state_names.get(state, state) for state in case.pairs[unit].states)


def _partners(case: riskcast.Case, dyad: str) -> tuple[str, ...]:
    return (case.pairs[dyad].second,) if dyad in case.pairs else ()


def _unheard(shown: Result, row: Mapping[str, Any]) -> list[str]:
    """Why an event would teach nothing, where it would not."""
    case = shown.case
    event, day = case.events[row["type"]], dt.date.fromisoformat(row["date"])
    if event.recorded_from and day < event.recorded_from:
        return [
            f"Events of this type are counted from {riskcast.long_date(event.recorded_from)} on: "
            "an earlier one goes unheard."
        ]
    chosen = case.units(row["type"]) if row["dyad"] == EVERY_PAIR else (row["dyad"],)
    if all(shown.posterior.holds(row["type"], unit, day) for unit in chosen):
        return [
            f"The record holds such an event in the same {case.settings.period} already. The model counts "
            f"{case.settings.period}s with at least one, so a second one changes no number."
        ]
    return []


def _add(row: Mapping[str, Any]) -> None:
    words = st.session_state["observed_words"].strip()
    if not words:
        st.session_state["observed_problem"] = "Say in a sentence what happened: a row without words cannot be checked."
        return
    try:
        session.observe({**row, "description": words})
    except ValueError as error:
        st.session_state["observed_problem"] = told(error)
        return
    st.session_state["observed_words"] = ""
    st.session_state[DONE] = True


def _listed(now: session.View, shown: Result) -> None:
    case = now.case
    before = results.current(replace(now, observed=()), shown.forecast.scenario_name)
    st.info(
        Markdown(
            "The case is changed: **{}** has become **{}**. Its record holds {} which the published one does not.",
            before.case.hash[:12],
            shown.case.hash[:12],
            f"{len(now.observed)} event{'s' if len(now.observed) != 1 else ''}",
        ),
        icon=":material/difference:",
    )
    for place, row in enumerate(now.observed):
        words, button = st.columns([6, 1], vertical_alignment="center")
        label = case.events[row["type"]].label
        with words:
            st.markdown(
                Markdown(
                    ":material/event: {} · **{}** · {} · {} :gray-badge[{}, added here]",
                    f"{riskcast.long_date(dt.date.fromisoformat(row['date']))}",
                    label,
                    _pair(case, row["dyad"]),
                    row["description"],
                    row["status"],
                )
            )
        with button:
            st.button(
                "Remove",
                key=f"forget:{place}",
                on_click=session.forget,
                args=(row,),
                help=f"Take out: {label}, {row['date']}",
            )
    change = results.difference(shown, before)
    st.markdown(Markdown("**What the record taught**"))
    st.dataframe(
        [
            {
                "Pair": after.partner_name or after.id,
                "Score without": round(earlier.score.mean, 1),
                "Score with": round(after.score.mean, 1),
                "Change": change.score[after.id].mean,
                "90 %": riskcast.signed_ends(change.score[after.id]),
            }
            for after, earlier in zip(shown.risk.dyads, before.risk.dyads, strict=True)
        ],
        hide_index=True,
        column_config={"Change": st.column_config.NumberColumn("Change", format="%+.1f")},
        key="observed_change",
    )
    st.caption(
        f"Scenario: {shown.forecast.scenario.label} · engine {shown.posterior.engine} · draws and chance are paired."
    )
