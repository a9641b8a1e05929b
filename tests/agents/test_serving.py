"""An agent asks what an analyst asks, over standard input and output as agents do, and can cite every answer."""

from __future__ import annotations

import datetime as dt
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client

from riskcast import Request, load_case, score
from riskcast.agents.desk import Desk
from riskcast.agents.questions import NAMES, Questions
from riskcast.agents.serving import make_server
from riskcast.errors import OptionError, RiskcastError
from riskcast.forecasting.requests import fit_requested, forecast_requested
from riskcast.ledger.entries import append
from riskcast.ledger.places import LedgerPlace, find_place
from riskcast.ledger.records import LedgerAnswer, LedgerForecast, LedgerQuestion
from riskcast.ledger.store import writing
from tests.support.command_line import Run
from tests.support.smallcase import write_files

CASE = "central_asia_2024"
QUICK = ("--draws", "100", "--prior-only", "--allow-unreliable")
OF = {"case": CASE}
SMALL = {"case": "small"}
EFFECT = "effects.abuse_incident->demarche"
ATTACK = "2024-03-22:mass_casualty_attack"
SECOND = "second_attack"
CLAIMS = """\
moods:
  claim: Sour moods bring protest.
  source: survey
  at: page 1
  asserts: [mood raises AAA:protest, score of AAA > 1]
"""

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
    ("Does that belief matter?", "sensitivity", {**OF, "of": ["score:RUS-TJK"], "quantities": [EFFECT], "horizon": 3}),
    ("Why is the score what it is?", "explain", {**SMALL, "dyad": "HHH-AAA"}),
    ("Why is a protest likely?", "explain", {**SMALL, "dyad": "HHH-AAA", "of": "protest"}),
    ("Which number shall I look into?", "evidence", {**SMALL, "of": ["score:HHH-AAA"]}),
    ("Does the model say what its sources say?", "claims", SMALL),
    ("By how much?", "claims", {**SMALL, "claim": ["moods"]}),
    ("What changed since autumn?", "changed", {**SMALL, "since": "2020-10-31"}),
    ("Were we right?", "track", {}),
    ("Were we right of this one?", "track", SMALL),
    ("Whom shall I ask about a case that is none?", "forecast", {"case": "central_asia"}),
    ("Which outcome was that?", "ask", {**OF, "query": "P(demarch)"}),
    ("Can beliefs be nonsense?", "what_if", {**OF, "changes": {EFFECT: {"median": 8, "interval": [16, 4]}}}),
    ("Without what never happened?", "counterfactual", {**OF, "without": ["2024-03-21:mass_casualty_attack"]}),
    ("What changed since a day that is none?", "changed", {**OF, "since": "last week"}),
    ("Which claim is that?", "claims", {**OF, "claim": ["nobody_says_so"]}),
    ("Which belief is that?", "sensitivity", {**OF, "of": ["score"], "quantities": ["effects.mood->protest"]}),
    ("What is in that folder?", "forecast", {"case": "../other"}),
    ("And in that one?", "record", {"case": "/etc"}),
    ("Or is it a scenario?", "forecast", {**OF, "scenario": "../../other/scenarios.yaml"}),
    ("Were others right?", "track", {"case": "other"}),
    ("What if that of another case were so?", "what_if", {**SMALL, "changes": {EFFECT: {"value": 2}}}),
)
REFUSALS: Mapping[str, str] = {
    "Whom shall I ask about a case that is none?": "unknown case 'central_asia'; did you mean 'central_asia_2024'?",
    "Which outcome was that?": "did you mean",
    "Can beliefs be nonsense?": "interval [16, 4] is empty",
    "Without what never happened?": "the nearest are dated",
    "What changed since a day that is none?": "'last week' is no day; write YYYY-MM-DD",
    "Which claim is that?": "unknown claim 'nobody_says_so'",
    "Which belief is that?": "unknown quantity",
    "What is in that folder?": "unknown case '../other'",
    "And in that one?": "unknown case '/etc'",
    "Or is it a scenario?": "unknown scenario",
    "Were others right?": "unknown case 'other'",
    "What if that of another case were so?": "abuse_incident->demarche",
}
FRAME = {"citation", "case", "as_of", "interval", "health", "caveats", "result"}


def question_of(case: str, id: str) -> LedgerQuestion:
    return LedgerQuestion(
        *(id, case, "A case", "HHH", "0" * 64, "run", "HHH-AAA", "Aland", "protest", "Protest"),
        *(dt.date(2020, 1, 1), dt.date(2020, 12, 31), dt.date(2020, 12, 31)),
        *("It is made.", "Anything less.", "The record", 30.0, dt.date(2019, 12, 31)),
    )


def write_ledger(file: Path) -> Path:
    """A ledger of one answered question of the small case, and of one of another case."""
    begun, done = (dt.datetime(year, 1, 1, 9, tzinfo=dt.UTC) for year in (2020, 2021))
    asked = [question_of("small", "aaaabbbbcccc"), question_of("other", "ddddeeeeffff")]
    answers = [
        LedgerAnswer(one.id, "yes", dt.date(2020, 10, 1), "the record", True, "0" * 64, dt.date(2020, 12, 31))
        for one in asked
    ]
    with writing(find_place(file)) as connection:
        said = [LedgerForecast(asked[0].id, "model", "model", 0.3), LedgerForecast(asked[1].id, "model", "model", 0.9)]
        append(connection, [*asked, *said], "tester", begun)
        append(connection, answers, "tester", done)
    return file


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small case, which states a claim."""
    folder = write_files(tmp_path_factory.mktemp("cases") / "small")
    (folder / "claims.yaml").write_text(CLAIMS)
    return folder


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory, small: Path) -> tuple[list[Any], list[Any]]:
    """The tools that the server of a fresh process has, and its answers to everything that is asked."""
    ledger = write_ledger(tmp_path_factory.mktemp("published") / "ledger.sqlite")
    before = ledger.read_bytes()

    async def converse() -> tuple[list[Any], list[Any]]:
        words = ["-m", "riskcast", "mcp", CASE, str(small), *QUICK, "--ledger", str(ledger)]
        folder = tmp_path_factory.mktemp("desk")
        async with Client(stdio_client(StdioServerParameters(command=sys.executable, args=words, cwd=folder))) as agent:
            tools = (await agent.list_tools()).tools
            answers = [await agent.call_tool(name, given) for _, name, given in ASKED]
            answers.append(await agent.call_tool("forecast", {**OF, "month": 3}))
            answers.append(await agent.call_tool("forecast", {**OF, "horizon": "long"}))
            assert not list(Path(folder).iterdir())
            assert ledger.read_bytes() == before
            return tools, answers

    return anyio.run(converse)


def answered(heard: tuple[list[Any], list[Any]]) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """What was asked and answered: tool, arguments, answer."""
    told = zip(ASKED, heard[1], strict=False)
    return [(name, given, answer.structured_content) for (_, name, given), answer in told if not answer.is_error]


def test_all_tools_only_read_and_say_what_they_give(heard: tuple[list[Any], list[Any]]) -> None:
    tools, _ = heard
    assert [tool.name for tool in tools] == list(NAMES)
    for tool in tools:
        assert tool.annotations.read_only_hint
        assert len(tool.description) > 30
        assert all("description" in one for one in tool.input_schema["properties"].values())


def test_twenty_questions_are_answered_and_others_refused_in_a_sentence(heard: tuple[list[Any], list[Any]]) -> None:
    for (said, _, _), answer in zip(ASKED, heard[1], strict=False):
        assert answer.is_error == (said in REFUSALS), (said, answer.content)
        if answer.is_error:
            [content] = answer.content
            assert REFUSALS[said] in content.text
            assert "\n" not in content.text
    assert {name for name, _, _ in answered(heard)} == set(NAMES)
    assert len(answered(heard)) >= 20


def test_every_answer_carries_its_case_health_and_caveats(heard: tuple[list[Any], list[Any]], small: Path) -> None:
    cases = {CASE: load_case(CASE), "small": load_case(small)}
    for name, given, found in answered(heard):
        if name == "track":
            continue
        if name == "cases":
            [found, _] = found["result"]["cases"]
        case = cases[given.get("case", CASE)]
        assert set(found) == FRAME
        assert found["case"]["hash"] == case.hash
        assert found["as_of"] == given.get("as_of", case.as_of.isoformat())
        assert case.hash[:12] in found["citation"]
        assert "90 %" in found["interval"]
        if name not in ("cases", "record", "beliefs"):
            assert found["health"]["prior_only"]
            assert (found["health"].get("score_error_max", 1.0) or 0.0) > 0.0
            assert any("priors alone" in caveat for caveat in found["caveats"])


def test_no_two_questions_have_one_citation(heard: tuple[list[Any], list[Any]]) -> None:
    cited = [found["citation"] for _, _, found in answered(heard)]
    assert len(set(cited)) == len(cited)
    by_horizon = {given["horizon"]: found["citation"] for name, given, found in answered(heard) if "horizon" in given}
    assert "3 months" in by_horizon[3]


def test_sources_can_be_cited(heard: tuple[list[Any], list[Any]]) -> None:
    case = load_case(CASE)
    for name, _, found in answered(heard):
        if name not in ("record", "beliefs"):
            continue
        result = found["result"]
        rows = result.get("events") or [one["evidence"] for one in result["beliefs"] if one["evidence"]]
        assert set(result["sources"]) == {id for one in rows for id in one["sources"]}
        for id, source in result["sources"].items():
            assert (source["title"], source["url"]) == (case.sources[id].title, case.sources[id].url)


def test_a_claim_in_short_has_the_number_that_decides_it(heard: tuple[list[Any], list[Any]]) -> None:
    short, long = ([own] for name, _, own in answered(heard) if name == "claims")
    [one], [same] = short[0]["result"]["claims"], long[0]["result"]["claims"]
    assert one["assertions_count"] == len(same["assertions"]) == 2
    assert one["decisive"] in same["assertions"]
    assert one["decisive"]["status"] == one["status"]
    number = one["decisive"]["number"]
    assert number["low"] <= number["mean"] <= number["high"]


def test_of_a_ledger_only_open_cases_are_told_and_never_its_place(heard: tuple[list[Any], list[Any]]) -> None:
    for name, _, found in answered(heard):
        if name == "track":
            assert found["result"]["questions"] == 1
            assert re.search(r"ledger sha256:[0-9a-f]{12}", found["citation"])
            assert "sqlite" not in str(found)
            assert "other" not in {part["name"] for part in found["result"]["slices"]}


def test_no_ledger_is_read_that_was_not_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RISKCAST_LEDGER", str(write_ledger(tmp_path / "ledger.sqlite")))
    asked = Questions(Desk({}))
    assert "track" not in asked.all()
    with pytest.raises(OptionError, match="no ledger; start it with"):
        asked.track()


def test_an_older_ledger_stays_as_it_is(tmp_path: Path, run: Run) -> None:
    import sqlite3

    file = write_ledger(tmp_path / "ledger.sqlite")
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("DELETE FROM ledger_version")
    before = file.read_bytes()
    with pytest.raises(RiskcastError, match="an earlier riskcast; bring it up to date"):
        Questions(Desk({}, ledger=LedgerPlace("--ledger", file=file))).track()
    status, _, err = run("mcp", CASE, "--ledger", str(file))
    assert (status, "an earlier riskcast" in err) == (2, True)
    assert file.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["ledger.sqlite"]


def test_cases_of_one_name_are_refused(tmp_path: Path, small: Path, run: Run) -> None:
    again = write_files(tmp_path / "small")
    status, _, err = run("mcp", str(small), str(again))
    assert status == 2
    assert f"{small} and {again} are both called small" in err.replace("\n", " ")


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
    for _, given, found in answered(heard):
        if "health" in found:
            # Words hold only what identifies an answer: version, hashes, days, draws, seed, horizon, what was asked.
            words = re.sub(r"[0-9a-f]{12}|\d{4}-\d\d-\d\d|riskcast [\d.]+", "", found["citation"])
            asked = set(re.findall(r"\d+", str(given)))
            assert set(re.findall(r"\d+", words.replace(CASE, ""))) <= {"100", "1", "12"} | asked


def test_a_fault_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RISKCAST_DEBUG")

    def fail(case: Any) -> Any:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("riskcast.agents.questions.tell_contents", fail)

    async def converse() -> Any:
        async with Client(make_server(Desk({CASE: load_case(CASE)}))) as agent:
            return await agent.call_tool("cases", {})

    answer = anyio.run(converse)
    assert answer.is_error
    assert "this is a fault of riskcast, not of yours" in answer.content[0].text


def test_what_takes_long_tells_how_far_it_is_and_stops_when_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = list[int]()

    def changed(self: Questions, case: str, since: str, until: str | None = None) -> dict[str, Any]:
        for step in range(3000):
            assert self.desk.progress is not None
            self.desk.progress(step, 3000)
            steps.append(step)
            time.sleep(0.01)
        return {}

    monkeypatch.setattr(Questions, "changed", changed)

    async def converse() -> tuple[list[float], bool]:
        told, server = list[float](), make_server(Desk({CASE: load_case(CASE)}))
        async with Client(server) as agent:

            async def hear(progress: float, total: float | None, message: str | None) -> None:
                told.append(progress)
                if len(told) == 3:
                    scope.cancel()

            with anyio.CancelScope() as scope:
                await agent.call_tool("changed", {**OF, "since": "2024-01-01"}, progress_callback=hear)
            # Its turn is over: others are answered.
            answer = await agent.call_tool("explain", {**OF, "dyad": "RUS-XXX"})
            return told, answer.is_error

    told, refused = anyio.run(converse)
    assert told[:3] == [0.0, 1.0, 2.0]
    assert len(steps) < 1000
    assert refused


def test_a_tornado_is_of_the_fit_that_the_desk_has(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from riskcast.agents import desk as module

    fits = list[Request]()

    def counted(request: Request, **given: Any) -> Any:
        fits.append(request)
        return fit_requested(request, **given)

    monkeypatch.setattr(module, "fit_requested", counted)
    monkeypatch.setattr("riskcast.challenge.held.fit_requested", counted)
    asked = Questions(Desk({"small": load_case(small)}, draws=100, prior_only=True, allow_unreliable=True))
    found = asked.sensitivity("small", ["score:HHH-AAA"], ["effects.mood->protest"], horizon=2)
    assert len(fits) == 1
    assert "effects.mood->protest" in found["citation"]


def test_forecasts_are_worked_out_once() -> None:
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
    status, _, err = run("mcp", CASE, "--ledger", "nowhere.sqlite")
    assert status == 2
    assert "there is no ledger at nowhere.sqlite" in err
