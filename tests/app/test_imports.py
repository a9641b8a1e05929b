"""The app knows riskcast by its public face alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import riskcast
from tests.support.places import APP

FILES = sorted(APP.rglob("*.py"))
MODULES = {"charts", "delimited", "forecast_charts", "pictures", "sheets", "theme", "workbook"}
FACE = {*riskcast.__all__, *MODULES}


def names_used(tree: ast.AST) -> set[str]:
    """What a file takes from riskcast."""
    used = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "riskcast":
            used |= {alias.name for alias in node.names} if node.module == "riskcast" else {node.module}
        elif isinstance(node, ast.Import):
            used |= {alias.name for alias in node.names if alias.name.startswith("riskcast.")}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "riskcast":
            used.add(node.attr)
    return used


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(APP)))
def test_a_file_of_the_app_uses_the_public_face(file: Path) -> None:
    assert names_used(ast.parse(file.read_text(encoding="utf-8"))) <= FACE


def test_other_ways_in_would_be_noticed() -> None:
    source = (
        "import riskcast.engines.hazard\nfrom riskcast.case.model import Case\n"
        "from riskcast import laplace\nriskcast.nothing()"
    )
    assert names_used(ast.parse(source)) == {"riskcast.engines.hazard", "riskcast.case.model", "laplace", "nothing"}
    assert len(FILES) > 10
