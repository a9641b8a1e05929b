"""What every test finds as it was."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest

from riskcast.engines.jobs import Job, Joint
from riskcast.engines.laplace_engine import Laplace
from riskcast.errors import DEBUG
from tests.support.command_line import Run, runner

# A loaded machine takes its time, and no example is wrong for it.
hypothesis.settings.register_profile("riskcast", deadline=None)
hypothesis.settings.load_profile("riskcast")

# What takes minutes begins first, so that no worker is left alone with it at the end.
LONGEST = (
    "tests/notebooks/",
    "tests/app/test_browser",
    "tests/ledger/test_a_year_of_weeks.py",
    "tests/engines/test_pymc_model.py",
    "tests/app/test_verify.py",
)
PAGES = "streamlit.testing.v1.local_script_runner"
SCANNER = "streamlit.components.v2.manifest_scanner"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.fixture(scope="session", autouse=True)
def interrupts_are_heard() -> Iterator[None]:
    """A shell that starts the tests in the background has interrupts ignored, here and in every process from here."""
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def unforeseen_errors_are_raised() -> Iterator[None]:
    """Neither the command line nor the app puts words in the place of a traceback, here and in every process from
    here."""
    before = os.environ.get(DEBUG)
    os.environ[DEBUG] = "1"
    yield
    os.environ.pop(DEBUG)
    if before is not None:
        os.environ[DEBUG] = before


# Those that show what others have tested again and again on the bundled case.
SHOWING = ("agents", "app", "charts", "cli", "comparison", "exports", "ledger", "runs", "src", "terminal")
MOST_KEPT = 12
_joints: dict[tuple[tuple[str, str], ...], Joint] = {}


@pytest.fixture(autouse=True)
def joint_fits_are_kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was fitted to the same fingerprints is the same, so that commands and pages need not all fit anew."""
    parts = request.path.relative_to(request.config.rootpath).parts
    if parts[parts[0] == "tests"] in SHOWING:
        monkeypatch.setattr(Laplace, "sample_together", _kept(Laplace.sample_together))


def _kept(sample: Callable[[Laplace, Job], Joint]) -> Callable[[Laplace, Job], Joint]:
    def sample_or_find(engine: Laplace, job: Job) -> Joint:
        if job.before is not None or job.grows:
            return sample(engine, job)
        marks = tuple(sorted(job.marks.items()))
        found = _joints.pop(marks, None) or sample(engine, job)
        _joints[marks] = found
        while len(_joints) > MOST_KEPT:
            del _joints[next(iter(_joints))]
        return found

    return sample_or_find


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


@pytest.fixture(autouse=True)
def installed_components_are_sought_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit's AppTest looks through all installed packages for each new session, which takes longer than a page."""
    scanner = sys.modules.get(SCANNER)
    if scanner is not None:
        monkeypatch.setattr(scanner, "scan_component_manifests", _once(scanner.scan_component_manifests))


@pytest.fixture(autouse=True)
def pages_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit's AppTest asks a thousand times a second whether a page is done, which keeps the page from it."""
    pages = sys.modules.get(PAGES)
    if pages is not None:
        monkeypatch.setattr(pages, "require_widgets_deltas", _waiting(pages.require_widgets_deltas))


@functools.cache
def _waiting(ask: Callable[[Any, float], None]) -> Callable[[Any, float], None]:
    def wait(runner: Any, timeout: float = 3) -> None:
        runner._script_thread.join(timeout)
        ask(runner, 0.1)

    return wait


@functools.cache
def _once(scan: Callable[[], Any]) -> Callable[[], Any]:
    return functools.cache(scan)
