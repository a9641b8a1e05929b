"""Rows added to tables of any dialect: what stood there stands there still, byte for byte."""

from __future__ import annotations

import csv
import gzip
import io

import pytest
from hypothesis import given, settings, strategies as st

from riskcast.errors import CaseError
from riskcast.machinery.table_edits import new_table, open_table
from riskcast.machinery.table_files import Wanted

WANTED = Wanted(("day", "what"), optional=("entered",))
TEXT = 'day,what\n2024-01-01,"a, b"\n2024-01-02,c\n'


def grown(raw: bytes, name: str = "t.csv", **row: str) -> bytes:
    return open_table(raw, name, WANTED).with_rows([row]).to_bytes()


@pytest.mark.parametrize(
    ("raw", "added"),
    [
        (TEXT.encode(), b"2024-01-03,x\n"),
        (TEXT.replace("\n", "\r\n").encode(), b"2024-01-03,x\r\n"),
        (b"\xef\xbb\xbf" + TEXT.encode(), b"2024-01-03,x\n"),
        (TEXT.encode("utf-16"), "2024-01-03,x\n".encode("utf-16-le")),
        (b"sep=;\n" + b'day;what\n2024-01-01;"a;b"\n', b"2024-01-03;x\n"),
        (b"day\twhat\n2024-01-01\ta\n", b"2024-01-03\tx\n"),
        (b"what,day\na,2024-01-01\n", b"x,2024-01-03\n"),
        (b"day,what\n2024-01-01,a", b"\n2024-01-03,x\n"),
        (b'day,what\n2024-01-01,"two\nlines"\n', b"2024-01-03,x\n"),
        (b",day,what\n1,2024-01-01,a\n2,2024-01-02,b\n", b"3,2024-01-03,x\n"),
        (b"day,what\n2024-01-01,a,\n2024-01-02,b,\n", b"2024-01-03,x,\n"),
        ("day,what\n2024-01-01,Zürich\n".encode("cp1252"), b"2024-01-03,x\n"),
        (b"day,what\n2024-01-01,a\n\n\n", b"2024-01-03,x\n"),
    ],
)
def test_a_row_goes_to_the_end_in_the_files_own_way(raw: bytes, added: bytes) -> None:
    assert grown(raw, day="2024-01-03", what="x") == raw + added


def test_a_packed_table_stays_packed() -> None:
    found = grown(gzip.compress(TEXT.encode()), "t.csv.gz", day="2024-01-03", what="x")
    assert gzip.decompress(found).decode() == TEXT + "2024-01-03,x\n"


def test_a_column_that_is_new_is_empty_in_every_row() -> None:
    raw = TEXT.replace("\n", "\r\n").encode()
    found = grown(raw, day="2024-01-03", what="x", entered="2024-02-01").decode()
    assert found == ('day,what,entered\r\n2024-01-01,"a, b",\r\n2024-01-02,c,\r\n2024-01-03,x,2024-02-01\r\n')


def test_a_cell_changes_alone() -> None:
    table = open_table(b'day;what\r\n2024-01-01; "a"\r\n2024-01-02;b ;\r\n', "t.csv", WANTED)
    assert table.with_cell(1, "what", "x;y").to_bytes() == b'day;what\r\n2024-01-01; "a"\r\n2024-01-02;"x;y";\r\n'


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(CaseError, match="save the table as CSV"):
        open_table(b"PK\x03\x04", "t.xlsx", WANTED)
    with pytest.raises(CaseError, match="no sign for"):
        grown("day,what\n2024-01-01,Zürich\n".encode("cp1252"), day="2024-01-03", what="Душанбе")


def test_a_new_table_has_its_header() -> None:
    assert new_table("t.csv", ("day", "what")).with_rows([{"what": "a,b"}]).to_bytes() == b'day,what\n,"a,b"\n'


CELL = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")) | st.sampled_from('",;\n'), max_size=12)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(CELL, CELL), max_size=4),
    st.tuples(CELL, CELL),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_rows_keep_their_bytes(
    rows: list[tuple[str, str]], added: tuple[str, str], separator: str, newline: str
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=newline)
    writer.writerows([("day", "what"), *rows])
    raw = out.getvalue().encode()
    table = open_table(raw, "t.csv", WANTED)
    found = table.with_rows([{"day": added[0], "what": added[1]}]).to_bytes()
    assert found.startswith(raw)
    cells = next(csv.reader(io.StringIO(found[len(raw) :].decode(), newline=""), delimiter=separator))
    assert cells == [added[0], added[1]]
    assert len(table.rows) == sum(any(cell.strip() for cell in row) for row in rows) or any(
        cell and not cell.strip() for row in rows for cell in row
    )
