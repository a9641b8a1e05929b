"""YAML text -> plain data, with the line of every key, and nothing that can run code."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from riskcast.errors import CaseError, Problem, refusal
from riskcast.machinery.texts import (
    INVISIBLE,
    ODD_SPACES,
    check_characters,
    decode,
    name_character,
    read_bytes,
)

MAX_BYTES = 8_000_000
MAX_DEPTH = 32
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|nan)|[-+](inf|infinity|nan)", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LINE_END = re.compile(r"\r\n?|\n")
_HIDDEN = ODD_SPACES + INVISIBLE
_QUOTES = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b"
# Where YAML has a blank, a colon or a quote, and text pasted from elsewhere something that looks like it.
_IN_PLACE_OF = re.compile(
    rf"^[ ]*(?:- )*([{_HIDDEN}])|[:,\-\[{{][ ]*([{_HIDDEN}{_QUOTES}])|([{_HIDDEN}])[ ]*[:,\]}}#]"
    rf"|[A-Za-z0-9_](\uff1a)|[\]}}]?(\uff0c|\uff3b|\uff3d|\uff5b|\uff5d)"
)
_NO_COLON = re.compile(rf"(?:^|\s)([a-z_]+)(\uff1a)|^([A-Za-z0-9_]+):([{_HIDDEN}])")
_ODD_DAY = re.compile("[0-9]{4}([\u2010-\u2015\u2212\uff0d])[0-9]{1,2}[-\u2010-\u2015\u2212\uff0d][0-9]{1,2}")
_JOINERS = "\u200b\u2060\ufeff\u00ad"
NOT_LINE_ENDS = str.maketrans("\x85\u2028\u2029", "   ")
NUMBER_MEND = "give a plain number such as 12 or 0.25, without quotes, unit or percent sign"
_MENDS = (
    ("tab character", "indent with spaces, not tabs"),
    ("mapping values are not allowed", "put text that contains `: ` in quotes, or check the indentation"),
    ("end of stream", "close the quote or bracket that is opened here"),
    ("stream end", "close the quote or bracket that is opened here"),
    ("expected key", "check the indentation: entries of one level begin in the same column"),
    ("expected ':'", "write `key: value`, with a colon and a blank"),
    ("expected ',' or", "put commas between the items and close the bracket"),
)

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """Plain data read from one file, and the line on which each key stands."""

    file: str
    data: Any
    lines: Mapping[Path_, int] = field(default_factory=dict)

    def line(self, path: Path_) -> int | None:
        """The line of `path`, or of the nearest parent that has one."""
        for end in range(len(path), -1, -1):
            found = self.lines.get(path[:end])
            if found is not None:
                return found
        return None

    def problem(self, path: Path_, wrong: str, mend: str) -> Problem:
        """A problem at `path` of this document."""
        return Problem(self.file, self.line(path), dotted(path), wrong, mend)


def dotted(path: Path_) -> str:
    """A path as one key.

    >>> dotted(("xenophobia", "now", "interval", 1))
    'xenophobia.now.interval.1'
    """
    return ".".join(str(part) for part in path)


def read_text(file: Path, shown: str) -> str:
    """Text of a file in UTF-8 or UTF-16; raises CaseError where it is missing, too large or no plain text."""
    return decode(read_bytes(file, shown, MAX_BYTES, f"keep it below {MAX_BYTES // 1_000_000} MB"), shown).content


def parse_yaml(text: str, file: str) -> Document:
    """Plain data of a YAML text with one document.

    Scalars follow YAML 1.2's core schema (`no` is a word, not false) plus ISO dates. Aliases, tags, duplicate and
    non-text keys, NaN and infinities are refused.

    >>> parse_yaml("a: {b: 1.5}", "x.yaml").data
    {'a': {'b': 1.5}}
    """
    check_characters(text, file)
    # YAML 1.1 ends lines at these three, editors do not: line numbers would drift apart.
    events = yaml.parse(text.translate(NOT_LINE_ENDS), Loader=_LOADER)
    try:
        return _Builder(file, events).document()
    except yaml.MarkedYAMLError as error:
        raise CaseError([_syntax_problem(error, text, file)]) from None
    except yaml.YAMLError as error:
        wrong = f"is not valid YAML ({str(error).splitlines()[0]})"
        raise refusal(file, wrong, "remove special characters") from None


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    what = error.problem or error.context or "cannot be read"
    mark, begun = error.problem_mark or error.context_mark, error.context_mark
    if begun and any(words in what for words in ("end of stream", "stream end", "expected ':'")):
        mark = begun
    line = None if mark is None else min(mark.line + 1, len(text.splitlines()) or 1)
    mend = next((mend for words, mend in _MENDS if words in what), "check indentation, quotes and brackets")
    if mark and "cannot start any token" in what:
        at = (_LINE_END.split(text)[mark.line : mark.line + 1] or [""])[0][mark.column : mark.column + 1]
        mend = "indent with spaces, not tabs" if at == "\t" else f"put text that begins with {at or 'this'} in quotes"
    odd = _character_in_place(text, [one.line for one in (mark, begun) if one is not None])
    if odd is not None:
        line, character = odd
        instead = "a blank" if character in _HIDDEN else "a straight quote" if character in _QUOTES else "a plain one"
        wrong = f"has the {name_character(character)} where {instead} should stand"
        return Problem(file, line, "", wrong, f"write {instead} in its place")
    if "expected ',' or" in what and begun and begun.line + 1 != line:
        what += f", in what line {begun.line + 1} opens"
    return Problem(file, line, "", f"is not valid YAML ({what})", mend)


def _character_in_place(text: str, lines: list[int]) -> tuple[int, str] | None:
    """A character that stands where YAML needs another, in one of these lines or that before: its line, and itself."""
    split = _LINE_END.split(text)
    for line in dict.fromkeys(near for one in lines for near in (one, one - 1)):
        found = _IN_PLACE_OF.search(split[line]) if 0 <= line < len(split) else None
        if found is not None:
            return line + 1, next(group for group in found.groups() if group)
    return None


def _odd_key(text: str) -> str | None:
    """What is wrong with the characters of a key."""
    odd = next((character for character in text if character in _HIDDEN or character == "\uff1a"), None)
    if odd is None and text and (text[0] in _QUOTES or text[-1] in _QUOTES):
        odd = text[0] if text[0] in _QUOTES else text[-1]
    if odd is None and any("a" <= character.lower() <= "z" for character in text):
        # Letters of another alphabet within a Latin word look like its own.
        odd = next((one for one in text if one.isalpha() and "LATIN" not in unicodedata.name(one, "LATIN")), None)
    return None if odd is None else f"has the {name_character(odd)} in its name"


def find_odd_characters(text: str) -> tuple[str, str] | None:
    """What is wrong with the characters of a word or text without quotes, and the mend; None where nothing is.

    >>> find_odd_characters("Foreign\u00a0policy"), find_odd_characters("\u00a030")[0]
    (None, 'begins or ends with the no-break space (U+00A0)')
    """
    for end in (text[:1], text[-1:]):
        if end and end in _HIDDEN:
            return f"begins or ends with the {name_character(end)}", "remove it, or write a blank in its place"
    joiner = next((character for character in text if character in _JOINERS), None)
    if joiner is not None and " " not in text:
        return f"holds the {name_character(joiner)}, which cannot be seen", "remove it, or put the text in quotes"
    if len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES and text[-1] not in text[1:-1]:
        wrong = f"is in typographic quotes ({name_character(text[0])}), which would be part of the text"
        return wrong, "write straight quotes, also around these where they are meant"
    day = _ODD_DAY.fullmatch(text)
    if day is not None:
        return f"is {text!r}, with the {name_character(day[1])}", "write the day as YYYY-MM-DD, with plain hyphens"
    if text.isdecimal() and not text.isascii():
        digit = next(one for one in text if not one.isascii())
        return f"is {text!r}, with the {name_character(digit)}", "write it with the digits 0 to 9"
    colon = _NO_COLON.search(text)
    if colon is not None:
        key, character = colon[1] or colon[3], colon[2] or colon[4]
        wrong = f"holds the {name_character(character)} after {key!r}, where a colon and a blank should stand"
        return wrong, "write `key: value`, or put the text in quotes"
    return None


class _Builder:
    """Builds plain data from YAML events, not from a node tree: reading a tree recurses without limit in C."""

    def __init__(self, file: str, events: Iterator[Any]) -> None:
        self.file = file
        self.events = events
        self.lines: dict[Path_, int] = {}

    def document(self) -> Document:
        """The only document of the events."""
        next(self.events)
        if isinstance(next(self.events), yaml.StreamEndEvent):
            raise self.empty()
        data = self.build(next(self.events), ())
        next(self.events)
        end = next(self.events)
        if not isinstance(end, yaml.StreamEndEvent):
            raise self.fail(end, (), "holds a second document (---)", "keep one document in a file")
        if data is None:
            raise self.empty()
        return Document(self.file, data, self.lines)

    def empty(self) -> CaseError:
        return refusal(self.file, "is empty", "write at least one entry", 1)

    def fail(self, event: Any, path: Path_, wrong: str, mend: str) -> CaseError:
        return refusal(self.file, wrong, mend, event.start_mark.line + 1, dotted(path))

    def build(self, event: Any, path: Path_) -> Any:
        if isinstance(event, yaml.AliasEvent):
            raise self.fail(event, path, f"uses an alias (*{event.anchor})", "write the value out")
        if event.tag is not None:
            raise self.fail(event, path, f"has the tag {event.tag}", "remove the tag")
        if len(path) > MAX_DEPTH:
            raise self.fail(event, path[:3], "is nested too deeply", f"use at most {MAX_DEPTH} levels")
        self.lines.setdefault(path, event.start_mark.line + 1)
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            out = []
            while not isinstance(item := next(self.events), yaml.SequenceEndEvent):
                out.append(self.build(item, (*path, len(out))))
            if path[-1:] == ("interval",) and len(out) == 4 and all(type(item) is int for item in out):
                wrong = "has 4 items, as the commas within its numbers part them"
                raise self.fail(event, path, wrong, "write decimal points, as in [0.5, 1.5]")
            return out
        if event.style:
            return event.value
        odd = None if event.value.isascii() else find_odd_characters(event.value)
        if odd is not None:
            raise self.fail(event, path, *odd)
        try:
            return read_scalar(event.value)
        except ScalarError as error:
            raise self.fail(event, path, error.wrong, error.mend) from None

    def mapping(self, path: Path_) -> dict[str, Any]:
        out: dict[str, Any] = {}
        while not isinstance(key := next(self.events), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent) or key.tag is not None:
                raise self.fail(key, path, "has a key that is not plain text", "use plain words as keys")
            here = (*path, key.value)
            odd = None if key.value.isascii() else _odd_key(key.value)
            if odd is not None:
                raise self.fail(key, here, odd, "write it anew, with ordinary characters")
            if key.value in out:
                raise self.fail(key, here, f"stands twice (first on line {self.lines[here]})", "keep one of them")
            self.lines[here] = key.start_mark.line + 1
            before = next(reversed(out.items()), ("", None))
            out[key.value] = value = self.build(next(self.events), here)
            if value is None and key.value.isdecimal() and type(before[1]) is int:
                wrong = f"is parted by a comma from the {key.value} behind it"
                raise self.fail(key, (*path, before[0]), wrong, "write a decimal point, as in 50.5, not a comma")
        return out


class ScalarError(ValueError):
    """A word that is meant as a number or a day and is none."""

    def __init__(self, wrong: str, mend: str) -> None:
        super().__init__(f"{wrong}; {mend}")
        self.wrong, self.mend = wrong, mend


def read_scalar(text: str) -> Any:
    """What an unquoted word of YAML means: nothing, a truth value, a number, a day, or text.

    >>> read_scalar("1e3"), read_scalar("no"), read_scalar("2024-05-06")
    (1000.0, 'no', datetime.date(2024, 5, 6))
    """
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if _SPECIAL.fullmatch(text):
        raise ScalarError(f"is {text}", "give a finite number")
    if _INT.fullmatch(text) and len(text) < 300:
        return int(text)
    if _FLOAT.fullmatch(text):
        return read_number(text)
    if _DATE.fullmatch(text):
        return read_day(text)
    return text


def read_number(text: str) -> float:
    """A finite number in plain notation; raises ScalarError."""
    if not _FLOAT.fullmatch(text):
        raise ScalarError(f"is {text!r}" if text else "is empty", NUMBER_MEND)
    number = float(text)
    if not math.isfinite(number):
        raise ScalarError(f"is {text[:40]}, too large a number", "give a finite number")
    return number


# A time zone as programs write it behind a time, or none: a part of patterns.
TIME_ZONE: Final = r"(?: ?(?:Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?))?"


def read_day(text: str) -> dt.date:
    """A day of the calendar written as YYYY-MM-DD; raises ScalarError.

    >>> read_day("2024-02-30")
    Traceback (most recent call last):
    riskcast.case.yaml_lines.ScalarError: is 2024-02-30, not a day of the calendar; write an existing day as YYYY-MM-DD
    """
    if not _DATE.fullmatch(text):
        raise ScalarError(f"is {text!r}" if text else "is empty", "write the day as YYYY-MM-DD")
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ScalarError(f"is {text}, not a day of the calendar", "write an existing day as YYYY-MM-DD") from None
