"""Risks -> files for statisticians, ministers' offices and programs, all of them or none."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, Final

from riskcast.case.model import Case
from riskcast.challenge.claim_records import JudgedClaims
from riskcast.comparison.change_splits import WhatChanged
from riskcast.errors import OptionError, UnknownNameError
from riskcast.exports.dossier import Dossier, make_dossier
from riskcast.exports.files import json_bytes, write_all
from riskcast.exports.writers import WRITERS, Writer, names_of
from riskcast.forecasting.attribution import Explanation
from riskcast.forecasting.lineage import provenance
from riskcast.forecasting.scoring import Risk
from riskcast.machinery.staging import check_working_folder, reason, write_folder
from riskcast.verification.history_records import ScoreHistory
from riskcast.verification.track_rows import TrackRecord

STAGE: Final = ".riskcast-export-"
ABOUT: Final = "provenance.json"


def export(
    risk_or_risks: Risk | Sequence[Risk],
    out: str | Path,
    formats: Sequence[str] | None = None,
    *,
    published: Case | None = None,
    previous: Risk | None = None,
    explanations: Sequence[tuple[str, Explanation]] = (),
    history: ScoreHistory | None = None,
    changed: WhatChanged | None = None,
    track: TrackRecord | None = None,
    claims: JudgedClaims | None = None,
    progress: Callable[[int, int], None] | None = None,
    writers: Sequence[Writer] = WRITERS,
) -> tuple[Path, ...]:
    """Write risks into the folder `out`, in some formats (all where none is named); gives the files written.

    The first risk is the headline; further ones are other scenarios of the same posterior. `published`: the case before
    any overlay; `previous`: the risks of an earlier run; `explanations`: those that are known already, by scenario;
    `history`: the scores as of earlier days (`score_history`); `changed`, `track`, `claims`: what changed since an
    earlier forecast, what became of published ones, and what sources say (`judge_claims`), for the brief. `progress`
    hears how many formats are done. `writers`: the formats there are, for those who have one of their own: `(*WRITERS,
    mine)`. Files are made in a folder of their own and moved in at the end, each in one step: what is in `out` is whole
    at every moment. Those that an earlier export of another forecast wrote there go, unless somebody has changed them;
    all others stay.

    Raises OptionError for an unknown format, a file in the way, or a package that is missing; RiskcastError where
    `out` cannot be written.

    >>> import tempfile
    >>> import riskcast
    >>> posterior = riskcast.fit(riskcast.load_case("central_asia_2024"), draws=200, seed=1)
    >>> risk = riskcast.score(riskcast.forecast(posterior))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in export(risk, folder, ["json"])]
    ['forecast.json', 'provenance.json']
    """
    chosen = check_formats(formats, writers)
    dossier = make_dossier(risk_or_risks, published, previous, explanations, history, changed, track, claims)
    out = check_out(out)

    def fill(folder: Path) -> None:
        for done, writer in enumerate(chosen):
            if progress is not None:
                progress(done, len(chosen))
            writer.write(dossier, folder)
        if progress is not None:
            progress(len(chosen), len(chosen))
        write_all(folder, {ABOUT: _about(dossier, folder)})

    before = _left_by_others(out, dossier)
    written = write_folder(out, fill, STAGE, last=(ABOUT,))
    for path in before - set(written):
        path.unlink(missing_ok=True)
    return written


def check_formats(formats: Sequence[str] | None, writers: Sequence[Writer] = WRITERS) -> tuple[Writer, ...]:
    """The formats that are asked for, each once; raises OptionError where one is unknown or cannot be made here.

    >>> [writer.name for writer in check_formats(["json", "csv", "json"])]
    ['json', 'csv']
    """
    known = {writer.name: writer for writer in writers}
    asked = names_of(writers) if formats is None else tuple(dict.fromkeys(formats))
    if not asked:
        raise OptionError(f"no format is given; choose from {', '.join(known)}")
    for name in asked:
        if name not in known:
            raise UnknownNameError("format", name, known)
        known[name].check()
    return tuple(known[name] for name in asked)


def check_out(out: str | Path) -> Path:
    """The folder to write into; raises OptionError where it is a file, or cannot be made or written."""
    if out == "":
        raise OptionError("the folder to write into has no name; give one as --out (. is where you are)")
    out = Path(out)
    if not out.is_absolute():
        check_working_folder()
    try:
        place = next(path for path in (out, *out.absolute().parents) if path.exists(follow_symlinks=False))
    except OSError as error:
        raise OptionError(f"cannot write to {out} ({reason(error)}); give another --out") from None
    if not place.is_dir():
        what = "a file" if place.exists() else "a link that leads nowhere"
        raise OptionError(f"{place} is {what}; give a folder as --out")
    if not os.access(place, os.W_OK | os.X_OK):
        raise OptionError(f"no permission to write to {place}; give another --out")
    return out


def _left_by_others(out: Path, dossier: Dossier) -> set[Path]:
    """The files that an export of another forecast wrote there and that nobody has changed since: beside those of this
    one they would pass for its own."""
    found = set()
    with suppress(OSError, ValueError, LookupError, TypeError):
        old = json.loads((out / ABOUT).read_text(encoding="utf-8"))
        files = old.pop("files")
        if old == json.loads(json_bytes(_origin(dossier))):
            return set()
        for file in files:
            path = out / PurePosixPath(file["path"])
            if ".." not in path.parts and path.is_file() and _digest(path) == file["sha256"]:
                found.add(path)
    return found


def _origin(dossier: Dossier) -> dict[str, Any]:
    """Where the numbers come from in full."""
    scenarios = [risk.forecast.scenario_name for risk in dossier.risks]
    return {**provenance(dossier.headline.forecast), "scenarios": scenarios}


def _about(dossier: Dossier, folder: Path) -> bytes:
    """Where the numbers come from in full, and every file with its sha256."""
    files = [
        {"path": path.relative_to(folder).as_posix(), "bytes": path.stat().st_size, "sha256": _digest(path)}
        for path in _files(folder)
    ]
    return json_bytes({**_origin(dossier), "files": files})


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
