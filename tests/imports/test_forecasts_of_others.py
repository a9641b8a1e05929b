"""Somebody's forecasts become numbers that `--outside` takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from riskcast.errors import CaseError, OptionError
from riskcast.forecasting.outside_numbers import read_outside
from riskcast.imports.forecast_maps import ForecastMap, load_forecast_map
from riskcast.imports.forecasts_of_others import ImportedForecasts, import_forecasts

HEADER = "reference_date,location,horizon,target,output_type,output_type_id,value"
ROWS = (
    "2024-05-01,RUS-TJK,6,demarche,pmf,yes,0.55",
    "2024-05-01,RUS-TJK,6,demarche,pmf,no,0.45",
    "2024-05-01,RUS-KAZ,6,demarche,pmf,yes,",
    "2024-05-01,RUS-KAZ,6,deaths,quantile,0.5,12",
)


def hub() -> ForecastMap:
    found = load_forecast_map("hub")
    assert found is not None
    return found


def imported(folder: Path, *rows: str, chart: ForecastMap | None = None) -> ImportedForecasts:
    file = folder / "2024-05-01-team-ensemble.csv"
    file.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    return import_forecasts([file], chart or hub())


def test_model_output_of_a_hub_is_what_outside_reads(tmp_path: Path) -> None:
    found = imported(tmp_path, *ROWS)
    (tmp_path / "outside.csv").write_bytes(found.content())
    [number] = read_outside(tmp_path / "outside.csv")
    assert found.rows == (
        {
            "question": "RUS-TJK:demarche by month 6",
            "probability": "0.55",
            "forecaster": "team-ensemble",
            "date": "2024-05-01",
        },
    )
    assert number.forecaster == "team-ensemble"
    assert (found.report.read, found.report.taken, found.report.dropped) == (4, 1, 3)


def test_cells_are_called_as_the_case_calls_them(tmp_path: Path) -> None:
    cells = {"target": {"demarche": "criticism"}}
    chart = hub().model_copy(update={"cells": cells, "forecaster": "team of {location}"})
    [row] = imported(tmp_path, ROWS[0], chart=chart).rows
    assert (row["question"], row["forecaster"]) == ("RUS-TJK:criticism by month 6", "team of RUS-TJK")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((ROWS[0].replace("0.55", "55"),), "ensemble.csv:2: value: is 55; give a probability from 0 to 1"),
        ((ROWS[0].replace("2024-05-01", "1 May"),), "reference_date: is '1 May', no day"),
        ((ROWS[0], ROWS[0].replace("0.55", "0.6")), "gives RUS-TJK:demarche by month 6 two probabilities"),
        ((ROWS[1],), "no row of the table is left: 1 did not meet `where`"),
    ],
)
def test_what_is_no_forecast_is_refused(tmp_path: Path, rows: tuple[str, ...], said: str) -> None:
    with pytest.raises((CaseError, OptionError)) as refused:
        imported(tmp_path, *rows)
    assert said in str(refused.value)
