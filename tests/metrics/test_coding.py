import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.metrics.coding import code_tables, column_kinds


def test_missing_is_the_last_code_and_strings_are_left_out(small_table):
    (coded,) = code_tables(table=small_table)
    assert coded.columns == ("job", "pay", "age", "born")
    # categories sorted by pandas: clerk 0, cook 1; missing 2
    assert coded.codes["job"].tolist() == [1, 1, 0, 2, 0, 1]
    assert coded.sizes == {"job": 3}
    np.testing.assert_array_equal(coded.numbers["age"], [30, np.nan, 50, 60, 70, 80])
    np.testing.assert_array_equal(coded.numbers["born"], [1, 2, np.nan, 4, 5, 6])  # days
    assert coded.matrix().shape == (6, 4)
    assert coded.is_nominal().tolist() == [True, False, False, False]


def test_dates_of_any_year_are_days():
    days = pd.Series(np.array(["9999-12-31", "0001-01-01", "NaT"], "datetime64[us]"))
    (coded,) = code_tables(table=pd.DataFrame({"ends": days}))
    np.testing.assert_array_equal(coded.numbers["ends"], [2_932_896, -719_162, np.nan])


def test_equal_codes_mean_equal_categories_whatever_their_order():
    real = pd.DataFrame({"job": pd.Categorical(["cook", "clerk"], categories=["cook", "clerk"])})
    fake = pd.DataFrame({"job": pd.Categorical(["baker", "cook"], categories=["baker", "cook"])})
    one, other = code_tables(real=real, synthetic=fake)
    assert one.codes["job"].tolist() == [0, 1]
    assert other.codes["job"].tolist() == [2, 0]
    assert one.sizes["job"] == 4  # cook, clerk, baker, missing


def test_columns_may_stand_in_another_order(small_table):
    one, other = code_tables(real=small_table, synthetic=small_table[small_table.columns[::-1]])
    np.testing.assert_array_equal(one.matrix(), other.matrix())


def test_differing_columns_are_named(small_table):
    other = small_table.drop(columns="pay").assign(wage=1.0)
    with pytest.raises(TabganError, match=r"synthetic lacks \['pay'\] and adds \['wage'\]"):
        code_tables(real=small_table, synthetic=other)


def test_differing_kinds_are_named(small_table):
    other = small_table.assign(pay=pd.Categorical(["1"] * 6))
    with pytest.raises(TabganError, match="'pay': numeric in the real table, nominal in the synth"):
        code_tables(real=small_table, synthetic=other)


def test_a_table_without_rows_is_named(small_table):
    with pytest.raises(TabganError, match=r"rows in every table, got none in \['synthetic'\]"):
        code_tables(real=small_table, synthetic=small_table.iloc[:0])


def test_a_dtype_of_no_conforming_table_is_refused():
    with pytest.raises(TabganError, match=r"column 'flag': expected a category.*got bool"):
        column_kinds(pd.DataFrame({"flag": [True, False]}))
    with pytest.raises(TabganError, match=r"column 'thing': expected a category.*got object"):
        column_kinds(pd.DataFrame({"thing": pd.Series([1, "a"], dtype="object")}))


def test_infinite_numbers_are_refused():
    finite, infinite = pd.DataFrame({"pay": [1.0]}), pd.DataFrame({"pay": [np.inf]})
    with pytest.raises(TabganError, match="column 'pay': expected finite numbers, got inf in fake"):
        code_tables(real=finite, fake=infinite)


def test_a_table_of_strings_has_nothing_to_measure():
    with pytest.raises(TabganError, match="got string columns only"):
        code_tables(real=pd.DataFrame({"note": pd.Series(["a"], dtype="str")}))
