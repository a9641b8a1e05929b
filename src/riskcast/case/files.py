"""A case folder -> a validated Case, and a Case -> a folder."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from riskcast.case.checks import find_problems
from riskcast.case.claims import Claim
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
from riskcast.case.vintage_folders import case_name, check_seal, find_vintage
from riskcast.case.where import COVERAGE_FILE, EVENTS_FILE, SERIES_FILE, Where
from riskcast.case.yaml_lines import (
    NOT_LINE_ENDS,
    NUMBER_MEND,
    TIME_ZONE,
    Document,
    ScalarError,
    dotted,
    find_odd_characters,
    parse_yaml,
    read_scalar,
    read_text,
)
from riskcast.errors import CaseError, OptionError, Problem, UnknownNameError, refusal, shorten, show, suggest
from riskcast.machinery.bundled import PACKAGE, bundled
from riskcast.machinery.joint_writes import read_steadily
from riskcast.machinery.number_cells import MARKS_IN_USE, NaMark, is_mark, mark_text, read_number_columns
from riskcast.machinery.staging import write_folder
from riskcast.machinery.table_files import (
    MOST_OF_A_KIND,
    SUFFIXES,
    TableFile,
    Wanted,
    find_table,
    read_table,
)
from riskcast.machinery.texts import INVISIBLE, ODD_SPACES, name_character

YAML_SUFFIXES = (".yaml", ".yml")
YAML_FILES = ("case", "indicators", "outcomes", "effects", "scenarios", "sources")
# Those that a case can do without.
OPTIONAL_FILES = ("claims",)
EVENT_COLUMNS = ("date", "precision", "type", "dyad", "initiator", "description", "sources", "status")
COVERAGE_COLUMNS = ("unit", "type", "from", "until")
SERIES_COLUMNS = ("indicator", "unit", "date", "value", "low", "high", "published", "sources", "status")
TABLES = {
    EVENTS_FILE: Wanted(EVENT_COLUMNS, optional=("published", "entered")),
    SERIES_FILE: Wanted(SERIES_COLUMNS, optional=("series", "entered")),
    COVERAGE_FILE: Wanted(COVERAGE_COLUMNS, optional=("recall",)),
}
_NUMBERS = ("value", "low", "high", "recall")
_DAYS = ("date", "published", "entered", "from", "until")
# Midnight, as programs write it behind a day, in whatever time zone.
_MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]00:00(?::00(?:\.0+)?)?" + TIME_ZONE)
_OTHER_DAY = re.compile(r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{1,2}:[0-9:.]+.*")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_DAY_NUMBER = re.compile(r"[0-9]{5}(\.0*)?")
_LOOK_ALIKE = ODD_SPACES + INVISIBLE + "\u2010\u2011\u2012\u2013\u2014\u2212\uff0c\uff0e\uff1a"
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
    """Read and validate a case: a bundled name, a folder, or a kept vintage of one, such as my_case@2024-05-06.

    Raises UnknownNameError where there is no such case, and CaseError with every problem found where it is not valid.

    >>> load_case("central_asia_2024").host
    'RUS'
    """
    return load_case_with_lines(case)[0]


def load_bundled(name: str) -> Case:
    """A case that came with riskcast, whatever folder of its name there is where the program runs."""
    return read_case(bundled_folder() / name)


def load_case_with_lines(case: str | Path) -> tuple[Case, Where]:
    """A case as `load_case` gives it, and where each of its parts stands in its files."""
    return read_case_with_lines(find_folder(case))


def find_folder(case: str | Path) -> Path:
    """The folder of a case: a bundled name, a folder, or one of its kept vintages as CASE@DAY or CASE@DAY-HASH.

    Raises UnknownNameError where there is no such case, and CaseError where it is no folder.
    """
    named, at, day = str(case).rpartition("@")
    if at and "/" not in day and not Path(case).is_dir():
        return find_vintage(find_folder(named), day)
    folder = Path(case)
    try:
        # An empty name is no folder, though the path of one is that where the program runs.
        is_folder, exists = str(case) != "" and folder.is_dir(), folder.exists()
    except OSError:
        is_folder = exists = False
    if is_folder and case in list_cases() and not folder.samefile(bundled_folder() / str(case)):
        wrong = "is a folder here, and a case that came with riskcast"
        raise refusal(str(case), wrong, f"write ./{case} for the folder, or stand elsewhere")
    if is_folder:
        return folder
    if str(case) in list_cases():
        return bundled_folder() / str(case)
    if str(case) == "":
        raise UnknownNameError("case", "", list_cases())
    if exists:
        raise refusal(str(case), "is a file", "name the case's folder")
    if len(folder.parts) > 1:
        mend = f"check the path, or name a bundled case ({', '.join(list_cases())})"
        raise refusal(str(case), "is no folder", mend)
    raise UnknownNameError("case", str(case), list_cases())


def read_case(folder: Path) -> Case:
    """Read and validate the case in a folder; raises CaseError with every problem found."""
    return read_case_with_lines(folder)[0]


def read_case_with_lines(folder: Path) -> tuple[Case, Where]:
    """A case as `read_case` gives it, and where each of its parts stands in its files.

    The files are those of one moment, also where riskcast edits them meanwhile.
    """
    return read_steadily(folder, lambda: _read(folder))


def _read(folder: Path) -> tuple[Case, Where]:
    check_seal(folder)
    found = {name: _yaml_files(folder, name) for name in YAML_FILES}
    found |= {name: files for name in OPTIONAL_FILES if (files := _yaml_files(folder, name))}
    # A byte of a name that is no UTF-8 is read as half a surrogate pair.
    if any("\ud800" <= c <= "\udfff" for c in folder.resolve().name):
        wrong = "is a folder whose name is not UTF-8"
        raise refusal(shorten(str(folder)), wrong, "rename it")
    if not any(found[name] for name in YAML_FILES):
        needs = ", ".join(f"{name}.yaml" for name in YAML_FILES)
        raise refusal(str(folder), "holds no case", f"name a folder with {needs}")
    problems: list[Problem] = []
    documents: dict[str, Document] = {}
    # None where it cannot be told.
    is_panel: bool | None = None
    for name, files in found.items():
        shown = files[0] if files else f"{name}.yaml"
        if len(files) > 1:
            problems.append(Problem(shown, None, "", f"stands beside {files[1]}", "keep one of them"))
            continue
        try:
            text = read_text(folder / shown, shown)
            if name == "case":
                is_panel = re.search(r"^panel[ \t]*:", text, re.MULTILINE) is not None
            documents[name] = parse_yaml(text, shown)
        except CaseError as error:
            problems.extend(error.problems)
    if "case" in documents:
        settings_data = documents["case"].data
        is_panel = isinstance(settings_data, dict) and settings_data.get("panel") is not None
    tables: dict[str, TableFile] = {}
    for usual, wanted in TABLES.items():
        try:
            shown = find_table(folder, usual.removesuffix(".csv"))
            if is_panel:
                if shown is not None:
                    mend = "remove it, or take over its rows"
                    problems.append(Problem(shown, None, "", "is not read in a panel case", mend))
            elif shown is not None or (usual != COVERAGE_FILE and is_panel is False):
                tables[usual] = read_table(folder / (shown or usual), shown or usual, wanted)
        except CaseError as error:
            problems.extend(error.problems)
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
        if name not in documents:
            return {}
        document = documents[name]
        return {key: validate(model, value, document, (key,), problems) for key, value in document.data.items()}

    settings = validate(Settings, documents["case"].data, documents["case"], (), problems)
    parts: dict[str, Any] = {
        "indicators": entries("indicators", Indicator),
        "events": entries("outcomes", EventType),
        "scenarios": entries("scenarios", Scenario),
        "sources": entries("sources", Source),
        "claims": entries("claims", Claim),
    }
    effects = [
        validate(EffectModel, edge, documents["effects"], (index,), problems)
        for index, edge in enumerate(documents["effects"].data)
    ]
    # Settings that cannot be read name no marks.
    marks = getattr(settings, "na", ())
    rows: dict[str, list[Any]] = {}
    for usual, model in ((EVENTS_FILE, EventRow), (SERIES_FILE, SeriesRow), (COVERAGE_FILE, CoverageRow)):
        if usual in tables:
            rows[usual], tables[usual] = _history(model, tables[usual], marks, TABLES[usual].optional, problems)
    if problems:
        raise CaseError(problems)
    dialects = [table.dialect for table in tables.values()]
    panel = None
    if settings.panel:
        names = {name: document.file for name, document in documents.items()}
        panel, read = read_panel(folder, settings, parts["indicators"], parts["events"], names)
        dialects += read
    try:
        case = Case(
            name=case_name(folder),
            settings=settings,
            effects=tuple(effects),
            event_rows=tuple(rows.get(EVENTS_FILE, ())),
            series_rows=tuple(rows.get(SERIES_FILE, ())),
            coverage=tuple(rows.get(COVERAGE_FILE, ())),
            panel=panel,
            dialects=tuple(dialects),
            **parts,
        )
    except ValidationError as error:
        names = {"events": "outcomes"}
        for item in error.errors():
            location = tuple(part for part in item["loc"] if part not in _NOT_KEYS)
            document = documents.get(names.get(str(location[0]), str(location[0])), documents["case"])
            problems.append(document.problem(location[1:], _wrong(item), _mend(item, Case)))
        raise CaseError(problems) from None
    lines = {usual: tuple(table.lines.tolist()) for usual, table in tables.items()}
    where = Where(documents, lines, {usual: table.name for usual, table in tables.items()})
    problems.extend(find_problems(case, where))
    if problems:
        raise CaseError(problems)
    return case.model_copy(update={"published_hash": case.hash}), where


def write_case(case: Case, folder: str | Path) -> None:
    """Write a case as a folder that reads back to the same hash: all of its files, or none.

    Raises RiskcastError where they cannot be written, and OptionError where a file stands there that would be read
    beside one of them; what stood there then stands there still.
    """
    folder = Path(folder)
    _check_free(folder)
    written = write_folder(folder, lambda made: write_files(case, made), STAGE)
    # A table of an earlier case in the same place would be read as one of this.
    for name in (EVENTS_FILE, SERIES_FILE, COVERAGE_FILE, *(f"{name}.yaml" for name in OPTIONAL_FILES)):
        if folder / name not in written:
            (folder / name).unlink(missing_ok=True)


def _check_free(folder: Path) -> None:
    """Raise OptionError where a folder holds one of a case's files under another ending than it is written with."""
    own = [(f"{name}.yaml", YAML_SUFFIXES) for name in (*YAML_FILES, *OPTIONAL_FILES)] + [
        (name, SUFFIXES) for name in TABLES
    ]
    for name, endings in own:
        stem = name.rpartition(".")[0]
        others = (f"{stem}{ending}" for ending in endings if f"{stem}{ending}" != name)
        other = next((other for other in others if (folder / other).exists()), None)
        if other is not None:
            wrong = f"{folder} holds {other}, which would be read beside {name}"
            raise OptionError(f"{wrong}; move it away, or give another folder")


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
    if case.claims:
        contents["claims"] = {
            name: claim.model_dump(mode="json", exclude_defaults=True) for name, claim in case.claims.items()
        }
    for name, content in contents.items():
        (folder / f"{name}.yaml").write_text(yaml_text(content), encoding="utf-8", newline="\n")
    if case.panel is not None:
        write_panel(case.panel, case.settings, folder)
        return
    _write_table(folder, EVENTS_FILE, plain["event_rows"])
    _write_table(folder, SERIES_FILE, plain["series_rows"])
    if case.coverage:
        _write_table(folder, COVERAGE_FILE, plain["coverage"])


def yaml_text(content: Any) -> str:
    """Plain data as YAML, with quotes around text that our reader would take for a number, a day or nothing.

    >>> yaml_text({"na": "-9", "label": "Trade"})
    "na: '-9'\\nlabel: Trade\\n"
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes where it must."""

    def text_node(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
        try:
            is_plain = isinstance(read_scalar(text), str) and find_odd_characters(text) is None
            style = None if is_plain else "'"
        except ScalarError:
            style = "'"
        if text.translate(NOT_LINE_ENDS) != text:
            style = '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, text_node)
    return yaml.dump(_dated(content), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)


def _dated(content: Any) -> Any:
    if isinstance(content, dict):
        keys = ("as_of", "history_from", "date", "published", "recorded_from", "recorded_until", "dated")
        return {
            k: dt.date.fromisoformat(v) if k in keys and isinstance(v, str) else _dated(v) for k, v in content.items()
        }
    return [_dated(item) for item in content] if isinstance(content, list) else content


def _write_table(folder: Path, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write one history table; an optional column is there where some row says something in it."""
    wanted = TABLES[name]
    columns = (*wanted.columns, *(column for column in wanted.optional if any(column in row for row in rows)))
    with (folder / name).open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([" ".join(row[c]) if c == "sources" else row.get(c, "") for c in columns])


def _yaml_files(folder: Path, name: str) -> list[str]:
    """The files of a folder that could be one of a case's YAML files; capitals make no difference."""
    names = [f"{name}{suffix}" for suffix in YAML_SUFFIXES]
    return sorted(file.name for file in folder.iterdir() if file.name.lower() in names)


@dataclass
class _Told:
    """What is wrong with rows of a table, and which rows these are."""

    table: TableFile
    problems: list[Problem]
    rows: NDArray[np.bool_]

    def tell(self, column: str, rows: Iterable[bool], wrong: str, mend: str, *, once: bool = False) -> None:
        """Tell of the rows marked; `{}` stands for the cell, and `{count}` for their number."""
        marked = np.fromiter(rows, dtype=bool, count=len(self.table))
        wrong = wrong.replace("{count}", str(int(marked.sum())))
        self.problems += self.table.problems(column, marked, wrong, mend, once=once)
        self.rows |= marked


def _history[M: BaseModel](
    model: type[M], table: TableFile, marks: Sequence[NaMark], optional: Sequence[str], problems: list[Problem]
) -> tuple[list[M], TableFile]:
    """The rows of a history table as records, and the table without rows that have no value.

    A cell of an `optional` column that is empty, or marked as missing, says nothing.
    """
    told = _Told(table, [], np.zeros(len(table), dtype=bool))
    texts = {name: table.texts(name) for name in table.columns}
    said = [name for name in optional if name in texts]
    for name in said:
        texts[name] = ["" if is_mark(text, marks) else text for text in texts[name]]
    for name in _DAYS:
        if name in texts:
            texts[name] = _days(name, texts[name], told)
    if "sources" in texts:
        texts["sources"] = _sources(texts["sources"], marks, told)
    numbers: dict[str, list[float]] = {}
    dialect, kept = table.dialect, np.ones(len(table), dtype=bool)
    columns = {name: table.columns[name] for name in _NUMBERS if name in texts}
    if columns:
        read = read_number_columns(columns, marks, semicolons=dialect.separator == ";", mend=NUMBER_MEND)
        for one in read.unread:
            told.tell(one.column, one.rows, one.wrong, one.mend, once=one.once)
        if "value" in texts:
            # A row whose value is said to be missing says nothing.
            given = np.array([text != "" for text in texts["value"]], dtype=bool)
            kept = ~(given & np.isnan(read.values["value"])) | told.rows
        for name, values in read.values.items():
            told.tell(name, np.isinf(values), "is {}, too large a number", "give a finite number")
            if name in optional:
                continue
            lacking = np.isnan(values) & kept & ~told.rows
            marked = lacking & np.array([text != "" for text in texts[name]], dtype=bool)
            told.tell(name, marked, "is {}, which marks a missing value, beside a value", NUMBER_MEND)
            told.tell(name, lacking & ~marked, "is empty", NUMBER_MEND)
        dialect = replace(dialect, decimal=read.decimal, without_value=int((~kept).sum()))
        numbers = {name: values.tolist() for name, values in read.values.items()}
    rows, found = [], told.problems
    for place in np.flatnonzero(kept & ~told.rows).tolist():
        data: dict[str, Any] = {name: cells[place] for name, cells in texts.items()}
        data |= {name: values[place] for name, values in numbers.items()}
        for name in said:
            if data[name] == "" or data[name] != data[name]:
                del data[name]
        if "sources" in data:
            data["sources"] = tuple(data["sources"].split())
        try:
            rows.append(model.model_validate(data))
        except ValidationError as error:
            line = int(table.lines[place])
            found.extend(
                Problem(table.name, line, dotted(item["loc"]), _wrong(item), _mend(item, model))
                for item in error.errors()
            )
    problems.extend(_folded(found))
    return rows, replace(table, lines=table.lines[kept], dialect=dialect)


def _days(name: str, texts: list[str], told: _Told) -> list[str]:
    """Days as YYYY-MM-DD where a time of midnight follows them; those in another order are refused."""
    midnights = (len(text) > 10 and _MIDNIGHT.fullmatch(text) for text in texts)
    plain = [found[1] if found else text for text, found in zip(texts, midnights, strict=True)]
    mend = "write all days as YYYY-MM-DD (in Excel: format the column as yyyy-mm-dd)"
    odd = [text[4:5] != "-" and _OTHER_DAY.fullmatch(text) is not None for text in plain]
    told.tell(name, odd, "is {} in an order of day and month that cannot be told, in {count} rows", mend, once=True)
    timed = [len(text) > 10 and _MOMENT.fullmatch(text) is not None for text in plain]
    told.tell(name, timed, "is {}, a day with a time of day, in {count} rows", mend, once=True)
    months = [len(text) == 7 and _MONTH.fullmatch(text) is not None for text in plain]
    told.tell(name, months, "is {}, a month without a day, in {count} rows", mend, once=True)
    counted = [_DAY_NUMBER.fullmatch(text) is not None for text in plain]
    told.tell(name, counted, "is {}, a day as Excel counts them, in {count} rows", mend, once=True)
    return plain


def _sources(texts: list[str], marks: Sequence[NaMark], told: _Told) -> list[str]:
    """Sources, none where a mark says that there are none."""
    plain = ["" if is_mark(text, marks) else text for text in texts]
    odd = [text.lower() in MARKS_IN_USE for text in plain]
    named = sorted({text for text, is_odd in zip(plain, odd, strict=True) if is_odd})
    mend = f"leave the cells empty, or add `{mark_text(named)}` to case.yaml"
    wrong = "is {} in {count} rows, and no mark of a missing value is named"
    told.tell("sources", odd, wrong, mend, once=True)
    return plain


def _folded(problems: Iterable[Problem]) -> list[Problem]:
    """Problems of rows, of those that say the same the first few and the number of the others."""
    alike: dict[tuple[str, str, str], list[Problem]] = {}
    for problem in problems:
        alike.setdefault((problem.key, problem.wrong, problem.mend), []).append(problem)
    found = []
    for group in alike.values():
        found += group[:MOST_OF_A_KIND]
        if len(group) > MOST_OF_A_KIND:
            found.append(replace(group[MOST_OF_A_KIND], wrong=f"and in {len(group) - MOST_OF_A_KIND} more rows"))
    return sorted(found, key=lambda problem: problem.line or 0)


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
    odd = next((c for c in given if c in _LOOK_ALIKE), None) if isinstance(given, str) else None
    return f"is {show(given)}" + ("" if odd is None else f", with the {name_character(odd)}")


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
        if "a-f" in context["pattern"]:
            return "give the first 12 to 64 digits of the case's hash in quotes, as every output shows them"
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
