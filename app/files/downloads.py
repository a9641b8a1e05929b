"""Results as files to download: everything at once, one table, a case; and what files are called."""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import riskcast
from riskcast import exports
from state import results
from state.session import View


def dossier_of(view: View, explained: bool = False) -> riskcast.Dossier:
    """What files are made of; `explained`: with the drivers of the scores, which take a moment the first time."""
    result = results.handed(view)
    given = [(result.forecast.scenario_name, results.explained_as_handed(view))] if explained else []
    return riskcast.make_dossier(result.risk, view.case, explanations=given)


def brief_of(view: View) -> riskcast.Dossier:
    """What a brief is made of: changes are held against the published case at baseline."""
    before = results.published(view.case).risk if view.changes else None
    return replace(dossier_of(view, explained=True), previous=before)


def everything(dossier: riskcast.Dossier, form: str) -> bytes:
    """All that `riskcast export` writes in one format: its file, or a zip where it is several."""
    with tempfile.TemporaryDirectory(prefix="riskcast-export-") as top:
        known = tuple(dossier.explanations.items())
        paths = riskcast.export(
            dossier.risks, top, [form], published=dossier.published, previous=dossier.previous, explanations=known
        )
        files = {path.relative_to(top).as_posix(): path.read_bytes() for path in paths}
    own = {name.removeprefix(f"{form}/"): content for name, content in files.items() if name != "provenance.json"}
    return next(iter(own.values())) if len(own) == 1 else _zip(own)


def one_table(dossier: riskcast.Dossier, table: exports.Table, form: str) -> bytes:
    """One table as csv, json or xlsx, with where its numbers come from."""
    if form == "xlsx":
        return exports.one_table(dossier, table)
    return {"csv": exports.to_csv, "json": exports.to_json}[form](table, exports.origin(dossier))


def case_zip(case: riskcast.Case) -> bytes:
    """A case as a zip of its folder."""
    with tempfile.TemporaryDirectory(prefix="riskcast-case-") as top:
        folder = Path(top) / case.name
        riskcast.write_case(case, folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return _zip({path.relative_to(top).as_posix(): path.read_bytes() for path in files})


def folder_zip(name: str, files: Mapping[str, bytes]) -> bytes:
    """A case's own files as a zip of its folder."""
    return _zip({f"{name}/{path}": content for path, content in files.items()})


def file_stem(dossier: riskcast.Dossier) -> str:
    """How files of a dossier are called: case, scenario, and a tag where either is not as a bundled case has it.

    Two forecasts that differ have files that differ in name.
    """
    case, ahead = dossier.case, dossier.headline.forecast
    stem = safe_name(f"{case.name}-{ahead.scenario_name}")
    is_published = case.name in riskcast.list_cases() and case.hash == dossier.published.published_hash
    if is_published and ahead.scenario == case.scenarios.get(ahead.scenario_name, case.scenario("baseline")):
        return stem
    told = f"{case.hash} {ahead.scenario.model_dump_json()}"
    return f"{stem}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def safe_name(text: str) -> str:
    """Text as part of a file name.

    >>> safe_name("My view: 50 %"), safe_name("../..")
    ('My_view_50', 'overlay')
    """
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-")[:80] or "overlay"


def _zip(files: Mapping[str, bytes]) -> bytes:
    """Files as a zip; equal files give equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
