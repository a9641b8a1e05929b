"""YAML text -> plain data, with the line of every key, and nothing that can run code."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
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
_SPECIAL = re.compile(r"[-+]?\.?(inf|infinity|nan)", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

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
        key = ".".join(str(part) for part in path)
        return Problem(self.file, self.line(path), key, wrong, mend)


def read_text(file: Path, shown: str) -> str:
    """Text of a file as UTF-8; raises CaseError where it is missing, too large or not UTF-8."""
    try:
        size = file.stat().st_size
        raw = file.read_bytes() if size <= MAX_BYTES else b""
    except FileNotFoundError:
        raise CaseError([Problem(shown, None, "", "is missing", "add the file")]) from None
    except OSError as error:
        wrong = f"cannot be read ({error.strerror})"
        raise CaseError([Problem(shown, None, "", wrong, "check the path and its permissions")]) from None
    if size > MAX_BYTES:
        wrong = f"is {size / 1e6:.0f} MB"
        raise CaseError([Problem(shown, None, "", wrong, f"keep it below {MAX_BYTES // 1_000_000} MB")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        wrong = f"is not UTF-8 (byte 0x{raw[error.start]:02x})"
        raise CaseError([Problem(shown, line, "", wrong, "save the file as UTF-8")]) from None


def parse_yaml(text: str, file: str) -> Document:
    """Plain data of a YAML text with one document.

    Scalars follow YAML 1.2's core schema (`no` is a word, not false) plus ISO dates. Aliases, tags, duplicate and
    non-text keys, NaN and infinities are refused.

    >>> parse_yaml("a: {b: 1.5}", "x.yaml").data
    {'a': {'b': 1.5}}
    """
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        wrong = f"is not valid YAML ({error.problem or error.context})"
        raise CaseError([Problem(file, line, "", wrong, "check indentation, quotes and brackets")]) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        wrong = f"is not valid YAML ({str(error).splitlines()[0]})"
        raise CaseError([Problem(file, None, "", wrong, "remove special characters and deep nesting")]) from None
    if node is None:
        raise CaseError([Problem(file, None, "", "is empty", "write at least one entry")])
    lines: dict[Path_, int] = {}
    seen: set[int] = set()

    def fail(node: yaml.Node, path: Path_, wrong: str, mend: str) -> CaseError:
        key = ".".join(str(part) for part in path)
        return CaseError([Problem(file, node.start_mark.line + 1, key, wrong, mend)])

    def build(node: yaml.Node, path: Path_) -> Any:
        if len(path) > MAX_DEPTH:
            raise fail(node, path, "is nested too deeply", f"use at most {MAX_DEPTH} levels")
        if id(node) in seen:
            raise fail(node, path, "uses an alias (*name)", "write the value out")
        seen.add(id(node))
        lines.setdefault(path, node.start_mark.line + 1)
        if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.endswith(("python/object", "binary", "set")):
            raise fail(node, path, f"has the tag {node.tag}", "remove the tag")
        if isinstance(node, yaml.MappingNode):
            return build_mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [build(item, (*path, index)) for index, item in enumerate(node.value)]
        if node.style not in (None, ""):
            return node.value
        return build_scalar(node, path)

    def build_mapping(node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise fail(key_node, path, "has a key that is not text", "use plain words as keys")
            key = key_node.value
            if key in out:
                raise fail(key_node, (*path, key), "stands twice", "keep one of them")
            lines[(*path, key)] = key_node.start_mark.line + 1
            out[key] = build(value_node, (*path, key))
        return out

    def build_scalar(node: yaml.ScalarNode, path: Path_) -> Any:
        text = node.value
        if text in ("", "~", "null", "Null", "NULL"):
            return None
        if text in ("true", "True", "TRUE"):
            return True
        if text in ("false", "False", "FALSE"):
            return False
        if _SPECIAL.fullmatch(text) and text.lower() not in ("inf", "infinity", "nan"):
            raise fail(node, path, f"is {text}", "give a finite number")
        if _INT.fullmatch(text) and len(text) < 300:
            return int(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if not math.isfinite(number):
                raise fail(node, path, f"is {text[:40]}, too large a number", "give a finite number")
            return number
        if _DATE.fullmatch(text):
            try:
                return dt.date.fromisoformat(text)
            except ValueError:
                raise fail(node, path, f"is {text}, not a day of the calendar", "write YYYY-MM-DD") from None
        return text

    try:
        data = build(node, ())
    except RecursionError:
        raise CaseError([Problem(file, None, "", "is nested too deeply", "flatten it")]) from None
    return Document(file, data, lines)
