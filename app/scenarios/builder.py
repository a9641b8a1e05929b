"""Making futures: build one from single assumptions, combine stories, edit, delete, download."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import riskcast
from parts import door as st, last_words
from parts.markdown import Markdown, code, lines
from scenarios.words import (
    VERBS,
    cut_short,
    event_words,
    find_clashes,
    join,
    move_words,
    name_of,
    period_words,
    scenarios_text,
    story_of,
)
from state import session
from state.results import Result

MOST_COMPARED = 4
DONE = "future_saved"
HAPPENS, RULED_OUT = "happens", "does not happen"
# Said in words of the builder's own.
TOLD = ("moved-twice", "late-move")
Plain = Mapping[str, Any]


@dataclass(frozen=True)
class Draft:
    """A future in the making; `name` is that of the built scenario which it will replace."""

    name: str | None = None
    label: str = ""
    story: str = ""
    indicators: tuple[Any, ...] = ()
    events: tuple[Any, ...] = ()


def draft() -> Draft:
    """The future that this session is making."""
    return st.session_state.setdefault("future_draft", Draft())


def hold_to(now: session.View) -> None:
    """Put a draft that was begun for another case aside, until that case is looked at again."""
    before = st.session_state.setdefault("draft_case", now.id)
    if before != now.id:
        aside = st.session_state.setdefault("drafts_aside", {})
        aside[before] = draft()
        _load(aside.pop(now.id, Draft()))
        st.session_state["draft_case"] = now.id


def compared() -> list[str]:
    """Names of the scenarios that stand side by side."""
    return list(st.session_state.get("compare", ()))


@st.fragment
@last_words.spoken()
def show(result: Result) -> None:
    """Draw the builder; the page is drawn anew once a future is saved."""
    if st.session_state.pop(DONE, False):
        st.rerun()
    hold_to(session.view())
    own = draft()
    is_begun = bool(own.indicators or own.events or own.name)
    with st.expander("Make a future: build or combine", expanded=is_begun, icon=":material/add_circle:"):
        _say_problem("builder_problem")
        build, combine = st.tabs(
            [Markdown(":material/construction: Build"), Markdown(":material/merge: Combine stories")]
        )
        with build:
            _build(result)
        with combine:
            _combine(result.case)


def edit(name: str, copy: bool = False) -> None:
    """Load a scenario into the builder: to change a built one, or to start from a copy of any."""
    scenario = session.view().scenarios[name]
    label = f"{scenario.label}, changed" if copy else scenario.label
    _load(Draft(None if copy else name, label, scenario.story, scenario.indicators, scenario.events))


def delete(name: str) -> None:
    """Delete a built scenario, and from the comparison."""
    session.discard(name)
    st.session_state["compare"] = [other for other in compared() if other != name]
    if draft().name == name:
        _load(replace(draft(), name=None))


def _load(new: Draft) -> None:
    st.session_state["future_draft"] = new
    st.session_state["draft_label"], st.session_state["draft_story"] = new.label, new.story


def _build(result: Result) -> None:
    own, case = draft(), result.case
    if own.name:
        changing = Markdown("You are changing **{}**.", session.view().scenarios[own.name].label)
        st.info(changing, icon=":material/edit:")
    else:
        _start_from()
    left, right = st.columns(2, gap="large")
    with left:
        _move_form(result)
    with right:
        _event_form(result)
    st.markdown(Markdown("##### Your future"))
    if not own.indicators and not own.events:
        st.caption("Nothing is assumed yet. Add a move of an indicator or an event above.")
    for kind, listed, words in (("indicators", own.indicators, move_words), ("events", own.events, event_words)):
        for place, assumed in enumerate(listed):
            _line(case, kind, place, words(case, assumed))
    numbered = {f"assumption {place}": [move] for place, move in enumerate(own.indicators, 1)}
    doubts = _doubts(case, own)
    _say_clashes([*(clash.words for clash in find_clashes(case, numbered)), *cut_short(case, own.indicators), *doubts])
    _save_form(own)


def _doubts(case: riskcast.Case, own: Draft) -> list[str]:
    """What the draft cannot be used as, and what is used in its place; moves that meet are told beside it."""
    assumed = riskcast.Scenario(label="Draft", story="Draft", indicators=own.indicators, events=own.events)
    found = riskcast.find_scenario_doubts(case, "draft", assumed)
    return [doubt.wrong for doubt in found if doubt.judgement not in TOLD and (own.indicators or own.events)]


def _start_from() -> None:
    titles = _stories()
    if st.session_state.get("start_from", "") not in ("", *titles):
        st.session_state["start_from"] = ""
    choice, button = st.columns([3, 1], vertical_alignment="bottom")
    with choice:
        chosen = st.selectbox(
            "Start from",
            ["", *titles],
            format_func=lambda name: titles.get(name, "an empty future"),
            key="start_from",
        )
    with button:
        st.button(
            "Load", on_click=_start, args=(chosen,), key="start_button", width="stretch", help="Replaces what is below."
        )


def _stories() -> dict[str, str]:
    """What the scenarios that assume something are called."""
    now = session.view()
    assumed = {name for name, each in now.scenarios.items() if each.indicators or each.events}
    return {name: title for name, title in now.titles.items() if name in assumed}


def _start(name: str) -> None:
    if name:
        edit(name, copy=True)
    else:
        _load(Draft())


def _line(case: riskcast.Case, kind: str, place: int, words: str) -> None:
    text, button = st.columns([8, 1], vertical_alignment="center")
    with text:
        if kind == "indicators":
            st.markdown(Markdown(":material/trending_up: {}", words))
        else:
            st.markdown(Markdown(":material/bolt: {} :orange-badge[assumed]", words))
    with button:
        st.button(
            "",
            icon=":material/close:",
            key=f"remove:{kind}:{place}",
            on_click=_remove,
            args=(kind, place),
            help=f"Take out: {words}",
            type="tertiary",
        )


def _remove(kind: str, place: int) -> None:
    kept = tuple(one for other, one in enumerate(getattr(draft(), kind)) if other != place)
    st.session_state["future_draft"] = replace(draft(), **{kind: kept})


def _move_form(result: Result) -> None:
    case, period = result.case, result.case.settings.period
    with st.container(border=True):
        st.markdown(Markdown("**Move an indicator**"))
        name = st.selectbox(
            "Indicator", list(case.indicators), format_func=lambda key: case.indicators[key].label, key="move_indicator"
        )
        indicator = case.indicators[name]
        st.caption(_today(case, name))
        scale = indicator.measure
        verbs = scale.verbs
        verb = st.segmented_control(
            "What happens to it",
            verbs,
            default=verbs[1],
            required=True,
            format_func=VERBS.__getitem__,
            key=f"move_verb:{name}",
            help=scale.moves_help or None,
        )
        value = st.number_input(
            f"{VERBS[verb]} ({'factor' if verb == 'multiply' else indicator.unit})",
            value=_first_value(case, name, verb),
            min_value=0.001 if verb == "multiply" else None,
            step=scale.increment(verb),
            # A sign before a positive number leaves a browser's number field empty; %g alone rounds to six digits.
            format="%.10g",
            key=f"move_value:{name}:{verb}",
        )
        start, over, until = st.columns(3)
        with start:
            begins = st.number_input(f"From {period}", 1, 600, 1, key="move_start", help=_periods_help(result))
        with over:
            spread = st.number_input(
                f"Over {period}s", 1, 600, 1, key="move_over", help="1: at once. More: it grows to its full size."
            )
        with until:
            ends = st.number_input(
                "Until",
                1,
                600,
                value=None,
                key="move_until",
                placeholder="the end",
                help="Empty: to the horizon's end.",
            )
        dyads = _whom(case, "move_dyads") if indicator.scope == "dyad" else []
        st.button(
            "Add this move",
            icon=":material/add:",
            key="add_move",
            on_click=_add_move,
            args=(name, verb, value, begins, spread, ends, dyads),
        )


def _periods_help(result: Result) -> str:
    ahead, period = result.forecast, result.case.settings.period
    last = result.case.settings.horizon
    first_days, last_days = period_words(ahead, 1), period_words(ahead, last)
    return f"{period.capitalize()} 1 is {first_days}; {period} {last}, the last, {last_days}."


def _today(case: riskcast.Case, name: str) -> str:
    """Today's level of an indicator, and what is usual."""
    indicator = case.indicators[name]
    bounds = ""
    if indicator.bounds is not None:
        bounds = " It lies between {} and {}.".format(*map(riskcast.plain_number, indicator.bounds))
    if indicator.history == "panel":
        level = "Its level of today stands in the panel."
    elif indicator.scope == "dyad":
        levels = {unit: riskcast.plain_number(case.now_of(name, unit).center) for unit in case.dyads}
        level = "Today: " + ", ".join(f"{case.name_of(unit)} {one}" for unit, one in levels.items())
        level += f" ({indicator.unit})."
    else:
        numbers, _, ends = riskcast.quantity_text(case.now_of(name, case.host)).partition(" ")
        level = f"Today: {numbers} {indicator.unit}{' ' + ends if ends else ''}."
    return f"{level}{bounds}"


def _first_value(case: riskcast.Case, name: str, verb: str) -> float:
    indicator = case.indicators[name]
    if verb == "multiply":
        return 1.5
    if verb == "shift":
        return float(indicator.step)
    try:
        return case.now_of(name, case.units_of(name)[0]).center
    except LookupError:
        return float(indicator.reference)


def _whom(case: riskcast.Case, key: str) -> list[str]:
    return st.multiselect(
        "For whom",
        case.dyads,
        format_func=case.name_of,
        placeholder="every pair",
        key=key,
    )


def _add_move(
    name: str, verb: str, value: float | None, start: int, over: int, until: int | None, dyads: list[str]
) -> None:
    if value is None:
        st.session_state["builder_problem"] = "The move has no size; give a number."
        return
    if until is not None and until < start:
        st.session_state["builder_problem"] = (
            f"The move ends ({until}) before it starts ({start}); correct one of the two."
        )
        return
    plain: dict[str, Any] = {"indicator": name, verb: value, "start": start, "over": over, "until": until}
    _add("indicators", plain | {"dyads": sorted(dyads) or None})


def _event_form(result: Result) -> None:
    case, period = result.case, result.case.settings.period
    with st.container(border=True):
        st.markdown(Markdown("**Assume an event** :orange-badge[assumed]"))
        name = st.selectbox(
            "Event", list(case.events), format_func=lambda key: case.events[key].label, key="event_type"
        )
        st.caption(f"It counts as one where: {case.events[name].resolution.yes}")
        dyads = _whom(case, "event_dyads") if case.events[name].scope == "dyad" else []
        happens = st.segmented_control(
            "What is assumed of it", [HAPPENS, RULED_OUT], default=HAPPENS, required=True, key="event_happens"
        )
        plain: dict[str, Any] = {"event": name, "dyads": sorted(dyads) or None}
        if happens == RULED_OUT:
            plain |= _ruled_out(result)
        else:
            month = st.number_input(f"In {period}", 1, 600, 1, key="event_month", help=_periods_help(result))
            if month <= case.settings.horizon:
                st.caption(f"{period.capitalize()} {month} is {period_words(result.forecast, month)}.")
            plain["month"] = month
        st.button("Add this event", icon=":material/add:", key="add_event", on_click=_add, args=("events", plain))


def _ruled_out(result: Result) -> dict[str, Any]:
    """When an event does not happen: within the whole horizon, or from one period to another."""
    period, horizon = result.case.settings.period, result.case.settings.horizon
    start, until = st.columns(2)
    with start:
        begins = st.number_input(f"From {period}", 1, 600, 1, key="event_start", help=_periods_help(result))
    with until:
        ends = st.number_input(
            "Until", 1, 600, value=None, key="event_until", placeholder="the end", help="Empty: to the horizon's end."
        )
    if begins == 1 and ends is None:
        return {"happens": False}
    return {"happens": False, "month": begins, "until": max(begins, horizon) if ends is None else ends}


def _add(kind: str, plain: Plain) -> None:
    """Take an assumption into the draft where it fits the case, and say what is wrong where it does not."""
    try:
        # A move may start from the level that an earlier one sets, and an event be ruled out by an earlier line.
        before = getattr(draft(), kind)
        told_so_far = {"label": "Draft", "story": "Draft", kind: [*before, plain]}
        whole = riskcast.Scenario.model_validate(told_so_far)
        session.check_scenario(session.view().case, whole)
    except ValueError as error:
        st.session_state["builder_problem"] = told(error)
        return
    st.session_state["future_draft"] = replace(draft(), **{kind: (*getattr(draft(), kind), getattr(whole, kind)[-1])})


def told(error: ValueError) -> str:
    """What is wrong, and how to mend it, without the places of files that nobody has written yet."""
    if isinstance(error, riskcast.CaseError):
        keys = [problem.key.rpartition(".")[2] for problem in error.problems]
        wrong = [f"{problem.wrong}; {problem.mend}" for problem in error.problems]
        message = ". ".join(f"{key}: {what}" if key else what for key, what in zip(keys, wrong, strict=True))
    else:
        message = str(error)
    return message[:1].upper() + message[1:] + "."


def _say_problem(key: str) -> None:
    problem = st.session_state.pop(key, None)
    if problem:
        st.error(problem, icon=":material/error:")


def _say_clashes(words: list[str]) -> None:
    if words:
        st.warning(_listed(words), icon=":material/info:")


def _listed(words: Iterable[str]) -> Markdown:
    return lines(Markdown("- {}", one) for one in words)


def _save_form(own: Draft) -> None:
    st.session_state.setdefault("draft_label", own.label)
    st.session_state.setdefault("draft_story", own.story)
    label = st.text_input("Name", key="draft_label", max_chars=80, placeholder="such as Visa regime in autumn")
    story = st.text_area(
        "Story", key="draft_story", max_chars=2000, height=80, placeholder="Why would this happen? Optional."
    )
    st.session_state["future_draft"] = replace(own, label=label, story=story)
    save, clear = st.columns([1, 1])
    with save:
        st.button(
            "Save and compare",
            type="primary",
            icon=":material/check:",
            key="save_draft",
            on_click=_save,
            width="stretch",
        )
    with clear:
        st.button("Clear", key="clear_draft", on_click=_load, args=(Draft(),), width="stretch")


def _save() -> None:
    own, case = draft(), session.view().case
    label = st.session_state["draft_label"].strip()
    if not own.indicators and not own.events:
        st.session_state["builder_problem"] = "Nothing is assumed yet; add a move of an indicator or an event."
        return
    story = st.session_state["draft_story"].strip() or story_of(case, own.indicators, own.events)
    if _keep(
        own.name,
        label,
        lambda: riskcast.Scenario(label=label, story=story, indicators=own.indicators, events=own.events),
    ):
        _load(Draft())


def _keep(replaced: str | None, label: str, make: Any) -> bool:
    """Save a scenario under a name from its label and compare it; False where that was told to be impossible."""
    name = name_of(label)
    others = {other: each for other, each in session.view().scenarios.items() if other != replaced}
    if not name:
        st.session_state["builder_problem"] = "The future has no name; give it one, in Latin letters or digits."
        return False
    taken = next((each.label for other, each in others.items() if other == name or each.label == label), None)
    if taken is not None:
        st.session_state["builder_problem"] = f"There is a future “{taken}” already; choose another name."
        return False
    try:
        session.build(name, make(), replaced)
    except ValueError as error:
        st.session_state["builder_problem"] = told(error)
        return False
    side_by_side = compared()
    if replaced is not None:
        side_by_side = [name if other == replaced else other for other in side_by_side]
    if name not in side_by_side and len(side_by_side) < MOST_COMPARED:
        side_by_side.append(name)
    elif name not in side_by_side:
        st.session_state["compare_note"] = (
            f"“{label}” is saved. Four futures stand side by side already: take one out to compare it."
        )
    st.session_state["compare"] = side_by_side
    st.session_state[DONE] = True
    return True


def _combine(case: riskcast.Case) -> None:
    scenarios, titles = session.view().scenarios, _stories()
    st.session_state["combine"] = [name for name in st.session_state.get("combine", ()) if name in titles]
    chosen = st.multiselect(
        "Stories to join",
        list(titles),
        format_func=titles.__getitem__,
        key="combine",
        placeholder="two or more",
    )
    if len(chosen) < 2:
        st.caption("Choose two or more: their moves and events become one future.")
        return
    parts = {titles[name]: scenarios[name] for name in chosen}
    clashes = find_clashes(case, {label: part.indicators for label, part in parts.items()})
    against = [clash.words for clash in clashes if clash.is_contradiction]
    _say_clashes([clash.words for clash in clashes if not clash.is_contradiction])
    if against:
        st.error(
            Markdown(
                "**These stories contradict one another**, and nothing decides between them but you:\n\n{}\n\nLeave "
                "one out, or open the joined future in the builder and take one of the moves out.",
                _listed(against),
            ),
            icon=":material/error:",
        )
    proposed = " + ".join(parts)[:80]
    label = st.text_input("Name", value=proposed, max_chars=80, key=f"combine_label:{'+'.join(chosen)}")
    save, open_it = st.columns(2)
    with save:
        st.button(
            "Combine and compare",
            type="primary",
            icon=":material/merge:",
            key="save_combined",
            disabled=bool(against),
            on_click=_save_combined,
            args=(label, chosen),
            width="stretch",
        )
    with open_it:
        st.button(
            "Open in the builder", key="open_combined", on_click=_open_combined, args=(label, chosen), width="stretch"
        )


def _save_combined(label: str, chosen: list[str]) -> None:
    scenarios = session.view().scenarios
    if _keep(None, label.strip(), lambda: join(label.strip(), [scenarios[name] for name in chosen])):
        st.session_state["combine"] = []


def _open_combined(label: str, chosen: list[str]) -> None:
    scenarios = session.view().scenarios
    joined = join(label.strip() or "Joined", [scenarios[name] for name in chosen])
    _load(Draft(None, joined.label, joined.story, joined.indicators, joined.events))
    st.session_state["combine"] = []


def manage(name: str) -> None:
    """Buttons for one built scenario: edit, delete."""
    change, drop = st.columns(2)
    with change:
        st.button("Edit", icon=":material/edit:", key=f"edit:{name}", on_click=edit, args=(name,), width="stretch")
    with drop:
        st.button(
            "Delete", icon=":material/delete:", key=f"delete:{name}", on_click=delete, args=(name,), width="stretch"
        )


def kept() -> None:
    """The list of built scenarios, with a file to keep."""
    now = session.view()
    if not now.built:
        return
    with st.expander(f"Futures built here: {len(now.built)}", icon=":material/inventory_2:"):
        st.caption(
            "They live in this session and in the address of the page. Download them to keep them: the text goes into "
            "the case's scenarios.yaml."
        )
        scenarios = now.scenarios
        for name in now.built:
            text, buttons = st.columns([3, 2], vertical_alignment="center")
            with text:
                st.markdown(Markdown("**{}** &nbsp; {}", scenarios[name].label, code(name)))
            with buttons:
                manage(name)
        st.download_button(
            "Download as YAML",
            scenarios_text({name: scenarios[name] for name in now.built}),
            file_name=f"{now.case.name}_scenarios.yaml",
            mime="application/yaml",
            icon=":material/download:",
            key="download_scenarios",
            on_click="ignore",
        )
