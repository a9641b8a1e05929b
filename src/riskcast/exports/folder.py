"""Risks -> files for statisticians, ministers' offices and programs, all of them or none."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from riskcast.case.model import Case
from riskcast.errors import OptionError, RiskcastError, UnknownNameError
from riskcast.exports.csv_parquet import csv_files, json_bytes, to_parquet
from riskcast.exports.dossier import Dossier, make_dossier
from riskcast.exports.tables import make_tables, origin
from riskcast.forecasting.attribution import Explanation
from riskcast.forecasting.lineage import provenance
from riskcast.forecasting.scoring import Risk
from riskcast.machinery.staging import stage

STAGE: Final = ".riskcast-export-"
ABOUT: Final = "provenance.json"

Files = Mapping[str, bytes]


def _csv(dossier: Dossier, folder: Path) -> None:
    files = csv_files(dossier, make_tables(dossier))
    _write_all(folder, {f"csv/{name}": content for name, content in files.items()})


def _parquet(dossier: Dossier, folder: Path) -> None:
    came_from = origin(dossier)
    tables = make_tables(dossier)
    _write_all(folder, {f"parquet/{table.name}.parquet": to_parquet(table, came_from) for table in tables})


def _json(dossier: Dossier, folder: Path) -> None:
    from riskcast.exports.json_file import NAME, to_json_file

    _write_all(folder, {NAME: to_json_file(dossier)})


def _xlsx(dossier: Dossier, folder: Path) -> None:
    from riskcast.exports.workbook import all_tables

    _write_all(folder, {"forecast.xlsx": all_tables(dossier)})


def _netcdf(dossier: Dossier, folder: Path) -> None:
    from riskcast.exports.netcdf import write_netcdf

    write_netcdf(dossier, folder / "draws.nc")


def _html(dossier: Dossier, folder: Path) -> None:
    from riskcast.exports.brief.files import brief_html

    _write_all(folder, {"brief.html": brief_html(dossier).encode()})


def _pdf(dossier: Dossier, folder: Path) -> None:
    from riskcast.exports.brief.files import brief_pdf

    _write_all(folder, {"brief.pdf": brief_pdf(dossier)})


def _hubverse(dossier: Dossier, folder: Path) -> None:
    from riskcast.exports.hubverse import hub_files

    _write_all(folder, {f"hubverse/{name}": content for name, content in hub_files(dossier).items()})


_WRITERS: Final[Mapping[str, Callable[[Dossier, Path], None]]] = {
    "csv": _csv,
    "parquet": _parquet,
    "json": _json,
    "xlsx": _xlsx,
    "netcdf": _netcdf,
    "html": _html,
    "pdf": _pdf,
    "hubverse": _hubverse,
}
FORMATS: Final = tuple(_WRITERS)


def export(
    risk_or_risks: Risk | Sequence[Risk],
    out: str | Path,
    formats: Sequence[str] | None = None,
    *,
    published: Case | None = None,
    previous: Risk | None = None,
    explanations: Sequence[tuple[str, Explanation]] = (),
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Path, ...]:
    """Write risks into the folder `out`, in some of FORMATS (all where none is named); gives the files written.

    The first risk is the headline; further ones are other scenarios of the same posterior. `published`: the case
    before any overlay; `previous`: the risks of an earlier run; `explanations`: those that are known already, by
    scenario. `progress` hears how many formats are done. Files are made in a folder of their own and moved in at the
    end, each in one step: what is in `out` is whole at every moment, and other files there stay.

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
    chosen = check_formats(formats)
    dossier = make_dossier(risk_or_risks, published, previous, explanations)
    out = check_out(out)
    try:
        with stage(out if out.is_dir() else out.parent, STAGE) as folder:
            for done, name in enumerate(chosen):
                if progress is not None:
                    progress(done, len(chosen))
                _WRITERS[name](dossier, folder)
            if progress is not None:
                progress(len(chosen), len(chosen))
            _write_all(folder, {ABOUT: _about(dossier, folder)})
            return _move_in(folder, out)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RiskcastError(
            f"cannot write to {out} ({reason}); make room for it there, or give another --out"
        ) from error


def check_formats(formats: Sequence[str] | None) -> tuple[str, ...]:
    """The formats that are asked for, each once; raises OptionError where one is unknown or cannot be made here.

    >>> check_formats(["json", "csv", "json"])
    ('json', 'csv')
    """
    chosen = FORMATS if formats is None else tuple(dict.fromkeys(formats))
    if not chosen:
        raise OptionError(f"no format is given; choose from {', '.join(FORMATS)}")
    for name in chosen:
        if name not in _WRITERS:
            raise UnknownNameError("format", name, FORMATS)
    if "netcdf" in chosen:
        from riskcast.exports.netcdf import check_writer

        check_writer()
    return chosen


def check_out(out: str | Path) -> Path:
    """The folder to write into; raises OptionError where it is a file, or cannot be made or written."""
    out = Path(out)
    place = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not place.is_dir():
        raise OptionError(f"{place} is a file; give a folder as --out")
    if not os.access(place, os.W_OK | os.X_OK):
        raise OptionError(f"no permission to write to {place}; give another --out")
    return out


def _about(dossier: Dossier, folder: Path) -> bytes:
    """Where the numbers come from in full, and every file with its sha256."""
    files = [
        {"path": path.relative_to(folder).as_posix(), "bytes": path.stat().st_size, "sha256": _digest(path)}
        for path in _files(folder)
    ]
    scenarios = [risk.forecast.scenario_name for risk in dossier.risks]
    return json_bytes({**provenance(dossier.headline.forecast), "scenarios": scenarios, "files": files})


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_all(folder: Path, files: Files) -> None:
    for name, content in files.items():
        path = folder / PurePosixPath(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _move_in(folder: Path, out: Path) -> tuple[Path, ...]:
    """Put finished files in their place; what says where they come from goes last."""
    found = sorted(_files(folder), key=lambda path: path.name == ABOUT)
    targets = [out / path.relative_to(folder) for path in found]
    for path, target in zip(found, targets, strict=True):
        if target.is_dir():
            raise OptionError(f"{target} is a folder where a file is to be; remove it, or give another --out")
        with path.open("rb") as file:
            os.fsync(file.fileno())
        target.parent.mkdir(parents=True, exist_ok=True)
    for path, target in zip(found, targets, strict=True):
        path.replace(target)
    return tuple(targets)
