"""What is printed reaches every kind of stream: in its encoding, or as one line that says why not."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from riskcast.cli.commands import main
from riskcast.cli.streams import Door, OutputError, readable, standard_streams
from tests.support.smallcase import FILES, write_files

ENCODINGS = ("ascii", "cp1252", "latin-1", "cp437", "cp866", "utf-16", "utf-8")
NAMES = ("Škofja–Österland", "Қырғызстан")
QUICK = ("--draws", "100")


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case whose names no code page of one byte holds together."""
    text = FILES["case.yaml"]
    for plain, name in zip(("Aland", "Bland"), NAMES, strict=True):
        assert plain in text
        text = text.replace(plain, name)
    return write_files(tmp_path_factory.mktemp("foreign") / "case", case_yaml=text)


def printed(encoding: str, monkeypatch: pytest.MonkeyPatch, *words: object) -> tuple[int, str, str]:
    """Status, output and errors of a command whose streams have an encoding."""
    monkeypatch.setenv("COLUMNS", "80")
    pipes = [io.BytesIO(), io.BytesIO()]
    for name, pipe in zip(("stdout", "stderr"), pipes, strict=True):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(pipe, encoding=encoding, write_through=True))
    with pytest.raises(SystemExit) as leaving:
        main([str(word) for word in words])
    streams = (sys.stdout, sys.stderr)
    assert [stream.errors for stream in streams] == ["strict", "strict"]
    out, err = (pipe.getvalue().decode(encoding) for pipe in pipes)
    monkeypatch.undo()
    return int(leaving.value.code or 0), out, err


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_names_and_bars_are_printed_in_every_encoding(
    encoding: str, foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, err = printed(encoding, monkeypatch, "forecast", foreign, *QUICK)
    assert (status, err) == (0, "")
    first, second = NAMES
    unicode = encoding.startswith("utf")
    assert (first if unicode else "sterland") in out
    assert (second if unicode else "Qырghызстан" if encoding == "cp866" else "Qyrghyzstan") in out
    assert ("█" in out) is (unicode or encoding in ("cp437", "cp866"))
    assert ("#" in out) is (encoding in ("ascii", "cp1252", "latin-1"))


@pytest.mark.parametrize(
    ("encoding", "bar"), [("cp437", "██▌.██·"), ("ascii", "###.##."), ("latin-1", "###.##·"), ("utf-8", "█▊▌▎█▋·")]
)
def test_a_bar_is_drawn_with_the_blocks_that_there_are(
    encoding: str, bar: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, encoding=encoding, write_through=True))
    with standard_streams():
        sys.stdout.write("█▊▌▎█▋·")
        sys.stdout.flush()
    assert pipe.getvalue().decode(encoding) == bar


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize(
    "words",
    [
        ("check", "CASE"),
        ("scenarios", "CASE"),
        ("cases",),
        ("schema",),
        ("--help",),
        ("backtest", "--help"),
        ("explain", "CASE", "HHH-AAA", *QUICK),
        ("compare", "CASE", "--scenario", "baseline", "--scenario", "storm", *QUICK),
        ("diff", "CASE", "CASE", *QUICK),
        ("calibrate", "CASE", "--records", "20", "--workers", "1", *QUICK),
    ],
)
def test_every_command_prints_where_few_signs_can_be_held(
    encoding: str, words: tuple[str, ...], foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, err = printed(encoding, monkeypatch, *(foreign if word == "CASE" else word for word in words))
    assert (status, err) == (0, "")
    assert out.strip()


@pytest.fixture(scope="module")
def told(foreign: Path) -> Any:
    """What a forecast says to programs on a stream that holds everything."""
    return json.loads(shell(f"riskcast forecast {foreign} --json --draws 100", foreign)[1])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_is_the_same_in_every_encoding(
    encoding: str, foreign: Path, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, err = printed(encoding, monkeypatch, "forecast", foreign, "--json", *QUICK)
    assert (status, err) == (0, "")
    assert json.loads(out) == told


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("words", [("forecast", "Қырғыз\ud800"), ("forecast", "--Қ"), ("Қ",), ("schema", "Қ")])
def test_errors_are_told_in_every_encoding(
    encoding: str, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, err = printed(encoding, monkeypatch, *words)
    assert (status, out) == (2, "")
    assert err.strip()


def test_no_sign_is_left_out_where_none_is_like_it() -> None:
    assert readable("a\u200bb\ue000\ud800") == "a\\u200bb\\ue000\\ud800"
    assert readable("█▊▎··· −3 – 4 … ≤ ×") == "##.... -3 - 4 ... <= x"
    every = "".join(map(chr, range(0x80, 0x3000)))
    assert all(readable(sign) and readable(sign).isascii() for sign in every)


class Full(io.StringIO):
    """A stream of a disk that is full."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self._code = code

    def write(self, text: str) -> int:
        raise OSError(self._code, os.strerror(self._code))


def test_a_door_raises_what_nobody_else_handles_and_an_open_one_restores_what_was_there() -> None:
    with pytest.raises(OutputError, match="No space left"):
        print("words", file=Door(Full(errno.ENOSPC)))
    with pytest.raises(OutputError, match="closed"):
        print("words", file=Door(None))
    print("words", file=Door(Full(errno.ENOSPC), quiet=True))
    print("words", file=Door(None, quiet=True))
    before = sys.stdout, sys.stderr
    with standard_streams() as doors:
        assert (sys.stdout, sys.stderr) == doors
    assert (sys.stdout, sys.stderr) == before


def shell(script: str, folder: Path, **more: Any) -> tuple[int, str, str]:
    """Run a script of the shell in which `riskcast` is the command."""
    command = f'riskcast() {{ "{sys.executable}" -m riskcast "$@"; }}\n{script}'
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, encoding="utf-8", check=False, **more
    )
    return done.returncode, done.stdout, done.stderr


posix = pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")


@posix
@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        ("riskcast schema > /dev/full", 2, "cannot write the output: No space left on device"),
        ("riskcast cases > /dev/full", 2, "cannot write the output: No space left on device"),
        ("riskcast --help > /dev/full", 2, "cannot write the output: No space left on device"),
        ("riskcast --version > /dev/full", 2, "cannot write the output: No space left on device"),
        ("riskcast cases >&-", 2, "cannot write the output: it is closed"),
        ("riskcast cases <&- > listed && test -s listed", 0, ""),
        ("riskcast cases 2>&- > listed && test -s listed", 0, ""),
        ("riskcast cases >&- 2>&- <&-", 2, ""),
        ("riskcast forecast nowhere 2> /dev/full", 2, ""),
        ("riskcast forecast nowhere 2>&-", 2, ""),
        ("riskcast schema | true; exit ${PIPESTATUS[0]}", 0, ""),
        ("riskcast schema | head -1 > listed; exit ${PIPESTATUS[0]}", 0, ""),
        ("riskcast schema > >(exec >&-; sleep 0); wait", 0, ""),
    ],
)
def test_a_stream_that_takes_nothing_is_told_in_one_line(script: str, status: int, words: str, tmp_path: Path) -> None:
    found, out, err = shell(script, tmp_path)
    assert (found, out) == (status, "")
    assert words in err
    assert len(err.splitlines()) == bool(words)


@posix
@pytest.mark.parametrize("command", ["run CASE --draws 100", "export CASE --out x", "calibrate CASE", "app"])
def test_a_folder_that_is_gone_is_told(command: str, foreign: Path, tmp_path: Path) -> None:
    script = f"mkdir gone && cd gone && rmdir ../gone && riskcast {command.replace('CASE', str(foreign))}"
    status, out, err = shell(script, tmp_path)
    assert (status, out) == (2, "")
    assert err == (
        "riskcast: the folder in which this was started is gone; change to one that exists, then run again\n"
    )
    assert shell("mkdir gone && cd gone && rmdir ../gone && riskcast cases", tmp_path)[0] == 0


def test_without_a_home_and_with_an_unusable_place_for_temporary_files_a_case_is_read(
    foreign: Path, tmp_path: Path
) -> None:
    left: Callable[[str], bool] = lambda name: name not in ("HOME", "TMPDIR")  # noqa: E731
    bare = {name: value for name, value in os.environ.items() if left(name)} | {"TMPDIR": str(tmp_path / "nowhere")}
    status, out, err = shell(f"riskcast check {foreign}", tmp_path, env=bare)
    assert (status, err) == (0, "")
    assert "is valid" in out
