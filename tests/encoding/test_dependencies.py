from itertools import permutations

import numpy as np
import pytest

from tabgan.encoding.dependencies import Lookup, find_derived


@pytest.fixture
def grade():
    return np.random.default_rng(0).integers(0, 5, 400).astype(float)


def test_a_numbering_of_another_column_is_derived(grade):
    assert find_derived({"grade": grade, "number": 10 - grade}) == {"number": "grade"}


def test_a_coarser_column_is_derived_from_the_finer_one_wherever_it_stands(grade):
    assert find_derived({"passed": grade // 2, "grade": grade}) == {"passed": "grade"}


def test_one_exception_breaks_the_rule(grade):
    number = 10 - grade
    number[7] = number[grade != grade[7]][0]
    assert find_derived({"grade": grade, "number": number}) == {}


def test_purity_by_accident_is_no_rule():
    rare = np.zeros(400)
    rare[3] = 1.0  # the only row whose key is 4
    key = np.zeros(400)
    key[3] = 4.0
    # 398 more zeros at share 399/400 are no surprise: 398 * log(400/399) = 1 nat
    assert find_derived({"key": key, "rare": rare}) == {}


def test_missing_is_a_key_and_a_value(grade):
    incomplete = np.where(grade == 2, np.nan, grade)
    assert find_derived({"grade": grade, "incomplete": incomplete}) == {"incomplete": "grade"}
    lookup = Lookup().fit(grade, incomplete)
    np.testing.assert_array_equal(lookup(np.array([2.0, 3.0])), [np.nan, 3.0])


def test_an_unknown_key_takes_the_commonest_value():
    lookup = Lookup().fit(np.array([1.0, 2.0, 2.0]), np.array([7.0, 8.0, 8.0]))
    assert lookup(np.array([1.0, 5.0])).tolist() == [7.0, 8.0]


def test_a_missing_cell_breaks_no_rule(grade):
    number = np.where(np.arange(400) % 3 == 0, np.nan, 10 - grade)
    incomplete = np.where(np.arange(400) % 5 == 0, np.nan, grade)
    assert find_derived({"grade": incomplete, "number": number}) == {}
    assert find_derived({"grade": incomplete, "number": number}, masked=True) == {"number": "grade"}


def test_a_value_of_one_key_tells_the_key():
    lookup = Lookup().fit(np.array([1.0, 2.0, 3.0]), np.array([7.0, 8.0, 8.0]))
    np.testing.assert_array_equal(
        lookup.deciding(np.array([7.0, 8.0, 9.0, np.nan])), [1.0, np.nan, np.nan, np.nan]
    )


@pytest.mark.parametrize("order", list(permutations(["continent", "country", "city"])))
def test_of_nested_columns_the_finest_decides_the_others_in_any_order(order):
    city = np.random.default_rng(0).integers(0, 12, 400).astype(float)
    nested = {"city": city, "country": city // 3, "continent": city // 6}
    assert find_derived({name: nested[name] for name in order}) == {
        "country": "city",
        "continent": "city",
    }


def test_missing_cells_that_hide_the_middle_of_a_chain_do_not_hide_its_root():
    city = np.random.default_rng(0).integers(0, 12, 400).astype(float)
    country, continent = city // 3, city // 6
    country[::2], continent[1::2] = np.nan, np.nan  # no row knows both
    columns = {"continent": continent, "country": country, "city": city}
    assert find_derived(columns, masked=True) == {"continent": "city", "country": "city"}


def test_a_column_that_never_stands_beside_its_root_stays_in_the_row():
    city = np.random.default_rng(0).integers(0, 12, 400).astype(float)
    country, continent = city // 3, city // 6
    city[::2], continent[1::2] = np.nan, np.nan  # no row knows both
    columns = {"continent": continent, "country": country, "city": city}
    assert find_derived(columns, masked=True) == {"country": "city"}
