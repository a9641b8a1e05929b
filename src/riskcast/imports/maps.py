"""A map: how the columns of somebody's table become dyads, days, events and covariates of a case."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, TypeAdapter, model_validator

from riskcast.case.files import validate
from riskcast.case.quantities import Strict
from riskcast.case.settings import Id, State, Text
from riskcast.case.yaml_lines import parse_yaml, read_text
from riskcast.errors import CaseError, Problem, UnknownNameError
from riskcast.imports.map_parts import (
    Covariate,
    Kept,
    Moment,
    Occurrence,
    Origin,
    Precision,
    Reading,
    Repeats,
    Searched,
    Units,
    Where,
)

MAP_FILE: Final = "map.yaml"
_FOLDER: Final = resources.files("riskcast").joinpath("data", "maps")


class TableMap(Strict):
    """map.yaml: what a row is (an event, or one unit in one period), and what becomes of its columns.

    A table of pairs becomes the table of a panel case, or, with a host, the dated events and values of a case with
    partners. A table of single states becomes values of indicators, or enters pairs.
    """

    title: Text
    rows: Literal["events", "periods"]
    period: Literal["week", "month", "quarter", "year"]
    units: Units
    date: Moment
    end: Moment | None = None
    precision: Precision | None = None
    where: Where = Field(default_factory=dict)
    repeats: Repeats | None = None
    events: dict[Id, Occurrence] = Field(default_factory=dict)
    covariates: dict[Id, Covariate] = Field(default_factory=dict)
    searched: Searched | None = None
    kept: Kept = Kept()
    host: State | None = None
    partners: tuple[State, ...] = ()
    source: Origin | None = None
    read: Reading = Reading()
    note: Text | None = None

    @model_validator(mode="after")
    def _fitting(self) -> TableMap:
        if not self.events and not self.covariates:
            raise ValueError("takes nothing from the table; add `events:` or `covariates:`")
        if self.units.state is not None and self.events:
            raise ValueError("has events of single states; give both states of each event in `units:`")
        if self.rows == "events" and self.host is None and self.events and self.searched is None:
            raise ValueError("does not say which days were searched, so that no row cannot mean none; add `searched:`")
        if self.end is None and any(rule.lasts == "goes_on" for rule in self.events.values()):
            raise ValueError("has events that go on, but no end; add `end:`, or write lasts: begins")
        if (self.host is None) != (not self.partners):
            raise ValueError("has a host without partners, or partners without a host; give both, or neither")
        if self.host is not None and self.units.direction != "none":
            raise ValueError(
                "tells directions apart with a host; tell apart who acted by `where:`, or remove `direction:`"
            )
        if self.rows == "periods" and self.end is not None:
            raise ValueError("has an end though each row is of one period; remove `end:`")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the file that is read."""
        rules = (*self.events.values(), *self.covariates.values())
        named = [*self.units.columns, *self.date.columns, *(self.end.columns if self.end else ()), *self.where]
        named += [self.precision.column] if self.precision else []
        named += self.repeats.by if self.repeats else ()
        named += [column for rule in rules for column in rule.where]
        named += [rule.number for rule in self.events.values() if rule.number]
        named += [rule.column for rule in self.covariates.values()]
        named += [column for rule in self.events.values() for column in rule.description]
        return tuple(dict.fromkeys(named))

    @property
    def is_record(self) -> bool:
        """Whether it becomes dated events and values of a case with a host, and no panel."""
        return self.host is not None


def list_maps() -> tuple[str, ...]:
    """Names of the maps that come with riskcast.

    >>> "ucdp_ged" in list_maps()
    True
    """
    return tuple(sorted(Path(each.name).stem for each in _FOLDER.iterdir() if each.name.endswith(".yaml")))


def map_text(name: str) -> str:
    """The text of a map that comes with riskcast; raises UnknownNameError where there is none of this name."""
    if name not in list_maps():
        raise UnknownNameError("map", name, list_maps())
    return _FOLDER.joinpath(f"{name}.yaml").read_text(encoding="utf-8")


def load_map(named: str | Path) -> TableMap:
    """A map: a file, or the name of one that comes with riskcast; raises CaseError with every line that is wrong.

    >>> load_map("ucdp_ged").units.codes
    'gw'
    """
    file = Path(named)
    if file.suffix in (".yaml", ".yml") or file.is_file():
        return read_map(read_text(file, str(named)), str(named))
    return read_map(map_text(str(named)), f"{named}.yaml")


def read_map(text: str, file: str = MAP_FILE) -> TableMap:
    """A map from its text; `file` is what errors call it."""
    document = parse_yaml(text, file)
    problems: list[Problem] = []
    found = validate(TableMap, document.data, document, (), problems)
    if problems:
        raise CaseError(problems)
    return found


def map_data(chart: TableMap) -> dict[str, Any]:
    """A map as plain data for YAML, without what stands at its default.

    >>> map_data(load_map("ucdp_ged"))["units"]["unknown"]
    'drop'
    """
    return chart.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True)


def map_schema() -> dict[str, Any]:
    """JSON Schema of map.yaml."""
    schema = TypeAdapter(TableMap).json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": MAP_FILE} | schema
