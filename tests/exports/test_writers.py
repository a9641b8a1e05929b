"""What every format promises, those of riskcast and a stranger's: whole files, inside its folder, that say where they
come from."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

import riskcast
from riskcast.cli.commands import app
from riskcast.errors import OptionError, UnknownNameError
from riskcast.exports.writers import WRITERS, Writer, export_schemas, formats_table, names_of
from tests.support import handover
from tests.support.places import ROOT

# A hub's own configuration, whose schema allows no other keys.
UNSIGNED = {"hubverse/hub-config/tasks.json"}


def write_headline(dossier: riskcast.Dossier, folder: Path) -> None:
    lines = [f"{dyad.id} {dyad.score.mean:.0f}" for dyad in dossier.headline.dyads]
    (folder / "headline.txt").write_text("\n".join([*lines, str(dossier.case.published_hash)]))


STRANGER = Writer("headline", "Headline", ("headline.txt",), "people in a hurry", write_headline)
EVERY = (*WRITERS, STRANGER)

every = pytest.mark.parametrize("writer", EVERY, ids=[writer.name for writer in EVERY])


@pytest.fixture(scope="module")
def dossier() -> riskcast.Dossier:
    return handover.single()


def written(dossier: riskcast.Dossier, out: Path, formats: Sequence[str], writers: Sequence[Writer] = EVERY) -> None:
    known = tuple(dossier.explanations.items())
    riskcast.export(dossier.risks, out, formats, explanations=known, writers=writers)


def files_below(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def text_of(name: str, content: bytes) -> bytes:
    """What a file says, unpacked."""
    if name.endswith(".pdf"):
        return "".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages).encode()
    if name.endswith(".xlsx"):
        archive = zipfile.ZipFile(BytesIO(content))
        return b"".join(archive.read(member) for member in archive.namelist())
    return content


@every
def test_it_writes_its_files_alone_and_the_same_bytes_again(
    writer: Writer, dossier: riskcast.Dossier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [tmp_path / name for name in ("here", "temporary", "one", "two")]
    for place in places:
        place.mkdir()
    here, temporary, one, two = places
    monkeypatch.chdir(here)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    writer.check()
    writer.write(dossier, one)
    writer.write(dossier, two)
    assert files_below(one)
    assert files_below(one) == files_below(two)
    assert not files_below(here)
    assert not files_below(temporary)
    for path in files_below(one):
        assert any(Path(path).match(file) or (file.endswith("/") and path.startswith(file)) for file in writer.files)
    if writer.is_single:
        assert list(files_below(one)) == list(writer.files)
    case = str(dossier.case.published_hash)[:12].encode()
    for name, content in files_below(one).items():
        assert name in UNSIGNED or case in text_of(name, content), name


@every
def test_an_export_that_is_stopped_in_it_leaves_nothing(
    writer: Writer, dossier: riskcast.Dossier, tmp_path: Path
) -> None:
    def stop(dossier: riskcast.Dossier, folder: Path) -> None:
        writer.write(dossier, folder)
        raise KeyboardInterrupt

    stopped = [replace(one, write=stop) if one is writer else one for one in EVERY]
    with pytest.raises(KeyboardInterrupt):
        written(dossier, tmp_path / "out", ["csv", writer.name] if writer.name != "csv" else ["csv"], stopped)
    assert not list(tmp_path.iterdir())


@every
def test_it_says_what_it_is_for(writer: Writer) -> None:
    assert writer.name.isidentifier()
    assert writer.label.strip()
    assert writer.about.strip()
    assert writer.files
    line = f"| `{writer.name}` | {', '.join(f'`{file}`' for file in writer.files)} | {writer.about} |"
    assert line in formats_table(EVERY).splitlines()


def test_names_tell_formats_apart() -> None:
    assert len(set(names_of())) == len({writer.label for writer in WRITERS}) == len(WRITERS)


def test_help_documents_and_schemas_are_those_of_the_registry() -> None:
    told = "".join(CliRunner().invoke(app, ["export", "--help"]).stdout.split())
    assert f"Anyof{','.join(names_of())}." in told
    assert formats_table() in (ROOT / "docs" / "exports.md").read_text(encoding="utf-8")
    kept = {path.name.replace(".schema", "") for path in (ROOT / "docs" / "schemas").glob("*.schema.json")}
    # Of a format that changed, the schema of earlier files stands beside it under its number.
    assert set(export_schemas()) == {name for name in kept if not re.search(r"\.\d+\.json$", name)}


def test_a_format_of_a_stranger_is_one_of_them(dossier: riskcast.Dossier, tmp_path: Path) -> None:
    written(dossier, tmp_path, ["headline", "json"])
    assert set(files_below(tmp_path)) == {"headline.txt", "forecast.json", "provenance.json"}
    with pytest.raises(UnknownNameError, match="did you mean 'headline'"):
        written(dossier, tmp_path, ["headlines"])
    with pytest.raises(UnknownNameError, match="headline"):
        written(dossier, tmp_path, ["headline"], WRITERS)


def test_without_the_package_that_it_needs_a_format_is_refused(dossier: riskcast.Dossier, tmp_path: Path) -> None:
    lacking = replace(STRANGER, needs="a_package_that_nobody_has")
    with pytest.raises(OptionError, match=r"needs the package a_package_that_nobody_has.*leave headline out"):
        written(dossier, tmp_path / "out", ["csv", "headline"], (*WRITERS, lacking))
    assert not (tmp_path / "out").exists()


def test_all_formats_are_written_where_none_is_named(dossier: riskcast.Dossier, tmp_path: Path) -> None:
    riskcast.export(dossier.risks, tmp_path, explanations=tuple(dossier.explanations.items()))
    assert {path.name for path in tmp_path.iterdir()} == {
        *(Path(file).parts[0] for writer in WRITERS for file in writer.files),
        "provenance.json",
    }
