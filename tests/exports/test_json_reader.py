"""Files of an earlier schema version are read in the words of the newest; what is none is refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import riskcast
from riskcast.errors import RiskcastError
from riskcast.exports import make_dossier, read_forecast_file
from riskcast.exports.json_file import dossier_data, export_schema
from tests.support.cases import random_case
from tests.support.places import ROOT

NEW_OF_DYADS = ("burden", "burden_of_onsets", "burden_of_continuations", "rank")


def content() -> dict:
    case = random_case(1)
    ahead = riskcast.forecast(riskcast.fit(case, draws=100), paths=4)
    explanation = riskcast.explain(ahead, paths=50)
    return dossier_data(make_dossier(riskcast.score(ahead), case, explanations=[(ahead.scenario_name, explanation)]))


def as_version_1(data: dict) -> dict:
    old = json.loads(json.dumps(data))
    del old["schema_version"]
    for scenario in old["scenarios"]:
        for dyad in scenario["dyads"]:
            dyad["worst"] = dyad.pop("exceedance")
            for name in NEW_OF_DYADS:
                del dyad[name]
            for driver in dyad["drivers"]:
                del driver["low"], driver["high"]
            for outcome in dyad["outcomes"]:
                del outcome["severity"], outcome["phase"]
        for outcome in scenario["shared"]:
            del outcome["severity"], outcome["phase"]
    return old


def test_both_versions_keep_to_their_schemas_and_are_read_alike(tmp_path: Path) -> None:
    data = content()
    jsonschema.Draft202012Validator(export_schema()).validate(data)
    old = as_version_1(data)
    schema = json.loads((ROOT / "docs" / "schemas" / "forecast.1.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(old)
    for name, each in (("new.json", data), ("old.json", old)):
        (tmp_path / name).write_text(json.dumps(each), encoding="utf-8")
    new, read = read_forecast_file(tmp_path / "new.json"), read_forecast_file(tmp_path / "old.json")
    assert new == data
    assert read["schema_version"] == 2
    for mine, theirs in zip(new["scenarios"], read["scenarios"], strict=True):
        for one, other in zip(mine["dyads"], theirs["dyads"], strict=True):
            assert other["exceedance"] == one["exceedance"]
            assert set(one) - set(other) == set(NEW_OF_DYADS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no JSON"),
        ("[]", "holds no scenarios"),
        ('{"scenarios": [{}]}', "scenario without dyads"),
        ('{"scenarios": [], "schema_version": 3}', "schema_version 3"),
    ],
)
def test_what_is_no_forecast_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(RiskcastError, match=told):
        read_forecast_file(tmp_path / "x.json")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RiskcastError, match="cannot read"):
        read_forecast_file(tmp_path / "none.json")
