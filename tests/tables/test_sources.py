"""Named sets: found in the folder, downloaded once, and refused in words one can act on."""

import gzip
import hashlib
import io
import re
import socket
import threading
import zipfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tabgan.errors import TabganError
from tabgan.tables import sources
from tabgan.tables.sources import Address, Download, Source, resolve

CONTENT = b"a;y\n1;no\n2;yes\n"
SHARED = Path(__file__).parents[3] / "shared" / "data"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty data folder; never the user's own."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("TABGAN_DATA", str(folder))
    return folder


@pytest.fixture
def server(tmp_path, monkeypatch):
    """The address of a server of ``tiny.zip``: a zip in a zip, as UCI packs Bank Marketing."""
    root = tmp_path / "served"
    root.mkdir()
    (root / "tiny.zip").write_bytes(zipped("inner.zip", zipped("tiny.csv", CONTENT)))
    (root / "page.zip").write_text("<html>Please log in</html>")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def zipped(name, content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def closed_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def nested(url):
    return Address(url=url, members=("inner.zip", "tiny.csv"))


def add_tiny(monkeypatch, *addresses, **changes):
    """Make ``resolve("tiny")`` known."""
    download = Download(
        save_as="tiny.csv",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        addresses=addresses,
    )
    tiny = Source(
        name="tiny",
        target="y",
        files=("tiny.arff", "tiny.csv"),
        home="https://example.org/tiny",
        citation="Nobody (2000).",
        download=replace(download, **changes),
    )
    monkeypatch.setitem(sources.SOURCES, "tiny", tiny)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(TabganError, match=r"unknown data set 'bnak'; .*'adult', 'bank'"):
        resolve("bnak")


def test_adult_ships_and_says_where_its_train_part_ends():
    adult = resolve("adult")
    assert adult.path.name == "adult.arff.gz"
    assert adult.path.parent.name == "assets"
    assert (adult.target, adult.train_rows, adult.test_path) == ("income", 32_561, None)


def test_a_damaged_asset_is_refused(tmp_path, monkeypatch):
    (tmp_path / "adult.arff.gz").write_bytes(b"")
    monkeypatch.setattr(sources, "asset", lambda name: tmp_path / name)
    nothing = hashlib.sha256(b"").hexdigest()
    with pytest.raises(TabganError, match=f"expected sha256 .* got {nothing}; install tabgan"):
        resolve("adult")


def test_an_absent_asset_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "asset", lambda name: tmp_path / name)
    with pytest.raises(TabganError, match=r"adult.arff.gz is absent; install tabgan again"):
        resolve("adult")


@pytest.mark.parametrize("name", sources.SOURCES["bank"].files)
def test_bank_is_found_under_each_accepted_name(folder, name):
    (folder / name).touch()
    bank = resolve("bank")
    assert bank == sources.ResolvedSource(name="bank", path=folder / name, target="y")


def test_the_first_accepted_name_wins(folder):
    for name in ("bank.arff", "bank-full.csv", "bank-full.arff"):
        (folder / name).touch()
    assert resolve("bank").path == folder / "bank-full.arff"


def test_a_relative_data_folder_gives_absolute_paths(folder, monkeypatch):
    (folder / "bank-full.csv").touch()
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("TABGAN_DATA", "data")
    assert resolve("bank").path == folder / "bank-full.csv"


def test_shared_data_serves_every_named_set(monkeypatch):
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is absent")
    monkeypatch.setenv("TABGAN_DATA", str(SHARED))
    assert resolve("bank").path == SHARED / "bank-full.arff.gz"
    assert resolve("magic").path == SHARED / "magic-gamma-telescope.arff.gz"
    nsl_kdd = resolve("nsl_kdd")
    assert nsl_kdd.path == SHARED / "nsl-kdd-train20.arff.gz"
    assert nsl_kdd.test_path == SHARED / "nsl-kdd-test.arff.gz"
    cut = resolve("nsl_kdd_cut")
    assert (cut.path, cut.test_path) == (nsl_kdd.path, None)


def test_the_default_folder_is_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("TABGAN_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert sources.data_folder() == tmp_path / "tabgan"


@pytest.mark.parametrize("cache", [None, "", "relative"])
def test_the_default_folder_without_a_usable_xdg_cache_is_in_the_home(monkeypatch, cache):
    monkeypatch.setenv("TABGAN_DATA", "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if cache is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", cache)
    assert sources.data_folder() == Path.home() / ".cache" / "tabgan"


def test_a_test_part_that_is_absent_is_named(folder):
    (folder / "nsl-kdd-train20.arff").touch()
    with pytest.raises(TabganError, match=r"none of nsl-kdd-test.arff.gz, .* and its test part"):
        resolve("nsl_kdd")


def test_a_set_without_a_download_says_where_it_is_published():
    with pytest.raises(TabganError, match=r"it has no download. Fetch it from https://www.unb.ca"):
        resolve("nsl_kdd")


def test_a_download_is_kept_and_not_repeated(folder, server, monkeypatch):
    add_tiny(monkeypatch, nested(f"{server}/tiny.zip"))
    assert resolve("tiny").path.read_bytes() == CONTENT

    add_tiny(monkeypatch, nested(f"{server}/gone.zip"))
    assert resolve("tiny").path == folder / "tiny.csv"
    assert [path.name for path in folder.iterdir()] == ["tiny.csv"]  # no .part left


def test_a_download_makes_the_data_folder(folder, server, monkeypatch):
    folder.rmdir()
    add_tiny(monkeypatch, nested(f"{server}/tiny.zip"))
    assert resolve("tiny").path == folder / "tiny.csv"


def test_a_download_without_column_names_gets_them(server, monkeypatch):
    add_tiny(monkeypatch, nested(f"{server}/tiny.zip"), header=b"first;second\n")
    assert resolve("tiny").path.read_bytes() == b"first;second\n" + CONTENT


def test_an_address_may_be_the_file_itself(folder, server, monkeypatch):
    (folder.parent / "served" / "tiny.csv").write_bytes(CONTENT)
    add_tiny(monkeypatch, Address(url=f"{server}/tiny.csv"))
    assert resolve("tiny").path.read_bytes() == CONTENT


def test_the_second_address_is_tried_when_the_first_fails(server, monkeypatch):
    add_tiny(monkeypatch, nested(f"{server}/gone.zip"), nested(f"{server}/tiny.zip"))
    assert resolve("tiny").path.read_bytes() == CONTENT


def test_a_wrong_checksum_names_both_and_keeps_nothing(folder, server, monkeypatch):
    add_tiny(monkeypatch, nested(f"{server}/tiny.zip"), sha256="0" * 64)
    got = hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(
        TabganError, match=f"tiny.csv is not the .* expected sha256 0{{64}}, got {got}; it is not"
    ):
        resolve("tiny")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("page", "why"),
    [("gone.zip", "HTTP 404"), ("page.zip", "not a zip file")],
)
def test_an_answer_that_is_not_the_archive_is_explained(server, monkeypatch, page, why):
    add_tiny(monkeypatch, nested(f"{server}/{page}"))
    with pytest.raises(TabganError, match=f"{page} failed: .*{why}"):
        resolve("tiny")


def test_an_archive_without_the_member_is_explained(server, monkeypatch):
    add_tiny(monkeypatch, Address(url=f"{server}/tiny.zip", members=("other.csv",)))
    with pytest.raises(TabganError, match=r"tiny.zip failed: .*no item named 'other.csv'"):
        resolve("tiny")


def test_nothing_reachable_says_what_was_tried_and_what_to_do(folder, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    url = f"http://127.0.0.1:{closed_port()}/tiny.zip"
    add_tiny(monkeypatch, nested(url))
    with pytest.raises(TabganError) as caught:
        resolve("tiny")
    message = str(caught.value)
    assert "\n" not in message
    assert f"none of tiny.arff, tiny.csv is in {folder}" in message
    assert f"{url} failed: [Errno" in message  # the number differs between systems
    assert "TABGAN_DATA=<folder that holds it> or data.path=<file>" in message


def test_a_folder_that_cannot_be_written_is_named(folder, server, monkeypatch):
    folder.rmdir()
    folder.write_text("a file where the folder should be")
    add_tiny(monkeypatch, nested(f"{server}/tiny.zip"))
    with pytest.raises(TabganError, match=r"tiny.csv cannot be written .*; set TABGAN_DATA="):
        resolve("tiny")


def test_the_checksums_are_those_of_the_files_that_the_shared_tables_came_from():
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is absent")
    # shared/data/README.md gives the md5 of both, and says that only the format was changed.
    bank, magic = bank_as_published(), rows_of(SHARED / "magic-gamma-telescope.arff.gz")
    assert hashlib.md5(bank).hexdigest() == "e6b0ca77f3f200ec5428e04dd104da53"
    assert hashlib.md5(magic).hexdigest() == "bb3888bd588c4b15b24351218f74491e"
    assert sources.SOURCES["bank"].download.sha256 == hashlib.sha256(bank).hexdigest()
    assert sources.SOURCES["magic"].download.sha256 == hashlib.sha256(magic).hexdigest()


def rows_of(path):
    return gzip.decompress(path.read_bytes()).partition(b"@DATA\n")[2]


def bank_as_published():
    """``bank-full.csv`` as it is at UCI: semicolons, every text in quotes."""
    text = gzip.decompress((SHARED / "bank-full.arff.gz").read_bytes()).decode("ascii")
    names = re.findall(r"^@ATTRIBUTE (\S+)", text, flags=re.MULTILINE)
    header = ";".join(f'"{name}"' for name in names) + "\n"
    rows = text.partition("@DATA\n")[2]
    quoted = re.sub(r"[^,\n]*[a-z][^,\n]*", r'"\g<0>"', rows)
    return (header + quoted.replace(",", ";")).encode("ascii")


def test_what_is_downloaded_is_looked_up_again():
    saved = {s.name: s.download.save_as for s in sources.SOURCES.values() if s.download}
    assert all(file in sources.SOURCES[name].files for name, file in saved.items())
