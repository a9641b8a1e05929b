"""Folders that come with riskcast: inside the package where it is installed, beside `src` in a clone."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def bundled(name: str) -> Path | None:
    """The folder of this name that came with riskcast, or None where it is missing."""
    return next((folder for folder in (PACKAGE / name, PACKAGE.parents[1] / name) if folder.is_dir()), None)
