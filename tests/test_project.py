"""The project's documents are true to its code."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import riskcast
from tests.support.places import APP, ROOT

SOURCE = ROOT / "src" / "riskcast"
ROOMS = {path.parent.name: path.parent for path in SOURCE.glob("*/__init__.py")}
GROUND_FACE = {
    *("CaseError", "RiskcastError", "UnreliablePosteriorError", "unforeseen", "visible", "wants_traceback"),
    *("factor_text", "long_date", "percent", "plain_number", "short_date", "signed", "signed_ends"),
    *("signed_number", "signed_range", "span"),
}
GROUND = {path.stem for path in SOURCE.glob("*.py")} - {"__init__", "__main__"}


def settings() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def modules(room: Path) -> set[str]:
    """Modules of a room, those of a room within it by both names."""
    found = (path.relative_to(room).with_suffix("") for path in room.rglob("*.py") if path.stem != "__init__")
    return {".".join(path.parts) for path in found}


def architecture() -> str:
    return (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def rooms_in_architecture() -> dict[str, list[str]]:
    """Every room in the order of the document, with the modules that its table names."""
    parts = re.split(r"^### `(\w+)`$", architecture().split("### Ground")[0], flags=re.M)[1:]
    tables = zip(parts[::2], parts[1::2], strict=True)
    rows = {room: [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")] for room, text in tables}
    return {room: [name for row in cells for name in re.findall(r"`([\w.]+)`", row)] for room, cells in rows.items()}


def layers(contract: str) -> list[set[str]]:
    """The layers of an import-linter contract over one container."""
    contracts = settings()["tool"]["importlinter"]["contracts"]
    [found] = [each for each in contracts if each.get("containers") == [contract]]
    return [{name.strip() for name in layer.split("|")} for layer in found["layers"]]


def flat(groups: Iterable[Iterable[str]]) -> list[str]:
    return [name for group in groups for name in group]


def test_architecture_names_every_room_and_module_once() -> None:
    told = rooms_in_architecture()
    assert set(told) == set(ROOMS)
    for room, names in told.items():
        assert sorted(names) == sorted(modules(ROOMS[room])), room
    ground = architecture().split("### Ground")[1].split("### The app")[0]
    assert set(re.findall(r"`(\w+)`", ground)) == GROUND


def test_architecture_has_the_order_that_the_import_linter_holds() -> None:
    levels = layers("riskcast")
    assert sorted(flat(levels)) == sorted({*ROOMS, *GROUND})
    place = {name: level for level, names in enumerate(levels) for name in names}
    told = [place[room] for room in rooms_in_architecture()]
    assert told == sorted(told)
    for room in ("case", "engines"):
        held = {name.partition(".")[0] for name in modules(ROOMS[room])}
        assert sorted(flat(layers(f"riskcast.{room}"))) == sorted(held), room


def test_the_first_view_is_small() -> None:
    shown = {path.name for path in SOURCE.iterdir()} - {"__pycache__"}
    assert len(shown) <= 27, sorted(shown)
    rooms = {path.name for path in APP.iterdir() if path.is_dir() and path.name[0] not in "._"}
    assert rooms == {"assumptions", "files", "parts", "reference_run", "scenarios", "state", "views"}


def test_tests_mirror_the_rooms() -> None:
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/__init__.py")}
    assert folders == {*ROOMS, "app", "notebooks", "support"}


def test_faces_of_rooms_and_of_the_package_name_the_same() -> None:
    """The package hands on what its rooms do; no module of a face bears the name of what the face hands on."""
    from importlib import import_module

    public = set(riskcast.__all__) - {"__version__"}
    for name in public:
        assert getattr(riskcast, name) is not None
    of_rooms = {name for room in ROOMS for name in getattr(import_module(f"riskcast.{room}"), "__all__", ())}
    assert public - of_rooms == GROUND_FACE
    # Importing a module would put it in place of a function of its name on the same face.
    assert not public & {*ROOMS, *GROUND}
    for room, folder in ROOMS.items():
        face = set(getattr(import_module(f"riskcast.{room}"), "__all__", ()))
        assert not face & {path.stem for path in folder.iterdir()}, room


def test_readme_names_only_commands_and_options_that_exist() -> None:
    from typer.main import get_group

    from riskcast.cli.commands import app

    commands = get_group(app).commands
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    used = re.findall(r"riskcast ([a-z]+(?:-[a-z]+)*)((?: --?[a-z][a-z-]*| [a-z_0-9A-Z.-]+)*)", text)
    called = [(name, rest) for name, rest in used if name in commands]
    assert {name for name, _ in called} == set(commands)
    for name, rest in called:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known


def test_contributors_are_told_of_commands_that_exist() -> None:
    recipes = set(re.findall(r"^(\w+)[^:\n]*:", (ROOT / "justfile").read_text(encoding="utf-8"), flags=re.M))
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert set(re.findall(r"uv run just (\w+)", told)) <= recipes
    for path in re.findall(r"uv run (?:just test|pytest) ([\w./]+)", told):
        assert (ROOT / path).exists(), path


def test_paths_in_architecture_exist() -> None:
    told = re.findall(
        r"`((?:case|record|engines|forecasting|exports|cli|verification|machinery|tests|app|docs)/[\w/.]+)",
        architecture(),
    )
    for path in told:
        place = path.split(":")[0]
        if "NAME" not in place:
            assert (SOURCE / place).exists() or (ROOT / place).exists(), path


def test_nothing_outside_the_project_is_read_at_run_time() -> None:
    for path in (*SOURCE.rglob("*.py"), *APP.rglob("*.py")):
        assert "shared/" not in path.read_text(encoding="utf-8"), path


def pins() -> dict[str, str]:
    """What constraints.txt pins for this system, by name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    here = [each for each in found if each.marker is None or each.marker.evaluate()]
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in here}


def test_constraints_pin_what_is_tried_and_name_no_host() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert "@" not in text
    pinned = pins()
    tools = {"riskcast", "pip", "setuptools", "wheel", "uv"}
    # A package that was imported may have put folders of its own on the path.
    installed = distributions(path=[sysconfig.get_path("purelib")])
    tried = {canonicalize_name(each.name): each.version for each in installed}
    other = {name: version for name, version in tried.items() if name not in tools and pinned.get(name) != version}
    assert not other, f"run: uv run just constraints; other than pinned: {other}"
    project = settings()["project"]
    named = [*project["dependencies"], *flat(project["optional-dependencies"].values())]
    assert {canonicalize_name(Requirement(line).name) for line in named} <= set(pinned)


def test_what_is_claimed_of_the_package_is_true() -> None:
    project, lowest = settings()["project"], re.search(r"\d+\.\d+", settings()["project"]["requires-python"])
    assert lowest is not None
    versions = [each.rpartition(" ")[2] for each in project["classifiers"] if "Python ::" in each]
    assert versions[0] == lowest[0]
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in versions
    assert (SOURCE / "py.typed").exists()
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    for line in (*project["dependencies"], *flat(project["optional-dependencies"].values())):
        assert any(each.operator == ">=" for each in Requirement(line).specifier), line


def test_no_lock_file_and_no_benchmark_data_is_tracked() -> None:
    run = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.skip("not a git checkout")
    tracked = run.stdout.split()
    assert "uv.lock" not in tracked
    assert not [name for name in tracked if name.endswith((".parquet", ".nc"))]
