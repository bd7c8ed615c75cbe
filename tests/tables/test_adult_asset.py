"""The shipped Adult is UCI's Adult, cell by cell."""

import gzip
from pathlib import Path

import arff
import pytest

from tabgan.tables.sources import resolve

SHARED = Path(__file__).parents[3] / "shared" / "data"


def read(path):
    """The attributes, and the rows as lists; missing is None."""
    with gzip.open(path, "rt", encoding="ascii") as file:
        content = arff.load(file)
    return content["attributes"], content["data"]


@pytest.fixture(scope="module")
def shipped():
    return read(resolve("adult").path)


@pytest.fixture(scope="module")
def parts(shipped):
    """The train rows and the test rows."""
    _, rows = shipped
    cut = resolve("adult").train_rows
    return {"train": rows[:cut], "test": rows[cut:]}


@pytest.mark.slow
# UCI's adult.names: 32,561 and 16,281 rows; 7,841 and 3,846 of them earn more.
@pytest.mark.parametrize(
    ("part", "n_rows", "n_rich"), [("train", 32_561, 7_841), ("test", 16_281, 3_846)]
)
def test_part_has_the_published_size_and_balance(parts, part, n_rows, n_rich):
    assert len(parts[part]) == n_rows
    assert sum(row[-1] == ">50K" for row in parts[part]) == n_rich


@pytest.mark.slow
@pytest.mark.parametrize("part", ["train", "test"])
def test_part_equals_ucis_file_cell_by_cell_and_in_order(shipped, parts, part):
    published = SHARED / f"adult-{part}.arff.gz"
    if not published.is_file():
        pytest.skip(f"{published} is absent")
    attributes, rows = read(published)
    assert shipped[0] == attributes  # names, kinds, domains and their order
    wrong = [i for i, (ours, uci) in enumerate(zip(parts[part], rows, strict=True)) if ours != uci]
    assert wrong == []


def test_header_cites_the_source():
    text = gzip.decompress(resolve("adult").path.read_bytes()).decode("ascii")
    comments = "".join(line for line in text.splitlines() if line.startswith("%"))
    assert "doi:10.24432/C5XW20" in comments
    assert "CC BY 4.0" in comments
    assert "Becker, B. and Kohavi, R. (1996)" in comments


def test_archive_carries_neither_name_nor_time():
    # RFC 1952: byte 3 holds the flags (8 says "a name follows"), bytes 4 to 7 the time.
    assert resolve("adult").path.read_bytes()[3:8] == bytes(5)
