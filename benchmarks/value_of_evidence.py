"""What evidence is worth by regression, held against nested simulation: the case fitted again for every value.

    uv run python benchmarks/value_of_evidence.py [--draws N] [--values N] [--quantities N]

Of the quantities that are worth most to one score: what would be told at the middles of so many equal parts of what is
believed, and the mean width of the interval there, beside what regression says; with its CPU and that of the fits.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import riskcast
from riskcast.challenge.beliefs import drawn_beliefs
from riskcast.challenge.evidence import value_evidence
from riskcast.challenge.targets import Target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", default="central_asia_2024")
    parser.add_argument("--dyad", default="RUS-TJK")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--values", type=int, default=6)
    parser.add_argument("--quantities", type=int, default=5)
    asked = parser.parse_args()
    case, target = riskcast.load_case(asked.case), Target(f"score:{asked.dyad}", "", asked.dyad)
    posterior = riskcast.fit(case, draws=asked.draws)
    ahead = riskcast.forecast(posterior)
    before = time.process_time()
    found = value_evidence(ahead, [target.id], placebos=False)
    print(f"{len(found.beliefs)} beliefs by regression: {time.process_time() - before:.1f} s CPU")
    now = ahead.score(asked.dyad)
    values = {one.key: one.values for one in drawn_beliefs(ahead)}
    shares = (np.arange(asked.values) + 0.5) / asked.values
    for one in found.of_kind("quantity")[: asked.quantities]:
        before = time.process_time()
        told = []
        for value in np.quantile(values[one.key], shares):
            held = riskcast.apply_overlay(case, {one.key: {"value": float(value)}})
            told.append(riskcast.forecast(riskcast.fit(held, draws=asked.draws, reuse=posterior)).score(asked.dyad))
        spent = time.process_time() - before
        narrower = (now.high - now.low) - float(np.mean([each.high - each.low for each in told]))
        means = [each.mean for each in told]
        worth, ends = one.worth[target], one.responses[target]
        print(
            f"{one.key}: narrower {worth.narrower.value:.2f} ± {worth.narrower.error:.2f}, nested {narrower:.2f}; "
            f"told at 5 and 95 % {ends.low:.1f} and {ends.high:.1f}, nested from {means[0]:.1f} to {means[-1]:.1f} "
            f"({spent:.1f} s CPU)"
        )


if __name__ == "__main__":
    main()
