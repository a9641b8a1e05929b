"""The reference engine in the background: start a run, ask how far it is, cancel it.

Every run is a process of its own, which ends with its `Verification`, with this process, or when it is cancelled.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import riskcast

MOST_AT_ONCE = 2
MOST_WAITING = 8
MOST_SECONDS = 3600.0
WORKER = Path(__file__).with_name("worker.py")

State = Literal["running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Status:
    """How far a run is. `phase` of one that runs: waiting, starting, compiling, sampling or forecasting.

    `result`, once it is done, is plain data: `probabilities` (event, unit, mean, low, high, by_period, assumed),
    `scores` (dyad, mean, low, high, band), `diagnostics` (reliable, failures, rhat_max, ess_min, divergences), and
    case_hash, scenario, horizon, engine, draws and seed. `error` is for people to read.
    """

    state: State
    done: int = 0
    total: int = 0
    seconds: float = 0.0
    result: Mapping[str, Any] | None = None
    error: str | None = None
    phase: str = ""


class Verification:
    """A run of the reference engine; it is ended once nobody holds this any more."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        weakref.finalize(self, run.cancel)

    def poll(self) -> Status:
        """How far the run is, at once."""
        return self._run.status()

    def cancel(self) -> None:
        """End the run, unless it has ended."""
        self._run.cancel()


def start_verification(
    case: riskcast.Case,
    scenario_name: str | None,
    changes: Mapping[str, Any],
    draws: int,
    seed: int,
    *,
    horizon: int | None = None,
) -> Verification:
    """Run the reference engine on a case with changed quantities, in the background, and return at once.

    Two runs go on at a time and others wait for their turn. Raises RiskcastError where too many wait. Whatever else is
    wrong is told by `poll`.
    """
    plain = {key: dict(value) if isinstance(value, Mapping) else value for key, value in changes.items()}
    job = {"scenario": scenario_name, "changes": plain, "draws": draws, "seed": seed, "horizon": horizon}
    run = _Run(case, job)
    with _turns:
        if len(_line) >= MOST_AT_ONCE + MOST_WAITING:
            raise riskcast.RiskcastError(f"{MOST_WAITING} verifications are waiting; try again in some minutes")
        _line.append(run)
    threading.Thread(target=run.work, name="riskcast-verification", daemon=True).start()
    return Verification(run)


class _Run:
    """One run: a thread that waits for its turn, starts the process and hears its answers."""

    def __init__(self, case: riskcast.Case, job: Mapping[str, Any]) -> None:
        self._case: riskcast.Case | None = case
        self._job = job
        self._began = time.monotonic()
        self._status = Status("running", phase="waiting")
        self._process: subprocess.Popen[bytes] | None = None

    def status(self) -> Status:
        with _turns:
            status = self._status
        return replace(status, seconds=time.monotonic() - self._began) if status.state == "running" else status

    def cancel(self) -> None:
        with _turns:
            self._settle("cancelled")
            self._kill()
            _turns.notify_all()

    def work(self) -> None:
        try:
            with _turns:
                _turns.wait_for(lambda: self._has_ended or _line.index(self) < MOST_AT_ONCE)
                self._note(phase="starting")
            self._process_job()
        except riskcast.RiskcastError as error:
            self._settle("failed", error=str(error))
        except OSError as error:
            wrong = f"the engine could not be started ({error.strerror or type(error).__name__})"
            self._settle("failed", error=f"{wrong}; try again; if it stays so, tell whoever runs the server")
        finally:
            # The states above are all that is told, whatever else went wrong.
            self._settle("failed", error="the engine could not be started; try again with another case")
            with _turns:
                self._case = None
                _line.remove(self)
                _turns.notify_all()

    @property
    def _has_ended(self) -> bool:
        return self._status.state != "running"

    def _process_job(self) -> None:
        case = self._case
        if self._has_ended or case is None:
            return
        with tempfile.TemporaryDirectory(prefix="riskcast-verify-", ignore_cleanup_errors=True) as folder:
            riskcast.write_case(case, Path(folder) / "case")
            job = {**self._job, "folder": folder, "hash": case.hash, "seconds": MOST_SECONDS}
            message = json.dumps(job).encode() + b"\n"
            with _turns:
                if self._has_ended:
                    return
                self._process = process = _start_process(folder)
            try:
                self._talk(process, message)
            finally:
                with _turns:
                    # What the process has started may outlive it.
                    self._kill()
                    code = process.wait()
                    self._process = None
                for pipe in (process.stdin, process.stdout):
                    with suppress(OSError):
                        pipe.close() if pipe else None
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            mend = "if memory ran out, use fewer draws or a smaller case"
            self._settle("failed", error=f"the engine's process {how} before it was done; {mend}")

    def _talk(self, process: subprocess.Popen[bytes], message: bytes) -> None:
        if process.stdin is None or process.stdout is None:
            return
        with suppress(BrokenPipeError):
            process.stdin.write(message)
            process.stdin.flush()
        for line in process.stdout:
            answer = json.loads(line)
            if "result" in answer:
                self._settle("done", result=answer["result"])
            elif "error" in answer:
                self._settle("failed", error=answer["error"])
            else:
                self._note(phase=answer["phase"], done=answer["done"], total=answer["total"])

    def _note(self, **news: Any) -> None:
        with _turns:
            if not self._has_ended:
                self._status = replace(self._status, **news)

    def _settle(self, state: State, **news: Any) -> None:
        """The end of the run; what comes after the first is not heard."""
        seconds = time.monotonic() - self._began
        self._note(state=state, phase="", seconds=seconds, **news)

    def _kill(self) -> None:
        # A process that was not waited for still holds its number, and nobody waits for it without the lock.
        process = self._process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


def _start_process(folder: str) -> subprocess.Popen[bytes]:
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    # PyTensor leaves temporary files behind, and all of them where it is killed.
    limits["TMPDIR"] = folder
    return subprocess.Popen(
        [sys.executable, "-P", str(WORKER)],
        env=os.environ | limits,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


# Reentrant, as a finalizer may call `cancel` wherever Python collects garbage, also while this is held.
_turns = threading.Condition(threading.RLock())
# Runs in the order in which they came, until they have ended: the first of them have their turn.
_line: list[_Run] = []
