"""Sensitivity to powers of priors and likelihoods, held against ArviZ, which is too heavy for the tests.

    uv run python benchmarks/power_scaling.py

Draws of a normal posterior with the log prior or the log likelihood of each, at the powers 0.8 and 1.25.
"""

from __future__ import annotations

import arviz_stats.base
import numpy as np

from riskcast.challenge.power_scaling import scale


def main() -> None:
    rng = np.random.default_rng(2)
    for draws in (500, 4000):
        values = 2.0 + rng.normal(size=draws) / np.sqrt(3.0)
        for part, log_part in (("prior", -0.5 * values**2), ("likelihood", -((values - 3.0) ** 2))):
            found = scale(log_part)
            ours = found.sensitivity(values)
            rows = [each[None] for each in (values, found.lower, found.upper)]
            told = arviz_stats.base.array_stats.power_scale_sense(*rows, *found.powers, chain_axis=0, draw_axis=1)
            print(f"{draws} draws, {part}: {ours:.4f}, ArviZ {float(told):.4f}, k-hat {found.khat:.2f}")


if __name__ == "__main__":
    main()
