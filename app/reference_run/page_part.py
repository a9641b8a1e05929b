"""Verify: the reference engine beside the fast one, run in the background while work goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import riskcast
from parts import door as st, last_words, widgets
from parts.markdown import Markdown
from reference_run import process as verify
from state import results, session
from state.results import Result
from state.session import View

POLL_SECONDS = 1.0
MOST_STANDARD_ERRORS = 4.0
PHASES = {
    "waiting": "Waiting for its turn",
    "starting": "Starting",
    "compiling": "Compiling the model",
    "sampling": "Sampling",
    "forecasting": "Forecasting",
}


@dataclass(frozen=True)
class Run:
    """A run of the reference engine, and what was looked at when it began."""

    view: View
    handle: verify.Verification


@dataclass(frozen=True)
class Compared:
    """One number from both engines; `error`: the standard error that chance alone gives their difference."""

    what: str
    fast: Any
    reference: Mapping[str, float]
    error: float

    @property
    def difference(self) -> float:
        """Reference less fast."""
        return self.reference["mean"] - self.fast.mean


def show() -> None:
    """Draw the part of the sidebar that verifies."""
    run: Run | None = st.session_state.get("verification")
    status = run.handle.poll() if run is not None else None
    if run is not None and status is not None and status.state == "running":
        _watch()
        return
    if run is not None and status is not None:
        _ended(run, status)
    current = run is not None and _subject(run.view) == _subject(session.view())
    again = status is not None and status.state == "done" and current
    st.button(
        "Verify again" if again else "Verify with the reference engine",
        on_click=_start,
        key="verify_button",
        width="stretch",
        help=(
            "Samples the same model by another method (NUTS), which is slow and makes none of the fast engine's "
            "approximations, and shows both results. It takes minutes in the background; go on working meanwhile."
        ),
    )


def compare(fast: Result, found: Mapping[str, Any]) -> tuple[list[Compared], list[Compared]]:
    """Scores and probabilities of outcomes from both engines."""
    health = fast.posterior.diagnostics
    worth = [
        max(min(ess, draws), 1.0)
        for ess, draws in (
            (health.ess_min, fast.posterior.draws),
            (found["diagnostics"]["ess_min"] or 1.0, found["draws"]),
        )
    ]

    def pair(what: str, estimate: Any, other: Mapping[str, float]) -> Compared:
        spreads = [(estimate.high - estimate.low) / 3.29, (other["high"] - other["low"]) / 3.29]
        error = math.sqrt(sum(spread**2 / ess for spread, ess in zip(spreads, worth, strict=True)))
        return Compared(what, estimate, other, error)

    names = {dyad.id: dyad.partner_name or dyad.id for dyad in fast.risk.dyads}
    own = {dyad.id: dyad.score for dyad in fast.risk.dyads}
    scores = [pair(names[row["dyad"]], own[row["dyad"]], row) for row in found["scores"]]
    events = fast.case.events
    probabilities = [
        pair(
            f"{names.get(row['unit'], 'all')}: {events[row['event']].label}",
            fast.forecast.probability(row["event"], row["unit"]),
            row,
        )
        for row in found["probabilities"]
        if events[row["event"]].kind == "outcome" and not row["assumed"]
    ]
    return scores, probabilities


def beyond_chance(compared: list[Compared]) -> list[Compared]:
    """Numbers whose difference chance alone hardly explains."""
    return [one for one in compared if not abs(one.difference) <= MOST_STANDARD_ERRORS * one.error + 1e-9]


def _subject(view: View) -> tuple[Any, ...]:
    """What numbers depend on."""
    return view.case.hash, view.changes, view.observed, view.scenario, view.built.get(view.scenario)


def _start() -> None:
    now = session.view()
    case = now.recorded
    if now.scenario in now.built:
        case = case.revised(scenarios={**case.scenarios, now.scenario: now.scenarios[now.scenario]})
    try:
        handle = verify.start_verification(case, now.scenario, now.changes, results.DRAWS, results.SEED)
    except riskcast.RiskcastError as error:
        session.complain(f"The reference engine was not started: {error}")
        return
    st.session_state["verification"] = Run(now, handle)


def _cancel() -> None:
    run: Run | None = st.session_state.get("verification")
    if run is not None:
        run.handle.cancel()


@st.fragment(run_every=POLL_SECONDS)
@last_words.spoken()
def _watch() -> None:
    """How far the run is; the whole page is drawn anew only when it has ended."""
    run: Run = st.session_state["verification"]
    status = run.handle.poll()
    if status.state != "running":
        st.rerun()
    minutes, seconds = divmod(int(status.seconds), 60)
    phase = PHASES.get(status.phase, status.phase.capitalize())
    share = min(max(status.done / status.total, 0.0), 1.0) if status.total else 0.0
    st.markdown(Markdown("**Verifying with the reference engine**"))
    st.progress(share, text=f"{phase}{f', {share:.0%}' if share else ' …'} · {minutes}:{seconds:02d}")
    st.button("Cancel", on_click=_cancel, key="verify_cancel", width="stretch")


def _ended(run: Run, status: verify.Status) -> None:
    """The result in a few words, with both engines' numbers a click away."""
    if status.state == "cancelled":
        st.caption("The verification was cancelled.")
    elif status.state == "failed" or status.result is None:
        st.error(f"The reference engine failed: {status.error}", icon=":material/error:")
    else:
        _verdict(run, status)


def _verdict(run: Run, status: verify.Status) -> None:
    found = status.result or {}
    scores, probabilities = _compared(run, found)
    health = found["diagnostics"]
    largest = max(probabilities, key=lambda one: abs(one.difference), default=None)
    told = "" if largest is None else f" Largest difference: {_points(largest)} ({largest.what})."
    if not health["reliable"]:
        st.warning(
            "The reference engine failed its own checks: " + "; ".join(health["failures"]), icon=":material/warning:"
        )
    elif beyond_chance(scores + probabilities):
        st.warning(f"The engines differ by more than chance.{told}", icon=":material/warning:")
    else:
        st.success(f"Both engines agree.{told}", icon=":material/verified:")
    _mark_age(run)
    if st.button("Both engines' numbers", key="verify_numbers", icon=":material/compare_arrows:", width="stretch"):
        _numbers(run, status)


def _compared(run: Run, found: Mapping[str, Any]) -> tuple[list[Compared], list[Compared]]:
    """Both engines' numbers, compared once: the sidebar is drawn at every click."""
    kept = st.session_state.get("verification_compared")
    if kept is None or kept[0] is not run.handle:
        kept = (run.handle, compare(results.current(run.view), found))
        st.session_state["verification_compared"] = kept
    return kept[1]


def _mark_age(run: Run) -> None:
    if _subject(run.view) != _subject(session.view()):
        st.caption(
            Markdown(
                ":material/history: Of an **older view**: what is shown has changed since. Verify again for this one."
            )
        )


@st.dialog("Both engines, side by side", width="large")
def _numbers(run: Run, status: verify.Status) -> None:
    found = status.result or {}
    fast = results.current(run.view)
    scores, probabilities = _compared(run, found)
    health = found["diagnostics"]
    _mark_age(run)
    st.markdown(f"{fast.case.settings.title}. Scenario: {fast.forecast.scenario.label}.")
    largest_score = max(scores, key=lambda one: abs(one.difference))
    largest = max(probabilities, key=lambda one: abs(one.difference), default=largest_score)
    left, right = st.columns(2)
    plain: dict[str, Any] = {"delta_color": "off", "delta_arrow": "off"}
    with left:
        st.metric(
            "Largest difference of scores",
            f"{riskcast.signed(largest_score.difference)} points",
            largest_score.what,
            **plain,
        )
    with right:
        st.metric(
            "Largest difference of probabilities",
            f"{riskcast.signed(100 * largest.difference)} %-points",
            largest.what,
            **plain,
        )
    rhat = "" if health["rhat_max"] is None else f"R-hat ≤ {health['rhat_max']:.3f} · "
    st.caption(
        f"Reference: {found['engine']} · {found['draws']:,} draws · seed {found['seed']} · "
        f"{rhat}{health['divergences'] or 0} divergences · "
        f"ESS ≥ {health['ess_min']:.0f} · checks {'passed' if health['reliable'] else 'FAILED'} · "
        f"{status.seconds / 60:.1f} minutes",
        help=(
            "R-hat compares the engine's chains and should be below 1.01. Divergences are places where sampling went "
            "wrong, and should be 0. ESS: how many independent draws the chains are worth."
        ),
    )
    widgets.health(fast)
    st.markdown(Markdown("##### Scores"))
    st.dataframe([_row(one, 1.0) for one in scores], hide_index=True, column_config=_columns("%.1f", "points"))
    st.markdown(Markdown("##### Probabilities"))
    ranked = sorted(probabilities, key=lambda one: -abs(one.difference))
    st.dataframe(
        [_row(one, 100.0) for one in ranked], hide_index=True, column_config=_columns("%.1f %%", "percentage points")
    )
    st.caption(
        "Both engines draw at random, so that they differ by chance. What it explains is four standard errors of the "
        "difference, from the spread and the number of draws."
    )


def _points(one: Compared) -> str:
    return f"{riskcast.signed(100 * one.difference)} percentage points"


def _row(one: Compared, scale: float) -> dict[str, str | float]:
    digits = 0
    return {
        "What": one.what,
        "Fast": scale * one.fast.mean,
        "Fast, 90 %": f"{scale * one.fast.low:.{digits}f}–{scale * one.fast.high:.{digits}f}",
        "Reference": scale * one.reference["mean"],
        "Reference, 90 %": f"{scale * one.reference['low']:.{digits}f}–{scale * one.reference['high']:.{digits}f}",
        "Difference": scale * one.difference,
        "Chance explains": scale * MOST_STANDARD_ERRORS * one.error,
    }


def _columns(form: str, unit: str) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "What": st.column_config.TextColumn("What", width="medium"),
        "Fast": number("Fast", format=form, help="The laplace engine, which this app works with."),
        "Reference": number("Reference", format=form, help="The nuts engine."),
        "Difference": number("Difference", format="%+.1f", help=f"Reference less fast, in {unit}."),
        "Chance explains": number("Chance explains", format="± %.1f", help=f"In {unit}."),
    }
