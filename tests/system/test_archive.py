"""A folder as one zip file: reading one writes plain files below a folder, or nothing."""

import io
import stat
import zipfile

import pytest

from tabgan.errors import TabganError
from tabgan.system import archive
from tabgan.system.archive import packed, read_file, unpack


@pytest.fixture
def folder(tmp_path):
    """``a.txt`` of one letter and ``.deep/er/b.bin`` of 1,000 zeros."""
    found = tmp_path / "folder"
    (found / ".deep" / "er").mkdir(parents=True)
    (found / "a.txt").write_text("a")
    (found / ".deep" / "er" / "b.bin").write_bytes(bytes(1_000))
    return found


@pytest.fixture
def empty(tmp_path):
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


def zipped(*entries):
    """An archive of entries: a name or a ``ZipInfo``, with the bytes of each."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as out:
        for name, data in entries:
            out.writestr(name, data)
    return stream.getvalue()


def files_in(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_folder_comes_back_file_by_file(folder, empty):
    unpack(packed(folder), empty)
    assert files_in(empty) == {"a.txt": b"a", ".deep/er/b.bin": bytes(1_000)}


def test_the_same_files_written_later_are_the_same_bytes(folder, empty):
    before = packed(folder)
    unpack(before, empty)
    (empty / "a.txt").chmod(0o600)
    assert packed(empty) == before


def test_a_name_is_left_out_at_the_top_alone(folder):
    (folder / ".deep" / "a.txt").touch()
    names = zipfile.ZipFile(io.BytesIO(packed(folder, without=["a.txt"]))).namelist()
    assert names == [".deep/a.txt", ".deep/er/b.bin"]


def test_one_file_is_read_alone(folder, tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(packed(folder))
    assert read_file(path, "a.txt") == b"a"
    assert read_file(path, "b.txt") is None


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "/x", "a//x", "./x", "..", "a\\..\\x", "C:x", "C:/x", "x" * 201],
)
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_written(empty, name):
    with pytest.raises(TabganError, match="the archive: '"):
        unpack(zipped(("first.txt", b"a"), (name, b"b")), empty)
    assert files_in(empty.parent) == {}


def test_a_name_of_no_letters_is_refused(empty):
    content = zipped(("x", b"a")).replace(b"x", b"\0")
    with pytest.raises(TabganError, match="the archive: ''"):
        unpack(content, empty)


def marked(name, *, mode=stat.S_IFREG, method=zipfile.ZIP_STORED):
    entry = zipfile.ZipInfo(name)
    entry.external_attr, entry.compress_type = mode << 16, method
    return entry


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([(marked("link", mode=stat.S_IFLNK), b"/etc/passwd")], "'link': a link"),
        ([(marked("x", method=zipfile.ZIP_BZIP2), b"a")], "'x': packed in no usual way"),
        ([("a", b"a"), ("a/b", b"b")], "not a zip archive, or damaged"),
    ],
)
def test_what_is_no_plain_file_is_refused(empty, entries, says):
    with pytest.raises(TabganError, match=says):
        unpack(zipped(*entries), empty)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice_is_refused(empty):
    with pytest.raises(TabganError, match="'a': comes twice"):
        unpack(zipped(("a", b"1"), ("a", b"2")), empty)


def test_a_password_is_refused(empty):
    content = bytearray(zipped(("a", b"a")))
    content[content.rindex(b"PK\1\2") + 8] |= 1
    with pytest.raises(TabganError, match="'a': has a password"):
        unpack(bytes(content), empty)


def test_files_and_bytes_have_a_limit_that_is_known_before_they_are_unpacked(empty, monkeypatch):
    content = zipped(("a", bytes(600)), ("b", bytes(500)))
    monkeypatch.setattr(archive, "MOST_BYTES", 1_000)
    with pytest.raises(TabganError, match="expected at most 1,000 bytes of files, got 1,100"):
        unpack(content, empty)
    monkeypatch.setattr(archive, "MOST_FILES", 1)
    with pytest.raises(TabganError, match="expected at most 1 files, got 2"):
        unpack(content, empty)
    assert files_in(empty) == {}


def test_a_file_larger_than_its_entry_says_is_cut_there_and_refused(folder, empty):
    content = bytearray(packed(folder))
    at = content.index(b"PK\1\2") + 24  # the size in the first entry of the directory
    assert int.from_bytes(content[at : at + 4], "little") == 1_000
    content[at : at + 4] = (10).to_bytes(4, "little")
    with pytest.raises(TabganError, match=r"damaged: Bad CRC-32"):
        unpack(bytes(content), empty)
    assert all(len(data) <= 10 for data in files_in(empty).values())


@pytest.mark.parametrize("cut", [0, 1, 50, 200, -1])
def test_a_cut_archive_is_refused(folder, empty, cut):
    with pytest.raises(TabganError, match="the archive: not a zip archive, or damaged"):
        unpack(packed(folder)[:cut], empty)


def test_a_flipped_byte_is_noticed_or_harmless(folder, empty):
    """Whatever byte is turned: one clear error, or the files below the folder."""
    content = packed(folder)
    for at in range(len(content)):
        turned = bytearray(content)
        turned[at] ^= 0xFF
        target = empty / str(at)
        target.mkdir()
        try:
            unpack(bytes(turned), target)
        except TabganError:
            continue
    assert {path.name for path in empty.parent.iterdir()} == {"folder", "empty"}


def test_a_file_that_is_not_there_is_named(tmp_path, empty):
    with pytest.raises(TabganError, match=r"x.zip: no such file"):
        unpack(tmp_path / "x.zip", empty)
