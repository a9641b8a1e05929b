"""The command line, run in this process."""

from __future__ import annotations

from typing import Protocol

import pytest

from riskcast.cli.commands import main


class Run(Protocol):
    """Runs the command line: exit status, standard output, standard error."""

    def __call__(self, *arguments: object) -> tuple[int, str, str]: ...


def runner(capsys: pytest.CaptureFixture[str], *first: str) -> Run:
    """What runs the command line with these words before those that it is called with."""

    def run(*arguments: object) -> tuple[int, str, str]:
        status = 0
        try:
            main([*first, *map(str, arguments)])
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run
