"""Draws as NetCDF: xarray and ArviZ read them, and they are those of posterior and forecast."""

from __future__ import annotations

import datetime as dt
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import riskcast
from riskcast.exports import netcdf
from tests.support import handover, smallpanel

needs_writer = pytest.mark.skipif(find_spec("h5py") is None, reason="h5py, which writes NetCDF, is not installed")


@pytest.fixture(scope="module")
def dossier() -> riskcast.Dossier:
    return handover.dossier()


@pytest.fixture(scope="module")
def file(dossier: riskcast.Dossier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("netcdf")
    netcdf.write_netcdf(dossier, folder)
    return folder / "draws.nc"


@needs_writer
def test_xarray_reads_the_predictions_that_were_drawn(file: Path, dossier: riskcast.Dossier) -> None:
    import xarray

    with xarray.open_datatree(file) as tree:
        found = tree["predictions"].to_dataset().load()
        assert set(tree.children) == {"posterior", "predictions", "observed_data", "constant_data"}
        assert tree.attrs["overlay_hash"] == dossier.case.overlay_hash
    for risk in dossier.risks:
        own = found.sel(scenario=risk.forecast.scenario_name, chain=0)
        drawn = risk.forecast.simulated
        assert own["score"].dims == ("draw", "dyad")
        np.testing.assert_array_equal(own["score"], drawn.score)
        for event in own["event"].to_numpy().tolist():
            np.testing.assert_array_equal(own["probability"].sel(event=event), drawn.probability[event])
        shared = own["shared_probability"].sel(shared_event="restrictive_act")
        np.testing.assert_array_equal(shared, drawn.probability["restrictive_act"][:, 0])
        for dyad in risk.dyads:
            assert float(own["score"].sel(dyad=dyad.id).mean()) == pytest.approx(dyad.score.mean, abs=1e-9)
            for outcome in dyad.outcomes:
                path = own["probability_by_period"].sel(event=outcome.id, dyad=dyad.id)
                assert path.to_numpy() == pytest.approx(list(outcome.by_period), abs=1e-12)
    for name, values in found.data_vars.items():
        assert float(values.min()) >= 0.0
        assert float(values.max()) <= (100.0 if name == "score" else 1.0)
    assert found["period_end"].to_numpy()[[0, -1]].astype("datetime64[D]").tolist() == [
        *(dt.date(2024, 5, 31), dt.date(2025, 5, 6))
    ]
    assert (found["score"].attrs["units"], found["probability"].attrs["units"]) == (
        *("points, 0 to 100", "probability, 0 to 1"),
    )


@needs_writer
def test_arviz_reads_the_posterior(file: Path, dossier: riskcast.Dossier) -> None:
    import arviz

    tree = arviz.from_netcdf(file)
    posterior = dossier.headline.forecast.posterior
    for name, drawn in posterior.events.items():
        own = tree["posterior"][f"{name}.coefficients"]
        assert own.dims[:2] == ("chain", "draw")
        assert own.attrs["units"] == "log rate"
        np.testing.assert_array_equal(own.to_numpy()[0], drawn.coefficients)
        assert own[f"coefficient_{name}"].to_numpy().tolist() == list(posterior.models[name].coefficients)
        for parameter, values in drawn.hyper.items():
            np.testing.assert_array_equal(tree["posterior"][f"{name}.{parameter}"].to_numpy()[0], values)
    table = arviz.summary(tree, var_names=["demarche.sd_dyad"], round_to="none")
    assert float(table["mean"].iloc[0]) == pytest.approx(posterior.events["demarche"].hyper["sd_dyad"].mean())


@needs_writer
def test_the_record_is_that_of_the_case(file: Path) -> None:
    import xarray

    with xarray.open_datatree(file) as tree:
        happened = tree["observed_data"].to_dataset().load()
        known = tree["constant_data"].to_dataset().load()
    case = handover.published()
    found = {
        (row.placed_on, row.dyad)
        for row in case.event_rows
        if row.type == "travel_advisory" and row.dyad in case.dyads and row.known_on <= case.as_of
    }
    assert len(found) > 2
    ends = happened["period_end"].to_numpy()
    for day, dyad in found:
        period = ends[np.searchsorted(ends, np.datetime64(day))]
        assert int(happened["travel_advisory"].sel(period_end=period, dyad=dyad)) == 1
    assert int(happened["travel_advisory"].sum()) <= len(found)
    severities = dict(zip(known["outcome"].to_numpy().tolist(), known["severity"].to_numpy().tolist(), strict=True))
    assert severities == {name: e.severity for name, e in case.events.items() if e.severity is not None}


@needs_writer
def test_a_failed_posterior_is_marked(tmp_path: Path) -> None:
    import xarray

    netcdf.write_netcdf(handover.failed(), tmp_path)
    with xarray.open_datatree(tmp_path / "draws.nc") as tree:
        for group in (tree, *tree.children.values()):
            assert group.attrs["reliable"] == 0
            assert group.attrs["checks"].startswith("FAILED: demarche")


def test_a_panel_has_groups_of_its_own_shape() -> None:
    posterior = riskcast.fit(smallpanel.panel_case(), draws=200, allow_unreliable=True)
    tree = netcdf.to_tree(riskcast.make_dossier(riskcast.score(riskcast.forecast(posterior))))
    assert tree["predictions"]["dyad"].to_numpy().tolist() == list(smallpanel.PRESENT)
    assert tree["predictions"]["score"].sizes["draw"] == 200
