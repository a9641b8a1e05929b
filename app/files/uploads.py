"""Uploaded files -> a case or an overlay; whatever a stranger may send is refused before it costs much.

Run as a script, it reads the case in a folder under limits of memory and time, and prints what is wrong with it.
"""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import unicodedata
import zipfile
import zlib
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import riskcast

MOST_BYTES = 20_000_000
MOST_FILES = 64
# With what is passed over, such as a repository's own folder.
MOST_ENTRIES = 2_000
MOST_RATIO = 200
MOST_OVERLAY_BYTES = 256_000
MOST_NAME = 200
MOST_NAMED = 5
CHUNK = 1 << 16

UPLOAD = "the upload"
READ_BYTES = 1 << 30
READ_SECONDS = 15
PATIENCE = 60.0
REFUSED, TOO_HEAVY = 3, 4

YAML = (".yaml", ".yml")
SUFFIXES = (*YAML, ".csv", ".tsv", ".csv.gz", ".tsv.gz", ".xlsx", ".parquet")
READMES = ("readme", "readme.md", "readme.txt")
KINDS = "a case is made of .yaml files, tables (.csv, .tsv, .csv.gz, .xlsx, .parquet) and a README"
# What operating systems, notebooks and editors leave beside the files of a person; all that is hidden is as well.
_IGNORED_FOLDERS = {"__macosx", "__pycache__", "@eadir", "$recycle.bin"}
_ICON = "Icon\r"
_IGNORED_FILES = re.compile(r"(eh)?thumbs\.db|desktop\.ini|icon\r|~\$.*|.*~|#.*#|.*\.(bak|orig|tmp)")
# Names that Windows gives to devices, whatever their suffix.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_FOLDER = re.compile(r"[A-Za-z0-9_-]+")
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
    LookupError,
)

# Several uploads read at once could together take what the limits deny to one.
_reading = threading.Lock()

Parts = tuple[str, ...]


@dataclass(frozen=True)
class UploadedOverlay:
    """An overlay, and the document that lets `riskcast.apply_overlay` name its lines."""

    overlay: riskcast.Overlay
    document: Any

    @property
    def changes(self) -> dict[str, dict[str, Any]]:
        """Changed quantities by id as plain data."""
        changes = self.overlay.changes.items()
        return {key: quantity.model_dump(mode="json", exclude_none=True) for key, quantity in changes}


def unpacked(name: str, content: bytes) -> tuple[str, dict[str, bytes]]:
    """The name of the case in a zip, and its files by path within the case's folder; raises RiskcastError.

    The case is named after the folder in the zip, or after the zip where its files lie at the top.
    """
    check_size(name, len(content))
    folder, files = _rooted(name, _unzip(name, content))
    return _case_name(folder or name), dict(files)


def gathered(files: Mapping[str, bytes]) -> tuple[str, dict[str, bytes]]:
    """The name of the case in several uploaded files, and these by path within the case's folder; raises RiskcastError.

    Names may hold folders, as those of an uploaded folder do. Without any, tables are taken for those of `history/`.
    """
    shown = UPLOAD
    if len(files) > MOST_ENTRIES:
        raise _refusal(shown, f"holds more than {MOST_ENTRIES} files", "choose only the files of one case")
    check_size(shown, sum(len(content) for content in files.values()))
    found = {name: parts for name in files if not _is_ignored(parts := _parts(shown, name))}
    _check_distinct(shown, found.values())
    chosen = {parts: files[name] for name, parts in found.items()}
    if all(len(parts) == 1 for parts in chosen):
        chosen = {
            parts if parts[0].lower().endswith(YAML) else ("history", *parts): content
            for parts, content in chosen.items()
        }
    folder, rooted = _rooted(shown, chosen)
    return _case_name(folder or "uploaded_case"), dict(rooted)


def read_overlay_upload(name: str, content: bytes) -> UploadedOverlay:
    """The changes in an overlay file; raises RiskcastError with file, line and mend."""
    check_size(name, len(content), MOST_OVERLAY_BYTES)
    if not name.lower().endswith((".yaml", ".yml")):
        raise _refusal(name, "is no overlay", "upload a .yaml file with `changes:`")
    with tempfile.TemporaryDirectory(prefix="riskcast-upload-") as folder:
        file = Path(folder) / "overlay.yaml"
        try:
            file.write_bytes(content)
        except OSError as error:
            raise _no_room(name, error) from None
        try:
            overlay, document = riskcast.load_overlay(file)
        except riskcast.CaseError as error:
            raise riskcast.CaseError(replace(problem, file=_shown(name)) for problem in error.problems) from None
    return UploadedOverlay(overlay, replace(document, file=_shown(name)))


def check_size(name: str, size: int, most: int = MOST_BYTES) -> None:
    """Raise RiskcastError for an upload of too many bytes; call it before its content is fetched."""
    if size > most:
        limit = f"{most // 1_000_000} MB" if most >= 1_000_000 else f"{most // 1000} kB"
        raise _refusal(name, f"is larger than {limit}", "leave out what does not belong, or use the command line")


def _unzip(name: str, content: bytes) -> dict[Parts, bytes]:
    if not content.startswith(b"PK"):
        raise _refusal(name, "is no zip", "zip the case's folder, or upload its files one by one")
    # Python reads the whole list of entries before anything can be asked about it.
    if content.count(_ENTRY) > MOST_ENTRIES:
        raise _too_many(name)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = _members(name, archive.infolist())
            _check_sizes(name, members.values(), len(content))
            return _unpack(name, archive, members)
    except _BROKEN:
        raise _refusal(name, "is damaged, or no zip that can be read", "zip the case's folder anew") from None


def _members(name: str, entries: Iterable[zipfile.ZipInfo]) -> dict[Parts, zipfile.ZipInfo]:
    """The files of an archive by path, without what is passed over."""
    found, entries = [], tuple(entries)
    # Windows PowerShell 5.1 writes backslashes between folders; elsewhere they are letters, or meant to deceive.
    is_windows = not any("/" in entry.orig_filename for entry in entries)
    for entry in entries:
        path = entry.orig_filename.replace("\\", "/") if is_windows else entry.orig_filename
        # Python cuts a name at NUL, and lets an extra field of the entry replace it.
        if path != (entry.filename.replace("\\", "/") if is_windows else entry.filename):
            raise _refusal(name, f"holds {_shown(entry.orig_filename)}, which has two names", "zip the folder anew")
        parts = _parts(name, path.removesuffix("/"))
        mode = entry.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            wrong = f"holds {_shown(entry.filename)}, which is a link or a device"
            raise _refusal(name, wrong, "put the file itself in its place")
        if path.endswith("/") or _is_ignored(parts):
            continue
        if entry.flag_bits & _ENCRYPTED:
            raise _refusal(name, f"holds {_shown(entry.filename)} encrypted", "zip the folder without a password")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            wrong = f"holds {_shown(entry.filename)} in an unusual compression"
            raise _refusal(name, wrong, "zip the folder with the ordinary one (deflate)")
        found.append((parts, entry))
    _check_distinct(name, [parts for parts, _ in found])
    return dict(found)


def _check_sizes(name: str, entries: Collection[zipfile.ZipInfo], packed: int) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MOST_BYTES:
        raise _too_large(name)
    if unpacked > max(1_000_000, MOST_RATIO * packed):
        wrong = f"unpacks to more than {MOST_RATIO} times its size"
        raise _refusal(name, wrong, "leave out files that hold the same over and over")


def _unpack(name: str, archive: zipfile.ZipFile, members: Mapping[Parts, zipfile.ZipInfo]) -> dict[Parts, bytes]:
    files, left = {}, MOST_BYTES
    for parts, entry in members.items():
        chunks = []
        with archive.open(entry) as opened:
            while chunk := opened.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise _too_large(name)
                chunks.append(chunk)
        files[parts] = b"".join(chunks)
    return files


def _parts(archive: str, path: str) -> Parts:
    """A path's parts; raises RiskcastError for one that could lead out of its folder or pass for another."""

    def refuse(wrong: str, mend: str = "rename it, and pack the folder anew") -> riskcast.RiskcastError:
        return _refusal(archive, f"holds {_shown(path)!r}, which {wrong}", mend)

    if not path or len(path) > MOST_NAME:
        raise refuse(f"is no name of 1 to {MOST_NAME} characters")
    if not path.removesuffix(_ICON).isprintable():
        raise refuse("contains characters that cannot be seen")
    if "\\" in path or ":" in path:
        mend = "rename it, and pack the folder anew (on Windows: Send to > Compressed folder, or 7-Zip)"
        raise refuse("contains a backslash or a colon", mend)
    parts = tuple(part for part in path.split("/") if part != ".")
    if path.startswith("/") or any(part.strip() in ("", ".", "..") for part in parts):
        raise refuse("leads out of the folder")
    if any(_DEVICE.fullmatch(part) for part in parts):
        raise refuse("has the name of a device on Windows")
    return parts


def _is_ignored(parts: Parts) -> bool:
    lowered = [part.lower() for part in parts]
    is_hidden = not parts or any(part.startswith(".") for part in parts)
    return is_hidden or not _IGNORED_FOLDERS.isdisjoint(lowered) or bool(_IGNORED_FILES.fullmatch(lowered[-1]))


def _check_distinct(name: str, paths: Collection[Parts]) -> None:
    if len(paths) > MOST_FILES:
        raise _too_many(name)
    seen: set[str] = set()
    for parts in paths:
        path = "/".join(parts)
        plain = unicodedata.normalize("NFKC", path).casefold()
        if plain in seen:
            raise _refusal(name, f"holds {_shown(path)} twice", "keep one of the two; capitals make no difference")
        seen.add(plain)


def _rooted(name: str, files: Mapping[Parts, bytes]) -> tuple[str | None, dict[str, bytes]]:
    """The name of the folder that holds case.yaml and all other files, if that is not the top, and the files by their
    path within it."""
    names = [f"case{suffix}" for suffix in YAML]
    cases = sorted({parts[:-1] for parts in files if parts[-1].lower() in names}, key=lambda parts: (len(parts), parts))
    root = cases[0] if cases and all(parts[:-1][: len(cases[0])] == cases[0] for parts in files) else ()
    within = {parts[len(root) :]: content for parts, content in files.items()}
    for parts, content in within.items():
        path, last = "/".join(parts), parts[-1].lower()
        if not all(_FOLDER.fullmatch(part) for part in parts[:-1]) or not _FILE.fullmatch(parts[-1]):
            mend = "use only the letters a to z, digits, . _ and -"
            raise _refusal(name, f"holds {_shown(path)!a}, whose name has other characters", mend)
        if not last.endswith(SUFFIXES) and last not in READMES:
            raise _refusal(name, f"holds {_shown(path)}", f"{KINDS}; remove it")
        # A workbook is a zip too; what it unpacks to is limited where it is read.
        if content.startswith(b"PK\x03\x04") and not last.endswith(".xlsx"):
            raise _refusal(name, f"holds {_shown(path)}, which is a zip in itself", "unpack it, and pack the folder")
    if not any(len(parts) == 1 and parts[0].lower() in names for parts in within):
        several = ", ".join(_shown("/".join(parts)) for parts in cases[:MOST_NAMED])
        wrong = "holds no case.yaml at its top or in its only folder" + (f", but in {several}" if several else "")
        raise _refusal(name, wrong, "pack the folder of one case, with case.yaml in it")
    return root[-1] if root else None, {"/".join(parts): content for parts, content in within.items()}


def _case_name(given: str) -> str:
    """The stem of a folder's or file's name in plain letters; never that of a bundled case.

    >>> _case_name("C:\\\\Fälle 2024.zip"), _case_name("central_asia_2024"), _case_name("...")
    ('Falle_2024', 'central_asia_2024_uploaded', 'case')
    """
    last = re.split(r"[/\\]", given)[-1]
    stem = PurePosixPath(last).stem if last.lower().endswith(".zip") else last
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", plain)[:60].strip("_-") or "case"
    return f"{name}_uploaded" if name in riskcast.list_cases() else name


def load_files(shown: str, case_name: str, files: Mapping[str, bytes]) -> riskcast.Case:
    """The case in files by path; raises RiskcastError with every problem found, one a line, told as of `shown`."""
    if not _reading.acquire(timeout=PATIENCE):
        raise _refusal(shown, "was not read, as another upload is", "try again in a minute")
    try:
        with tempfile.TemporaryDirectory(prefix="riskcast-upload-") as top:
            folder = Path(top) / case_name
            try:
                for path, content in files.items():
                    file = folder / path
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(content)
            except OSError as error:
                raise _no_room(shown, error) from None
            _rehearse(shown, folder)
            return riskcast.load_case(folder)
    finally:
        _reading.release()


def _rehearse(shown: str, folder: Path) -> None:
    """Read a case in a process that may take little memory and time; raises RiskcastError where that fails.

    A few kilobytes of Parquet can stand for gigabytes of text, and every wrong key of a long file costs a search for
    what was meant. What passes costs this process no more than it cost there.
    """
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    try:
        done = subprocess.run(
            [sys.executable, "-P", __file__, str(folder)],
            env=os.environ | limits,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
        code, told = done.returncode, done.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        code, told = TOO_HEAVY, ""
    if code == REFUSED:
        raise riskcast.RiskcastError(told.replace(str(folder), folder.name))
    if code == TOO_HEAVY or code < 0:
        wrong = f"takes more than {READ_SECONDS} s or {READ_BYTES >> 30} GB of memory to read"
        raise _refusal(shown, wrong, "make its files smaller, or use the command line")
    if code:
        raise _refusal(shown, "cannot be read", "check it with: riskcast check FOLDER")


def _try(folder: str) -> int:
    """Read a case under limits, print what is wrong with it, and say how that went."""
    _limit()
    try:
        riskcast.load_case(folder)
    except riskcast.RiskcastError as error:
        sys.stdout.buffer.write(str(error).encode("utf-8", "backslashreplace"))
        return REFUSED
    except MemoryError:
        return TOO_HEAVY
    return 0


def _limit() -> None:
    """Limit what this process may take; where Python knows none, as on Windows, its parent's patience is one."""
    try:
        import resource
    except ImportError:
        return
    limits = ((resource.RLIMIT_DATA, READ_BYTES), (resource.RLIMIT_CPU, READ_SECONDS), (resource.RLIMIT_CORE, 0))
    for limit, most in limits:
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, most))


def _shown(name: str, most: int = 80) -> str:
    """A name as a message shows it: short, and nothing in it that cannot be seen."""
    short = name if len(name) <= most else f"{name[: most - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


def _refusal(name: str, wrong: str, mend: str) -> riskcast.RiskcastError:
    return riskcast.RiskcastError(f"{_shown(name)}: {wrong}; {mend}")


def _too_many(name: str) -> riskcast.RiskcastError:
    return _refusal(
        name, f"holds more than {MOST_FILES} files", "pack the folder of one case and nothing else, no .git"
    )


def _too_large(name: str) -> riskcast.RiskcastError:
    return _refusal(name, f"unpacks to more than {MOST_BYTES // 1_000_000} MB", "leave out what does not belong")


def _no_room(name: str, error: OSError) -> riskcast.RiskcastError:
    wrong = f"could not be unpacked ({error.strerror})"
    return _refusal(name, wrong, "try again; if it stays so, tell whoever runs the server")


if __name__ == "__main__":
    sys.exit(_try(sys.argv[1]))
