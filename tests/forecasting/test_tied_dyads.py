"""Memories by a table of neighbours: who sees whom and when, pair by pair; and nothing of what comes later."""

from __future__ import annotations

import datetime as dt
from itertools import product
from pathlib import Path

import numpy as np
import pandas
import pytest

from riskcast import Case, CaseError, fit, forecast, load_case
from riskcast.case.dyads import Dyad
from riskcast.case.files import write_case
from riskcast.case.model import AssumedEvent, Scenario
from riskcast.case.vintage import case_as_of
from riskcast.forecasting.remembered import remembered_events
from riskcast.record.arrays import build_record
from riskcast.record.memory import seen_events
from riskcast.updates.case_files import read_files
from tests.support.smallpanel import panel_case, table, write_panel_case

BORDERS = "history/borders.csv"
TIES = (("AAA", "CCC", "", ""), ("DDD", "AAA", "2003", "2006"), ("BBB", "EEE", "", ""), ("CCC", "DDD", "2008", ""))
TABLE = ("case.yaml", "  ended_after: 1", f"  ended_after: 1\n  neighbours: {{border: {BORDERS}}}")
DIRECTED = ("case.yaml", "  ended_after: 1", "  ended_after: 1\n  directed: true")


def _edge(whose: str) -> tuple[str, str, str]:
    old = "  to: clash\n  whose: own\n  memory: fast\n  acts: same\n  rate_ratio: {median: 2, interval: [1.2, 3.4]"
    new = f"  to: clash\n  whose: {whose}\n  by: border\n  memory: fast\n  acts: next\n"
    return "effects.yaml", old, f"{new}  rate_ratio: {{median: 3, interval: [2.9, 3.1]"


# Clashes do nothing elsewhere, so that only what is tied can move.
LONE = (
    "effects.yaml",
    "  rate_ratio: {median: 1.3, interval: [0.9, 1.9], evidence: {basis: judgement, claim: Judged.}}\n"
    "  rationale: Neighbours",
    "  rate_ratio: {value: 1, evidence: {basis: judgement, claim: Judged.}}\n  rationale: Neighbours",
)


def _rows(directed: bool) -> pandas.DataFrame:
    rows = table()
    return rows.assign(dyad=rows["dyad"].replace({"BBB-CCC": "CCC-BBB"} | ({"AAA-CCC": "BBB-AAA"} if directed else {})))


def _write(folder: Path, *edits: tuple[str, str, str], ties: tuple = TIES, directed: bool = False) -> Path:
    made = write_panel_case(folder, _rows(directed), edits=(TABLE, *edits, *((DIRECTED,) if directed else ())))
    frame = pandas.DataFrame(ties, columns=["state", "other", "from", "until"])
    frame.to_csv(made / BORDERS, index=False, lineterminator="\n")
    return made


def _tied(one: str, other: str, year: int) -> bool:
    return any({a, b} == {one, other} and int(begin or 0) <= year <= int(end or 9999) for a, b, begin, end in TIES)


def _sees(whose: str, own: Dyad, other: Dyad, year: int, directed: bool) -> bool:
    """By the words of the documents, pair by pair."""
    if whose == "neighbours":
        apart = not {*own.states} & {*other.states}
        return apart and any(_tied(one, far, year) for one, far in product(own.states, other.states))
    ways = [other.states] if directed else [other.states, other.states[::-1]]
    first, second = own.states
    return any(
        (b == second and a not in own.states and _tied(first, a, year))
        or (a == first and b not in own.states and _tied(second, b, year))
        for a, b in ways
    )


@pytest.mark.parametrize(("whose", "directed"), [("neighbours", False), ("in_place", False), ("in_place", True)])
def test_each_pair_sees_what_the_table_says(tmp_path: Path, whose: str, directed: bool) -> None:
    case = load_case(_write(tmp_path, _edge(whose), directed=directed))
    record = build_record(case)
    effect = next(one for one in case.effects if one.whose == whose)
    seen, raids = seen_events(effect, case, record.occurred), record.occurred["raid"]
    pairs = [Dyad.parse(dyad) for dyad in case.dyads]
    for t, year in enumerate(range(2001, 2001 + len(raids))):
        for place, own in enumerate(pairs):
            wanted = sum(raids[t, j] for j, other in enumerate(pairs) if _sees(whose, own, other, year, directed))
            assert seen[t, place] == wanted
    assert seen.any()


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return load_case(_write(tmp_path_factory.mktemp("tied"), _edge("neighbours"), LONE))


def test_a_raid_ahead_is_felt_by_those_that_see_it_at_the_end_of_the_record(tied: Case) -> None:
    posterior = fit(tied, draws=100, seed=2)

    def chances(happens: bool) -> dict[str, float]:
        assumed = AssumedEvent(event="raid", dyads=("AAA-CCC",), month=1, happens=happens)
        told = Scenario(label="Assumed", story="As it says.", events=(assumed,))
        found = forecast(posterior, told, horizon=2, seed=2).to_frame()
        clash = found[found["event"] == "clash"]
        return dict(zip(clash["dyad"], clash["probability"], strict=True))

    with_raid, without = chances(True), chances(False)
    # AAA-CCC is tied to DDD, by CCC, since 2008.
    assert with_raid["BBB-DDD"] - without["BBB-DDD"] > 0.03
    for dyad in ("AAA-BBB", "CCC-BBB"):
        assert abs(with_raid[dyad] - without[dyad]) < 0.01
    found = {event.unit for event in remembered_events(posterior, "BBB-DDD", least=0.0) if event.type == "raid"}
    assert "AAA-CCC" in found
    assert "CCC-BBB" not in found


def test_ties_that_come_later_change_nothing(tied: Case, tmp_path: Path) -> None:
    day = dt.date(2006, 12, 31)
    later = (("AAA", "CCC", "", "2009"), *TIES[1:3], ("CCC", "DDD", "2011", ""), ("AAA", "BBB", "2007", ""))
    other = load_case(_write(tmp_path / "other", _edge("neighbours"), LONE, ties=later))
    assert other.hash != tied.hash
    one, two = case_as_of(tied, day), case_as_of(other, day)
    assert one.panel is not None
    assert two.panel is not None
    assert one.panel.digest == two.panel.digest
    effect = next(effect for effect in one.effects if effect.by)
    early = [seen_events(effect, then, build_record(then).occurred) for then in (one, two, tied)]
    np.testing.assert_array_equal(early[0], early[1])
    now = [tied.dyads.index(dyad) for dyad in one.dyads]
    np.testing.assert_array_equal(early[0], early[2][: len(early[0]), now])


def test_a_written_and_an_edited_case_keep_their_tables(tied: Case, tmp_path: Path) -> None:
    write_case(tied, tmp_path / "again")
    assert load_case(tmp_path / "again").hash == tied.hash
    assert BORDERS in read_files(tmp_path / "again").contents


def test_a_case_without_such_tables_keeps_its_hash() -> None:
    assert "neighbours" not in panel_case().model_dump(mode="json")["settings"]["panel"]
    assert all("by" not in effect for effect in panel_case().model_dump(mode="json")["effects"])


@pytest.mark.parametrize(
    ("edit", "ties", "words"),
    [
        (("effects.yaml", "  by: border\n", ""), TIES, "add it: border"),
        (("effects.yaml", "  by: border\n", "  by: bordr\n"), TIES, "no table of neighbours"),
        (("effects.yaml", "  whose: neighbours\n", "  whose: own\n"), TIES, "does not see"),
        (("case.yaml", BORDERS, "history/walls.csv"), TIES, "is missing"),
        (LONE, (("AAA", "AAA", "", ""),), "the state itself"),
        (LONE, (("AAA", "BBB", "2004", "2002"),), "before the tie began"),
        (LONE, (("AAA", "Bbb!", "", ""),), "write the state"),
        (LONE, (("AAA", "BBB", "soon", ""),), "not a year"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    tmp_path: Path, edit: tuple[str, str, str], ties: tuple, words: str
) -> None:
    with pytest.raises(CaseError, match=words):
        load_case(_write(tmp_path, _edge("neighbours"), edit, ties=ties))
