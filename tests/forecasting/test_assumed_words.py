"""What a scenario assumes is told as assumed, never as likely or unlikely: outcomes, and grave ones together."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
from rich.console import Console

from riskcast import Dossier, Risk, explain, fit, forecast, score
from riskcast.case.model import Case
from riskcast.exports.brief.sentences import headline_sentences
from riskcast.exports.tables import probability_table
from riskcast.forecasting.scoring import estimative_words
from riskcast.terminal.forecasts import scores_with_drivers
from tests.support.cases import event, make_case, quantity

GRAVE = ("rupture", "war")


def assumed(name: str, dyads: tuple[str, ...] | None, **said: Any) -> dict[str, Any]:
    return {"event": name, "happens": False, **({} if dyads is None else {"dyads": dyads}), **said}


SCENARIOS = {
    "no_grave": [assumed(name, None) for name in GRAVE],
    "none_of_one": [assumed(name, ("HHH-P001",)) for name in GRAVE],
    "one_kind": [assumed("war", None)],
    "half_a_year": [assumed(name, None, month=1, until=6) for name in GRAVE],
    "war": [assumed("war", ("HHH-P002",), happens=True, month=3)],
}


@pytest.fixture(scope="module")
def case() -> Case:
    events = {
        "quarrel": event(quantity(0.6), severity=20.0),
        "rupture": event(quantity(0.3), severity=70.0),
        "war": event(quantity(0.02), severity=95.0),
    }
    stories = {
        name: {"label": name.replace("_", " "), "story": "It is so.", "events": events_of}
        for name, events_of in SCENARIOS.items()
    }
    made = make_case(events, partners=2, scenarios=stories, as_of=dt.date(2020, 12, 31))
    return made.revised(settings={**made.settings.model_dump(), "grave": 60.0})


@pytest.fixture(scope="module")
def risks(case: Case) -> dict[str, Risk]:
    posterior = fit(case, draws=200, prior_only=True)
    return {name: score(forecast(posterior, name)) for name in ("baseline", *SCENARIOS)}


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("baseline", (False, False)),
        ("no_grave", (True, True)),
        ("none_of_one", (True, False)),
        ("one_kind", (False, False)),
        ("half_a_year", (False, False)),
        ("war", (False, True)),
    ],
)
def test_grave_outcomes_are_assumed_where_all_are_ruled_out_or_one_happens(
    risks: dict[str, Risk], scenario: str, expected: tuple[bool, bool]
) -> None:
    dyads = risks[scenario].dyads
    assert tuple(dyad.grave_is_assumed for dyad in dyads) == expected
    for dyad in dyads:
        if dyad.grave_is_assumed:
            assert dyad.grave == (1.0 if scenario == "war" else 0.0)
        else:
            assert 0.0 < (dyad.grave or 0.0) < 1.0


def test_a_terminal_reads_nothing_and_assumed(risks: dict[str, Risk]) -> None:
    def shown(name: str) -> list[str]:
        console = Console(width=120, record=True, file=io.StringIO())
        risk = risks[name]
        console.print(scores_with_drivers(risk, risk.dyads, explain(risk.forecast)))
        return [line for line in console.export_text().splitlines() if "HHH-" in line]

    assert all("0 %, assumed" in line for line in shown("no_grave"))
    assert ["assumed" in line for line in shown("none_of_one")] == [True, False]
    assert "100 %, assumed" in shown("war")[1]


def test_a_brief_says_that_no_grave_outcome_is_assumed(risks: dict[str, Risk]) -> None:
    def grave(name: str) -> list[str]:
        return [
            line
            for line in headline_sentences(Dossier((risks[name],), risks[name].forecast.case))
            if line.startswith("A grave outcome")
        ]

    assert grave("no_grave") == [
        "A grave outcome (severity 60 or more) is assumed not to happen for Partner 1 and Partner 2."
    ]
    likeliest, ruled_out = grave("none_of_one")
    assert likeliest.startswith("A grave outcome (severity 60 or more) is likeliest for Partner 2 ")
    assert "Partner 1" not in likeliest
    assert ruled_out.endswith("is assumed not to happen for Partner 1.")
    assert grave("war")[1].endswith("is assumed for Partner 2.")


def test_no_estimative_word_stands_on_what_is_assumed(risks: dict[str, Risk]) -> None:
    for name, risk in risks.items():
        table = probability_table(Dossier((risk,), risk.forecast.case))
        columns = [column.name for column in table.columns]
        for row in (dict(zip(columns, cells, strict=True)) for cells in table.rows):
            expected = estimative_words(row["probability"])
            if row["assumed"]:
                expected = "assumed" if name == "war" else "assumed not"
            assert row["words"] == expected
            [outcome] = [
                one for dyad in risk.dyads if dyad.id == row["unit"] for one in dyad.outcomes if one.id == row["event"]
            ]
            assert outcome.words == expected
    assert "assumed" not in risks["no_grave"]._repr_html_()
