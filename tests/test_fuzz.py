"""Nonsense at every door: refused in words or turned into numbers that can be meant, and never anything else.

`uv run python -m tests.support.fuzz all 10000` carries more of it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Never

import pytest

import riskcast
from tests.support.fuzz.doors import DOORS, REFUSED, SETTLED
from tests.support.fuzz.trials import trial

INPUTS = {"case": 80, "table": 80, "panel": 60, "overlay": 60, "command": 60, "address": 6}


@pytest.mark.parametrize("door", DOORS)
def test_nonsense_is_refused_in_words_or_understood(door: str) -> None:
    fates, faults = Counter[str](), []
    for seed in range(INPUTS[door]):
        try:
            fates[trial(door, seed)] += 1
        except Exception as error:
            faults.append(f"seed {seed}: {error!r}"[:500])
    assert not faults, f"uv run python -m tests.support.fuzz {door} 1 --seed SEED makes one again: {faults}"
    # Nothing is learned of what lies behind a door that refuses everything, or nothing.
    assert min(fates[REFUSED], fates[SETTLED]) >= max(1, INPUTS[door] // 40)


def test_what_is_not_foreseen_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Any) -> Never:
        raise KeyError("a part that is not there")

    monkeypatch.setattr(riskcast, "load_case", broken)
    with pytest.raises(KeyError):
        trial("table", 0)
    with pytest.raises(KeyError):
        trial("panel", 0)


def test_a_refusal_without_a_mend_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def curt(*given: Any) -> Never:
        raise riskcast.RiskcastError("no")

    monkeypatch.setattr(riskcast, "load_case", curt)
    with pytest.raises(AssertionError, match="without a mend"):
        trial("case", 0)
