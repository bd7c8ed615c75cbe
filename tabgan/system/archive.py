"""A folder as one zip file: equal files are equal bytes, and reading one trusts nothing in it."""

from __future__ import annotations

import io
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from tabgan.errors import TabganError, one_line

EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's first; the files' own times would be other bytes
MOST_FILES = 10_000
MOST_BYTES = 4 * 2**30  # of all files, unpacked
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
LONGEST_NAME = 200
BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, OverflowError,
    IsADirectoryError, NotADirectoryError, FileExistsError,
)  # fmt: skip  # the last three of a file's name that is also a folder's


def packed(folder: Path, *, without: Collection[str] = ()) -> bytes:
    """All files of a folder as a zip archive; the same files give the same bytes.

    Args:
        folder: whose files are taken, those of its folders too.
        without: files and folders that are left out, by their paths in ``folder``.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            own = {name.as_posix(), *(parent.as_posix() for parent in name.parents)}
            if path.is_file() and not own & {*without}:
                entry = zipfile.ZipInfo(name.as_posix(), EPOCH)
                entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3  # Unix
                entry.external_attr = (stat.S_IFREG | 0o644) << 16
                archive.writestr(entry, path.read_bytes())
    return stream.getvalue()


def unpack(archive: Path | bytes, folder: Path) -> None:
    """Write the files of an archive into ``folder``, and nowhere else.

    Args:
        archive: its path, or its bytes.
        folder: is there.

    Raises:
        TabganError: when it is no zip archive or a damaged one; for a name that leads out of
            ``folder`` or comes twice, a link, a password, more than 10,000 files or 4 GiB.
    """
    with _opened(archive) as entries:
        for entry in _checked(entries.infolist()):
            target = folder.joinpath(*PurePosixPath(entry.filename).parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with entries.open(entry) as source, target.open("xb") as out:
                shutil.copyfileobj(source, out)  # which ends where the entry says it does


def read_file(archive: Path, name: str) -> bytes | None:
    """One file of an archive; None where it has no such file.

    Raises:
        TabganError: as ``unpack``.
    """
    with _opened(archive) as entries:
        found = [entry for entry in _checked(entries.infolist()) if entry.filename == name]
        return entries.read(found[0]) if found else None


@contextmanager
def _opened(archive: Path | bytes) -> Iterator[zipfile.ZipFile]:
    """The archive; whatever is wrong with it is raised in one line that names it."""
    name = "the archive" if isinstance(archive, bytes) else str(archive)
    source = io.BytesIO(archive) if isinstance(archive, bytes) else archive
    try:
        with zipfile.ZipFile(source) as entries:
            yield entries
    except FileNotFoundError as error:
        raise TabganError(f"{name}: no such file") from error
    except TabganError as error:
        raise TabganError(f"{name}: {error}") from error
    except BROKEN as error:
        raise TabganError(f"{name}: not a zip archive, or damaged: {one_line(error)}") from error


def _checked(entries: list[zipfile.ZipInfo]) -> Iterator[zipfile.ZipInfo]:
    """The files among the entries, once all of them are known to be harmless."""
    files = [entry for entry in entries if not entry.filename.endswith("/")]
    if len(files) > MOST_FILES:
        raise TabganError(f"expected at most {MOST_FILES:,} files, got {len(files):,}")
    if (size := sum(entry.file_size for entry in files)) > MOST_BYTES:
        raise TabganError(f"expected at most {MOST_BYTES:,} bytes of files, got {size:,}")
    names: set[str] = set()
    for entry in files:
        if (wrong := _wrong(entry)) or entry.filename in names:
            raise TabganError(f"{entry.filename!r}: {wrong or 'comes twice'}")
        names.add(entry.filename)
    return iter(files)


def _wrong(entry: zipfile.ZipInfo) -> str:
    """Why an entry is not to be written; empty for a plain file within the folder."""
    name = entry.filename
    if name != PurePosixPath(name).as_posix() or ".." in PurePosixPath(name).parts:
        return "a path out of the folder, or in no plain form"
    if name.startswith("/") or "\\" in name or PureWindowsPath(name).drive:
        return "a path out of the folder"
    if len(name.encode()) > LONGEST_NAME:
        return f"a name of more than {LONGEST_NAME} bytes"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a link"
    if entry.flag_bits & 1:
        return "has a password"
    return "" if entry.compress_type in METHODS else "packed in no usual way"
