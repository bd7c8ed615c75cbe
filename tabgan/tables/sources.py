"""Named data sets: where their files are found, and what the files must be.

``resolve("bank")`` answers with paths, never with rows: reading is the readers' work. Adult ships
with the package. Every other set is looked up by file name in the data folder (``TABGAN_DATA``, or
a user cache) and, where its publisher offers it, downloaded into that folder once.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import logging
import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tabgan.errors import TabganError
from tabgan.paths import asset
from tabgan.system.files import write_whole

log = logging.getLogger(__name__)

TIMEOUT = 20.0  # seconds of silence from a server before the next address is tried


@dataclass(frozen=True, kw_only=True)
class Address:
    """One place a file can be downloaded from.

    Attributes:
        url: what is fetched.
        members: the way through nested zip archives to the file; empty when ``url`` is the file.
    """

    url: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Download:
    """A published file.

    Attributes:
        save_as: its name in the data folder, one of the source's ``files``.
        sha256: the checksum of the published bytes.
        addresses: where it is published, tried in order.
        header: bytes put before the published ones, for a file that does not name its columns.
    """

    save_as: str
    sha256: str
    addresses: tuple[Address, ...]
    header: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A named data set.

    Attributes:
        name: what ``resolve`` calls it.
        target: the column to predict.
        files: accepted file names; the first one found is used.
        test_files: the same for the published test part; empty when there is none.
        train_rows: the first rows of the one file that are the train part, the rest being the
            test part; None when the file is not two parts.
        home: the page of the data set, for a person who fetches it by hand.
        citation: what to cite.
        shipped_sha256: the checksum of ``files[0]`` among the package's assets; None when the
            package does not ship it.
        download: how to get ``files`` when the data folder has none; None when one cannot.
    """

    name: str
    target: str
    files: tuple[str, ...]
    test_files: tuple[str, ...] = ()
    train_rows: int | None = None
    home: str
    citation: str
    shipped_sha256: str | None = None
    download: Download | None = None


@dataclass(frozen=True, kw_only=True)
class ResolvedSource:
    """The files of a named data set on this machine.

    Attributes:
        name: the data set's name.
        path: the table.
        target: the column to predict.
        test_path: the published test part, when it is a file of its own.
        train_rows: the first rows of ``path`` that are the train part, the rest being the test
            part; None when ``path`` is one part.
    """

    name: str
    path: Path
    target: str
    test_path: Path | None = None
    train_rows: int | None = None


UCI = "https://archive.ics.uci.edu"
NSL_KDD = "https://www.unb.ca/cic/datasets/nsl.html"
NSL_KDD_FILES = ("nsl-kdd-train20.arff.gz", "nsl-kdd-train20.arff", "KDDTrain+_20Percent.arff")
NSL_KDD_CITATION = (
    "Tavallaee, M., Bagheri, E., Lu, W. and Ghorbani, A. (2009). A detailed analysis of the KDD "
    "CUP 99 data set. CISDA 2009."
)

SOURCES = {
    source.name: source
    for source in (
        Source(
            name="adult",
            target="income",
            files=("adult.arff.gz",),
            train_rows=32_561,
            home=f"{UCI}/dataset/2/adult",
            citation="Becker, B. and Kohavi, R. (1996). Adult. UCI Machine Learning Repository. "
            "doi:10.24432/C5XW20",
            # What scripts/build_adult.py prints.
            shipped_sha256="bc3a85ff546293d7177197e39acaf13cb803d46e29a247781c45f045ae54a787",
        ),
        Source(
            name="bank",
            target="y",
            files=("bank-full.arff.gz", "bank-full.arff", "bank-full.csv", "bank.arff"),
            home=f"{UCI}/dataset/222/bank+marketing",
            citation="Moro, S., Rita, P. and Cortez, P. (2014). Bank Marketing. UCI Machine "
            "Learning Repository. doi:10.24432/C5K306",
            download=Download(
                save_as="bank-full.csv",
                # The file whose md5 is widely recorded as e6b0ca77f3f200ec5428e04dd104da53.
                sha256="d1513ec63b385506f7cfce9f2c5caa9fe99e7ba4e8c3fa264b3aaf0f849ed32d",
                addresses=(
                    Address(
                        url=f"{UCI}/static/public/222/bank+marketing.zip",
                        members=("bank.zip", "bank-full.csv"),
                    ),
                    Address(
                        url=f"{UCI}/ml/machine-learning-databases/00222/bank.zip",
                        members=("bank-full.csv",),
                    ),
                ),
            ),
        ),
        Source(
            name="magic",
            target="class",
            files=("magic-gamma-telescope.arff.gz", "magic-gamma-telescope.arff", "magic04.csv"),
            home=f"{UCI}/dataset/159/magic+gamma+telescope",
            citation="Bock, R. (2004). MAGIC Gamma Telescope. UCI Machine Learning Repository. "
            "doi:10.24432/C52C8B",
            download=Download(
                save_as="magic04.csv",
                # The file whose md5 is widely recorded as bb3888bd588c4b15b24351218f74491e.
                sha256="e9314b7ebd4b4b59a3b3d65f7316663963777b16a46786877651dbbaa640b36a",
                header=b"fLength,fWidth,fSize,fConc,fConc1,fAsym,fM3Long,fM3Trans,fAlpha,fDist,"
                b"class\n",
                addresses=(
                    Address(
                        url=f"{UCI}/static/public/159/magic+gamma+telescope.zip",
                        members=("magic04.data",),
                    ),
                    Address(url=f"{UCI}/ml/machine-learning-databases/magic/magic04.data"),
                ),
            ),
        ),
        Source(
            name="bank_small",
            target="y",
            files=("bank-small.arff.gz", "bank-small.arff"),  # UCI's bank.csv, a tenth of bank
            home=f"{UCI}/dataset/222/bank+marketing",
            citation="Moro, S., Rita, P. and Cortez, P. (2014). Bank Marketing. UCI Machine "
            "Learning Repository. doi:10.24432/C5K306",
        ),
        Source(
            name="nsl_kdd",
            target="class",
            files=NSL_KDD_FILES,
            test_files=("nsl-kdd-test.arff.gz", "nsl-kdd-test.arff", "KDDTest+.arff"),
            home=NSL_KDD,  # asks for a name: no download
            citation=NSL_KDD_CITATION,
        ),
        Source(
            name="nsl_kdd_cut",  # its test part is of other attacks
            target="class",
            files=NSL_KDD_FILES,
            home=NSL_KDD,
            citation=NSL_KDD_CITATION,
        ),
    )
}


def resolve(name: str) -> ResolvedSource:
    """The files of a named data set, downloaded if they must be.

    A file that lies in the data folder is taken as it is; what is downloaded or shipped is
    checked.

    Raises:
        TabganError: when no set has this name, or its files are neither found nor downloaded.
    """
    if name not in SOURCES:
        raise TabganError(f"unknown data set {name!r}; the known ones are {sorted(SOURCES)}")
    source = SOURCES[name]
    path = _shipped(source) if source.shipped_sha256 else _found_or_downloaded(source)
    return ResolvedSource(
        name=name,
        path=path,
        target=source.target,
        test_path=_test_part(source) if source.test_files else None,
        train_rows=source.train_rows,
    )


def data_folder() -> Path:
    """``TABGAN_DATA``, or ``tabgan`` in the user's cache; it need not exist."""
    chosen = os.environ.get("TABGAN_DATA")
    return Path(chosen).expanduser().absolute() if chosen else user_cache()


def user_cache() -> Path:
    """``tabgan`` in the user's cache; it need not exist."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification says to ignore a relative path.
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "tabgan"


def _shipped(source: Source) -> Path:
    path = asset(source.files[0])
    if not path.is_file():
        raise TabganError(f"data set {source.name!r}: {path} is absent; install tabgan again")
    got = hashlib.sha256(path.read_bytes()).hexdigest()
    if got != source.shipped_sha256:
        raise TabganError(
            f"data set {source.name!r}: {path}: expected sha256 {source.shipped_sha256}, "
            f"got {got}; install tabgan again"
        )
    return path


def _found_or_downloaded(source: Source) -> Path:
    found = _find(source, source.files)
    if found is not None:
        return found
    if source.download is None:
        raise _absent(source, source.files, "it has no download")
    return _download(source, source.download)


def _test_part(source: Source) -> Path:
    found = _find(source, source.test_files)
    if found is None:
        raise _absent(source, source.test_files, "its test part has no download")
    return found


def _find(source: Source, names: tuple[str, ...]) -> Path | None:
    folder = data_folder()
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    if path is not None:
        log.info("data set %r: %s", source.name, path)
    return path


def _download(source: Source, download: Download) -> Path:
    failures = []
    for address in download.addresses:
        log.info("data set %r: downloading %s", source.name, address.url)
        try:
            content = _fetch(address)
        # A server's HTML page instead of a zip, a cut line, a missing member: all "not there".
        except (OSError, http.client.HTTPException, zipfile.BadZipFile, zlib.error, KeyError) as e:
            failures.append(f"{address.url} failed: {_why(e)}")
            continue
        got = hashlib.sha256(content).hexdigest()
        if got == download.sha256:
            return _save(source, download, content)
        what = address.members[-1] if address.members else "it"
        failures.append(
            f"{address.url}: {what} is not the published file, expected sha256 "
            f"{download.sha256}, got {got}; it is not kept"
        )
    raise _absent(source, source.files, "; ".join(failures))


def _fetch(address: Address) -> bytes:
    request = Request(address.url, headers={"User-Agent": "tabgan"})
    with urlopen(request, timeout=TIMEOUT) as response:
        content: bytes = response.read()
    for member in address.members:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(member)
    return content


def _save(source: Source, download: Download, content: bytes) -> Path:
    path = data_folder() / download.save_as
    try:
        write_whole(path, download.header + content, shared=True)
    except OSError as error:
        raise TabganError(
            f"data set {source.name!r}: downloaded, but {path} cannot be written "
            f"({error.strerror}); set TABGAN_DATA=<a folder that can be written>"
        ) from error
    log.info("data set %r: saved as %s", source.name, path)
    return path


def _absent(source: Source, names: tuple[str, ...], why: str) -> TabganError:
    return TabganError(
        f"data set {source.name!r}: none of {', '.join(names)} is in {data_folder()}, and {why}. "
        f"Fetch it from {source.home} and set TABGAN_DATA=<folder that holds it> "
        "or data.path=<file>"
    )


def _why(error: Exception) -> str:
    if isinstance(error, HTTPError):
        error.close()  # it is a response as well, with an open socket
        return f"HTTP {error.code} {error.reason}"
    return str(getattr(error, "reason", error)) or type(error).__name__
