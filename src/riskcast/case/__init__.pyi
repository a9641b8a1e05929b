from .addresses import followed as followed
from .checks import find_problems as find_problems
from .doubts import find_doubts as find_doubts, find_scenario_doubts as find_scenario_doubts
from .files import list_cases as list_cases, load_case as load_case, write_case as write_case
from .judgements import Doubt as Doubt
from .model import Case as Case, Scenario as Scenario
from .overlays import (
    Overlay as Overlay,
    apply_overlay as apply_overlay,
    apply_overlays as apply_overlays,
    load_overlay as load_overlay,
    nameless_overlays as nameless_overlays,
    overlay_text as overlay_text,
)
from .places import Place as Place, Places as Places, find_place as find_place, find_places as find_places
from .quantities import Quantity as Quantity, elicit as elicit, quantity_text as quantity_text
from .quantity_names import (
    QuantityName as QuantityName,
    driver_label as driver_label,
    ids_behind_driver as ids_behind_driver,
    ids_behind_outcome as ids_behind_outcome,
    level_ids as level_ids,
    name_quantity as name_quantity,
    ratio_is_for as ratio_is_for,
    with_unit as with_unit,
)
from .severities import severity_in_words as severity_in_words
from .states import KnownState as KnownState, find_state as find_state
from .vintage import case_as_of as case_as_of
from .vintage_folders import KeptVintage as KeptVintage
