"""The week of an analyst in README: every command of it, one after the other."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import riskcast
from tests.cli.test_ledger import at
from tests.support.command_line import runner
from tests.support.places import ROOT

FEW = {
    "run": ("--draws", "100"),
    "changed": ("--draws", "100"),
    "history": ("--draws", "100", "--workers", "1", "--years", "1"),
}
SHOWN = {
    "update": "Kept as it stood: 2024-05-06-",
    "add-event": "event demarche of RUS-TJK on 2024-05-08",
    "add-value": "value 55 of xenophobia",
    "checked": "Written: ",
    "run": "runs/my_case-2024-05-13-",
    "changed": "From my_case as of 2024-05-06 to my_case as of 2024-05-13",
    "history": "RUS-TJK",
    "publish": "Receipt: ",
    "resolve": "0 answered, ",
    "track": "There is no track record yet.",
}


def test_the_week_in_readme_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RISKCAST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "160")
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("## The week of an analyst\n")[1].split("\n## ")[0]
    [block] = re.findall(r"```sh\n(.*?)```", text, flags=re.S)
    commands = [shlex.split(line) for line in block.splitlines()]
    assert [words[1] for words in commands] == list(SHOWN)
    at(monkeypatch, 2024, 5, 13)
    run = runner(capsys)
    assert run("copy", "central_asia_2024", "my_case")[0] == 0
    for _, name, *words in commands:
        given = [str(found) for word in words for found in (sorted(Path().glob(word)) if "*" in word else [word])]
        status, out, err = run(name, *given, *FEW.get(name, ()))
        assert status == 0, err
        assert SHOWN[name] in out + err, out
    assert [entry.author != "" for entry in riskcast.read_journal("my_case")] == [True] * 4
    assert riskcast.verify_ledger("ledger.sqlite").holds
