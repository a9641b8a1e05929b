"""Tables become what a map says of them: held against a slow count in plain Python, and against what is refused."""

from __future__ import annotations

import csv
import datetime as dt
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from riskcast.case.periods import calendar_of
from riskcast.errors import CaseError, OptionError
from riskcast.imports.importing import Imported, import_tables, panel_frame
from riskcast.imports.maps import TableMap, read_map

STATES = ("KAZ", "RUS", "UZB")
MAP = """\
title: Clashes
rows: events
period: month
units: {first: one, second: other}
date: {day: when}
repeats: {by: [id]}
events:
  clash: {where: {kind: [clash]}}
  dead: {number: dead, at_least: 25}
covariates:
  mood: {column: mood, lag: 1}
searched: {from: 2001-01-15, until: 2001-06-30}
"""


def imported(folder: Path, rows: list[dict[str, object]], text: str = MAP) -> Imported:
    file = folder / "events.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return import_tables([file], [read_map(text)])


def event(id: int, **changed: object) -> dict[str, object]:
    plain = {"id": id, "one": "RUS", "other": "KAZ", "when": "2001-03-05", "kind": "clash", "dead": 3, "mood": 1}
    return plain | changed


DAYS = st.dates(dt.date(2001, 1, 1), dt.date(2001, 8, 31))
ROWS = st.lists(
    st.tuples(st.permutations(STATES), DAYS, st.sampled_from(["clash", "talk"]), st.integers(0, 40)),
    min_size=1,
    max_size=25,
)


@settings(max_examples=25)
@given(ROWS)
def test_every_cell_is_what_a_slow_count_gives(tmp_path_factory: pytest.TempPathFactory, drawn: list) -> None:
    rows = [
        event(n, one=states[0], other=states[1], when=day.isoformat(), kind=kind, dead=dead, mood=dead / 2)
        for n, (states, day, kind, dead) in enumerate(drawn)
    ]
    months = calendar_of("month")
    clashes, dead, moods = defaultdict(int), defaultdict(int), defaultdict(list)
    for row in rows:
        key = ("-".join(sorted((str(row["one"]), str(row["other"])))), str(row["when"])[:7])
        if "2001-02" <= key[1] <= "2001-06":
            clashes[key] += row["kind"] == "clash"
            dead[key] += int(str(row["dead"]))
            moods[key].append(float(str(row["mood"])))
    if not dead:
        with pytest.raises(OptionError, match="no row of the table is left"):
            imported(tmp_path_factory.mktemp("import"), rows)
        return
    table = imported(tmp_path_factory.mktemp("import"), rows).table
    assert table is not None
    labels = [f"2001-{month:02}" for month in range(2, 8)]
    seen = sorted({pair for pair, _ in dead})
    found = {(row["dyad"], row["period"]): row for row in panel_frame(table).iter_rows(named=True)}
    assert set(found) == {(pair, label) for pair in seen for label in labels}
    for (pair, label), row in found.items():
        before = months.label((months.read(label) or 0) - 1)
        mood = moods.get((pair, before))
        assert row["mood"] == (None if mood is None else pytest.approx(sum(mood) / len(mood)))
        if label == "2001-07":
            # Beyond what was searched stand levels of the month before, and no event.
            assert row["clash"] is None
        else:
            assert (row["clash"], row["dead"]) == (clashes[pair, label], dead[pair, label])


def test_rows_are_counted_once_whatever_becomes_of_them(tmp_path: Path) -> None:
    rows = [
        event(1),
        event(1, kind="talk"),
        event(2, one="KAZ", other="RUS", when="2001-03-09"),
        event(3, other="RUS"),
        event(4, when="2002-01-01"),
        event(5, other="Narnia"),
    ]
    told = imported(
        tmp_path, rows, MAP.replace("other: ", "other: ").replace("second: other}", "second: other, unknown: drop}")
    )
    [report] = told.reports
    assert (report.read, report.taken, report.merged) == (6, 2, 1)
    assert report.read == report.taken + report.dropped
    whys = " / ".join(loss.why for loss in report.losses)
    for part in (
        "repeated another row",
        "named one state twice",
        "outside the periods that were searched",
        "a state that is not known",
    ):
        assert part in whys
    assert any("'Narnia' in 1 row of other" in loss.examples for loss in report.losses)
    assert any("searched in part" in note for note in report.notes)


def test_directions_are_two_columns_that_add_up(tmp_path: Path) -> None:
    rows = [event(1), event(2, one="KAZ", other="RUS"), event(3, one="KAZ", other="RUS")]
    text = MAP.replace("second: other}", "second: other, direction: split}")
    table = imported(tmp_path, rows, text).table
    assert table is not None
    march = next(row for row in panel_frame(table).iter_rows(named=True) if row["period"] == "2001-03")
    assert (march["dyad"], march["clash_out"], march["clash_in"]) == ("KAZ-RUS", 2, 1)
    table = imported(tmp_path, rows[:2], text.replace("split", "directed")).table
    assert table is not None
    march = {
        row["dyad"]: row["clash"] for row in panel_frame(table).iter_rows(named=True) if row["period"] == "2001-03"
    }
    assert march == {"KAZ-RUS": 1, "RUS-KAZ": 1}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"other": "Narnia"}, "events.csv:2: other: 'Narnia' names no known state"),
        ({"when": "05.03.2001"}, "events.csv:2: when: is '05.03.2001', no day"),
        ({"dead": "many"}, "events.csv:2: dead: is 'many'"),
    ],
)
def test_rows_that_do_not_fit_are_refused_by_line(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    with pytest.raises(CaseError) as refused:
        imported(tmp_path, [event(1, **changed)])
    assert said in str(refused.value)


def test_missing_is_not_zero_in_a_table_of_periods(tmp_path: Path) -> None:
    rows = [{"a": 2, "b": 20, "year": 1990 + n, "war": war} for n, war in enumerate(("1", "", "-9", "0"))]
    text = (
        "{title: Wars, rows: periods, period: year, units: {first: a, second: b, codes: cow}, date: {period: year}, "
        "events: {war: {number: war}}, read: {na: [-9]}}"
    )
    table = imported(tmp_path, [dict(row) for row in rows], text).table
    assert table is not None
    assert panel_frame(table)["dyad"].unique().to_list() == ["CAN-USA"]
    assert panel_frame(table)["war"].to_list() == [1, None, None, 0]


def test_a_scan_in_parts_gives_the_same_rows(tmp_path: Path) -> None:
    from riskcast.imports.gathering import gather
    from riskcast.imports.reading import read_rows

    imported(tmp_path, [event(1), event(2, kind="talk, and more"), event(3, mood="")])
    chart = read_map(MAP)
    with gather([tmp_path / "events.csv"]) as [source]:
        slow, fast = (read_rows(source, chart, large=large).frame for large in (10**9, 0))
    assert slow.equals(fast.cast(dict(zip(slow.columns, slow.dtypes, strict=True))))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("number: dead", "number: deaths", "deaths: is missing, though the map names it; did you mean 'dead'?"),
        (
            "repeats:",
            "where: {kind: [talk]}\nrepeats:",
            "no row of the table is left: 1 did not meet `where` of the map",
        ),
    ],
)
def test_a_map_that_does_not_fit_says_which_column_or_why(old: str, new: str, said: str, tmp_path: Path) -> None:
    with pytest.raises((CaseError, OptionError)) as refused:
        imported(tmp_path, [event(1)], MAP.replace(old, new))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("searched: {from: 2001-01-15, until: 2001-06-30}", "", "map.yaml:1: does not say which days were searched"),
        ("second: other}", "second: other, state: one}", "units: names no unit, or several"),
        ("{day: when}", "{day: when, yaer: y}", "map.yaml:5: date.yaer: is an unknown key"),
    ],
)
def test_maps_that_cannot_be_meant_are_refused_by_line(old: str, new: str, said: str) -> None:
    with pytest.raises(CaseError) as refused:
        read_map(MAP.replace(old, new))
    assert said in str(refused.value)


def test_the_schema_takes_what_the_reader_takes() -> None:
    import jsonschema
    import yaml

    from riskcast.imports.maps import map_schema

    plain = yaml.safe_load(MAP)
    plain["searched"] = {key: str(day) for key, day in plain["searched"].items()}
    plain["events"]["clash"]["where"] = {"kind": {"among": ["clash"]}}
    jsonschema.validate(plain, map_schema())
    assert isinstance(read_map(MAP), TableMap)


HOST = """\
title: Incidents
rows: events
period: year
units: {first: actor, second: target, unknown: drop}
date: {year: year, month: month, day_of_month: day}
host: {id: RUS, name: Russia}
partners: [{id: KAZ, name: Kazakhstan}, {id: TJK, name: Tajikistan}]
events:
  demarche: {where: {kind: [note]}, description: [text]}
covariates:
  mood: {column: mood}
searched: {from: 2001-01-01, until: 2002-12-31}
source: {id: gazette, title: Gazette, publisher: Gazette, date: 2003-01-01}
read: {na: [-9]}
"""


def test_a_host_gets_dated_events_and_values_that_a_case_reads(tmp_path: Path) -> None:
    def row(actor: str, target: str, month: int, day: int, kind: str = "note", mood: int = 4) -> dict[str, object]:
        whom = {"actor": actor, "target": target, "year": 2001, "month": month, "day": day}
        return whom | {"kind": kind, "mood": mood, "text": f"{actor} writes."}

    rows = [
        row("TJK", "RUS", 5, 3),
        row("RUS", "KAZ", 6, -9, mood=-9),
        row("RUS", "TJK", 7, 1, kind="visit", mood=8),
        row("KAZ", "TJK", 5, 3),
    ]
    found = imported(tmp_path, rows, HOST)
    assert found.table is None
    assert [
        (one["date"], one["precision"], one["dyad"], one["initiator"], one["sources"], one["status"])
        for one in found.record["history/events.csv"]
    ] == [
        ("2001-05-03", "day", "RUS-TJK", "TJK", "gazette", "located"),
        ("2001-06-01", "month", "RUS-KAZ", "RUS", "gazette", "located"),
    ]
    values = [(one["unit"], one["date"], float(one["value"])) for one in found.record["history/indicators.csv"]]
    # Of two values of a year the mean; a mark of a missing one is no value.
    assert values == [("RUS-TJK", "2001-12-31", 6.0)]
    assert found.record["history/coverage.csv"] == (
        {"unit": "ALL", "type": "demarche", "from": "2001-01-01", "until": "2002-12-31"},
    )
    [report] = found.reports
    assert [(loss.rows, loss.why) for loss in report.losses] == [(1, "were not of the host with one of its partners")]


def test_no_row_is_no_zero_before_what_was_searched(tmp_path: Path) -> None:
    text = MAP.replace("mood: {column: mood, lag: 1}", "mood: {column: mood, lag: 1, absent: zero}")
    table = imported(tmp_path, [event(1)], text).table
    assert table is not None
    moods = {row["period"]: row["mood"] for row in panel_frame(table).iter_rows(named=True)}
    # February is the first month that was searched whole, so that March is the first whose month before is known.
    assert moods == {"2001-02": None, "2001-03": 0, "2001-04": 1, "2001-05": 0, "2001-06": 0, "2001-07": 0}


def test_a_period_longer_than_the_case_is_refused(tmp_path: Path) -> None:
    text = (
        "{title: Yearly, rows: periods, period: month, units: {first: a, second: b, codes: cow}, date: {period: year}, "
        "events: {war: {number: war}}}"
    )
    with pytest.raises(CaseError, match="is '1990', no day; write a period no longer"):
        imported(tmp_path, [{"a": 2, "b": 20, "year": 1990, "war": 1}], text)


def test_a_table_stands_in_files_folders_and_zips_alike(tmp_path: Path) -> None:
    import zipfile

    rows = [event(1), event(2, when="2001-04-05"), event(3, one="KAZ", other="RUS", when="2001-05-09"), event(1)]
    whole = imported(tmp_path, rows)
    text = (tmp_path / "events.csv").read_text(encoding="utf-8").splitlines()
    folder = tmp_path / "parts"
    folder.mkdir()
    for name, lines in (("a.tab", text[1:3]), ("b.CSV", text[3:])):
        (folder / name).write_text("\n".join([text[0], *lines]) + "\n", encoding="utf-8")
    (folder / "readme.txt").write_text("About this table\n", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "parts.zip", "w") as packed:
        for each in folder.iterdir():
            packed.write(each, each.name)
    chart = read_map(MAP)
    for files in ([folder], [tmp_path / "parts.zip"], [folder / "a.tab", folder / "b.CSV"]):
        found = import_tables(files, [chart])
        assert found.files() == whole.files()
        [report] = found.reports
        assert (report.read, report.dropped) == (4, 1)
        assert report.losses[0].examples[0].endswith("b.CSV, line 3: 1")
        assert ("readme.txt" in " ".join(report.notes)) == (len(files) == 1)
    (folder / "b.CSV").write_text("\n".join([text[0], text[3].replace(",3,", ",many,")]) + "\n", encoding="utf-8")
    with pytest.raises(CaseError, match=r"b\.CSV:2: dead: is 'many'"):
        import_tables([folder], [chart])


def test_months_that_were_hardly_searched_are_doubted_and_the_last_row_may_end_them(tmp_path: Path) -> None:
    rows = [event(1, when="2001-04-05"), event(2, when="2001-05-20")]
    [report] = imported(tmp_path, rows, MAP.replace("until: 2001-06-30", "until: 2002-01-31")).reports
    assert ["2 months before" in report.doubts[0], "8 months after" in report.doubts[1]] == [True, True]
    assert "no event of dead" in report.doubts[2]
    found = imported(tmp_path, rows, MAP.replace("until: 2001-06-30", "until: last"))
    assert found.reports[0].last == "2001-05"
    assert found.reports[0].notes == (
        "Searched until 2001-05-20, the last row: say `searched.until` in the map if you know better",
        "2001-01 was searched in part, and is left out",
        "2001-05 was searched in part, and is left out",
    )


def test_rows_of_years_without_the_state_are_dropped_and_told(tmp_path: Path) -> None:
    rows = [
        event(n, one=one, other=other, when="2001-03-05")
        for n, (one, other) in enumerate((("345", "365"), ("2", "260")))
    ]
    text = MAP.replace("second: other}", "second: other, codes: cow, unknown: drop}").replace("2001-0", "1956-0")
    rows += [event(7, one="345", other="365", when="1956-03-05"), event(8, one="341", other="365", when="1956-03-05")]
    found = imported(tmp_path, rows, text)
    assert found.table is not None
    # The number of Serbia was Yugoslavia's; Montenegro was none of its own.
    assert panel_frame(found.table)["dyad"].unique().to_list() == ["RUS-SRB"]
    assert {loss.why: loss.examples for loss in found.reports[0].losses}[
        "were of years in which one of the two states did not exist"
    ] == ("MNE-RUS, 1 row",)


def test_a_directed_draft_is_read_with_states_and_columns_that_became_rows(tmp_path: Path) -> None:
    from riskcast.case.files import read_case
    from riskcast.imports.new_cases import draft_folder

    events = [event(n, when=f"{2001 + n % 4}-03-05", one="RUS" if n % 3 else "KAZ") for n in range(8)]
    events = [row | {"other": "KAZ" if row["one"] == "RUS" else "RUS"} for row in events]
    text = MAP.replace("second: other}", "second: other, direction: directed}").replace("month", "year")
    text = text.replace("2001-01-15", "2001-01-01").replace("2001-06-30", "2004-12-31").replace("at_least: 25", "")
    (tmp_path / "map.yaml").write_text(text, encoding="utf-8")
    with (tmp_path / "events.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(events[0]))
        writer.writeheader()
        writer.writerows(events)
    (tmp_path / "wealth.csv").write_text(
        "who,2000 [YR2000],2001 [YR2001],2002 [YR2002]\nRUS,3,..,5\nKAZ,1,2,4\n", encoding="utf-8"
    )
    (tmp_path / "wealth.yaml").write_text(
        "{title: Wealth, rows: periods, period: year, units: {state: who}, date: {period: year}, "
        "covariates: {wealth: {column: value, label: Wealth, lag: 1}}, "
        "read: {na: [..], spread: {columns: '(\\d+) .*', name: year, value: value}}}",
        encoding="utf-8",
    )
    files, maps = (["events.csv", "wealth.csv"], ["map.yaml", "wealth.yaml"])
    made = draft_folder(tmp_path / "case", [tmp_path / name for name in files], [str(tmp_path / name) for name in maps])
    assert made.reports[1].read == 6
    case = read_case(tmp_path / "case")
    assert case.panel is not None
    assert case.panel.dyads == ("KAZ-RUS", "RUS-KAZ")
    assert case.indicators["wealth_min"].label == "Wealth (lower of both)"
    assert {edge.whose for edge in case.effects if edge.path == "answered"} == {"reverse"}
    lower = {
        (int(u), int(p)): v
        for u, p, v in zip(case.panel.unit, case.panel.period, case.panel.levels["wealth_min"], strict=True)
    }
    assert (lower[0, 2001], lower[1, 2001], lower[0, 2003]) == (1, 1, 4)
