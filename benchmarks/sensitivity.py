"""What a tornado costs beside plain refits of every quantity, and how well the two agree.

    uv run python benchmarks/sensitivity.py [--target score:RUS-TJK] [--draws 500] [--folder FOLDER] [--most N]

Every quantity of the first case is held at both ends of its interval: by a fit and a forecast from nothing for each,
and by `find_sensitivities`, without screening and with it. CPU seconds of one process. What is finished is kept in the
folder, so that a run that was interrupted goes on; refits of the 40 largest come first, then the others in an order
that is drawn once. CPU seconds of a tornado that was interrupted are those of its rest.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from riskcast import Request, apply_overlay, fit, load_case
from riskcast.challenge.held import error_of
from riskcast.challenge.sensitivities import PATHS, SCREENED, find_sensitivities
from riskcast.challenge.sensitivity_records import Sensitivities
from riskcast.challenge.targets import find_targets, values_of
from riskcast.engines.posterior import widening
from riskcast.forecasting.plan import plan_simulation
from riskcast.machinery.checkpoints import Finished, finish_tasks, open_checkpoints
from riskcast.machinery.threads import single_thread
from riskcast.machinery.workers import workers

# Refits of so many of the largest come first.
FIRST = 40


def refit(request: Request, target: str, key: str, end: int) -> Finished:
    """A fit and a forecast from nothing, with one quantity held at an end of its interval."""
    began = time.process_time()
    with single_thread():
        case = request.case
        if key:
            known = {name: quantity for name, quantity, _ in case.quantities()}
            case = apply_overlay(case, {key: {"value": known[key].range[end]}})
        posterior = fit(case, draws=request.draws, seed=request.seed, allow_unreliable=True)
        plan = plan_simulation(posterior, request.periods, request.seed)
        targets = find_targets(case, request.periods, [target])
        values = values_of(posterior, plan, None, request.periods, PATHS, targets)
    health = posterior.diagnostics
    facts = {"cpu": time.process_time() - began, "ess": health.ess_min, "failed": len(health.failures)}
    return Finished({"values": pd.DataFrame({"value": values[:, 0]})}, facts)


def timed(request: Request, target: str, folder: Path, screen: bool) -> tuple[Sensitivities, float]:
    """A tornado and the CPU seconds that it took here."""
    began = time.process_time()
    found = find_sensitivities(
        request, [target], screen=screen, pairs=0, workers_count=1, cache=folder, progress=print_progress
    )
    return found, time.process_time() - began


def print_progress(done: int, total: int) -> None:
    """One line now and then."""
    if done == total or done % 50 == 0:
        print(f"  {done} of {total}", flush=True)


def main() -> None:
    """Run all three and print what they say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="score:RUS-TJK")
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/riskcast_sensitivity"))
    parser.add_argument("--most", type=int, default=None, help="refit no more quantities than so many")
    given = parser.parse_args()
    request = Request(load_case("central_asia_2024"), draws=given.draws, allow_unreliable=True)
    whole, cpu_whole = timed(request, given.target, given.folder / "whole", screen=False)
    print(f"all draws for {len(whole.quantities)} quantities: {cpu_whole:.0f} CPU s")
    for how in sorted(set(whole.how)):
        print(f"  {how}: {whole.how.count(how)}")
    screened, cpu_screened = timed(request, given.target, given.folder / "screened", screen=True)
    print(f"screened: {cpu_screened:.0f} CPU s, {screened.how.count(SCREENED)} of them settled by few draws")
    compare_tens(whole, screened, given.target)
    ranked = [swing.quantity for swing in whole.swings(given.target)]
    rest = np.random.default_rng(1).permutation(ranked[FIRST:]).tolist()
    refitted = [*ranked[:FIRST], *rest][: given.most]
    tasks = {"nothing": (request, given.target, "", 0)}
    for key in refitted:
        tasks |= {f"{key} {end}": (request, given.target, key, end) for end in (0, 1)}
    with open_checkpoints(given.folder / "refits", {"request": request.id, "target": given.target}) as kept:
        done = finish_tasks(
            refit, list(tasks), tasks.__getitem__, lambda one: one, lambda n: workers(1), kept, print_progress
        )
    compare_refits(whole, refitted, done, {"whole": cpu_whole, "screened": cpu_screened})


def compare_tens(whole: Sensitivities, screened: Sensitivities, target: str) -> None:
    """The ten largest with and without screening."""
    known = {swing.quantity: swing for swing in screened.swings(target)}
    ten = whole.swings(target)[:10]
    print("the ten largest without screening, and with:")
    for swing in ten:
        other = known[swing.quantity]
        print(f"  {swing.size:6.2f} ±{swing.error:.2f}  {other.size:6.2f}  {other.how:9}  {swing.quantity}")
    worst = max(abs(known[s.quantity].size / s.size - 1.0) for s in ten)
    print(f"  largest difference: {100 * worst:.1f} % of a swing")


def compare_refits(
    whole: Sensitivities, keys: list[str], done: Mapping[str, Finished], cpu_ours: Mapping[str, float]
) -> None:
    """Swings and CPU of plain refits beside those of reweighting."""
    cpu = sum(done[f"{key} {end}"].facts["cpu"] for key in keys for end in (0, 1))
    print(f"plain refits of {len(keys)} of {len(whole.quantities)} quantities: {cpu:.0f} CPU s")
    for name, own in cpu_ours.items():
        print(f"CPU beside refits of all, {name}: {own / (cpu / len(keys) * len(whole.quantities)):.2f}")
    table = pd.DataFrame([_row(whole, key, done) for key in keys])
    apart = table["ours"] - table["refit"]
    table["errors_apart"] = apart / np.hypot(table["our_error"], table["refit_error"]).clip(lower=1e-9)
    print(
        f"sizes differ by {np.sqrt((apart**2).mean()):.2f} points (root mean square), {apart.abs().max():.2f} at most"
    )
    print(f"in units of error: {table['errors_apart'].abs().max():.1f} at most")
    print(f"correlation {np.corrcoef(table['ours'], table['refit'])[0, 1]:.3f}")
    print(f"more than two standard errors apart: {(table['errors_apart'].abs() > 2).mean():.2f}")
    print(f"refits that failed their checks: {sum(one.facts['failed'] > 0 for one in done.values())}")
    ranks = {name: table[name].rank(ascending=False) for name in ("ours", "refit")}
    table["our_rank"], table["refit_rank"] = (ranks[name].astype(int) for name in ("ours", "refit"))
    both = int(((table["our_rank"] <= 10) & (table["refit_rank"] <= 10)).sum())
    print(f"of the ten largest of plain refits, ours has {both}; the fifteen largest of plain refits:")
    print(table.sort_values("refit_rank").head(15).round(2).to_string(index=False))
    print("the ten that are farthest apart, in units of error:")
    print(table.reindex(table["errors_apart"].abs().sort_values(ascending=False).index).head(10).round(2).to_string())


def _row(whole: Sensitivities, key: str, done: Mapping[str, Finished]) -> dict[str, Any]:
    """A quantity's size by our tornado and by plain refits, with the errors of both."""
    base, *ends = (done[name] for name in ("nothing", f"{key} 0", f"{key} 1"))
    values = [one.frames["values"]["value"].to_numpy() for one in (base, *ends)]
    away = [0.0, *(float((own - values[0]).mean()) for own in values[1:])]
    first, last = int(np.argmin(away)), int(np.argmax(away))
    wider = widening(len(values[0]), min(one.facts["ess"] for one in (base, *ends)))
    apart = values[last] - values[first]
    swing = whole.swings(whole.targets[0])
    ours = next(one for one in swing if one.quantity == key)
    return {
        "quantity": key,
        "ours": ours.size,
        "our_error": ours.error,
        "refit": away[last] - away[first],
        "refit_error": wider * float(error_of((apart - apart.mean())[:, None])[0]),
        "how": ours.how,
    }


if __name__ == "__main__":
    main()
