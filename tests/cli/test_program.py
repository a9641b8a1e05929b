"""Ctrl-C and requests to end, at any moment: one line, the status that tells which, and nothing half done."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

import pytest

from riskcast.cli import program
from riskcast.errors import unforeseen
from tests.support.command_line import Run
from tests.support.smallcase import write_files

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals as POSIX has them")
COMMAND = Path(sysconfig.get_path("scripts")) / "riskcast"
PATIENCE = 60.0
SAID = {signal.SIGINT: (130, "riskcast: interrupted\n"), signal.SIGTERM: (143, "riskcast: asked to end\n")}
# Sends a signal to its own process as soon as a module is asked for.
HOOK = """\
import os, signal, sys

class Hook:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["HOOK"]:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), int(os.environ["NUMBER"]))

sys.meta_path.insert(0, Hook())
"""


def ended(words: list[str], number: int, folder: Path, module: str) -> tuple[int, str, str]:
    """How a command ends that gets a signal while it imports a module."""
    hooks = folder / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(hooks), "HOOK": module, "NUMBER": str(int(number))}
    done = subprocess.run(
        [str(COMMAND), *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("number", SAID)
@pytest.mark.parametrize(
    "module",
    ["riskcast.cli.streams", "typer", "numpy._core._multiarray_umath", "rich.table"],
)
def test_a_signal_during_an_import_is_one_line(module: str, number: int, tmp_path: Path) -> None:
    status, line = SAID[signal.Signals(number)]
    assert ended(["forecast", "--draws", "100"], number, tmp_path, module) == (status, "", line)


@pytest.mark.parametrize("module", ["riskcast.cli", "riskcast.cli.program"])
def test_an_interrupt_is_heard_before_anything_slow_is_imported(module: str, tmp_path: Path) -> None:
    assert ended(["--version"], signal.SIGINT, tmp_path, module) == (130, "", "riskcast: interrupted\n")


@pytest.mark.parametrize("module", ["xlsxwriter", "vl_convert"])
def test_an_interrupt_while_files_are_made_leaves_none(module: str, tmp_path: Path) -> None:
    case = write_files(tmp_path / "case")
    words = ["export", str(case), "--draws", "100", "--out", "out", "--formats", "csv,xlsx,html"]
    assert ended(words, signal.SIGINT, tmp_path, module) == (130, "", "riskcast: interrupted\n")
    assert not list((tmp_path / "out").rglob("*"))


def test_at_any_moment_a_signal_ends_the_program_or_comes_too_late(tmp_path: Path) -> None:
    case = write_files(tmp_path / "case")
    chance = random.Random(1)
    for moment in range(6):
        number = chance.choice(list(SAID))
        words = [str(COMMAND), "run", str(case), "--draws", "100", "--out", f"out{moment}"]
        running = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        # Python itself takes so long to hear signals.
        time.sleep(chance.uniform(0.2, 4.0))
        running.send_signal(number)
        _, err = running.communicate(timeout=PATIENCE)
        names = [path.name for path in (tmp_path / f"out{moment}").glob("*")]
        if running.returncode:
            assert (running.returncode, err) == SAID[number]
            assert not names
        else:
            assert (len(names), err) == (1, "")


@pytest.mark.parametrize("number", SAID)
def test_workers_end_with_the_program(number: int, tmp_path: Path) -> None:
    case = write_files(tmp_path / "case")
    words = [str(COMMAND), "calibrate", str(case), "--records", "2000", "--draws", "100", "--workers", "2"]
    mark = f"riskcast-{os.getpid()}-{number}"
    running = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "MARK": mark}
    )
    ends = time.monotonic() + PATIENCE
    while len(marked(mark)) < 3:
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < ends
        time.sleep(0.1)
    running.send_signal(number)
    _, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, err) == SAID[signal.Signals(number)]
    # The system takes a moment to bury them.
    while marked(mark):
        assert time.monotonic() < ends + PATIENCE
        time.sleep(0.1)


def marked(mark: str) -> list[int]:
    """Processes that were started with a mark in their environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"MARK={mark}".encode() in (place / "environ").read_bytes().split(b"\0"):
                found.append(int(place.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("number", SAID)
def test_the_app_ends_in_one_line_before_its_server_starts(number: int, tmp_path: Path) -> None:
    pytest.importorskip("streamlit")
    status, line = SAID[signal.Signals(number)]
    found, _, err = ended(["app", "--port", "18765", "--no-browser"], number, tmp_path, "streamlit.web.cli")
    assert (found, err) == (status, line)


def test_what_ignores_interrupts_goes_on(tmp_path: Path) -> None:
    script = f"trap '' INT; {COMMAND} forecast --draws 100 > out & sleep 1; kill -INT $!; wait $!"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out").read_text(encoding="utf-8").strip()


def test_an_interrupt_that_is_lost_in_the_end_of_an_object_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    signals = program._Signals()
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)

    class Ending:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(1000):
                pass

    try:
        signals.listen()
        Ending()
        with pytest.raises(KeyboardInterrupt):
            threading.Event().wait(10)
        assert signals.heard == signal.SIGINT
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_fault_says_where_to_report_it_and_with_what(monkeypatch: pytest.MonkeyPatch) -> None:
    said = unforeseen(ZeroDivisionError("division by zero"))
    assert "Report it to whoever you have riskcast from" in said
    assert f"Python {sys.version.split()[0]}" in said
    assert "RISKCAST_DEBUG=1" in said
    assert "\n" not in said

    class Metadata:
        def get_all(self, name: str) -> list[str]:
            return ["Homepage, https://riskcast.example", "Issues, https://riskcast.example/issues"]

    monkeypatch.setattr("importlib.metadata.metadata", lambda name: Metadata())
    assert "Report it at https://riskcast.example/issues" in unforeseen(ZeroDivisionError("x"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("rerun", "x" * 300), "is no folder"),
        (("diff", "a", "x" * 300), "File name too long; give a shorter path"),
        (("export", "central_asia_2024", "--out", "x" * 300), "give another --out"),
        (("export", "central_asia_2024", "--out", ""), "the path is empty; name a folder"),
        (("run", "central_asia_2024", "--out", ""), "the path is empty; name a folder"),
        (("backtest", "central_asia_2024", "--out", ""), "the path is empty; name a folder"),
    ],
)
def test_a_path_that_the_system_refuses_is_no_fault_of_riskcast(words: tuple[str, ...], told: str, run: Run) -> None:
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert told in err
    assert len(err.splitlines()) == 1
