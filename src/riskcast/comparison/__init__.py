"""What differs between two cases, and what each change is responsible for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from riskcast.comparison.attribute_changes import Difference as Difference
    from riskcast.comparison.attribute_changes import diff as diff
    from riskcast.comparison.changes import describe_changes as describe_changes

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "attribute_changes": ["Difference", "diff"],
        "changes": ["describe_changes"],
    },
)
