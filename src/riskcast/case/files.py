"""A case folder -> a validated Case, and a Case -> a folder."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from riskcast.case.checks import find_problems
from riskcast.case.model import (
    ONE_QUANTITY,
    PER_DYAD,
    Case,
    CoverageRow,
    Effect as EffectModel,
    EventRow,
    EventType,
    Indicator,
    Scenario,
    SeriesRow,
    Settings,
    Source,
)
from riskcast.case.panel_files import read_panel, write_panel
from riskcast.case.where import COVERAGE_FILE, EVENTS_FILE, SERIES_FILE, Where
from riskcast.case.yaml_lines import (
    NOT_LINE_ENDS,
    NUMBER_MEND,
    Document,
    ScalarError,
    dotted,
    parse_yaml,
    read_number,
    read_scalar,
    read_text,
)
from riskcast.errors import CaseError, Problem, UnknownNameError, show, suggest
from riskcast.machinery.bundled import PACKAGE, bundled
from riskcast.machinery.staging import write_folder

YAML_FILES = ("case", "indicators", "outcomes", "effects", "scenarios", "sources")
EVENT_COLUMNS = ("date", "precision", "type", "dyad", "initiator", "description", "sources", "status")
COVERAGE_COLUMNS = ("unit", "type", "from", "until")
SERIES_COLUMNS = ("indicator", "unit", "date", "value", "low", "high", "published", "sources", "status")
TABLES = {EVENTS_FILE: EVENT_COLUMNS, SERIES_FILE: SERIES_COLUMNS, COVERAGE_FILE: COVERAGE_COLUMNS}
MAX_ROWS = 2_000_000
STAGE = ".riskcast-case-"
_NOT_KEYS = {ONE_QUANTITY, PER_DYAD, "[key]"}


def bundled_folder() -> Path:
    """The folder that holds the cases that come with riskcast."""
    return bundled("priors") or PACKAGE / "priors"


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
    return load_case_with_lines(case)[0]


def load_case_with_lines(case: str | Path) -> tuple[Case, Where]:
    """A case as `load_case` gives it, and where each of its parts stands in its files."""
    folder = Path(case)
    try:
        # An empty name is no folder, though the path of one is that where the program runs.
        is_folder, exists = str(case) != "" and folder.is_dir(), folder.exists()
    except OSError:
        is_folder = exists = False
    if is_folder:
        return read_case_with_lines(folder)
    if str(case) in list_cases():
        return read_case_with_lines(bundled_folder() / str(case))
    if str(case) == "":
        raise UnknownNameError("case", "", list_cases())
    if exists:
        raise CaseError([Problem(str(case), None, "", "is a file", "name the case's folder")])
    if len(folder.parts) > 1:
        mend = f"check the path, or name a bundled case ({', '.join(list_cases())})"
        raise CaseError([Problem(str(case), None, "", "is no folder", mend)])
    raise UnknownNameError("case", str(case), list_cases())


def read_case(folder: Path) -> Case:
    """Read and validate the case in a folder; raises CaseError with every problem found."""
    return read_case_with_lines(folder)[0]


def read_case_with_lines(folder: Path) -> tuple[Case, Where]:
    """A case as `read_case` gives it, and where each of its parts stands in its files."""
    if not any((folder / f"{name}.yaml").exists() for name in YAML_FILES):
        needs = ", ".join(f"{name}.yaml" for name in YAML_FILES)
        raise CaseError([Problem(str(folder), None, "", "holds no case", f"name a folder with {needs}")])
    problems: list[Problem] = []
    documents: dict[str, Document] = {}
    for name in YAML_FILES:
        try:
            documents[name] = parse_yaml(read_text(folder / f"{name}.yaml", f"{name}.yaml"), f"{name}.yaml")
        except CaseError as error:
            problems.extend(error.problems)
    settings_data = documents["case"].data if "case" in documents else None
    is_panel = isinstance(settings_data, dict) and settings_data.get("panel") is not None
    tables: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for shown, columns in TABLES.items():
        if shown == COVERAGE_FILE and not (folder / shown).exists():
            continue
        if not is_panel:
            tables[shown] = _read_table(folder / shown, shown, columns, problems)
        elif (folder / shown).exists():
            problems.append(Problem(shown, None, "", "is not read in a panel case", "remove it, or take over its rows"))
    event_table, series_table, coverage_table = (tables.get(shown, []) for shown in TABLES)
    if problems:
        raise CaseError(problems)
    for name, document in documents.items():
        expected = list if name == "effects" else dict
        if not isinstance(document.data, expected):
            wrong, mend = "is not a mapping", "write `name:` with its entry below it"
            if expected is list:
                wrong, mend = "is not a list", "begin every edge with `- from:`"
            problems.append(document.problem((), wrong, mend))
    if problems:
        raise CaseError(problems)

    def entries[M: BaseModel](name: str, model: type[M]) -> dict[str, M]:
        document = documents[name]
        return {key: validate(model, value, document, (key,), problems) for key, value in document.data.items()}

    settings = validate(Settings, documents["case"].data, documents["case"], (), problems)
    parts: dict[str, Any] = {
        "indicators": entries("indicators", Indicator),
        "events": entries("outcomes", EventType),
        "scenarios": entries("scenarios", Scenario),
        "sources": entries("sources", Source),
    }
    effects = [
        validate(EffectModel, edge, documents["effects"], (index,), problems)
        for index, edge in enumerate(documents["effects"].data)
    ]
    event_rows = [_validate_row(EventRow, row, EVENTS_FILE, line, problems) for line, row in event_table]
    series_rows = [_validate_row(SeriesRow, row, SERIES_FILE, line, problems) for line, row in series_table]
    coverage = [_validate_row(CoverageRow, row, COVERAGE_FILE, line, problems) for line, row in coverage_table]
    if problems:
        raise CaseError(problems)
    panel = read_panel(folder, settings, parts["indicators"], parts["events"]) if settings.panel else None
    try:
        case = Case(
            name=folder.resolve().name,
            settings=settings,
            effects=tuple(effects),
            event_rows=tuple(event_rows),
            series_rows=tuple(series_rows),
            coverage=tuple(coverage),
            panel=panel,
            **parts,
        )
    except ValidationError as error:
        names = {"events": "outcomes"}
        for item in error.errors():
            location = tuple(part for part in item["loc"] if part not in _NOT_KEYS)
            document = documents.get(names.get(str(location[0]), str(location[0])), documents["case"])
            problems.append(document.problem(location[1:], _wrong(item), _mend(item, Case)))
        raise CaseError(problems) from None
    lines = {shown: tuple(line for line, _ in table) for shown, table in tables.items()}
    where = Where(documents, lines)
    problems.extend(find_problems(case, where))
    if problems:
        raise CaseError(problems)
    return case.model_copy(update={"published_hash": case.hash}), where


def write_case(case: Case, folder: str | Path) -> None:
    """Write a case as a folder that reads back to the same hash: all of its files, or none.

    Raises RiskcastError where they cannot be written; what stood there then stands there still.
    """
    folder = Path(folder)
    written = write_folder(folder, lambda made: write_files(case, made), STAGE)
    # A table of an earlier case in the same place would be read as one of this.
    for name in (EVENTS_FILE, SERIES_FILE, COVERAGE_FILE):
        if folder / name not in written:
            (folder / name).unlink(missing_ok=True)


def write_files(case: Case, folder: Path) -> None:
    """Write the files of a case one after the other into an empty folder, for those who see to it that it is whole."""
    (folder / "history").mkdir(parents=True)
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
        (folder / f"{name}.yaml").write_text(_yaml_text(content), encoding="utf-8", newline="\n")
    if case.panel is not None:
        write_panel(case.panel, case.settings, folder)
        return
    _write_table(folder / EVENTS_FILE, EVENT_COLUMNS, plain["event_rows"])
    _write_table(folder / SERIES_FILE, SERIES_COLUMNS, plain["series_rows"])
    if case.coverage:
        _write_table(folder / COVERAGE_FILE, COVERAGE_COLUMNS, plain["coverage"])


def _yaml_text(content: Any) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes text that our reader, which follows YAML 1.2, would take for something else."""

    def text_node(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
        try:
            style = None if isinstance(read_scalar(text), str) else "'"
        except ScalarError:
            style = "'"
        if text.translate(NOT_LINE_ENDS) != text:
            style = '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, text_node)
    return yaml.dump(_dated(content), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)


def _dated(content: Any) -> Any:
    if isinstance(content, dict):
        keys = ("as_of", "history_from", "date", "published", "recorded_from", "recorded_until")
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
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    line = 1
    try:
        header: list[str] = []
        while not any(header):
            line = reader.line_num + 1
            first = next(reader, None)
            if first is None:
                problems.append(Problem(shown, 1, "", "is empty", f"start with the header {','.join(columns)}"))
                return []
            header = [cell.strip() for cell in first]
        for name in header:
            if name not in columns:
                problems.append(Problem(shown, line, name, "is an unknown column", suggest(name, columns)))
        for name in columns:
            if header.count(name) != 1:
                wrong = "is missing" if name not in header else "stands twice"
                problems.append(Problem(shown, line, name, wrong, f"the columns are {','.join(columns)}"))
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
        mend = 'close every quote, and write a quote within a quoted cell as ""'
        problems.append(Problem(shown, line, "", f"is not valid CSV ({error})", mend))
    return rows


def validate[M: BaseModel](
    model: type[M], data: Any, document: Document, path: tuple[str | int, ...], problems: list[Problem]
) -> M:
    """A record from plain data at a path of a document; what is wrong with it goes to `problems`."""
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
    kind, given, context = item["type"], item.get("input"), item.get("ctx", {})
    if kind == "missing":
        place = item["loc"][-1]
        return f"has no item {place + 1}" if isinstance(place, int) else "is missing"
    if kind == "extra_forbidden":
        return "is an unknown key"
    if kind == "value_error":
        return str(context["error"]).partition("; ")[0]
    if kind in ("too_long", "too_short"):
        return f"has {context['actual_length']} items"
    if given is None or given == "":
        return "is empty"
    return f"is {show(given)}"


_LIMITS = {"gt": "above", "ge": "of at least", "lt": "below", "le": "of at most"}
_MENDS = {
    "missing": "add it",
    "string_type": "write text, in quotes where it looks like a number, a day or true/false",
    "string_too_short": "write some text",
    "float_type": NUMBER_MEND,
    "finite_number": NUMBER_MEND,
    "int_type": "give a whole number such as 3, without quotes",
    "int_from_float": "give a whole number",
    "tuple_type": "write a list in brackets, such as [a, b]",
    "dict_type": "write `key: value` pairs below it",
    "model_type": "write `key: value` pairs below it",
}


def _mend(item: Any, model: type[BaseModel]) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "missing" and isinstance(item["loc"][-1], int):
        return "write [low, high]"
    if kind in _MENDS:
        return _MENDS[kind]
    if kind == "extra_forbidden":
        return suggest(str(item["loc"][-1]), _known_keys(model, item["loc"]))
    if kind == "value_error":
        return str(context["error"]).partition("; ")[2] or "correct it"
    if kind == "literal_error":
        return suggest(show(item["input"]).strip("'"), re.findall(r"'([^']*)'", context["expected"]))
    if kind == "string_pattern_mismatch":
        state = context["pattern"].startswith("^[A-Z]")
        return "use 3 to 8 capitals, such as TJK" if state else "use small letters, digits and _, such as visa_ban"
    if kind == "too_short":
        return f"give at least {context['min_length']}"
    if kind == "too_long":
        return f"give {context['max_length']}"
    limits = [f"{words} {context[key]:g}" for key, words in _LIMITS.items() if key in context]
    if limits:
        return f"give a number {' and '.join(limits)}"
    message = item["msg"]
    return message[0].lower() + message[1:]


def _known_keys(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """The keys that the record at a location may have, found by walking the models' annotations."""

    def models_in(annotation: Any) -> list[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return [annotation]
        return [found for part in get_args(annotation) for found in models_in(part)]

    here: list[type[BaseModel]] = [model]
    for part in location[:-1]:
        fields = [f for m in here for name, f in m.model_fields.items() if part in (name, f.alias)]
        here = [found for f in fields for found in models_in(f.annotation)] or here
    return [f.alias or name for m in here for name, f in m.model_fields.items()]


def _validate_row[M: BaseModel](
    model: type[M], row: dict[str, str], file: str, line: int, problems: list[Problem]
) -> M:
    data: dict[str, Any] = dict(row)
    if "sources" in row:
        data["sources"] = tuple(row["sources"].split())
    found = len(problems)
    for name in ("value", "low", "high"):
        if name in row:
            try:
                data[name] = read_number(row[name])
            except ScalarError as error:
                problems.append(Problem(file, line, name, error.wrong, error.mend))
    if len(problems) > found:
        return model.model_construct()
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems.extend(
            Problem(file, line, dotted(item["loc"]), _wrong(item), _mend(item, model)) for item in error.errors()
        )
        return model.model_construct()
