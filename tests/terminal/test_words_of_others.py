"""Whatever a text holds, the terminal shows it as words: no colours, no links, no turned writing, no moved cursor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import riskcast
from riskcast.cli.options import print_json
from riskcast.terminal.forecasts import make_console
from tests.support.command_line import Run
from tests.support.hostile import words_of, write_hostile_case

STEERS = "red \x1b[31m, \x1b]8;;http://evil.example\x07link, \x9b1m, \u202eturned, \r over"


def test_a_console_obeys_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.table import Table

    table = Table("[red]head[/red]", width=78)
    table.add_row("[bold]cell[/bold] :tada: [link=http://evil.example]x[/link]")
    table.add_row(STEERS)
    make_console().print("[b]text[/b]", STEERS, table)
    shown = capsys.readouterr().out
    for words in ("[b]text[/b]", "[red]head[/red]", "[bold]cell[/bold] :tada:", "[link=http://evil.example]x"):
        assert words in shown
    assert not {"\x1b", "\x9b", "\u202e", "\r"} & set(shown)
    assert "\\x1b[31m" in shown


def test_json_for_programs_holds_the_same_in_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"label": STEERS})
    shown = capsys.readouterr().out
    assert not {"\x1b", "\x9b", "\u202e", "\r"} & set(shown)
    assert json.loads(shown) == {"label": STEERS}


@pytest.mark.parametrize("words", [["check"], ["forecast", "--draws", "100", "--allow-unreliable"], ["scenarios"]])
def test_commands_show_a_hostile_case_as_words(words: list[str], run: Run, tmp_path: Path) -> None:
    folder = write_hostile_case(tmp_path / "mine")
    status, out, err = run(words[0], folder, *words[1:])
    assert status == 0, err
    assert not {"\x1b", "\u202e", "\u2066"} & set(out + err)
    case = riskcast.load_case(folder)
    seen = "".join((out + err).split())
    told = case.scenario("storm").story if words[0] == "scenarios" else case.settings.title
    assert "".join(words_of(told).split()) in seen
