"""Both engines on the same case and model: from nothing, and after one changed effect.

From nothing: `laplace` builds the rows and fits every event type; `nuts` builds the same model, compiles it with nutpie
into an empty cache and samples 2 x 1000 draws (a second ratio has the cache warm). After one changed effect: `laplace`
refits the one event type, forecasts and scores; `nuts` swaps the priors with `with_data` and samples again. The last
line compares 12-month probabilities of both. With `--tension` the case has tension by quarter. Beside seconds by the
clock stand those of CPU, for machines on which others work as well; the reference engine's chains run at once.
Run: uv run python benchmarks/engines.py [--tension] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from resource import RUSAGE_CHILDREN, RUSAGE_SELF
from typing import Any, NamedTuple

import numpy as np

from riskcast.case.files import list_cases, load_case
from riskcast.case.overlays import apply_overlay
from riskcast.engines.fitting import fit
from riskcast.engines.posterior import Posterior, judge
from riskcast.forecasting.forecasts import forecast
from riskcast.forecasting.scoring import score

DRAWS_PER_CHAIN = 1000
AIMS = {"from_nothing": 50.0, "after_one_change": 50.0}


class Spent(NamedTuple):
    """Seconds by the clock, and CPU seconds of this process and those that it started."""

    clock: float
    cpu: float


def cpu_so_far() -> float:
    """User and system time of this process and of those that it has waited for."""
    return sum(own.ru_utime + own.ru_stime for own in map(resource.getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))


def timed[T](action: Callable[[], T]) -> tuple[T, Spent]:
    """What an action returns, and what it took."""
    began, cpu = time.perf_counter(), cpu_so_far()
    result = action()
    return result, Spent(time.perf_counter() - began, cpu_so_far() - cpu)


def middle(found: list[Spent]) -> Spent:
    """The medians of several runs."""
    return Spent(*(float(np.median(own)) for own in zip(*found, strict=True)))


def ratios(seconds: dict[str, float]) -> dict[str, float]:
    """How many times the fast engine's seconds the reference engine takes."""
    sampled, fast = seconds["nuts_sample"], seconds["laplace_from_nothing"]
    return {
        "from_nothing": (seconds["nuts_compile"] + sampled) / fast,
        "from_a_warm_cache": (seconds["nuts_compile_warm"] + sampled) / fast,
        "after_one_change": seconds["nuts_after_one_change"] / seconds["laplace_after_one_change"],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", nargs="?", default=list_cases()[0])
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--repeat", type=int, default=5, help="runs of the fast engine; the median counts")
    parser.add_argument("--tension", action="store_true", help="give the case tension by quarter")
    options = parser.parse_args()

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    case = load_case(options.case)
    if options.tension:
        tension = {"period": "quarter", "loading": {"median": 0.6, "interval": (0.25, 1.2)}}
        case = case.revised(settings={**case.settings.model_dump(), "tension": tension})
    effect = next(effect for effect in case.effects if effect.target == case.outcomes[0])
    center = effect.rate_ratio.center
    change = {f"effects.{effect.id}": {"median": center * 1.3, "interval": [center * 1.0, center * 1.69]}}
    changed = apply_overlay(case, change)

    say("laplace ...")
    first, _ = timed(lambda: fit(case))
    from_nothing = middle([timed(lambda: fit(case))[1] for _ in range(options.repeat)])

    def after_change() -> Posterior:
        posterior = fit(changed, reuse=first)
        score(forecast(posterior))
        return posterior

    refit = middle([timed(after_change)[1] for _ in range(options.repeat)])

    cache = tempfile.mkdtemp()
    os.environ |= {"PYTENSOR_FLAGS": f"base_compiledir={cache}", "NUMBA_CACHE_DIR": f"{cache}/numba"}
    import nutpie  # noqa: F401
    import pymc  # noqa: F401

    from riskcast.engines.pymc_data import flatten_case
    from riskcast.engines.pymc_model import assemble, compile_model, draw_chains, natural_events, natural_shared

    say("nuts: build and compile ...")
    flat, _ = timed(lambda: flatten_case(case))
    _, compile_spent = timed(lambda: compile_model(assemble(flat)))
    compiled, warm_spent = timed(lambda: compile_model(assemble(flat)))
    say("nuts: sample ...")
    trace, sample_spent = timed(lambda: draw_chains(compiled, DRAWS_PER_CHAIN, 1))
    say("nuts: one effect changed, sample again ...")
    new = flatten_case(changed)
    priors = {name: new.data[name] for name in ("coefficient_middle", "coefficient_spread", "coefficient_skew")}
    _, again_spent = timed(lambda: draw_chains(compiled.with_data(**priors), DRAWS_PER_CHAIN, 1))

    draws = 2 * DRAWS_PER_CHAIN
    common = natural_shared(flat, trace, draws)
    events = natural_events(flat, trace, draws, common=common)
    reference = Posterior(
        case,
        first.record,
        first.models,
        events,
        judge("nuts", events, draws, common),
        engine="nuts",
        draws=draws,
        seed=1,
        shared=common,
    )
    fast, slow = forecast(fit(case, draws=5_000 if options.tension else 20_000)), forecast(reference)
    differences = {
        (event, unit): abs(fast.probability(event, unit).mean - slow.probability(event, unit).mean)
        for event in case.events
        for unit in case.units(event)
    }
    where = max(differences, key=lambda key: differences[key])
    spent = {
        "laplace_from_nothing": from_nothing,
        "nuts_compile": compile_spent,
        "nuts_compile_warm": warm_spent,
        "nuts_sample": sample_spent,
        "laplace_after_one_change": refit,
        "nuts_after_one_change": again_spent,
    }
    seconds = {kind: {name: getattr(own, kind) for name, own in spent.items()} for kind in Spent._fields}
    result: dict[str, Any] = {
        "seconds": seconds["clock"],
        "cpu_seconds": seconds["cpu"],
        "ratios": ratios(seconds["clock"]),
        "cpu_ratios": ratios(seconds["cpu"]),
        "aims": AIMS,
        "laplace": {"khat_max": first.diagnostics.khat_max, "ess_min": first.diagnostics.ess_min},
        "nuts": {
            "rhat_max": reference.diagnostics.rhat_max,
            "ess_min": reference.diagnostics.ess_min,
            "divergences": reference.diagnostics.divergences,
        },
        "largest_probability_difference": {"event": where[0], "unit": where[1], "value": differences[where]},
    }
    if options.json:
        print(json.dumps(result))
        return
    for name, value in result["seconds"].items():
        print(f"{name.replace('_', ' '):28} {value:9.2f} s   {result['cpu_seconds'][name]:9.2f} s of CPU")
    for name, value in result["ratios"].items():
        aim = f"   (aim: at least {AIMS[name]:.0f} x)" if name in AIMS else ""
        told = f"{value:6.0f} x, of CPU {result['cpu_ratios'][name]:6.0f} x"
        print(f"nuts / laplace, {name.replace('_', ' '):18} {told}{aim}")
    print(f"laplace: {result['laplace']}\nnuts: {result['nuts']}")
    largest = result["largest_probability_difference"]
    print(f"largest difference of a probability: {largest['value']:.4f} ({largest['event']}, {largest['unit']})")


if __name__ == "__main__":
    main()
