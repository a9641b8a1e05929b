"""One run of the reference engine, as a process of its own: a job on stdin, progress and the result on stdout.

The job is one line of JSON. Every line of the answer is an object with `phase`, `done` and `total`, or with the
`result`, or with an `error` in words. The process ends, and removes the job's folder, when its stdin is closed.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import riskcast

Tell = Callable[[Mapping[str, Any]], None]

NICENESS = 10
REHEARSAL_DRAWS = 100
MOST_TRIES = 20


def verify(job: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Fit, forecast and score as a job says; raises RiskcastError."""

    def progress(phase: str, done: int, total: int) -> None:
        tell({"phase": phase or "forecasting", "done": done, "total": total})

    published = riskcast.load_case(Path(job["folder"]) / "case")
    if published.hash != job["hash"]:
        raise riskcast.RiskcastError("the case changed on its way to the engine; save it, and load it anew")
    case = riskcast.apply_overlay(published, job["changes"]) if job["changes"] else published
    # What does not fit the case is told now, not after minutes of sampling.
    rehearsal = riskcast.fit(case, draws=REHEARSAL_DRAWS, seed=job["seed"], prior_only=True)
    riskcast.forecast(rehearsal, job["scenario"], job["horizon"])
    posterior = riskcast.fit(
        case, engine="nuts", draws=job["draws"], seed=job["seed"], allow_unreliable=True, progress=progress
    )
    ahead = riskcast.forecast(
        posterior,
        job["scenario"],
        job["horizon"],
        progress=lambda done, total: progress("forecasting", done, total),
    )
    return plain_result(riskcast.score(ahead))


def plain_result(risk: riskcast.Risk) -> dict[str, Any]:
    """Probabilities by event and unit, scores by dyad and the engine's health as plain data."""
    ahead = risk.forecast
    posterior = ahead.posterior
    health = posterior.diagnostics
    probabilities = [
        {
            "event": event,
            "unit": unit,
            **_interval(ahead.probability(event, unit)),
            "by_period": ahead.by_period(event, unit),
            "assumed": ahead.is_assumed(event, unit),
        }
        for event in ahead.case.events
        for unit in ahead.units(event)
    ]
    return {
        "case_hash": ahead.case.hash,
        "scenario": ahead.scenario_name,
        "horizon": ahead.horizon,
        "engine": posterior.engine,
        "draws": posterior.draws,
        "seed": posterior.seed,
        "probabilities": probabilities,
        "scores": [{"dyad": dyad.id, **_interval(dyad.score), "band": dyad.band} for dyad in risk.dyads],
        "diagnostics": {
            "reliable": health.is_reliable,
            "failures": list(health.failures),
            "rhat_max": health.rhat_max,
            "ess_min": health.ess_min,
            "divergences": health.divergences,
        },
    }


def _interval(estimate: Any) -> dict[str, float]:
    return {"mean": estimate.mean, "low": estimate.low, "high": estimate.high}


def _end_with_parent(folder: str, seconds: float, tell: Tell, telling: threading.Lock) -> None:
    """Wait for the end of stdin, or for the time to be up, and end this process with all that it started.

    The kernel can tell of a parent's death too, but means the thread that started this process, which may well end
    first.
    """
    if select.select([0], [], [], seconds)[0]:
        # The engine fails as its files vanish, and would end the process before all are gone; it cannot without a word.
        telling.acquire()
        for _ in range(MOST_TRIES):
            shutil.rmtree(folder, ignore_errors=True)
            if not Path(folder).exists():
                break
    else:
        tell({"error": f"the engine was stopped after {seconds / 60:.0f} minutes; use fewer draws or a smaller case"})
    os.killpg(0, signal.SIGKILL)


def _give_way() -> None:
    """Let the server go first where processors are short, and go first where memory is."""
    with suppress(OSError):
        os.nice(NICENESS)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def main() -> None:
    """Do the job that stands on stdin."""
    _give_way()
    # Whatever libraries print goes to stderr, so that stdout holds nothing but answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    telling = threading.Lock()

    def tell(message: Mapping[str, Any]) -> None:
        with telling:
            answers.write(json.dumps(message, allow_nan=False) + "\n")
            answers.flush()

    job = json.loads(sys.stdin.buffer.readline())
    watched = (job["folder"], job["seconds"], tell, telling)
    threading.Thread(target=_end_with_parent, args=watched, daemon=True).start()
    try:
        tell({"result": verify(job, tell)})
    except riskcast.RiskcastError as error:
        tell({"error": str(error)})
    except MemoryError:
        tell({"error": "the engine ran out of memory; use fewer draws or a smaller case"})
    except Exception as error:
        traceback.print_exc()
        wrong = f"the engine failed ({type(error).__name__})"
        tell({"error": f"{wrong}; run `riskcast forecast --engine nuts` on the case to see why"})
    # The thread that watches stdin would hold up an orderly end.
    os._exit(0)


if __name__ == "__main__":
    main()
