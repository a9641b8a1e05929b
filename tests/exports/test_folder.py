"""Exported tables and JSON, opened by other readers, hold the numbers of the forecast; an export is whole or absent."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pandas
import pyarrow
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

import riskcast
from riskcast.cli.commands import app
from riskcast.engines.draws import EventDraws
from riskcast.engines.jobs import Job
from riskcast.engines.posterior import SHARED_NAME
from riskcast.engines.registry import ENGINES
from riskcast.errors import OptionError, RiskcastError, UnknownNameError
from riskcast.exports import WRITERS, csv_parquet, folder as exporting, tables as sheets
from riskcast.exports.json_file import dossier_data, export_schema, to_json_file
from riskcast.machinery.staging import stage
from tests.support import handover, smallpanel
from tests.support.places import ROOT
from tests.support.smallcase import write_files

ORIGIN = ("case", "as_of", "horizon_until", "case_hash", "overlay_hash", "engine", "record", "draws", "seed", "checks")
LIGHT = ["csv", "parquet", "json", "xlsx", "hubverse"]


@pytest.fixture(scope="module")
def dossier() -> riskcast.Dossier:
    return handover.dossier()


@pytest.fixture(scope="module")
def out(dossier: riskcast.Dossier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an export."""
    folder = tmp_path_factory.mktemp("exports") / "not" / "yet"
    known = tuple(dossier.explanations.items())
    given: dict[str, Any] = {"published": dossier.published, "previous": dossier.previous, "explanations": known}
    paths = riskcast.export(dossier.risks, folder, LIGHT, **given)
    assert sorted(paths) == sorted(path for path in folder.rglob("*") if path.is_file())
    return folder


def rows(out: Path, name: str) -> list[dict[str, str]]:
    with (out / "csv" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def numbers(row: dict[str, str], *names: str) -> tuple[float, ...]:
    return tuple(float(row[name]) for name in names)


# Tables.


def test_scores_are_those_of_every_scenario(out: Path, dossier: riskcast.Dossier) -> None:
    found = [(r["scenario"], r["dyad"], r["band"], *numbers(r, "score", "low", "high")) for r in rows(out, "scores")]
    assert found == [
        (risk.forecast.scenario_name, d.id, d.band, d.score.mean, d.score.low, d.score.high)
        for risk in dossier.risks
        for d in risk.dyads
    ]
    assert {r["scenario"] for r in rows(out, "scores")} == {"baseline", handover.SCENARIO}


def test_probabilities_are_those_of_every_scenario(out: Path, dossier: riskcast.Dossier) -> None:
    found = {(r["scenario"], r["unit"], r["event"]): r for r in rows(out, "probabilities")}
    assert len(found) == len(rows(out, "probabilities"))
    for risk in dossier.risks:
        name, case = risk.forecast.scenario_name, risk.forecast.case
        told = [(d.id, o) for d in risk.dyads for o in d.outcomes] + [(case.host, o) for o in risk.shared]
        assert len(told) > 50
        for unit, o in told:
            row = found[name, unit, o.id]
            expected = (o.probability.mean, o.probability.low, o.probability.high)
            assert numbers(row, "probability", "low", "high") == expected
            assert (row["words"], row["label"]) == (o.words, o.label)
    assumed = {r["event"] for r in rows(out, "probabilities") if r["assumed"] == "true"}
    assert assumed == {event.event for event in dossier.risks[1].forecast.scenario.events}


def test_probabilities_by_period(out: Path, dossier: riskcast.Dossier) -> None:
    dyad = dossier.headline.dyads[0]
    for outcome in dyad.outcomes:
        key = ("baseline", dyad.id, outcome.id)
        path = [r for r in rows(out, "by_period") if (r["scenario"], r["unit"], r["event"]) == key]
        assert [float(r["probability"]) for r in path] == list(outcome.by_period)
        assert [int(r["period"]) for r in path] == list(range(1, 14))
        assert (path[0]["until"], path[-1]["until"]) == ("2024-05-31", "2025-05-06")


def test_contributions_add_up_to_the_score(out: Path, dossier: riskcast.Dossier) -> None:
    for risk in dossier.risks:
        for dyad in risk.dyads:
            key = (risk.forecast.scenario_name, dyad.id)
            own = [float(r["points"]) for r in rows(out, "contributions") if (r["scenario"], r["dyad"]) == key]
            assert len(own) > 10
            assert sum(own) == pytest.approx(dyad.score.mean, abs=1e-9)


def test_assumptions_are_those_published_and_those_changed(out: Path) -> None:
    found = {r["quantity"]: r for r in rows(out, "assumptions")}
    case = handover.published()
    assert list(found) == [key for key, _, _ in case.quantities()]
    assert {key for key, row in found.items() if row["changed"] == "true"} == set(handover.CHANGES)
    changed = found["indicators.xenophobia.now"]
    now = case.now_of("xenophobia", case.host)
    assert numbers(changed, "published", "published_low", "published_high") == (now.center, *now.range)
    assert numbers(changed, "now", "now_low", "now_high") == (55.0, 47.0, 63.0)
    fixed = found["hyperpriors.persistence"]
    assert (fixed["now"], fixed["now_low"], fixed["now_high"], fixed["unit"]) == ("0.7", "", "", "share, 0 to 1")
    for key, quantity, _ in case.quantities():
        if key not in handover.CHANGES and quantity.evidence:
            assert found[key]["claim"] == csv_parquet.neutral(quantity.evidence.claim)
            for name in quantity.evidence.sources:
                assert case.sources[name].title in found[key]["sources"]


def test_every_quantity_has_a_unit() -> None:
    for case in (handover.published(), smallpanel.panel_case()):
        units = {key: riskcast.name_quantity(case, key).unit for key, _, _ in case.quantities()}
        assert all(units.values())
        assert {u for key, u in units.items() if key.startswith("effects.")} <= {"rate ratio", "half-life ratio"}
        assert {u for key, u in units.items() if key.endswith("base_rate")} == {"probability in a year"}
        lasting = {u for key, u in units.items() if "half_life" in key and not key.startswith("effects.")}
        assert lasting == {f"{case.settings.period}s"}


def test_diagnostics_are_those_of_every_event_type(out: Path, dossier: riskcast.Dossier) -> None:
    found = {r["event"]: r for r in rows(out, "diagnostics")}
    drawn = dossier.headline.forecast.posterior.events
    assert set(found) == {*drawn, SHARED_NAME}
    for name in drawn:
        row = found[name]
        assert numbers(row, "khat", "ess") == (drawn[name].khat, drawn[name].ess)
        assert (row["rhat"], row["divergences"], row["reliable"], row["failures"]) == ("", "", "true", "")
    (bad,) = [r for r in sheets.diagnostic_table(handover.failed()).records() if not r["reliable"]]
    assert (bad["event"], bad["failures"]) == ("demarche", "Pareto k-hat 0.90 is above 0.7")


def test_the_priors_alone_have_no_diagnostics() -> None:
    posterior = riskcast.fit(handover.published(), draws=200, prior_only=True)
    alone = riskcast.make_dossier(riskcast.score(riskcast.forecast(posterior)))
    for row in sheets.diagnostic_table(alone).records():
        assert [row[name] for name in ("khat", "ess", "rhat", "divergences")] == [None] * 4
    assert sheets.origin(alone)["record"] == "left out"


def test_differences_are_paired(out: Path, dossier: riskcast.Dossier) -> None:
    first, second = (risk.forecast for risk in dossier.risks)
    change = riskcast.contrast(second, first)
    for row in rows(out, "score_differences"):
        e = change.score[row["dyad"]]
        assert (row["scenario"], row["against"]) == (handover.SCENARIO, "baseline")
        assert numbers(row, "difference", "low", "high") == (e.mean, e.low, e.high)
    found = rows(out, "probability_differences")
    assert len(found) == len(change.probability)
    for row in found:
        e = change.probability[row["event"], row["unit"]]
        assert numbers(row, "difference", "low", "high") == (e.mean, e.low, e.high)


def test_what_moved_since_the_earlier_run(out: Path, dossier: riskcast.Dossier) -> None:
    assert dossier.previous is not None
    then = {dyad.id: dyad for dyad in dossier.previous.dyads}
    found = rows(out, "since_previous")
    assert [row["dyad"] for row in found] == [dyad.id for dyad in dossier.headline.dyads]
    for row, dyad in zip(found, dossier.headline.dyads, strict=True):
        assert float(row["moved"]) == dyad.score.mean - then[dyad.id].score.mean
        assert row["previous_case_hash"] == handover.published().published_hash


def test_tables_that_would_say_nothing_are_left_out() -> None:
    assert sheets.names_of_tables(handover.single()) == [
        *("scores", "exceedance", "probabilities", "by_period", "contributions", "acting"),
        *("assumptions", "diagnostics"),
    ]
    with pytest.raises(UnknownNameError, match="did you mean 'scores'"):
        sheets.make_table(handover.single(), "score")


def test_a_panel_has_tables() -> None:
    posterior = riskcast.fit(smallpanel.panel_case(), draws=200, allow_unreliable=True)
    own = riskcast.make_dossier(riskcast.score(riskcast.forecast(posterior)))
    units = {row["unit"] for row in sheets.make_table(own, "by_period").records()}
    assert units == {*smallpanel.PRESENT, "SYSTEM"}
    assert all(len(table.rows) for table in sheets.make_tables(own))


def test_the_key_of_every_table_tells_its_rows_apart(dossier: riskcast.Dossier) -> None:
    for table in sheets.make_tables(dossier):
        keys = [tuple(record[name] for name in table.key) for record in table.records()]
        assert len(set(keys)) == len(keys) > 0, table.name


# CSV and its data package.


def test_every_csv_row_says_where_it_comes_from(out: Path, dossier: riskcast.Dossier) -> None:
    case = dossier.case
    expected = (case.name, "2024-05-06", "2025-05-06", case.published_hash, case.overlay_hash)
    for path in (out / "csv").glob("*.csv"):
        for row in rows(out, path.stem):
            assert tuple(row[name] for name in ORIGIN) == (*expected, "laplace", "used", "300", "1", "passed"), path
            assert row["riskcast_version"] == riskcast.__version__


def test_the_data_package_describes_every_csv(out: Path) -> None:
    package = json.loads((out / "csv" / "datapackage.json").read_text(encoding="utf-8"))
    assert {r["path"] for r in package["resources"]} == {path.name for path in (out / "csv").glob("*.csv")}
    casts = {
        "string": str,
        "integer": int,
        "number": float,
        "date": dt.date.fromisoformat,
        "boolean": {"true": True, "false": False}.__getitem__,
    }
    for resource in package["resources"]:
        content = (out / "csv" / resource["path"]).read_bytes()
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert resource["bytes"] == len(content)
        header, *cells = csv.reader(io.StringIO(content.decode(), newline=""))
        fields = resource["schema"]["fields"]
        assert header == [field["name"] for field in fields]
        assert len(set(header)) == len(header)
        assert set(resource["schema"]["primaryKey"]) <= set(header)
        for row in cells:
            for cell, field in zip(row, fields, strict=True):
                assert cell == "" or casts[field["type"]](cell) is not None
        assert all(field["unit"] for field in fields if field["type"] == "number")


def test_texts_that_begin_like_formulas_are_text_in_csv_alone() -> None:
    files = csv_parquet.csv_files(handover.baited(), sheets.make_tables(handover.baited()))
    neutralised = 0
    for name, content in files.items():
        if name.endswith(".csv"):
            for row in csv.DictReader(io.StringIO(content.decode(), newline="")):
                for text in row.values():
                    if text.startswith(csv_parquet.FORMULA_STARTS):
                        float(text)
                    neutralised += text.removeprefix("'") in handover.BAITS
    assert neutralised > len(handover.BAITS)
    table = sheets.make_table(handover.baited(), "probabilities")
    read = pyarrow.parquet.read_table(pyarrow.BufferReader(csv_parquet.to_parquet(table, {})))
    assert set(read["label"].to_pylist()) == {text.strip() for text in handover.BAITS}


# Parquet.


def test_parquet_holds_what_csv_holds_with_units(out: Path, dossier: riskcast.Dossier) -> None:
    for table in sheets.make_tables(dossier):
        read = pyarrow.parquet.read_table(out / "parquet" / f"{table.name}.parquet")
        assert read.to_pylist() == table.records()
        for column in table.columns:
            about = read.schema.field(column.name).metadata
            assert (about[b"unit"].decode(), about[b"description"].decode()) == (column.unit, column.about)
        assert read.schema.metadata[b"overlay_hash"].decode() == dossier.case.overlay_hash
        assert read.schema.metadata[b"checks"] == b"passed"
    frame = pandas.read_parquet(out / "parquet" / "scores.parquet")
    assert frame["score"].tolist() == [d.score.mean for risk in dossier.risks for d in risk.dyads]


# JSON.


def test_json_keeps_to_its_published_schema(out: Path, dossier: riskcast.Dossier) -> None:
    published = json.loads((ROOT / "docs" / "schemas" / "forecast.schema.json").read_text(encoding="utf-8"))
    assert published == export_schema()
    jsonschema.Draft202012Validator.check_schema(published)
    validator = jsonschema.Draft202012Validator(published)
    validator.validate(json.loads((out / "forecast.json").read_text(encoding="utf-8")))
    for other in (handover.single(), handover.failed()):
        validator.validate(json.loads(to_json_file(other)))
    printed = CliRunner().invoke(app, ["schema", "forecast.json"])
    assert json.loads(printed.stdout) == published


def test_the_schema_refuses_an_unknown_key_everywhere() -> None:
    validator = jsonschema.Draft202012Validator(export_schema())
    data = json.loads(to_json_file(handover.dossier()))
    tried = 0

    def spoil(node: Any) -> None:
        nonlocal tried
        if isinstance(node, dict):
            node["unheard_of"] = 1
            assert not validator.is_valid(data)
            del node["unheard_of"]
            tried += 1
            for value in node.values():
                spoil(value)
        elif node and isinstance(node, list):
            spoil(node[0])

    spoil(data)
    assert tried > 15
    assert validator.is_valid(data)
    for key in list(data):
        kept = data.pop(key)
        assert validator.is_valid(data) == (key in ("since_previous", "tension")), key
        data[key] = kept


def test_json_holds_the_forecast_of_every_scenario(out: Path, dossier: riskcast.Dossier) -> None:
    data = json.loads((out / "forecast.json").read_text(encoding="utf-8"))
    for result, risk in zip(data["scenarios"], dossier.risks, strict=True):
        own = riskcast.forecast_data(risk, dossier.explanations[risk.forecast.scenario_name])
        assert (result["dyads"], result["shared"]) == (own["dyads"], own["shared"])
        for dyad, told in zip(risk.dyads, result["dyads"], strict=True):
            assert told["score"]["mean"] == pytest.approx(dyad.score.mean, abs=1e-10)
    change = riskcast.contrast(dossier.risks[1].forecast, dossier.headline.forecast)
    for row in data["differences"][0]["scores"]:
        assert row["difference"]["mean"] == pytest.approx(change.score[row["dyad"]].mean, abs=1e-10)
    assert data["engine"]["reliable"] is True
    assert dossier_data(handover.failed())["engine"]["reliable"] is False


def test_the_documents_name_every_column_with_its_unit(dossier: riskcast.Dossier) -> None:
    text = (ROOT / "docs" / "exports.md").read_text(encoding="utf-8")
    for table in sheets.make_tables(dossier):
        section = text.split(f"### {table.name}\n")[1].split("\n#")[0]
        told = [line for line in section.splitlines() if line.startswith("| ")][1:]
        assert told == [f"| {c.name} | {c.unit} | {c.about} |" for c in table.columns]


# What is marked.


def test_a_posterior_that_failed_its_checks_is_marked_in_every_file(tmp_path: Path) -> None:
    failed = handover.failed()
    riskcast.export(failed.risks, tmp_path, LIGHT, explanations=tuple(failed.explanations.items()))
    for path in tmp_path.rglob("*.csv"):
        found = list(csv.DictReader(path.open(encoding="utf-8", newline="")))
        assert all(row["checks"].startswith("FAILED: demarche") for row in found)
    for path in tmp_path.rglob("*.parquet"):
        assert pyarrow.parquet.read_schema(path).metadata[b"checks"].startswith(b"FAILED: demarche")
    assert json.loads((tmp_path / "forecast.json").read_text())["engine"]["reliable"] is False
    assert json.loads((tmp_path / "provenance.json").read_text())["engine"]["reliable"] is False
    assert "FAILED: demarche" in (tmp_path / "hubverse/model-metadata/riskcast-laplace.yml").read_text()


# Whole or not at all.


def test_provenance_lists_every_file_with_its_digest(out: Path) -> None:
    about = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    listed = {file["path"]: file["sha256"] for file in about["files"]}
    there = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_file()}
    assert set(listed) == set(there) - {"provenance.json"}
    for name, digest in listed.items():
        assert hashlib.sha256(there[name].read_bytes()).hexdigest() == digest
    assert about["case"]["hash"] == handover.published().published_hash


def test_equal_exports_are_equal_and_other_files_stay(tmp_path: Path) -> None:
    single = handover.single()
    known = tuple(single.explanations.items())
    (tmp_path / "mine.txt").write_text("kept")
    (tmp_path / "forecast.json").write_text("old")
    first = riskcast.export(single.risks, tmp_path, ["json", "csv"], explanations=known)
    before = {path: path.read_bytes() for path in first}
    assert riskcast.export(single.risks, tmp_path, ["csv", "json"], explanations=known) != ()
    assert {path: path.read_bytes() for path in first} == before
    assert (tmp_path / "mine.txt").read_text() == "kept"
    assert json.loads((tmp_path / "forecast.json").read_text())["title"]
    assert not list(tmp_path.glob(f"{exporting.STAGE}*"))


KILLED = """
import sys, time
from dataclasses import replace
from pathlib import Path
import riskcast
from riskcast.exports import WRITERS
from tests.support import handover
known = tuple(handover.single().explanations.items())
riskcast.export(handover.single().risks, sys.argv[1], ["json", "csv"], explanations=known)
def stop(*_):
    print("ready", flush=True)
    time.sleep(60)
writers = WRITERS
if sys.argv[2] == "making":
    writers = [replace(writer, write=stop) if writer.name == "xlsx" else writer for writer in WRITERS]
else:
    one = Path.replace
    def replace(self, target):
        one(self, target)
        if target.name == "forecast.json":
            stop()
    Path.replace = replace
known = tuple(handover.failed().explanations.items())
riskcast.export(handover.failed().risks, sys.argv[1], ["json", "csv", "xlsx"], explanations=known, writers=writers)
"""


@pytest.mark.parametrize("moment", ["making", "moving"])
def test_an_export_that_is_killed_leaves_no_half_file(tmp_path: Path, moment: str) -> None:
    out = tmp_path / "out"
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    killed = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(out), moment],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
    )
    assert killed.stdout is not None
    assert killed.stdout.readline() == "ready\n"
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    killed.stdout.close()
    checks = {}
    for file in out.rglob("*.csv"):
        if exporting.STAGE not in str(file):
            found = list(csv.DictReader(file.open(encoding="utf-8", newline="")))
            assert None not in found[-1].values()
            (checks[file.name],) = {row["checks"].split(":")[0] for row in found}
    data = json.loads((out / "forecast.json").read_text())
    assert data["engine"]["reliable"] is (moment == "making")
    assert ("FAILED" in checks.values()) is (moment == "moving")
    assert set(checks.values()) <= {"passed", "FAILED"}
    assert list(out.glob(f"{exporting.STAGE}*"))
    known = tuple(handover.single().explanations.items())
    riskcast.export(handover.single().risks, out, ["json"], explanations=known)
    assert not list(out.glob(f"{exporting.STAGE}*"))


def test_an_export_that_still_runs_is_left_alone(tmp_path: Path) -> None:
    single = handover.single()
    with stage(tmp_path, exporting.STAGE) as other:
        riskcast.export(single.risks, tmp_path, ["json"], explanations=tuple(single.explanations.items()))
        assert other.is_dir()
    assert not other.exists()


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    writers = [replace(writer, write=fail) if writer.name == "xlsx" else writer for writer in WRITERS]
    single = handover.single()
    known = tuple(single.explanations.items())
    with pytest.raises(RiskcastError, match="No space left"):
        riskcast.export(single.risks, tmp_path / "out", ["csv", "xlsx"], explanations=known, writers=writers)
    assert not list(tmp_path.iterdir())


# Errors.


def test_unknown_formats_are_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"'xslx'.*did you mean 'xlsx'.*csv, parquet, json, xlsx, netcdf"):
        riskcast.export(handover.single().risks, tmp_path, ["xslx"])
    with pytest.raises(OptionError, match="no format is given; choose from csv"):
        riskcast.export(handover.single().risks, tmp_path, [])


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    single = handover.single()
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match="is a file; give a folder"):
        riskcast.export(single.risks, tmp_path / "file", ["json"])
    with pytest.raises(OptionError, match="is a file; give a folder"):
        riskcast.export(single.risks, tmp_path / "file" / "below", ["json"])
    (tmp_path / "out" / "forecast.json").mkdir(parents=True)
    with pytest.raises(OptionError, match="is a folder where a file is to be"):
        riskcast.export(single.risks, tmp_path / "out", ["json"], explanations=tuple(single.explanations.items()))
    (tmp_path / "loop").symlink_to("loop")
    for place, words in (
        ("", "has no name"),
        (tmp_path / ("x" * 300), "cannot write to .* too long"),
        (tmp_path / "loop", "loop is a link that leads nowhere"),
    ):
        with pytest.raises(OptionError, match=words):
            riskcast.export(single.risks, place, ["json"])
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OptionError, match="no permission to write to"):
        riskcast.export(single.risks, tmp_path / "out", ["json"])
    monkeypatch.undo()
    with pytest.raises(RiskcastError, match="cannot write to /proc"):
        riskcast.export(single.risks, "/proc/riskcast", ["json"])


def test_progress_hears_of_every_format(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    single = handover.single()
    known = tuple(single.explanations.items())
    riskcast.export(single.risks, tmp_path, ["json", "csv"], explanations=known, progress=lambda *at: heard.append(at))
    assert heard == [(0, 2), (1, 2), (2, 2)]


# The command.


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["export", *words])


def test_the_command_writes_what_the_function_writes(tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(riskcast.overlay_text(handover.CHANGES, "Mine"), encoding="utf-8")
    out = tmp_path / "out"
    words = ["--scenario", "baseline", "--scenario", handover.SCENARIO, "--overlay", str(overlay), "--draws", "300"]
    done = run("central_asia_2024", "--out", str(out), "--formats", "json, csv", *words)
    assert done.exit_code == 0, done.output
    assert [Path(line) for line in done.stdout.split()] == sorted(
        (path for path in out.rglob("*") if path.is_file()), key=lambda path: (path.name == "provenance.json", path)
    )
    data = json.loads((out / "forecast.json").read_text())
    expected = dossier_data(handover.dossier())
    del expected["since_previous"]
    assert data == json.loads(json.dumps(expected))


class Never:
    """An engine that must not be asked."""

    packages = ()
    advice = "nothing"
    chains = 1

    def sample(self, job: Job) -> dict[str, EventDraws]:
        pytest.fail("it was fitted")


@pytest.fixture
def never() -> Iterator[str]:
    ENGINES.add("never", "must not be asked", Never())
    yield "never"
    ENGINES.remove("never")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--formats", "csv,xslx"), "did you mean 'xlsx'"),
        (("--formats", ","), "no format is given"),
        (("--formats", "csv", "--scenario", "nothing"), "unknown scenario"),
        (("--formats", "csv", "--horizon", "0"), "horizon is 0"),
        (("--formats", "csv", "--previous", "/nonexistent"), "holds no run"),
    ],
)
def test_bad_options_are_told_before_the_fit(words: tuple[str, ...], told: str, tmp_path: Path, never: str) -> None:
    done = run("central_asia_2024", "--out", str(tmp_path / "out"), "--engine", never, *words)
    assert isinstance(done.exception, RiskcastError)
    assert told in str(done.exception)
    assert not (tmp_path / "out").exists()


# Runs that are kept.


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run under one scenario."""
    kept = riskcast.run(handover.published(), draws=200, seed=1)
    return riskcast.write_bundle(kept, tmp_path_factory.mktemp("runs"))


def test_a_kept_run_is_exported_as_it_is(run_folder: Path, tmp_path: Path) -> None:
    done = run(str(run_folder), "--out", str(tmp_path / "out"), "--formats", "json")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "forecast.json").read_bytes() == to_json_file(handover.single())
    done = run(str(run_folder), "--out", str(tmp_path / "out"), "--formats", "json", "--seed", "2")
    assert isinstance(done.exception, OptionError)
    assert "--seed cannot change" in str(done.exception)


def test_files_of_another_forecast_do_not_stay_beside_those_of_this_one(tmp_path: Path) -> None:
    now, other = handover.single().headline, handover.dossier().risks[1]
    riskcast.export(other, tmp_path, ["csv"])
    (tmp_path / "mine.txt").write_text("kept", encoding="utf-8")
    (tmp_path / "csv" / "notes.csv").write_text("changed by hand", encoding="utf-8")
    riskcast.export(now, tmp_path, ["json"])
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"forecast.json", "provenance.json", "mine.txt", "csv/notes.csv"}
    riskcast.export(now, tmp_path, ["csv"])
    assert (tmp_path / "forecast.json").exists()


def test_an_explanation_of_other_scores_is_refused() -> None:
    now, other = handover.single().headline, handover.dossier().headline
    explanation = riskcast.explain(other.forecast)
    with pytest.raises(OptionError, match="is of none of the risks"):
        riskcast.make_dossier(now, explanations=[("baseline", explanation)])
    with pytest.raises(OptionError, match="is of none of the risks"):
        riskcast.make_dossier(other, explanations=[("elsewhere", explanation)])


def test_an_earlier_run_of_another_case_is_told_before_the_fit(run_folder: Path, tmp_path: Path, never: str) -> None:
    other = str(write_files(tmp_path / "other"))
    words = (other, "--out", str(tmp_path / "out"), "--engine", never, "--previous", str(run_folder))
    done = run(*words)
    assert isinstance(done.exception, RiskcastError)
    assert "is of another case (central_asia_2024): it shares no pair with other" in str(done.exception)
    posterior = riskcast.fit(riskcast.load_case(other), draws=200, allow_unreliable=True)
    now, then = riskcast.score(riskcast.forecast(posterior)), riskcast.read_bundle(run_folder).risks[0]
    with pytest.raises(OptionError, match="is of another case"):
        riskcast.make_dossier(now, previous=then)


def test_a_kept_run_is_what_scores_have_moved_since(run_folder: Path, tmp_path: Path) -> None:
    words = ["--formats", "json", "--draws", "200", "--seed", "2", "--previous", str(run_folder)]
    done = run("central_asia_2024", "--out", str(tmp_path / "out"), *words)
    assert done.exit_code == 0, done.output
    data = json.loads((tmp_path / "out" / "forecast.json").read_text())
    then = {dyad.id: dyad.score.mean for dyad in handover.single().headline.dyads}
    assert {row["dyad"]: row["previous_score"] for row in data["since_previous"]} == then
    for row in data["since_previous"]:
        assert row["moved"] == pytest.approx(row["score"] - then[row["dyad"]])
