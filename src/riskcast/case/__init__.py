"""What is believed, about whom, as of which date: read, checked, changed and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from riskcast.case.checks import find_problems as find_problems
    from riskcast.case.files import list_cases as list_cases
    from riskcast.case.files import load_case as load_case
    from riskcast.case.files import write_case as write_case
    from riskcast.case.model import Case as Case
    from riskcast.case.model import Scenario as Scenario
    from riskcast.case.overlays import apply_overlay as apply_overlay
    from riskcast.case.overlays import load_overlay as load_overlay
    from riskcast.case.overlays import overlay_text as overlay_text
    from riskcast.case.places import Place as Place
    from riskcast.case.places import Places as Places
    from riskcast.case.places import find_place as find_place
    from riskcast.case.places import find_places as find_places
    from riskcast.case.quantities import Quantity as Quantity
    from riskcast.case.quantities import elicit as elicit
    from riskcast.case.quantities import quantity_text as quantity_text
    from riskcast.case.vintage import case_as_of as case_as_of

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "checks": ["find_problems"],
        "files": ["list_cases", "load_case", "write_case"],
        "model": ["Case", "Scenario"],
        "overlays": ["apply_overlay", "load_overlay", "overlay_text"],
        "places": ["Place", "Places", "find_place", "find_places"],
        "quantities": ["Quantity", "elicit", "quantity_text"],
        "vintage": ["case_as_of"],
    },
)
