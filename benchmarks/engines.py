"""Both engines on the same case and model: from nothing, and after one changed effect.

From nothing: `laplace` builds the rows and fits every event type; `nuts` builds the same model, compiles it with nutpie
into an empty cache and samples 2 x 1000 draws (a second ratio has the cache warm). After one changed effect: `laplace`
refits the one event type, forecasts and scores; `nuts` swaps the priors with `with_data` and samples again. The last
line compares 12-month probabilities of both. With `--tension` the case has tension by quarter.
Run: uv run python benchmarks/engines.py [--tension] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from riskcast.case.files import list_cases, load_case
from riskcast.case.overlays import apply_overlay
from riskcast.engines.fitting import fit
from riskcast.engines.posterior import Posterior, judge
from riskcast.forecasting.forecasts import forecast
from riskcast.forecasting.scoring import score

DRAWS_PER_CHAIN = 1000
AIMS = {"from_nothing": 50.0, "after_one_change": 50.0}


def timed[T](action: Callable[[], T]) -> tuple[T, float]:
    """What an action returns, and its seconds."""
    began = time.perf_counter()
    result = action()
    return result, time.perf_counter() - began


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
    from_nothing = float(np.median([timed(lambda: fit(case))[1] for _ in range(options.repeat)]))

    def after_change() -> Posterior:
        posterior = fit(changed, reuse=first)
        score(forecast(posterior))
        return posterior

    refit = float(np.median([timed(after_change)[1] for _ in range(options.repeat)]))

    cache = tempfile.mkdtemp()
    os.environ |= {"PYTENSOR_FLAGS": f"base_compiledir={cache}", "NUMBA_CACHE_DIR": f"{cache}/numba"}
    import nutpie  # noqa: F401
    import pymc  # noqa: F401

    from riskcast.engines.pymc_data import flatten_case
    from riskcast.engines.pymc_model import assemble, compile_model, draw_chains, natural_events, natural_shared

    say("nuts: build and compile ...")
    flat, _ = timed(lambda: flatten_case(case))
    _, compile_seconds = timed(lambda: compile_model(assemble(flat)))
    compiled, warm_seconds = timed(lambda: compile_model(assemble(flat)))
    say("nuts: sample ...")
    trace, sample_seconds = timed(lambda: draw_chains(compiled, DRAWS_PER_CHAIN, 1))
    say("nuts: one effect changed, sample again ...")
    new = flatten_case(changed)
    priors = {name: new.data[name] for name in ("coefficient_middle", "coefficient_spread", "coefficient_skew")}
    _, again_seconds = timed(lambda: draw_chains(compiled.with_data(**priors), DRAWS_PER_CHAIN, 1))

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
    result: dict[str, Any] = {
        "seconds": {
            "laplace_from_nothing": from_nothing,
            "nuts_compile": compile_seconds,
            "nuts_compile_warm": warm_seconds,
            "nuts_sample": sample_seconds,
            "laplace_after_one_change": refit,
            "nuts_after_one_change": again_seconds,
        },
        "ratios": {
            "from_nothing": (compile_seconds + sample_seconds) / from_nothing,
            "from_a_warm_cache": (warm_seconds + sample_seconds) / from_nothing,
            "after_one_change": again_seconds / refit,
        },
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
        print(f"{name.replace('_', ' '):28} {value:9.2f} s")
    for name, value in result["ratios"].items():
        aim = f"   (aim: at least {AIMS[name]:.0f} x)" if name in AIMS else ""
        print(f"nuts / laplace, {name.replace('_', ' '):18} {value:6.0f} x{aim}")
    print(f"laplace: {result['laplace']}\nnuts: {result['nuts']}")
    largest = result["largest_probability_difference"]
    print(f"largest difference of a probability: {largest['value']:.4f} ({largest['event']}, {largest['unit']})")


if __name__ == "__main__":
    main()
