"""A case whose tables come from other programs: the same case, with every place in the file that is there."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pandas
import pyarrow
import pyarrow.parquet
import pytest
import yaml

from riskcast import Case, Request, find_doubts, find_places, load_case, request_doubts, write_case
from riskcast.errors import CaseError
from riskcast.record.arrays import build_record
from riskcast.verification.coverage import report_coverage
from tests.support.smallcase import CASE, EVENTS_CSV, FILES, INDICATORS, SERIES_CSV, write_files
from tests.support.smallpanel import panel_case, table, write_panel_case

EVENTS, SERIES = "history/events.csv", "history/indicators.csv"


def rows_of(name: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(FILES[name])))


def as_text(name: str, separator: str, end: str = "\n", comma: bool = False, encoding: str = "utf-8") -> bytes:
    out = io.StringIO(newline="")
    written = csv.writer(out, delimiter=separator, lineterminator=end)
    for row in rows_of(name):
        written.writerow([cell.replace(".", ",") if comma and cell[:1].isdigit() else cell for cell in row])
    return out.getvalue().encode(encoding)


def as_sheet(name: str) -> bytes:
    """The table as Excel keeps it: days and numbers as such."""
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows_of(name):
        book.active.append([typed(cell) for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def typed(cell: str) -> object:
    for kind in (dt.date.fromisoformat, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell


def as_parquet(name: str) -> bytes:
    header, *rows = rows_of(name)
    columns = {
        title: [typed(cell) for cell in cells] for title, cells in zip(header, zip(*rows, strict=True), strict=True)
    }
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), out)
    return out.getvalue()


KINDS: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "semicolons, decimal commas and a mark": (".csv", lambda name: as_text(name, ";", "\r\n", True, "utf-8-sig")),
    "Excel's Unicode text": (".csv", lambda name: as_text(name, "\t", "\r\n", encoding="utf-16")),
    "sep=": (".csv", lambda name: b"sep=;\r\n" + as_text(name, ";")),
    "lone CR": (".csv", lambda name: as_text(name, ",", "\r")),
    "tabs": (".tsv", lambda name: as_text(name, "\t")),
    "gzip": (".csv.gz", lambda name: gzip.compress(as_text(name, ","))),
    "Excel": (".xlsx", as_sheet),
    "Parquet": (".parquet", as_parquet),
}


def small(folder: Path, name: str, content: bytes, suffix: str = ".csv") -> Path:
    write_files(folder)
    (folder / name).unlink()
    (folder / name.replace(".csv", suffix)).write_bytes(content)
    return folder


def refusals(folder: Path) -> list[str]:
    with pytest.raises(CaseError) as caught:
        load_case(folder)
    return [str(problem) for problem in caught.value.problems]


def told(case: Case | Path, name: str) -> list[str]:
    return [str(doubt) for doubt in find_doubts(case, quick=True) if doubt.judgement == name and not doubt.allowed]


@pytest.mark.parametrize("name", [EVENTS, SERIES])
@pytest.mark.parametrize("kind", list(KINDS))
def test_a_table_of_another_program_is_the_same_case_and_every_row_has_its_place(
    kind: str, name: str, tmp_path: Path
) -> None:
    plain = load_case(write_files(tmp_path / "plain"))
    suffix, made = KINDS[kind]
    folder = small(tmp_path / "other", name, made(name), suffix)
    case = load_case(folder)
    assert case.hash == plain.hash
    places = find_places(folder)
    assert places is not None
    rows = case.event_rows if name == EVENTS else case.series_rows
    first = {"sep=": 3, "Parquet": 1}.get(kind, 2)
    shown = name.replace(".csv", suffix)
    assert [str(places.row(row)) for row in rows] == [f"{shown}:{line}" for line in range(first, first + len(rows))]
    write_case(case, tmp_path / "again")
    assert load_case(tmp_path / "again").hash == plain.hash
    assert (tmp_path / "again" / name).is_file()


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_is_wrong_is_told_in_the_file_and_row_that_are_there(kind: str, tmp_path: Path) -> None:
    suffix, made = KINDS[kind]
    folder = small(tmp_path, EVENTS, made(EVENTS), suffix)
    (folder / "sources.yaml").write_text(FILES["sources.yaml"].replace("archive:", "library:"), encoding="utf-8")
    line = 2 + {"sep=": 1, "Parquet": -1}.get(kind, 0)
    assert f"{EVENTS.replace('.csv', suffix)}:{line}: sources: unknown source 'archive'" in "\n".join(refusals(folder))


def test_two_files_of_one_table_and_two_of_one_yaml_file_are_refused(tmp_path: Path) -> None:
    write_files(tmp_path)
    (tmp_path / "history" / "events.tsv").write_bytes(as_text(EVENTS, "\t"))
    assert refusals(tmp_path) == ["history/events.csv: stands beside history/events.tsv; keep one of them"]
    (tmp_path / "history" / "events.tsv").unlink()
    (tmp_path / "case.yml").write_text(CASE, encoding="utf-8")
    assert refusals(tmp_path) == ["case.yaml: stands beside case.yml; keep one of them"]
    (tmp_path / "case.yaml").unlink()
    assert load_case(tmp_path).hash == load_case(write_files(tmp_path / "plain")).hash
    (tmp_path / "case.yml").write_text(CASE.replace("horizon: 12", "horizon: twelve"), encoding="utf-8")
    assert refusals(tmp_path)[0].startswith("case.yml:12: horizon: is 'twelve'")


def test_a_guessed_encoding_is_told_until_it_is_allowed(tmp_path: Path) -> None:
    raw = EVENTS_CSV.replace("A note", "Bürger in Zürich").encode("cp1252")
    folder = small(tmp_path, EVENTS, raw)
    (doubt,) = told(folder, "guessed-encoding")
    assert doubt.startswith("history/events.csv: is not UTF-8, and was read as Windows-1252: 'Bürger'")
    case = load_case(folder)
    assert told(case.revised(scenarios={}), "guessed-encoding") == [doubt]
    assert [str(one) for one in request_doubts(Request(case))] == [doubt]
    assert case.hash == load_case(small(tmp_path / "utf8", EVENTS, raw.decode("cp1252").encode())).hash
    (folder / "case.yaml").write_text(CASE + "allow: [guessed-encoding]\n", encoding="utf-8")
    assert told(folder, "guessed-encoding") == []
    assert request_doubts(Request(load_case(folder))) == ()


def test_sheets_that_are_not_read_are_told(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(as_sheet(EVENTS)))
    book.create_sheet("Remarks").append(["not a table"])
    out = io.BytesIO()
    book.save(out)
    (doubt,) = told(small(tmp_path, EVENTS, out.getvalue(), ".xlsx"), "other-sheets")
    assert doubt.startswith("history/events.xlsx: has several sheets, of which 'Sheet' was read, and not 'Remarks'")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "2016-03-20",
            "20.03.2016",
            "date: is '20.03.2016' in an order of day and month that cannot be told",
        ),
        ("2016-03-20", "3/20/2016", "write all days as YYYY-MM-DD"),
        ("-20,", "-20 14:30,", "date: is '2016-03-20 14:30', a day with a time of day, in 2 rows"),
        ("-01,", ",", "date: is '2017-06', a month without a day, in 3 rows"),
        ("2016-03-20", "42449", "date: is '42449', a day as Excel counts them"),
        (",,unverified", ",NA,unverified", "sources: is 'NA' in 1 rows, and no mark of a missing value is named"),
    ],
)
def test_cells_of_events_that_cannot_be_told_apart_are_told_once(
    old: str, new: str, words: str, tmp_path: Path
) -> None:
    (said,) = refusals(write_files(tmp_path, history_events_csv=EVENTS_CSV.replace(old, new)))
    assert words in said


def test_midnight_behind_a_day_is_that_day(tmp_path: Path) -> None:
    plain = load_case(write_files(tmp_path / "plain")).hash
    for midnight in (" 00:00:00+00:00", "T00:00:00.000Z", "T00:00-0500", " 00:00:00", "T00:00", " 00:00:00.000"):
        text = EVENTS_CSV.replace("2016-03-20", f"2016-03-20{midnight}")
        assert load_case(write_files(tmp_path / "other", history_events_csv=text)).hash == plain
    assert (
        "2016-03-20 13:00"
        in refusals(write_files(tmp_path, history_events_csv=text.replace("00:00:00.000", "13:00")))[0]
    )
    half = write_files(tmp_path / "half", history_events_csv=text.replace("00:00:00.000", "00:00:30"))
    assert "'2016-03-20 00:00:30'" in refusals(half)[0]


def test_faults_of_many_rows_are_told_by_the_first_of_them(tmp_path: Path) -> None:
    rows = "".join(f"2016-04-{day:02},day,protest,HHH-AAA,AAA,Note {day},archive,found\n" for day in range(1, 31))
    said = refusals(write_files(tmp_path, history_events_csv=EVENTS_CSV + rows))
    assert len(said) == 6
    assert "and in 25 more rows" in said[-1]


# Marks of missing values.


def test_a_row_of_a_series_without_a_value_is_left_out_where_the_case_names_the_mark(tmp_path: Path) -> None:
    row = "mood,HHH,2019-01-31,{},{},{},2019-03-01,archive,located\n"
    (said,) = refusals(write_files(tmp_path, history_indicators_csv=SERIES_CSV + row.format("NA", 1, 2)))
    assert "value: is 'NA' in 1 of 4 rows" in said
    assert "`na: [NA]` in case.yaml" in said
    marked = CASE + "na: [NA, ., -9]\n"
    text = SERIES_CSV + row.format("NA", "NA", "NA") + row.format(-9.0, "", ".")
    case = load_case(write_files(tmp_path, case_yaml=marked, history_indicators_csv=text))
    assert len(case.series_rows) == len(rows_of(SERIES)) - 1
    assert [one.without_value for one in case.dialects] == [0, 2]
    text = SERIES_CSV + row.format(50, "NA", 52)
    said = refusals(write_files(tmp_path, case_yaml=marked, history_indicators_csv=text))
    assert said[0].startswith("history/indicators.csv:5: low: is 'NA', which marks a missing value, beside a value")
    text = SERIES_CSV + row.format(-9, -9, -9) + row.format(-9, -9, -9).replace("01-31", "02-28")
    (said,) = refusals(write_files(tmp_path / "number", history_indicators_csv=text))
    assert "value: -9 is outside what mood can be" in said
    assert "`na: [-9]`" in said


def test_marks_are_no_part_of_a_hash_until_they_are_named_and_are_written_again(tmp_path: Path) -> None:
    plain = load_case(write_files(tmp_path / "plain"))
    case = load_case(write_files(tmp_path / "marked", case_yaml=CASE + "na: [NA, ., -9, '-99']\n"))
    assert case.settings.na == ("NA", ".", -9.0, "-99")
    assert case.hash != plain.hash
    write_case(case, tmp_path / "again")
    assert load_case(tmp_path / "again").hash == case.hash
    for wrong in ("[true]", "[['x']]", "['']"):
        folder = write_files(tmp_path / "wrong", case_yaml=CASE + f"na: {wrong}\n")
        assert "write a word or a number, such as NA or -9" in refusals(folder)[0]


MARKED = (("indicators.yaml", "reference: 10", "reference: 10\n  missing: [hold, reference]"),)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_marks_in_a_panel_are_missing_by_word_and_by_value(suffix: str, tmp_path: Path) -> None:
    rows = table()
    empty = rows.assign(trade=rows["trade"].where(rows["period"] != "2005"))
    marked = rows.assign(trade=rows["trade"].where(rows["period"] != "2005", -9.0))
    named = (*MARKED, ("case.yaml", "title:", "na: [-9, NA]\ntitle:"))
    with_marks = load_case(write_panel_case(tmp_path / "marked", marked, suffix=suffix, edits=named))
    without = load_case(write_panel_case(tmp_path / "empty", empty, suffix=suffix, edits=MARKED))
    assert with_marks.panel is not None
    assert without.panel is not None
    assert with_marks.panel.digest == without.panel.digest
    (said,) = refusals(write_panel_case(tmp_path / "unnamed", marked, suffix=suffix, edits=MARKED))
    assert "in 4 of 53 rows, outside what it can be" in said or "in 5 of 53 rows, outside what it can be" in said
    assert "`na: [-9]`" in said
    events = rows.assign(clash=rows["clash"].where(rows["period"] != "2005", -9.0))
    (said,) = refusals(write_panel_case(tmp_path / "events", events, suffix=suffix))
    assert "clash: is " in said
    assert "`na: [-9]`" in said


def test_a_number_that_may_mark_a_missing_value_is_told_where_nothing_refuses_it(tmp_path: Path) -> None:
    rows = table().assign(
        tension=lambda rows: np.where(rows["period"] == "2003", -99.0, 0.5 + (rows["period"] > "2006"))
    )
    folder = write_panel_case(tmp_path, rows)
    (doubt,) = told(folder, "missing-mark")
    assert "tension: is -99 in" in doubt
    assert "`na: [-99]`" in doubt
    series = {one.indicator: one for one in report_coverage(load_case(folder), draws=50).series}
    assert (series["tension"].low, series["tension"].high) == (-99.0, 1.5)
    assert (series["climate"].low, series["climate"].high) == (None, None)
    mild = table().assign(
        tension=lambda rows: np.where(rows["period"] == "2003", -9.0, -3.0 + (rows["period"] > "2006"))
    )
    assert told(write_panel_case(tmp_path / "mild", mild), "missing-mark") == []


# Panels.


def test_truth_words_are_events(tmp_path: Path) -> None:
    rows = table()
    words = rows.assign(
        clash=rows["clash"].map({1.0: "TRUE", 0.0: "FALSE"}), raid=rows["raid"].map({1.0: "T", 0.0: "F"})
    )
    case = load_case(write_panel_case(tmp_path, words))
    assert case.panel is not None
    assert case.panel.digest == panel_digest()


def panel_digest(unit: str = "year") -> str:
    panel = panel_case(unit=unit).panel
    assert panel is not None
    return panel.digest


def panel_of(folder: Path) -> str:
    panel = load_case(folder).panel
    assert panel is not None
    return panel.digest


@pytest.mark.parametrize("unit", ["week", "month", "quarter", "year"])
def test_days_stand_for_the_period_that_holds_them(unit: str, tmp_path: Path) -> None:
    frequency = {"week": "W-SUN", "month": "M", "quarter": "Q-DEC", "year": "Y-DEC"}[unit]
    rows = table(unit)
    labels = rows["period"]
    if unit == "week":
        starts = pandas.to_datetime([dt.date.fromisocalendar(int(text[:4]), int(text[-2:]), 1) for text in labels])
        periods = pandas.PeriodIndex(starts, freq=frequency)
    else:
        periods = pandas.PeriodIndex(labels, freq=frequency)
    days = periods.start_time
    expected = panel_digest(unit)
    variants = {
        "text": rows.assign(period=days.strftime("%Y-%m-%d")),
        "moment": rows.assign(period=days.strftime("%Y-%m-%d 00:00:00")),
        "zoned moment": rows.assign(period=days.strftime("%Y-%m-%d 00:00:00+05:00")),
    }
    for name, variant in variants.items():
        assert panel_of(write_panel_case(tmp_path / name, variant, unit=unit)) == expected
    for name, column in {"period": periods, "stamp": days, "zone": days.tz_localize("Asia/Tashkent")}.items():
        folder = write_panel_case(tmp_path / name, rows.assign(period=column), unit=unit, suffix="parquet")
        assert panel_of(folder) == expected


def test_years_as_numbers_are_years(tmp_path: Path) -> None:
    rows = table()
    for name, years in {"point": rows["period"] + ".0", "comma": rows["period"] + ",0"}.items():
        out = rows.assign(period=years).to_csv(index=False, sep=";" if name == "comma" else ",").encode()
        assert panel_of(write_panel_case(tmp_path / name, out)) == panel_digest()


def test_years_in_a_panel_of_months_and_weeks_across_two_months_are_refused(tmp_path: Path) -> None:
    rows = table("month")
    years = pandas.PeriodIndex(rows["period"], freq="Y")
    folder = write_panel_case(tmp_path / "years", rows.assign(period=years), unit="month", suffix="parquet")
    assert "not a month" in refusals(folder)[0]
    weeks = pandas.PeriodIndex(pandas.PeriodIndex(rows["period"], freq="M").end_time, freq="W")
    folder = write_panel_case(tmp_path / "weeks", rows.assign(period=weeks), unit="month", suffix="parquet")
    assert "not a month" in refusals(folder)[0]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "csv.gz", "xlsx", "parquet"])
def test_a_panel_is_written_as_the_kind_of_file_that_the_case_names(suffix: str, tmp_path: Path) -> None:
    rows = table()
    rows["trade"] = rows["trade"] / 3.0
    rows.loc[1, "trade"] = 0.1 + 0.2
    folder = write_panel_case(tmp_path / "first", rows, suffix="csv")
    case = load_case(folder)
    assert case.settings.panel is not None
    named = case.settings.panel.model_copy(update={"file": f"history/panel.{suffix}"})
    other = case.revised(settings=case.settings.model_copy(update={"panel": named}))
    write_case(other, tmp_path / "again")
    assert (tmp_path / "again" / "history" / f"panel.{suffix}").is_file()
    assert load_case(tmp_path / "again").hash == other.hash


# Several events of one type, dyad and day.


def test_events_of_one_day_are_several_and_their_period_counts_once(tmp_path: Path) -> None:
    row = "2016-03-20,day,protest,HHH-AAA,AAA,{},archive,located\n"
    once = load_case(write_files(tmp_path / "once"))
    folder = write_files(tmp_path / "twice", history_events_csv=EVENTS_CSV + row.format("In the port"))
    twice = load_case(folder)
    assert len(twice.event_rows) == len(once.event_rows) + 1
    places = find_places(folder)
    assert places is not None
    same_day = [row for row in twice.event_rows if row.date == dt.date(2016, 3, 20)]
    assert [str(places.row(row)) for row in same_day] == ["history/events.csv:3", "history/events.csv:10"]
    records = [build_record(case) for case in (once, twice)]
    for event in once.events:
        np.testing.assert_array_equal(records[0].occurred[event], records[1].occurred[event])
        np.testing.assert_array_equal(records[0].counted[event], records[1].counted[event])
    (said,) = refusals(write_files(tmp_path / "alike", history_events_csv=EVENTS_CSV + row.format("A note")))
    assert said.startswith("history/events.csv:10: repeats protest of HHH-AAA on 2016-03-20 in every cell of row 3; ")


# Characters that nobody sees.


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CASE.replace("horizon: 12", "horizon:\u00a012"), "no-break space (U+00A0) where a blank should stand"),
        (CASE.replace("horizon: 12", "horizon: \u00a012"), "horizon: begins or ends with the no-break space (U+00A0)"),
        (CASE.replace("  fast:", "\u00a0\u00a0fast:"), "no-break space (U+00A0)"),
        (CASE.replace("horizon: 12", "horizon\uff1a12"), "fullwidth colon (U+FF1A) where a plain one should stand"),
        (CASE.replace("horizon", "hori\u200bzon"), "zero width space (U+200B) in its name"),
        (CASE.replace("period: month", "period: mo\u200bnth"), "period: holds the zero width space (U+200B)"),
        (CASE.replace("title: Small", "title: Small\n\ufeffnote: x"), "byte order mark (U+FEFF)"),
        (CASE.replace("title: Small", "title: \u201cSmall\u201d"), "title: is in typographic quotes (left double"),
        (CASE.replace("title:", "\u201ctitle\u201d:"), "left double quotation mark (U+201C) in its name"),
        (CASE.replace("horizon: 12", "horizon: \u221212"), "'−12', with the minus sign (U+2212)"),
        (CASE.replace("horizon", "hori\u200dzon"), "zero width joiner (U+200D) in its name"),
        (CASE.replace("horizon", "h\u043erizon"), "has the cyrillic small letter o (U+043E) in its name"),
        (CASE.replace("horizon: 12", "horizon: \uff11\uff12"), "with the fullwidth digit one (U+FF11)"),
        ("as_of: 2020\u201312\u201331\n", "as_of: is '2020\u201312\u201331', with the en dash (U+2013)"),
        ("a: {start: 50,5}\n", "a.start: is parted by a comma from the 5 behind it; write a decimal point"),
        ("a: {interval: [0,1, 0,6]}\n", "a.interval: has 4 items, as the commas within its numbers part them"),
        ("a:\u00a030\n", "no-break space (U+00A0) after 'a'"),
    ],
)
def test_a_character_that_looks_like_another_is_named(text: str, words: str, tmp_path: Path) -> None:
    said = refusals(write_files(tmp_path, case_yaml=text))
    assert words in said[0], said


def test_text_may_hold_what_typographers_use(tmp_path: Path) -> None:
    text = CASE.replace("title: Small", "title: \u201cSmall\u201d and\u00a0so on: \u201cx\u201d".replace("on: ", "on "))
    assert load_case(write_files(tmp_path, case_yaml=text)).settings.title.endswith("\u201cx\u201d") is True


# Numbers named where they stand.


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "median: 0.3\n    interval: [0.1, 0.6]",
            "median: 30\n    interval: [10, 60]",
            "median: 30 must be strictly between 0 and 1",
        ),
        ("median: 0.3\n    interval: [0.1, 0.6]", "median: 30\n    interval: [10, 60]", "give 0.3 for 30 %"),
        ("median: 0.3\n    interval: [0.1, 0.6]", "median: 0.3\n    interval: [0.1, 1.6]", "interval: 1.6 must be"),
        ("interval: [0.1, 0.6]", "interval: [0.1, 60]", "and 1; correct the number, or the unit it is in"),
        ("interval: [0.1, 0.6]", "interval: [10, 60]", "give all of it in one unit: 30 for 0.3, or [0.1, 0.6] for"),
        ("median: 0.3\n", "median: 30\n", "give all of it in one unit: 0.3 for 30, or [10, 60] for [0.1, 0.6]"),
        ("median: 0.3\n", "median: -0.3\n", "correct the sign of one of the two"),
    ],
)
def test_the_number_that_is_told_is_the_one_that_stands_there(old: str, new: str, words: str, tmp_path: Path) -> None:
    assert old in FILES["outcomes.yaml"]
    (said,) = refusals(write_files(tmp_path, outcomes_yaml=FILES["outcomes.yaml"].replace(old, new)))
    assert words in said


def test_a_level_out_of_bounds_is_told_at_the_number_that_is(tmp_path: Path) -> None:
    (said,) = refusals(write_files(tmp_path, indicators_yaml=INDICATORS.replace("[48, 62]", "[48, 620]")))
    assert "mood.now.interval: 48..620 leaves the bounds 0..100" in said
    text = SERIES_CSV.replace("50.5,48,53", "50.5,48,530")
    assert "high: 530 is outside what mood can be" in refusals(write_files(tmp_path, history_indicators_csv=text))[0]
    assert yaml.safe_load(INDICATORS)["mood"]["bounds"] == [0, 100]
