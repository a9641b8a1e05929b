"""Levels that a case states without saying of which day."""

from __future__ import annotations

from riskcast.case.model import Case


def undated_levels(case: Case) -> tuple[tuple[str, str], ...]:
    """Levels that are stated without a day, and so of the case's own: indicator, and unit where each has one.

    One that is held fixed and never moves is none of them.
    """
    found = []
    for name, indicator in case.indicators.items():
        if indicator.drift.is_fixed and indicator.drift.center == 0 and not indicator.raises:
            continue
        levels = indicator.now.items() if isinstance(indicator.now, dict) else [("", indicator.now)]
        found += [(name, unit) for unit, level in levels if level is not None and level.dated is None]
    return tuple(found)
