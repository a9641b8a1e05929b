"""sha256 of plain data, blind to how it is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

# Key of a dataclass field's metadata: the value at which it says nothing, so that fingerprints from before it was there
# stay as they are.
SILENT_AT = "silent at"


def digest(content: Any) -> str:
    """sha256 of plain data in canonical form: sorted keys, numbers as the shortest text that reads back the same.

    >>> digest({"b": 1, "a": 2.0}) == digest({"a": 2, "b": 1.0})
    True
    """
    canonical = json.dumps(_canonical(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _canonical(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(key): _canonical(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_canonical(item) for item in content]
    if isinstance(content, (int, float)) and not isinstance(content, bool):
        return float(content) + 0.0  # minus zero is zero
    return content
