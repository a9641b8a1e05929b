"""An agent asks what an analyst asks, over standard input and output as agents do, and can cite every answer."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client

from riskcast import Request, load_case, score
from riskcast.agents.desk import Desk
from riskcast.agents.questions import Questions
from riskcast.agents.serving import make_server
from riskcast.errors import RiskcastError
from riskcast.forecasting.requests import fit_requested, forecast_requested
from tests.support.command_line import Run

CASE = "central_asia_2024"
QUICK = ("--draws", "100", "--prior-only", "--allow-unreliable")
OF = {"case": CASE}
EFFECT = "effects.abuse_incident->demarche"
ATTACK = "2024-03-22:mass_casualty_attack"
SECOND = "second_attack"

ASKED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("Which cases are there?", "cases", {}),
    ("How likely is what with Tajikistan?", "forecast", {**OF, "dyad": "RUS-TJK", "horizon": 3}),
    ("And with all of them?", "forecast", {**OF, "horizon": 3}),
    ("What if there is another attack?", "forecast", {**OF, "scenario": SECOND, "horizon": 3}),
    ("How much worse does it make things?", "compare", {**OF, "first": "baseline", "second": SECOND, "horizon": 3}),
    ("How did it look in 2020?", "forecast", {**OF, "as_of": "2020-01-01", "horizon": 3}),
    ("What is believed of abuse and protest?", "beliefs", {**OF, "about": EFFECT}),
    ("What is believed of xenophobia?", "beliefs", {**OF, "about": "xenophobia"}),
    (
        "What if abuse mattered twice as much?",
        "what_if",
        {**OF, "horizon": 3, "changes": {EFFECT: {"median": 8, "interval": [4, 16]}}},
    ),
    ("A protest by July?", "ask", {**OF, "query": "P(demarche by month 2)", "dyads": ["RUS-TJK"]}),
    ("And once there was abuse?", "ask", {**OF, "query": "P(demarche | abuse_incident)", "dyads": ["RUS-TJK"]}),
    ("What did the Tajiks protest against?", "record", {**OF, "event": "demarche", "unit": "RUS-TJK"}),
    ("What happened since March?", "record", {**OF, "since": "2024-03-01"}),
    ("Had they protested without the attack?", "counterfactual", {**OF, "without": [ATTACK]}),
    ("Whom shall I ask about a case that is none?", "forecast", {"case": "central_asia"}),
    ("Which outcome was that?", "ask", {**OF, "query": "P(demarch)"}),
    ("Can beliefs be nonsense?", "what_if", {**OF, "changes": {EFFECT: {"median": 8, "interval": [16, 4]}}}),
    ("Without what never happened?", "counterfactual", {**OF, "without": ["2024-03-21:mass_casualty_attack"]}),
    ("What changed since a day that is none?", "changed", {**OF, "since": "last week"}),
    ("Were we right?", "track", {}),
    ("Which claim is that?", "claims", {**OF, "claim": ["nobody_says_so"]}),
    ("Does that belief matter?", "sensitivity", {**OF, "of": ["score:RUS-TJK"], "quantities": [EFFECT], "horizon": 3}),
)
REFUSED = {
    14: "unknown case 'central_asia'; did you mean 'central_asia_2024'?",
    15: "did you mean",
    16: "interval [16, 4] is empty",
    17: "the nearest are dated",
    18: "'last week' is no day; write YYYY-MM-DD",
    19: "there is no ledger",
    20: "unknown claim 'nobody_says_so'",
}
FRAME = {"citation", "case", "as_of", "interval", "health", "caveats", "result"}


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], list[Any]]:
    """The tools that the server of a fresh process has, and its answers to everything that is asked."""

    async def converse() -> tuple[list[Any], list[Any]]:
        words = ["-m", "riskcast", "mcp", CASE, *QUICK]
        folder = tmp_path_factory.mktemp("desk")
        async with Client(stdio_client(StdioServerParameters(command=sys.executable, args=words, cwd=folder))) as agent:
            tools = (await agent.list_tools()).tools
            answers = [await agent.call_tool(name, given) for _, name, given in ASKED]
            answers.append(await agent.call_tool("forecast", {**OF, "month": 3}))
            answers.append(await agent.call_tool("forecast", {**OF, "horizon": "long"}))
            assert not list(Path(folder).iterdir())
            return tools, answers

    return anyio.run(converse)


def test_all_tools_only_read_and_say_what_they_give(heard: tuple[list[Any], list[Any]]) -> None:
    tools, _ = heard
    assert [tool.name for tool in tools] == list(Questions(Desk({})).all())
    for tool in tools:
        assert tool.annotations.read_only_hint
        assert len(tool.description) > 30
        assert all("description" in one for one in tool.input_schema["properties"].values())


def test_twenty_questions_are_answered_or_refused_in_a_sentence(heard: tuple[list[Any], list[Any]]) -> None:
    assert len(ASKED) >= 20
    case = load_case(CASE)
    for place, ((_, name, given), answer) in enumerate(zip(ASKED, heard[1], strict=False)):
        assert answer.is_error == (place in REFUSED), answer.content
        if answer.is_error:
            [said] = answer.content
            assert REFUSED[place] in said.text
            assert "\n" not in said.text
            continue
        found = answer.structured_content
        if name == "cases":
            [found] = found["result"]["cases"]
        assert set(found) == FRAME
        assert found["case"]["hash"] == case.hash
        assert found["as_of"] == given.get("as_of", case.as_of.isoformat())
        assert case.hash[:12] in found["citation"]
        assert "90 %" in found["interval"]
        if name not in ("cases", "record", "beliefs"):
            assert found["health"]["prior_only"]
            assert (found["health"].get("score_error_max", 1.0) or 0.0) > 0.0
            assert any("priors alone" in caveat for caveat in found["caveats"])


def test_arguments_that_are_none_are_refused(heard: tuple[list[Any], list[Any]]) -> None:
    unknown, wrong = heard[1][len(ASKED) :]
    assert unknown.is_error
    assert "unknown argument 'month'" in unknown.content[0].text
    assert wrong.is_error
    assert "horizon: input should be a valid integer" in wrong.content[0].text


def numbers(value: Any) -> set[float]:
    """All numbers of plain data."""
    if isinstance(value, Mapping):
        return set().union(*(numbers(one) for one in value.values()))
    if isinstance(value, list):
        return set().union(*(numbers(one) for one in value))
    return {float(value)} if isinstance(value, int | float) and not isinstance(value, bool) else set()


def test_no_number_is_told_that_is_not_in_the_result(heard: tuple[list[Any], list[Any]]) -> None:
    from riskcast.exports.plain_data import risk_data

    request = Request(load_case(CASE), horizon=3, draws=100, prior_only=True, allow_unreliable=True)
    [ahead] = forecast_requested(request, fit_requested(request))
    told = heard[1][1].structured_content["result"]
    assert numbers(told) <= numbers(risk_data(score(ahead), ("RUS-TJK",)))
    for answer in heard[1]:
        found = answer.structured_content
        if not answer.is_error and "health" in found:
            # Words hold only what identifies an answer: version, hashes, day, draws, seed, and the legend's own.
            words = re.sub(r"[0-9a-f]{12}|\d{4}-\d\d-\d\d|riskcast [\d.]+", "", found["citation"])
            assert set(re.findall(r"\d+", words.replace(CASE, ""))) <= {"100", "1"}


def test_a_fault_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RISKCAST_DEBUG")

    def fail(place: str | None) -> Any:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("riskcast.ledger.reading.read_ledger", fail)

    async def converse() -> Any:
        async with Client(make_server(Desk({}))) as agent:
            return await agent.call_tool("track", {})

    answer = anyio.run(converse)
    assert answer.is_error
    assert "this is a fault of riskcast, not of yours" in answer.content[0].text


def test_forecasts_are_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk({CASE: load_case(CASE)}, draws=100, prior_only=True, allow_unreliable=True)
    request = desk.request(CASE, horizon=2)
    assert desk.forecasts(request)[0] is desk.forecasts(desk.request(CASE, horizon=2))[0]
    assert desk.posterior(desk.request(CASE, horizon=5)) is desk.posterior(request)
    with pytest.raises(RiskcastError, match="changes are empty"):
        desk.request(CASE, changes={})


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_an_interrupt_ends_a_server_that_waits() -> None:
    import pty

    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "riskcast", "mcp", CASE]
    with subprocess.Popen(words, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        assert "waiting for an agent" in server.stderr.readline()
        server.send_signal(signal.SIGINT)
        out, err = server.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert (out, err, server.returncode) == ("", "riskcast: interrupted\n", 130)


def test_without_the_sdk_the_command_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riskcast.agents.serving.find_spec", lambda name: None)
    status, _, err = run("mcp", CASE, *QUICK)
    assert status == 2
    assert "pip install 'riskcast[agents]'" in err
    status, _, err = run("mcp", "nowhere")
    assert status == 2
    assert "nowhere" in err
