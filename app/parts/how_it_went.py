"""How scores went: sparklines and places in their own past, or how far looking back is."""

from __future__ import annotations

import numpy as np

import riskcast
from parts import door as st, last_words
from parts.markdown import Markdown
from riskcast import charts
from state import looking_back

POLL_SECONDS = 2.0
BLOCKS = 24


def line_of(history: riskcast.ScoreHistory, dyad: str) -> Markdown | None:
    """A pair's sparkline, its place in its own past, and the change since a month; None where it has no past."""
    if dyad not in history.dyads:
        return None
    own = history.of(dyad)
    scores = np.concatenate([history.of(one).score for one in history.dyads])
    # A dyad has no score as of days before it existed.
    known = scores[np.isfinite(scores)]
    spark = charts.sparkline(own.score.tolist(), BLOCKS, float(known.min()), float(known.max()))
    told = "" if own.percentile is None else f"above {riskcast.percent(own.percentile)} of its past"
    if own.since_month is not None:
        moved = own.since_month
        told += f", {riskcast.signed(moved.difference.mean)} since {riskcast.short_date(moved.since)}"
    return Markdown("{} {}", spark, told)


def offer(case: riskcast.Case, key: str) -> None:
    """A button that starts looking back, or how far that is."""
    found = looking_back.how_far(case)
    if found.running:
        _watch(case, key)
        return
    if found.error:
        st.error(f"The history could not be worked out: {found.error}", icon=":material/error:")
    left = found.total - found.done
    label = "Go on with the history" if found.done else "Work out the history"
    st.button(
        f"{label} ({left} forecasts)",
        on_click=looking_back.start,
        args=(case,),
        key=f"history_start:{key}",
        icon=":material/show_chart:",
        help=(
            "Forecasts the case as published as of every month end of the last five years, each from what was known "
            "then. It goes on in the background for some minutes, and is kept: after a later event only the days after "
            "it are worked out anew."
        ),
    )


@st.fragment(run_every=POLL_SECONDS)
@last_words.spoken()
def _watch(case: riskcast.Case, key: str) -> None:
    """How far looking back is; the whole page is drawn anew only when it has ended."""
    found = looking_back.how_far(case)
    if not found.running:
        st.rerun()
    st.progress(found.done / max(found.total, 1), text=f"Looking back: {found.done} of {found.total} days")
    st.button("Stop", on_click=looking_back.cancel, args=(case,), key=f"history_stop:{key}")
