"""Model output for a hubverse hub: its columns and types, and the worst outcome's distribution that it holds."""

from __future__ import annotations

import datetime as dt
import io
import itertools
import json
import re
from typing import Any

import numpy as np
import pandas
import pyarrow
import pyarrow.parquet
import pytest
import yaml

import riskcast
from riskcast.exports import hubverse
from tests.support import cases, handover, smallpanel

PATH = "model-output/riskcast-laplace/2024-05-06-riskcast-laplace.parquet"
TASK_IDS = ["reference_date", "scenario_id", "location", "horizon", "target_end_date", "target"]
LEVELS = tuple(
    sorted({handover.published().events[name].severity or 0.0 for name in handover.published().own_outcomes})
)


@pytest.fixture(scope="module")
def dossier() -> riskcast.Dossier:
    return handover.dossier()


@pytest.fixture(scope="module")
def files(dossier: riskcast.Dossier) -> dict[str, bytes]:
    return hubverse.hub_files(dossier)


@pytest.fixture(scope="module")
def output(files: dict[str, bytes]) -> pandas.DataFrame:
    """The model output as a hub reads it."""
    return pandas.read_parquet(io.BytesIO(files[PATH]))


@pytest.fixture(scope="module")
def tasks(files: dict[str, bytes]) -> Any:
    return json.loads(files["hub-config/tasks.json"])


def mass_of(output: pandas.DataFrame, scenario: str, dyad: str) -> np.ndarray:
    """The pmf of one task."""
    chosen = (output["output_type"] == "pmf") & (output["scenario_id"] == scenario) & (output["location"] == dyad)
    return output[chosen]["value"].to_numpy()


def test_files_lie_where_a_hub_looks_for_them(files: dict[str, bytes]) -> None:
    assert set(files) == {"hub-config/tasks.json", "model-metadata/riskcast-laplace.yml", PATH}
    about = yaml.safe_load(files["model-metadata/riskcast-laplace.yml"])
    assert f"{about['team_abbr']}-{about['model_abbr']}" == "riskcast-laplace"
    assert all(re.fullmatch(r"[A-Za-z0-9_]{1,16}", about[name]) for name in ("team_abbr", "model_abbr"))
    assert about["provenance"]["case_hash"] == handover.published().published_hash
    alone = riskcast.fit(handover.published(), draws=200, prior_only=True)
    other = riskcast.make_dossier(riskcast.score(riskcast.forecast(alone)))
    assert hubverse.model_name(other) == "laplace_priors"


def test_columns_and_types_are_those_of_model_output(files: dict[str, bytes], output: pandas.DataFrame) -> None:
    assert list(output.columns) == [*TASK_IDS, "output_type", "output_type_id", "value"]
    types = {field.name: field.type for field in pyarrow.parquet.read_schema(io.BytesIO(files[PATH]))}
    assert (types["reference_date"], types["target_end_date"]) == (pyarrow.date32(), pyarrow.date32())
    assert (types["horizon"], types["value"]) == (pyarrow.int32(), pyarrow.float64())
    assert {types[name] for name in ("location", "target", "output_type", "output_type_id")} == {pyarrow.string()}
    assert not output.isna().any(axis=None)
    assert set(output["reference_date"]) == {dt.date(2024, 5, 6)}
    assert set(output["target_end_date"]) == {dt.date(2025, 5, 6)}


def test_every_row_is_valid_by_tasks_json(output: pandas.DataFrame, tasks: Any) -> None:
    (round_,) = tasks["rounds"]
    assert set(round_) == {"round_id_from_variable", "round_id", "model_tasks", "submissions_due"}
    assert set(round_["submissions_due"]) == {"relative_to", "start", "end"}
    assert tasks["output_type_id_datatype"] == "character"
    told = 0
    for task in round_["model_tasks"]:
        (kind,) = task["output_type"]
        rows = output[output["output_type"] == kind]
        assert round_["round_id"] in task["task_ids"]
        assert set(task["task_ids"]) == set(TASK_IDS)
        for name, valid in task["task_ids"].items():
            assert set(valid) == {"required", "optional"}
            allowed = [*(valid["required"] or []), *(valid["optional"] or [])]
            found = rows[name].astype(str) if name.endswith("date") else rows[name]
            assert set(found) <= set(allowed), name
            assert set(found) >= set(valid["required"] or [])
        about = task["target_metadata"][0]
        required = {"target_id", "target_name", "target_units", "target_keys", "target_type", "is_step_ahead"}
        assert required <= set(about)
        assert len(about["target_id"]) <= 30
        assert len(about["target_name"]) <= 100
        assert about["target_keys"] == {"target": rows["target"].iloc[0]}
        assert about["target_type"] == {"pmf": "ordinal", "sample": "discrete"}[kind]
        rule = task["output_type"][kind]["value"]
        assert rows["value"].between(rule["minimum"], rule["maximum"]).all()
        told += len(rows)
    assert told == len(output)


def test_categories_are_the_severities_from_low_to_high(tasks: Any, dossier: riskcast.Dossier) -> None:
    assert len(LEVELS) > 3
    assert all(low < high for low, high in itertools.pairwise(LEVELS))
    rule = tasks["rounds"][0]["model_tasks"][0]["output_type"]["pmf"]
    assert rule["output_type_id"] == {"required": ["none", *(f"{level:g}" for level in LEVELS)]}
    assert set(rule) == {"output_type_id", "value", "is_required"}


def test_pmf_sums_to_one_in_every_task(output: pandas.DataFrame) -> None:
    pmf = output[output["output_type"] == "pmf"]
    groups = pmf.groupby(TASK_IDS)
    assert len(groups) == 2 * 5
    for _, group in groups:
        assert group["output_type_id"].tolist() == ["none", *(f"{level:g}" for level in LEVELS)]
        assert group["value"].sum() == pytest.approx(1.0, abs=1e-12)
        assert group["value"].min() >= 0.0


def test_pmf_gives_the_exceedance_that_backtests_score(output: pandas.DataFrame, dossier: riskcast.Dossier) -> None:
    """The chance of at least each severity, cumulated from above, is what `rolling` hands to the RPS."""
    for risk in dossier.risks:
        for column, dyad in enumerate(risk.forecast.case.dyads):
            mass = mass_of(output, risk.forecast.scenario_name, dyad)
            above = mass[::-1].cumsum()[::-1][1:]
            expected = [risk.forecast.simulated.verifiable.peaks[level][column] for level in LEVELS]
            assert above == pytest.approx(expected, abs=1e-12)


def test_no_score_is_below_the_mean_of_the_pmf(output: pandas.DataFrame, dossier: riskcast.Dossier) -> None:
    """What outcomes add up to is at least the worst of them, which the engine averages in another way."""
    for risk in dossier.risks:
        for dyad in risk.dyads:
            mass = mass_of(output, risk.forecast.scenario_name, dyad.id)
            mean = float(mass @ np.array([0.0, *LEVELS]))
            error = 25.0 / np.sqrt(300 * 4)
            assert mean - 4 * error < dyad.score.mean < 2.0 * mean


def test_samples_agree_with_the_pmf(output: pandas.DataFrame) -> None:
    samples = output[output["output_type"] == "sample"]
    for (scenario, dyad), group in samples.groupby(["scenario_id", "location"]):
        counted = [float((group["value"] == level).mean()) for level in (0.0, *LEVELS)]
        assert counted == pytest.approx(mass_of(output, scenario, dyad).tolist(), abs=1e-12)


def test_an_index_is_one_future_of_all_dyads(output: pandas.DataFrame, tasks: Any) -> None:
    params = tasks["rounds"][0]["model_tasks"][1]["output_type"]["sample"]["output_type_id_params"]
    assert "location" not in params["compound_taskid_set"]
    samples = output[output["output_type"] == "sample"]
    assert samples["output_type_id"].str.fullmatch(r"[1-9]\d*").all()
    assert samples["output_type_id"].str.len().max() <= params["max_length"]
    for _, group in samples.groupby(TASK_IDS):
        assert group["output_type_id"].is_unique
        assert params["min_samples_per_task"] <= len(group) <= params["max_samples_per_task"]
    of_index = samples.groupby("output_type_id")
    assert of_index["scenario_id"].nunique().eq(1).all()
    assert of_index["location"].nunique().eq(5).all()
    wide = samples[samples["scenario_id"] == "baseline"].pivot(
        columns="location", index="output_type_id", values="value"
    )
    correlation = wide.corr().to_numpy()[np.triu_indices(5, 1)]
    assert correlation.mean() > 0.04


def test_a_panel_has_model_output() -> None:
    posterior = riskcast.fit(smallpanel.panel_case(), draws=200, allow_unreliable=True)
    own = riskcast.make_dossier(riskcast.score(riskcast.forecast(posterior)))
    (path,) = [name for name in hubverse.hub_files(own) if name.startswith("model-output")]
    read = pandas.read_parquet(io.BytesIO(hubverse.hub_files(own)[path]))
    assert set(read["location"]) == set(smallpanel.PRESENT)
    sums = read[read["output_type"] == "pmf"].groupby("location")["value"].sum()
    assert sums.to_numpy() == pytest.approx(1.0)


@pytest.fixture(scope="module")
def thinned() -> riskcast.Dossier:
    """A case of which searches find a part."""
    posterior = riskcast.fit(cases.thinned_case(3), draws=200, allow_unreliable=True)
    return riskcast.make_dossier(riskcast.score(riskcast.forecast(posterior, horizon=6)))


def test_a_hub_is_told_of_what_is_recorded(thinned: riskcast.Dossier) -> None:
    ahead = thinned.headline.forecast
    found = ahead.simulated.recorded
    assert found is not None
    [path] = [name for name in hubverse.hub_files(thinned) if name.startswith("model-output")]
    output = pandas.read_parquet(io.BytesIO(hubverse.hub_files(thinned)[path]))
    levels = sorted(found.peaks)
    for column, dyad in enumerate(ahead.case.dyads):
        above = mass_of(output, "baseline", dyad)[::-1].cumsum()[::-1][1:]
        assert above == pytest.approx([found.peaks[level][column] for level in levels], abs=1e-12)
        # What happens is likelier than what is recorded of it.
        assert above[0] < ahead.simulated.peaks[levels[0]][column] - 0.02
        drawn = output[(output["output_type"] == "sample") & (output["location"] == dyad)]["value"]
        assert [float((drawn >= level).mean()) for level in levels] == pytest.approx(above.tolist(), abs=1e-12)


def test_tasks_say_that_they_resolve_by_what_is_recorded(tasks: Any) -> None:
    for task in tasks["rounds"][0]["model_tasks"]:
        assert "worst recorded outcome" in task["target_metadata"][0]["description"]
