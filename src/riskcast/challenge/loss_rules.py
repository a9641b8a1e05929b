"""A cost-loss rule: when it pays to act, and what a number that is known better saves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskcast.errors import OptionError
from riskcast.machinery.array_types import Floats


@dataclass(frozen=True)
class LossRule:
    """To act costs `cost`, whatever happens; not to act costs `loss` if the event happens. Of a score, it costs that
    many hundredths of `loss` as the score has points.

    One acts where the number is above cost / loss (Murphy, A note on the ranked probability score and the cost-loss
    ratio situation, 1977). Raises OptionError unless 0 < cost < loss, as one would always act, or never.

    >>> LossRule(1.0, 4.0).expected(np.array([0.0, 20.0, 60.0])).tolist()
    [0.0, 0.8, 1.0]
    """

    cost: float
    loss: float

    def __post_init__(self) -> None:
        if not 0.0 < self.cost < self.loss < float("inf"):
            wrong = f"a cost of {self.cost:g} against a loss of {self.loss:g} leaves nothing to decide"
            raise OptionError(f"{wrong}; give a cost above 0 and below the loss, such as --cost 1 --loss 4")

    @property
    def threshold(self) -> float:
        """The score, or the probability in percent, from which on one acts."""
        return 100.0 * self.cost / self.loss

    def expected(self, values: Floats) -> Floats:
        """Expected loss at values from 0 to 100, when one acts as the rule says."""
        return np.minimum(self.cost, self.loss * np.clip(values, 0.0, 100.0) / 100.0)

    def saved(self, values: Floats) -> float:
        """What knowing each of these values beforehand, rather than their mean, saves on average; never below 0."""
        mean = np.clip(values, 0.0, 100.0).mean(keepdims=True)
        return max(0.0, float(self.expected(mean)[0] - self.expected(values).mean()))
