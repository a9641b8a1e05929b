"""A map of somebody's forecasts: how rows become numbers from outside, with a question, a forecaster and a day each."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from string import Formatter
from typing import Any, Final, Literal

from pydantic import Field, TypeAdapter, field_validator

from riskcast.case.files import validate
from riskcast.case.quantities import Strict
from riskcast.case.settings import Text
from riskcast.case.yaml_lines import parse_yaml, read_text
from riskcast.errors import CaseError, Problem
from riskcast.imports.map_parts import Reading, Where

FORECASTS: Final = "forecasts"
SCHEMA_NAME: Final = "forecast_map.yaml"
_FOLDER: Final = resources.files("riskcast").joinpath("data", "maps", FORECASTS)


class ForecastMap(Strict):
    """A map of forecasts: `question` and `forecaster` are texts in which {column} stands for a cell.

    cells: by column, what a cell is called in the question; forecaster: the file's name where none is said.
    """

    title: Text
    rows: Literal["forecasts"]
    question: Text
    probability: Text
    date: Text
    forecaster: Text | None = None
    where: Where = Field(default_factory=dict)
    cells: dict[Text, dict[str, Text]] = Field(default_factory=dict)
    read: Reading = Reading()
    note: Text | None = None

    @field_validator("question", "forecaster")
    @classmethod
    def _plain_braces(cls, given: str | None) -> str | None:
        columns_in(given or "")
        return given

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the file that is read."""
        named = [*columns_in(self.question), *columns_in(self.forecaster or ""), self.probability, self.date]
        return tuple(dict.fromkeys([*named, *self.where]))


def columns_in(text: str) -> tuple[str, ...]:
    """The columns that a text names in braces; raises ValueError where braces hold anything else.

    >>> columns_in("{location}:{target} by month {horizon}")
    ('location', 'target', 'horizon')
    """
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"has braces that do not fit ({error}); write {{column}}") from None
    for _, name, form, conversion in parts:
        if name is not None and (not name or form or conversion):
            raise ValueError("has braces with more than a column; write {column}")
    return tuple(name for _, name, _, _ in parts if name is not None)


def list_forecast_maps() -> tuple[str, ...]:
    """Names of the maps of forecasts that come with riskcast.

    >>> list_forecast_maps()
    ('hub',)
    """
    return tuple(sorted(Path(each.name).stem for each in _FOLDER.iterdir() if each.name.endswith(".yaml")))


def load_forecast_map(named: str | Path) -> ForecastMap | None:
    """A map of forecasts: a file, or the name of one that comes with riskcast; None where it is a map of another kind.

    >>> load_forecast_map("hub").probability, load_forecast_map("ucdp_ged")
    ('value', None)
    """
    if str(named) in list_forecast_maps():
        text = _FOLDER.joinpath(f"{named}.yaml").read_text(encoding="utf-8")
    elif Path(named).is_file():
        text = read_text(Path(named), str(named))
    else:
        return None
    document = parse_yaml(text, str(named))
    if not isinstance(document.data, dict) or document.data.get("rows") != FORECASTS:
        return None
    problems: list[Problem] = []
    found = validate(ForecastMap, document.data, document, (), problems)
    if problems:
        raise CaseError(problems)
    return found


def forecast_map_schema() -> dict[str, Any]:
    """JSON Schema of a map of forecasts."""
    schema = TypeAdapter(ForecastMap).json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA_NAME} | schema
