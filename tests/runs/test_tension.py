"""Runs of cases with tension and trust: kept with every digit, and made again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import riskcast
from riskcast.errors import RiskcastError
from riskcast.exports.plain_data import evidence_of
from riskcast.names import TENSION_TODAY
from riskcast.runs.sealed_folder import pack_arrays, unpack_arrays
from tests.runs.test_bundles import reseal
from tests.support import smallcase

SAID = """
tension:
  period: quarter
  loading: {median: 0.6, interval: [0.25, 1.2], evidence: {basis: judgement, claim: Times are restless at once.}}
trust: {median: 0.8, interval: [0.5, 1.3], evidence: {basis: judgement, claim: Judged.}}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> riskcast.Run:
    folder = tmp_path_factory.mktemp("case") / "small"
    smallcase.write_files(folder)
    with (folder / "case.yaml").open("a", encoding="utf-8") as file:
        file.write(SAID)
    return riskcast.run(riskcast.load_case(folder), draws=200)


@pytest.fixture(scope="module")
def kept(made: riskcast.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return riskcast.write_bundle(made, tmp_path_factory.mktemp("runs"))


def test_a_run_reads_back_with_its_tension_and_comes_out_the_same(made: riskcast.Run, kept: Path) -> None:
    read = riskcast.read_bundle(kept).posterior
    assert read.shared is not None
    assert made.posterior.shared is not None
    for name in ("tension", "trust", "persistence", "periods"):
        np.testing.assert_array_equal(getattr(read.shared, name), getattr(made.posterior.shared, name))
    assert (read.shared.khat, read.shared.ess) == (made.posterior.shared.khat, made.posterior.shared.ess)
    np.testing.assert_array_equal(read.stated("protest"), made.posterior.stated("protest"))
    assert riskcast.rerun(kept).same


def test_a_posterior_that_was_read_can_be_handed_on(made: riskcast.Run, kept: Path) -> None:
    read = riskcast.read_bundle(kept).posterior
    again = riskcast.fit(read.case, draws=200, reuse=read)
    assert again.shared is not None
    assert made.posterior.shared is not None
    np.testing.assert_array_equal(again.shared.tension, made.posterior.shared.tension)


@pytest.mark.parametrize("name", ["draws", "trust"])
def test_draws_of_tension_that_do_not_fit_are_refused(kept: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / kept.name
    shutil.copytree(kept, copy)
    arrays = unpack_arrays((copy / "draws.npz").read_bytes())
    arrays[f"TENSION/{name}"] = arrays[f"TENSION/{name}"][:-1]
    (copy / "draws.npz").write_bytes(pack_arrays(arrays))
    reseal(copy)
    with pytest.raises(RiskcastError, match=r"draws\.npz"):
        riskcast.read_bundle(copy)


def test_what_tension_rests_on_is_told(made: riskcast.Run) -> None:
    told = {key: claim for key, _, claim in evidence_of(made.posterior.case, TENSION_TODAY)}
    assert told["tension.loading"] == "Times are restless at once."


def test_a_comparison_tells_what_tension_does(made: riskcast.Run, tmp_path: Path) -> None:
    smallcase.write_files(tmp_path / "small")
    found = riskcast.diff(riskcast.load_case(tmp_path / "small"), made.posterior.case, draws=200)
    ids = {one.id for own in found.contributions.values() for one in own}
    assert ids == {"tension", "trust"}
