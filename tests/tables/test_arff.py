import gzip
import random
from pathlib import Path

import arff
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabgan.errors import TabganError
from tabgan.tables.readers import read_arff
from tabgan.tables.readers.text import WINDOWS
from tabgan.tables.schema import Column, TableSchema

TINY = Path(__file__).parents[1] / "assets" / "tiny.arff"
SHARED = Path(__file__).parents[2].parent / "shared" / "data"
WEKA = Path("/usr/share/doc/weka/examples")
HEADER = "@relation r\n@attribute a numeric\n@attribute b {x, y}\n@data\n"


def write(folder, text, name="t.arff"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(folder, text):
    return read_arff(write(folder, text))[0]


def liac(path):
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    return liac_loads(content)


def liac_loads(content):
    text = content.decode("utf-8", WINDOWS)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return arff.load(iter(lines))


def assert_equals_liac(table, expected):
    """Every cell; liac-arff cuts 3.7 to 3 where a column is declared integer."""
    assert len(table) == len(expected["data"])
    assert table.shape[1] == len(expected["attributes"])
    for position, (_, kind) in enumerate(expected["attributes"]):
        ours = table.iloc[:, position].astype(object)
        ours = [None if pd.isna(value) else value for value in ours]
        theirs = [row[position] for row in expected["data"]]
        if isinstance(kind, str) and kind != "STRING":
            ours = [None if value is None else float(value) for value in ours]
            # of a row with a nan in an integer column it gives the text
            theirs = [None if value is None else float(value) for value in theirs]
            theirs = [None if value != value else value for value in theirs]
        if kind == "INTEGER":
            ours = [None if value is None else float(int(value)) for value in ours]
        assert ours == theirs


# what a table is


def test_whole_numbers_become_int64_though_declared_numeric():
    table, schema = read_arff(TINY)
    assert table["age"].dtype == "int64"
    assert schema["age"] == Column(name="age", kind="integer")


def test_numbers_with_a_missing_value_keep_their_decimals():
    table, schema = read_arff(TINY)
    assert schema["hours worked"].decimals == 2  # 40.25
    assert schema["hours worked"].missing
    np.testing.assert_array_equal(table["hours worked"], [40, 13.5, np.nan, 40.25, 40, 45])


def test_labels_keep_the_order_of_the_file():
    table, schema = read_arff(TINY, target="label")
    assert schema["job"].categories == ("clerk", "cook", "night guard")
    assert list(table["job"].cat.categories) == ["clerk", "cook", "night guard"]
    assert table["job"].tolist()[:4] == ["clerk", "cook", "cook", "night guard"]
    assert table["job"].isna().tolist() == [False, False, False, False, True, False]


def test_target_and_name_are_in_the_schema():
    _, schema = read_arff(TINY, target="label")
    assert (schema.name, schema.target) == ("tiny", "label")


def test_the_table_conforms_to_its_schema():
    table, schema = read_arff(TINY)
    pd.testing.assert_frame_equal(schema.conform(table), table)


def test_a_gzip_file_holds_the_same_table(tmp_path):
    packed = write(tmp_path, gzip.compress(TINY.read_bytes()), "tiny.arff.gz")
    pd.testing.assert_frame_equal(read_arff(packed)[0], read_arff(TINY)[0])


def test_windows_line_ends_change_nothing(tmp_path):
    windows = write(tmp_path, TINY.read_bytes().replace(b"\n", b"\r\n"))
    pd.testing.assert_frame_equal(read_arff(windows)[0], read_arff(TINY)[0])


def test_a_last_line_without_an_end_is_a_row(tmp_path):
    assert read(tmp_path, HEADER + "1,x\n2,y")["a"].tolist() == [1, 2]


def test_keywords_in_any_case(tmp_path):
    text = "@ReLaTiOn r\n@aTTribute a InTeGer\n@DaTa\n7\n8\n"
    assert read(tmp_path, text)["a"].tolist() == [7, 8]


def test_integers_with_missing_values_are_nullable(tmp_path):
    table = read(tmp_path, HEADER + "1,x\n?,y\n")
    assert table["a"].dtype == "Int64"
    assert table["a"].tolist() == [1, pd.NA]


def test_an_empty_value_is_missing(tmp_path):
    assert read(tmp_path, HEADER + "1,\n,y\n")["b"].isna().tolist() == [True, False]


def test_a_question_mark_in_quotes_is_a_label(tmp_path):
    text = "@relation r\n@attribute b {'?', y}\n@data\n'?'\n?\ny\n"
    values = read(tmp_path, text)["b"]
    assert values.isna().tolist() == [False, True, False]
    assert values[0] == "?"


def test_an_empty_label_is_no_missing_value(tmp_path):
    table = read(tmp_path, "@relation r\n@attribute b {'', y}\n@data\n''\ny\n?\n")
    assert table["b"].tolist()[:2] == ["", "y"]
    assert table["b"].isna().tolist() == [False, False, True]


def test_labels_of_digits_stay_text(tmp_path):
    table = read(tmp_path, "@relation r\n@attribute b {01, 1}\n@data\n01\n1\n")
    assert table["b"].tolist() == ["01", "1"]


def test_names_in_either_quote_and_with_escapes(tmp_path):
    text = (
        "@relation 'a b'\n@attribute 'it\\'s' real\n@attribute \"x y\" real\n"
        "@attribute tab\\b real\n@data\n1,2,3\n"
    )
    table, schema = read_arff(write(tmp_path, text))
    assert list(table) == ["it's", "x y", "tab\\b"]
    assert schema.name == "a b"


def test_comments_follow_a_type_and_stand_in_the_data(tmp_path):
    text = "@relation r\n@attribute b {x, y} % z\n@data % rows\n  % no row, 'x\nx\n\n   \ny\n"
    assert read(tmp_path, text)["b"].tolist() == ["x", "y"]


def test_values_in_double_quotes(tmp_path):
    text = '@relation r\n@attribute s string\n@data\n"a, b"\n "c" \nd\n'
    assert read(tmp_path, text)["s"].tolist() == ["a, b", "c", "d"]


def test_spaces_in_quotes_are_kept_and_outside_taken_off(tmp_path):
    text = "@relation r\n@attribute s string\n@attribute a real\n@data\n ' x ' , 1 \ny ,2\n"
    assert read(tmp_path, text)["s"].tolist() == [" x ", "y"]


def test_mixed_quotes_and_escapes_are_read(tmp_path):
    text = "@relation r\n@attribute s string\n@data\n'it\\'s'\n\"say, 'hi'\"\n'a\\nb'\n"
    assert read(tmp_path, text)["s"].tolist() == ["it's", "say, 'hi'", "a\nb"]


def test_sparse_rows_leave_out_zeros_and_first_labels(tmp_path):
    text = HEADER + "{0 3, 1 y}\n{}\n{1 ?}\n"
    table = read(tmp_path, text)
    assert table["a"].tolist() == [3, 0, 0]
    assert table["b"].tolist()[:2] == ["y", "x"]
    assert table["b"].isna().tolist() == [False, False, True]


def test_dates_in_a_java_format(tmp_path):
    text = '@relation r\n@attribute d date "dd/MM/yyyy HH:mm"\n@data\n"31/12/2020 23:59"\n?\n'
    table, schema = read_arff(write(tmp_path, text))
    assert table["d"].dtype == "datetime64[us]"
    assert table["d"][0] == pd.Timestamp(2020, 12, 31, 23, 59)
    assert schema["d"].date_format == "%d/%m/%Y %H:%M"


def test_dates_in_the_default_format(tmp_path):
    text = "@relation r\n@attribute d date\n@data\n2020-12-31T01:02:03\n"
    assert read(tmp_path, text)["d"][0] == pd.Timestamp(2020, 12, 31, 1, 2, 3)


def test_whole_numbers_beyond_float_precision_are_exact(tmp_path):
    table = read(tmp_path, HEADER + "9007199254740993,x\n1,y\n")  # 2**53 + 1
    assert table["a"].tolist() == [9007199254740993, 1]


def test_numbers_are_what_python_reads(tmp_path):
    written = ["+5", ".5", "1.", "1e-3", "0.1234567890123456789", "-0", "2.2250738585072014e-308"]
    table = read(tmp_path, HEADER + "".join(f"{number},x\n" for number in written))
    assert table["a"].tolist() == [float(number) for number in written]


def test_rows_of_many_chunks_are_one_table(tmp_path, monkeypatch):
    monkeypatch.setattr("tabgan.tables.readers.arff.CHUNK_BYTES", 64)
    rows = "".join(f"{n},{'xy'[n % 2]}\n" if n % 5 else f"% {n}\n" for n in range(200))
    rows = rows.replace("101,y\n", "101.5,'y'\n").replace("102,x\n", "{0 102}\n")
    table = read(tmp_path, HEADER + rows.replace("{0 102}", "'102',\"x\""))
    expected = [n + (n == 101) / 2 for n in range(200) if n % 5]
    assert table["a"].tolist() == expected
    assert table["b"].tolist() == ["xy"[n % 2] for n in range(200) if n % 5]


def test_a_byte_order_mark_is_passed_over(tmp_path):
    assert read(tmp_path, b"\xef\xbb\xbf" + HEADER.encode() + b"1,x\n")["a"].tolist() == [1]


def test_bytes_that_are_not_utf8_are_read_as_windows_1252_and_logged(tmp_path, caplog):
    text = "@relation r\n@attribute s string\n@data\nM\xfcnchen\n".encode("latin-1")
    assert read(tmp_path, text)["s"].tolist() == ["München"]
    assert "not UTF-8; read as Windows-1252" in caplog.text


def test_a_given_schema_overrides_the_file():
    given = TableSchema(name="mine", columns=(Column(name="age", kind="string"),))
    table, schema = read_arff(TINY, schema=given)
    assert table["age"].tolist() == ["39", "50", "38", "53", "28", "37"]
    assert schema == given


# what is refused

BAD = {
    "a CSV": ("age,job\n1,x\n", r"t.arff, line 1: not an ARFF file: expected @relation .*'age,job"),
    "bytes": (b"PAR1\x00\x01\xff\xfe\n", r"not an ARFF file: expected @relation <name>, got 'PAR1"),
    "nothing": ("", r"not an ARFF file: it has no @relation line"),
    "no data line": ("@relation r\n@attribute a real\n", r"has no @data line; the file may be cut"),
    "no columns": ("@relation r\n@data\n1\n", r"line 2: @data before any @attribute"),
    "a typo": ("@relation r\n@atribute a real\n", r"line 2: expected @attribute <name> <type>"),
    "unknown type": (
        "@relation r\n@attribute a float\n",
        r"column 'a': expected numeric, .*'float'",
    ),
    "relational": ("@relation r\n@attribute bag relational\n", r"'bag': relational attributes are"),
    "empty set": ("@relation r\n@attribute b {}\n", r"'b': expected at least one label"),
    "bare label": (
        "@relation r\n@attribute b {New York}\n",
        r"'b': .*labels with spaces in quotes",
    ),
    "open set": ("@relation r\n@attribute b {x, y\n", r"'b': expected \{label, label\}"),
    "label twice": ("@relation r\n@attribute b {x, x}\n@data\nx\n", r"declared twice: \['x'\]"),
    "name twice": (
        "@relation r\n@attribute a real\n@attribute a real\n",
        r"line 3: duplicate column names: 'a' is declared twice",
    ),
    "time zone": ('@relation r\n@attribute d date "HH:mm z"\n', r"'d': date format .*got 'z'"),
    "short row": (HEADER + "1,x\n2\n", r"t.arff, line 6: expected 2 values, got 1"),
    "long row": (HEADER + "1,x\n\n% c\n2,y,z\n", r"line 8: expected 2 values, got 3"),
    "long quoted row": (HEADER + "1,'x'\n2,'y',3\n", r"line 6: expected 2 values, got 3"),
    "long escaped row": (HEADER + "1,x\n'\\'',y,3\n", r"line 6: expected 2 values, got 3"),
    "unknown label": (
        HEADER + "1,x\n% c\n2,z\n",
        r"t.arff, line 7: column 'b': expected one of \['x', 'y'\], got 'z'",
    ),
    "text for number": (
        HEADER + "1,x\nten,y\n",
        r"line 6: column 'a': expected a number, got 'ten'",
    ),
    "hexadecimal": (HEADER + "0x1F,x\n", r"line 5: column 'a': expected a number, got '0x1F'"),
    "infinite": (
        HEADER + "1,x\ninf,y\n",
        r"line 6: column 'a': expected a finite number, got 'inf'",
    ),
    "huge": (HEADER + "1e999,x\n", r"'a': expected a finite number, got '1e999'"),
    "not a number": (HEADER + "ten,x\n", r"'a': expected a number, got 'ten'"),
    "bare spaces": (
        "@relation r\n@attribute s string\n@data\na\nNew York\n",
        r"line 5: a value with spaces, quotes or braces needs quotes: 'New York'",
    ),
    "open quote": (HEADER + "1,'x\n2,y\n", r"line 5: a value with spaces, quotes or braces"),
    "bad escape": (HEADER + "1,'\\q'\n", r"line 5: the row cannot be read"),
    "mixed rows": (HEADER + "1,x\n{0 1}\n", r"line 6: sparse and dense rows are mixed"),
    "sparse place": (HEADER + "{0 1}\n{7 1}\n", r"line 6: the row cannot be read: '\{7 1\}'"),
    "bad date": (
        '@relation r\n@attribute d date "yyyy-MM-dd"\n@data\n2020-02-30\n',
        r"line 4: column 'd': expected a date like %Y-%m-%d, got '2020-02-30'",
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD.keys())
def test_a_bad_file_is_refused_with_its_place(tmp_path, text, message):
    with pytest.raises(TabganError, match=message):
        read_arff(write(tmp_path, text))


def test_a_long_set_of_labels_is_shortened_in_the_error(tmp_path):
    labels = ",".join(f"l{n}" for n in range(25))
    text = f"@relation r\n@attribute b {{{labels}}}\n@data\nz\n"
    with pytest.raises(TabganError, match=r"'l19'\] and 5 more, got 'z'"):
        read_arff(write(tmp_path, text))


def test_an_absent_file_is_named_by_its_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TabganError, match=f"file not found: {tmp_path}/none.arff"):
        read_arff("none.arff")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(TabganError, match="expected a file, got a folder"):
        read_arff(tmp_path)


def test_an_absent_target_is_named():
    with pytest.raises(TabganError, match=r"target 'pay' is not a column; expected one of \['age'"):
        read_arff(TINY, target="pay")


def test_a_cut_off_gzip_file_is_named(tmp_path):
    path = write(tmp_path, gzip.compress(TINY.read_bytes())[:-20], "cut.arff.gz")
    with pytest.raises(TabganError, match=r"cut.arff.gz: truncated or damaged gzip file"):
        read_arff(path)


def test_plain_text_called_gz_is_named(tmp_path):
    path = write(tmp_path, TINY.read_bytes(), "plain.arff.gz")
    with pytest.raises(TabganError, match=r"plain.arff.gz: truncated or damaged gzip file"):
        read_arff(path)


# the same as liac-arff


def files_of(folder):
    found = sorted(folder.glob("*.arff*"))
    if found:
        return [pytest.param(path, id=path.name) for path in found]
    return [pytest.param(None, marks=pytest.mark.skip(reason=f"no ARFF files in {folder}"))]


@pytest.mark.slow
@pytest.mark.parametrize("path", files_of(SHARED))
def test_shared_data_equals_liac(path):
    assert_equals_liac(read_arff(path)[0], liac(path))


@pytest.mark.parametrize("path", files_of(WEKA))
def test_weka_data_equals_liac(path):
    table, schema = read_arff(path)
    pd.testing.assert_frame_equal(schema.conform(table), table)
    if path.name == "supermarket.arff":  # a comment behind a type, which liac-arff refuses
        assert table.shape == (4627, 217)
    else:
        assert_equals_liac(table, liac(path))


MUTABLE = b"""@relation r
@attribute a numeric
@attribute n integer
@attribute s string
@attribute b {x, 'y z', "w", 9}
@data
1,2,three,x
-1.5e3,?,'four, five','y z'
.5, 6 , "it's" ,w

% seven
?,8,,9
10,11,9,?
"""
TOKENS = (
    *(bytes([mark]) for mark in b",'\"\\?% \t\n\r{}x9.-e\xff\0"),
    *(b"@data\n", b"{0 1}\n", b"\xc2\xa0", b"\\n", b"''", b"nan"),
)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_mutated_bytes_give_liac_values_or_a_tabgan_error(tmp_path_factory, seed):
    content = mutated(MUTABLE, random.Random(seed))
    path = write(tmp_path_factory.getbasetemp(), content, "mutated.arff")
    try:
        table, _ = read_arff(path)
    except TabganError:
        return
    try:
        expected = liac_loads(content)
    except Exception:
        return  # liac-arff refuses what Weka allows, and not always with its own exception
    assert_equals_liac(table, expected)


def mutated(content, rng):
    for _ in range(rng.randint(1, 3)):
        lowest = rng.choice([0, content.find(b"@data"), content.find(b"@data"), len(content) // 2])
        start = rng.randrange(max(lowest, 0), len(content))
        token = rng.choice(TOKENS) if rng.random() < 0.8 else bytes([rng.randrange(256)])
        end = start + rng.choice([0, 0, 1, 1, 2, 9])
        content = content[:start] + token + content[end:]
    return content
