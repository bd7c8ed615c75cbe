"""Detectors answer with a decision alone."""

import numpy as np
import pandas as pd
import pytest

from tabgan.blackboxes.evasion.detectors import DETECTORS, Detector
from tabgan.errors import TabganError
from tabgan.tables.schema import Column, TableSchema

SCHEMA = TableSchema(
    name="traffic",
    target=None,
    columns=(
        Column(name="flag", kind="nominal", categories=("SF", "S0", "never")),
        Column(name="count", kind="integer"),
    ),
)


def traffic(n):
    """Attacks have flag S0 and a large count."""
    attacks = np.arange(n) % 2 == 1
    flag = np.where(attacks, "S0", "SF")
    count = np.where(attacks, 100, 1) + np.arange(n) % 5
    return SCHEMA.conform(pd.DataFrame({"flag": flag, "count": count})), attacks


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_learns_what_two_columns_say_and_answers_0_or_1(name):
    rows, attacks = traffic(200)
    detector = Detector(name, SCHEMA, seed=0).fit(rows, attacks)
    fresh, expected = traffic(50)
    assert detector(fresh).tolist() == expected.astype(float).tolist()


def test_an_unknown_name_names_the_nearest():
    with pytest.raises(TabganError, match="detector 'KNM': did you mean 'KNN'"):
        Detector("KNM", SCHEMA, seed=0)


def test_attacks_alone_teach_nothing():
    rows, _ = traffic(10)
    with pytest.raises(TabganError, match="got 10 attacks in 10 rows"):
        Detector("DT", SCHEMA, seed=0).fit(rows, np.ones(10, bool))


@pytest.mark.parametrize("name", DETECTORS)
def test_a_margin_is_above_0_where_the_decision_is_an_attack(name):
    rows, attacks = traffic(200)
    detector = Detector(name, SCHEMA, seed=0).fit(rows, attacks)
    fresh, _ = traffic(50)
    assert ((detector.margin(fresh) > 0) == (detector(fresh) == 1)).all()
