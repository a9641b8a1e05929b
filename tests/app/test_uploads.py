"""What the app is sent by strangers: cases and overlays are read, and hostile files refused at little cost."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import runpy
import stat
import struct
import subprocess
import sys
import tempfile
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import openpyxl
import psutil
import pyarrow
import pyarrow.parquet
import pytest

import riskcast
from files import uploads
from tests.support import smallpanel
from tests.support.places import APP, ROOT
from tests.support.smallcase import FILES, write_files
from tests.support.uploaded import read_case_files, read_case_upload

GOOD = {name: text.encode() for name, text in FILES.items()}
GOOD_YML = {name.replace(".yaml", ".yml"): content for name, content in GOOD.items()}
# Far above what a refusal costs anywhere, and far below what reading such a file does.
MOST_CPU_SECONDS = 20.0


@pytest.fixture(autouse=True)
def no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing that was unpacked is left, whatever became of it."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where a file that must be refused at the door is handed on to be read."""

    def read(*_: object) -> None:
        raise AssertionError("it was not refused at the door")

    monkeypatch.setattr(uploads, "load_files", read)


def zipped(
    files: Mapping[str, bytes], folder: str = "", change: Callable[[zipfile.ZipInfo], None] | None = None
) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(folder + name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            if change is not None:
                change(entry)
            archive.writestr(entry, content)
    return packed.getvalue()


def refusal(name: str, content: bytes) -> str:
    with pytest.raises(riskcast.RiskcastError) as caught:
        read_case_upload(name, content)
    text = str(caught.value)
    assert "; " in text
    assert "Traceback" not in text
    assert tempfile.gettempdir() not in text
    assert all(line.isprintable() for line in text.splitlines())
    return text


@pytest.mark.parametrize(
    ("name", "folder", "case_name"),
    [
        ("small.zip", "", "small"),
        ("upload.zip", "my_case/", "my_case"),
        ("Fälle 2024 (1).zip", "", "Falle_2024_1"),
        ("central_asia_2024.zip", "", "central_asia_2024_uploaded"),
        ("../../etc/passwd.zip", "", "passwd"),
        ("C:\\cases\\mine.zip", "", "mine"),
        ("пример.zip", "", "case"),
        ("x.zip", "Fälle/", "Falle"),
    ],
)
def test_a_zip_of_a_case_is_the_case(name: str, folder: str, case_name: str, tmp_path: Path) -> None:
    case = read_case_upload(name, zipped(GOOD, folder))
    assert case.hash == riskcast.load_case(write_files(tmp_path / "small")).hash
    assert case.published_hash == case.hash
    assert case.name == case_name


def test_what_operating_systems_add_is_passed_over() -> None:
    added = {"__MACOSX/small/._case.yaml": b"\0\1", "small/.DS_Store": b"\0", "small/history/Thumbs.db": b"\0"}
    with_folders = {"small/": b"", "small/history/": b"", **{f"small/{name}": text for name, text in GOOD.items()}}
    assert read_case_upload("a.zip", zipped({**added, **with_folders})).name == "small"


def test_what_repositories_notebooks_and_editors_leave_is_passed_over() -> None:
    names = (
        *(".git/config", ".git/objects/ab/cdef", ".gitignore", ".gitattributes", ".github/workflows/ci.yml"),
        *(".ipynb_checkpoints/case-checkpoint.yaml", "history/.ipynb_checkpoints/events-checkpoint.csv"),
        *(
            "._case.yaml",
            "~$events.xlsx",
            "history/.~lock.events.csv#",
            "case.yaml~",
            ".case.yaml.swp",
            ".vscode/a.json",
        ),
        *(".streamlit/config.toml", "__pycache__/x.pyc", ".venv/bin/python", ".pytest_cache/README.md", ".RData"),
        *("Icon\r", "history/Icon\r", "@eaDir/case.yaml@x/y", "ehthumbs.db", "#case.yaml#", "history/events.csv.bak"),
        "history/.hidden.csv",
    )
    case = read_case_upload("a.zip", zipped(GOOD | dict.fromkeys(names, b"\0x"), "small/"))
    assert case.name == "small"
    assert read_case_files(GOOD | dict.fromkeys(names, b"\0x")).hash == case.hash


def test_a_zip_from_windows_powershell_is_the_case() -> None:
    packed = {f"mine\\{name.replace('/', chr(92))}": content for name, content in GOOD.items()}
    case = read_case_upload("a.zip", zipped({"mine\\": b"", "mine\\history\\": b""} | packed))
    assert (case.name, case.hash) == ("mine", read_case_files(GOOD).hash)
    for odd, words in (
        ("mine\\..\\..\\x.csv", "leads out of the folder"),
        ("C:\\x.csv", "contains a backslash or a colon"),
        ("\\\\server\\x.csv", "leads out of the folder"),
        ("mine\\history/x.csv", "(on Windows: Send to > Compressed folder, or 7-Zip)"),
    ):
        assert words in refusal("a.zip", zipped(packed | {odd: b"x"}))


def test_a_folder_within_folders_is_the_case_and_several_are_named() -> None:
    assert read_case_upload("a.zip", zipped(GOOD, "download/cases/mine/")).name == "mine"
    two = {f"cases/{top}/{name}": content for top in ("a", "b") for name, content in GOOD.items()}
    assert "but in cases/a, cases/b; pack the folder of one case" in refusal("x.zip", zipped(two))
    assert "but in mine; pack" in refusal(
        "x.zip", zipped({f"mine/{n}": c for n, c in GOOD.items()} | {"README.md": b""})
    )


def test_a_file_with_the_name_of_the_folder_is_refused() -> None:
    assert "holds mine; a case is made of" in refusal(
        "a.zip", zipped({f"mine/{name}": content for name, content in GOOD.items()} | {"mine": b"x", "./.": b"x"})
    )


def test_names_that_a_mac_writes_apart_are_one_name() -> None:
    assert read_case_upload("a.zip", zipped(GOOD, "Fa\u0308lle/")).name == "Falle"
    twice = GOOD | {"history/\u00e4.csv": b"x", "history/a\u0308.csv": b"x"}
    assert "twice; keep one of the two" in refusal("a.zip", zipped(twice))


@pytest.mark.parametrize("name", ["history/AUX.csv", "nul", "con/x.csv", "history/com1.parquet", "LPT9.yaml"])
@pytest.mark.usefixtures("unread")
def test_names_of_devices_are_refused(name: str) -> None:
    assert "has the name of a device on Windows" in refusal("a.zip", zipped(GOOD | {name: b"x"}))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_zip_of_a_panel_case_is_the_case(suffix: str, tmp_path: Path) -> None:
    folder = smallpanel.write_panel_case(tmp_path / "panel", suffix=suffix)
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    files["README.md"] = b"# A panel"
    assert read_case_upload("panel.zip", zipped(files)).hash == riskcast.load_case(folder).hash
    bare = {Path(name).name: content for name, content in files.items()}
    assert read_case_files(bare).hash == riskcast.load_case(folder).hash


def test_tables_of_every_kind_and_yml_files_are_the_case(tmp_path: Path) -> None:
    expected = riskcast.load_case(write_files(tmp_path / "small")).hash
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in csv.reader(io.StringIO(FILES["history/indicators.csv"])):
        book.active.append(row)
    book.save(tmp_path / "indicators.xlsx")
    files = {name: content for name, content in GOOD_YML.items() if "history" not in name}
    assert read_case_upload("a.zip", zipped(GOOD_YML, "mine/")).hash == expected
    assert read_case_upload("a.zip", zipped({n.replace("case.", "Case."): c for n, c in GOOD.items()})).hash
    files["history/events.csv.gz"] = gzip.compress(GOOD["history/events.csv"])
    files["history/indicators.xlsx"] = (tmp_path / "indicators.xlsx").read_bytes()
    assert read_case_upload("a.zip", zipped(files)).hash == expected
    assert read_case_files({Path(name).name: content for name, content in files.items()}).hash == expected


def test_what_tables_unpack_to_is_limited() -> None:
    packer, chunk = zlib.compressobj(1, zlib.DEFLATED, 31), b"x" * (1 << 20)
    head = packer.compress(GOOD["history/events.csv"].splitlines(keepends=True)[0])
    bomb = head + b"".join(packer.compress(chunk) for _ in range(1200)) + packer.flush()
    files = {name: content for name, content in GOOD.items() if name != "history/events.csv"}
    with pytest.raises(riskcast.RiskcastError, match="takes more than 15 s or 1 GB of memory to read"):
        read_case_files(files | {"history/events.csv.gz": bomb})


def test_files_with_and_without_folders_are_the_case(tmp_path: Path) -> None:
    expected = riskcast.load_case(write_files(tmp_path / "small")).hash
    in_folder = read_case_files({f"mine/{name}": content for name, content in GOOD.items()})
    bare = read_case_files({Path(name).name: content for name, content in GOOD.items()})
    at_top = read_case_files(GOOD)
    assert read_case_upload("a.zip", zipped(GOOD, "./")).hash == expected
    assert in_folder.hash == bare.hash == at_top.hash == expected
    assert (in_folder.name, bare.name) == ("mine", "uploaded_case")


def test_every_mistake_in_a_case_is_told_with_file_line_and_mend() -> None:
    wrong = GOOD | {
        "outcomes.yaml": GOOD["outcomes.yaml"].replace(b"severity: 30", b"severity: 130"),
        "indicators.yaml": GOOD["indicators.yaml"].replace(b"step: 5", b"step: five"),
    }
    text = refusal("small.zip", zipped(wrong, "small/"))
    assert "indicators.yaml:8: mood.step: is 'five'; give a plain number" in text
    assert "outcomes.yaml:6: protest.severity: is 130; give a number" in text
    assert len(text.splitlines()) == 2


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system [echo]", "!!python/name:os.system", "!x y", "!!str a"]
)
def test_yaml_tags_are_refused(tag: str) -> None:
    text = refusal("a.zip", zipped(GOOD | {"case.yaml": f"title: {tag}\n".encode() + GOOD["case.yaml"]}))
    assert "case.yaml:1: title: has the tag" in text


def test_yaml_aliases_are_refused() -> None:
    bomb = b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"
    assert "uses an alias" in refusal("a.zip", zipped(GOOD | {"sources.yaml": bomb}))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../case.yaml", "leads out of the folder"),
        ("a/../../case.yaml", "leads out of the folder"),
        ("/etc/case.yaml", "leads out of the folder"),
        ("//server/case.yaml", "leads out of the folder"),
        ("C:/case.yaml", "contains a backslash or a colon"),
        ("..\\case.yaml", "contains a backslash or a colon"),
        ("history\\..\\..\\x.csv", "contains a backslash or a colon"),
        ("a//x.csv", "leads out of the folder"),
        ("a/.. /x.csv", "leads out of the folder"),
        ("__MACOSX/../../x.csv", "leads out of the folder"),
        ("history/x\u202evsc.csv", "contains characters that cannot be seen"),
        ("history/x\u200b.csv", "contains characters that cannot be seen"),
        ("history/x\n.csv", "contains characters that cannot be seen"),
        ("case.yaml\r", "contains characters that cannot be seen"),
        ("x" * 300 + ".csv", "is no name of 1 to 200 characters"),
    ],
)
@pytest.mark.usefixtures("unread")
def test_a_path_that_leads_elsewhere_or_hides_is_refused(name: str, words: str) -> None:
    assert words in refusal("a.zip", zipped(GOOD | {name: b"x"}))
    with pytest.raises(riskcast.RiskcastError, match=f"^the upload: holds '.*', which {words}; "):
        read_case_files(GOOD | {name: b"x"})


@pytest.mark.usefixtures("unread")
def test_a_name_with_nul_or_with_two_readings_is_refused() -> None:
    packed = zipped(GOOD | {"history/x0.csv": b"x"})
    assert "two names" in refusal("a.zip", packed.replace(b"history/x0.csv", b"history/x\0.csv"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("inner.zip", "inner.zip; a case is made of"),
        ("run.py", "run.py; a case is made of"),
        ("case.json", "case.json; a case is made of"),
        ("history/x.gz", "history/x.gz; a case is made of"),
        ("./case.yaml", "holds case.yaml twice"),
        ("саse.yaml", "'\\u0441\\u0430se.yaml', whose name has other characters"),
        ("history/ｅvents.csv", "holds "),
        ("a.b/x.csv", "other characters"),
        ("CASE.yaml", "holds CASE.yaml twice"),
        ("history/Events.CSV", "holds history/Events.CSV twice"),
    ],
)
@pytest.mark.usefixtures("unread")
def test_a_file_that_does_not_belong_is_refused(name: str, words: str) -> None:
    assert words in refusal("a.zip", zipped(GOOD | {name: b"x"}))


@pytest.mark.usefixtures("unread")
def test_a_zip_within_a_zip_is_refused_under_any_name() -> None:
    assert "a zip in itself" in refusal("a.zip", zipped(GOOD | {"history/panel.csv": zipped(GOOD)}))


@pytest.mark.usefixtures("unread")
def test_an_entry_that_stands_twice_is_refused() -> None:
    packed = io.BytesIO(zipped(GOOD))
    with zipfile.ZipFile(packed, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("case.yaml", "title: Another")
    assert "holds case.yaml twice" in refusal("a.zip", packed.getvalue())


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
@pytest.mark.usefixtures("unread")
def test_links_and_devices_are_refused(kind: int) -> None:
    def turn(entry: zipfile.ZipInfo) -> None:
        if entry.filename == "history/events.csv":
            entry.external_attr = (kind | 0o777) << 16

    assert "which is a link or a device" in refusal("a.zip", zipped(GOOD, change=turn))


def with_flag(packed: bytes, flag: int) -> bytes:
    """The flag set in every header of a zip."""
    changed = bytearray(packed)
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = changed.find(signature)
        while at >= 0:
            changed[at + offset] |= flag
            at = changed.find(signature, at + 4)
    return bytes(changed)


@pytest.mark.usefixtures("unread")
def test_an_encrypted_zip_is_refused() -> None:
    assert "encrypted; zip the folder without a password" in refusal("a.zip", with_flag(zipped(GOOD), 1))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.usefixtures("unread")
def test_an_unusual_compression_is_refused(method: int) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("case.yaml", GOOD["case.yaml"])
    assert "unusual compression" in refusal("a.zip", packed.getvalue())


@pytest.mark.parametrize(
    "content", [b"", b"P", b"PK", b"PK\5\6", b"not a zip", b"\x1f\x8b\x08", b"Rar!\x1a\x07", b"\0" * 5000]
)
@pytest.mark.usefixtures("unread")
def test_what_is_no_zip_is_refused(content: bytes) -> None:
    assert "no zip" in refusal("a.zip", content)


def test_a_damaged_zip_is_refused_or_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "load_files", lambda *_: None)
    whole, rng, refused = zipped(GOOD, "small/"), random.Random(1), 0
    for _ in range(1500):
        broken = bytearray(whole)
        for _ in range(rng.choice((1, 1, 4, 30))):
            # Headers are few bytes of the whole; half of the damage goes there.
            at = rng.randrange(len(whole)) if rng.random() < 0.5 else rng.randrange(len(whole) - 900, len(whole))
            broken[at] = rng.randrange(256)
        if rng.random() < 0.2:
            del broken[rng.randrange(len(broken)) :]
        try:
            read_case_upload("a.zip", bytes(broken))
        except riskcast.RiskcastError:
            refused += 1
    assert refused > 700


def bounded(call: Callable[[], object], most_bytes: int) -> None:
    """Call, and see that it took little work and memory."""
    tracemalloc.start()
    begun = time.process_time()
    try:
        call()
        assert time.process_time() - begun < MOST_CPU_SECONDS
        assert tracemalloc.get_traced_memory()[1] < most_bytes
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("unread")
def test_zip_bombs_are_refused_unopened() -> None:
    vast = zipped(GOOD | {"history/panel.csv": bytes(30_000_000)})
    many = zipped(GOOD | {f"x{i}.csv": bytes(15_000_000) for i in range(4)})
    dense = zipped(GOOD | {"history/panel.csv": bytes(18_000_000)})
    crowd = zipped({f"x{i}.csv": b"" for i in range(20_000)})
    some = zipped(GOOD | {f"x{i}.csv": b"" for i in range(60)})
    for content, words in (
        (vast, "unpacks to more than 20 MB"),
        (many, "unpacks to more than 20 MB"),
        (dense, "unpacks to more than 200 times its size"),
        (crowd, "holds more than 64 files"),
        (some, "holds more than 64 files"),
    ):
        bounded(lambda c=content, w=words: w in refusal("a.zip", c) or pytest.fail(w), 5_000_000)


def test_a_zip_that_lies_about_its_sizes_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "load_files", lambda *_: pytest.fail("it was read"))
    packed = bytearray(zipped({"case.yaml": bytes(30_000_000)}))
    told = struct.pack("<I", 500)
    packed[22:26] = told
    at = packed.find(b"PK\1\2")
    packed[at + 24 : at + 28] = told
    bounded(lambda: refusal("a.zip", bytes(packed)), 5_000_000)


@pytest.mark.usefixtures("unread")
def test_entries_that_share_their_bytes_are_refused() -> None:
    packed = bytearray(zipped({"case.yaml": bytes(900_000), "sources.yaml": b"x"}))
    second = packed.find(b"PK\1\2", packed.find(b"PK\1\2") + 4)
    # The second entry begins where the first does, and so holds it.
    packed[second + 42 : second + 46] = struct.pack("<I", 0)
    bounded(lambda: refusal("a.zip", bytes(packed)), 5_000_000)


def test_a_zip_of_the_large_format_is_read_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in GOOD.items():
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as entry:
                entry.write(content)
    assert read_case_upload("small.zip", packed.getvalue()).name == "small"
    monkeypatch.setattr(uploads, "load_files", lambda *_: pytest.fail("it was read"))
    told = bytearray(packed.getvalue())
    at = told.find(b"PK\1\2")
    told[at + 24 : at + 28] = struct.pack("<I", 0xFFFFFFFF)
    assert "a.zip: " in refusal("a.zip", bytes(told))


def test_what_is_unpacked_is_counted_whatever_was_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_check_sizes", lambda *_: None)
    packed = zipped({"case.yaml": bytes(200_000_000)})
    bounded(lambda: "more than 20 MB" in refusal("a.zip", packed) or pytest.fail("not counted"), 60_000_000)


@pytest.mark.usefixtures("unread")
def test_an_upload_of_100_mb_is_refused_by_its_size() -> None:
    vast = b"PK\3\4" + bytes(100_000_000)
    bounded(lambda: refusal("a.zip", vast), 100_000)
    with pytest.raises(riskcast.RiskcastError, match=r"^a\.zip: is larger than 20 MB; "):
        uploads.check_size("a.zip", 100_000_000)
    with pytest.raises(riskcast.RiskcastError, match="the upload: is larger than 20 MB"):
        read_case_files({"case.yaml": vast[:15_000_000], "sources.yaml": vast[:15_000_000]})
    with pytest.raises(riskcast.RiskcastError, match="larger than 256 kB"):
        uploads.read_overlay_upload("o.yaml", vast)


REFUSED_IN = """
import json, resource, sys
from pathlib import Path
from riskcast import RiskcastError
from tests.support.uploaded import read_case_upload
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_case_upload("panel.zip", Path(sys.argv[1]).read_bytes())
except RiskcastError as error:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps([str(error), most, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


def test_a_small_parquet_file_that_stands_for_gigabytes_is_refused(tmp_path: Path) -> None:
    folder, rows = smallpanel.write_panel_case(tmp_path / "panel", suffix="parquet"), 1_900_000
    text = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array(np.zeros(rows, dtype=np.int32)), pyarrow.array(["A" * 50_000])
    )
    columns = {"dyad": text, "period": pyarrow.array(np.full(rows, 2001))}
    columns |= {name: pyarrow.array(np.zeros(rows)) for name in (*smallpanel.COVARIATES, *smallpanel.EVENTS)}
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "history" / "panel.parquet", store_schema=False)
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert sum(map(len, files.values())) < 100_000
    upload = tmp_path / "panel.zip"
    upload.write_bytes(zipped(files))
    # A process tells the most of all its children, so that this one has no other.
    told = subprocess.run(
        [sys.executable, "-c", REFUSED_IN, str(upload)],
        env=os.environ | {"PYTHONPATH": f"{APP}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    text, own, child = json.loads(told.stdout)
    assert "panel.parquet: cannot be read" in text or "of memory to read" in text
    assert own * 1024 < 200_000_000
    assert child * 1024 < 1.3 * uploads.READ_BYTES


def test_a_case_that_takes_too_long_to_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PATIENCE", 0.1)
    columns = ",".join(f"x{i}" for i in range(1_000_000)).encode()
    text = refusal("a.zip", zipped(GOOD | {"history/events.csv": b"date," + columns + b"\n"}))
    assert "a.zip: takes more than" in text
    assert not psutil.Process().children()


def test_a_process_at_its_limit_is_told_as_too_heavy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "limited.py"
    script.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGXCPU)\n", encoding="utf-8")
    monkeypatch.setattr(uploads, "__file__", str(script))
    assert "takes more than 15 s or 1 GB of memory" in refusal("a.zip", zipped(GOOD))
    script.write_text("raise ZeroDivisionError\n", encoding="utf-8")
    assert "a.zip: cannot be read; " in refusal("a.zip", zipped(GOOD))


def test_a_case_is_read_where_python_knows_no_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.setattr(sys, "argv", [uploads.__file__, str(write_files(tmp_path / "small"))])
    with pytest.raises(SystemExit) as leaving:
        runpy.run_path(uploads.__file__, run_name="__main__")
    assert leaving.value.code == 0


def test_one_upload_is_read_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PATIENCE", 0.1)
    with uploads._reading:
        assert "as another upload is; try again" in refusal("a.zip", zipped(GOOD))


@pytest.mark.usefixtures("unread")
def test_a_zip_without_a_case_is_refused() -> None:
    assert "holds no case.yaml" in refusal("a.zip", zipped({"README.md": b"x"}))
    assert "holds no case.yaml" in refusal("a.zip", zipped({}))
    two = {f"{top}/{name}": content for top in ("a", "b") for name, content in GOOD.items()}
    assert "holds no case.yaml" in refusal("a.zip", zipped(two))
    with pytest.raises(riskcast.RiskcastError, match=r"holds no case\.yaml"):
        read_case_files({})


def test_a_name_of_an_upload_is_told_without_what_cannot_be_seen() -> None:
    assert refusal("a\u202e\n\0b" + "x" * 500, b"").startswith("a\\u202e\\n\\x00bxxx")


OVERLAY = b"""\
label: Hotter
changes:
  indicators.mood.now: {median: 57, interval: [50, 64]}
  hyperpriors.persistence: {value: 0.6, evidence: {basis: judgement, claim: Judged.}}
"""


def test_an_overlay_is_read_as_from_a_file(tmp_path: Path) -> None:
    case = riskcast.load_case(write_files(tmp_path / "small"))
    file = tmp_path / "hotter.yaml"
    file.write_bytes(OVERLAY)
    overlay = uploads.read_overlay_upload("hotter.yaml", OVERLAY)
    assert overlay.overlay.label == "Hotter"
    assert overlay.changes["indicators.mood.now"] == {"median": 57.0, "interval": [50.0, 64.0]}
    from_file = riskcast.apply_overlay(case, *riskcast.load_overlay(file))
    uploaded = riskcast.apply_overlay(case, overlay.changes, overlay.document)
    assert (uploaded.hash, uploaded.overlay_hash) == (from_file.hash, from_file.overlay_hash)


def test_an_overlay_that_does_not_fit_the_case_is_told_with_its_line(tmp_path: Path) -> None:
    case = riskcast.load_case(write_files(tmp_path / "small"))
    overlay = uploads.read_overlay_upload("hotter.yaml", OVERLAY.replace(b"mood.now", b"mod.now"))
    with pytest.raises(riskcast.CaseError, match=r"^hotter.yaml:3: changes.indicators.mod.now: is not a quantity"):
        riskcast.apply_overlay(case, overlay.changes, overlay.document)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("o.yaml", b"changes: !!python/object/apply:os.system [echo]", "o.yaml:1: changes: has the tag"),
        ("o.yaml", b"changes:\n  a: {median: x}\n", "o.yaml:2: changes.a.median: is 'x'; "),
        ("o.yaml", b"- a\n", "o.yaml:1: is not a mapping; write `changes:`"),
        ("o.yaml", b"", "o.yaml:1: is empty; "),
        ("o.yaml", b"\xe9", "o.yaml:1: is not UTF-8"),
        ("o.yaml", b"a: \0", "control character"),
        ("o.yaml", b"[" * 200_000, "nested too deeply"),
        ("o.yaml", b"".join(b"k%d: {x%d: 1}\n" % (i, i) for i in range(12_000)), "unknown key"),
        ("o.zip", OVERLAY, "o.zip: is no overlay; upload a .yaml file"),
        ("../../\u202eo.yaml", b"", "../../\\u202eo.yaml:1: is empty"),
    ],
)
def test_a_bad_overlay_is_refused_with_its_line(name: str, content: bytes, words: str) -> None:
    begun = time.process_time()
    with pytest.raises(riskcast.RiskcastError) as caught:
        uploads.read_overlay_upload(name, content)
    assert words in str(caught.value)
    assert "riskcast-upload" not in str(caught.value)
    assert time.process_time() - begun < MOST_CPU_SECONDS
