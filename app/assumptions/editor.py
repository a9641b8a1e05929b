"""The editor of one quantity: numbers and sliders that agree, prior before and after, evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import riskcast
from assumptions.numbers import (
    Numbers,
    find_problem,
    made_uncertain,
    natural,
    numbers_of,
    quantity_words,
    shown,
    spinner_step,
    text,
    ticks,
    with_median,
)
from assumptions.words import INTERVAL, MEDIAN, Subject
from parts import door as st, widgets
from parts.markdown import Markdown, code, link
from riskcast import charts
from state import results, session, steady
from state.session import View

BASES = {
    "data": (Markdown(":green-badge[data]"), "Data: the number is read off a record or a statistic."),
    "source": (Markdown(":blue-badge[source]"), "Source: a source argues for it; the size may be judged."),
    "judgement": (
        Markdown(":orange-badge[judgement]"),
        "Judgement: neither a record nor a source says it; it is the author's estimate.",
    ),
    "record": (
        Markdown(":violet-badge[record]"),
        "Record: drawn from this case's own record, which the model learns from too, so that it cannot confirm it.",
    ),
}
PRIOR_HELP = "Prior: what is believed before the record of events is looked at."


@dataclass(frozen=True)
class Draft:
    """Numbers that were given but cannot be used, with what is wrong; forgotten once the quantity is another."""

    key: str
    over: Numbers
    numbers: Numbers
    wrong: str


def show(now: View, current: riskcast.Case, subject: Subject) -> None:
    """Draw the editor of a quantity."""
    key = subject.key
    published = session.quantities(now.case)[key]
    applied = session.quantities(current)[key]
    draft = _draft(key, numbers_of(applied))
    with st.container(border=True, key="editor"):
        _title(now, subject, published)
        numbers = numbers_of(applied) if draft is None else draft.numbers
        _inputs(subject, numbers_of(published), numbers_of(applied), numbers)
        if draft is not None:
            st.error(Markdown("**Not applied.** {}", draft.wrong), icon=":material/error:")
        _doubts(current, subject)
        _density(now, subject, published, applied)
        for one in results.held_levels(current):
            if one.key == subject.key:
                _held(current, one)
        _evidence(now, subject, published)
        st.caption(Markdown("Id in overlay files: {}", code(key)))
        # Last, as the record is simulated anew for it.
        if subject.event is not None:
            _clash(current, subject)


def _doubts(current: riskcast.Case, subject: Subject) -> None:
    """Say what can hardly be meant by the quantity."""
    for doubt in results.doubts(current):
        if doubt.quantity != subject.key:
            continue
        st.warning(
            Markdown(
                "**Can this be meant?** {}; {}. {}",
                doubt.wrong[:1].upper() + doubt.wrong[1:],
                doubt.mend,
                code(doubt.judgement),
            ),
            icon=":material/rule:",
        )


# Where priors rest on the record that they are held against, that they go together says nothing.
DRAWN = {"drawn from it": "drawn from the record", "partly drawn from it": "partly drawn from the record"}


def _clash(current: riskcast.Case, subject: Subject) -> None:
    """Say where the record contradicts what is believed of the event type that a quantity drives."""
    check = next((one for one in results.conflicts(current) if one.event == subject.event), None)
    if check is None:
        return
    expected = f"{check.low:.0f}–{check.high:.0f} were to be expected"
    counted = f"{check.label}: {check.recorded} in the record; from the priors alone {expected}"
    if check.verdict == "agree":
        st.caption(Markdown(":material/check: Prior and record agree. {}.", counted))
    elif check.verdict in DRAWN:
        st.caption(Markdown("Priors were {}, which therefore cannot confirm them. {}.", DRAWN[check.verdict], counted))
    else:
        st.warning(
            Markdown(
                "**Prior and record disagree** ({}). {}. All quantities of this event type share in the disagreement, "
                "not this one alone.",
                check.verdict,
                counted,
            ),
            icon=":material/rule:",
        )


def _title(now: View, subject: Subject, published: riskcast.Quantity) -> None:
    unit = Markdown(" · *{}*", subject.unit) if subject.unit and subject.scale == 1.0 else ""
    st.markdown(subject.label + unit, help=subject.help)
    changed = subject.key in now.changes
    left, right = st.columns([3, 2], vertical_alignment="center")
    mark = Markdown(":orange-badge[changed]") if changed else Markdown(":gray-badge[as published]")
    with left:
        st.markdown(Markdown("{} Published: **{}**", mark, quantity_words(subject, published)))
    with right:
        st.button(
            "Reset this one",
            icon=":material/restart_alt:",
            on_click=_reset,
            args=(subject.key,),
            disabled=not changed and _pending(subject.key) is None,
            key="reset_one",
            width="stretch",
        )


def _inputs(subject: Subject, published: Numbers, applied: Numbers, numbers: Numbers) -> None:
    uncertain = numbers.uncertain
    switch, follow = st.columns(2)
    key = _key(subject, "uncertain")
    with switch:
        st.toggle(
            "Uncertain",
            **steady.put(key, uncertain),
            key=key,
            on_change=_edited,
            args=(subject, "uncertain", key),
            help="Off: the quantity is held at one value, and the record cannot change it.",
        )
    with follow:
        if uncertain:
            st.session_state.setdefault("follow", True)
            st.session_state["follow_widget"] = st.session_state["follow"]
            st.toggle(
                "Interval moves along",
                key="follow_widget",
                on_change=_remember_follow,
                help="When the median moves, the interval moves with it and keeps its width on the quantity's scale.",
            )
    offered = ticks(subject, published, applied)
    value = "Median" if uncertain else "Value"
    _slider(subject, value, offered, applied.median)
    if not uncertain:
        _number(subject, "median", value, numbers.median, MEDIAN)
        return
    if applied.uncertain:
        _range_slider(subject, offered, (applied.low, applied.high))
    low, middle, high = st.columns(3)
    with low:
        _number(subject, "low", "Low (5 %)", numbers.low, "One time in twenty, the true value is below this.")
    with middle:
        _number(subject, "median", value, numbers.median, MEDIAN)
    with high:
        _number(subject, "high", "High (95 %)", numbers.high, "One time in twenty, the true value is above this.")


def _slider(subject: Subject, label: str, offered: list[float], value: float) -> None:
    key = _key(subject, "median_slider")
    st.select_slider(
        label,
        offered,
        **steady.put(key, value),
        format_func=lambda each: text(subject, each),
        key=key,
        on_change=_edited,
        args=(subject, "median_slider", key),
        help=MEDIAN,
    )


def _range_slider(subject: Subject, offered: list[float], ends: tuple[float, float]) -> None:
    """A slider with two ends; made anew to show others than the user's, as its state cannot be set."""
    revision = st.session_state.setdefault("range_revision", 0)
    name = _key(subject, "range_slider")
    if st.session_state.get(f"{name}:{revision}", ends) != ends:
        revision += 1
        st.session_state["range_revision"] = revision
    key = f"{name}:{revision}"
    st.select_slider(
        "90 % interval",
        offered,
        ends,
        format_func=lambda each: text(subject, each),
        key=key,
        on_change=_edited,
        args=(subject, "range_slider", key),
        help=INTERVAL,
    )


def _number(subject: Subject, part: str, label: str, value: float, tip: str) -> None:
    key = _key(subject, part)
    st.number_input(
        label + (" %" if subject.scale != 1.0 else ""),
        **steady.put(key, float(shown(subject, value))),
        step=float(spinner_step(subject, value)),
        format="%.10g",
        key=key,
        on_change=_edited,
        args=(subject, part, key),
        help=tip,
    )


def _key(subject: Subject, part: str) -> str:
    return f"edit:{part}:{subject.key}"


def _remember_follow() -> None:
    st.session_state["follow"] = st.session_state["follow_widget"]


def _reset(key: str) -> None:
    st.session_state.pop("number_draft", None)
    session.reset(key)


def _pending(key: str) -> Draft | None:
    draft = st.session_state.get("number_draft")
    return draft if draft is not None and draft.key == key else None


def _draft(key: str, applied: Numbers) -> Draft | None:
    """What was given for a quantity and could not be used, unless the quantity has changed since."""
    draft = _pending(key)
    if draft is None or draft.over != applied:
        st.session_state.pop("number_draft", None)
        return None
    return draft


def _edited(subject: Subject, part: str, key: str) -> None:
    """Take over what a widget says: change the quantity, or keep a draft that says why not."""
    if steady.is_echo(key):
        return
    now = session.view()
    applied = numbers_of(session.quantities(now.changed)[subject.key])
    published = numbers_of(session.quantities(now.case)[subject.key])
    draft = _draft(subject.key, applied)
    old = applied if draft is None else draft.numbers
    follow = draft is None and st.session_state.get("follow", True)
    given = st.session_state[key]
    new = _moved(subject, part, given, old, published, follow)
    wrong = find_problem(subject, new) or _refusal(now, subject.key, new)
    if wrong is not None:
        st.session_state["number_draft"] = Draft(subject.key, applied, new, wrong)
        return
    st.session_state.pop("number_draft", None)
    session.change(subject.key, new.plain)


def _moved(subject: Subject, part: str, given: Any, old: Numbers, published: Numbers, follow: bool) -> Numbers:
    if part == "uncertain":
        return made_uncertain(subject, old, published) if given else replace(old, uncertain=False)
    if part == "range_slider":
        return replace(old, low=given[0], high=given[1])
    if part == "median_slider":
        return with_median(subject, old, given, follow)
    same = given is None or given == shown(subject, getattr(old, part))
    value = getattr(old, part) if same else natural(subject, given)
    return with_median(subject, old, value, follow) if part == "median" else replace(old, **{part: value})


def _refusal(now: View, key: str, numbers: Numbers) -> str | None:
    """Why the case cannot take the numbers, with the mend; None if it can."""
    try:
        riskcast.apply_overlay(now.case, {**now.changes, key: numbers.plain})
    except riskcast.CaseError as error:
        first = error.problems[0]
        return f"{first.wrong[:1].upper()}{first.wrong[1:]}; {first.mend}."
    return None


def _density(now: View, subject: Subject, published: riskcast.Quantity, applied: riskcast.Quantity) -> None:
    chart = charts.density_chart(
        riskcast.elicit(published, subject.link),
        riskcast.elicit(applied, subject.link),
        palette=widgets.palette(),
    )
    st.altair_chart(chart, theme=None, width="stretch")


def _held(current: riskcast.Case, level: riskcast.HeldLevel) -> None:
    """Say how often the level meets its bound."""
    settings = current.settings
    today = f", today in {riskcast.percent(level.today)}" if level.today > 0 else ""
    st.caption(
        Markdown(
            ":material/vertical_align_bottom: Held at {} in {} of futures after {} {}s{}, as it drifts and cannot "
            "lie beyond.",
            riskcast.plain_number(level.bound),
            riskcast.percent(level.ahead),
            settings.horizon,
            settings.period,
            today,
        )
    )


def _evidence(now: View, subject: Subject, published: riskcast.Quantity) -> None:
    evidence = published.evidence
    if evidence is None:
        st.caption("No evidence is given for this quantity.")
        return
    badge, tip = BASES[evidence.basis]
    st.markdown(Markdown("**Evidence** {}", badge), help=tip)
    st.markdown(evidence.claim)
    rationale = next((each.rationale for each in now.case.effects if each.quantity_id == subject.key), None)
    if rationale:
        st.markdown(Markdown("*Why there should be an effect:* {}", rationale))
    for name in evidence.sources:
        source = now.case.sources[name]
        linked = link(source.title, source.url)
        st.caption(Markdown("{} · {}, {}", linked, source.publisher, f"{riskcast.long_date(source.date)}"))
