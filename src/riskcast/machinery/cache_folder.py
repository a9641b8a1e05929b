"""Where results that can be worked out again are kept between calls."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

VARIABLE: Final = "RISKCAST_CACHE"


def cache_folder() -> Path:
    """The folder of the environment variable RISKCAST_CACHE; where it is not set, the system's folder for such files.

    >>> cache_folder().name != ""
    True
    """
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "riskcast" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "riskcast"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "riskcast"
