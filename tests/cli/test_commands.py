"""The command line: every command, its width, its JSON, its repeatability and its way out."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len

from riskcast import __version__, load_case
from riskcast.errors import DEBUG
from riskcast.forecasting.scoring import WORDS
from tests.support.command_line import Run
from tests.support.places import ROOT
from tests.support.smallcase import FILES, write_files

CASE = "central_asia_2024"
QUICK = ("--draws", "200")
COMMANDS = {
    "forecast": ("forecast", CASE, *QUICK),
    "forecast of a scenario": ("forecast", CASE, "--scenario", "second_attack", "--horizon", "3", *QUICK),
    "forecast as of": ("forecast", CASE, "--as-of", "2022-02-23", "--horizon", "6", *QUICK),
    "forecast from priors": ("forecast", CASE, "--prior-only", *QUICK),
    "cases": ("cases",),
    "check": ("check", CASE),
    "scenarios": ("scenarios", CASE),
    "compare": ("compare", CASE, "--scenario", "baseline", "--scenario", "second_attack", *QUICK),
    "explain": ("explain", CASE, "RUS-TJK", *QUICK),
    "version": ("--version",),
    "help": ("--help",),
    "help of forecast": ("forecast", "--help"),
}
HEAVY = ("pymc", "pytensor", "arviz", "matplotlib", "streamlit", "nutpie", "numba", "pandas", "xarray")


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "riskcast", *arguments],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **environment},
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "columns"),
    [(name, "80") for name in COMMANDS]
    + [(name, columns) for name in ("forecast", "cases", "check", "scenarios", "explain") for columns in ("100", None)]
    + [(name, "0") for name in ("forecast", "check", "scenarios")],
)
def test_every_command_prints_within_the_width(
    name: str, columns: str | None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    status, out, err = run(*COMMANDS[name])
    assert (status, err) == (0, "")
    assert out.strip()
    assert "\x1b" not in out
    assert max(cell_len(line) for line in out.splitlines()) <= (int(columns or 80) or 80), out


def test_a_process_of_its_own_prints_what_the_same_call_prints_here(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    done = process(*COMMANDS["forecast"], COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, "")
    monkeypatch.setenv("COLUMNS", "80")
    assert run(*COMMANDS["forecast"])[1] == done.stdout
    case = load_case(CASE)
    for partner in case.settings.partners:
        assert partner.name in done.stdout


def test_python_dash_m_riskcast_tells_the_version_of_the_package() -> None:
    done = process("--version")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, __version__, "")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == __version__


def test_no_arguments_print_the_help(run: Run) -> None:
    _, out, err = run()
    for command in ("forecast", "cases", "check", "scenarios", "compare", "explain", "schema"):
        assert command in out + err


@pytest.fixture(scope="module")
def forecast() -> dict[str, Any]:
    return json.loads(process("forecast", CASE, "--json", *QUICK).stdout)


def test_the_json_of_a_forecast_has_exactly_the_documented_keys(forecast: dict[str, Any]) -> None:
    case = load_case(CASE)
    top = {"riskcast_version", "case", "scenario", "overlay_hash", "cautions", "engine", "horizon", "dyads", "shared"}
    assert set(forecast) == top
    assert forecast["cautions"] == []
    assert forecast["riskcast_version"] == __version__
    assert forecast["case"] == {"name": CASE, "as_of": "2024-05-06", "hash": case.hash}
    assert (forecast["scenario"], forecast["overlay_hash"]) == ("baseline", None)
    assert set(forecast["engine"]) >= {"name", "khat_max", "ess_min", "draws", "seed"}
    assert (forecast["engine"]["name"], forecast["engine"]["draws"], forecast["engine"]["seed"]) == ("laplace", 200, 1)
    assert forecast["engine"]["reliable"] is True
    assert forecast["horizon"] == {"periods": 12, "unit": "month", "from": "2024-05-07", "until": "2025-05-06"}
    assert [dyad["id"] for dyad in forecast["dyads"]] == list(case.dyads)
    outcome_keys = {
        "id",
        "probability",
        "low",
        "high",
        "words",
        "recorded",
        "recorded_low",
        "recorded_high",
        "by_month",
    }
    outcome_keys |= {"assumed", "severity", "phase"}
    dyad_keys = {"id", "partner", "score", "grave", "exceedance", "rank", "reference_score", "outcomes", "drivers"}
    dyad_keys |= {"burden", "burden_of_onsets", "burden_of_continuations"}
    for dyad in forecast["dyads"]:
        assert set(dyad) == dyad_keys
        assert math.isclose(
            dyad["burden"], sum(each["severity"] * each["probability"] for each in dyad["outcomes"]), abs_tol=1e-6
        )
        assert math.isclose(dyad["burden"], dyad["burden_of_onsets"] + dyad["burden_of_continuations"], abs_tol=1e-6)
        exceedance = [one["probability"] for one in dyad["exceedance"]]
        assert exceedance == sorted(exceedance, reverse=True)
        assert [one["severity"] for one in dyad["exceedance"]] == sorted(
            {case.events[e].severity or 0.0 for e in case.own_outcomes}
        )
        assert dyad["grave"] in exceedance
        assert dyad["id"] == f"RUS-{dyad['partner']}"
        assert set(dyad["score"]) == {"mean", "low", "high", "band"}
        assert all(set(outcome) == outcome_keys for outcome in dyad["outcomes"])
        assert all(
            set(driver) == {"indicator", "contribution", "kind", "error", "low", "high"} for driver in dyad["drivers"]
        )
        assert {outcome["id"] for outcome in dyad["outcomes"] + forecast["shared"]} == set(case.outcomes)
    assert math.isclose(sum(dyad["rank"]["first"] for dyad in forecast["dyads"]), 1.0)
    assert all(set(outcome) == {*outcome_keys, "applies_to"} for outcome in forecast["shared"])
    assert forecast["shared"][0]["applies_to"] == ["RUS-KAZ", "RUS-KGZ", "RUS-TJK", "RUS-UZB"]


def test_the_monte_carlo_error_is_told_and_paths_can_be_given(run: Run, forecast: dict[str, Any]) -> None:
    told = forecast["engine"]
    assert 0.0 < told["probability_error_of_paths"] < 0.01
    assert told["probability_error_of_paths"] < told["probability_error_max"] < 0.05
    assert 0.0 < told["score_error_of_paths"] < told["score_error_max"] < 2.0
    few = run("forecast", CASE, "--draws", "200", "--paths", "2", "--json")
    assert json.loads(few[1])["engine"]["paths"] == 2 < told["paths"]
    shown = " ".join(run("forecast", CASE, "--draws", "200", "--paths", "2")[1].split())
    assert "Monte Carlo error ≤" in shown
    assert "2 paths are few" in shown


def test_the_probabilities_of_the_json_are_ordered_and_add_up_over_the_months(forecast: dict[str, Any]) -> None:
    words = {word for _, word in WORDS}
    outcomes = [outcome for dyad in forecast["dyads"] for outcome in dyad["outcomes"]] + forecast["shared"]
    assert len(outcomes) == 51
    for outcome in outcomes:
        assert 0 <= outcome["low"] <= outcome["probability"] <= outcome["high"] <= 1
        assert outcome["words"] in words
        months = outcome["by_month"]
        # What is left of May, eleven whole months, and the first days of the next May.
        assert len(months) == 13
        assert all(earlier <= later for earlier, later in pairwise(months))
        assert months[0] >= 0
        assert months[-1] == pytest.approx(outcome["probability"], abs=1e-9)


def test_the_drivers_of_the_json_add_up_to_the_score_less_its_reference(forecast: dict[str, Any]) -> None:
    bands = {band.name: band.start for band in load_case(CASE).settings.bands}
    for dyad in forecast["dyads"]:
        score = dyad["score"]
        total = sum(driver["contribution"] for driver in dyad["drivers"])
        assert total == pytest.approx(score["mean"] - dyad["reference_score"], abs=1e-6)
        assert 0 <= score["low"] <= score["mean"] <= score["high"] <= 100
        assert score["band"] == [name for name, start in bands.items() if start <= score["mean"]][-1]
        sizes = [abs(driver["contribution"]) for driver in dyad["drivers"]]
        assert sizes == sorted(sizes, reverse=True)


def test_the_same_command_twice_prints_the_same_bytes(forecast: dict[str, Any]) -> None:
    command = ("forecast", CASE, "--json", *QUICK)
    one, two = process(*command, PYTHONHASHSEED="1"), process(*command, PYTHONHASHSEED="2")
    assert one.stdout == two.stdout
    assert json.loads(one.stdout) == forecast


def test_another_seed_prints_other_digits_of_the_same_forecast(run: Run, forecast: dict[str, Any]) -> None:
    other = json.loads(run("forecast", CASE, "--json", "--seed", "2", *QUICK)[1])
    assert other["engine"]["seed"] == 2
    assert other["case"] == forecast["case"]
    pairs = [
        (a["probability"], b["probability"])
        for one, two in zip(forecast["dyads"], other["dyads"], strict=True)
        for a, b in zip(one["outcomes"], two["outcomes"], strict=True)
    ]
    assert all(a != b for a, b in pairs)
    assert max(abs(a - b) for a, b in pairs) < 0.15


def test_the_json_names_scenario_overlay_day_and_horizon(run: Run, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("changes:\n  hyperpriors.persistence: {value: 0.7}\n", encoding="utf-8")
    options = ("--scenario", "second_attack", "--overlay", overlay, "--as-of", "2023-12-31", "--horizon", "3")
    told = json.loads(run("forecast", CASE, "--json", *options, *QUICK)[1])
    assert told["scenario"] == "second_attack"
    assert len(told["overlay_hash"]) == 64
    assert told["case"]["as_of"] == "2023-12-31"
    assert told["horizon"] == {"periods": 3, "unit": "month", "from": "2024-01-01", "until": "2024-03-31"}
    assert all(len(outcome["by_month"]) == 3 for outcome in told["shared"])


def test_without_a_case_the_bundled_one_is_forecast(run: Run, forecast: dict[str, Any]) -> None:
    assert json.loads(run("forecast", "--json", *QUICK)[1]) == forecast


def test_the_json_of_a_comparison_holds_paired_differences(run: Run) -> None:
    status, out, err = run(*COMMANDS["compare"], "--json")
    assert (status, err) == (0, "")
    told = json.loads(out)
    assert (told["first"], told["second"], told["scenario"]) == ("baseline", "second_attack", "second_attack")
    assert [score["dyad"] for score in told["scores"]] == list(load_case(CASE).dyads)
    attacked = next(score["difference"] for score in told["scores"] if score["dyad"] == "RUS-TJK")
    assert attacked["low"] <= attacked["mean"] <= attacked["high"]
    assert attacked["mean"] > 0
    same = json.loads(run("compare", CASE, "--scenario", "baseline", "--scenario", "baseline", "--json", *QUICK)[1])
    assert all(score["difference"] == {"mean": 0, "low": 0, "high": 0} for score in same["scores"])


def test_the_schema_of_one_file_is_that_of_all_files(run: Run) -> None:
    everything = json.loads(run("schema")[1])
    assert json.loads(run("schema", "effects.yaml")[1]) == everything["effects.yaml"]


# The way out.

INTERRUPTED = """
import sys
from riskcast.cli.commands import main
sys.argv = ["riskcast", "forecast", "{case}", "--draws", "20000"]
print("ready", file=sys.stderr, flush=True)
main()
"""


def test_an_interrupt_ends_with_status_130_and_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED.format(case=CASE)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(timeout=1.0)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert out == ""
    assert "Traceback" not in err


def test_a_reader_that_stops_early_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "riskcast", "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == "{\n"
        running.stdout.close()
        err = running.stderr.read()
    assert err == ""


@pytest.mark.parametrize("name", ["forecast", "help", "check"])
def test_a_command_does_not_import_what_is_heavy(name: str) -> None:
    script = (
        "import sys; from riskcast.cli.commands import main\n"
        f"sys.argv = ['riskcast', *{COMMANDS[name]!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print('IMPORTED', [name for name in {HEAVY!r} if name in sys.modules])\n"
        "print('COUNT', len(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert "IMPORTED []" in done.stdout
    assert int(done.stdout.split("COUNT ")[-1]) > 100


def test_help_and_version_do_not_import_numpy_either() -> None:
    script = (
        "import sys; from riskcast.cli.commands import main; sys.argv = ['riskcast', {!r}]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print('NUMPY', 'numpy' in sys.modules, 'typer' in sys.modules)"
    )
    for option in ("--help", "--version"):
        done = subprocess.run([sys.executable, "-c", script.format(option)], capture_output=True, text=True, check=True)
        assert "NUMPY False True" in done.stdout


def test_an_overlay_holds_on_an_earlier_day_too(tmp_path: Path) -> None:
    import datetime as dt

    from riskcast.cli.options import Asked

    file = tmp_path / "hot.yaml"
    file.write_text("changes:\n  indicators.xenophobia.now: {median: 90, interval: [85, 95]}\n", encoding="utf-8")
    read = Asked("central_asia_2024", overlay=[file], as_of=dt.datetime(2020, 1, 1)).request().case
    assert read.as_of == dt.date(2020, 1, 1)
    assert read.indicators["xenophobia"].now_of("RUS").median == 90.0


def test_check_tells_what_can_hardly_be_meant_with_mend_and_name(run: Run, tmp_path: Path) -> None:
    series = FILES["history/indicators.csv"]
    assert series.count("54,51,57") == 1
    folder = write_files(tmp_path, history_indicators_csv=series.replace("54,51,57", "0.54,0.51,0.57"))
    status, out, _ = run("check", str(folder))
    told = " ".join(out.split())
    assert status == 0
    assert "history/indicators.csv:4: value: 0.54 looks like a share beside 50.5" in told
    assert "write shares or per cent, not both, in the unit of the indicator [share-for-percent]" in told
    assert run("check", str(folder), "--strict")[0] == 1


def test_check_judges_a_case_with_its_overlay(run: Run, tmp_path: Path) -> None:
    overlay = tmp_path / "low.yaml"
    overlay.write_text("changes:\n  indicators.mood.now: {median: 5, interval: [3, 7]}\n", encoding="utf-8")
    folder = write_files(tmp_path / "case")
    status, out, _ = run("check", str(folder), "--overlay", str(overlay))
    assert status == 0
    assert f"{overlay}:2:" in "".join(out.split())
    assert "[today-jumps]" in out
    assert "[today-jumps]" not in run("check", str(folder))[1]


def test_a_forecast_says_what_is_used_where_a_scenario_says_something_else(run: Run, tmp_path: Path) -> None:
    text = FILES["scenarios.yaml"].replace("shift: 5", "shift: 60")
    folder = str(write_files(tmp_path, scenarios_yaml=text))
    told = " ".join(run("forecast", folder, "--scenario", "storm", "--draws", "100")[1].split())
    assert "to note: mood would go from 55 to 115; the bounds hold it at 100, and +45 is used" in told
    plain = json.loads(run("forecast", folder, "--scenario", "storm", "--draws", "100", "--json")[1])
    assert any("the bounds hold it at 100" in note for note in plain["notes"])


def test_an_empty_name_of_a_scenario_is_refused(run: Run) -> None:
    status, out, err = run("forecast", CASE, "--scenario", "", *QUICK)
    assert (status, out) == (2, "")
    assert "unknown scenario ''" in err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (np.linalg.LinAlgError("Singular matrix"), "a fault of riskcast, not of yours: LinAlgError (Singular matrix)"),
        (FloatingPointError("overflow"), "a fault of riskcast, not of yours: FloatingPointError (overflow)"),
        (RecursionError("maximum recursion depth exceeded"), "nested too deeply"),
        (MemoryError(), "not enough memory"),
        (KeyError("tempest"), "a fault of riskcast, not of yours: KeyError ('tempest')"),
    ],
)
def test_what_nobody_foresaw_is_said_in_words(
    error: Exception, words: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("riskcast.case.files.list_cases", fail)
    with pytest.raises(type(error)):
        run("cases")
    monkeypatch.delenv(DEBUG)
    status, out, err = run("cases")
    assert (status, out) == (1, "")
    assert err.startswith("riskcast: ")
    assert words in err
    assert "Traceback" not in err


def test_a_case_that_cannot_be_fitted_is_refused_by_name_and_marked_where_it_is_allowed(
    run: Run, tmp_path: Path
) -> None:
    outcomes, settings = FILES["outcomes.yaml"], FILES["case.yaml"]
    rate = "base_rate: {median: 0.4, interval: [0.2, 0.7],"
    assert rate in outcomes
    never = outcomes.replace(rate, "base_rate: {value: 1.0e-300,")
    # Dyads that may not lie far apart leave no room between such a rate and its events.
    narrow = settings.replace("sd_dyad: {median: 0.5, interval: [0.2, 1.2],", "sd_dyad: {value: 0.5,")
    allowed = narrow.replace("horizon: 12", "horizon: 12\nallow: [extreme-base-rate]")
    folder = str(write_files(tmp_path, outcomes_yaml=never, case_yaml=allowed))
    status, out, err = run("forecast", folder, "--draws", 100)
    assert (status, out) == (2, "")
    assert "spark: " in err
    status, out, err = run("forecast", folder, "--draws", 100, "--allow-unreliable")
    assert (status, err) == (0, "")
    assert "UNRELIABLE: spark: " in out
    assert "CHECKS FAILED" in out
    assert "nan" not in out.lower()
