"""Files and folders are whole or not there: on full disks, interrupted, beside other writers, on other systems."""

from __future__ import annotations

import datetime as dt
import errno
import subprocess
import sys
import types
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import riskcast
from riskcast.errors import OptionError, RiskcastError
from riskcast.exports.backtest_report import write_backtest, write_calibration
from riskcast.exports.writers import names_of
from riskcast.machinery.locks import lock
from riskcast.machinery.staging import stage, sync_folder, write_atomically, write_folder
from tests.support import handover
from tests.support.smallcase import write_files
from tests.support.smallpanel import write_panel_case

resource = pytest.importorskip("resource", reason="limits the size of files as POSIX does")
FULL = 1500


@contextmanager
def full_disk(most: int = FULL) -> Generator[None]:
    """No file grows beyond so many bytes, which ends in an error of the system as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def refused(folder: Path, write: Callable[[], object], most: int = FULL) -> str:
    """What is said where a disk is full; nothing changes in a folder."""
    before = contents(folder)
    with full_disk(most), pytest.raises(RiskcastError) as told:
        write()
    assert contents(folder) == before
    said = str(told.value)
    assert str(folder) in said
    assert ".riskcast-" not in said
    assert "\n" not in said
    return said


@pytest.fixture
def small(tmp_path: Path) -> riskcast.Case:
    return riskcast.load_case(write_files(tmp_path / "given" / "case"))


@pytest.mark.parametrize("name", names_of())
def test_no_format_is_half_written_on_a_full_disk(name: str, tmp_path: Path) -> None:
    single = handover.single()
    known = tuple(single.explanations.items())
    out = tmp_path / "out"
    (out).mkdir()
    (out / "mine.txt").write_text("mine", encoding="utf-8")
    (out / "provenance.json").write_text("earlier", encoding="utf-8")
    assert "File too large" in refused(out, lambda: riskcast.export(single.risks, out, [name], explanations=known))


def test_no_case_is_half_written_on_a_full_disk(small: riskcast.Case, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    refused(out, lambda: riskcast.write_case(small, out / "new"), 300)
    riskcast.write_case(small, out / "old")
    other = small.revised(event_rows=small.event_rows[:-1])
    refused(out, lambda: riskcast.write_case(other, out / "old"), 300)
    assert riskcast.load_case(out / "old").hash == small.hash
    riskcast.write_case(other, out / "old")
    assert riskcast.load_case(out / "old").hash == other.hash


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_no_panel_is_half_written_on_a_full_disk(suffix: str, tmp_path: Path) -> None:
    case = riskcast.load_case(write_panel_case(tmp_path / "given", suffix=suffix))
    out = tmp_path / "out"
    out.mkdir()
    refused(out, lambda: riskcast.write_case(case, out / "case"), 300)
    riskcast.write_case(case, out / "case")
    assert riskcast.load_case(out / "case").hash == case.hash


def test_tables_of_an_earlier_case_are_not_read_as_those_of_a_later_one(tmp_path: Path) -> None:
    given = write_files(tmp_path / "given")
    table = given / "history" / "coverage.csv"
    table.write_text("unit,type,from,until\nALL,ALL,2016-01-01,2019-12-31\n", encoding="utf-8")
    covered = riskcast.load_case(given)
    riskcast.write_case(covered, tmp_path / "out")
    table.unlink()
    bare = riskcast.load_case(given)
    riskcast.write_case(bare, tmp_path / "out")
    assert riskcast.load_case(tmp_path / "out").hash == bare.hash != covered.hash


def test_no_run_is_half_written_on_a_full_disk(small: riskcast.Case, tmp_path: Path) -> None:
    run = riskcast.run(small, draws=100)
    out = tmp_path / "out"
    out.mkdir()
    refused(out, lambda: riskcast.write_bundle(run, out))
    made = riskcast.write_bundle(run, out)
    assert riskcast.read_bundle(made).case.hash == small.hash


def test_a_backtest_on_a_full_disk_keeps_what_is_finished_and_goes_on_from_it(
    small: riskcast.Case, tmp_path: Path
) -> None:
    def run(out: Path) -> riskcast.Backtest:
        return riskcast.backtest(small, draws=100, workers_count=1, out=out)

    whole = run(tmp_path / "whole")
    out = tmp_path / "out"
    with full_disk(), pytest.raises(RiskcastError, match=r"cannot write .*finished.*File too large.*then run again"):
        run(out)
    assert not list((out / "finished").glob("*"))
    again = run(out)
    assert again.forecasts.equals(whole.forecasts)
    report = tmp_path / "report"
    report.mkdir()
    refused(report, lambda: write_backtest(again, again.evaluate(), report))


def test_no_calibration_is_half_written_on_a_full_disk(small: riskcast.Case, tmp_path: Path) -> None:
    found = riskcast.calibrate(small, records=20, draws=100)
    out = tmp_path / "out"
    out.mkdir()
    refused(out, lambda: write_calibration(found, out))
    assert write_calibration(found, out).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_backtest_without_options_starts_where_a_short_record_allows(small: riskcast.Case) -> None:
    days = riskcast.backtest(small, draws=100, workers_count=1).origins
    assert days[0] == dt.date(2017, 12, 31)
    with pytest.raises(OptionError) as told:
        riskcast.backtest(small, horizon=60, draws=100, workers_count=1)
    assert "2021" not in str(told.value)
    assert "it takes a year of record before an origin" in str(told.value)
    with pytest.raises(OptionError, match=r"no origin to 2017-06-30 can be scored .* allows 2017-12-31 to 2019-12-31"):
        riskcast.backtest(small, end=dt.date(2017, 6, 30), draws=100, workers_count=1)


def test_a_folder_that_its_writer_breaks_off_is_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_folder(out, lambda made: write_atomically(made / "a.txt", "earlier"), ".making-")

    def broken(made: Path) -> None:
        write_atomically(made / "a.txt", "later")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_folder(out, broken, ".making-")
    assert contents(tmp_path) == {"out/a.txt": b"earlier"}


def test_what_a_killed_writer_left_goes_and_what_another_is_at_stays(tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom riskcast.machinery.staging import stage\n"
        "with stage(Path(sys.argv[1]), '.making-') as folder:\n"
        "    (folder / 'half').write_bytes(b'half')\n    os._exit(1)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert len(list(tmp_path.glob(".making-*"))) == 1
    with stage(tmp_path, ".making-") as first, stage(tmp_path, ".making-") as second:
        assert first.is_dir()
        assert second.is_dir()
        assert {path.name for path in tmp_path.iterdir()} == {first.name, second.name}
    assert not list(tmp_path.iterdir())


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """As far as locks go, the modules of Windows; which process has which file."""
    held: dict[int, int] = {}

    def locking(handle: int, mode: int, count: int) -> None:
        import os

        number = os.fstat(handle).st_ino
        if number in held:
            raise OSError(errno.EACCES, "Permission denied")
        held[number] = handle

    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", types.SimpleNamespace(locking=locking, LK_NBLCK=2))
    return held


def test_locks_are_those_of_windows_where_there_is_nothing_else(windows: dict[int, int], tmp_path: Path) -> None:
    with lock(tmp_path / "a") as ours, lock(tmp_path / "a") as too, lock(tmp_path / "b") as other:
        assert (ours, too, other) == (True, False, True)
    assert len(windows) == 2


def test_a_folder_is_guarded_by_a_file_beside_it_where_the_system_opens_none(
    windows: dict[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import os

    monkeypatch.delattr(os, "O_DIRECTORY")
    (tmp_path / ".making-dead").mkdir()
    with stage(tmp_path, ".making-") as first, stage(tmp_path, ".making-") as second:
        assert first.is_dir()
        assert second.is_dir()
        names = {name for each in (first, second) for name in (each.name, f"{each.name}.lock")}
        assert {path.name for path in tmp_path.iterdir()} == names
    assert not list(tmp_path.iterdir())


def test_no_folder_is_opened_where_the_system_opens_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    monkeypatch.delattr(os, "O_DIRECTORY")
    sync_folder(tmp_path / "nowhere")
    write_atomically(tmp_path / "a.txt", "whole")
    assert (tmp_path / "a.txt").read_bytes() == b"whole"


def test_a_place_that_is_a_file_or_read_only_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OptionError, match="is a file"):
        write_folder(tmp_path / "file" / "below", lambda made: None, ".making-")
    with pytest.raises(RiskcastError, match="cannot write to /proc"):
        write_folder(Path("/proc/riskcast"), lambda made: None, ".making-")


def test_a_panel_of_a_place_outside_the_case_is_not_written(tmp_path: Path) -> None:
    case = riskcast.load_case(write_panel_case(tmp_path / "given"))
    assert case.settings.panel is not None
    for name in ("/panel.csv", "../panel.csv", "C:\\panel.csv", "..\\panel.csv", "\\\\host\\share\\panel.csv"):
        panel: Any = case.settings.panel.model_copy(update={"file": name})
        moved = case.model_copy(update={"settings": case.settings.model_copy(update={"panel": panel})})
        with pytest.raises(OptionError, match="lies outside the case"):
            riskcast.write_case(moved, tmp_path / "out")
    assert not (tmp_path / "out").exists()
