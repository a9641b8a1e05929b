"""The reference engine in the background: it answers, can be cancelled, and leaves nothing behind."""

from __future__ import annotations

import gc
import math
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import riskcast
from reference_run import process as verify
from tests.support.cases import event, make_case, quantity
from tests.support.places import APP
from tests.support.smallcase import write_files

CHANGES = {"outcomes.protest.base_rate": {"median": 0.6, "interval": [0.4, 0.8]}}
# Each chain runs for a thousand draws anyway.
DRAWS = 1000
BETWEEN_MONTE_CARLO_ERRORS = 5.0
Z90 = 1.645
PATIENCE = 120.0
PHASES = ["waiting", "starting", "compiling", "sampling", "forecasting"]


def workers(parent: int) -> set[int]:
    """Processes that run the worker and were started by a process, zombies left out."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, started_by = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if state != "Z" and int(started_by) == parent and b"reference_run/worker.py" in command:
            found.add(int(folder.name))
    return found


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended may stay as a zombie where nobody waits for orphans."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def wait_for_end(run: verify.Verification) -> verify.Status:
    wait_until(lambda: run.poll().state != "running")
    return run.poll()


def wait_for_phase(run: verify.Verification, phase: str) -> None:
    """Until a phase has begun; it may be over."""

    def reached() -> bool:
        status = run.poll()
        assert status.state == "running", status
        return PHASES.index(status.phase) >= PHASES.index(phase)

    wait_until(reached)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> riskcast.Case:
    return riskcast.load_case(write_files(tmp_path_factory.mktemp("cases") / "small"))


@pytest.fixture(autouse=True)
def no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No process, no waiting run and no folder is left, whatever became of a run."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    yield
    wait_until(lambda: not verify._line)
    assert workers(os.getpid()) == set()
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_two_runs_go_on_at_once_a_third_waits_and_the_numbers_are_the_engines(case: riskcast.Case) -> None:
    scenario, horizon = next(iter(case.scenarios)), 6
    run = verify.start_verification(case, scenario, CHANGES, DRAWS, 3, horizon=horizon)
    other = verify.start_verification(case, None, {}, DRAWS, 3)
    third = verify.start_verification(case, None, {}, DRAWS, 3)
    # It does not wait for what it starts.
    assert {each.poll().state for each in (run, other, third)} == {"running"}
    phases: list[str] = []
    while (status := run.poll()).state == "running":
        assert 0 <= status.done <= max(status.total, 0)
        if status.phase not in phases[-1:]:
            phases.append(status.phase)
        if other.poll().state == "running":
            assert third.poll().phase == "waiting"
            assert len(workers(os.getpid())) <= 2
            if other.poll().phase == status.phase == "compiling":
                third.cancel()
                other.cancel()
        time.sleep(0.02)
    assert [phase for phase in phases if phase in ("compiling", "sampling")] == ["compiling", "sampling"]
    other.cancel()
    third.cancel()
    assert third.poll().state == "cancelled"

    assert (status.state, status.error, status.phase) == ("done", None, "")
    assert status.seconds == run.poll().seconds > 0.0
    result = status.result
    assert result is not None
    known = riskcast.apply_overlay(case, CHANGES)
    assert (result["case_hash"], result["scenario"], result["horizon"]) == (known.hash, scenario, horizon)
    assert (result["engine"], result["draws"], result["seed"]) == ("nuts", DRAWS, 3)
    health = result["diagnostics"]
    assert 0.99 < health["rhat_max"] < 1.1
    assert DRAWS / 10 < health["ess_min"] <= DRAWS
    assert health["divergences"] >= 0
    assert health["reliable"] == (not health["failures"])
    quick = riskcast.forecast(riskcast.fit(known, draws=DRAWS, seed=3), scenario, horizon)
    off = errors_apart(quick, health["ess_min"])
    cells = {(cell["event"], cell["unit"]): cell for cell in result["probabilities"]}
    assert set(cells) == {(name, unit) for name in known.events for unit in quick.units(name)}
    for (name, unit), cell in cells.items():
        expected = quick.probability(name, unit)
        assert abs(cell["mean"] - expected.mean) <= off(expected)
        assert 0.0 <= cell["low"] <= cell["mean"] <= cell["high"] <= 1.0
        assert len(cell["by_period"]) == horizon
        assert cell["assumed"] == quick.is_assumed(name, unit)
    for score, dyad in zip(result["scores"], riskcast.score(quick).dyads, strict=True):
        assert score["dyad"] == dyad.id
        assert abs(score["mean"] - dyad.score.mean) <= off(dyad.score)
    # What was changed is what was sampled.
    plain = riskcast.forecast(riskcast.fit(case, draws=DRAWS, seed=3), scenario, horizon)
    name, unit = "protest", plain.units("protest")[0]
    assert cells[name, unit]["mean"] > plain.probability(name, unit).mean + off(plain.probability(name, unit))


def errors_apart(quick: riskcast.Forecast, ess: float) -> Callable[[Any], float]:
    """How far the means of two engines may lie apart by chance, given the other's least effective sample size."""
    own = min(drawn.ess for drawn in quick.posterior.events.values())
    errors = BETWEEN_MONTE_CARLO_ERRORS * math.sqrt(1.0 / own + 1.0 / ess)
    # The spread of draws from their 90 % interval; what is assumed has none.
    return lambda told: errors * (told.high - told.low) / (2.0 * Z90) + 1e-9


def test_cancel_ends_the_process_and_stays_cancelled(case: riskcast.Case) -> None:
    run = verify.start_verification(case, None, {}, 200, 1)
    wait_for_phase(run, "compiling")
    (process,) = workers(os.getpid())
    assert os.getpriority(os.PRIO_PROCESS, process) == os.getpriority(os.PRIO_PROCESS, 0) + 10
    run.cancel()
    assert run.poll().state == "cancelled"
    wait_until(lambda: not is_alive(process))
    wait_until(lambda: not verify._line)
    run.cancel()
    status = run.poll()
    assert (status.state, status.result, status.error) == ("cancelled", None, None)


def test_a_run_that_nobody_holds_is_ended(case: riskcast.Case) -> None:
    run = verify.start_verification(case, None, {}, 200, 1)
    wait_for_phase(run, "starting")
    wait_until(lambda: bool(workers(os.getpid())))
    (process,) = workers(os.getpid())
    del run
    gc.collect()
    wait_until(lambda: not is_alive(process))


def test_a_process_that_is_killed_is_told_in_words(case: riskcast.Case) -> None:
    run = verify.start_verification(case, None, {}, 200, 1)
    wait_until(lambda: bool(workers(os.getpid())))
    (process,) = workers(os.getpid())
    os.kill(process, signal.SIGKILL)
    error = str(wait_for_end(run).error)
    assert error.startswith("the engine's process was killed by signal 9 before it was done; if memory ran out")


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, None])
def test_nothing_outlives_the_server(ending: signal.Signals | None, tmp_path: Path) -> None:
    scratch = tmp_path / "server"
    scratch.mkdir()
    write_files(tmp_path / "small")
    script = f"""
        import sys, time
        sys.path.insert(0, {str(APP)!r})
        import riskcast
        from reference_run import process as verify
        run = verify.start_verification(riskcast.load_case({str(tmp_path / "small")!r}), None, {{}}, 200, 1)
        while run.poll().phase != "compiling":
            assert run.poll().state == "running", run.poll()
            time.sleep(0.02)
        print("compiling", flush=True)
        sys.stdin.readline()
    """
    server = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(scratch)},
        text=True,
    )
    try:
        assert server.stdout is not None
        assert server.stdin is not None
        assert server.stdout.readline() == "compiling\n"
        (process,) = workers(server.pid)
        assert len(list(scratch.glob("riskcast-verify-*"))) == 1
        if ending is None:
            server.stdin.write("\n")
            server.stdin.flush()
        else:
            server.send_signal(ending)
        server.wait(PATIENCE)
        wait_until(lambda: not is_alive(process))
        assert list(scratch.iterdir()) == []
    finally:
        server.kill()
        server.communicate()


@pytest.mark.parametrize(
    ("scenario", "changes", "draws", "horizon", "words"),
    [
        ("stom", {}, 200, None, "unknown scenario 'stom'; "),
        (None, {}, 5, None, "draws is 5; give a number from 100"),
        (
            None,
            {"outcomes.protest.rate": {"value": 0.2}},
            200,
            None,
            "changes.outcomes.protest.rate: is not a quantity",
        ),
        (None, {"outcomes.protest.base_rate": {"median": 2, "interval": [1, 3]}}, 200, None, "base_rate"),
        (None, {"outcomes.protest.base_rate": "high"}, 200, None, "is 'high'; write `key: value` pairs"),
        (None, {}, 200, 9999, "horizon is 9999; give a number"),
    ],
)
def test_what_does_not_fit_is_told_in_words_before_anything_is_sampled(
    scenario: str | None, changes: dict[str, object], draws: int, horizon: int | None, words: str, case: riskcast.Case
) -> None:
    status = wait_for_end(verify.start_verification(case, scenario, changes, draws, 1, horizon=horizon))
    assert (status.state, status.result) == ("failed", None)
    assert words in str(status.error)
    assert "Traceback" not in str(status.error)
    assert tempfile.gettempdir() not in str(status.error)
    assert status.total == 0


def test_a_case_that_no_folder_can_hold_is_told_in_words() -> None:
    bare = make_case({"protest": event(quantity(0.3, 0.1, 0.6))})
    status = wait_for_end(verify.start_verification(bare, None, {}, 200, 1))
    assert status.state == "failed"
    assert "outcomes.yaml" in str(status.error)
    assert "has no evidence; add" in str(status.error)


def test_an_engine_that_cannot_be_started_is_told_in_words(
    case: riskcast.Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no_python"))
    status = wait_for_end(verify.start_verification(case, None, {}, 200, 1))
    assert (status.state, status.result) == ("failed", None)
    assert str(status.error).startswith("the engine could not be started (No such file or directory); ")


def test_a_run_has_an_end_in_time(case: riskcast.Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "MOST_SECONDS", 0.1)
    status = wait_for_end(verify.start_verification(case, None, {}, 200, 1))
    assert status.state == "failed"
    assert "the engine was stopped after 0 minutes; use fewer draws" in str(status.error)


def test_runs_wait_in_the_order_in_which_they_came_and_too_many_are_refused(
    case: riskcast.Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "MOST_AT_ONCE", 0)
    monkeypatch.setattr(verify, "MOST_WAITING", 3)
    waiting = [verify.start_verification(case, None, {}, 5, 1) for _ in range(3)]
    with pytest.raises(riskcast.RiskcastError, match="3 verifications are waiting; try again"):
        verify.start_verification(case, None, {}, 200, 1)
    assert {run.poll().phase for run in waiting} == {"waiting"}
    assert 0.0 < waiting[1].poll().seconds < waiting[0].poll().seconds
    waiting[0].cancel()
    wait_until(lambda: len(verify._line) == 2)
    monkeypatch.setattr(verify, "MOST_AT_ONCE", 1)
    with verify._turns:
        verify._turns.notify_all()
    wait_until(lambda: waiting[1].poll().state == "failed")
    assert waiting[2].poll().state == "running"
    assert waiting[0].poll().state == "cancelled"
    wait_for_end(waiting[2])
