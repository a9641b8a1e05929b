"""The reader of tables: one table is the same cells in every dialect, and what cannot be told apart is said once."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings, strategies as st

from riskcast.errors import CaseError, Problem
from riskcast.machinery import table_files, workbook_sheets
from riskcast.machinery.table_files import TableFile, Wanted, find_table, read_table

COLUMNS = ("day", "kind", "note")
WANTED = Wanted(COLUMNS)
CELL = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters="\u00ad"), max_size=8
)
ROWS = st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8)


def read(folder: Path, content: bytes, name: str = "table.csv", wanted: Wanted = WANTED) -> TableFile:
    file = folder / name
    file.write_bytes(content)
    return read_table(file, name, wanted)


def problems(folder: Path, content: bytes, name: str = "table.csv", wanted: Wanted = WANTED) -> tuple[Problem, ...]:
    with pytest.raises(CaseError) as caught:
        read(folder, content, name, wanted)
    return caught.value.problems


def cells(table: TableFile) -> list[tuple[str, ...]]:
    return list(zip(*(table.texts(column) for column in COLUMNS), strict=True))


def workbook(rows: list[tuple[Any, ...]], *, sheets: dict[str, list[tuple[Any, ...]]] | None = None) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "First"
    for row in rows:
        book.active.append(list(row))
    for title, others in (sheets or {}).items():
        sheet = book.create_sheet(title)
        for row in others:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@settings(max_examples=300, deadline=None)
@given(
    rows=ROWS,
    separator=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    around=st.sampled_from(["", " ", "\u00a0", "\u202f", "\u2009"]),
    suffix=st.sampled_from([".csv", ".tsv", ".csv.gz"]),
    names_it=st.booleans(),
)
def test_a_table_is_the_same_cells_in_every_dialect(
    rows: list[tuple[str, str, str]],
    separator: str,
    end: str,
    encoding: str,
    quoting: Any,
    around: str,
    suffix: str,
    names_it: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    out = io.StringIO(newline="")
    if names_it:
        out.write(f"sep={separator}{end}")
    padded = [[f"{around}{cell}{around}" for cell in row] for row in (COLUMNS, *rows)]
    csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting).writerows(padded)
    # Without a mark, UTF-16 shows in its zeros, which only Latin text has.
    plain = out.getvalue() if encoding not in ("utf-16-le", "utf-16-be") or out.getvalue().isascii() else None
    raw = out.getvalue().encode("utf-8") if plain is None else plain.encode(encoding)
    folder = tmp_path_factory.mktemp("dialect")
    table = read(folder, gzip.compress(raw) if suffix.endswith("gz") else raw, f"table{suffix}")
    wanted = [tuple(cell.strip(table_files.BLANKS) for cell in row) for row in rows]
    assert cells(table) == [row for row in wanted if any(row)]
    assert table.dialect.separator == separator
    first = 2 + names_it
    assert [row for line, row in enumerate(wanted, first) if line in table.lines.tolist()] == cells(table)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.dates(dt.date(1901, 1, 1), dt.date(2999, 12, 31)),
            st.booleans(),
            st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6).map(lambda number: float(f"{number:.9g}")),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_days_truth_values_and_numbers_are_the_same_in_a_workbook_as_in_text_and_in_parquet(
    rows: list[tuple[dt.date, bool, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("typed")
    sheet = read(folder, workbook([COLUMNS, *rows]), "table.xlsx")
    assert sheet.texts("day") == [day.isoformat() for day, _, _ in rows]
    assert sheet.texts("kind") == [str(truth).upper() for _, truth, _ in rows]
    assert [float(text) for text in sheet.texts("note")] == [float(number) for _, _, number in rows]
    assert sheet.lines.tolist() == list(range(2, len(rows) + 2))
    columns = list(zip(*rows, strict=True))
    arrow = pyarrow.table(
        {"day": pyarrow.array(columns[0]), "kind": pyarrow.array(columns[1]), "note": list(map(float, columns[2]))}
    )
    pyarrow.parquet.write_table(arrow, folder / "table.parquet")
    stored = read_table(folder / "table.parquet", "table.parquet", WANTED)
    assert stored.texts("day") == sheet.texts("day")
    assert stored.columns["note"].tolist() == [float(number) for number in columns[2]]
    assert stored.columns["kind"].tolist() == [float(truth) for truth in columns[1]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "day;kind;note\n2020;a;b\n1,2\n",
            ("has 1 cells where the header has 3", "quote cells that contain semicolons"),
        ),
        ("day,kind,note\n2020;a;b\n2021;c;d\n", ("separated by semicolons, but the header by commas", "one separator")),
        ('"day;kind;note"\n"2020;a;b"\n', ("one cell with semicolons in it", "quotes around whole rows")),
        ("day kind note\n2020 a b\n", ("one cell (day kind note)", "commas, semicolons or tabs")),
        ("x;y;z\n1;2;3\n", ("has none of the columns", "start with the header day,kind,note")),
        ("day,kind,note\n1,2020,a,b\n2,2021,c,d\n", ("all rows after it have 4 cells", "row.names=FALSE")),
        ("day,kind,note\n1,2020,a,\n2,2021,c,\n", ("all rows after it have 4 cells", "row.names=FALSE")),
        ("day,kind,note\n1,“a, b”,c\n", ("has 4 cells", "with straight double quotes")),
        ("What happened\nday,kind,note\n1,a,b\n", ("has none of the columns", "start with the header")),
        ("What happened,,\nday,kind,note\n1,a,b\n", ("has none of the columns", "start with the header")),
        ("sep=;\nday,kind,note\n1,a,b\n", ("one cell with commas in it", "correct the separator in the first line")),
        ("a,day,kind,note\nx,1,2,3\n", ("unknown column",)),
        (",day,kind,note\nx,1,2,3\n", ("no name for the first column", "index=False")),
        ("day,kind,note,\n1,2,3,4\n", ("no name for column 4",)),
    ],
)
def test_what_cannot_be_told_apart_is_said_in_one_line(text: str, words: tuple[str, ...], tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, text.encode())
    assert all(word in f"{problem.wrong}; {problem.mend}" for word in words), problem


@pytest.mark.parametrize(
    "text",
    [
        ",day,kind,note\n1,a,b,c\n2,d,e,f\n",
        '"","day","kind","note"\n"1","a","b","c"\n"7","d","e","f"\n',
        "Unnamed: 0,day,kind,note\n0,a,b,c\n1,d,e,f\n",
        "day,kind,note,,\na,b,c,,\nd,e,f,,\n",
        "day,kind,note\na,b,c,\nd,e,f,\n",
        "day,kind,note;;;\na,b,c;;;\nd,e,f;;;\n",
        "sep=;;;\nday;kind;note\na;b;c\nd;e;f\n",
    ],
)
def test_columns_without_a_name_that_say_nothing_are_left_out(text: str, tmp_path: Path) -> None:
    table = read(tmp_path, text.encode())
    assert cells(table) == [("a", "b", "c"), ("d", "e", "f")]


def test_a_quote_behind_a_blank_is_a_quote(tmp_path: Path) -> None:
    table = read(tmp_path, b'day, kind, note\n1, a, "x, y"\n')
    assert cells(table) == [("1", "a", "x, y")]


def test_pandas_index_in_parquet_is_left_out_where_it_numbers_the_rows(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"day": ["a"], "kind": ["b"], "note": ["c"]}, index=[7])
    frame.to_parquet(tmp_path / "table.parquet")
    assert cells(read_table(tmp_path / "table.parquet", "table.parquet", WANTED)) == [("a", "b", "c")]
    frame.set_axis(["x"]).to_parquet(tmp_path / "table.parquet")
    with pytest.raises(CaseError, match="__index_level_0__: is an unknown column"):
        read_table(tmp_path / "table.parquet", "table.parquet", WANTED)


def test_western_text_that_is_no_utf8_is_read_and_the_guess_is_told(tmp_path: Path) -> None:
    table = read(tmp_path, "day,kind,note\n1,Bürger,x\n".encode("cp1252"))
    assert table.texts("kind") == ["Bürger"]
    assert (table.dialect.encoding, table.dialect.sample) == ("Windows-1252", "Bürger")


@pytest.mark.parametrize(
    "text", ["créée à l’été", "«États-Unis»", "¿Qué? ¡Ángel!", "COOPERAÇÕES", "þýðing, þú", "GRÜßE", "£5 m³ 20°C, ±½"]
)
def test_western_words_of_all_kinds_are_western_text(text: str, tmp_path: Path) -> None:
    assert read(tmp_path, f"day;kind;note\n1;{text};x\n".encode("cp1252")).texts("kind") == [text]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("抗议", "gbk"),
        ("抗議", "big5"),
        ("שלום", "cp1255"),
        ("в г. Ош", "cp1251"),
        ("Łódź", "cp1250"),
        ("Władysław", "cp1250"),
        ("Αθήνα", "cp1253"),
        ("café", "mac_roman"),
        ("café", "cp437"),
    ],
)
def test_text_that_would_be_garbled_in_windows_1252_is_refused(text: str, encoding: str, tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, f"day,kind,note\n1,{text},x\n".encode(encoding))
    assert "is not UTF-8, and no Western text either" in problem.wrong
    assert problem.mend == "save the file as UTF-8 (in Excel: CSV UTF-8)"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("day,kind,note\n1,Протест в столице,x\n".encode("cp1251"), ("no Western text", "Windows-1251", "UTF-8")),
        (b"day,kind,note\n1,a\x81,x\n", ("neither UTF-8 nor Windows-1252 (byte 0x81)",)),
        (b"\xff\xfed\0a\0y", ("not whole UTF-16",)),
        (b"day,kind,note\n1,a\0b,x\n", ("control character U+0000",)),
        (b"\x1f\x8b\x08rest", ("packed by gzip", "end in .gz")),
        (b"\xd0\xcf\x11\xe0rest", ("old Excel workbook", "as .csv or .xlsx")),
    ],
)
def test_bytes_that_are_no_text_name_what_they_are(raw: bytes, words: tuple[str, ...], tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, raw)
    assert all(word in f"{problem.wrong}; {problem.mend}" for word in words), problem


def test_the_sheet_named_after_the_table_is_read_and_else_the_first_that_can_be_seen(tmp_path: Path) -> None:
    other = [COLUMNS, ("2", "b", "y")]
    raw = workbook([COLUMNS, ("1", "a", "x")], sheets={"Table": other, "Notes": [("remarks",)]})
    named = read(tmp_path, raw, "table.xlsx")
    assert cells(named) == [("2", "b", "y")]
    assert (named.dialect.sheet, named.dialect.other_sheets) == ("Table", ("First", "Notes"))
    first = read(tmp_path, raw, "events.xlsx")
    assert (cells(first), first.dialect.sheet) == ([("1", "a", "x")], "First")
    alone = read(tmp_path, workbook([(), COLUMNS, (), ("1", "a", "x")]), "table.xlsx")
    assert (alone.dialect.sheet, alone.dialect.other_sheets, alone.lines.tolist()) == ("", (), [4])


def test_the_sheet_with_the_columns_is_read_and_problems_name_theirs(tmp_path: Path) -> None:
    raw = workbook([("Read me",)], sheets={"Data": [COLUMNS, ("1", "a", "b")]})
    table = read(tmp_path, raw, "table.xlsx")
    assert (cells(table), table.dialect.sheet) == ([("1", "a", "b")], "Data")
    raw = workbook([("Events of the year", None, None), COLUMNS], sheets={"Data": [("x",)]})
    (problem,) = problems(tmp_path, raw, "table.xlsx")
    assert problem.wrong == "has none of the columns of this table, but Events of the year (sheet 'First')"


def test_a_formula_without_a_result_and_an_error_are_no_empty_cells(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, workbook([COLUMNS, ("1", "=1+1", "x")]), "table.xlsx")
    assert (problem.line, problem.wrong) == (2, "holds a formula without a result in B2")
    assert cells(read(tmp_path, workbook([COLUMNS, ("1", "#N/A", "x")]), "table.xlsx")) == [("1", "#N/A", "x")]


def test_a_workbook_that_spans_or_unpacks_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook([COLUMNS, ("1", "a", "x")])))
    assert book.active is not None
    book.active["XFD1048576"] = 1
    out = io.BytesIO()
    book.save(out)
    (problem,) = problems(tmp_path, out.getvalue(), "table.xlsx")
    assert "spans 1,048,576 rows and 16,384 columns" in problem.wrong
    monkeypatch.setattr(workbook_sheets, "MAX_UNPACKED", 1000)
    assert "unpacks to more than" in problems(tmp_path, workbook([COLUMNS]), "table.xlsx")[0].wrong


@pytest.mark.parametrize("raw", [b"", b"PK\3\4", b"PK\3\4" + bytes(900), b"day,kind,note\n", b"\xd0\xcf\x11\xe0"])
def test_what_is_no_workbook_is_refused_in_one_line(raw: bytes, tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, raw, "table.xlsx")
    assert "save it" in problem.mend


def test_a_zip_of_something_else_is_no_workbook(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("case.yaml", "title: x")
    assert "cannot be read as an Excel workbook" in problems(tmp_path, out.getvalue(), "table.xlsx")[0].wrong


def test_what_gzip_unpacks_to_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = gzip.compress(b"day,kind,note\n" + b"a,b,c\n" * 1000)
    monkeypatch.setattr(table_files, "MAX_BYTES", 2000)
    (problem,) = problems(tmp_path, raw, "table.csv.gz")
    assert (problem.wrong, "shorten descriptions" in problem.mend) == ("unpacks to too much", True)
    assert problems(tmp_path, raw[:30], "table.csv.gz")[0].wrong == "is damaged (gzip)"
    assert problems(tmp_path, b"day,kind,note\n", "table.csv.gz")[0].wrong == "is not packed by gzip"


def test_a_table_is_found_whatever_its_ending_and_two_of_one_are_refused(tmp_path: Path) -> None:
    history = tmp_path / "history"
    history.mkdir()
    assert find_table(tmp_path, "history/events") is None
    (history / "Events.CSV").write_text("x")
    (history / "events_old.csv").write_text("x")
    assert find_table(tmp_path, "history/events") == "history/Events.CSV"
    (history / "events.xlsx").write_text("x")
    with pytest.raises(CaseError, match=r"history/Events.CSV: stands beside history/events.xlsx; keep one of them"):
        find_table(tmp_path, "history/events")
    (history / "panel.xls").write_text("x")
    with pytest.raises(CaseError, match=r"history/panel.xls: is no kind of table that is read; save it as CSV"):
        find_table(tmp_path, "history/panel")


@pytest.mark.parametrize("ending", [".csv.txt", ".csv.zip", ".bz2", ".json", ".dta"])
def test_a_table_of_another_kind_is_named(ending: str, tmp_path: Path) -> None:
    (tmp_path / f"events{ending}").touch()
    with pytest.raises(CaseError, match=f"events{ending}: is no kind of table that is read"):
        find_table(tmp_path, "events")


def parquet(folder: Path, kind: Any) -> TableFile:
    arrays = {"day": kind, "kind": ["a"] * len(kind), "note": ["b"] * len(kind)}
    pyarrow.parquet.write_table(pyarrow.table(arrays), folder / "table.parquet")
    return read_table(folder / "table.parquet", "table.parquet", WANTED)


NAIVE = dt.datetime(2001, 3, 1)


@pytest.mark.parametrize(
    ("array", "texts"),
    [
        (pyarrow.array([b"x", None], pyarrow.binary()), ["x", ""]),
        (pyarrow.array([b"x", None], pyarrow.large_binary()), ["x", ""]),
        (pyarrow.array([b"xy"], pyarrow.binary(2)), ["xy"]),
        (pyarrow.array([" x ", None], pyarrow.string_view()), ["x", ""]),
        (pyarrow.array(["x", "y", None, "x"]).dictionary_encode(), ["x", "y", "", "x"]),
        (pyarrow.array([Decimal("1.50"), None]), ["1.5", ""]),
        (pyarrow.array([1, None], pyarrow.int64()), ["1", ""]),
        (pyarrow.array([1961, 1962], pyarrow.uint16()), ["1961", "1962"]),
        (pyarrow.array([1961.0, 0.5], pyarrow.float32()), ["1961", "0.5"]),
        (pyarrow.array([None, None], pyarrow.null()), ["", ""]),
        (pyarrow.array([dt.date(2001, 3, 1), None], pyarrow.date64()), ["2001-03-01", ""]),
        (pyarrow.array([NAIVE, None], pyarrow.timestamp("ns")), ["2001-03-01", ""]),
        (pyarrow.array([dt.datetime(2001, 3, 31, 23, 59, 59)]), ["2001-03-31 23:59:59"]),
    ],
)
def test_columns_of_parquet_are_text_or_numbers_of_whatever_type(array: Any, texts: list[str], tmp_path: Path) -> None:
    assert parquet(tmp_path, array).texts("day") == texts


def test_midnight_of_a_time_zone_is_its_own_day(tmp_path: Path) -> None:
    moscow = pandas.Series(pandas.date_range("2001-03-01", periods=2, freq="MS", tz="Europe/Moscow"))
    assert parquet(tmp_path, pyarrow.array(moscow)).texts("day") == ["2001-03-01", "2001-04-01"]
    # Told by another clock, the same moment belongs to the month before.
    with pytest.raises(CaseError, match=r"table.parquet:1: day: is 2001-02-28 21:00:00 in the time zone UTC"):
        parquet(tmp_path, pyarrow.array(moscow.dt.tz_convert("UTC")))


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (pyarrow.array([b"\xff\xfe"], pyarrow.binary()), "day: is of type binary, whose bytes are no text in UTF-8"),
        (pyarrow.array([[1, 2]]), "day: is of type list<"),
        (pyarrow.array([{"a": 1}]), "day: is of type struct<"),
        (pyarrow.array([dt.time(1, 2)]), "day: is of type time64"),
        (pyarrow.array([dt.timedelta(1)]), "day: is of type duration"),
    ],
)
def test_columns_of_parquet_that_hold_neither_are_refused_by_name_and_type(
    array: Any, words: str, tmp_path: Path
) -> None:
    with pytest.raises(CaseError) as caught:
        parquet(tmp_path, array)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("stored", "kind"),
    [
        (10**7, pyarrow.date32()),
        (10**15, pyarrow.timestamp("s")),
        (-70 * 10**15, pyarrow.timestamp("us")),
        (-70 * 10**15, pyarrow.timestamp("us", "Europe/Oslo")),
        (2**60, pyarrow.date64()),
    ],
)
def test_days_beyond_the_calendar_are_refused_by_column_type_and_row(stored: int, kind: Any, tmp_path: Path) -> None:
    whole = pyarrow.int32() if kind == pyarrow.date32() else pyarrow.int64()
    with pytest.raises(CaseError) as caught:
        parquet(tmp_path, pyarrow.array([0, None, stored], whole).view(kind))
    (problem,) = caught.value.problems
    assert (problem.line, problem.key) == (3, "day")
    assert problem.wrong.startswith(f"is of type {str(kind)[:4]}")
    assert problem.wrong.endswith(", and its day lies beyond the years 1 to 9999")


PERIODS = {
    "M": ["2001-03", "2001-04"],
    "Q-DEC": ["2001Q1", "2001Q2"],
    "Y-DEC": ["2001", "2002"],
    "W-SUN": ["2001-02-26/2001-03-04", "2001-03-05/2001-03-11"],
    "Q-JAN": ["2001-02-01/2001-04-30", "2001-05-01/2001-07-31"],
}


@pytest.mark.parametrize("frequency", list(PERIODS))
@pytest.mark.parametrize("is_known", [True, False])
def test_pandas_periods_are_read_whether_or_not_pandas_has_told_arrow_of_them(
    frequency: str, is_known: bool, tmp_path: Path
) -> None:
    periods = pandas.period_range("2001-03-01", periods=2, freq=frequency)
    if is_known:
        frame = pandas.DataFrame({"day": periods, "kind": "a", "note": "b"})
        frame.to_parquet(tmp_path / "table.parquet", index=False)
        table = read_table(tmp_path / "table.parquet", "table.parquet", WANTED)
    else:
        # What is read where the type is not registered: numbers, and the type's name beside them.
        notes = {"ARROW:extension:name": "pandas.period", "ARROW:extension:metadata": f'{{"freq": "{frequency}"}}'}
        field = pyarrow.field("day", pyarrow.int64(), metadata=notes)
        numbers = pyarrow.array([one.ordinal for one in periods], pyarrow.int64())
        others = [pyarrow.field("kind", pyarrow.string()), pyarrow.field("note", pyarrow.string())]
        arrow = pyarrow.table([numbers, ["a", "a"], ["b", "b"]], schema=pyarrow.schema([field, *others]))
        pyarrow.parquet.write_table(arrow, tmp_path / "table.parquet")
        table = read_table(tmp_path / "table.parquet", "table.parquet", WANTED)
    assert table.texts("day") == PERIODS[frequency]
