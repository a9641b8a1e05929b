"""A run that is interrupted goes on where it was; nothing that is damaged or foreign is taken for a result."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from riskcast.errors import OptionError, RiskcastError
from riskcast.machinery.checkpoints import Finished, finish_tasks, open_checkpoints
from riskcast.machinery.staging import write_atomically
from riskcast.machinery.workers import workers

PATIENCE = 120.0
RUN = {"case": "abc", "seed": 1, "origins": ["2019-01", "2019-02"]}


def table(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "chance": rng.random(4),
            "count": rng.integers(0, 9, 4),
            "dyad": pd.Categorical(["KAZ", "UZB", "KAZ", "TJK"]),
            "label": ["a", "b", None, "ü"],
            "day": pd.date_range("2020-01-01", periods=4),
            "happened": [True, False, True, True],
        },
        index=pd.MultiIndex.from_product([["x", "y"], [1, 2]], names=["event", "step"]),
    )
    frame.loc[("y", 2), "chance"] = math.nan
    return frame


def same(one: Finished, other: Finished) -> bool:
    for name in one.frames:
        pd.testing.assert_frame_equal(one.frames[name], other.frames[name], check_exact=True)
    return list(one.frames) == list(other.frames) and one.facts == other.facts


def only_file(folder: Path) -> Path:
    (path,) = (folder / "finished").glob("*.zip")
    return path


def test_a_saved_result_reads_back_the_same_in_a_later_run(tmp_path: Path) -> None:
    saved = Finished(
        {"forecasts": table(1), "ranks": table(2), "none": table()[["chance", "label"]][:0]},
        {"k_hat": 0.1 + 0.2, "to": [1]},
    )
    with open_checkpoints(tmp_path / "a" / "b", RUN) as checkpoints:
        assert checkpoints.done() == frozenset()
        checkpoints.save("2019-01", saved.frames, saved.facts)
        assert same(checkpoints.load("2019-01"), saved)
    with open_checkpoints(tmp_path / "a" / "b", RUN) as checkpoints:
        assert checkpoints.done() == {"2019-01"}
        assert same(checkpoints.load("2019-01"), saved)


def test_any_text_can_be_a_key(tmp_path: Path) -> None:
    keys = ["../../up", "a/b", "a_b", "a b", "A_B", "", ".", "ü" * 300, "x\0y", "nul", "a\nb"]
    with open_checkpoints(tmp_path, RUN) as checkpoints:
        for number, key in enumerate(keys):
            checkpoints.save(key, {}, {"number": number})
    with open_checkpoints(tmp_path, RUN) as checkpoints:
        assert checkpoints.done() == set(keys)
        assert [checkpoints.load(key).facts["number"] for key in keys] == list(range(len(keys)))
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "run.lock", "finished"}


def test_saving_again_replaces(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path, RUN) as checkpoints:
        checkpoints.save("a", {"t": table(1)}, {"n": 1})
        checkpoints.save("a", {"t": table(2)}, {"n": 2})
        assert same(checkpoints.load("a"), Finished({"t": table(2)}, {"n": 2}))


def test_what_is_not_finished_cannot_be_loaded(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path, RUN) as checkpoints, pytest.raises(RiskcastError, match="no finished task 'a'"):
        checkpoints.load("a")


def reopened(folder: Path) -> tuple[frozenset[str], Finished | None]:
    with open_checkpoints(folder, RUN) as checkpoints:
        done = checkpoints.done()
        return done, checkpoints.load("a") if done else None


def test_a_file_cut_short_anywhere_is_no_result(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path, RUN) as checkpoints:
        checkpoints.save("a", {"t": table()}, {"n": 1})
    path = only_file(tmp_path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        assert reopened(tmp_path)[0] == frozenset()
    path.write_bytes(whole[:-1])
    with open_checkpoints(tmp_path, RUN) as checkpoints:
        assert checkpoints.done() == frozenset()
        checkpoints.save("a", {}, {"n": 2})
        assert checkpoints.load("a").facts == {"n": 2}


def test_a_file_with_a_changed_byte_is_no_result_or_the_same(tmp_path: Path) -> None:
    expected = Finished({"t": table()}, {"n": 1})
    with open_checkpoints(tmp_path, RUN) as checkpoints:
        checkpoints.save("a", expected.frames, expected.facts)
    path = only_file(tmp_path)
    whole = path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 23):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        done, found = reopened(tmp_path)
        refused += not done
        assert found is None or same(found, expected)
    assert refused > 0.9 * len(range(0, len(whole), 23))


def test_a_file_damaged_while_the_run_goes_on_is_no_result(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path, RUN) as checkpoints:
        checkpoints.save("a", {"t": table()})
        path = only_file(tmp_path)
        path.write_bytes(path.read_bytes()[:200])
        with pytest.raises(RiskcastError, match="no finished task 'a'"):
            checkpoints.load("a")
        assert checkpoints.done() == frozenset()


def test_a_result_of_another_run_or_task_is_no_result(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path / "one", RUN) as one, open_checkpoints(tmp_path / "two", {"seed": 2}) as two:
        one.save("a", {}, {"n": 1})
        two.save("b", {}, {"n": 2})
    stranger = only_file(tmp_path / "two")
    (tmp_path / "one" / "finished" / stranger.name).write_bytes(stranger.read_bytes())
    assert reopened(tmp_path / "one")[0] == {"a"}


def test_a_file_under_another_name_is_no_result(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path, RUN) as checkpoints:
        checkpoints.save("a", {})
    only_file(tmp_path).rename(tmp_path / "finished" / "renamed.zip")
    assert reopened(tmp_path)[0] == frozenset()


def test_a_file_holds_nothing_but_tables_and_json(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path, RUN) as checkpoints:
        checkpoints.save("a", {"t": table(), "u": table()}, {"n": 1})
    with zipfile.ZipFile(only_file(tmp_path)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    json.loads(members.pop("facts.json"))
    assert len(members) == 2
    assert {content[:4] for content in members.values()} == {b"PAR1"}


def test_what_is_no_json_is_not_saved(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path, RUN) as checkpoints:
        with pytest.raises(TypeError):
            checkpoints.save("a", {}, {"function": print})
        assert checkpoints.done() == frozenset()
    with pytest.raises(TypeError), open_checkpoints(tmp_path / "b", {"function": print}):
        pytest.fail("that describes nothing")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"seed": 2}, "seed is 1 there, 2 here"),
        ({"case": "abd"}, 'case is "abc" there, "abd" here'),
        ({"new": None}, "new is absent there, null here"),
        ({"origins": ["2019-01"]}, 'origins is ["2019-01", "2019-02"] there, ["2019-01"] here'),
        ({"seed": math.nan}, "seed is 1 there, NaN here"),
    ],
)
def test_another_run_in_the_folder_is_told_by_what_differs(tmp_path: Path, changed: dict[str, Any], told: str) -> None:
    with open_checkpoints(tmp_path, RUN) as checkpoints:
        checkpoints.save("a", {})
    with pytest.raises(OptionError) as caught, open_checkpoints(tmp_path, RUN | changed):
        pytest.fail("the folder holds another run")
    assert str(caught.value) == f"{tmp_path} holds another run: {told}; give another --out, or remove the folder"
    assert reopened(tmp_path)[0] == {"a"}


def test_the_order_and_kind_of_sequence_in_a_description_do_not_matter(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path, {"a": (1, 2), "b": math.nan}) as checkpoints:
        checkpoints.save("a", {})
    with open_checkpoints(tmp_path, {"b": math.nan, "a": [1, 2]}) as checkpoints:
        assert checkpoints.done() == {"a"}


def test_many_differences_are_told_in_short(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path, {f"k{i}": "x" * 1000 for i in range(50)}):
        pass
    with pytest.raises(OptionError) as caught, open_checkpoints(tmp_path, {}):
        pytest.fail("the folder holds another run")
    assert len(str(caught.value)) < 1000
    assert "; ...;" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe"])
def test_a_damaged_description_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(OptionError, match=r"run\.json is not a description of a run; give another"):  # noqa: SIM117
        with open_checkpoints(tmp_path, RUN):
            pytest.fail("the folder cannot be trusted")


def test_a_folder_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match="give another --out"), open_checkpoints(tmp_path / "file", RUN):
        pytest.fail("that is a file")


def test_two_runs_at_once_in_one_folder_are_an_error(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom riskcast.machinery.checkpoints import open_checkpoints\n"
        f"with open_checkpoints(sys.argv[1], {RUN!r}):\n    print('open', flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(OptionError, match="another run is writing to"), open_checkpoints(tmp_path, RUN):
            pytest.fail("the folder is in use")
        other.kill()
        other.wait()
    with open_checkpoints(tmp_path, RUN) as checkpoints:
        assert checkpoints.done() == frozenset()
        with pytest.raises(OptionError, match="another run is writing to"), open_checkpoints(tmp_path, RUN):
            pytest.fail("the folder is in use")


def test_tasks_are_finished_once_in_the_order_of_their_keys(tmp_path: Path) -> None:
    asked: list[str] = []
    crews: list[int] = []
    told: list[tuple[int, int]] = []

    def arguments(key: str) -> tuple[int, int]:
        if len(key) > 1:
            raise RiskcastError("stop")
        asked.append(key)
        return ord(key), 10

    def crew(count: int):
        crews.append(count)
        return workers(1)

    def finish(*keys: str) -> dict[str, Any]:
        with open_checkpoints(tmp_path, RUN) as checkpoints:
            found = finish_tasks(
                divmod,
                keys,
                arguments,
                lambda pair: Finished({"rest": pd.DataFrame({"rest": [pair[1]]})}, {"tens": pair[0]}),
                crew,
                checkpoints,
                lambda done, total: told.append((done, total)),
            )
        return {key: (one.facts["tens"], int(one.frames["rest"]["rest"][0])) for key, one in found.items()}

    with pytest.raises(RiskcastError, match="stop"):
        finish("c", "a", "stop", "b")
    assert finish("c", "b", "a") == {"a": (9, 7), "b": (9, 8), "c": (9, 9)}
    assert finish("a") == {"a": (9, 7)}
    assert asked == ["c", "a", "b"]
    assert crews == [4, 1]
    assert told == [(0, 4), (1, 4), (2, 4), (2, 3), (3, 3), (1, 1)]


@pytest.mark.parametrize("content", ["Grüße\n", b"\x00\xff"])
def test_a_file_is_written_as_any_other(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / ("n" * 250)
    write_atomically(path, content)
    write_atomically(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert len(list(tmp_path.iterdir())) == 2


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report"
    write_atomically(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RiskcastError, match=r"cannot write .*report \(No space left on device\)"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(RiskcastError, match="cannot write"):
        write_atomically(tmp_path / "nowhere" / "report", "new")
    with pytest.raises(OptionError, match=r"is a folder; give a file to write"):
        write_atomically(tmp_path, "new")


SCRIPT = """
import os, signal, sys
from pathlib import Path
import numpy as np
import pandas as pd
from riskcast.machinery.checkpoints import open_checkpoints
from riskcast.machinery.workers import local_workers, run_tasks

def task(key, log):
    with open(log, "a") as file:
        file.write(key + "\\n")
    rng = np.random.default_rng(int(key))
    return pd.DataFrame({"value": rng.random(1000)}), {"mean": float(rng.normal())}

def run(folder, log, way):
    with open_checkpoints(folder, {"seed": 1}) as checkpoints, local_workers(2) as crew:
        before = len(checkpoints.done())
        def keep(key, result):
            if len(checkpoints.done()) == before + 3:
                if way == "between":
                    os.kill(os.getpid(), signal.SIGKILL)
                if way == "within":
                    os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
                if way == "interrupt":
                    signal.raise_signal(signal.SIGINT)
            checkpoints.save(key, {"values": result[0]}, result[1])
        todo = ((str(i), (str(i), log)) for i in range(12) if str(i) not in checkpoints.done())
        run_tasks(task, todo, crew, keep)
        print({str(i): checkpoints.load(str(i)).facts["mean"] for i in range(12)})

if __name__ == "__main__":
    run(*sys.argv[1:])
"""


def run_script(folder: Path, log: Path, way: str) -> subprocess.CompletedProcess[str]:
    script = log.with_name("script.py")
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(folder), str(log), way]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and output of a run that nothing interrupted."""
    place = tmp_path_factory.mktemp("whole")
    run = run_script(place / "run", place / "log", "to the end")
    assert run.returncode == 0, run.stderr
    return place / "run", run.stdout


def test_a_run_that_is_killed_again_and_again_goes_on_without_repeating_a_task(
    tmp_path: Path, whole: tuple[Path, str]
) -> None:
    folder, log = tmp_path / "killed", tmp_path / "log"
    before: frozenset[str] = frozenset()
    known: dict[str, int] = {}
    for way, number in (("between", signal.SIGKILL), ("within", signal.SIGKILL), ("interrupt", signal.SIGINT)):
        assert run_script(folder, log, way).returncode == -number
        assert bool(list((folder / "finished").glob(".riskcast-*.tmp"))) == (way == "within")
        with open_checkpoints(folder, {"seed": 1}) as checkpoints:
            done = checkpoints.done()
        assert before < done
        assert len(done) == len(before) + 3
        assert not list((folder / "finished").glob(".riskcast-*.tmp"))
        runs = Counter(log.read_text().split())
        assert {key: runs[key] for key in before} == known
        before, known = done, {key: runs[key] for key in done}

    again = run_script(folder, log, "to the end")
    assert again.returncode == 0, again.stderr
    runs = Counter(log.read_text().split())
    assert set(runs) == {str(i) for i in range(12)}
    assert {key: runs[key] for key in before} == known

    other, output = whole
    assert again.stdout == output
    found = {path.name: path.read_bytes() for path in (folder / "finished").iterdir()}
    assert found == {path.name: path.read_bytes() for path in (other / "finished").iterdir()}
    assert len(found) == 12
