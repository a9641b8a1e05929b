"""The brief's table of where pairs stand among one another, and of how severe their worst outcome may be."""

from __future__ import annotations

from typing import Final

from riskcast.exports.brief.sentences import name_of, ranked_dyads
from riskcast.forecasting.phases import ONSET
from riskcast.forecasting.scoring import Risk
from riskcast.machinery.tables import Column, Table

MOST_PAIRS: Final = 12
MOST_LEVELS: Final = 7
NOTE: Final = (
    "Highest: chance that no other pair scores higher; rank: expected, 1 for the highest. Burden: sum of severity "
    "times probability over own outcomes, and what of it would be onsets, not recorded in the last year. The rest: "
    "chance that the worst own outcome has at least a severity."
)


def severity_table(risk: Risk) -> Table:
    """Rank, burden and exceedance of the pairs with the highest scores.

    >>> import riskcast
    >>> risk = riskcast.score(riskcast.forecast(riskcast.fit(riskcast.load_case("central_asia_2024"), draws=200)))
    >>> [column.name for column in severity_table(risk).columns][:3]
    ['Pair', 'Highest', 'Rank']
    """
    ranked = ranked_dyads(risk)
    levels = _levels(risk)
    columns = (
        Column("Pair"),
        Column("Highest", form="share"),
        Column("Rank", form="figure", digits=1),
        Column("Burden", form="score"),
        Column("Onsets", form="score"),
        *(Column(f"≥ {level:g}", form="share") for level in levels),
    )
    rows = []
    for dyad in ranked[:MOST_PAIRS]:
        standing, curve = risk.standings[dyad.id], dict(dyad.exceedance)
        front = (name_of(dyad), standing.first, standing.expected, dyad.burden, dyad.burden_of(ONSET))
        rows.append((*front, *(curve[level] for level in levels)))
    whole = (
        f" The {MOST_PAIRS} highest of {len(ranked):,} pairs; the tables scores and exceedance of the export have all."
    )
    note = NOTE + (whole if len(ranked) > MOST_PAIRS else "")
    return Table("Standing, burden, and how severe the worst outcome may be", columns, tuple(rows), note=note)


def _levels(risk: Risk) -> list[float]:
    """The severities that there is room for: that from which outcomes are grave, the highest, and others between."""
    levels, grave = list(risk.forecast.exceedance), risk.forecast.case.settings.grave
    if len(levels) <= MOST_LEVELS:
        return levels
    first_grave = next((level for level in levels if grave is not None and level >= grave), levels[-1])
    step = (len(levels) - 1) / (MOST_LEVELS - 1)
    kept = {levels[round(place * step)] for place in range(MOST_LEVELS)}
    if first_grave not in kept:
        nearest = min(kept - {levels[-1]}, key=lambda level: abs(level - first_grave))
        kept = (kept - {nearest}) | {first_grave}
    return sorted(kept)
