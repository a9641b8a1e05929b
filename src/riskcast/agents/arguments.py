"""The arguments of questions, and what whoever asks is told of them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

CaseName = Annotated[str, Field(description="Name of an open case, as `cases` lists them.")]
AnyCase = Annotated[str | None, Field(description="Name of an open case; all that are open where none is given.")]
DyadName = Annotated[str, Field(description="A dyad, that is a pair of states, such as RUS-TJK.")]
AnyDyad = Annotated[str | None, Field(description="A dyad such as RUS-TJK; all where none is given.")]
Dyads = Annotated[list[str] | None, Field(description="Of which dyads, where the query names none.")]
EventName = Annotated[str | None, Field(description="Of one event type, by its id.")]
UnitName = Annotated[str | None, Field(description="Of one dyad, or of the host.")]
ScenarioName = Annotated[str | None, Field(description="A scenario of the case; the baseline where none is given.")]
FirstScenario = Annotated[str, Field(description="A scenario of the case, or baseline.")]
SecondScenario = Annotated[str, Field(description="What to compare with it.")]
Horizon = Annotated[int | None, Field(description="Periods ahead; the case's own where none is given.")]
AsOf = Annotated[str | None, Field(description="YYYY-MM-DD: know nothing later than this day.")]
FirstDay = Annotated[str, Field(description="YYYY-MM-DD: the first day.")]
LastDay = Annotated[str | None, Field(description="YYYY-MM-DD: the second; the case's own where none is given.")]
OnOrAfter = Annotated[str | None, Field(description="YYYY-MM-DD: on or after this day.")]
Target = Annotated[str, Field(description="`score`, or the id of an outcome.")]
Query = Annotated[str, Field(description='Such as "P(demarche by month 3 | mass_expulsion)"; see docs/ask.md.')]
Words = Annotated[str | None, Field(description="Words that the id holds, such as xenophobia or ->demarche.")]
Removed = Annotated[
    list[str], Field(description="Events of the record: DATE:TYPE or DATE:TYPE:UNIT, as `record` has them.")
]
AnyTargets = Annotated[
    list[str] | None, Field(description="score:RUS-TJK, demarche:RUS-TJK; all scores where none is given.")
]
Targets = Annotated[
    list[str], Field(description="score:RUS-TJK, demarche:RUS-TJK, or a query as `ask` takes it; one or several.")
]
Quantities = Annotated[
    list[str] | None, Field(description="Ids of quantities to hold; all, which takes minutes, where none is given.")
]
ClaimNames = Annotated[list[str] | None, Field(description="Ids of claims, to see each assertion and number.")]
Changes = Annotated[
    dict[str, Any],
    Field(
        description=(
            "Ids of quantities (see `beliefs`) with {median, interval: [low, high]} or {value}, such as "
            '{"effects.abuse_incident->demarche": {"median": 8, "interval": [4, 16]}}.'
        )
    ),
]
