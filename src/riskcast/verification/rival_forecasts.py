"""What rivals forecast from one origin, from what the model knows there: within the horizon, and within its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from riskcast.case.model import Case
from riskcast.errors import OptionError
from riskcast.machinery.array_types import Floats
from riskcast.machinery.random_streams import generator
from riskcast.record.arrays import Record
from riskcast.verification.forecasters import OF_RECORD, POOL, RIVALS, rival_names
from riskcast.verification.record_alone import at_recall_ahead, chance_by_reference
from riskcast.verification.rival_rows import rival_rows
from riskcast.verification.rivals import choose_setting, learn_chances, load_lightgbm

# Chances by event type, (units,) each.
Chances = Mapping[str, Floats]
FIRST_STEPS = (1, 2, 3, 6)


def check_rivals(names: Sequence[str]) -> tuple[str, ...]:
    """Rivals by name, each once, in the order in which tables list them; raises OptionError for names that are none,
    for a pool without rivals, and where what they are made with is not installed.

    >>> check_rivals(["pool", "logit"])
    ('logit', 'pool')
    """
    for name in names:
        if name != POOL and name not in RIVALS:
            raise OptionError(f"there is no rival {name!r}; choose among {', '.join(rival_names())}")
    chosen = tuple(name for name in rival_names() if name in names)
    if chosen == (POOL,):
        raise OptionError(f"a pool needs rivals; add some of {', '.join(RIVALS)}")
    if "boosting" in chosen:
        load_lightgbm()
    return chosen


def steps_of(horizon: int) -> tuple[int, ...]:
    """Steps short of a horizon, within which chances are scored apart: 1, 2, 3, 6, and then doubled.

    >>> steps_of(12), steps_of(1), steps_of(30)
    ((1, 2, 3, 6), (), (1, 2, 3, 6, 12, 24))
    """
    steps = list(FIRST_STEPS)
    while 2 * steps[-1] < horizon:
        steps.append(2 * steps[-1])
    return tuple(step for step in steps if step < horizon)


def forecast_rivals(
    case: Case, record: Record, names: Sequence[str], horizon: int, seed: int
) -> dict[str, dict[int, Chances]]:
    """By rival and step, the last of which is the horizon: chances that at least one event is recorded within it.

    Each rival learns, event type by event type, from windows as long as the step that had ended by the origin
    (`rival_rows`), at the setting that splits by time choose for the horizon; at the recall ahead, as references are.
    """
    steps = (*steps_of(horizon), horizon)
    found: dict[str, dict[int, dict[str, Floats]]] = {name: {step: {} for step in steps} for name in names}
    for event in case.outcomes:
        rows = rival_rows(case, record, event)
        for name in names:
            rival = RIVALS.get(name)
            drawn = int(generator(seed, "rival", name, event).integers(2**31))
            setting = choose_setting(rival, *rows.taught(horizon), horizon, drawn)
            for step in steps:
                x, y, _ = rows.taught(step)
                chance = learn_chances(rival, x, y, setting, drawn)(rows.x[-1])
                found[name][step][event] = at_recall_ahead(chance, record, event)
    return {name: dict(by_step) for name, by_step in found.items()}


def references_within(case: Case, record: Record, steps: Sequence[int]) -> dict[str, dict[int, Chances]]:
    """By reference of the record and step: chances that at least one event is recorded within it."""
    return {
        name: {step: {e: chance_by_reference(name, record, e, step) for e in case.outcomes} for step in steps}
        for name in OF_RECORD
    }
