"""What writers share: plain data as JSON, and files put into a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any


def json_bytes(data: Any) -> bytes:
    """Plain data as JSON in UTF-8; days as YYYY-MM-DD; raises ValueError for what is not a number."""
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False, default=lambda day: day.isoformat())
    return (text + "\n").encode()


def write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by their path below a folder."""
    for name, content in files.items():
        path = folder / PurePosixPath(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
