"""What evidence is worth by regression, held against nested simulation: the case fitted again for every value.

    uv run python benchmarks/value_of_evidence.py [--draws N] [--values N] [--quantities N]

Of the quantities that are worth most to one score, at the middles of so many equal parts of what is believed: what is
told, the variance of that, the mean spread that remains and the expected loss that is saved, beside what regression
says; with its CPU and that of the fits.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import riskcast
from riskcast.challenge.beliefs import drawn_beliefs
from riskcast.challenge.evidence import value_evidence
from riskcast.challenge.loss_rules import LossRule
from riskcast.challenge.target_draws import draw_targets
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
    found = value_evidence(ahead, [target.id], rule=LossRule(1.0, 2.5), placebos=False)
    print(f"{len(found.beliefs)} beliefs by regression: {time.process_time() - before:.1f} s CPU")
    [whole] = found.targets.values()
    width, spread = whole.estimate.high - whole.estimate.low, float(whole.expected.std())
    rule = found.rule
    assert rule is not None
    values = {one.key: one.values for one in drawn_beliefs(ahead)}
    shares = (np.arange(asked.values) + 0.5) / asked.values
    for one in found.of_kind("quantity")[: asked.quantities]:
        before = time.process_time()
        means, spreads = [], []
        for value in np.quantile(values[one.key], shares):
            held = riskcast.apply_overlay(case, {one.key: {"value": float(value)}})
            again = riskcast.forecast(riskcast.fit(held, draws=asked.draws, reuse=posterior))
            [drawn] = draw_targets(again, [target.id]).values()
            means.append(drawn.estimate.mean)
            spreads.append(float(drawn.expected.std()))
        spent, told = time.process_time() - before, np.array(means)
        worth, ends = one.worth[target], one.responses[target]
        assert worth.saved is not None
        narrower = width * (1.0 - float(np.mean(spreads)) / spread)
        print(
            f"{one.key}: narrower {worth.narrower.value:.2f} ± {worth.narrower.error:.2f}, nested {narrower:.2f}; "
            f"explained {worth.explained.value:.3f} ± {worth.explained.error:.3f}, "
            f"nested {told.var() / spread**2:.3f}; "
            f"saved {worth.saved.value:.4f} ± {worth.saved.error:.4f}, nested {rule.saved(told):.4f}; "
            f"told at 5 and 95 % {ends.low:.1f} and {ends.high:.1f}, nested from {told[0]:.1f} to {told[-1]:.1f} "
            f"({spent:.1f} s CPU)"
        )


if __name__ == "__main__":
    main()
