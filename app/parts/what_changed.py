"""What changed since an earlier day, and why: worked out when it is asked for."""

from __future__ import annotations

import datetime as dt
from typing import Any

import riskcast
from parts import door as st, widgets
from state import results, session
from state.results import Result

LEAST_POINTS = 0.05
YEAR, MONTH = dt.timedelta(days=366), dt.timedelta(days=30)


def show(result: Result) -> None:
    """Draw the part: a day to compare with, and what changed since, once it has been asked for."""
    case = result.case
    first, last = case.settings.history_from + YEAR, case.as_of - dt.timedelta(days=1)
    if case.panel is not None or first > last:
        return
    view = session.view()
    with st.expander("What changed since an earlier day, and why"):
        day = st.date_input(
            "Earlier day",
            max(first, case.as_of - MONTH),
            min_value=first,
            max_value=last,
            key=f"since:{view.id}",
            help="What could be known by then is held against what is known now.",
        )
        asked = f"since_asked:{view.id}"
        if st.button("Say what changed", key=f"since_go:{view.id}"):
            st.session_state[asked] = day
        if not isinstance(day, dt.date) or st.session_state.get(asked) != day:
            st.caption("A minute or two: some hundred forecasts lie between the two days.")
            return
        _draw(_found(view, day), result)


def _found(view: session.View, day: dt.date) -> riskcast.WhatChanged:
    """What changed, with progress while it is worked out."""
    place = st.empty()

    def report(done: int, total: int) -> None:
        with place:
            st.progress(done / total, f"Forecasting what lies between: {done} of {total}")

    try:
        return results.changed_since(view, day, report)
    finally:
        place.empty()


def _draw(found: riskcast.WhatChanged, result: Result) -> None:
    for failure in found.failures:
        st.warning(f"A posterior failed its checks: {failure}.")
    for sentence in found.sentences[: widgets.MOST_PAIRS]:
        st.markdown(sentence)
    chosen = widgets.choose_pair(result, f"since_dyad:{session.view().id}")
    split = found.split(chosen)
    st.dataframe([_row(part, chosen) for part in split.parts if abs(part.points) >= LEAST_POINTS], hide_index=True)
    st.caption("Points of the score; ± MC is the Monte Carlo standard error of a part. Parts add up to the change.")
    moved = [each for each in found.probabilities if each.unit == chosen and abs(each.points) >= LEAST_POINTS]
    for each in moved[:3]:
        st.markdown(each.sentence)
    st.caption(f"Scenario {found.scenario}. {' '.join(found.notes)}".strip())


def _row(part: riskcast.ChangePart, unit: str) -> dict[str, Any]:
    return {
        "what changed it": part.told(unit),
        "points": riskcast.signed(part.points),
        "± MC": f"{part.error:.1f}",
    }
