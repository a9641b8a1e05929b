"""The project's documents are true to its code."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest

from tests.support.places import ROOT

MODULES = {path.stem for path in (ROOT / "src" / "riskcast").glob("*.py")} - {"__init__", "__main__"}


def floors_in_architecture() -> list[set[str]]:
    table = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## Decisions")[0]
    rows = [line.split("|")[2] for line in table.splitlines() if line.startswith("|") and "`" in line]
    return [set(re.findall(r"`(\w+)`", row)) for row in rows]


def test_architecture_names_every_module_once() -> None:
    named = [name for floor in floors_in_architecture() for name in floor]
    assert sorted(named) == sorted(MODULES)


def test_architecture_has_the_floors_that_the_import_linter_checks() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    checked = [{name.strip().removeprefix("riskcast.") for name in layer.split("|")} for layer in layers]
    assert floors_in_architecture() == checked


def test_readme_names_only_commands_and_options_that_exist() -> None:
    from typer.main import get_command

    from riskcast.cli.commands import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    used = re.findall(r"riskcast ([a-z]+)((?: --?[a-z][a-z-]*| [a-z_0-9A-Z.-]+)*)", text)
    called = [(name, rest) for name, rest in used if name in commands]
    assert {name for name, _ in called} == set(commands)
    for name, rest in called:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known


def test_no_module_is_too_long() -> None:
    long = {
        path.name: len(lines)
        for path in (ROOT / "src" / "riskcast").glob("*.py")
        if len(lines := path.read_text(encoding="utf-8").splitlines()) > 480
    }
    assert not long


def test_nothing_outside_the_project_is_read_at_run_time() -> None:
    for path in (ROOT / "src" / "riskcast").glob("*.py"):
        assert "shared/" not in path.read_text(encoding="utf-8"), path


def test_no_lock_file_and_no_benchmark_data_is_tracked() -> None:
    run = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.skip("not a git checkout")
    tracked = run.stdout.split()
    assert "uv.lock" not in tracked
    assert not [name for name in tracked if name.endswith((".parquet", ".nc"))]
