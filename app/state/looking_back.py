"""The history of scores, worked out in the background by a process of its own, and kept for whoever looks again."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import riskcast
from state.results import MOST_CASES, kept

NICENESS = 10
WORKERS = 1


@dataclass
class _Job:
    """A process that looks back; `error` in words once it has failed."""

    running: bool = True
    error: str = ""
    cancelled: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Progress:
    """How far looking back is: days that are done, and of how many; running; error in words, where it failed."""

    done: int
    total: int
    running: bool
    error: str = ""


def find(case: riskcast.Case) -> riskcast.ScoreHistory | None:
    """The history of a case where all of it is kept; None where some of it is still to be worked out."""
    if _left(case):
        return None
    try:
        return _read(case)
    except riskcast.RiskcastError:
        # Another process holds the folder: it is asked again at the next click.
        return None


def progress(case: riskcast.Case) -> Progress:
    """How far a case's history is."""
    with _lock:
        job = _jobs.get(case.hash)
    total = len(riskcast.history_days(case))
    return Progress(
        total - _left(case),
        total,
        job is not None and job.running,
        "" if job is None else job.error,
    )


def start(case: riskcast.Case) -> None:
    """Look back in the background, unless that goes on already; days that are done stay done."""
    with _lock:
        job = _jobs.get(case.hash)
        if job is not None and job.running:
            return
        while len(_jobs) > MOST_CASES:
            _jobs.pop(next(iter(_jobs)))
        _jobs[case.hash] = job = _Job()
    threading.Thread(target=_work, args=(case, job), name="riskcast-history", daemon=True).start()


def cancel(case: riskcast.Case) -> None:
    """End the process; what is done is kept."""
    with _lock:
        job = _jobs.get(case.hash)
        if job is not None:
            job.cancelled = True
            if job.process is not None:
                job.process.terminate()


def _left(case: riskcast.Case) -> int:
    with suppress(riskcast.RiskcastError):
        return riskcast.days_to_do(case)
    return 1


@kept(max_entries=MOST_CASES)
def _read(case: riskcast.Case) -> riskcast.ScoreHistory:
    return riskcast.score_history(case)


def _work(case: riskcast.Case, job: _Job) -> None:
    try:
        with tempfile.TemporaryDirectory(prefix="riskcast-history-", ignore_cleanup_errors=True) as folder:
            # Finished days go by the name of the case, which is that of its folder.
            place = Path(folder) / case.name
            riskcast.write_case(case, place)
            limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
            command = [
                sys.executable,
                "-P",
                "-m",
                "riskcast",
                "history",
                str(place),
                "--workers",
                str(WORKERS),
                "--json",
            ]
            with _lock:
                if job.cancelled:
                    return
                job.process = process = subprocess.Popen(
                    command,
                    env=os.environ | limits,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                )
            with suppress(OSError, AttributeError):
                os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
            _, told = process.communicate()
            if process.returncode and not job.cancelled:
                lines = told.decode(errors="replace").strip().splitlines()
                job.error = lines[-1].removeprefix("riskcast: ") if lines else f"exit code {process.returncode}"
    except (OSError, riskcast.RiskcastError) as error:
        job.error = str(error)
    finally:
        job.running = False


_lock = threading.Lock()
# By the hash of a case: the last time that somebody asked for its history.
_jobs: dict[str, _Job] = {}
