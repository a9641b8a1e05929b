"""A case's texts as Streamlit's Markdown shows them: as they stand."""

from __future__ import annotations

import re


def plain(words: str) -> str:
    """Text of a case file, so that Markdown shows it as it stands."""
    return re.sub(r"([\\`*_\[\]$#<>~|])", r"\\\1", words)
