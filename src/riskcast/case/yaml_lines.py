"""YAML text -> plain data, with the line of every key, and nothing that can run code."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from riskcast.errors import CaseError, Problem

MAX_BYTES = 8_000_000
MAX_DEPTH = 32
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|nan)|[-+](inf|infinity|nan)", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_END = re.compile(r"\r\n?|\n")
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
    """Text of a file as UTF-8; raises CaseError where it is missing, too large or not plain UTF-8 text."""

    def fail(line: int | None, wrong: str, mend: str) -> CaseError:
        return CaseError([Problem(shown, line, "", wrong, mend)])

    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise fail(None, "is missing", "add the file, or check its name") from None
    except IsADirectoryError:
        raise fail(None, "is a folder", "name a file") from None
    except OSError as error:
        raise fail(None, f"cannot be read ({error.strerror})", "check the path and its permissions") from None
    except ValueError:
        raise fail(None, "is not a file name", "check the path") from None
    if len(raw) > MAX_BYTES:
        raise fail(None, "is too large", f"keep it below {MAX_BYTES // 1_000_000} MB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise fail(line, f"is not UTF-8 (byte 0x{raw[error.start]:02x})", "save the file as UTF-8") from None
    _check_characters(text, shown)
    return text


def _check_characters(text: str, file: str) -> None:
    odd = _NOT_TEXT.search(text)
    if odd:
        line = len(_LINE_END.findall(text, 0, odd.start())) + 1
        wrong = f"contains the control character U+{ord(odd[0]):04X}"
        raise CaseError([Problem(file, line, "", wrong, "remove it, or save the file as plain UTF-8 text")])


def parse_yaml(text: str, file: str) -> Document:
    """Plain data of a YAML text with one document.

    Scalars follow YAML 1.2's core schema (`no` is a word, not false) plus ISO dates. Aliases, tags, duplicate and
    non-text keys, NaN and infinities are refused.

    >>> parse_yaml("a: {b: 1.5}", "x.yaml").data
    {'a': {'b': 1.5}}
    """
    _check_characters(text, file)
    # YAML 1.1 ends lines at these three, editors do not: line numbers would drift apart.
    events = yaml.parse(text.translate(NOT_LINE_ENDS), Loader=_LOADER)
    try:
        return _Builder(file, events).document()
    except yaml.MarkedYAMLError as error:
        raise CaseError([_syntax_problem(error, text, file)]) from None
    except yaml.YAMLError as error:
        wrong = f"is not valid YAML ({str(error).splitlines()[0]})"
        raise CaseError([Problem(file, None, "", wrong, "remove special characters")]) from None


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
    if "expected ',' or" in what and begun and begun.line + 1 != line:
        what += f", in what line {begun.line + 1} opens"
    return Problem(file, line, "", f"is not valid YAML ({what})", mend)


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
        return CaseError([Problem(self.file, 1, "", "is empty", "write at least one entry")])

    def fail(self, event: Any, path: Path_, wrong: str, mend: str) -> CaseError:
        return CaseError([Problem(self.file, event.start_mark.line + 1, dotted(path), wrong, mend)])

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
            return out
        if event.style:
            return event.value
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
            if key.value in out:
                raise self.fail(key, here, f"stands twice (first on line {self.lines[here]})", "keep one of them")
            self.lines[here] = key.start_mark.line + 1
            out[key.value] = self.build(next(self.events), here)
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
