"""The sidebar: the way back, files that are opened or refused, and the reference engine beside the fast one."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import riskcast
from files import open_case, uploads
from reference_run import page_part, process as verify
from state import results
from state.session import View
from tests.support.smallcase import FILES
from tests.support.uploaded import read_case_upload

XENOPHOBIA = {"indicators.xenophobia.now": {"median": 55.0, "interval": [47.0, 63.0]}}


def page() -> None:
    import sidebar

    sidebar.show()


@pytest.fixture
def sidebar() -> AppTest:
    """The sidebar of a fresh session."""
    return AppTest.from_function(page, default_timeout=60).run()


def seen(test: AppTest) -> View:
    assert not test.exception
    return test.session_state["view"]


def zipped(**changed: str) -> bytes:
    """The small case in a zip, with some files replaced, by name with `/` and `.` as `_`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in FILES.items():
            archive.writestr(f"mine/{name}", changed.get(name.replace("/", "_").replace(".", "_"), text))
    return out.getvalue()


def upload(test: AppTest, *files: tuple[str, bytes]) -> AppTest:
    uploader = test.file_uploader[0]
    for name, content in files:
        uploader.upload(name, content)
    return test.run()


def overlay(changes: Mapping[str, Any]) -> bytes:
    return riskcast.overlay_text(changes).encode()


def refused(test: AppTest) -> str:
    assert "nothing has changed" in test.error[0].value
    return test.code[0].value


def test_a_change_is_undone_redone_and_reset(sidebar: AppTest) -> None:
    upload(sidebar, ("mine.yaml", overlay(XENOPHOBIA)))
    assert "1 changed assumption" in " ".join(text.value for text in sidebar.markdown)
    sidebar.button(key="undo_button").click().run()
    assert seen(sidebar).changes == {}
    sidebar.button(key="redo_button").click().run()
    assert seen(sidebar).changes == XENOPHOBIA
    sidebar.button(key="reset_button").click().run()
    assert seen(sidebar).changes == {}


def test_a_chosen_scenario_is_shown(sidebar: AppTest) -> None:
    sidebar.selectbox[0].set_value("second_attack").run()
    assert seen(sidebar).scenario == "second_attack"


def test_a_case_in_a_zip_is_opened_and_can_be_undone(sidebar: AppTest) -> None:
    upload(sidebar, ("mine.zip", zipped()))
    assert seen(sidebar).case.name == "mine"
    assert seen(sidebar).case.hash == read_case_upload("mine.zip", zipped()).hash
    assert not sidebar.error
    assert [toast.value for toast in sidebar.toast] == ["Case opened."]
    sidebar.button(key="undo_button").click().run()
    assert seen(sidebar).case.name == "central_asia_2024"


def test_a_case_in_single_files_is_opened(sidebar: AppTest) -> None:
    upload(sidebar, *((name.rpartition("/")[2], text.encode()) for name, text in FILES.items()))
    assert seen(sidebar).case.hash == read_case_upload("mine.zip", zipped()).hash


def test_a_whole_folder_can_be_chosen(sidebar: AppTest) -> None:
    sidebar.radio(key="upload_how").set_value("Folder").run()
    assert sidebar.file_uploader[0].accept_directory
    upload(sidebar, *((f"mine/{name}", text.encode()) for name, text in FILES.items()))
    assert seen(sidebar).case.name == "mine"


def test_an_overlay_is_applied_with_the_hash_it_has_elsewhere(sidebar: AppTest, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(overlay(XENOPHOBIA))
    upload(sidebar, (file.name, file.read_bytes()))
    assert seen(sidebar).changes == XENOPHOBIA
    assert seen(sidebar).changed.overlay_hash == riskcast.load_overlay(file)[0].hash
    assert [toast.value for toast in sidebar.toast] == ["Overlay opened: 1 changed assumption."]


def test_an_overlay_replaces_changes_and_undo_brings_them_back(sidebar: AppTest) -> None:
    other = {"hyperpriors.persistence": {"value": 0.7}}
    upload(sidebar, ("one.yaml", overlay(XENOPHOBIA)))
    upload(sidebar, ("two.yml", overlay(other)))
    assert seen(sidebar).changes == other
    sidebar.button(key="undo_button").click().run()
    assert seen(sidebar).changes == XENOPHOBIA


def test_what_is_wrong_is_told_by_file_line_and_mend_and_changes_nothing(sidebar: AppTest) -> None:
    upload(sidebar, ("first.yaml", overlay(XENOPHOBIA)))
    before = seen(sidebar)
    lines = FILES["outcomes.yaml"].splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "severity:" in text)
    lines[line - 1] = "  severity: 120"
    upload(sidebar, ("mine.zip", zipped(outcomes_yaml="\n".join(lines))))
    assert seen(sidebar) == before
    told = refused(sidebar)
    assert f"outcomes.yaml:{line}: " in told
    assert "is 120; give a number of at most 100" in told


def test_a_wrong_overlay_is_told_by_its_own_line(sidebar: AppTest) -> None:
    wrong = b"label: Mine\nchanges:\n  indicators.xenophobia.nwo: {median: 1, interval: [0, 2]}\n"
    upload(sidebar, ("mine.yaml", wrong))
    assert seen(sidebar).changes == {}
    assert refused(sidebar).startswith("mine.yaml:3: ")
    assert "did you mean 'indicators.xenophobia.now'" in refused(sidebar)


def test_an_overlay_whose_numbers_do_not_fit_is_refused(sidebar: AppTest) -> None:
    upload(sidebar, ("mine.yaml", b"changes:\n  hyperpriors.sd_dyad: {median: -1, interval: [-2, 0]}\n"))
    assert seen(sidebar).changes == {}
    assert "mine.yaml:2: " in refused(sidebar)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("way_out.zip", lambda: _one("../case.yaml", b"x")),
        ("bomb.zip", lambda: _one("mine/case.yaml", bytes(60_000_000))),
        ("tags.yaml", lambda: b"changes: !!python/object/apply:os.system ['true']\n"),
        ("text.zip", lambda: b"not a zip"),
        ("lone.csv", lambda: b"date,type\n"),
    ],
)
def test_a_hostile_or_useless_file_is_refused(sidebar: AppTest, name: str, content: Callable[[], bytes]) -> None:
    before = seen(sidebar)
    upload(sidebar, (name, content()))
    assert seen(sidebar) == before
    assert "; " in refused(sidebar)


@pytest.mark.parametrize(
    ("names", "refused", "meant"),
    [
        (["bad.zip", "mine.yaml"], 1, ["mine.yaml"]),
        (["bad.yaml", "good.zip"], 1, ["good.zip"]),
        (["case.yaml", "effects.yaml"], 1, ["case.yaml", "effects.yaml"]),
        (["case.yaml", "events.csv"], 1, ["case.yaml", "events.csv"]),
        (["case.yaml", "mine.yaml"], 0, ["case.yaml", "mine.yaml"]),
    ],
)
def test_a_zip_or_overlay_is_tried_alone_after_refused_files(names: list[str], refused: int, meant: list[str]) -> None:
    files = [SimpleNamespace(name=name, file_id=name) for name in names]
    assert [file.name for file in open_case._meant(files, names[:refused])] == meant


def test_a_file_that_was_forgotten_can_be_added(sidebar: AppTest) -> None:
    files = {name.rpartition("/")[2]: text.encode() for name, text in FILES.items()}
    upload(sidebar, *((name, content) for name, content in files.items() if name != "sources.yaml"))
    assert "sources.yaml" in refused(sidebar)
    upload(sidebar, *files.items())
    assert seen(sidebar).case.hash == read_case_upload("mine.zip", zipped()).hash


def test_two_files_of_one_name_are_refused(sidebar: AppTest) -> None:
    upload(sidebar, ("case.yaml", b"title: A"), ("case.yaml", b"title: B"))
    assert "two files of one name" in refused(sidebar)


def test_what_a_file_holds_is_not_shown_as_markup(sidebar: AppTest) -> None:
    upload(sidebar, ("mine.yaml", b"changes:\n  '**bold** <script>': {value: 1}\n"))
    assert "<script>" in refused(sidebar)
    assert not any("<script>" in element.value for element in (*sidebar.markdown, *sidebar.error, *sidebar.caption))


def test_a_refused_file_is_read_once(sidebar: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked, read = uploads.unpacked, []

    def counted(name: str, content: bytes) -> tuple[str, dict[str, bytes]]:
        read.append(name)
        return unpacked(name, content)

    monkeypatch.setattr(uploads, "unpacked", counted)
    upload(sidebar, ("mine.zip", b"not a zip"))
    assert read == ["mine.zip"]
    sidebar.run()
    assert "is no zip" in refused(sidebar)
    assert read == ["mine.zip"]


def test_uploads_are_limited_in_size(sidebar: AppTest) -> None:
    assert sidebar.file_uploader[0].proto.max_upload_size_mb <= 20


def _one(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


@dataclass
class Fake:
    """A run of the reference engine that says what it is told to say."""

    status: verify.Status = field(default_factory=lambda: verify.Status("running", phase="starting"))

    def poll(self) -> verify.Status:
        return self.status

    def cancel(self) -> None:
        self.status = verify.Status("cancelled")


@dataclass
class Engine:
    """What the reference engine was asked for, and the run it gave."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)
    run: Fake = field(default_factory=Fake)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The reference engine, replaced."""
    made = Engine()

    def start(*arguments: Any) -> Any:
        made.asked.append(arguments)
        made.run = Fake()
        return made.run

    monkeypatch.setattr(verify, "start_verification", start)
    return made


def plain(view: View, shift: float = 0.0, failures: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fast engine's numbers as the reference engine tells its own, all probabilities shifted."""
    risk = results.current(view).risk
    ahead = risk.forecast

    def numbers(estimate: Any, by: float) -> dict[str, float]:
        return {"mean": estimate.mean + by, "low": estimate.low, "high": estimate.high}

    return {
        "scenario": ahead.scenario_name,
        "engine": "nuts",
        "draws": 1000,
        "seed": 1,
        "scores": [{"dyad": dyad.id, **numbers(dyad.score, 0.25), "band": dyad.band} for dyad in risk.dyads],
        "probabilities": [
            {"event": e, "unit": u, **numbers(ahead.probability(e, u), shift), "assumed": ahead.is_assumed(e, u)}
            for e in ahead.case.events
            for u in ahead.units(e)
        ],
        "diagnostics": {
            "reliable": not failures,
            "failures": list(failures),
            "rhat_max": 1.004,
            "ess_min": 900.0,
            "divergences": 3,
        },
    }


def start(test: AppTest) -> AppTest:
    return test.button(key="verify_button").click().run()


def finish(test: AppTest, engine: Engine, **options: Any) -> AppTest:
    engine.run.status = verify.Status("done", seconds=90.0, result=plain(seen(test), **options))
    return test.run()


def texts(elements: Any) -> str:
    return " ".join(element.value for element in elements)


def test_verifying_asks_for_what_is_shown(sidebar: AppTest, engine: Engine) -> None:
    upload(sidebar, ("mine.yaml", overlay(XENOPHOBIA)))
    sidebar.selectbox[0].set_value("second_attack").run()
    start(sidebar)
    (case, scenario, changes, draws, seed) = engine.asked[0]
    assert (case.hash, scenario, changes) == (seen(sidebar).case.hash, "second_attack", XENOPHOBIA)
    assert (draws, seed) == (results.DRAWS, results.SEED)


def test_verifying_takes_added_events_and_scenarios_along(sidebar: AppTest, engine: Engine) -> None:
    built = {"mine": {"label": "Mine", "story": "A shift.", "indicators": [{"indicator": "xenophobia", "shift": 5.0}]}}
    row = seen(sidebar).case.event_rows[0].model_dump(mode="json")
    row |= {"date": "2024-05-01", "precision": "day", "published": "2024-05-01"}
    sidebar.session_state["view"] = replace(seen(sidebar), built=built, observed=(row,), scenario="mine")
    start(sidebar.run())
    case, scenario = engine.asked[0][:2]
    assert scenario == "mine"
    assert case.scenario("mine").label == "Mine"
    assert len(case.event_rows) == len(seen(sidebar).case.event_rows) + 1


def test_a_run_shows_how_far_it_is_and_can_be_cancelled(sidebar: AppTest, engine: Engine) -> None:
    start(sidebar)
    engine.run.status = verify.Status("running", done=300, total=1200, seconds=83.2, phase="sampling")
    sidebar.run()
    progress = sidebar.get("progress")[0].proto
    assert (progress.value, progress.text) == (25, "Sampling, 25% · 1:23")
    assert not [button for button in sidebar.button if button.key == "verify_button"]
    sidebar.button(key="verify_cancel").click().run()
    assert engine.run.status.state == "cancelled"
    assert "was cancelled" in texts(sidebar.caption)
    assert sidebar.button(key="verify_button").label == "Verify with the reference engine"


def test_work_goes_on_while_it_runs(sidebar: AppTest, engine: Engine) -> None:
    start(sidebar)
    upload(sidebar, ("mine.yaml", overlay(XENOPHOBIA)))
    assert seen(sidebar).changes == XENOPHOBIA
    assert engine.run.status.state == "running"


def test_agreement_is_told_with_the_largest_difference(sidebar: AppTest, engine: Engine) -> None:
    finish(start(sidebar), engine)
    assert "Both engines agree" in texts(sidebar.success)
    assert not sidebar.warning
    assert "older view" not in texts(sidebar.caption)


def test_a_difference_beyond_chance_is_told(sidebar: AppTest, engine: Engine) -> None:
    finish(start(sidebar), engine, shift=0.12)
    assert "differ by more than chance" in texts(sidebar.warning)
    assert "+12.0 percentage points" in texts(sidebar.warning)
    assert not sidebar.success


def test_a_reference_that_failed_its_checks_proves_nothing(sidebar: AppTest, engine: Engine) -> None:
    finish(start(sidebar), engine, failures=("demarche: R-hat 1.090 is above 1.01",))
    assert "failed its own checks: demarche: R-hat 1.090" in texts(sidebar.warning)
    assert not sidebar.success


def test_a_result_of_an_older_view_says_so_until_the_view_is_back(sidebar: AppTest, engine: Engine) -> None:
    finish(start(sidebar), engine)
    upload(sidebar, ("mine.yaml", overlay(XENOPHOBIA)))
    assert "older view" in texts(sidebar.caption)
    assert sidebar.button(key="verify_button").label == "Verify with the reference engine"
    sidebar.button(key="undo_button").click().run()
    assert "older view" not in texts(sidebar.caption)
    assert sidebar.button(key="verify_button").label == "Verify again"


def test_a_failure_is_told(sidebar: AppTest, engine: Engine) -> None:
    start(sidebar)
    engine.run.status = verify.Status("failed", error="the engine ran out of memory; use fewer draws")
    sidebar.run()
    assert "ran out of memory; use fewer draws" in texts(sidebar.error)


def test_too_many_runs_are_told(sidebar: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise riskcast.RiskcastError("8 verifications are waiting; try again in some minutes")

    monkeypatch.setattr(verify, "start_verification", full)
    start(sidebar)
    assert "8 verifications are waiting; try again" in texts(sidebar.warning)
    assert sidebar.button(key="verify_button")


def test_both_engines_stand_side_by_side(sidebar: AppTest, engine: Engine) -> None:
    finish(start(sidebar), engine, shift=-0.02)
    sidebar.button(key="verify_numbers").click().run()
    assert not sidebar.exception
    scores, probabilities = (frame.value for frame in sidebar.dataframe)
    risk = results.current(seen(sidebar)).risk
    assert scores["Fast"].tolist() == [dyad.score.mean for dyad in risk.dyads]
    assert scores["Reference"].tolist() == [dyad.score.mean + 0.25 for dyad in risk.dyads]
    assert probabilities["Difference"].tolist() == pytest.approx([-2.0] * len(probabilities))
    assert [metric.value for metric in sidebar.metric] == ["+0.2 points", "−2.0 %-points"]
    assert "R-hat ≤ 1.004 · 3 divergences · ESS ≥ 900" in texts(sidebar.caption)


def test_what_chance_explains_shrinks_with_the_number_of_draws() -> None:
    view = View(riskcast.load_case("central_asia_2024"))
    fast, found = results.current(view), plain(view)
    few = found | {"diagnostics": found["diagnostics"] | {"ess_min": 9.0}}
    many = [one.error for one in page_part.compare(fast, found)[1]]
    assert all(error < wide.error for error, wide in zip(many, page_part.compare(fast, few)[1], strict=True))
    first = page_part.compare(fast, found)[1][0]
    spread = (first.fast.high - first.fast.low) / 3.29
    own = fast.posterior.diagnostics.ess_min
    assert first.error == pytest.approx(spread * (1 / own + 1 / 900) ** 0.5, rel=0.01)


def test_what_a_scenario_assumes_is_not_compared() -> None:
    event = {"event": "demarche", "dyads": ["RUS-TJK"], "month": 1}
    built = {"mine": {"label": "Mine", "story": "A demarche.", "events": [event]}}
    view = View(riskcast.load_case("central_asia_2024"), scenario="mine", built=built)
    case = view.case
    told = {one.what for one in page_part.compare(results.current(view), plain(view))[1]}
    assert f"Tajikistan: {case.events['demarche'].label}" not in told
    assert f"Uzbekistan: {case.events['demarche'].label}" in told
    assert f"all: {case.events['restrictive_act'].label}" in told


def test_the_sidebar_tells_what_a_case_can_hardly_mean(sidebar: AppTest) -> None:
    low = FILES["indicators.yaml"].replace(
        "    median: 55\n    interval: [48, 62]", "    median: 5\n    interval: [3, 7]"
    )
    upload(sidebar, ("mine.zip", zipped(indicators_yaml=low)))
    seen(sidebar)
    told = next(one for one in sidebar.expander if "doubt" in one.label)
    words = " ".join(one.value for one in told.caption)
    assert "mood.now" in words
    assert "`today-jumps`" in words
    assert "correct one of the two" in words
