"""Roll the case to a later day, enter what is new, say what was searched; the forecast follows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import riskcast
from files import downloads
from parts import door as st, widgets
from parts.markdown import Markdown
from state import results, session, working_copy
from state.session import View
from state.working_copy import Copy, Operation

EVERY_PAIR, NOBODY_KNOWN = "ALL", "other"
WEEK = dt.timedelta(days=7)
DONE, PROBLEM = "update_done", "update_problem"
BY_SOURCES = "as its sources say"
STATUSES = (BY_SOURCES, "located", "unverified", "judgement", "disputed")
NEW = "A new source …"


def show() -> None:
    """Draw the page."""
    now = session.view()
    widgets.heading("Update", "Roll the case to a later day, enter what is new, and say what was searched.")
    if now.case.panel is not None:
        st.info("This case's record is a panel: add rows to its table instead.", icon=":material/table:")
        return
    copy = working_copy.copy_of(now.case)
    # What comes and goes stands in containers, which stay: else the chosen tab would be lost with every edit.
    with st.container():
        _where(now, copy)
    with st.container():
        _last_edit()
    author = st.text_input("Who you are", key="update_author", max_chars=100, placeholder="stands in the journal")
    with st.container():
        _stale(now)
    st.subheader("What is new", anchor="what-is-new")
    labels = ["Day", "Event", "Value", "Searched", "Number"]
    forms: Sequence[Callable[[View, str], None]] = (_day, _event, _value, _searched, _number)
    for tab, label, form in zip(st.tabs(labels), labels, forms, strict=True):
        with tab:
            wrong = st.session_state.get(PROBLEM)
            if wrong is not None and wrong[0] == label:
                st.error(Markdown("**Nothing was written.**"), icon=":material/error:")
                # As code, so that nothing in a file passes for markup.
                st.code(wrong[1], language=None, wrap_lines=True)
            form(now, author)
    _past(now, copy, author)
    _scores(now)


def _where(now: View, copy: Copy) -> None:
    if copy.folder is not None:
        st.info(Markdown("Edits are written to **{}** at once.", str(copy.folder)), icon=":material/folder_open:")
        return
    told = "Edits go into a copy of the case, in this session: download it below to keep it."
    if copy.anew:
        told += " The files that it was read from are not known here, so that comments are lost."
    st.info(told, icon=":material/content_copy:")
    if now.observed:
        st.warning("Events added on the page Scenarios are no part of the files; enter them here to keep them.")


def _last_edit() -> None:
    done = st.session_state.get(DONE)
    if done is None:
        return
    st.success(Markdown("{}: case {} → {}", "; ".join(done.what), done.before[:12], done.after[:12]))
    for note in done.notes:
        st.caption(note)


def _stale(now: View) -> None:
    case = now.case
    st.subheader("What is stale", anchor="what-is-stale")
    today = max(dt.date.today(), case.as_of)
    day = st.date_input(
        "Seen from",
        value=min(today, case.as_of + WEEK),
        min_value=case.as_of,
        max_value=today,
        key=f"update_seen:{now.id}",
        help="The day that the case is to be rolled to.",
    )
    found = riskcast.find_stale(case, day)
    if found.is_fresh:
        st.success("Nothing is stale.", icon=":material/check:")
        return
    if found.unsearched:
        st.dataframe(
            [
                {
                    "Not searched for": _types(case, one.types),
                    "Where": ", ".join(one.units) or "everywhere",
                    "Since": "never" if one.until is None else str(one.until),
                    "Days": one.days,
                    "Events at its pace": "" if one.until is None else f"{one.expected:.1f}",
                }
                for one in found.unsearched
            ],
            hide_index=True,
            key="update_unsearched",
        )
    if found.series:
        st.dataframe(
            [
                {
                    "A value is due of": late.label + (f" ({late.series})" if late.series else ""),
                    "Where": ", ".join(late.units),
                    "Last": str(late.last),
                    "Every": f"{late.every} days" + ("" if late.stated else ", as so far"),
                    "Due since": str(late.due),
                }
                for late in found.series
            ],
            hide_index=True,
            key="update_series",
        )
    if found.undated:
        names = ", ".join(case.indicators[name].label for name in found.undated)
        st.caption(
            f"Stated of {riskcast.long_date(case.as_of)} without a day: {names}. With a roll these levels are dated, "
            "and age from then on."
        )


def _types(case: riskcast.Case, types: Sequence[str]) -> str:
    return "all types" if len(types) == len(case.events) else ", ".join(_label(case, kind) for kind in types)


def _day(now: View, author: str) -> None:
    case, today = now.case, dt.date.today()
    if case.as_of >= today:
        st.caption("The case is as of today.")
        return
    day = st.date_input(
        "The case's new day",
        value=min(today, case.as_of + WEEK),
        min_value=case.as_of + dt.timedelta(days=1),
        max_value=today,
        key=f"update_day:{now.id}",
    )
    st.caption(f"The case as of {riskcast.long_date(case.as_of)} is kept as it stands, as a vintage.")
    _button("Day", "Roll the day", lambda: [riskcast.NewDay(day)], author)


def _event(now: View, author: str) -> None:
    case = now.case
    left, right = st.columns(2, gap="large")
    with left:
        types = list(case.events)
        kind = st.selectbox("What happened", types, format_func=lambda one: _label(case, one), key="update_type")
        event = case.events[kind]
        st.caption(f"It counts as one where: {event.resolution.yes}")
        whom = [*case.dyads, EVERY_PAIR] if event.scope == "dyad" else [case.host]
        dyad = st.selectbox(
            "Between whom", whom, format_func=lambda unit: _unit(case, unit), key=f"update_dyad:{event.scope}"
        )
        partner = (case.pairs[dyad].second,) if dyad in case.pairs else ()
        usual = {"host": case.host, "partner": (*partner, NOBODY_KNOWN)[0], "other": NOBODY_KNOWN}[event.initiator]
        actors = list(dict.fromkeys((usual, case.host, *partner, NOBODY_KNOWN)))
        actor = st.selectbox(
            "Who acted",
            actors,
            format_func=lambda one: "somebody else" if one == NOBODY_KNOWN else case.state_names.get(one, one),
            key=f"update_actor:{kind}:{dyad}",
        )
    with right:
        day = _case_day(now, "On which day", "update_event_day")
        published = _case_day(now, "Known to the world since", "update_event_published", day)
        status = st.selectbox("It rests on", STATUSES, key="update_event_status", help=_STATUS)
    words = st.text_input("Who did what, in a sentence", key=f"update_words:{now.id}", max_chars=500)
    sources, new = _sources(now, "event")

    def made() -> list[Operation]:
        said = published if published != day else None
        rests = None if status == BY_SOURCES else status
        own = riskcast.NewEvent(day, kind, dyad, words.strip(), "day", actor, sources, rests, said)
        return [*new, own]

    _button("Event", "Add the event", made, author)


_STATUS = (
    "located: a source was found; unverified: none; judgement: a rule was judged to be met; disputed: sources differ."
)


def _value(now: View, author: str) -> None:
    case = now.case
    known = [name for name, one in case.indicators.items() if one.history == "series"]
    if not known:
        st.caption("No indicator of this case has dated values.")
        return
    left, right = st.columns(2, gap="large")
    with left:
        name = st.selectbox(
            "Indicator", known, format_func=lambda one: case.indicators[one].label, key="update_indicator"
        )
        indicator, units = case.indicators[name], case.units_of(name)
        unit = st.selectbox("Of whom", units, format_func=lambda one: _unit(case, one), key=f"update_unit:{name}")
        measures = list(indicator.series)
        series = None
        if measures:
            label = {key: measure.label for key, measure in indicator.series.items()}
            series = st.selectbox("Series", measures, format_func=lambda one: label[one], key=f"update_series:{name}")
        day = _case_day(now, "Of which day", "update_value_day")
        published = _case_day(now, "Published on", "update_value_published", day)
    rows = [r for r in case.series_rows if (r.indicator, r.unit, r.series) == (name, unit, series)]
    last = max(rows, key=lambda row: row.date, default=None)
    with right:
        if last is not None:
            st.caption(f"Last: {last.value:g} ({last.low:g} to {last.high:g}) at {riskcast.long_date(last.date)}")
        keys = f"{name}:{unit}:{series}"
        value = st.number_input(f"Value ({indicator.unit})", value=None, key=f"update_value:{keys}", format="%g")
        low = st.number_input("Lower end of its 90 % interval", value=None, key=f"update_low:{keys}", format="%g")
        high = st.number_input("Upper end", value=None, key=f"update_high:{keys}", format="%g")
        status = st.selectbox("It rests on", STATUSES[:-1], key="update_value_status", help=_STATUS)
    sources, new = _sources(now, "value")

    def made() -> list[Operation]:
        if value is None:
            raise riskcast.RiskcastError("the value is empty; give a number in the indicator's unit")
        rests = None if status == BY_SOURCES else status
        own = riskcast.NewValue(name, unit, day, value, low, high, published, sources, rests, series)
        return [*new, own]

    _button("Value", "Add the value", made, author)


def _searched(now: View, author: str) -> None:
    case = now.case
    st.caption("A day without a recorded event counts as peace only where it was searched.")
    types = st.multiselect(
        "Types of events that were searched",
        list(case.events),
        format_func=lambda name: _label(case, name),
        key="update_searched_types",
        placeholder="all",
    )
    units = st.multiselect("Where", [*case.dyads, case.host], key="update_searched_units", placeholder="everywhere")
    until = _case_day(now, "Until", "update_until", case.as_of)
    made = riskcast.Searched(tuple(types), tuple(units), None, until)
    _button("Searched", "It was searched", lambda: [made], author)


def _number(now: View, author: str) -> None:
    case = now.case
    quantities = {key: quantity for key, quantity, _ in case.quantities()}
    key = st.selectbox(
        "Quantity",
        list(quantities),
        format_func=lambda one: riskcast.name_quantity(case, one).label,
        key="update_quantity",
    )
    own, unit = quantities[key], riskcast.name_quantity(case, key).unit
    st.caption(f"Now {riskcast.quantity_text(own)}, in {unit}.")
    fixed = st.toggle("Held at one value", value=own.is_fixed, key=f"update_fixed:{key}")
    low, high = own.range
    if fixed:
        value = st.number_input("Value", value=float(own.center), key=f"update_held:{key}", format="%g")
        made = riskcast.NewNumbers(key, value=value)
    else:
        first, second, third = st.columns(3)
        with first:
            median = st.number_input("Median", value=float(own.center), key=f"update_median:{key}", format="%g")
        with second:
            below = st.number_input("Lower end (5 %)", value=float(low), key=f"update_below:{key}", format="%g")
        with third:
            above = st.number_input("Upper end (95 %)", value=float(high), key=f"update_above:{key}", format="%g")
        made = riskcast.NewNumbers(key, median, (below, above))
    claim = st.text_input("What it rests on, in a sentence", key=f"update_claim:{key}", max_chars=500)
    if claim.strip():
        made = riskcast.NewNumbers(made.quantity, made.median, made.interval, made.value, claim.strip())
    _button("Number", "Change it in its file", lambda: [made], author)


def _sources(now: View, form: str) -> tuple[tuple[str, ...], list[Operation]]:
    """Sources of a row, and a new one that comes with it."""
    chosen = st.multiselect(
        "Sources",
        [NEW, *now.case.sources],
        format_func=lambda one: one if one == NEW else f"{one}: {now.case.sources[one].title}",
        key=f"update_sources:{form}",
    )
    if NEW not in chosen:
        return tuple(chosen), []
    left, right = st.columns(2, gap="large")
    with left:
        name = st.text_input("Its id", key=f"update_source_id:{form}", placeholder="rferl_note_2024").strip()
        title = st.text_input("Its title", key=f"update_source_title:{form}").strip()
    with right:
        publisher = st.text_input("Its publisher", key=f"update_source_publisher:{form}").strip()
        url = st.text_input("Its address", key=f"update_source_url:{form}").strip()
    key = f"update_source_day:{form}"
    day = st.date_input("Published on", value=now.case.as_of, max_value=dt.date.today(), key=key)
    source = riskcast.NewSource(name, title, publisher, day, url=url or None)
    return tuple(name if one == NEW else one for one in chosen), [source]


def _case_day(now: View, label: str, key: str, value: dt.date | None = None) -> dt.date:
    case = now.case
    return st.date_input(
        label,
        value=min(value or case.as_of, case.as_of),
        min_value=case.settings.history_from,
        max_value=case.as_of,
        key=f"{key}:{now.id}:{value or ''}",
        help=f"At the latest {riskcast.long_date(case.as_of)}: roll the case's day for what is later.",
    )


def _button(form: str, label: str, made: Callable[[], list[Operation]], author: str) -> None:
    """The button of a form; what is wrong with what was entered is told in its place once it is pressed."""
    # In the run itself, not in a callback: a callback has what was entered one run before.
    if st.button(label, type="primary", key=f"update_go:{form}"):
        _try(form, lambda now: working_copy.edit(now, made(), author.strip() or None))


def _try(form: str, change: Callable[[View], riskcast.Update]) -> None:
    """Change the case, or keep what is wrong to be told, and draw the page anew."""
    before = session.view()
    st.session_state[PROBLEM] = st.session_state[DONE] = None
    try:
        st.session_state[DONE] = change(before)
        st.session_state["update_before"] = before
    except riskcast.RiskcastError as error:
        st.session_state[PROBLEM] = (form, str(error))
    st.rerun()


def _past(now: View, copy: Copy, author: str) -> None:
    entries, kept = working_copy.look_at(
        copy, lambda folder: (riskcast.read_journal(folder), riskcast.list_vintages(folder))
    )
    st.subheader("What was edited", anchor="what-was-edited")
    wrong = st.session_state.get(PROBLEM)
    if wrong is not None and wrong[0] == "Undo":
        st.error(wrong[1], icon=":material/error:")
    if entries:
        told = [
            {"No.": one.number, "When (UTC)": one.when[:16].replace("T", " "), "Who": one.author, "What": part}
            for one in reversed(entries)
            for part in one.what
        ]
        st.dataframe(told, hide_index=True, key="update_journal")
    else:
        st.caption("Nothing so far.")
    left, middle, right = st.columns(3)
    with left:
        if st.button("Undo the last edit", disabled=not entries, key="update_undo"):
            _try("Undo", lambda now: working_copy.take_back(now, author.strip() or None))
    with middle:
        st.download_button(
            "Download the case",
            downloads.folder_zip(copy.name, copy.files),
            file_name=f"{downloads.safe_name(copy.name)}-{now.case.as_of}.zip",
            mime="application/zip",
            key="update_download",
        )
    with right:
        if kept:
            names = [one.name for one in reversed(kept)]
            name = st.selectbox("Kept as it stood", names, key=f"update_kept:{now.id}")
            if st.button("Look at it", key="update_look"):
                session.show(working_copy.vintage_of(now, name))
                st.rerun()


def _scores(now: View) -> None:
    """Every score before the last edit and after it."""
    before = st.session_state.get("update_before")
    if before is None or st.session_state.get(DONE) is None or before.case.dyads != now.case.dyads:
        return
    st.subheader("What the forecast says now", anchor="what-the-forecast-says-now")
    old, new = results.current(before), results.current(now)
    was, becomes = f"As of {before.case.as_of}, before", f"As of {now.case.as_of}, now"
    rows: list[dict[str, Any]] = [
        {
            "Pair": after.partner_name or after.id,
            was: round(earlier.score.mean, 1),
            becomes: round(after.score.mean, 1),
            "90 %": widgets.interval(after.score),
        }
        for earlier, after in zip(old.risk.dyads, new.risk.dyads, strict=True)
    ]
    st.dataframe(rows, hide_index=True, key="update_scores")
    widgets.health(new)


def _label(case: riskcast.Case, name: str) -> str:
    return case.events[name].label


def _unit(case: riskcast.Case, unit: str) -> str:
    return "every pair" if unit == EVERY_PAIR else case.name_of(unit)
