"""Cases in uploaded files, read as the app reads them."""

from __future__ import annotations

from collections.abc import Mapping

import riskcast
from files import uploads


def read_case_upload(name: str, content: bytes) -> riskcast.Case:
    """The case in a zip."""
    return uploads.load_files(name, *uploads.unpacked(name, content))


def read_case_files(files: Mapping[str, bytes]) -> riskcast.Case:
    """The case in several files, by name."""
    return uploads.load_files(uploads.UPLOAD, *uploads.gathered(files))
