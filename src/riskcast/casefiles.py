"""A case folder -> a validated Case, and a Case -> a folder."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from riskcast.case import (
    ONE_QUANTITY,
    PER_DYAD,
    Case,
    EventRow,
    EventType,
    Indicator,
    Scenario,
    SeriesRow,
    Settings,
    Source,
)
from riskcast.case import Effect as EffectModel
from riskcast.casecheck import Where, find_problems
from riskcast.documents import Document, parse_yaml, read_text
from riskcast.errors import CaseError, Problem, UnknownNameError, suggest

YAML_FILES = ("case", "indicators", "outcomes", "effects", "scenarios", "sources")
EVENT_COLUMNS = ("date", "precision", "type", "dyad", "initiator", "description", "sources", "status")
SERIES_COLUMNS = ("indicator", "unit", "date", "value", "low", "high", "published", "sources", "status")
MAX_ROWS = 2_000_000
M = TypeVar("M", bound=BaseModel)
_NOT_KEYS = {ONE_QUANTITY, PER_DYAD, "[key]"}


def bundled_folder() -> Path:
    """The folder that holds the cases that come with riskcast."""
    here = Path(__file__).resolve().parent
    return next(
        (folder for folder in (here / "priors", here.parents[1] / "priors") if folder.is_dir()), here / "priors"
    )


def list_cases() -> tuple[str, ...]:
    """Names of the bundled cases.

    >>> "central_asia_2024" in list_cases()
    True
    """
    folder = bundled_folder()
    return tuple(sorted(path.parent.name for path in folder.glob("*/case.yaml"))) if folder.is_dir() else ()


def load_case(case: str | Path) -> Case:
    """Read and validate a case: a bundled name, or a folder.

    Raises UnknownNameError where there is no such case, and CaseError with every problem found where it is not valid.

    >>> load_case("central_asia_2024").host
    'RUS'
    """
    folder = Path(case)
    if not folder.is_dir():
        folder = bundled_folder() / str(case)
        if str(case) not in list_cases():
            if Path(case).exists():
                raise CaseError([Problem(str(case), None, "", "is a file", "name the case's folder")])
            raise UnknownNameError("case", str(case), list_cases())
    return read_case(folder)


def read_case(folder: Path) -> Case:
    """Read and validate the case in a folder; raises CaseError with every problem found."""
    problems: list[Problem] = []
    documents: dict[str, Document] = {}
    for name in YAML_FILES:
        try:
            documents[name] = parse_yaml(read_text(folder / f"{name}.yaml", f"{name}.yaml"), f"{name}.yaml")
        except CaseError as error:
            problems.extend(error.problems)
    event_table = _read_table(folder / "history" / "events.csv", "history/events.csv", EVENT_COLUMNS, problems)
    series_table = _read_table(
        folder / "history" / "indicators.csv", "history/indicators.csv", SERIES_COLUMNS, problems
    )
    if problems:
        raise CaseError(problems)
    for name, document in documents.items():
        expected = list if name == "effects" else dict
        if not isinstance(document.data, expected):
            shape = "a list of edges" if expected is list else "a mapping of names to entries"
            problems.append(document.problem((), "has the wrong shape", f"write {shape}"))
    if problems:
        raise CaseError(problems)

    def entries(name: str, model: type[M]) -> dict[str, M]:
        document = documents[name]
        return {key: _validate(model, value, document, (key,), problems) for key, value in document.data.items()}

    settings = _validate(Settings, documents["case"].data, documents["case"], (), problems)
    parts: dict[str, Any] = {
        "indicators": entries("indicators", Indicator),
        "events": entries("outcomes", EventType),
        "scenarios": entries("scenarios", Scenario),
        "sources": entries("sources", Source),
    }
    effects = [
        _validate(EffectModel, edge, documents["effects"], (index,), problems)
        for index, edge in enumerate(documents["effects"].data)
    ]
    event_rows = [_validate_row(EventRow, row, "history/events.csv", line, problems) for line, row in event_table]
    series_rows = [
        _validate_row(SeriesRow, row, "history/indicators.csv", line, problems) for line, row in series_table
    ]
    if problems:
        raise CaseError(problems)
    try:
        case = Case(
            name=folder.resolve().name,
            settings=settings,
            effects=tuple(effects),
            event_rows=tuple(event_rows),
            series_rows=tuple(series_rows),
            **parts,
        )
    except ValidationError as error:
        names = {"events": "outcomes"}
        for item in error.errors():
            location = tuple(part for part in item["loc"] if part not in _NOT_KEYS)
            document = documents.get(names.get(str(location[0]), str(location[0])), documents["case"])
            problems.append(document.problem(location[1:], _wrong(item), _mend(item, Case)))
        raise CaseError(problems) from None
    where = Where(documents, tuple(line for line, _ in event_table), tuple(line for line, _ in series_table))
    problems.extend(find_problems(case, where))
    if problems:
        raise CaseError(problems)
    return case.model_copy(update={"published_hash": case.hash})


def write_case(case: Case, folder: Path) -> None:
    """Write a case as a folder that reads back to the same hash."""
    import yaml

    (folder / "history").mkdir(parents=True, exist_ok=True)
    plain = case.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=False)
    contents = {
        "case": plain["settings"],
        "indicators": plain["indicators"],
        "outcomes": plain["events"],
        "effects": plain["effects"],
        "scenarios": plain["scenarios"],
        "sources": plain["sources"],
    }
    for name, content in contents.items():
        text = yaml.safe_dump(_dated(content), sort_keys=False, allow_unicode=True, width=110)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    _write_table(folder / "history" / "events.csv", EVENT_COLUMNS, plain["event_rows"])
    _write_table(folder / "history" / "indicators.csv", SERIES_COLUMNS, plain["series_rows"])


def _dated(content: Any) -> Any:
    if isinstance(content, dict):
        keys = ("as_of", "history_from", "date", "published", "recorded_from")
        return {
            k: dt.date.fromisoformat(v) if k in keys and isinstance(v, str) else _dated(v) for k, v in content.items()
        }
    return [_dated(item) for item in content] if isinstance(content, list) else content


def _write_table(file: Path, columns: tuple[str, ...], rows: Iterable[dict[str, Any]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([" ".join(row[c]) if c == "sources" else row[c] for c in columns])


def _read_table(
    file: Path, shown: str, columns: tuple[str, ...], problems: list[Problem]
) -> list[tuple[int, dict[str, str]]]:
    try:
        text = read_text(file, shown)
    except CaseError as error:
        problems.extend(error.problems)
        return []
    if "\0" in text:
        problems.append(Problem(shown, None, "", "contains NUL bytes", "save the table as plain UTF-8 text"))
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if not header:
            problems.append(Problem(shown, None, "", "is empty", f"start with the header {','.join(columns)}"))
            return []
        for name in header:
            if name not in columns:
                problems.append(Problem(shown, 1, name, "is an unknown column", suggest(name, columns)))
        for name in columns:
            if header.count(name) != 1:
                wrong = "is missing" if name not in header else "stands twice"
                problems.append(Problem(shown, 1, name, wrong, f"the columns are {','.join(columns)}"))
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) != len(header):
                    wrong = f"has {len(cells)} cells where the header has {len(header)}"
                    problems.append(Problem(shown, line, "", wrong, "quote cells that contain commas"))
                else:
                    rows.append((line, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}))
            if len(rows) > MAX_ROWS:
                problems.append(Problem(shown, line, "", "has too many rows", f"keep at most {MAX_ROWS}"))
                return []
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(shown, reader.line_num, "", f"is not valid CSV ({error})", "check the quotes"))
    return rows


def _validate(model: type[M], data: Any, document: Document, path: tuple[str | int, ...], problems: list[Problem]) -> M:
    if not isinstance(data, dict):
        problems.append(document.problem(path, "is not a mapping", "write `key: value` pairs below it"))
        return model.model_construct()
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for item in error.errors():
            location = tuple(part for part in item["loc"] if part not in _NOT_KEYS)
            problems.append(document.problem((*path, *location), _wrong(item), _mend(item, model)))
        return model.model_construct()


def _wrong(item: Any) -> str:
    kind = item["type"]
    shown = repr(item.get("input"))
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is an unknown key"
    if kind == "value_error":
        return str(item["ctx"]["error"])
    return f"is {shown}"


def _mend(item: Any, model: type[BaseModel]) -> str:
    kind = item["type"]
    if kind == "missing":
        return "add it"
    if kind == "extra_forbidden":
        return suggest(str(item["loc"][-1]), _known_keys(model, item["loc"]))
    if kind == "value_error":
        return "correct it"
    if kind == "string_pattern_mismatch":
        return f"write it to match {item['ctx']['pattern']}"
    if kind in ("float_type", "int_type", "finite_number"):
        return "give a finite number without quotes"
    message = item["msg"]
    return message[0].lower() + message[1:]


def _known_keys(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """The keys that the record at a location may have, found by walking the models' annotations."""
    from typing import get_args

    def models_in(annotation: Any) -> list[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return [annotation]
        return [found for part in get_args(annotation) for found in models_in(part)]

    here: list[type[BaseModel]] = [model]
    for part in location[:-1]:
        fields = [f for m in here for name, f in m.model_fields.items() if part in (name, f.alias)]
        here = [found for f in fields for found in models_in(f.annotation)] or here
    return [f.alias or name for m in here for name, f in m.model_fields.items()]


def _validate_row(model: type[M], row: dict[str, str], file: str, line: int, problems: list[Problem]) -> M:
    data: dict[str, Any] = dict(row)
    data["sources"] = tuple(row.get("sources", "").split())
    readers: dict[str, tuple[Callable[[str], Any], str]] = {
        "date": (dt.date.fromisoformat, "write the day as YYYY-MM-DD"),
        "published": (dt.date.fromisoformat, "write the day as YYYY-MM-DD"),
        "value": (float, "give a number"),
        "low": (float, "give a number"),
        "high": (float, "give a number"),
    }
    bad = False
    for name, (reader, mend) in readers.items():
        if name in data and name in model.model_fields:
            try:
                data[name] = reader(data[name])
            except ValueError:
                shown = f"is {data[name]!r}" if data[name] else "is empty"
                problems.append(Problem(file, line, name, shown, mend))
                bad = True
    if bad:
        return model.model_construct()
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for item in error.errors():
            key = ".".join(str(part) for part in item["loc"])
            problems.append(Problem(file, line, key, _wrong(item), _mend(item, model)))
        return model.model_construct()
