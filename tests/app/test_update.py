"""The page Update: what is stale, edits in a copy or in the folder itself, errors in their place."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import riskcast
from files import downloads
from state import working_copy
from state.kept_cases import kept_cases
from state.own_folder import OWN
from state.session import View
from tests.support.smallcase import CASE, FILES, write_files


def page() -> None:
    import sidebar
    from state import session
    from views import update

    session.view()
    sidebar.show()
    update.show()


def opened(view: View) -> AppTest:
    app = AppTest.from_function(page, default_timeout=300)
    app.session_state["undo"], app.session_state["redo"], app.session_state["view"] = [], [], view
    return ran(app)


def ran(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return ran(app)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "small")


@pytest.fixture
def uploaded(folder: Path) -> View:
    """A case whose files are known, as an uploaded one's are."""
    case = riskcast.load_case(folder)
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    kept_cases().keep(case, files)
    return View(case)


def test_a_week_in_a_copy_that_can_be_downloaded(uploaded: View, folder: Path, tmp_path: Path) -> None:
    app = opened(uploaded)
    app.text_input(key="update_author").set_value("Ann")
    assert any("copy" in item.value for item in app.info)
    press(app, "update_go:Day")
    now = app.session_state["view"]
    assert now.case.as_of == dt.date(2021, 1, 7)
    assert riskcast.load_case(folder).as_of == dt.date(2020, 12, 31)
    app.selectbox(key="update_type").set_value("spark")
    next(item for item in app.text_input if "Who did what" in item.label).set_value("A spark flies")
    ran(app)
    press(app, "update_go:Event")
    press(app, "update_go:Searched")
    now = app.session_state["view"]
    assert now.case.event_rows[-1].description == "A spark flies"
    assert now.case.settings.recorded_until == now.case.as_of
    copy = working_copy.copy_of(now.case)
    assert not copy.anew
    packed = zipfile.ZipFile(io.BytesIO(downloads.folder_zip(copy.name, copy.files)))
    packed.extractall(tmp_path / "down")
    taken = tmp_path / "down" / "small"
    assert riskcast.load_case(taken).hash == now.case.hash
    assert (taken / "case.yaml").read_text(encoding="utf-8").startswith(CASE.splitlines()[0])
    assert [entry.author for entry in riskcast.read_journal(taken)] == ["Ann"] * 3
    assert riskcast.load_case(f"{taken}@2020-12-31").hash == uploaded.case.hash
    press(app, "update_undo")
    assert app.session_state["view"].case.settings.recorded_until == dt.date(2020, 12, 31)
    press(app, "update_look")
    assert app.session_state["view"].case.hash == uploaded.case.hash


def test_what_the_case_cannot_hold_is_told_in_its_form(uploaded: View) -> None:
    app = opened(uploaded)
    press(app, "update_go:Event")
    assert any("no description" in item.value for item in app.code)
    press(app, "update_go:Value")
    assert any("the value is empty" in item.value for item in app.code)
    assert not any("no description" in item.value for item in app.code)
    press(app, "update_go:Searched")
    assert any("searched until 2020-12-31 already" in item.value for item in app.code)
    assert app.session_state["view"] == uploaded


def test_a_folder_that_the_app_was_started_with_is_edited_in_its_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OWN, str(folder))
    app = AppTest.from_function(page, default_timeout=300)
    ran(app)
    assert app.session_state["view"].case.name == "small"
    assert any(str(folder) in item.value.replace("\\", "") for item in app.info)
    press(app, "update_go:Day")
    assert riskcast.load_case(folder).as_of == dt.date(2021, 1, 7)
    assert app.session_state["view"].case.hash == riskcast.load_case(folder).hash


def test_the_bundled_case_is_copied_with_its_comments() -> None:
    copy = working_copy.copy_of(riskcast.load_case("central_asia_2024"))
    assert copy.folder is None
    assert not copy.anew
    assert b"#" in copy.files["case.yaml"]


def test_a_case_whose_files_are_not_known_says_that_comments_are_lost(folder: Path) -> None:
    case = riskcast.load_case(write_files(folder.parent / "other")).revised(name="elsewhere")
    assert working_copy.copy_of(case).anew


def test_a_copy_is_made_once_of_a_case(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = riskcast.load_case(folder).revised(name="made_once")
    first = working_copy.copy_of(case)
    monkeypatch.setattr(riskcast, "write_case", lambda *_: pytest.fail("it was written again"))
    assert working_copy.copy_of(case) is first
    later = case.revised(settings=case.settings.model_copy(update={"title": "Other"}))
    with pytest.raises(pytest.fail.Exception, match="written again"):
        working_copy.copy_of(later)


def test_what_is_hidden_in_a_folder_of_ones_own_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".git" / "objects").mkdir(parents=True)
    (folder / ".git" / "objects" / "pack").write_bytes(b"x" * 1000)
    (folder / ".DS_Store").write_bytes(b"x")
    read, own = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (read.append(path), own(path))[1])
    found = working_copy._read(folder)
    assert set(found) == {p.relative_to(folder).as_posix() for p in read} == set(FILES)
    assert list(found) == sorted(found)
