"""The table of states: codes, names, years and capitals; and what is told of cases that do not go with it."""

from __future__ import annotations

import csv
import re
from importlib import resources
from pathlib import Path

import pandas
import pytest
import yaml

from riskcast import CaseError, Doubt, find_doubts, find_state, load_case, write_case
from riskcast.case.schemas import case_schemas
from riskcast.case.settings import STATE_ID
from riskcast.case.states import (
    SYSTEMS,
    CodeSystem,
    bearers,
    of_code,
    offer,
    recognise,
    states,
    states_named,
)
from riskcast.errors import UnknownNameError
from tests.support.smallcase import FILES, write_files
from tests.support.smallpanel import table, write_panel_case

TODAY = 2026


def test_the_table_holds_together() -> None:
    known = states().values()
    assert len({state.alpha3 for state in known if state.alpha3}) == sum(bool(state.alpha3) for state in known)
    for state in known:
        assert re.match(STATE_ID, state.id)
        assert state.id == state.alpha3 or not state.alpha3
        assert len(state.alpha2) in (0, 2)
        assert (state.cow is None) == (not state.cow_code)
        assert states_named(state.name)
        assert state in states_named(state.name)
        if state.place is not None:
            assert state.capital
            assert abs(state.place[0]) <= 180
            assert abs(state.place[1]) <= 90
        flat = [year for spell in state.spells for year in spell if year is not None]
        assert flat == sorted(flat)
        assert all(last is not None for _, last in state.spells[:-1])
        assert all(1816 <= year <= TODAY for year in flat)


def test_present_states_bear_each_number_once() -> None:
    for number in ("cow", "gw"):
        present = [getattr(state, number) for state in states().values() if state.exists and state.spells]
        borne = [one for one in present if one is not None]
        assert len(set(borne)) == len(borne), number


@pytest.mark.parametrize(
    ("alpha3", "alpha2", "cow", "cow_code", "gw"),
    [
        ("USA", "US", 2, "USA", 2),
        ("GBR", "GB", 200, "UKG", 200),
        ("DEU", "DE", 255, "GMY", 260),
        ("AUT", "AT", 305, "AUS", 305),
        ("AUS", "AU", 900, "AUL", 900),
        ("MNE", "ME", 341, "MNG", 341),
        ("MNG", "MN", 712, "MON", 712),
        ("SVN", "SI", 349, "SLV", 349),
        ("SLV", "SV", 92, "SAL", 92),
        ("SRB", "RS", 345, "YUG", 340),
        ("YEM", "YE", 679, "YEM", 678),
        ("KIR", "KI", 946, "KIR", 970),
        ("NRU", "NR", 970, "NAU", 971),
        ("KGZ", "KG", 703, "KYR", 703),
    ],
)
def test_codes_are_those_of_the_lists(alpha3: str, alpha2: str, cow: int, cow_code: str, gw: int) -> None:
    state = states()[alpha3]
    assert (state.alpha2, state.cow, state.cow_code, state.gw) == (alpha2, cow, cow_code, gw)
    assert find_state(alpha2) == of_code(str(cow), "cow") == of_code(cow_code, "cow") == of_code(str(gw), "gw") == state


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("Türkiye", "TUR"),
        ("Turkey", "TUR"),
        ("Kyrgyz Republic", "KGZ"),
        ("Czechia", "CZE"),
        ("the Czech Republic", "CZE"),
        ("DPRK", "PRK"),
        ("Côte d’Ivoire", "CIV"),
        ("Ivory Coast", "CIV"),
        ("BURMA", "MMR"),
        ("Viet Nam", "VNM"),
        ("USSR", "SUN"),
        ("Swaziland", "SWZ"),
        ("Bosnia & Herzegovina", "BIH"),
        ("Republic of Vanuatu", "VUT"),
        ("Republic of the Congo", "COG"),
        ("Congo, Democratic Republic of (Zaire)", "COD"),
        ("Lao PDR", "LAO"),
        ("KSV", "XKX"),
        ("ROM", "ROU"),
    ],
)
def test_states_are_found_by_names_in_use(name: str, id: str) -> None:
    assert find_state(name).id == id


def test_what_is_no_state_or_several_is_refused() -> None:
    for text in ("Atlantis", "Korea", ""):
        with pytest.raises(UnknownNameError, match="unknown state"):
            find_state(text)
    with pytest.raises(UnknownNameError):
        find_state("AUT", "cow")


@pytest.mark.parametrize(
    ("id", "inside", "outside"),
    [
        ("SUN", (1922, 1991), (1921, 1992, 2005)),
        ("KAZ", (1991, 2024), (1990,)),
        ("LVA", (1918, 1940, 1991), (1945, 1990)),
        ("FRA", (1700, 1942, 2024), ()),
        ("YUG", (1945, 2003), (1917, 2004)),
        ("RVN", (1955, 1975), (1980,)),
        ("HKG", (1900, 2024), ()),
    ],
)
def test_states_have_their_years(id: str, inside: tuple[int, ...], outside: tuple[int, ...]) -> None:
    assert all(states()[id].existed(year, year) for year in inside)
    assert not any(states()[id].existed(year, year) for year in outside)
    assert all(states()[id].existed(year, year + 200) for year in inside)


def test_a_number_is_that_of_who_bears_it_today() -> None:
    expected = {"cow": {"345": "SRB", "365": "RUS", "816": "VNM"}, "gw": {"260": "DEU", "678": "YEM", "345": "YUG"}}
    for system, codes in expected.items():
        assert {code: find_state(code, system).id for code in codes} == codes  # ty: ignore[invalid-argument-type]
    assert {state.id for state in bearers(states()["RUS"], "gw")} == {"RUS", "SUN"}


@pytest.mark.parametrize("system", list(SYSTEMS))
def test_codes_lead_to_a_state_and_back(system: CodeSystem) -> None:
    for state in states().values():
        code = state.code_in(system)
        found = of_code(code, system)
        assert (found is None) == (not code)
        if found is not None:
            assert found.code_in(system) == code


def test_a_name_tells_who_is_meant_before_a_code_does() -> None:
    meant = {("AUS", "Austria"): "AUT", ("GMY", "Germany"): "DEU", ("XYZ", "Malta"): "MLT", ("SUN", "Russia"): "SUN"}
    assert {given: recognise(*given) and recognise(*given).id for given in meant} == meant  # ty: ignore
    assert recognise("KAZ", "Qazaqstan") == states()["KAZ"]
    assert recognise("HHH", "Host") is recognise("UKG") is None


def test_a_file_of_the_table_says_where_it_comes_from() -> None:
    data = resources.files("riskcast").joinpath("data")
    about = data.joinpath("README.md").read_text(encoding="utf-8")
    header = next(csv.reader(data.joinpath("states.csv").read_text(encoding="utf-8").splitlines()))
    assert all(f"`{column}`" in about for column in header)
    assert all(source in about for source in ("ISO 3166", "Correlates of War", "Gleditsch", "licence"))


# Cases.


def small_case(folder: Path, id: str, name: str, *edits: tuple[str, str, str]) -> Path:
    """The small case, in which the first partner goes by another id and name."""
    files = {file: re.sub(r"\bAAA\b", id, text).replace("name: Aland", f"name: {name}") for file, text in FILES.items()}
    for file, old, new in edits:
        assert old in files[file]
        files[file] = files[file].replace(old, new)
    return write_files(folder, **{file.replace("/", "_").replace(".", "_"): text for file, text in files.items()})


def told(folder: Path, *names: str) -> list[Doubt]:
    wanted = names or ("misnamed-state", "unknown-code", "foreign-codes", "outside-existence")
    return [doubt for doubt in find_doubts(folder, quick=True) if doubt.judgement in wanted]


@pytest.mark.parametrize(
    ("id", "name", "words"),
    [
        (
            "AUS",
            "Austria",
            ("AUS is Australia in ISO 3166", "AUT in ISO 3166", "AUS in Correlates of War", "write AUT"),
        ),
        ("MNG", "Montenegro", ("MNG is Mongolia in ISO 3166", "MNE in ISO 3166", "write MNE")),
        ("SLV", "Slovenia", ("SLV is El Salvador in ISO 3166", "write SVN")),
        ("SWZ", "Switzerland", ("SWZ is Eswatini in ISO 3166", "write CHE")),
        ("CZE", "Czechoslovakia", ("CZE is Czechia in ISO 3166", "write CSK")),
        ("PRK", "South Korea", ("PRK is North Korea in ISO 3166", "write KOR")),
        ("GMY", "France", ("GMY is Germany in Correlates of War", "write FRA")),
    ],
)
def test_the_code_of_another_state_is_told_and_the_right_one_offered(
    id: str, name: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    (doubt,) = told(small_case(tmp_path, id, name), "misnamed-state", "unknown-code")
    assert (doubt.judgement, doubt.file, doubt.key, doubt.refused) == (
        "misnamed-state",
        "case.yaml",
        "partners.0.id",
        False,
    )
    assert doubt.line == 6
    assert all(word in str(doubt) for word in words), str(doubt)
    allowed = small_case(
        tmp_path / "allowed", id, name, ("case.yaml", "title: Small\n", "title: Small\nallow: [misnamed-state]\n")
    )
    assert [doubt.allowed for doubt in told(allowed, "misnamed-state", "allows-nothing")] == [True]


@pytest.mark.parametrize(
    ("id", "name"),
    [
        ("AAA", "Aland"),
        ("BAR", "Barland"),
        ("AUT", "Austria"),
        ("AUT", "Österreich"),
        ("GMY", "Germany"),
        ("SUN", "Russia"),
        ("DEU", "West Germany"),
        ("KOR", "Korea"),
        ("COD", "Congo"),
        ("TURKEY", "Türkiye"),
        ("HKG", "Hong Kong SAR"),
        ("XKX", "Kosovo"),
    ],
)
def test_what_goes_together_or_is_made_up_is_left_alone(id: str, name: str, tmp_path: Path) -> None:
    assert told(small_case(tmp_path, id, name), "misnamed-state", "unknown-code") == []


def test_three_letters_that_are_no_code_are_told_softly(tmp_path: Path) -> None:
    (doubt,) = told(small_case(tmp_path, "KAS", "Kazakhstan"))
    assert (doubt.judgement, doubt.refused) == ("unknown-code", False)
    assert "KAZ in ISO 3166 and KZK in Correlates of War" in doubt.wrong
    assert "write KAZ" in doubt.mend


@pytest.mark.parametrize(
    ("id", "offered"),
    [
        ("2", "USA for United States (2 in Correlates of War"),
        ("kz", "KAZ for Kazakhstan"),
        ("970", "KIR for Kiribati (970 in Gle"),
    ],
)
def test_an_id_that_is_refused_is_met_with_the_code_that_it_means(id: str, offered: str, tmp_path: Path) -> None:
    folder = small_case(tmp_path, "AAA", "Aland", ("case.yaml", "{id: AAA", f"{{id: {id}"))
    with pytest.raises(CaseError, match=re.escape("use 3 to 8 capitals, such as")) as caught:
        load_case(folder)
    assert offered in str(caught.value)
    assert offer("!") == ""
    assert case_schemas()["case.yaml"]["$defs"]["State"]["properties"]["id"]["pattern"] == STATE_ID


def test_events_of_a_state_that_was_not_there_are_told_once_with_their_number(tmp_path: Path) -> None:
    (doubt,) = told(small_case(tmp_path, "SUN", "Soviet Union"))
    rows = load_case(tmp_path).event_rows
    mine = [row for row in rows if "SUN" in row.dyad or row.initiator == "SUN"]
    assert (doubt.judgement, doubt.file, doubt.refused) == ("outside-existence", "history/events.csv", False)
    assert f"SUN has {len(mine)} events" in doubt.wrong
    assert mine[0].when in doubt.wrong
    assert "1922–1991" in doubt.wrong
    assert "it is Russia, RUS" in doubt.mend
    assert told(small_case(tmp_path / "there", "RUS", "Russia")) == []


def test_a_state_that_is_gone_when_it_is_forecast_is_told_without_any_event(tmp_path: Path) -> None:
    partner = ("case.yaml", "  - {id: BBB, name: Bland}\n", "  - {id: BBB, name: Bland}\n  - {id: DDR, name: GDR}\n")
    level = (
        "indicators.yaml",
        "    HHH-BBB:\n",
        "    HHH-DDR: {value: 8, evidence: {basis: judgement, claim: J.}}\n    HHH-BBB:\n",
    )
    (doubt,) = told(small_case(tmp_path, "AAA", "Aland", partner, level), "outside-existence")
    assert (doubt.file, doubt.key, doubt.line) == ("case.yaml", "partners.2.id", 8)
    assert "DDR is forecast from 2020-12-31 on, outside of its years" in doubt.wrong


def test_an_event_known_to_the_year_counts_where_the_state_was_there_in_it(tmp_path: Path) -> None:
    early = [("history/events.csv", f"{year}-", "1991-") for year in range(2015, 2021)]
    early += [("case.yaml", "history_from: 2016", "history_from: 1990")]
    folder = small_case(tmp_path, "KAZ", "Kazakhstan", *(edit for edit in early if edit[1] in FILES[edit[0]]))
    assert told(folder) == []


# Panels.

COW = {"AAA": "GMY", "BBB": "UKG", "CCC": "AUS", "DDD": "FRN"}
ISO = {"AAA": "DEU", "BBB": "GBR", "CCC": "AUT", "DDD": "FRA"}
NUMBERS = {"AAA": "255", "BBB": "200", "CCC": "305", "DDD": "220"}


def written_in(codes: dict[str, str]) -> pandas.DataFrame:
    rows = table()
    dyads = rows["dyad"].replace({f"{a}-{b}": f"{codes[a]}-{codes[b]}" for a in codes for b in codes})
    return rows.assign(dyad=dyads)


def in_codes(text: str, codes: dict[str, str]) -> str:
    for old, new in codes.items():
        text = text.replace(old, new)
    return text


def panel_in(
    folder: Path, codes: dict[str, str], shown: dict[str, str], setting: str = "", suffix: str = "csv"
) -> Path:
    edits = (("case.yaml", "  covariates: before\n", f"  covariates: before\n{setting}"),)
    write_panel_case(folder, written_in(codes), suffix=suffix, edits=edits)
    for file in folder.glob("*.yaml"):
        file.write_text(in_codes(file.read_text(encoding="utf-8"), shown), encoding="utf-8")
    return folder


def test_ids_of_another_system_are_told_in_a_panel(tmp_path: Path) -> None:
    (doubt,) = told(panel_in(tmp_path, COW, COW))
    assert (doubt.judgement, doubt.file, doubt.key) == ("foreign-codes", "history/panel.csv", "dyad")
    assert all(
        word in doubt.wrong for word in ("FRN (France, FRA)", "GMY (Germany, DEU)", "AUS is Austria and not Australia")
    )
    assert "`states: cow`" in doubt.mend
    assert told(panel_in(tmp_path / "iso", ISO, ISO)) == []
    assert told(write_panel_case(tmp_path / "made up")) == []


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("system", "codes"),
    [
        ("cow", COW),
        ("cow", NUMBERS),
        ("gw", NUMBERS | {"AAA": "260"}),
        ("cow", {id: f"{number}.0" for id, number in NUMBERS.items()}),
        ("cow", {id: f"0{number}" for id, number in NUMBERS.items()}),
    ],
)
def test_a_panel_that_names_its_system_is_known_by_iso_3166(
    system: str, codes: dict[str, str], suffix: str, tmp_path: Path
) -> None:
    folder = panel_in(tmp_path / "given", codes, ISO, f"  states: {system}\n", suffix)
    case = load_case(folder)
    plain = load_case(panel_in(tmp_path / "plain", ISO, ISO, suffix=suffix))
    assert case.dyads == plain.dyads
    assert case.panel is not None
    assert plain.panel is not None
    assert case.panel.digest == plain.panel.digest
    assert told(folder) == []
    write_case(case, tmp_path / "again")
    assert load_case(tmp_path / "again").hash == case.hash


def test_numbers_in_a_panel_that_does_not_say_so_are_refused_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"say `states: cow` beneath `panel:`, by which 255-200 is DEU-GBR") as caught:
        load_case(panel_in(tmp_path, NUMBERS, ISO))
    assert "Correlates of War" in str(caught.value)


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ({"AAA": "aus", "BBB": "usa", "CCC": "swz", "DDD": "can"}, "which aus-usa is AUS-USA (ISO 3166)"),
        ({"AAA": "US", "BBB": "CA", "CCC": "MX", "DDD": "BR"}, "which US-CA is USA-CAN (ISO 3166)"),
        ({"AAA": " USA ", "BBB": " CAN ", "CCC": " MEX ", "DDD": " BRA "}, "`states: iso3166`"),
    ],
)
def test_codes_of_iso_3166_in_another_spelling_are_refused_once_with_the_mend(
    codes: dict[str, str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(CaseError, match="in 53 of 53 rows") as caught:
        load_case(panel_in(tmp_path, codes, ISO))
    (problem,) = caught.value.problems
    assert words in problem.mend


def test_a_code_that_a_system_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        CaseError, match=r"'DEU-GBR' in 53 of 53 rows; write two different states by their codes in Correlates"
    ):
        load_case(panel_in(tmp_path, ISO, ISO, "  states: cow\n"))


def test_rows_of_a_panel_in_which_a_state_was_not_there_are_told(tmp_path: Path) -> None:
    gone = ISO | {"CCC": "YUG"}
    (doubt,) = told(panel_in(tmp_path, gone, gone))
    rows = written_in(gone)
    count = int((rows["dyad"].str.contains("YUG") & (rows["period"].astype(int) > 2003)).sum())
    assert (doubt.judgement, doubt.file) == ("outside-existence", "history/panel.csv")
    assert f"YUG has {count} rows" in doubt.wrong
    assert "2004" in doubt.wrong
    # Who bore a number in turn is one state to whoever counts by numbers.
    numbers = NUMBERS | {"CCC": "345"}
    assert told(panel_in(tmp_path / "numbers", numbers, ISO | {"CCC": "SRB"}, "  states: cow\n")) == []


def test_cases_that_name_no_system_keep_their_hash(tmp_path: Path) -> None:
    text = yaml.safe_load((write_panel_case(tmp_path) / "case.yaml").read_text(encoding="utf-8"))
    assert "states" not in text["panel"]
    assert "states" not in load_case(tmp_path).model_dump()["settings"]["panel"]
    assert load_case(write_files(tmp_path / "small")).hash.startswith("570a547b3f13")
