"""What docs/updates.md shows is what happens."""

from __future__ import annotations

import doctest
import re

from typer.main import get_group

from riskcast.cli.commands import app
from tests.support.places import ROOT

DOCUMENT = ROOT / "docs" / "updates.md"


def test_the_examples_in_python_run() -> None:
    found = doctest.testfile(str(DOCUMENT), module_relative=False)
    assert found.attempted == 3
    assert found.failed == 0


def test_commands_and_options_exist() -> None:
    commands = get_group(app).commands
    for line in re.findall(r"riskcast ([a-z-]+ .*)|^\| `([a-z-]+ .*)\|$", DOCUMENT.read_text("utf-8"), flags=re.M):
        words = (line[0] or line[1]).split()
        if words[0] not in commands:
            continue
        known = {option for parameter in commands[words[0]].params for option in parameter.opts}
        told = set(re.findall(r"--[a-z-]+", " ".join(words)))
        assert told - {"--new-source"} <= known, words[0]
