"""A forecast of which a search would record a part, as every file that leaves riskcast tells it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import riskcast
from riskcast.exports.json_file import export_schema, to_json_file
from riskcast.exports.netcdf import to_tree
from riskcast.exports.tables import make_table
from riskcast.runs import bundles
from riskcast.terminal.forecasts import forecast_view
from tests.support.smallcase import OUTCOMES, write_files


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> riskcast.Run:
    outcomes = OUTCOMES.replace("  severity: 30\n", "  severity: 30\n  recall: 0.5\n")
    folder = write_files(tmp_path_factory.mktemp("thinned") / "case", outcomes_yaml=outcomes)
    return riskcast.run(riskcast.load_case(folder), ["baseline", "storm"], draws=200)


@pytest.fixture(scope="module")
def dossier(made: riskcast.Run) -> riskcast.Dossier:
    return riskcast.make_dossier(made.risks, made.case)


def test_json_and_tables_have_both_probabilities(dossier: riskcast.Dossier) -> None:
    data = json.loads(to_json_file(dossier))
    jsonschema.Draft202012Validator(export_schema()).validate(data)
    ahead = dossier.headline.forecast
    rows = {(row["scenario"], row["event"], row["unit"]): row for row in make_table(dossier, "probabilities").records()}
    for dyad in data["scenarios"][0]["dyads"]:
        (protest,) = [one for one in dyad["outcomes"] if one["id"] == "protest"]
        assert 0 < protest["recorded_low"] < protest["recorded"] < protest["recorded_high"]
        # Half of the events, and more than half of a chance that is not small.
        assert 0.5 * protest["probability"] < protest["recorded"] < 0.9 * protest["probability"]
        assert protest["recorded"] == pytest.approx(ahead.recorded("protest", dyad["id"]).mean)
        assert rows["baseline", "protest", dyad["id"]]["recorded"] == ahead.recorded("protest", dyad["id"]).mean
        spark = rows["baseline", "spark", dyad["id"]]
        assert spark["recorded"] == spark["probability"]
    (decree,) = data["scenarios"][0]["shared"]
    assert decree["recorded"] == decree["probability"]


def test_named_draws_hold_both(dossier: riskcast.Dossier) -> None:
    ahead, found = dossier.headline.forecast, to_tree(dossier)["predictions"].to_dataset()
    own = found["recorded"].sel(scenario="baseline", event="protest").values[0]
    assert ahead.simulated.recorded is not None
    np.testing.assert_array_equal(own, ahead.simulated.recorded.probability["protest"])
    assert found["shared_recorded"].dims == ("chain", "draw", "scenario", "shared_event")
    named = ahead.to_dataset()
    assert named["recorded"].sel(estimate="mean", event="protest", dyad="HHH-AAA").item() == pytest.approx(
        ahead.recorded("protest", "HHH-AAA").mean
    )


def test_a_kept_run_reads_back_and_comes_out_the_same_again(made: riskcast.Run, tmp_path: Path) -> None:
    kept = riskcast.write_bundle(made, tmp_path)
    again = riskcast.read_bundle(kept)
    for one, two in zip(made.risks, again.risks, strict=True):
        then, now = (bundles.forecast_arrays(each.forecast.simulated) for each in (one, two))
        assert list(then) == list(now)
        assert any(name.startswith("recorded/") for name in then)
        assert all(then[name].tobytes() == now[name].tobytes() for name in then)
        assert (one.dyads, one.shared) == (two.dyads, two.shared)
        assert two.forecast.recorded("protest", "HHH-BBB") == one.forecast.recorded("protest", "HHH-BBB")
    assert riskcast.rerun(kept).same


def test_the_terminal_says_what_a_search_finds(made: riskcast.Run) -> None:
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=80).print(forecast_view(made.risks[0], made.explanations[0][1]))
    assert "A search like today's finds 50 % of what happens (Protest)." in " ".join(out.getvalue().split())
