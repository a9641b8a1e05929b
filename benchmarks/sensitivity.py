"""What a tornado costs beside plain refits of every quantity, and how well the two agree.

    uv run python benchmarks/sensitivity.py [--target score:RUS-TJK] [--draws 500] [--folder FOLDER] [--most N]

Every quantity of the first case is held at both ends of its interval: by `find_sensitivities`, with screening and
without, and by a fit and a forecast from nothing for each. CPU seconds of one process. Finished refits are kept in the
folder, in an order that is drawn once, so that a run that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from riskcast import Request, apply_overlay, fit, load_case
from riskcast.challenge.held import Held, error_of
from riskcast.challenge.sensitivities import PATHS, SCREENED, find_sensitivities
from riskcast.challenge.sensitivity_records import Sensitivities
from riskcast.challenge.targets import find_targets, values_of
from riskcast.forecasting.plan import plan_simulation
from riskcast.machinery.checkpoints import Finished, finish_tasks, open_checkpoints
from riskcast.machinery.threads import single_thread
from riskcast.machinery.workers import workers


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
    facts = {"cpu": time.process_time() - began}
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
    order = np.random.default_rng(1).permutation(len(whole.quantities))[: given.most].tolist()
    tasks = {"nothing": (request, given.target, "", 0)}
    for row in order:
        tasks |= {
            f"{whole.quantities[row]} {end}": (request, given.target, whole.quantities[row], end) for end in (0, 1)
        }
    with open_checkpoints(given.folder / "refits", {"request": request.id, "target": given.target}) as kept:
        done = finish_tasks(
            refit, list(tasks), tasks.__getitem__, lambda one: one, lambda n: workers(1), kept, print_progress
        )
    compare_refits(whole, [whole.quantities[row] for row in order], done, cpu_whole)


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


def compare_refits(whole: Sensitivities, keys: list[str], done: Mapping[str, Finished], cpu_whole: float) -> None:
    """Swings and CPU of plain refits beside those of reweighting."""
    base = done["nothing"].frames["values"]["value"].to_numpy()
    rows, cpu = [], 0.0
    place = 0
    for key in keys:
        ends = []
        for end in (0, 1):
            found = done[f"{key} {end}"]
            cpu += found.facts["cpu"]
            ends.append(found.frames["values"]["value"].to_numpy())
        even = np.ones(len(base))
        low, high = (Held(own[:, None], even, "refitted", 0.0, 0.0) for own in ends)
        swing, error = float((high.means - low.means)[0]), float(error_of(high.influence - low.influence)[0])
        at = whole.quantities.index(key)
        ours = float(whole.high[at, place] - whole.low[at, place])
        rows.append((key, ours, float(whole.swing_error[at, place]), swing, error, whole.how[at]))
    table = pd.DataFrame(rows, columns=["quantity", "ours", "our_error", "refit", "refit_error", "how"])
    table["z"] = (table["ours"] - table["refit"]) / np.hypot(table["our_error"], table["refit_error"]).clip(lower=1e-9)
    share = cpu_whole / (cpu / len(keys) * len(whole.quantities))
    print(f"plain refits of {len(keys)} of {len(whole.quantities)} quantities: {cpu:.0f} CPU s")
    print(f"CPU beside refits of all: {share:.2f}")
    apart = table["ours"] - table["refit"]
    print(
        f"swings differ by {np.sqrt((apart**2).mean()):.2f} points (root mean square), {apart.abs().max():.2f} at most"
    )
    print(f"correlation {np.corrcoef(table['ours'], table['refit'])[0, 1]:.3f}")
    print(f"more than two standard errors apart: {(table['z'].abs() > 2).mean():.2f}")
    largest = table.reindex(table["refit"].abs().sort_values(ascending=False).index)[:12]
    print(largest.round(2).to_string(index=False))


if __name__ == "__main__":
    main()
