"""A folder with a manifest: written whole or not at all, read only where every byte is as it was written."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import stat
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tokenize import TokenError
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from riskcast.errors import OptionError, RiskcastError, shorten
from riskcast.machinery.staging import reason, stage, sync_folder
from riskcast.names import MANIFEST

STAGE: Final = ".riskcast-run-"
FORMAT: Final = 2
MOST_FILES: Final = 2_000
MOST_DEPTH: Final = 12
MOST_MANIFEST_BYTES: Final = 4_000_000
MOST_BYTES: Final = {".json": 1_000_000_000, ".yaml": 8_000_000, ".npz": 32_000_000_000}
MOST_OTHER_BYTES: Final = 4_000_000_000
MOST_HEADER_BYTES: Final = 8_000_000
NPY_VERSION: Final = (1, 0)
NUMBERS: Final = tuple(np.dtype(kind) for kind in ("<f4", ">f4", "<f8", ">f8"))
# Windows has no links that are opened unasked, and no pipes among files, but makes text of what is not opened as bytes.
OPENING: Final = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
)
MEND: Final = "restore it from a copy, or make the run again"

# What parsers of JSON, YAML and arrays raise for content that makes no sense.
_SENSELESS = (RiskcastError, ValueError, LookupError, TypeError, AttributeError, RecursionError, ArithmeticError)

Arrays = Mapping[str, NDArray[Any]]


class DamagedError(RiskcastError):
    """A file of a kept folder that is not as it was written."""


@dataclass(frozen=True)
class Sealed:
    """A folder whose files were found as its manifest says; `about` is what the writer noted of it.

    files: sha256 and bytes of every file, by path.
    """

    folder: Path
    about: Mapping[str, Any]
    files: Mapping[str, tuple[str, int]]

    def read(self, name: str) -> bytes:
        """The bytes of one file; raises RiskcastError where they are not those of the manifest."""
        if name not in self.files:
            raise damaged(self.folder, name, "is missing from the manifest")
        sha256, size = self.files[name]
        with _open_plain(self.folder, name) as file:
            content = file.read(size + 1)
        if len(content) != size or hashlib.sha256(content).hexdigest() != sha256:
            raise damaged(self.folder, name, "is not the file that was written")
        return content

    def read_json(self, name: str) -> Any:
        """The plain data of one JSON file."""
        return self.parse(name, lambda: json.loads(self.read(name), parse_constant=_refuse_constant))

    def read_arrays(self, name: str, most: int) -> dict[str, NDArray[Any]]:
        """The arrays of one .npz file, by name; raises RiskcastError where it is larger than `most` numbers can be."""
        if name in self.files and self.files[name][1] > 8 * most + MOST_HEADER_BYTES:
            raise damaged(self.folder, name, f"is larger than the {most:,} numbers that such a run has")
        return self.parse(name, lambda: unpack_arrays(self.read(name)))

    def parse[T](self, name: str, read: Callable[[], T]) -> T:
        """What `read` makes of a file; raises RiskcastError with its name where the content makes no sense."""
        try:
            return read()
        except DamagedError:
            raise
        except _SENSELESS as error:
            reason = shorten(str(error).splitlines()[0] if str(error) else type(error).__name__, 150)
            raise damaged(self.folder, name, f"is no file of a run ({reason})") from None


def damaged(folder: Path, name: str, wrong: str) -> DamagedError:
    """The error for a file of a folder that cannot be used as it is."""
    return DamagedError(f"{folder / shorten(name, 200)} {wrong}; {MEND}")


def pack_arrays(arrays: Arrays) -> bytes:
    """Arrays of floating point numbers as .npz, bit for bit, the same bytes for the same arrays.

    >>> unpack_arrays(pack_arrays({"a": np.array([0.1, np.nan])}))["a"].tolist()
    [0.1, nan]
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, values in arrays.items():
            # A ZipInfo made by hand bears no time of writing.
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(values), allow_pickle=False)
    return packed.getvalue()


def unpack_arrays(packed: bytes) -> dict[str, NDArray[Any]]:
    """Arrays of numbers from .npz; raises ValueError for anything else, before any memory is taken for it."""
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            members = archive.infolist()
            if sum(info.file_size for info in members) > len(packed):
                raise ValueError("its members are larger than itself")
            for info in members:
                name = info.filename.removesuffix(".npy")
                if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                    raise ValueError(f"{shorten(name)} is compressed")
                if name in arrays or name == info.filename:
                    raise ValueError(f"{shorten(name)} is unknown or stands twice")
                arrays[name] = _unpack_array(shorten(name), archive.read(info))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise ValueError(f"not a whole .npz: {error}") from None
    return arrays


def _unpack_array(name: str, content: bytes) -> NDArray[Any]:
    member = io.BytesIO(content)
    try:
        if np.lib.format.read_magic(member) != NPY_VERSION:
            raise ValueError("another version of the format")
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TokenError):
        # NumPy reads a header as a Python literal, and what is none fails in as many ways.
        raise ValueError(f"{name} is not of plain numbers") from None
    if dtype not in NUMBERS or min(shape, default=0) < 0:
        raise ValueError(f"{name} is not of plain numbers")
    # NumPy takes the memory that a header asks for before it sees how much follows.
    if math.prod(shape) * dtype.itemsize != len(content) - member.tell():
        raise ValueError(f"{name} has not the size that it says")
    member.seek(0)
    return np.lib.format.read_array(member, allow_pickle=False)


def plain(value: Any) -> Any:
    """Plain data for JSON without loss: numbers that JSON has no word for become text, such as "nan"."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(float(value)) if isinstance(value, float) and not math.isfinite(value) else value


def json_text(content: Any) -> bytes:
    """Plain data as JSON, whose numbers read back as the same bits."""
    return (json.dumps(plain(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def write_sealed(target: Path, about: Mapping[str, Any], fill: Callable[[Path], None]) -> None:
    """Make the folder `target` whole or not at all: `fill` writes its files, a manifest is added, one rename shows it.

    What killed writers have left beside `target` is removed. Raises RiskcastError where it cannot be written, and
    FileExistsError where `target` is there already.
    """
    try:
        with stage(target.parent, STAGE) as folder:
            fill(folder)
            _seal(folder, about)
            if target.exists():
                raise FileExistsError(target)
            folder.rename(target)
            sync_folder(target.parent)
    except FileExistsError:
        raise
    except OSError as error:
        if target.exists():
            raise FileExistsError(target) from None
        raise RiskcastError(
            f"cannot write to {target.parent} ({reason(error)}); make room for it there, or give another --out"
        ) from error


def open_sealed(folder: str | Path) -> Sealed:
    """A folder with its manifest, after every file was compared with it.

    Raises OptionError where there is no such folder or manifest, and RiskcastError with the file's name where a byte,
    a file or the manifest itself is not as it was written, is no plain file, or is absurdly large.
    """
    folder = Path(folder)
    try:
        is_folder = folder.is_dir()
    except OSError:
        is_folder = False
    if not is_folder:
        raise OptionError(f"{folder} is no folder; give the folder of a run")
    if not (folder / MANIFEST).exists():
        raise OptionError(f"{folder} holds no run: there is no {MANIFEST} in it; give the folder of a run")
    about, files = _read_manifest(folder)
    sealed = Sealed(folder, about, files)
    found = _list(folder)
    for name in found:
        if name not in files and name != MANIFEST:
            raise RiskcastError(f"{folder / shorten(name, 200)} is no part of the run; remove it")
    for name, (sha256, size) in files.items():
        if name not in found:
            raise damaged(folder, name, "is missing")
        if found[name] != size:
            raise damaged(folder, name, f"has {found[name]} bytes where {size} were written")
        with _open_plain(folder, name) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise damaged(folder, name, "is not the file that was written")
    return sealed


def _read_manifest(folder: Path) -> tuple[Mapping[str, Any], dict[str, tuple[str, int]]]:
    with _open_plain(folder, MANIFEST) as file:
        raw = file.read(MOST_MANIFEST_BYTES + 1)
    if len(raw) > MOST_MANIFEST_BYTES:
        raise damaged(folder, MANIFEST, "is absurdly large")
    try:
        content = json.loads(raw, parse_constant=_refuse_constant)
        if isinstance(content, dict) and type(content.get("format")) is int and content["format"] != FORMAT:
            mend = "read it with the version of riskcast that wrote it, or make the run again from the case in it"
            raise RiskcastError(f"{folder} has format {content['format']!r}, not {FORMAT}; {mend}")
        claimed = content.pop("sha256")
        whole = claimed == _sha256(content) and json_text({**content, "sha256": claimed}) == raw
        listed = {name: (str(about["sha256"]), int(about["bytes"])) for name, about in content["files"].items()}
        about = dict(content["about"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise damaged(folder, MANIFEST, "is no manifest of a run") from None
    if not whole:
        raise damaged(folder, MANIFEST, "was edited: it has not the sha256 that it says")
    if len(listed) > MOST_FILES:
        raise damaged(folder, MANIFEST, f"lists more than {MOST_FILES} files")
    for name, (_, size) in listed.items():
        if not _is_inside(name):
            raise damaged(folder, MANIFEST, f"lists {shorten(name)!r}, which is no file within the folder")
        if not 0 <= size <= MOST_BYTES.get(PurePosixPath(name).suffix, MOST_OTHER_BYTES):
            raise damaged(folder, MANIFEST, f"lists {shorten(name)!r} with an absurd size of {size} bytes")
    return about, listed


def _is_inside(name: str) -> bool:
    parts = name.split("/")
    odd = any(part in ("", ".", "..") or "\\" in part or not part.isprintable() for part in parts)
    return not odd and len(parts) <= MOST_DEPTH and name != MANIFEST


def _list(folder: Path) -> dict[str, int]:
    """The size of every file below a folder, by path; raises RiskcastError for what is neither file nor folder."""
    found: dict[str, int] = {}
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        before = len(found) + len(waiting)
        with os.scandir(here) as entries:
            for entry in entries:
                name = Path(entry.path).relative_to(folder).as_posix()
                about = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(about.st_mode):
                    waiting.append(Path(entry.path))
                elif stat.S_ISREG(about.st_mode):
                    found[name] = about.st_size
                else:
                    kind = "a symbolic link" if stat.S_ISLNK(about.st_mode) else "no plain file"
                    raise damaged(folder, name, f"is {kind}")
                if len(found) + len(waiting) > 2 * MOST_FILES or name.count("/") >= MOST_DEPTH:
                    raise RiskcastError(f"{folder} holds more files than a run has; give the folder of a run")
        if here != folder and len(found) + len(waiting) == before:
            name = here.relative_to(folder).as_posix()
            raise RiskcastError(f"{folder / shorten(name, 200)} is an empty folder and no part of the run; remove it")
    return found


def _open_plain(folder: Path, name: str) -> io.BufferedReader:
    """Open a plain file for reading, through no link; raises RiskcastError."""
    path = folder / PurePosixPath(name)
    try:
        # Without O_NONBLOCK, opening a pipe would wait for ever.
        handle = os.open(path, OPENING)
    except OSError as error:
        raise damaged(folder, name, f"cannot be read ({error.strerror})") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise damaged(folder, name, "is no plain file")
    return os.fdopen(handle, "rb")


def _sha256(content: Any) -> str:
    return hashlib.sha256(json_text(content)).hexdigest()


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _seal(folder: Path, about: Mapping[str, Any]) -> None:
    """Add the manifest, and bring everything to the disk."""
    files: dict[str, Any] = {}
    for name, size in sorted(_list(folder).items()):
        with (folder / name).open("r+b") as file:
            files[name] = {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "bytes": size}
            os.fsync(file.fileno())
    content = {"format": FORMAT, "about": plain(about), "files": files}
    with (folder / MANIFEST).open("xb") as file:
        file.write(json_text({**content, "sha256": _sha256(content)}))
        file.flush()
        os.fsync(file.fileno())
    for inner in sorted(path for path in folder.rglob("*") if path.is_dir()):
        sync_folder(inner)
    sync_folder(folder)
