"""What every test finds as it was."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.support.command_line import Run, runner


@pytest.fixture(autouse=True)
def main_module_as_it_was() -> Iterator[None]:
    """Streamlit's AppTest puts its script in place of `__main__`, which worker processes then try to import."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line in this process, on a terminal of 80 columns: exit status, output, errors."""
    monkeypatch.setenv("COLUMNS", "80")
    return runner(capsys)
