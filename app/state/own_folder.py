"""The case folder that the app was started with, which the page Update edits in its place."""

from __future__ import annotations

import os
from pathlib import Path

import riskcast

OWN = "RISKCAST_APP_CASE"


def own_folder() -> Path | None:
    """The folder; None where the app was started without one."""
    given = os.environ.get(OWN)
    return Path(given) if given else None


def own_case() -> riskcast.Case | None:
    """The case in it as it stands now; None where there is none that can be read."""
    folder = own_folder()
    try:
        return None if folder is None else riskcast.load_case(folder)
    except riskcast.RiskcastError:
        return None
