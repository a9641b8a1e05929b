"""Cells of a table -> numbers: which marks stand for a missing value, and which sign for the decimal point."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
# Text as an array of str, numbers as one of floats or integers.
Cells = NDArray[Any]
NaMark = str | float

TRUE_WORDS: Final = {"TRUE": 1.0, "True": 1.0, "true": 1.0, "FALSE": 0.0, "False": 0.0, "false": 0.0}
TRUE_LETTERS: Final = {"T": 1.0, "F": 0.0}
# What programs write where there is no value; `na:` in case.yaml names those that a case means.
MARKS_IN_USE: Final = frozenset(
    [
        "na",
        "n/a",
        "n.a.",
        "#n/a",
        "nan",
        "<na>",
        ".",
        "..",
        "...",
        "-",
        "--",
        "–",
        "—",
        "null",
        "none",
        "nil",
        "missing",
        "?",
        "\\n",
        "(null)",
        "#null!",
        "n.d.",
        "nd",
        # Of Stata, its other marks.
        *(f".{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"),
    ]
)
_PLAIN_CHARACTERS: Final = frozenset("0123456789+-.eE")
_PLAIN: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_COMMA: Final = re.compile(r"[-+]?([0-9]*,[0-9]+|[0-9]+,)([eE][-+]?[0-9]+)?")
_GROUP: Final = r"[-+]?[1-9][0-9]{0,2}"
_ONE_GROUP: Final = {sign: re.compile(rf"{_GROUP}{re.escape(sign)}[0-9]{{3}}") for sign in ".,"}
_GROUPS: Final = {
    # Thousands by this sign and decimals by the other, or two groups and more.
    sign: re.compile(
        rf"{_GROUP}((?:{re.escape(sign)}[0-9]{{3}})+{re.escape(other)}[0-9]+|(?:{re.escape(sign)}[0-9]{{3}}){{2,}})"
    )
    for sign, other in ((".", ","), (",", "."))
}
_SPACED: Final = re.compile(r"(?<=[0-9])[\u00a0\u2007\u2009\u202f](?=[0-9]{3}(?![0-9]))")
_LOOSE_GROUPS: Final = re.compile(rf"{_GROUP}([ '’´`_][0-9]{{3}})+([.,][0-9]*)?")
DECIMALS: Final = {".": "points", ",": "commas"}


@dataclass(frozen=True)
class Unread:
    """Cells of one column that are no numbers: which rows, what is wrong with them, and the mend.

    once: whether it is said once for all of them; `{}` in `wrong` stands for the cell.
    """

    column: str
    rows: Bools
    wrong: str
    mend: str
    once: bool = False


@dataclass(frozen=True)
class Numbers:
    """Columns as numbers, NaN where a cell is empty, holds a mark or is `unread`; and their decimal sign."""

    values: Mapping[str, Floats]
    unread: tuple[Unread, ...]
    decimal: str = "."


def read_number_columns(
    columns: Mapping[str, Cells],
    marks: Iterable[NaMark] = (),
    *,
    truths: Collection[str] = (),
    semicolons: bool = False,
    mend: str = "give a plain number such as 12 or 0.25, without quotes, unit or percent sign",
) -> Numbers:
    """Columns of cells as numbers.

    marks: what stands for a missing value, numbers by their value, so that -9 and -9.0 are alike; truths: columns in
    which TRUE, True and T are 1, elsewhere they must be the whole column; semicolons: whether these separate the cells,
    so that 1.234 may be meant as one thousand. Decimals are written with points or with commas, all in one way, which
    some cell must show; `1,234` alone shows nothing. No-break and thin spaces may stand between thousands.

    >>> cells = np.array(["1,5", "12\\u202f000", "NA", "-9.0"], dtype=object)
    >>> found = read_number_columns({"x": cells}, ["NA", -9], semicolons=True)
    >>> found.values["x"].tolist(), found.decimal
    ([1.5, 12000.0, nan, nan], ',')
    """
    words, numbers = _split_marks(marks)
    values: dict[str, Floats] = {}
    slow: dict[str, Cells] = {}
    for name, cells in columns.items():
        fast = _plain(cells, words)
        if fast is None:
            slow[name] = cells
        else:
            values[name] = fast
    found = _Evidence()
    for name, cells in columns.items() if slow or semicolons else ():
        found.note(name, cells, lambda text: _is_mark(text, words, numbers))
    decimal, unread = _choose(found, columns, semicolons)
    if not unread:
        for name, cells in slow.items():
            values[name], bad = _slowly(name, cells, (words, numbers), decimal, name in truths, mend)
            unread += bad
    for name in columns:
        if name in values and numbers:
            values[name] = np.where(np.isin(values[name], numbers), np.nan, values[name])
    ordered = {name: values.get(name, np.full(len(cells), np.nan)) for name, cells in columns.items()}
    return Numbers(ordered, tuple(unread), decimal)


def is_mark(text: str, marks: Iterable[NaMark]) -> bool:
    """Whether a cell is one of the marks of a missing value.

    >>> is_mark("-9.00", ["NA", -9]), is_mark("na", ["NA", -9])
    (True, False)
    """
    return _is_mark(text, *_split_marks(marks))


def _is_mark(text: str, words: frozenset[str], numbers: list[float]) -> bool:
    return text in words or (bool(numbers) and _PLAIN.fullmatch(text) is not None and float(text) in numbers)


def in_rows(marked: Bools) -> str:
    """In how many of its rows a table has something.

    >>> in_rows(np.array([True, False, True]))
    'in 2 of 3 rows'
    """
    return f"in {int(marked.sum())} of {len(marked)} rows"


def mark_text(marks: Iterable[NaMark]) -> str:
    """Marks as a list of YAML to paste.

    >>> mark_text(["NA", ".", -9.0])
    'na: [NA, ., -9]'
    """
    return f"na: [{', '.join(_written(mark) for mark in marks)}]"


def _written(mark: NaMark) -> str:
    if not isinstance(mark, str):
        return f"{mark:g}"
    return mark if re.fullmatch(r"[A-Za-z.][A-Za-z./]*", mark) and mark.lower() not in ("null",) else f"'{mark}'"


def _split_marks(marks: Iterable[NaMark]) -> tuple[frozenset[str], list[float]]:
    words, numbers = set(), []
    for mark in marks:
        text = mark.strip() if isinstance(mark, str) else ""
        if not isinstance(mark, str):
            numbers.append(float(mark))
        elif _PLAIN.fullmatch(text):
            numbers.append(float(text))
        else:
            words.add(text)
    return frozenset(words), numbers


def _plain(cells: Cells, words: frozenset[str]) -> Floats | None:
    """Cells that are all plain numbers, empty, or a mark; None where one is not."""
    if cells.dtype.kind in "iufb":
        return cells.astype(np.float64)
    listed: list[str] = cells.tolist()
    if words and not words.isdisjoint(listed):
        listed = ["" if cell in words else cell for cell in listed]
    # float() takes more than plain numbers: underscores, words, digits of other alphabets.
    if not _PLAIN_CHARACTERS.issuperset("".join(listed)):
        return None
    try:
        return np.array([cell or "nan" for cell in listed], dtype=object).astype(np.float64)
    except ValueError:
        return None


class _Evidence:
    """Cells that show how decimals are written: by their sign, a column and a cell; `open` could be thousands."""

    def __init__(self) -> None:
        self.sure: dict[str, tuple[str, str]] = {}
        self.open: dict[str, tuple[str, str]] = {}

    def note(self, column: str, cells: Cells, is_mark: Callable[[str], bool]) -> None:
        if cells.dtype.kind != "O":
            return
        for text in set(cells.tolist()):
            if ("," not in text and "." not in text) or is_mark(text):
                continue
            plain = _tidy(text)
            for sign, other in ((".", ","), (",", ".")):
                if _ONE_GROUP[sign].fullmatch(plain):
                    self.open.setdefault(sign, (column, text))
                elif _GROUPS[sign].fullmatch(plain):
                    self.sure.setdefault(other, (column, text))
                elif (_PLAIN if sign == "." else _COMMA).fullmatch(plain) and sign in plain:
                    self.sure.setdefault(sign, (column, text))


def _choose(found: _Evidence, columns: Mapping[str, Cells], semicolons: bool) -> tuple[str, list[Unread]]:
    """The decimal sign, and what is wrong where cells do not tell it."""
    if len(found.sure) == 2:
        column, text = found.sure[","]
        wrong = f"is {text!r} with a decimal comma, where {found.sure['.'][0]} has {found.sure['.'][1]!r} with a point"
        return ".", [Unread(column, columns[column] == text, wrong, "write all decimals with points", once=True)]
    decimal = next(iter(found.sure), ".")
    unread = []
    for sign, (column, text) in found.open.items():
        doubtful = sign != decimal or (sign == "." and semicolons and "." not in found.sure)
        if doubtful:
            whole = text.replace(sign, "")
            wrong = f"is {text!r}, which could be {whole} or {text.replace(sign, '.')}: no cell shows "
            wrong += "whether decimals are written with points or with commas"
            if found.sure:
                wrong = f"is {text!r}, which could be {whole} or {text.replace(sign, '.')}"
            mend = "write numbers with a decimal point, and nothing between thousands"
            unread.append(Unread(column, columns[column] == text, wrong, mend, once=True))
    return decimal, unread


def _tidy(text: str) -> str:
    """A number without spaces between its thousands, with a hyphen for its minus."""
    return _SPACED.sub("", text).replace("\u2212", "-") if not text.isascii() else text


def _number(text: str, decimal: str) -> float:
    """A number with this decimal sign, NaN where it is none; infinite where it is too large."""
    plain, thousands = _tidy(text), "." if decimal == "," else ","
    if _GROUPS[thousands].fullmatch(plain):
        plain = plain.replace(thousands, "")
    if decimal == "," and _COMMA.fullmatch(plain):
        plain = plain.replace(",", ".")
    elif decimal == "," and "." in plain:
        return math.nan
    return float(plain) if _PLAIN.fullmatch(plain) else math.nan


def _slowly(
    name: str, cells: Cells, marks: tuple[frozenset[str], list[float]], decimal: str, letters: bool, mend: str
) -> tuple[Floats, list[Unread]]:
    listed: list[str] = cells.tolist()
    distinct = set(listed)
    known: dict[str, float] = {}
    odd: set[str] = set()
    truths = TRUE_WORDS | TRUE_LETTERS if letters else TRUE_WORDS
    missing = {text for text in distinct if text == "" or _is_mark(text, *marks)}
    if not letters and not distinct - missing <= truths.keys():
        truths = {}
    for text in distinct:
        if text in missing:
            known[text] = math.nan
        elif text in truths:
            known[text] = truths[text]
        else:
            known[text] = _number(text, decimal)
            if math.isnan(known[text]):
                odd.add(text)
    values = np.array([known[text] for text in listed], dtype=np.float64)
    unread = []
    in_use = sorted(text for text in odd if text.lower() in MARKS_IN_USE)
    if in_use:
        rows = np.isin(cells, in_use)
        shown = " or ".join(map(repr, in_use))
        wrong = f"is {shown} {in_rows(rows)}, and no mark of a missing value is named"
        pasted = mark_text(in_use)
        unread.append(
            Unread(name, rows, wrong, f"{mend}; nothing where missing, or `{pasted}` in case.yaml", once=True)
        )
    rest = sorted(odd.difference(in_use))
    if rest:
        also = "nothing where missing"
        if any(map(_LOOSE_GROUPS.fullmatch, rest)):
            also = "nothing between thousands, and nothing where missing"
        unread.append(Unread(name, np.isin(cells, rest), "is {}", f"{mend}; {also}"))
    return values, unread
