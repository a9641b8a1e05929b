"""Open a case or an overlay from files: what cannot be used is told by file and line, and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import riskcast
from files import uploads
from parts import door as st
from parts.markdown import Markdown
from state import session
from state.kept_cases import kept_cases
from state.session import View

MOST_MEGABYTES = uploads.MOST_BYTES // 1_000_000
FILES, FOLDER = "Files", "Folder"
CASE_FILES = tuple(
    f"{name}{suffix}"
    for suffix in uploads.YAML
    for name in ("case", "indicators", "outcomes", "effects", "scenarios", "sources", "claims")
)
TYPES = ["zip", "yaml", "yml", "csv", "tsv", "gz", "xlsx", "parquet", "md", "txt"]


def show() -> None:
    """Draw the part of the sidebar that opens files."""
    opened = st.session_state.pop("opened", None)
    if opened:
        st.toast(opened, icon=":material/check:")
    with st.expander("Open a case or overlay", icon=":material/upload_file:"):
        how = st.radio(
            "Choose",
            [FILES, FOLDER],
            key="upload_how",
            horizontal=True,
            label_visibility="collapsed",
        )
        files = st.file_uploader(
            "A case's folder" if how == FOLDER else "A case as a zip or as its files, or one overlay (.yaml)",
            type=TYPES,
            accept_multiple_files="directory" if how == FOLDER else True,
            key=f"upload:{how}:{st.session_state.get('uploads', 0)}",
            max_upload_size=MOST_MEGABYTES,
            help="An overlay replaces the changes that are shown. Undo brings back what was shown before.",
        )
        _take(list(files or ()))


def _take(files: Sequence[Any]) -> None:
    """Open what has been uploaded, once; keep saying what is wrong while it stands there."""
    names = [file.file_id for file in files]
    if not files:
        return
    told, wrong = st.session_state.get("upload_problems", ([], ""))
    if told != names:
        with st.spinner("Reading …"):
            wrong = _open(_meant(files, told))
        st.session_state["upload_problems"] = (names, wrong)
    if not wrong:
        # A fresh widget, as these files are done with.
        st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1
        st.rerun()
    st.error(Markdown("**This cannot be opened; nothing has changed.**"), icon=":material/error:")
    # As code, so that nothing in a file passes for markup.
    st.code(wrong, language=None, wrap_lines=True)


def _meant(files: Sequence[Any], refused: Sequence[str]) -> Sequence[Any]:
    """The files to open: a zip or overlay that is added to refused files is tried on its own."""
    added = [file for file in files if file.file_id not in refused]
    return added if len(added) == 1 and (_is_zip(added[0].name) or _is_overlay(added[0].name)) else files


def _open(files: Sequence[Any]) -> str:
    """Open uploaded files; what is wrong with them, or nothing."""
    try:
        uploads.check_size("the upload", sum(file.size for file in files))
        if len(files) == 1 and _is_overlay(files[0].name):
            _open_overlay(files[0])
        elif len(files) == 1 and _is_zip(files[0].name):
            _show_case(files[0].name, *uploads.unpacked(files[0].name, files[0].getvalue()))
        else:
            _show_case(uploads.UPLOAD, *uploads.gathered(_contents(files)))
    except riskcast.RiskcastError as error:
        return str(error)
    return ""


def _contents(files: Sequence[Any]) -> dict[str, bytes]:
    """Uploaded files by name; raises RiskcastError where two share one."""
    found = {file.name: file.getvalue() for file in files}
    if len(found) < len(files):
        raise riskcast.RiskcastError("the upload: holds two files of one name; remove one, or choose the whole folder")
    return found


def _is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def _is_overlay(name: str) -> bool:
    return name.lower().endswith((".yaml", ".yml")) and name not in CASE_FILES


def _open_overlay(file: Any) -> None:
    now = session.view()
    overlay = uploads.read_overlay_upload(file.name, file.getvalue())
    made_for = next((case for case in (now.case, now.handed) if overlay.overlay.belongs_to(case)), now.recorded)
    riskcast.apply_overlay(made_for, overlay.overlay, overlay.document)
    riskcast.apply_overlay(now.recorded, overlay.changes, overlay.document)
    session.show(replace(now, changes=overlay.changes))
    count = len(overlay.changes)
    st.session_state["opened"] = f"Overlay opened: {count} changed assumption{'s' if count != 1 else ''}."
    for doubt in riskcast.nameless_overlays(now.recorded, [(overlay.overlay, overlay.document)]):
        session.complain(f"{doubt.file}: {doubt.wrong}; {doubt.mend}.")


def _show_case(shown: str, name: str, files: Mapping[str, bytes]) -> None:
    case = uploads.load_files(shown, name, files)
    kept_cases().keep(case, files)
    session.show(View(case))
    st.session_state["opened"] = "Case opened."
