"""A scale that somebody else brings, and the small case with its indicator of opinion on any scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from riskcast import Case, load_case
from riskcast.case.links import Link
from riskcast.case.scales import Scale
from tests.support import smallcase


class AsinhLink(Link):
    """arsinh y: linear about 0, a logarithm far out."""

    name = "arsinh"

    @property
    def domain(self) -> tuple[float, float]:
        return -np.inf, np.inf

    def forward(self, value: Any) -> Any:
        return np.arcsinh(np.asarray(value, dtype=float))

    def inverse(self, link_value: Any) -> Any:
        return np.sinh(np.asarray(link_value, dtype=float))


class AsinhScale(Scale):
    """For balances, which may be negative and grow by factors."""

    @property
    def link(self) -> Link:
        return AsinhLink()

    @property
    def width(self) -> float:
        return float(self.link.forward(self.reference + self.step) - self.link.forward(self.reference))

    @property
    def step_words(self) -> str:
        return f"{self.step:g} {self.unit} up from {self.reference:g}"

    def shift(self, path: Any, share: Any, middle: Any, amount: float) -> Any:
        return path + share * (self.steps(self.level(path) + amount) - path)

    def multiply(self, path: Any, share: Any, middle: Any, factor: float) -> Any:
        return path + share * (self.steps(self.level(path) * factor) - path)


def write_on_scale(folder: Path, scale: str, **changed: str) -> Path:
    """The files of the small case with `mood`, which lies between 0 and 100, on a scale, and set in both scenarios."""
    text = changed.pop("indicators_yaml", smallcase.INDICATORS)
    changed.setdefault("scenarios_yaml", smallcase.SCENARIOS.replace("shift: 5", "set: 60"))
    return smallcase.write_files(folder, indicators_yaml=text.replace("scale: identity", f"scale: {scale}"), **changed)


def case_on_scale(folder: Path, scale: str) -> Case:
    """The small case with `mood` on a scale."""
    return load_case(write_on_scale(folder, scale))
