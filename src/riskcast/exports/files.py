"""What writers share: plain data as JSON, and files put into a folder."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from itertools import batched
from pathlib import Path, PurePosixPath
from typing import Any, Final

# Pieces of text that are joined at a time, so that a large file is in memory once.
PART: Final = 10_000


def json_bytes(data: Any) -> bytes:
    """Plain data as JSON in UTF-8; days as YYYY-MM-DD; raises ValueError for what is not a number."""
    encoder = json.JSONEncoder(indent=2, ensure_ascii=False, allow_nan=False, default=lambda day: day.isoformat())
    out = io.BytesIO()
    for pieces in batched(encoder.iterencode(data), PART):
        out.write("".join(pieces).encode())
    out.write(b"\n")
    return out.getvalue()


def write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by their path below a folder."""
    for name, content in files.items():
        path = folder / PurePosixPath(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
