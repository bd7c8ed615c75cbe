"""Dates and clock times of any year and form, and back."""

import datetime

import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.numbers import date_unit, from_numbers, to_numbers
from tabgan.tables.conditions import read_requested, shown
from tabgan.tables.date_forms import compact_date_format, found_date_format
from tabgan.tables.dates import (
    days_text,
    format_dates,
    java_of,
    naive,
    parse_dates,
    strftime_of,
)
from tabgan.tables.profile import infer_schema
from tabgan.tables.readers import read_arff, read_csv
from tabgan.tables.readers.pieces import read_pieces, survey
from tabgan.tables.schema import Column
from tabgan.tables.writers import write_table

# texts of one form, the form, the last of them
FORMS = {
    "compact time": (["20141013T000000", "20150527T093000"], "%Y%m%dT%H%M%S", "2015-05-27 09:30"),
    "German": (["13.10.2014", "01.02.2015"], "%d.%m.%Y", "2015-02-01"),
    "German, short": (["1.2.2020", "13.10.2014"], "%-d.%-m.%Y", "2014-10-13"),
    "American": (["10/13/2014", "01/02/2015"], "%m/%d/%Y", "2015-01-02"),
    "American, short": (["10/13/2014", "1/2/2015"], "%-m/%-d/%Y", "2015-01-02"),
    "British": (["13/10/2014", "01/02/2015"], "%d/%m/%Y", "2015-02-01"),
    "Japanese": (["2014/1/3", "2014/11/13"], "%Y/%-m/%-d", "2014-11-13"),
    "two digits": (["01.04.24", "31.12.99"], "%d.%m.%y", "1999-12-31"),
    "month": (["13-Oct-2014", "01-May-2015"], "%d-%b-%Y", "2015-05-01"),
    "Oracle": (["13-OCT-14", "01-MAY-15"], "%d-%^b-%y", "2015-05-01"),
    "SAS": (["13OCT2014:12:00:00", "01MAY2015:07:30:00"], "%d%^b%Y:%H:%M:%S", "2015-05-01 07:30"),
    "in words": (["October 13, 2014", "May 01, 2015"], "%B %d, %Y", "2015-05-01"),
    "mail": (["Mon, 13 Oct 2014 10:00:00 GMT"], "%a, %d %b %Y %H:%M:%S GMT", "2014-10-13 10:00"),
    "minutes": (["03/28/2024 14:05", "12/01/2024 00:15"], "%m/%d/%Y %H:%M", "2024-12-01 00:15"),
    "half days": (["3/8/2024 2:05 PM", "12/1/2024 12:15 AM"], "%-m/%-d/%Y %-I:%M %p",
                  "2024-12-01 00:15"),
    "comma": (["12-05-2020 13:00:01,123"], "%d-%m-%Y %H:%M:%S,%3f", "2020-05-12 13:00:01.123"),
    "months": (["2014-10", "2015-01"], "%Y-%m", "2015-01-01"),
    "clock": (["12:30", "07:05"], "%H:%M", "1900-01-01 07:05"),
    "clock, short": (["12:30", "7:05"], "%-H:%M", "1900-01-01 07:05"),
    "seconds": (["12:30:45", "23:59:59"], "%H:%M:%S", "1900-01-01 23:59:59"),
    "half clock": (["2:05 pm", "12:00 am"], "%-I:%M %P", "1900-01-01 00:00"),
    "until further notice": (["31.12.9999", "01.02.2020"], "%d.%m.%Y", "2020-02-01"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_found_read_and_written_back(name):
    texts, date_format, last = FORMS[name]
    assert found_date_format(texts) == date_format
    dates = parse_dates(pd.Series(texts), date_format)
    assert dates.iloc[-1] == pd.Timestamp(last)
    assert format_dates(dates, date_format).to_pylist() == texts


@pytest.mark.parametrize(
    "texts",
    [["10.3.12", "9.1.10"], ["4:3", "16:9"], ["10.0.0.1"], ["555-12-3456"], ["May", "June"],
     ["2020"], ["18-24"], ["1.2.3.4"], ["25:00", "36:15"], ["AB-12-2020"]],
)  # fmt: skip
def test_versions_ratios_and_names_are_no_dates(texts):
    assert found_date_format(texts) is None


def test_a_later_text_tells_day_from_month():
    assert found_date_format(["01/02/2020", "03/04/2020", "25/04/2020"]) == "%d/%m/%Y"


FAR = ["9999-12-31", "0001-01-01", "1677-09-20", "2262-04-12"]


@pytest.mark.parametrize("date_format", [None, "%Y-%m-%d"])
def test_dates_of_any_year_are_read(date_format):
    dates = parse_dates(pd.Series(FAR), date_format)
    assert dates.dtype == "datetime64[us]"
    assert dates.to_numpy().astype("datetime64[D]").astype(str).tolist() == FAR


DAYS = [datetime.date.fromisoformat(day) for day in FAR]
FAR_FRAMES = {
    "text": pd.Series(FAR),
    "dates": pd.Series(DAYS, dtype=object),
    "datetimes": pd.Series([datetime.datetime(d.year, d.month, d.day) for d in DAYS], dtype=object),
    "seconds": pd.Series(np.array(FAR, "datetime64[s]")),
    "microseconds": pd.Series(np.array(FAR, "datetime64[us]")),
    "arrow": pd.Series(DAYS, dtype="date32[day][pyarrow]"),
    "arrow time": pd.Series(np.array(FAR, "datetime64[s]")).astype("timestamp[s][pyarrow]"),
}


@pytest.mark.parametrize("name", FAR_FRAMES)
def test_far_dates_of_every_dtype_go_there_and_back(name):
    table = pd.DataFrame({"day": FAR_FRAMES[name]})
    schema = infer_schema(table, name="t")
    rows = schema.conform(table)
    assert rows["day"].to_numpy().astype("datetime64[D]").astype(str).tolist() == FAR
    back = schema.restore(rows)["day"]
    if name != "datetimes":  # which come back as datetime64
        assert back.dtype == table["day"].dtype
        assert back.tolist() == table["day"].tolist()


@pytest.mark.parametrize("date_format", [None, "%Y-%m-%d", "%H:%M"])
def test_words_that_pandas_takes_for_dates_are_none(date_format):
    assert parse_dates(pd.Series(["now", "today", "NOW"]), date_format).isna().all()


def test_far_dates_are_numbers_and_back():
    values, column = parse_dates(pd.Series([*FAR, None]), None), Column(name="d", kind="date")
    numbers = to_numbers(column, values, unit=date_unit(values))
    assert numbers[:2].tolist() == [2_932_896, -719_162]  # days since 1970
    pd.testing.assert_series_equal(from_numbers(column, numbers, unit=date_unit(values)), values)


def test_far_dates_of_a_file_come_back(tmp_path):
    (tmp_path / "t.csv").write_text(
        "a,b\n" + "".join(f"{day},{day[8:]}.{day[5:7]}.{day[:4]}\n" for day in FAR)
    )
    table, schema = read_csv(tmp_path / "t.csv")
    assert table["a"].tolist() == table["b"].tolist()
    write_table(tmp_path / "back.csv", table, schema)
    assert (tmp_path / "back.csv").read_text() == (tmp_path / "t.csv").read_text()
    for suffix in ("parquet", "arff"):
        write_table(tmp_path / f"t.{suffix}", table, schema)
    found, _ = read_arff(tmp_path / "t.arff")
    pd.testing.assert_frame_equal(found, table)


def test_days_written_as_whole_numbers_are_dates(tmp_path):
    days = pd.date_range("2014-05-02", periods=60).strftime("%Y%m%d")
    (tmp_path / "t.csv").write_text(
        "day,n\n" + "".join(f"{day},{i}\n" for i, day in enumerate(days))
    )
    table, schema = read_csv(tmp_path / "t.csv")
    assert (schema["day"].kind, schema["day"].date_format) == ("date", "%Y%m%d")
    assert table["day"].iloc[-1] == pd.Timestamp("2014-06-30")
    write_table(tmp_path / "back.csv", table, schema)
    assert (tmp_path / "back.csv").read_text() == (tmp_path / "t.csv").read_text()
    frame = pd.DataFrame({"day": days.astype("int64")})
    own = infer_schema(frame, name="t")
    pd.testing.assert_frame_equal(own.restore(own.conform(frame)), frame)


@pytest.mark.parametrize(
    ("numbers", "date_format"),
    [
        ([20141013, 20150228, 99991231], "%Y%m%d"),
        ([20141013, 20150229, 20160101], None),  # 2015 has no such day
        ([20141013, 20150228], None),  # two may be so by chance
        ([12345678, 87654321, 11112222], None),
        ([20141013093000, 20150228120000, 20150228120001], "%Y%m%d%H%M%S"),
        ([], None),
    ],
)
def test_whole_numbers_that_could_all_be_days_are_such(numbers, date_format):
    assert compact_date_format(np.array(numbers, "int64")) == date_format


def test_times_of_day_are_clock_times_and_come_back():
    times = [datetime.time(7, 30), datetime.time(23, 59, 59), None]
    table = pd.DataFrame({"opens": pd.Series(times, dtype=object)})
    schema = infer_schema(table, name="t")
    assert (schema["opens"].kind, schema["opens"].date_format) == ("date", "%H:%M:%S")
    assert schema.restore(schema.conform(table))["opens"].tolist() == times


def test_periods_come_back():
    table = pd.DataFrame({"month": pd.period_range("2020-01", periods=5, freq="M")})
    schema = infer_schema(table, name="t")
    pd.testing.assert_frame_equal(schema.restore(schema.conform(table)), table)


def test_only_later_pieces_tell_day_from_month(tmp_path, monkeypatch):
    monkeypatch.setattr("tabgan.tables.readers.pieces.BLOCK_BYTES", 200)
    days = pd.date_range("2020-01-01", periods=90).strftime("%d/%m/%Y")
    (tmp_path / "t.csv").write_text(
        "day,n\n" + "".join(f"{day},{i}\n" for i, day in enumerate(days))
    )
    table, schema = read_csv(tmp_path / "t.csv")
    assert schema["day"].date_format == "%d/%m/%Y"
    assert survey(tmp_path / "t.csv") == (schema, 90)
    pieces = list(read_pieces(tmp_path / "t.csv", schema))
    assert len(pieces) > 3
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), table)


@pytest.mark.parametrize(
    ("date_format", "requested", "moment"),
    [
        ("%d.%m.%Y", "31.12.2024", "2024-12-31"),
        ("%d.%m.%Y", "2024-12-31", "2024-12-31"),
        ("%H:%M", "14:30", "1900-01-01 14:30"),
        ("%H:%M", datetime.time(14, 30), "1900-01-01 14:30"),
        ("%Y-%m-%d", "9999-12-31", "9999-12-31"),
        ("%Y%m%d", "20241231", "2024-12-31"),
    ],
)
def test_dates_can_be_asked_for_in_their_form(date_format, requested, moment):
    column = Column(name="d", kind="date", date_format=date_format)
    ((low, _),) = read_requested(column, requested).spans
    assert np.datetime64(int(low), "us") == np.datetime64(moment, "us")


def test_clock_times_and_far_dates_are_shown_as_a_person_writes_them():
    clock = Column(name="t", kind="date", date_format="%H:%M")
    micros = np.datetime64("1900-01-01T14:30", "us").astype("int64")
    assert shown(clock, float(micros)) == "14:30"
    far = np.datetime64("9999-12-31", "us").astype("int64")
    assert shown(Column(name="d", kind="date"), float(far)) == "9999-12-31"
    assert [days_text(days) for days in (2_932_896, 0.5, -25_567.5 + 1)] == [
        "9999-12-31", "1970-01-01 12:00:00", "12:00:00",
    ]  # fmt: skip


@pytest.mark.parametrize("java", ["d.M.yyyy", "yyyy-MM-dd'T'HH:mm:ss", "h:m a", "dd MMM yy"])
def test_java_formats_keep_their_leading_zeros_or_none(java):
    assert java_of(strftime_of(java)) == java


def test_an_arff_date_without_leading_zeros_comes_back(tmp_path):
    text = '@relation r\n@attribute d date "d.M.yyyy"\n@data\n1.2.2020\n13.10.2014\n'
    (tmp_path / "t.arff").write_text(text)
    write_table(tmp_path / "back.arff", *read_arff(tmp_path / "t.arff"))
    assert (tmp_path / "back.arff").read_text().endswith("1.2.2020\n13.10.2014\n")


def test_times_of_a_zone_far_away_are_taken_as_utc():
    far = pd.Series([datetime.datetime(9999, 12, 1, 12, tzinfo=datetime.UTC)], dtype=object)
    schema = infer_schema(pd.DataFrame({"d": far}), name="t")
    assert str(schema.conform(pd.DataFrame({"d": far}))["d"][0]) == "9999-12-01 12:00:00"
    moments = pd.Series(pd.to_datetime(["2020-01-01 12:00"], utc=True))
    assert naive(moments)[0] == pd.Timestamp("2020-01-01 12:00")
