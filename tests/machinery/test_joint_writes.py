"""Several files written together: all or none, whatever kills the writer and wherever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from riskcast.errors import CaseError, RiskcastError
from riskcast.machinery import joint_writes
from riskcast.machinery.joint_writes import PENDING, read_steadily, sole_writer, write_together

OLD = {"a.txt": b"old a", "history/b.txt": b"old b"}
NEW = {"a.txt": b"new a", "history/b.txt": b"new b", "c.txt": b"new c"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "case"
    for name, content in OLD.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(content)
    return made


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_files_and_folders_come_together(folder: Path) -> None:
    with sole_writer(folder):
        write_together(folder, {**NEW, "a.txt": None}, {"kept/one": {"x/y.txt": b"y"}})
    assert contents(folder) == {"history/b.txt": b"new b", "c.txt": b"new c", "kept/one/x/y.txt": b"y"}


CHILD = """
import os, sys
from pathlib import Path
from riskcast.machinery import joint_writes
steps = [int(sys.argv[2])]
def counted(own):
    def call(*given, **more):
        if steps[0] == 0:
            os.kill(os.getpid(), 9)
        steps[0] -= 1
        return own(*given, **more)
    return call
os.fsync = counted(os.fsync)
os.replace = counted(os.replace)
os.rename = counted(os.rename)
os.unlink = counted(os.unlink)
os.rmdir = counted(os.rmdir)
folder = Path(sys.argv[1])
with joint_writes.sole_writer(folder):
    joint_writes.write_together(folder, {"a.txt": b"new a", "history/b.txt": b"new b", "c.txt": b"new c"}, {})
print("done")
"""


def test_a_killed_writer_leaves_old_or_new(folder: Path) -> None:
    """Killed before every step that touches the disk, one after the other."""
    seen = set()
    for step in range(60):
        for name, content in OLD.items():
            (folder / name).write_bytes(content)
        (folder / "c.txt").unlink(missing_ok=True)
        ran = subprocess.run(
            [sys.executable, "-c", CHILD, str(folder), str(step)], capture_output=True, text=True, check=False
        )
        found = read_steadily(folder, lambda: contents(folder))
        plain = {name: content for name, content in found.items() if not name.startswith(".")}
        assert plain in (OLD, NEW), step
        seen.add(plain == NEW)
        if "done" in ran.stdout:
            break
    else:
        pytest.fail("the writer never came to its end")
    assert seen == {True, False}
    with sole_writer(folder):
        write_together(folder, {"a.txt": b"later"}, {})
    assert contents(folder) == {**NEW, "a.txt": b"later"}


def test_a_full_disk_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(joint_writes, "_write", full)
    with pytest.raises(RiskcastError, match=r"No space left on device.*nothing was changed"), sole_writer(folder):
        write_together(folder, NEW, {})
    assert contents(folder) == OLD


def test_a_read_only_file_is_not_replaced(folder: Path) -> None:
    (folder / "a.txt").chmod(0o444)
    with pytest.raises(CaseError, match="read-only"), sole_writer(folder):
        write_together(folder, NEW, {})
    assert contents(folder) == OLD


def test_a_link_stays_one_and_permissions_stay(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_bytes(b"old a")
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to(elsewhere)
    (folder / "history" / "b.txt").chmod(0o640)
    with sole_writer(folder):
        write_together(folder, NEW, {})
    assert (folder / "a.txt").is_symlink()
    assert elsewhere.read_bytes() == b"new a"
    assert (folder / "history" / "b.txt").stat().st_mode & 0o777 == 0o640


def test_two_writers_wait_for_one_another(folder: Path) -> None:
    with (
        sole_writer(folder),
        pytest.raises(RiskcastError, match="somebody else has been writing"),
        sole_writer(folder, patience=0.0),
    ):
        pass


def test_a_reader_reads_anew_where_files_change_meanwhile(folder: Path) -> None:
    seen = []

    def read() -> bytes:
        seen.append(1)
        if len(seen) == 1:
            (folder / "a.txt").write_bytes(b"changed while read")
        return (folder / "a.txt").read_bytes()

    assert read_steadily(folder, read) == b"changed while read"
    assert len(seen) == 2


def test_an_edit_with_a_damaged_part_is_told(folder: Path) -> None:
    (folder / PENDING).mkdir()
    (folder / PENDING / "0").write_bytes(b"other")
    plan = {"files": {"a.txt": ["0", "00"]}, "folders": {}}
    (folder / PENDING / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    with pytest.raises(RiskcastError, match="damaged"), sole_writer(folder):
        pass
    assert (folder / "a.txt").read_bytes() == b"old a"
    assert os.path.lexists(folder / PENDING)
