"""Kept runs read back with every digit, come out the same again, and are refused where a byte of them was changed."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import riskcast
from riskcast.cli.commands import app
from riskcast.errors import CaseError, OptionError, RiskcastError, UnknownNameError
from riskcast.forecasting.requests import OverlayFile
from riskcast.runs import bundles, making as runs, sealed_folder
from riskcast.runs.sealed_folder import STAGE, json_text, pack_arrays, unpack_arrays
from tests.support import smallcase, smallpanel
from tests.support.cases import event as plain_event, make_case, quantity

OVERLAY = "label: Mine  # a comment\nchanges:\n  indicators.mood.now: {median: 60, interval: [52, 68]}\n"
OTHER = "label: Also mine\nchanges:\n  effects.spark->protest: {median: 4, interval: [2, 8]}\n"
WORDS = ["--draws", "200", "--scenario", "baseline", "--scenario", "storm"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small case."""
    return smallcase.write_files(tmp_path_factory.mktemp("cases") / "small")


@pytest.fixture(scope="module")
def made(folder: Path) -> riskcast.Run:
    case = riskcast.load_case(folder)
    return riskcast.run(case, ["baseline", "storm"], overlays=[OVERLAY, OTHER], draws=200, seed=2**62 + 1)


@pytest.fixture(scope="module")
def kept(made: riskcast.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run; tests that change it work on a copy."""
    return riskcast.write_bundle(made, tmp_path_factory.mktemp("kept") / "not" / "yet")


@pytest.fixture
def copy(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / kept.name))


def command(*words: Any) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def reseal(folder: Path, **changed: Any) -> None:
    """Write a manifest that is right about the files as they are now, as a forger would."""
    before = json.loads((folder / "manifest.json").read_text())
    listed = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in files(folder).items()
        if name != "manifest.json"
    }
    content = {"format": before["format"], "about": before["about"], "files": listed} | changed
    content["sha256"] = hashlib.sha256(json_text(content)).hexdigest()
    (folder / "manifest.json").write_bytes(json_text(content))


def assert_same(one: riskcast.Run, two: riskcast.Run) -> None:
    """Every digit of two runs is equal, bit for bit."""
    pairs = [(bundles.draw_arrays(one.posterior), bundles.draw_arrays(two.posterior))]
    for first, second in zip(one.risks, two.risks, strict=True):
        pairs.append(
            (bundles.forecast_arrays(first.forecast.simulated), bundles.forecast_arrays(second.forecast.simulated))
        )
        assert (first.dyads, first.shared) == (second.dyads, second.shared)
        ahead, again = first.forecast, second.forecast
        for name in ("scenario_name", "scenario", "horizon", "paths", "seed", "dyads", "window"):
            assert getattr(ahead, name) == getattr(again, name)
    for then, now in pairs:
        assert list(then) == list(now)
        for name in then:
            assert then[name].dtype == now[name].dtype
            assert then[name].shape == now[name].shape
            assert then[name].tobytes() == now[name].tobytes(), name
    assert one.explanations == two.explanations
    assert one.provenance == two.provenance
    assert one.overlays == two.overlays
    for name in ("diagnostics", "engine", "draws", "seed", "prior_only", "fingerprints", "origin", "warning"):
        assert getattr(one.posterior, name) == getattr(two.posterior, name)
    for name in ("name", "hash", "published_hash", "overlay_hash", "as_of", "dyads", "order"):
        assert getattr(one.case, name) == getattr(two.case, name)
        assert getattr(one.published, name) == getattr(two.published, name)


# What is kept.


def test_a_run_reads_back_with_every_digit(made: riskcast.Run, kept: Path) -> None:
    read = riskcast.read_bundle(kept)
    assert_same(made, read)
    assert read.case == made.case
    assert [risk.forecast.posterior is read.posterior for risk in read.risks] == [True, True]
    # What is computed from what was read, is what is computed from what was made.
    assert riskcast.score(read.risks[1].forecast).dyads == made.risks[1].dyads
    assert riskcast.explain(read.risks[1].forecast) == made.explanations[1][1]
    change = [riskcast.contrast(run.risks[1].forecast, run.risks[0].forecast) for run in (made, read)]
    assert change[0] == change[1]
    again = riskcast.forecast(read.posterior, "calm")
    assert riskcast.score(again).dyads == riskcast.score(riskcast.forecast(made.posterior, "calm")).dyads


def test_the_digits_are_those_of_the_same_steps_by_hand(made: riskcast.Run) -> None:
    case = made.published
    for text in (OVERLAY, OTHER):
        case = riskcast.apply_overlay(case, yaml.safe_load(text)["changes"])
    posterior = riskcast.fit(case, draws=200, seed=2**62 + 1)
    for risk, name in zip(made.risks, ("baseline", "storm"), strict=True):
        assert risk.dyads == riskcast.score(riskcast.forecast(posterior, name)).dyads


def test_other_readers_find_in_the_files_what_was_forecast(made: riskcast.Run, kept: Path) -> None:
    with np.load(kept / "draws.npz", allow_pickle=False) as drawn:
        assert drawn["protest/coefficients"].tobytes() == made.posterior.events["protest"].coefficients.tobytes()
        assert drawn["protest/hyper/half_life.fast"].shape == (200,)
    with np.load(kept / "scenario_2" / "forecast.npz", allow_pickle=False) as ahead:
        assert (ahead["score"] == made.risks[1].forecast.simulated.score).all()
    scores = json.loads((kept / "scenario_2" / "scores.json").read_text())
    assert scores == riskcast.forecast_data(made.risks[1], made.explanations[1][1])
    manifest = json.loads((kept / "manifest.json").read_text())
    found = files(kept)
    assert set(manifest["files"]) == set(found) - {"manifest.json"}
    for name, about in manifest["files"].items():
        assert about == {"sha256": hashlib.sha256(found[name]).hexdigest(), "bytes": len(found[name])}
    assert found["overlays/1.yaml"].decode() == OVERLAY
    assert riskcast.load_case(kept / "case").hash == made.request.base.hash
    about = json.loads(found["run.json"])
    assert about["versions"]["numpy"] == np.__version__
    assert about["versions"]["python"] == ".".join(str(part) for part in sys.version_info[:3])
    assert set(about["versions"]) == {"riskcast", "python", "numpy", "machine"}
    assert set(runs.software("nuts")) == {*about["versions"], "pymc", "nutpie"}
    assert not [name for name in found if not name.endswith((".json", ".npz", ".yaml", ".csv"))]


class Options(TypedDict, total=False):
    """Options of a run."""

    scenarios: list[str | riskcast.Scenario | None]
    as_of: dt.date
    overlays: list[str]
    horizon: int
    draws: int
    prior_only: bool
    allow_unreliable: bool


@pytest.mark.parametrize(
    "options",
    [
        {"prior_only": True},
        {"as_of": dt.date(2019, 6, 30), "overlays": [OVERLAY]},
        {"horizon": 3, "scenarios": ["storm"]},
        {"scenarios": [riskcast.Scenario(label="Made in code: ä", story="Nothing.")]},
        {"draws": 100, "allow_unreliable": True},
    ],
)
def test_runs_of_every_kind_read_back_and_come_out_the_same(folder: Path, tmp_path: Path, options: Options) -> None:
    whole: Options = {"draws": 200, **options}
    run = riskcast.run(riskcast.load_case(folder), **whole)
    path = riskcast.write_bundle(run, tmp_path)
    assert_same(run, riskcast.read_bundle(path))
    again = riskcast.rerun(path)
    assert again.same
    assert again.differences == ()
    assert_same(run, again.after)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_panel_reads_back_with_every_digit(tmp_path: Path, suffix: str) -> None:
    rows = smallpanel.table()
    floats = [name for name in rows.columns if rows[name].dtype.kind == "f" and rows[name].nunique() > 5]
    assert floats
    case = riskcast.load_case(smallpanel.write_panel_case(tmp_path / "panel", rows, suffix=suffix))
    run = riskcast.run(case, draws=200)
    path = riskcast.write_bundle(run, tmp_path / "runs")
    assert (path / "case" / "history" / f"panel.{suffix}").is_file()
    assert_same(run, riskcast.read_bundle(path))
    assert riskcast.rerun(path).same


def test_a_posterior_that_failed_its_checks_says_so_when_read_back(made: riskcast.Run, tmp_path: Path) -> None:
    failed = replace(made.posterior.diagnostics, failures=("protest: k-hat",), ess_min=float("nan"))
    posterior = replace(made.posterior, diagnostics=failed)
    risks = tuple(replace(r, forecast=replace(r.forecast, posterior=posterior)) for r in made.risks)
    about = {**made.provenance, "diagnostics": {**made.provenance["diagnostics"], "failures": ["protest: k-hat"]}}
    about["diagnostics"]["ess_min"] = "nan"
    run = replace(made, posterior=posterior, risks=risks, provenance=about)
    read = riskcast.read_bundle(riskcast.write_bundle(run, tmp_path))
    assert not read.posterior.is_reliable
    assert "k-hat" in read.posterior.warning
    assert np.isnan(read.posterior.diagnostics.ess_min)


def test_a_changed_case_is_kept_with_its_changes_as_an_overlay(folder: Path, tmp_path: Path) -> None:
    published = riskcast.load_case(folder)
    changes = yaml.safe_load(OVERLAY)["changes"]
    case = riskcast.apply_overlay(published, changes)
    run = riskcast.run(case, published=published, draws=200)
    assert [list(yaml.safe_load(text)["changes"]) for text in run.overlays] == [["indicators.mood.now"]]
    read = riskcast.read_bundle(riskcast.write_bundle(run, tmp_path))
    assert (read.published.hash, read.case.hash) == (published.hash, case.hash)
    assert read.risks[0].dyads == riskcast.score(riskcast.forecast(riskcast.fit(case, draws=200))).dyads
    shorter = case.revised(event_rows=case.event_rows[:-1])
    with pytest.raises(OptionError, match="more than quantities"):
        riskcast.run(shorter, published=published)
    with pytest.raises(OptionError, match="together with overlays"):
        riskcast.run(case, published=published, overlays=[OVERLAY])


def test_what_cannot_be_kept_is_refused_before_it_is_fitted(folder: Path) -> None:
    case = riskcast.load_case(folder)
    with pytest.raises(OptionError, match="'storm' is given twice"):
        riskcast.run(case, ["storm", "storm"])
    with pytest.raises(UnknownNameError, match="storn"):
        riskcast.run(case, ["storn"])
    with pytest.raises(CaseError, match="evidence"):
        riskcast.run(make_case({"clash": plain_event(quantity(0.2, 0.1, 0.4))}))
    with pytest.raises(CaseError, match=r"overlays/1\.yaml:2: .*moood"):
        riskcast.run(case, overlays=["changes:\n  indicators.moood.now: {value: 1}\n"])


# The id, and what is there already.


def test_the_same_inputs_have_the_same_id_and_the_same_bytes(made: riskcast.Run, kept: Path, tmp_path: Path) -> None:
    again = runs.run_request(made.request)
    path = riskcast.write_bundle(again, tmp_path)
    assert path.name == kept.name
    assert path.name.startswith("small-2020-12-31-")
    assert files(path) == files(kept)


def test_every_input_is_in_the_id(made: riskcast.Run, folder: Path) -> None:
    inputs = made.request
    others = [
        replace(inputs, seed=inputs.seed + 1),
        replace(inputs, draws=201),
        replace(inputs, horizon=11),
        replace(inputs, engine="nuts"),
        replace(inputs, prior_only=True),
        replace(inputs, allow_unreliable=True),
        replace(inputs, as_of=dt.date(2019, 12, 31)),
        replace(inputs, overlays=(OverlayFile(OVERLAY),)),
        replace(inputs, overlays=(OverlayFile(OTHER), OverlayFile(OVERLAY))),
        replace(inputs, scenarios=("storm", "baseline")),
        replace(inputs, scenarios=("baseline",)),
        replace(inputs, base=inputs.base.revised(event_rows=inputs.base.event_rows[1:])),
        replace(inputs, base=inputs.base.model_copy(update={"name": "large"})),
    ]
    assert len({each.id for each in (inputs, *others)}) == len(others) + 1
    assert replace(inputs, base=riskcast.load_case(folder)).id == inputs.id


def test_a_run_that_is_there_is_left_alone(made: riskcast.Run, copy: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    assert riskcast.write_bundle(made, copy.parent) == copy
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*")} == before


def test_a_run_that_is_there_with_other_digits_is_not_hidden(made: riskcast.Run, copy: Path) -> None:
    arrays = unpack_arrays((copy / "draws.npz").read_bytes())
    arrays["protest/shocks"][3, 0] += 1e-16 + np.spacing(arrays["protest/shocks"][3, 0])
    (copy / "draws.npz").write_bytes(pack_arrays(arrays))
    reseal(copy)
    with pytest.raises(RiskcastError, match=r"other digits, first in draws\.npz; see .*riskcast rerun"):
        riskcast.write_bundle(made, copy.parent)
    found = riskcast.rerun(copy)
    assert not found.same
    assert found.differences == ("draws: 1 of 21 arrays differ (protest/shocks)",)


def test_a_damaged_run_that_is_there_is_not_taken_for_whole(made: riskcast.Run, copy: Path) -> None:
    (copy / "draws.npz").write_bytes(b"")
    with pytest.raises(RiskcastError, match=r"draws\.npz has 0 bytes"):
        riskcast.write_bundle(made, copy.parent)


# Whole or not at all.

KILLED = """
import os, signal, sys
from pathlib import Path
import riskcast
from riskcast.runs import bundles
run = riskcast.read_bundle(sys.argv[1])
def stop(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
one = Path.rename
def renamed(self, target):
    one(self, target)
    stop()
if sys.argv[3] == "filling":
    bundles.forecast_arrays = stop
elif sys.argv[3] == "sealed":
    Path.rename = stop
else:
    Path.rename = renamed
riskcast.write_bundle(run, sys.argv[2])
"""


@pytest.mark.parametrize("moment", ["filling", "sealed", "renamed"])
def test_a_run_that_is_killed_leaves_a_whole_folder_or_none(
    made: riskcast.Run, kept: Path, tmp_path: Path, moment: str
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(kept), str(tmp_path), moment], check=False)
    assert done.returncode == -signal.SIGKILL
    left = list(tmp_path.glob(f"{STAGE}*"))
    if moment == "renamed":
        assert not left
        assert files(tmp_path / kept.name) == files(kept)
    else:
        assert not (tmp_path / kept.name).exists()
        assert len(left) == 1
        assert files(left[0])
    path = riskcast.write_bundle(made, tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert files(path) == files(kept)


def test_a_run_that_is_being_written_is_not_taken_for_a_leftover(
    made: riskcast.Run, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, depth = bundles._fill, []

    def fill(folder: Path, run: riskcast.Run) -> None:
        depth.append(folder)
        if len(depth) == 1:
            # Another run, of the same inputs, comes and goes while this one is being written.
            riskcast.write_bundle(made, tmp_path)
            assert depth[0].is_dir()
        real(folder, run)

    monkeypatch.setattr(bundles, "_fill", fill)
    path = riskcast.write_bundle(made, tmp_path)
    assert len(depth) == 2
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert files(path) == files(kept)


def test_a_failure_while_writing_leaves_nothing(
    made: riskcast.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundles, "forecast_arrays", full)
    with pytest.raises(RiskcastError, match="No space left on device"):
        riskcast.write_bundle(made, tmp_path)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(RiskcastError, match="file"):
            riskcast.write_bundle(made, out)


# Changed by accident or by somebody.


def test_a_changed_byte_in_any_file_is_found_and_named(copy: Path) -> None:
    for name, content in files(copy).items():
        for place in (0, len(content) // 2, len(content) - 1):
            (copy / name).write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            with pytest.raises(RiskcastError) as found:
                riskcast.read_bundle(copy)
            assert name in str(found.value)
        for changed in (content + b"\n", content[:-1], b""):
            (copy / name).write_bytes(changed)
            with pytest.raises(RiskcastError, match=Path(name).name):
                riskcast.read_bundle(copy)
        (copy / name).write_bytes(content)
    riskcast.read_bundle(copy)


def test_a_missing_or_extra_file_is_found_and_named(copy: Path) -> None:
    for name, content in files(copy).items():
        (copy / name).unlink()
        with pytest.raises(RiskcastError, match=Path(name).name):
            riskcast.read_bundle(copy)
        (copy / name).write_bytes(content)
    for name in ("extra.txt", "case/.hidden", "case/history/panel.csv"):
        (copy / name).write_text("")
        with pytest.raises(RiskcastError, match=f"{name} is no part of the run"):
            riskcast.read_bundle(copy)
        (copy / name).unlink()
    (copy / "case" / "empty").mkdir()
    with pytest.raises(RiskcastError, match="case/empty is an empty folder"):
        riskcast.read_bundle(copy)
    with pytest.raises(OptionError, match="holds no run"):
        riskcast.read_bundle(copy / "case")
    with pytest.raises(OptionError, match="is no folder"):
        riskcast.read_bundle(copy / "run.json")


def test_an_edited_manifest_is_found(copy: Path) -> None:
    manifest = copy / "manifest.json"
    text = manifest.read_text()
    first = json.loads(text)["files"]["draws.npz"]["sha256"]
    for old, new in ((first, "0" * 64), ("{\n", "{ \n"), ('"format": 2', '"format": true'), ("sha256", "sha512")):
        assert old in text
        manifest.write_text(text.replace(old, new, 1))
        with pytest.raises(RiskcastError, match=r"manifest\.json"):
            riskcast.read_bundle(copy)
    manifest.write_text(text.replace('"format": 2', '"format": 3', 1))
    with pytest.raises(RiskcastError, match="has format 3, not 2; read it with the version"):
        riskcast.read_bundle(copy)
    for junk in ("", "[]", "null", "{}", "[" * 100_000, '{"format": 2, "files": 3}', "\xff", '{"a": NaN}'):
        manifest.write_text(junk, encoding="latin-1")
        with pytest.raises(RiskcastError, match="manifest"):
            riskcast.read_bundle(copy)


# Made to harm: the manifest is right, the content is not.


class Harm:
    """What a pickle of it does when it is read: it makes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def test_arrays_of_objects_are_not_unpickled(copy: Path, tmp_path: Path) -> None:
    target = tmp_path / "harmed"
    pickle.loads(pickle.dumps(Harm(target)))
    assert target.is_dir()
    target.rmdir()
    for name in ("draws.npz", "scenario_1/forecast.npz"):
        content = (copy / name).read_bytes()
        arrays: dict[str, Any] = dict(unpack_arrays(content))
        key = next(iter(arrays))
        arrays[key] = np.array([Harm(target)], dtype=object)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for each, values in arrays.items():
                with archive.open(f"{each}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, values, allow_pickle=True)
        (copy / name).write_bytes(packed.getvalue())
        reseal(copy)
        with pytest.raises(RiskcastError, match=rf"{name} is no file of a run \(.*not of plain numbers"):
            riskcast.read_bundle(copy)
        assert not target.exists()
        (copy / name).write_bytes(content)


def npy(header: str, content: bytes = b"") -> bytes:
    raw = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(raw).to_bytes(2, "little") + raw + content


@pytest.mark.parametrize(
    ("header", "wrong"),
    [
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,), }", "not the size"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 100000000, 100000000), }", "not the size"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", "not of plain numbers"),
        ("{'descr': '<U2', 'fortran_order': False, 'shape': (1,), }", "not of plain numbers"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "not of plain numbers"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'more': __import__('os')}", ""),
        ("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,), }", ""),
        ("x" * 20_000, ""),
        ("[" * 5_000, ""),
    ],
)
def test_headers_that_lie_are_refused_before_memory_is_taken(copy: Path, header: str, wrong: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("protest/coefficients.npy", npy(header, bytes(8)))
    (copy / "draws.npz").write_bytes(packed.getvalue())
    reseal(copy)
    with pytest.raises(RiskcastError, match=rf"draws\.npz is no file of a run \(.*{wrong}"):
        riskcast.read_bundle(copy)


def test_archives_that_unpack_to_more_than_they_are_are_refused(copy: Path) -> None:
    one = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (12500000,), }", bytes(100_000_000))
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("protest/coefficients.npy", one)
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        empty = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0,), }")
        archive.writestr("a.npy", empty)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.npy", empty)
    for content, wrong in ((bomb.getvalue(), "larger than itself"), (twice.getvalue(), "twice"), (b"PK", "whole")):
        (copy / "draws.npz").write_bytes(content)
        reseal(copy)
        with pytest.raises(RiskcastError, match=rf"draws\.npz is no file of a run \(.*{wrong}"):
            riskcast.read_bundle(copy)


@pytest.mark.parametrize("name", ["case/case.yaml", "case/effects.yaml", "overlays/1.yaml"])
def test_yaml_tags_are_not_followed(copy: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "harmed"
    text = (copy / name).read_text()
    tagged = f"label: !!python/object/apply:os.mkdir ['{target}']\n" + text.removeprefix("label: Mine")
    (copy / name).write_text(tagged)
    reseal(copy)
    with pytest.raises(RiskcastError, match=r"has the tag|is not valid YAML"):
        riskcast.read_bundle(copy)
    assert not target.exists()


@pytest.mark.parametrize(
    "name",
    ["../outside.txt", "/etc/hostname", "case/../../outside.txt", "case//x", "a\\..\\b", "", "a\nb", "./run.json"],
)
def test_paths_out_of_the_folder_are_refused(copy: Path, name: str) -> None:
    (copy.parent / "outside.txt").write_text("secret")
    listed = json.loads((copy / "manifest.json").read_text())["files"]
    listed[name] = {"sha256": hashlib.sha256(b"secret").hexdigest(), "bytes": 6}
    reseal(copy, files=listed)
    with pytest.raises(RiskcastError, match=r"manifest\.json lists .*no file within the folder"):
        riskcast.read_bundle(copy)


def test_a_panel_outside_the_folder_is_not_read(copy: Path) -> None:
    (copy / "case" / "case.yaml").write_text("panel: {file: ../../../outside.csv, covariates: before}\n")
    reseal(copy)
    with pytest.raises(RiskcastError, match="case is no file of a run"):
        riskcast.read_bundle(copy)


@pytest.mark.parametrize("name", ["draws.npz", "manifest.json", "case", "case/history/events.csv", "extra"])
def test_symbolic_links_are_refused(copy: Path, name: str) -> None:
    target = copy.parent / "elsewhere"
    if (copy / name).exists():
        (copy / name).rename(target)
    else:
        target.write_text("")
    (copy / name).symlink_to(target)
    with pytest.raises(RiskcastError, match=f"{name} (is a symbolic link|cannot be read)"):
        riskcast.read_bundle(copy)


@pytest.mark.parametrize("name", ["draws.npz", "manifest.json", "extra"])
def test_pipes_are_refused_without_waiting(copy: Path, name: str) -> None:
    (copy / name).unlink(missing_ok=True)
    os.mkfifo(copy / name)
    with pytest.raises(RiskcastError, match=f"{name} is no plain file"):
        riskcast.read_bundle(copy)


def test_absurd_sizes_are_refused(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = json.loads((copy / "manifest.json").read_text())["files"]
    for size in (10**15, -1):
        reseal(copy, files={**listed, "run.json": {**listed["run.json"], "bytes": size}})
        with pytest.raises(RiskcastError, match=r"'run\.json' with an absurd size"):
            riskcast.read_bundle(copy)
    reseal(copy, files={f"{number}.json": listed["run.json"] for number in range(sealed_folder.MOST_FILES + 1)})
    with pytest.raises(RiskcastError, match="lists more than"):
        riskcast.read_bundle(copy)
    with (copy / "manifest.json").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(RiskcastError, match=r"manifest\.json is absurdly large"):
        riskcast.read_bundle(copy)


JUNK = (None, True, -1, 10**30, 1.5, "x", "nan", [], {}, [[]], ["x"], {"x": 1})


def paths_in(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [path, *(found for key, value in inner for found in paths_in(value, (*path, key)))]


@pytest.mark.parametrize("name", ["run.json", "scenario_1/risk.json"])
def test_junk_in_any_place_gives_an_error_and_never_a_traceback(copy: Path, name: str) -> None:
    """Junk that leaves the run's inputs and numbers as they were may pass: what is refused, is refused in words."""
    content = json.loads((copy / name).read_text())
    places = [path for path in paths_in(content) if path]
    chosen = [path for path in places if len(path) == 1 or path[:1] == ("options",)]
    chosen += [path for path in places if path not in chosen][:: 1 + len(places) // 12]
    told: list[str] = []
    for number, path in enumerate(chosen):
        changed = json.loads(json.dumps(content))
        place = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = JUNK[number % len(JUNK)]
        (copy / name).write_bytes(json_text(changed))
        reseal(copy)
        try:
            riskcast.read_bundle(copy)
        except RiskcastError as error:
            told.append(str(error))
    assert len(told) > len(chosen) / 2
    assert [text for text in told if str(copy) not in text] == []
    for whole in (None, [], "x", 3):
        (copy / name).write_bytes(json_text(whole))
        reseal(copy)
        with pytest.raises(RiskcastError, match=Path(name).name):
            riskcast.read_bundle(copy)


def test_options_that_are_not_those_of_the_id_are_refused(copy: Path) -> None:
    about = json.loads((copy / "run.json").read_text())
    about["options"]["seed"] += 1
    (copy / "run.json").write_bytes(json_text(about))
    reseal(copy)
    with pytest.raises(RiskcastError, match=r"run\.json has another id than its inputs"):
        riskcast.read_bundle(copy)


@pytest.mark.parametrize("name", ["draws.npz", "scenario_2/forecast.npz"])
def test_arrays_larger_than_the_run_can_have_are_not_read(
    copy: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is nearly all hole costs no disk; read whole, it would fill the memory."""
    with (copy / name).open("r+b") as file:
        file.truncate(64_000_000)
    reseal(copy)
    read = sealed_folder.Sealed.read

    def refuse(sealed: sealed_folder.Sealed, asked: str) -> bytes:
        assert asked != name
        return read(sealed, asked)

    monkeypatch.setattr(sealed_folder.Sealed, "read", refuse)
    with pytest.raises(RiskcastError, match=rf"{name} is larger than the [0-9,]+ numbers that such a run has"):
        riskcast.read_bundle(copy)


def test_draws_that_do_not_fit_the_case_are_refused(copy: Path) -> None:
    content = (copy / "draws.npz").read_bytes()
    arrays = unpack_arrays(content)
    for name, values in (("protest/shocks", arrays["protest/shocks"][:, 1:]), ("protest/health", np.zeros(3))):
        (copy / "draws.npz").write_bytes(pack_arrays({**arrays, name: values}))
        reseal(copy)
        with pytest.raises(RiskcastError, match=r"draws\.npz is no file of a run"):
            riskcast.read_bundle(copy)
    del arrays["spark/effects"]
    (copy / "draws.npz").write_bytes(pack_arrays(arrays))
    reseal(copy)
    with pytest.raises(RiskcastError, match=r"draws\.npz is no file of a run \(.*spark/effects"):
        riskcast.read_bundle(copy)


def test_arrays_keep_their_bits_and_order() -> None:
    rng = np.random.default_rng(1)
    odd = np.array([0.1, -0.0, np.nan, np.inf, 5e-324, np.pi])
    given: dict[str, Any] = {"a": odd, "b": np.asfortranarray(rng.normal(size=(3, 4))), "c/d.e": odd.astype(np.float32)}
    given |= {"f": np.broadcast_to(odd, (2, 6)), "g": np.zeros((0, 3)), "h": np.array(1.5)}
    found = unpack_arrays(pack_arrays(given))
    assert list(found) == list(given)
    for name, values in given.items():
        assert (found[name].dtype, found[name].shape) == (values.dtype, values.shape)
        assert found[name].tobytes() == values.tobytes()
    assert found["b"].flags.f_contiguous


# Made again.


def test_commands_keep_a_run_and_make_it_again(folder: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(OVERLAY)
    out = tmp_path / "runs"
    words = ["run", folder, "--out", out, *WORDS, "--overlay", overlay, "--as-of", "2020-06-30", "--horizon", "9"]
    done = command(*words)
    assert done.exit_code == 0, done.output
    (path,) = out.iterdir()
    assert done.stdout == f"{path}\n"
    assert path.name.startswith("small-2020-06-30-")
    again = command(*words)
    assert again.stdout == f"{path}\n"
    assert "there already, with the same digits" in again.stderr
    same = command("rerun", path)
    assert (same.exit_code, same.stdout) == (0, "The same digits.\n")
    read = riskcast.read_bundle(path)
    assert [risk.forecast.scenario_name for risk in read.risks] == ["baseline", "storm"]
    assert read.risks[0].forecast.horizon == 9
    assert read.overlays == (OVERLAY,)
    assert read.published.hash == riskcast.case_as_of(riskcast.load_case(folder), dt.date(2020, 6, 30)).hash
    exported = command("export", path, "--out", tmp_path / "handover", "--formats", "csv")
    assert exported.exit_code == 0, exported.output
    scores = (tmp_path / "handover" / "csv" / "scores.csv").read_text()
    assert repr(read.risks[0].dyads[0].score.mean) in scores


def test_bad_words_are_refused_before_the_fit(folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("changes: {indicators.moood.now: {value: 1}}")
    for words, wrong in (
        (["--overlay", bad], "bad.yaml:1"),
        (["--overlay", tmp_path / "none.yaml"], "is missing"),
        (["--scenario", "storn"], "did you mean 'storm'"),
        (["--scenario", "storm", "--scenario", "storm"], "given twice"),
        (["--horizon", "0"], "horizon is 0"),
        (["--draws", "7"], "draws is 7"),
        (["--out", bad], "is a file"),
    ):
        done = command("run", folder, "--out", tmp_path / "runs", *words)
        assert isinstance(done.exception, RiskcastError), words
        assert wrong in str(done.exception)
    assert not (tmp_path / "runs").exists()
    assert isinstance(command("rerun", tmp_path).exception, OptionError)


def test_a_rerun_with_the_case_as_it_stands_now_says_what_differs(
    made: riskcast.Run, kept: Path, folder: Path, tmp_path: Path
) -> None:
    assert riskcast.rerun(kept, folder).same
    changed = smallcase.write_files(
        tmp_path / "small", history_events_csv=smallcase.EVENTS_CSV.rsplit("\n", 2)[0] + "\n"
    )
    text = (changed / "outcomes.yaml").read_text().replace("median: 0.3\n    interval: [0.1, 0.6]", "value: 0.35")
    (changed / "outcomes.yaml").write_text(text)
    done = command("rerun", kept, "--case", changed, "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["same"] is False
    told = "\n".join(found["differences"])
    assert f"the case's hash was {made.case.hash[:12]} and is" in told
    assert f"the record's hash was {made.provenance['history_hash'][:12]} and is" in told
    assert "outcomes.protest.base_rate was" in told
    case = riskcast.load_case(changed)
    for text in (OVERLAY, OTHER):
        case = riskcast.apply_overlay(case, yaml.safe_load(text)["changes"])
    now = riskcast.score(riskcast.forecast(riskcast.fit(case, draws=200, seed=2**62 + 1)))
    for then, dyad in zip(made.risks[0].dyads, now.dyads, strict=True):
        one, two = then.score.mean, dyad.score.mean
        line = (
            f"the score, baseline, of {dyad.id} was {one:.4f} and is {two:.4f} (a difference of {abs(two - one):.1e})"
        )
        assert line in found["differences"]
    sizes = [float(line.split()[-1][:-1]) for line in found["differences"] if line.startswith("the probability, storm")]
    assert sizes == sorted(sizes, reverse=True)
    assert command("rerun", kept, "--case", changed).stdout.startswith("The digits differ.\n- the case's hash was")


def test_what_moves_any_scenario_of_the_run_is_told_as_such(kept: Path, folder: Path, tmp_path: Path) -> None:
    """A change of the second scenario, or of what it alone passes on, moves no score of the first."""
    louder = smallcase.write_files(
        tmp_path / "small", scenarios_yaml=smallcase.SCENARIOS.replace("shift: 5", "shift: 15")
    )
    found = riskcast.rerun(kept, louder)
    assert not found.same
    (line,) = [told for told in found.differences if told.startswith("scenarios.storm was")]
    assert "moves no score" not in line
    assert [told for told in found.differences if "score, baseline" in told] == []
    case = riskcast.load_case(folder)
    made_in_code = case.scenarios["storm"].model_copy(update={"label": "Made in code"})
    path = riskcast.write_bundle(riskcast.run(case, [made_in_code], draws=200), tmp_path / "runs")
    parents = {"indicators.trade.parents.mood": {"median": -0.9, "interval": (-1.2, -0.6)}}
    found = riskcast.rerun(path, riskcast.apply_overlay(case, parents))
    assert not found.same
    (line,) = [told for told in found.differences if told.startswith("indicators.trade.parents.mood was")]
    assert "moves no score" not in line
    # The run's own horizon holds, whatever the case says now.
    shorter = smallcase.write_files(tmp_path / "b", case_yaml=smallcase.CASE.replace("horizon: 12", "horizon: 6"))
    found = riskcast.rerun(kept, shorter)
    assert found.same
    assert "settings.horizon was 12 and is 6 (moves no score)" in found.differences


def test_a_change_of_words_leaves_the_digits(kept: Path, tmp_path: Path) -> None:
    changed = smallcase.write_files(
        tmp_path / "small", case_yaml=smallcase.CASE.replace("title: Small", "title: Renamed")
    )
    found = riskcast.rerun(kept, changed)
    assert found.same
    assert "settings.title was Small and is Renamed (moves no score)" in found.differences


def test_a_case_that_no_longer_fits_is_refused_in_words(kept: Path, tmp_path: Path, folder: Path) -> None:
    changed = smallcase.write_files(tmp_path / "a", scenarios_yaml=smallcase.SCENARIOS.replace("storm:", "rain:"))
    with pytest.raises(UnknownNameError, match="storm"):
        riskcast.rerun(kept, changed)
    early = riskcast.run(riskcast.load_case(folder), as_of=dt.date(2020, 6, 30), draws=200)
    path = riskcast.write_bundle(early, tmp_path / "runs")
    older = riskcast.case_as_of(riskcast.load_case(folder), dt.date(2019, 6, 30))
    with pytest.raises(OptionError, match="knows nothing after 2019-06-30"):
        riskcast.rerun(path, older)


def test_other_software_is_named_though_the_digits_are_the_same(kept: Path, copy: Path) -> None:
    about = json.loads((copy / "run.json").read_text())
    about["versions"] |= {"numpy": "1.0", "python": "3.1"}
    (copy / "run.json").write_bytes(json_text(about))
    reseal(copy)
    found = riskcast.rerun(copy)
    assert found.same
    assert found.differences == (
        f"python was '3.1' and is '{'.'.join(map(str, sys.version_info[:3]))}'",
        f"numpy was '1.0' and is '{np.__version__}'",
    )
    done = command("rerun", copy)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[:2] == ["The same digits.", f"- {found.differences[0]}"]
