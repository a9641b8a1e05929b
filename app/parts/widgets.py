"""Parts that several pages share: badges, numbers in words, notes on engine and health."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import riskcast
from parts import door as st
from parts.markdown import Markdown, lines
from riskcast import charts
from state.results import Result, difference

MOST_PAIRS = 10
# From how many points on a change is told.
TOLD = 0.05
# Streamlit leaves so much room around a page that a laptop's screen holds half of it.
ROOM = """
<style>
[data-testid="stMainBlockContainer"] { padding: 4rem 2.5rem 3rem; }
@media (max-width: 640px) { [data-testid="stMainBlockContainer"] { padding: 4rem 1rem 3rem; } }
</style>
"""
WORD_JOINER = "\u2060"
BADGES = (":green-badge[{}]", ":blue-badge[{}]", ":yellow-badge[{}]", ":orange-badge[{}]", ":red-badge[{}]")


def palette() -> charts.Palette:
    """The colours of charts, light or dark as the browser asks."""
    return charts.DARK if st.context.theme.type == "dark" else charts.LIGHT


def band_badge(case: riskcast.Case, band: str) -> Markdown:
    """A band as a coloured badge in Markdown."""
    names = [each.name for each in case.settings.bands]
    place = names.index(band) / max(len(names) - 1, 1)
    return Markdown(BADGES[round(place * (len(BADGES) - 1))], band)


def interval(estimate: Any) -> str:
    """The 90 % interval of a score in whole points, which no line break tears apart."""
    return f"{estimate.low:.0f}–{WORD_JOINER}{estimate.high:.0f}"


def heading(title: str, words: str) -> None:
    """A page's title and what it is for."""
    st.title(title)
    st.caption(words)


def health(result: Result) -> None:
    """Engine, diagnostics, and whether to trust them; a warning where checks failed."""
    posterior = result.posterior
    found = posterior.diagnostics
    if not posterior.is_reliable:
        st.error(
            Markdown(
                "**The posterior failed its checks.** Numbers on this page are not to be relied on: {}",
                "; ".join(found.failures),
            ),
            icon=":material/warning:",
        )
    for caution in result.forecast.cautions:
        st.warning(caution, icon=":material/history:")
    khat = "" if found.khat_max is None else f" · k-hat ≤ {max(found.khat_max, 0.0):.2f}"
    error = result.forecast.accuracy.points
    state = "checks passed" if posterior.is_reliable else "CHECKS FAILED"
    st.caption(
        f"Engine {posterior.engine} · {posterior.draws:,} draws · seed {posterior.seed}{khat} · "
        f"ESS ≥ {found.ess_min:.0f} · Monte Carlo error ≤ {error:.1f} points · {state} · case {result.case.hash[:12]}",
        help=(
            "k-hat: health of the engine's importance weights, to be at most 0.7. ESS: how many independent draws the "
            "weighted ones are worth, at least 100. Monte Carlo error: the largest standard error of a probability or "
            "score for want of draws and simulated futures. The hash names the case with all changes, so that equal "
            "hashes and seeds give equal numbers."
        ),
    )


def choose_pair(result: Result, key: str) -> str:
    """A dyad of the user's choice; at first the one with the highest score."""
    names = {dyad.id: dyad.partner_name or dyad.id for dyad in result.risk.dyads}
    highest = max(result.risk.dyads, key=lambda dyad: dyad.score.mean).id
    if len(names) > MOST_PAIRS:
        place = list(names).index(highest)
        return st.selectbox("Pair", list(names), index=place, format_func=lambda dyad: names[dyad], key=key)
    chosen = st.segmented_control("Pair", list(names), default=highest, format_func=lambda dyad: names[dyad], key=key)
    return chosen or highest


def live(now: Result, before: Result, many: int = 8) -> None:
    """Scores and probabilities against the published case: what moved, by how much, and how sure to be."""
    change = difference(now, before)
    moves = {dyad.id: change.score[dyad.id] for dyad in now.risk.dyads}
    told = {id: moved for id, moved in moves.items() if abs(moved.mean) >= TOLD}
    st.markdown(Markdown("##### Scores now"))
    rows = [Markdown("| Pair | Score | 90 % | Change |"), Markdown("|---|---:|:---:|---:|")]
    for dyad in listed(now, told):
        moved = moves[dyad.id]
        change_in_words = Markdown("**{}** ({})", riskcast.signed(moved.mean), riskcast.signed_ends(moved))
        name, moved_by = dyad.partner_name or dyad.id, change_in_words if dyad.id in told else "–"
        rows.append(Markdown("| {} | **{:.1f}** | {} | {} |", name, dyad.score.mean, interval(dyad.score), moved_by))
    st.markdown(lines(rows))
    if len(now.risk.dyads) > MOST_PAIRS:
        st.caption(which_pairs(len(now.risk.dyads), len(told)))
    st.markdown(Markdown("##### What moved most"))
    if now.case.hash == before.case.hash:
        st.caption("Nothing is changed: these are the numbers of the case as published.")
        return
    moved_most = moved_probabilities(change, now, before)[:many]
    if not moved_most:
        st.caption("No probability moves by half a percentage point or more.")
        return
    rows = [Markdown("| Outcome | Probability | Change, points |"), Markdown("|---|---:|---:|")]
    rows += [
        Markdown("| {} | {} → {} | **{}** ({}) |", *(row[part] for part in ("Outcome", "From", "To", "Change", "90 %")))
        for row in moved_most
    ]
    st.markdown(lines(rows), help="In brackets: what more knowledge of the parameters could make of the change.")


def listed(now: Result, told: Mapping[str, Any]) -> list[Any]:
    """The pairs that move most, and then those with the highest scores; in the order of the case, so that no row jumps
    while a slider moves."""
    ranked = sorted(
        now.risk.dyads, key=lambda each: (-abs(told[each.id].mean) if each.id in told else 0.0, -each.score.mean)
    )
    chosen = {dyad.id for dyad in ranked[:MOST_PAIRS]}
    return [dyad for dyad in now.risk.dyads if dyad.id in chosen]


def which_pairs(pairs: int, moving: int = 0) -> str:
    """Which pairs are shown where there is no room for all."""
    if not moving:
        return f"The {MOST_PAIRS} of {pairs:,} pairs with the highest scores."
    if moving < MOST_PAIRS:
        return f"Of {pairs:,} pairs: those that move, {moving}, and then those with the highest scores."
    return f"The {MOST_PAIRS} of {pairs:,} pairs that move most."


def _pair(case: riskcast.Case, unit: str) -> str:
    """A pair in few letters: its partner's id where the case has a host."""
    if unit not in case.pairs:
        return "all"
    return unit if case.panel is not None else case.pairs[unit].second


def moved_probabilities(change: riskcast.Contrast, now: Result, before: Result) -> list[dict[str, str]]:
    """Probabilities that moved by half a point or more, the largest first."""
    rows = []
    for (event, unit), estimate in sorted(change.probability.items(), key=lambda item: -abs(item[1].mean)):
        kind = now.case.events[event]
        if kind.kind != "outcome" or abs(estimate.mean) < 0.005:
            continue
        low, high = riskcast.signed(100 * estimate.low), riskcast.signed(100 * estimate.high)
        rows.append(
            {
                "Outcome": f"{_pair(now.case, unit)}: {kind.label}",
                "From": riskcast.percent(before.forecast.probability(event, unit).mean),
                "To": riskcast.percent(now.forecast.probability(event, unit).mean),
                "Change": riskcast.signed(100 * estimate.mean),
                "90 %": f"{low} to {high}",
            }
        )
    return rows
