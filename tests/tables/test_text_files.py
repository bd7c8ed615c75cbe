"""Character sets, line ends and separators of files of text."""

import codecs
import gzip

import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.tables.readers import column_names, read_arff, read_csv, read_table
from tabgan.tables.readers.pieces import read_pieces, survey
from tabgan.tables.writers import write_table

# each of the signs that Windows-1252 has where Latin-1 has control characters
SIGNS = bytes(range(0x80, 0xA0)).decode("cp1252", errors="ignore")  # €, …, ™ and 24 more
CSV = "größe,kind\n1,café\n2,naïve “q”\n3,5 €\n"
ARFF = (
    "@relation r\n@attribute größe numeric\n@attribute kind {café,'naïve “q”','5 €'}\n@data\n"
    + ("1,café\n2,'naïve “q”'\n3,'5 €'\n")
)
ENCODED = {
    "utf-8": lambda text: text.encode(),
    "utf-8 with a mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "utf-16 little": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "utf-16 big": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "utf-16 without a mark": lambda text: text.encode("utf-16-le"),
    "utf-16 big without a mark": lambda text: text.encode("utf-16-be"),
    "utf-32 little": lambda text: codecs.BOM_UTF32_LE + text.encode("utf-32-le"),
    "utf-32 big": lambda text: codecs.BOM_UTF32_BE + text.encode("utf-32-be"),
    "windows-1252": lambda text: text.encode("cp1252"),
}


def write(folder, content, name="t.csv"):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / name


@pytest.mark.parametrize("encoding", ENCODED)
@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "arff", "arff.gz"])
def test_a_file_of_any_character_set_is_the_same_table_at_once_and_in_pieces(
    tmp_path, encoding, suffix
):
    content = ENCODED[encoding](CSV if suffix.startswith("csv") else ARFF)
    packed = gzip.compress(content) if suffix.endswith("gz") else content
    path = write(tmp_path, packed, f"t.{suffix}")
    table, schema = read_table(path)
    assert list(table) == ["größe", "kind"]
    assert table["kind"].tolist() == ["café", "naïve “q”", "5 €"]
    assert survey(path) == (schema, 3)
    pd.testing.assert_frame_equal(pd.concat(read_pieces(path, schema)), table)
    assert column_names(path, schema) == ("größe", "kind")


def test_every_sign_of_windows_1252_is_read_and_written_as_utf8(tmp_path):
    text = "a,b\n" + "".join(f"{sign}x,1\n" for sign in SIGNS)
    table, schema = read_csv(write(tmp_path, text.encode("cp1252")))
    assert table["a"].tolist() == [f"{sign}x" for sign in SIGNS]
    write_table(tmp_path / "back.csv", table, schema)
    assert (tmp_path / "back.csv").read_text("utf-8") == text


def test_a_byte_that_windows_1252_leaves_out_is_read_too(tmp_path):
    table, _ = read_csv(write(tmp_path, b"a,b\n\x81x,1\n\xfcy,2\n"))
    assert table["a"].tolist() == ["\x81x", "üy"]


@pytest.mark.parametrize("suffix", ["csv", "arff"])
def test_one_byte_that_is_not_utf8_leaves_the_others_as_they_are(tmp_path, suffix):
    text = CSV if suffix == "csv" else ARFF
    content = text.encode().replace("é".encode(), b"\xe9")
    table, schema = read_table(write(tmp_path, content, f"t.{suffix}"))
    assert list(table) == ["größe", "kind"]
    assert table["kind"].tolist() == ["café", "naïve “q”", "5 €"]
    pd.testing.assert_frame_equal(pd.concat(read_pieces(tmp_path / f"t.{suffix}", schema)), table)


def test_what_is_marked_as_utf16_and_is_none_is_refused_by_that_name(tmp_path):
    path = write(tmp_path, codecs.BOM_UTF16_LE + "a,b\n1,2\n".encode("utf-16-le") + b"\x00")
    with pytest.raises(TabganError, match=r"t.csv: it begins as UTF-16-LE and is not"):
        read_csv(path)


def test_an_encoding_is_guessed_with_a_warning_once(tmp_path, caplog):
    read_csv(write(tmp_path, CSV.encode("cp1252")))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "bytes that are not UTF-8; read as Windows-1252 (Western European)" in record.message


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("suffix", ["csv", "arff"])
def test_lines_may_end_in_each_way(tmp_path, end, suffix):
    text = (CSV if suffix == "csv" else ARFF).replace("\n", end)
    path = write(tmp_path, text, f"t.{suffix}")
    table, schema = read_table(path)
    assert table["kind"].tolist() == ["café", "naïve “q”", "5 €"]
    assert survey(path) == (schema, 3)
    pd.testing.assert_frame_equal(pd.concat(read_pieces(path, schema)), table)


def test_many_rows_that_end_in_cr_are_cut_into_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("tabgan.tables.readers.pieces.BLOCK_BYTES", 100)
    rows = "".join(f'{i},"x\ny"\r' for i in range(100))
    path = write(tmp_path, f"a,b\r{rows}")
    table, schema = read_csv(path)
    assert table["a"].tolist() == list(range(100))
    assert set(table["b"]) == {"x\ny"}
    pieces = list(read_pieces(path, schema))
    assert len(pieces) > 5
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), table)


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"', "sep=; ", "sep=;;;", '"sep=;",,'])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_first_line_names_the_separator(tmp_path, line, end):
    path = write(tmp_path, end.join([line, "age;pay, in kr;ok", "7;1,5;yes", "8;2;no", ""]))
    table, schema = read_csv(path)
    assert list(table) == ["age", "pay, in kr", "ok"]
    assert table["pay, in kr"].tolist() == [1.5, 2]
    assert survey(path) == (schema, 2)
    pd.testing.assert_frame_equal(pd.concat(read_pieces(path, schema)), table)


@pytest.mark.parametrize("separator", ["|", "\t", ":", "^"])
def test_any_separator_may_be_named(tmp_path, separator):
    lines = [f"sep={separator}", f"a{separator}b", f"1{separator}x", f"2{separator}y", ""]
    table, _ = read_csv(write(tmp_path, "\n".join(lines)))
    assert table.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize("line", ["sep=", "sep= ", "sep=a"])
def test_what_cannot_be_a_separator_is_a_header(tmp_path, line):
    table, _ = read_csv(write(tmp_path, f"{line}\r\n1\r\n2\r\n"))
    assert len(table) == 2


def test_a_separator_is_named_in_utf16_too(tmp_path):
    text = "sep=;\na;b\n1;x\n2;y\n"
    table, _ = read_csv(write(tmp_path, codecs.BOM_UTF16_LE + text.encode("utf-16-le")))
    assert list(table) == ["a", "b"]


def test_bars_separate_where_the_header_has_them(tmp_path):
    table, _ = read_csv(write(tmp_path, 'a|"b, c"\n1|x\n2|y\n'))
    assert list(table) == ["a", "b, c"]


def test_errors_behind_a_separator_line_count_it(tmp_path):
    with pytest.raises(TabganError, match=r"t.csv, line 4: expected 2 values, got 3"):
        read_csv(write(tmp_path, "sep=;\na;b\n1;2\n1;2;3\n"))


def test_an_empty_file_of_each_encoding_is_refused_by_name(tmp_path):
    for content in (b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, b"\n\n", b"sep=;\n"):
        with pytest.raises(TabganError, match=r"t.csv: the file is empty; expected a header line"):
            read_csv(write(tmp_path, content))


def test_a_file_of_one_column_is_a_table(tmp_path):
    table, schema = read_csv(write(tmp_path, "a\n1\n\n2\nN/A\n"))
    assert table["a"].tolist() == [1, 2, pd.NA]
    write_table(tmp_path / "back.csv", table, schema)
    assert (tmp_path / "back.csv").read_text() == "a\n1\n2\nN/A\n"


# an index that was written with the table, and other columns without a name


@pytest.mark.parametrize("name", ["", "Unnamed: 0", '""'])
def test_an_index_without_a_name_is_left_out_with_one_line_or_kept(tmp_path, name, caplog):
    caplog.set_level("INFO")
    path = write(tmp_path, f"{name},a,b\n0,5,x\n1,5,y\n2,6,x\n")
    table, schema = read_table(path)
    assert list(table) == ["a", "b"]
    assert [r.message for r in caplog.records] == [
        f"{path}: the first column has no name and is an index: left out"
    ]
    kept, wide = read_table(path, index="keep")
    assert list(kept) == ["Unnamed: 0", "a", "b"]
    assert survey(path) == (schema, 3)
    assert survey(path, index="keep") == (wide, 3)
    assert column_names(path, schema) == ("a", "b")
    assert column_names(path, wide) == ("Unnamed: 0", "a", "b")


def test_row_names_and_an_index_that_was_written_twice_are_left_out(tmp_path):
    path = write(tmp_path, ",Unnamed: 0.1,a\nMazda,0,21\nFiat,1,22\n")
    assert list(read_table(path)[0]) == ["a"]


def test_row_names_of_r_have_no_place_in_the_header(tmp_path):
    path = write(tmp_path, '"a" "b"\n'.replace(" ", ",") + '"1",21,"x"\n"2",22,"y"\n')
    assert read_table(path)[0].to_dict("list") == {"a": [21, 22], "b": ["x", "y"]}


def test_a_first_column_without_a_name_that_repeats_is_a_column(tmp_path):
    table, _ = read_table(write(tmp_path, ",a\nx,1\ny,2\nx,3\n"))
    assert list(table) == ["Unnamed: 0", "a"]


def test_another_column_without_a_name_is_called_by_its_place(tmp_path):
    table, _ = read_table(write(tmp_path, "a,,b\n1,x,5\n2,y,6\n"))
    assert list(table) == ["a", "Unnamed: 1", "b"]


@pytest.mark.parametrize("header", ["a,b", "a,b,"])
def test_a_separator_that_ends_each_row_is_an_empty_column(tmp_path, header):
    table, _ = read_table(write(tmp_path, f"{header}\n1,2,\n3,4,\n"))
    assert table[["a", "b"]].to_numpy().tolist() == [[1, 2], [3, 4]]
    assert table.iloc[:, 2].isna().all()


def test_a_separator_that_ends_the_header_alone_is_nothing(tmp_path):
    assert list(read_table(write(tmp_path, "a,b,\n1,2\n3,4\n"))[0]) == ["a", "b"]


def test_neither_drop_nor_keep_is_refused(tmp_path):
    with pytest.raises(TabganError, match=r"data.index=both: expected drop or keep"):
        read_table(write(tmp_path, ",a\n0,1\n1,2\n"), index="both")


# instance weights of ARFF

WEIGHTED = "@relation r\n@attribute a numeric\n@attribute b {x, y}\n@data\n"


def test_instance_weights_are_a_column_with_a_warning(tmp_path, caplog):
    path = write(tmp_path, WEIGHTED + "1,x,{4}\n2,y, {0.5}\n% none\n3,x\n", "t.arff")
    table, schema = read_arff(path)
    assert table["weight"].tolist() == [4, 0.5, 1]
    assert caplog.records[0].levelname == "WARNING"
    assert "instance weights are read as a column 'weight' like any other" in caplog.text
    assert survey(path) == (schema, 3)
    pd.testing.assert_frame_equal(pd.concat(read_pieces(path, schema)), table)
    assert column_names(path, schema) == ("a", "b", "weight")


def test_instance_weights_of_sparse_rows_are_a_column(tmp_path):
    path = write(tmp_path, WEIGHTED + "{0 1, 1 y}, {2}\n{}, {3}\n{0 5}\n", "t.arff")
    table, _ = read_arff(path)
    assert table["weight"].tolist() == [2, 3, 1]
    assert table["b"].tolist() == ["y", "x", "x"]


def test_a_weight_that_is_no_number_is_shown_as_it_stands_there(tmp_path):
    text = "@relation r\n@attribute a numeric\n@data\n1,{4}\n2,{heavy}\n"
    with pytest.raises(TabganError, match=r"line 5: .*needs quotes: '2,\{heavy\}'"):
        read_arff(write(tmp_path, text, "t.arff"))


def test_a_weight_column_takes_a_free_name(tmp_path):
    text = "@relation r\n@attribute weight numeric\n@data\n1,{4}\n2,{5}\n"
    assert list(read_arff(write(tmp_path, text, "t.arff"))[0]) == ["weight", "weight_"]


def test_a_first_weight_far_down_the_file_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr("tabgan.tables.readers.arff.CHUNK_BYTES", 20)
    path = write(tmp_path, WEIGHTED + "1,x\n" * 20 + "2,y,{5}\n", "t.arff")
    with pytest.raises(TabganError, match=r"line 25: an instance weight, and the first rows have"):
        read_arff(path)
