"""The app knows riskcast by its public face alone: by what it imports, and by what it reads of results."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import riskcast
from tests.support.insides import Trespass, faces, inner_classes, leaks, telltale_names
from tests.support.places import APP

FILES = sorted(APP.rglob("*.py"))
FACES = {room: set(face.__all__) for room, face in faces().items()}
TELLTALE = telltale_names()


def imported(tree: ast.AST) -> Iterator[tuple[str, str, str]]:
    """Everything that a file imports: module, name in it (empty for the module itself), and what it is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "", alias.asname or alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name, alias.asname or alias.name) for alias in node.names)


def trespasses(source: str) -> set[str]:
    """What a file takes that is on no face of riskcast, or that only an inside has."""
    tree = ast.parse(source)
    # What may be asked of names that stand for modules; an attribute of others belongs to an object.
    modules: dict[str, set[str] | None] = {"riskcast": set(riskcast.__all__)}
    found = set()
    for module, name, called in imported(tree):
        top, _, room = module.partition(".")
        if top != "riskcast":
            modules[called] = None
            continue
        if module == "riskcast" and name in FACES:
            modules[called] = FACES[name]
        known = FACES.get(room, set()) if room else {"", *riskcast.__all__, *FACES}
        if name not in known:
            found.add(f"{module} {name}".strip())
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        of = node.value.id if isinstance(node.value, ast.Name) else ""
        if of in modules:
            known = modules[of]
            is_inside = known is not None and node.attr not in known
        else:
            hidden = node.attr.startswith("_") and not node.attr.endswith("__") and of != "self"
            is_inside = hidden or node.attr in TELLTALE or (node.attr == "events" and of.endswith("posterior"))
        if is_inside:
            found.add(ast.unparse(node))
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(APP)))
def test_a_file_of_the_app_uses_the_public_face(file: Path) -> None:
    assert trespasses(file.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    "source",
    [
        "import riskcast.engines.hazard",
        "from riskcast.case.model import Case",
        "from riskcast.exports import tables",
        "from riskcast import laplace",
        "riskcast.nothing()",
        "from riskcast import charts; charts.theme",
        "result.forecast.plan.edges",
        "drawn.coefficients[:, column]",
        "ahead.simulated",
        "posterior.models[event].years",
        "posterior.events[event].hyper",
        "posterior.record.timeline",
        "record.occurred[event]",
        "forecast._stand_ins",
    ],
)
def test_other_ways_in_would_be_noticed(source: str) -> None:
    assert trespasses(source)
    assert len(FILES) > 10


def test_the_face_itself_is_no_trespass() -> None:
    used = (
        "import riskcast\nfrom riskcast import charts\ncharts.map_chart(riskcast.score(ahead)); case.events; self._own"
    )
    assert trespasses(used) == set()


def test_what_engines_and_simulation_work_on_is_an_inside() -> None:
    assert {"Plan", "Edge", "Simulated", "EventModel", "EventDraws", "Record"} <= {
        one.__name__ for one in inner_classes()
    }
    held = leaks()
    assert held[riskcast.Forecast] == {"plan", "simulated"}
    assert held[riskcast.Posterior] == {"record", "models", "events", "shared", "mixture"}
    assert {"coefficients", "hyper", "plan", "simulated", "shocks", "occurred"} <= TELLTALE


@pytest.mark.parametrize(
    "reading", ["ahead.plan", "ahead.simulated", "ahead.posterior.events", "plan.today", "getattr(ahead, 'plan')"]
)
def test_code_of_the_app_that_reads_an_inside_fails_while_tests_run(reading: str) -> None:
    posterior = riskcast.fit(riskcast.load_case("central_asia_2024"), draws=100, prior_only=True)
    ahead = riskcast.forecast(posterior, horizon=1)
    known = {"ahead": ahead, "plan": ahead.plan}
    with pytest.raises(Trespass, match="is an inside of riskcast"):
        eval(compile(reading, f"{APP}/views/why.py", "eval"), known)
    assert eval(compile("ahead.posterior.case", f"{APP}/views/why.py", "eval"), known) is posterior.case
    assert eval(compile(reading, __file__, "eval"), known) is not None
