import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.sums import Sum, find_sums
from tabgan.encoding.table import TableEncoder
from tabgan.sampling.regions import Regions
from tabgan.sampling.requests import Request

N = 400


@pytest.fixture
def parts():
    rng = np.random.default_rng(0)
    return {
        "net": rng.integers(100, 900, N).astype(float),
        "tax": rng.integers(0, 200, N).astype(float),
        "other": rng.normal(size=N).round(3),
    }


def found(columns, **steps):
    return {
        name: (of.terms, of.constant)
        for name, of in find_sums(columns, {n: steps.get(n, 1.0) for n in columns}).items()
    }


def test_a_total_is_the_sum_of_its_parts_wherever_it_stands(parts):
    columns = {"total": parts["net"] + parts["tax"], **parts}
    assert found(columns, other=0.001) == {"total": ({"tax": 1.0, "net": 1.0}, 0.0)}


def test_a_difference_is_turned_round(parts):
    # What is put back is a sum: parts that occur never give a rest below 0, or a net that is none.
    columns = {**parts, "rest": parts["net"] - parts["tax"]}
    assert columns["rest"].std() > columns["net"].std()
    assert found(columns, other=0.001) == {"net": ({"rest": 1.0, "tax": 1.0}, 0.0)}


@pytest.mark.parametrize("shift", [0, 1e5])  # the open part varies least, or most
def test_a_whole_of_round_values_stays_and_a_finer_part_is_left_out(shift):
    rng = np.random.default_rng(0)
    loan = 100.0 * rng.integers(10, 300, 2_000)
    paid = np.round(rng.random(2_000) ** 2 * loan, 2) - (shift * rng.random(2_000)).round(2)
    columns = {"loan": loan, "paid": paid, "open": np.round(loan - paid, 2)}
    ((name, found),) = find_sums(columns, {"loan": 1.0, "paid": 0.01, "open": 0.01}).items()
    assert name in ("paid", "open")
    assert found.terms == {"loan": 1, "paid" if name == "open" else "open": -1}
    np.testing.assert_allclose(found(columns), columns[name], atol=1e-9)


def test_a_total_its_mean_and_its_percentage_are_all_sums_of_the_parts(parts):
    total = parts["net"] + parts["tax"]
    columns = {
        "mean": total / 2, "net": parts["net"], "total": total, "tax": parts["tax"],
        "percent": (total / 3).round(2),
    }  # fmt: skip
    assert columns["mean"].std() < columns["net"].std()
    sums = find_sums(columns, dict.fromkeys(columns, 1.0) | {"mean": 0.1, "percent": 0.01})
    assert set(sums) == {"total", "mean", "percent"}
    assert all(set(of.terms) == {"net", "tax"} for of in sums.values())
    assert (sums["mean"].terms["net"], sums["total"].terms["net"]) == (0.5, 1.0)


def test_another_unit_and_an_origin_are_factor_and_constant(parts):
    celsius = parts["other"] * 10
    columns = {"celsius": celsius, "fahrenheit": 1.8 * celsius + 32}
    assert found(columns, celsius=0.01, fahrenheit=0.001) == {
        "fahrenheit": ({"celsius": 1.8}, 32.0)
    }


def test_an_average_that_was_rounded_is_met_to_half_a_step(parts):
    mean = ((parts["net"] + parts["tax"]) / 3).round(1)
    # The average varies less than net, and net is no sum of it to whole numbers.
    columns = {"tax": parts["tax"], "net": parts["net"] / 1000, "mean": mean}
    assert set(found(columns, net=0.001, mean=0.1)) == {"mean"}


def test_one_exception_breaks_the_rule(parts):
    total = parts["net"] + parts["tax"]
    total[17] += 1
    assert found({**parts, "total": total}, other=0.001) == {}


def test_a_flag_that_a_line_happens_to_part_is_no_sum(parts):
    # .5 + other / 8 rounds to the flag on every row, and spreads over less than 5 steps.
    other = np.sign(parts["other"]) * (3 + np.abs(parts["other"]) / 10)
    assert found({"flag": (other > 0).astype(float), "other": other}, other=0.0) == {}


def test_flags_of_one_choice_sum_to_one():
    choice = np.random.default_rng(1).integers(3, size=N)
    flags = {name: (choice == position).astype(float) for position, name in enumerate("abc")}
    ((name, (terms, constant)),) = found(flags).items()
    assert (sorted(terms.values()), constant) == ([-1.0, -1.0], 1.0)
    assert name not in terms


def test_a_sum_is_missing_where_a_part_is_and_nowhere_else(parts):
    parts["tax"][:50] = np.nan
    total = parts["net"] + parts["tax"]
    assert set(found({**parts, "total": total}, other=0.001)) == {"total"}
    assert found({**parts, "total": np.where(np.isnan(total), 0, total)}, other=0.001) == {}


def test_a_sum_speaks():
    assert str(Sum({"net": 1.0, "tax": -1.0, "kg": 2.2}, -6.0)) == "'net' - 'tax' + 2.2 * 'kg' -6"


@pytest.fixture
def table(parts):
    return pd.DataFrame(
        {
            "net": parts["net"].astype(int),
            "total": (parts["net"] + parts["tax"]).astype(int),
            "tax": parts["tax"].astype(int),
            "other": parts["other"],
        }
    )


@pytest.fixture
def encoder(table, fit_encoder):
    return fit_encoder(table)


def test_any_generated_row_has_its_total(encoder):
    rows = np.random.default_rng(2).normal(size=(500, encoder.layout_.width)).astype(np.float32)
    made = encoder.decode(rows, np.empty((500, 0), np.float32))
    assert (made["total"] == made["net"] + made["tax"]).all()
    assert encoder.encodings_["total"] == "sum"
    assert encoder.notes_ == [
        "column 'total' is 'tax' + 'net': computed from the others, not learned"
    ]


def test_a_sum_survives_the_disk(encoder, tmp_path):
    encoder.save(tmp_path)
    again = TableEncoder.load(tmp_path)
    assert str(again.relations_.sums["total"]) == "'tax' + 'net'"
    assert again.layout_ == encoder.layout_


def test_known_numbers_tell_a_total_and_a_missing_part(encoder):
    numbers = np.array([[300, np.nan, 50, 0], [300, 350, np.nan, 0], [np.nan, 350, np.nan, 0]])
    encoder.tell_sums(numbers)
    np.testing.assert_array_equal(
        numbers, [[300, 350, 50, 0], [300, 350, 50, 0], [np.nan, 350, np.nan, 0]]
    )


def test_what_is_asked_of_a_total_is_checked_and_never_outside_what_training_had(encoder):
    regions = Regions(encoder, Request.read(encoder, where={"total": (300, 400)}))
    assert (regions.checked, regions.axes) == ({"total"}, {})
    with pytest.raises(ValueError, match="outside the training range"):
        Regions(encoder, Request.read(encoder, where={"total": (5_000, 6_000)}))


def test_nothing_is_left_out_where_missing_values_are_missing_cells(table, fit_encoder):
    assert fit_encoder(table, missing="masked").relations_.sums == {}


@pytest.mark.parametrize(
    ("origin", "spread", "step"), [(4e9, 700, 1.0), (1.7e12, 300_000, 1.0), (1e9, 50.0, 0.0)]
)
def test_a_number_far_from_zero_is_no_sum_of_what_it_has_nothing_to_do_with(origin, spread, step):
    rng = np.random.default_rng(0)
    number = origin + rng.uniform(0, spread, N)
    columns = {
        "age": rng.integers(18, 90, N).astype(float),
        "income": rng.lognormal(10, 1, N),
        "number": number.round() if step else number,
    }
    assert found(columns, income=0.0, number=step) == {}


def test_a_total_far_from_zero_is_one(parts):
    columns = {**parts, "total": 4e9 + parts["net"] + parts["tax"]}
    assert found(columns, other=0.001) == {"total": ({"tax": 1.0, "net": 1.0}, 4e9)}


@pytest.fixture
def survey():
    answers = np.random.default_rng(0).integers(1, 6, (N, 3))
    score = answers.sum(axis=1)
    return pd.DataFrame(answers, columns=["q1", "q2", "q3"]).assign(
        score=score,
        mean=score / 3,
        band=np.where(score > 9, "high", "low"),
    )


def test_what_a_score_says_is_read_off_the_score_of_any_row(survey, fit_encoder, tmp_path):
    encoder = fit_encoder(survey)
    out = {n: of for n, of in encoder.encodings_.items() if of in ("sum", "computed")}
    assert out == {"score": "sum", "mean": "sum", "band": "computed"}
    encoder.save(tmp_path)
    again = TableEncoder.load(tmp_path)
    rows = np.random.default_rng(2).normal(size=(500, encoder.layout_.width)).astype(np.float32)
    made = again.decode(rows, np.empty((500, 0), np.float32))
    assert (made["score"] == made[["q1", "q2", "q3"]].sum(axis=1)).all()
    assert np.allclose(made["mean"], made["score"] / 3)
    assert ((made["band"] == "high") == (made["score"] > 9)).all()


def test_a_score_that_training_never_had_reads_as_the_nearest(survey, fit_encoder):
    survey = survey[~survey["score"].isin([9, 10, 15])]
    encoder = fit_encoder(survey)
    numbers = encoder.numbers(encoder.schema.conform(survey.iloc[:3]))
    numbers[:, :3] = [[5, 5, 5], [4, 3, 3], [3, 3, 3]]  # 15, 10 and 9: nearest 14, 11 and 8
    encoder.put_sums(numbers)
    made = encoder.to_table(numbers)
    assert made["score"].tolist() == [15, 10, 9]
    assert made["band"].tolist() == ["high", "high", "low"]


def test_a_category_that_a_sum_decides_can_be_asked_for(survey, fit_encoder):
    encoder = fit_encoder(survey)
    regions = Regions(encoder, Request.read(encoder, where={"band": "high"}))
    assert (regions.checked, regions.axes) == ({"band"}, {})


def test_the_class_in_other_words_is_read_off_the_class(fit_encoder):
    kind = pd.Series(np.random.default_rng(0).integers(0, 3, N))
    frame = pd.DataFrame(
        {
            "copy": kind.map({0: "a", 1: "b", 2: "c"}),
            "age": np.random.default_rng(1).normal(size=N),
            "group": kind.map({0: "low", 1: "low", 2: "high"}),
            "kind": kind.map({0: "a", 1: "b", 2: "c"}),
        }
    )
    encoder = fit_encoder(frame, target="kind")
    assert {n: of for n, of in encoder.encodings_.items() if n != "age"} == {
        "copy": "computed", "group": "computed", "kind": "condition",
    }  # fmt: skip
    rows = np.zeros((3, encoder.layout_.width), np.float32)
    made = encoder.decode(rows, np.eye(3, dtype=np.float32))
    assert made["copy"].tolist() == made["kind"].tolist() == ["a", "b", "c"]
    assert made["group"].tolist() == ["low", "low", "high"]


def test_dates_are_sums_too(fit_encoder):
    rng = np.random.default_rng(0)
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, N), "D")
    days = rng.integers(1, 40, N)
    frame = pd.DataFrame(
        {"start": start, "copy": start, "days": days, "end": start + pd.to_timedelta(days, "D")}
    )
    encoder = fit_encoder(frame)
    assert str(encoder.relations_.sums["end"]) == "'start' + 'days'"
    assert len(encoder.relations_.sums) == 2  # and the copy
    rows = np.random.default_rng(2).normal(size=(500, encoder.layout_.width)).astype(np.float32)
    made = encoder.decode(rows, np.empty((500, 0), np.float32))
    assert (made["copy"] == made["start"]).all()
    assert (made["end"] - made["start"] == pd.to_timedelta(made["days"], "D")).all()
    regions = Regions(encoder, Request.read(encoder, where={"end": "2021"}))
    assert (regions.checked, regions.axes) == ({"end"}, {})
    with pytest.raises(ValueError, match=r"=2030: outside the training range 2020-01-\d\d\.\.2022"):
        Regions(encoder, Request.read(encoder, where={"end": "2030"}))
