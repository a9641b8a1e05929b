"""What a case's files hold beside quantities: settings, which nobody elicits and no overlay changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel

from riskcast.case.derivations import Derivation
from riskcast.case.model import (
    AssumedEvent,
    Case,
    Effect,
    EventType,
    Indicator,
    IndicatorMove,
    Measure,
    Raise,
    StatedLevel,
)
from riskcast.case.quantities import Quantity
from riskcast.case.quantity_ids import find_id
from riskcast.case.settings import Band, FiscalYear, Hyperpriors, Memory, PanelSettings, Settings, Tension
from riskcast.case.where import COVERAGE_FILE

_ELICITED: Final = (Quantity, StatedLevel, Raise, Measure, Memory, Hyperpriors, Tension)
_RECALL: Final = "recall"
_HOLDERS: Final[Mapping[str, tuple[type[BaseModel], ...]]] = {
    "case.yaml": (Settings, Band, Derivation, FiscalYear, Memory, PanelSettings, Tension),
    "indicators.yaml": (Indicator, Measure, Raise, StatedLevel),
    "outcomes.yaml": (EventType,),
    "effects.yaml": (Effect,),
    "scenarios.yaml": (IndicatorMove, AssumedEvent),
}
# What comes first in an id, and the file that it means; all else means the one in which the case keeps its settings.
_SECTIONS: Final = {
    **{section: f"{section}.yaml" for section in ("indicators", "outcomes", "effects", "scenarios")},
    **dict.fromkeys(("case", "settings", "memories", "hyperpriors", "tension", "panel"), "case.yaml"),
}


def files_of_setting(case: Case, key: str) -> tuple[str, ...]:
    """The files in which a setting stands that somebody took for a quantity; none where `key` names no setting.

    `key` is its name alone, or an id such as those of quantities: the section, the entry, and the name.

    >>> from riskcast import load_case
    >>> case = load_case("central_asia_2024")
    >>> files_of_setting(case, "memories.fast.days"), files_of_setting(case, "step")
    (('case.yaml',), ('indicators.yaml',))
    >>> files_of_setting(case, "indicators.xenophobia.reversion")
    ()
    """
    section, dot, rest = key.partition(".")
    name = rest.rpartition(".")[2] if dot else section
    quantity = find_id(key)
    if quantity is not None and name in (quantity.kind.field, quantity.kind.part):
        return ()
    # A name that is elicited in one part and a plain number in another means, alone, the former.
    if not dot and any(name in _quantities_of(model) for models in _HOLDERS.values() for model in models):
        return ()
    asked = [_SECTIONS[section]] if dot and section in _SECTIONS else _HOLDERS
    found = [file for file in asked if any(name in _settings_of(model) for model in _HOLDERS[file])]
    if name == _RECALL and found:
        # The table of what was searched says it for all types where there is one, and is refused beside their own.
        return (COVERAGE_FILE,) if case.coverage else ("outcomes.yaml", COVERAGE_FILE)
    return tuple(found)


def _quantities_of(model: type[BaseModel]) -> set[str]:
    """The keys of a part of a case that hold one quantity."""
    return {name for name, field in model.model_fields.items() if Quantity.__name__ in str(field.annotation)}


def _settings_of(model: type[BaseModel]) -> set[str]:
    """The keys of a part of a case that hold no quantity, nor parts that do."""
    own = {name: field for name, field in model.model_fields.items() if name not in Quantity.model_fields}
    return {
        field.alias or name
        for name, field in own.items()
        if not any(holder.__name__ in str(field.annotation) for holder in _ELICITED)
    }
