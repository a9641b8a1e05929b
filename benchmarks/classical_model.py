"""The classical model against anduryl (Rongen et al., 2020), an independent package, on random panels and the example.

It needs no screen, but imports one: its parts of PyQt5 are stood in for. Its own series for chi-square is off below .3
(at .01 it gives a chance of 2.16), and SciPy's stands in its place; --own leaves it.
Run: uv pip install --no-deps --target /tmp/oracle anduryl==1.2.2
     PYTHONPATH=/tmp/oracle uv run python benchmarks/classical_model.py
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any
from unittest.mock import MagicMock

import numpy as np
from scipy.stats import chi2

from riskcast.experts.seed_scores import SeedAnswers, classical_model
from riskcast.experts.seed_table import read_seeds

OVERSHOOT = 0.1


def by_anduryl(seeds: SeedAnswers) -> tuple[Any, Any, float, float]:
    """Calibration and information of experts, (experts,), and of the group under the best cutoff."""
    for name in ("PyQt5", "PyQt5.QtWidgets", "PyQt5.QtCore", "PyQt5.QtGui"):
        sys.modules.setdefault(name, MagicMock())
    if "--own" not in sys.argv:
        vars(import_module("anduryl.core.experts"))["chi2cdf"] = lambda x, df, iterations=0: chi2.cdf(x, df)
    project = import_module("anduryl").Project()
    for place, question in enumerate(seeds.questions):
        project.items.add_item(question)
        project.items.scales[place] = "log" if seeds.logarithmic[place] else "uni"
        project.items.realizations[place] = seeds.answers[place]
    for name, own in zip(seeds.experts, seeds.quantiles, strict=True):
        project.experts.add_expert(name, name, own, "actual")
    project.calculate_decision_maker("global", OVERSHOOT, "DM", alpha=None)
    experts = project.experts
    places = [experts.ids.index(name) for name in seeds.experts]
    group = experts.ids.index("DM")
    calibration, information = experts.calibration[places], experts.info_real[places]
    return calibration, information, experts.calibration[group], experts.info_real[group]


def random_seeds(seed: int) -> SeedAnswers:
    """A random panel: 2 to 7 experts, 5 to 20 questions, half of them in logarithms."""
    rng = np.random.default_rng(seed)
    experts, questions = int(rng.integers(2, 8)), int(rng.integers(5, 21))
    answers = np.exp(rng.normal(2.0, 1.0, questions))
    centers = answers * np.exp(rng.normal(0.0, 0.4, (experts, questions)))
    below, above = (
        np.exp(rng.uniform(0.05, 1.0, (experts, 1)) * rng.uniform(0.5, 1.5, (experts, questions))) for _ in "ab"
    )
    said = np.stack([centers / below, centers, centers * above], axis=2)
    return SeedAnswers(
        tuple(f"e{n}" for n in range(experts)),
        tuple(f"q{n}" for n in range(questions)),
        said,
        answers,
        rng.random(questions) < 0.5,
    )


def main() -> None:
    """Print the largest differences."""
    panels = [read_seeds("docs/panel_2024/seeds.csv"), *map(random_seeds, range(50))]
    worst = np.zeros(4)
    tied = 0
    for seeds in panels:
        ours = classical_model(seeds)
        # Rounding decides there which of two that are equally calibrated are left out; here both are kept.
        if np.min(np.diff(np.sort([score.calibration for score in ours.scores]))) < 1e-9:
            tied += 1
            continue
        theirs = by_anduryl(seeds)
        mine = (
            np.array([score.calibration for score in ours.scores]),
            np.array([score.information for score in ours.scores]),
            ours.group.calibration,
            ours.group.information,
        )
        worst = np.maximum(worst, [np.max(np.abs(a - b)) for a, b in zip(mine, theirs, strict=True)])
    for what, apart in zip(
        ("calibration", "information", "group's calibration", "group's information"), worst, strict=True
    ):
        print(f"{what}: at most {apart:.2g} apart on {len(panels) - tied} panels")
    print(f"{tied} more with ties")
    print(classical_model(panels[0]).to_frame().to_string())


if __name__ == "__main__":
    main()
