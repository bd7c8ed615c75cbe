"""CTGAN: the condition lands in its column, in the vector, in the batch, and in what comes out."""

import numpy as np
import pandas as pd
import pytest
import torch

from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.models.nets.conditional_vector import ConditionalVector
from tabgan.sampling.draw import Tally, draw_chunks
from tabgan.seeding import generator_at

# Numbers stand between the discrete columns, so that places in the vector (first 0, second 2,
# third 5) and in the row (first 1, second 6, third 9) are not the same.
LAYOUT = RowLayout.from_widths(
    [
        ("age", "continuous", 1),
        ("first", "discrete", 2),
        ("pay", "continuous", 1),
        ("pay", "discrete", 2),  # pay's modes: nobody asks for them
        ("second", "discrete", 3),
        ("third", "discrete", 2),
    ]
)
COLUMNS = {"first": (0, 1, 2), "second": (2, 6, 3), "third": (5, 9, 2)}  # in vector, in row, width
CODES = {  # per column, of six rows; the second column's last value never occurs
    "first": [0, 0, 0, 0, 0, 1],
    "second": [0, 0, 0, 1, 1, 1],
    "third": [0, 1, 0, 1, 0, 1],
}


def six_rows():
    rows = torch.zeros(6, LAYOUT.width)
    rows[:, 0] = torch.arange(6)
    rows[:, 4] = 1.0
    for name, codes in CODES.items():
        rows[torch.arange(6), COLUMNS[name][1] + torch.tensor(codes)] = 1.0
    return rows


@pytest.fixture(params=[0, 1, 2])
def seed(request):
    return request.param


@pytest.fixture
def vector(seed):
    torch.manual_seed(seed)
    vector = ConditionalVector(layout=LAYOUT, condition_width=0)
    vector.learn(six_rows(), torch.empty(6, 0))
    return vector


def test_the_vector_holds_whole_discrete_columns_alone(vector):
    assert vector.width == 2 + 3 + 2
    assert vector.counts.tolist() == [[5, 1, 3, 3, 0, 3, 3]]


def test_training_rows_have_the_value_that_their_vector_shows(vector):
    rows, shown = vector.training_batch(500)
    assert (shown.sum(dim=1) == 1).all()
    seen = set()
    for row, position in zip(rows, shown.argmax(dim=1).tolist(), strict=True):
        name = next(
            n for n, (start, _, width) in COLUMNS.items() if start <= position < start + width
        )
        start, in_row, _ = COLUMNS[name]
        assert row[in_row + position - start] == 1
        seen.add(name)
    assert seen == set(COLUMNS)


def test_training_shows_columns_evenly_and_values_by_log_frequency(vector):
    _, shown = vector.training_batch(30_000)
    shares = shown.mean(dim=0)
    logs = np.log1p([5, 1])
    expected = [*(logs / logs.sum() / 3), 1 / 6, 1 / 6, 0, 1 / 6, 1 / 6]
    np.testing.assert_allclose(shares, expected, atol=0.011)  # 4 standard errors
    assert shares[4] == 0  # a value that training never saw


def test_every_row_that_has_the_value_is_as_likely(vector):
    rows, shown = vector.training_batch(30_000)
    those = rows[shown[:, 2] == 1, 0]  # second = 0: rows 0, 1 and 2
    counts = torch.bincount(those.long(), minlength=6).double() / len(those)
    np.testing.assert_allclose(counts, [1 / 3, 1 / 3, 1 / 3, 0, 0, 0], atol=0.03)


def test_sampling_shows_values_by_true_frequency(vector, seed):
    shares = vector.draw(torch.empty(30_000, 0), generator_at(seed)).mean(dim=0)
    expected = [5 / 18, 1 / 18, 1 / 6, 1 / 6, 0, 1 / 6, 1 / 6]
    np.testing.assert_allclose(shares, expected, atol=0.011)


def test_sampling_a_class_shows_values_as_often_as_that_class_has_them(seed):
    vector = ConditionalVector(layout=LAYOUT, condition_width=2)
    vector.learn(six_rows(), torch.eye(2)[[0, 0, 0, 1, 1, 1]])
    shares = vector.draw(torch.eye(2)[[1] * 30_000], generator_at(seed)).mean(dim=0)
    expected = [2 / 9, 1 / 9, 0, 1 / 3, 0, 1 / 9, 2 / 9]  # rows 3, 4 and 5
    np.testing.assert_allclose(shares, expected, atol=0.011)


def asking(vector, column, position, n):
    """Vectors [n, width] that ask ``column`` for the ``position``-th value of its block."""
    block = [block.column for block in vector.blocks].index(column)
    return torch.eye(vector.width)[[int(vector.starts[block]) + position] * n]


@pytest.mark.parametrize("name", COLUMNS)
def test_the_cross_entropy_reads_the_column_that_is_asked_for(vector, name):
    _, in_row, width = COLUMNS[name]
    raw = torch.zeros(4, LAYOUT.width)
    even = vector.cross_entropy(raw, asking(vector, name, 1, 4))
    torch.testing.assert_close(even, torch.tensor(float(width)).log())
    raw[:, in_row + 1] = 50.0
    assert vector.cross_entropy(raw, asking(vector, name, 1, 4)) < 1e-6
    assert vector.cross_entropy(raw, asking(vector, name, 0, 4)) > 49


def test_a_rows_own_vector_shows_its_columns_in_turn(vector):
    shown = vector.of_rows(six_rows())
    # row 0: first = 0; row 1: second = 0; row 2: third = 0; row 3: first = 0; ...
    assert shown.argmax(dim=1).tolist() == [0, 2, 5, 0, 3, 6]
    assert (shown.sum(dim=1) == 1).all()


def test_a_table_without_discrete_columns_has_an_empty_vector():
    layout = RowLayout.from_widths([("age", "continuous", 1), ("pay", "continuous", 1)])
    vector = ConditionalVector(layout=layout, condition_width=0)
    vector.learn(torch.rand(6, 2), torch.empty(6, 0))
    rows, shown = vector.training_batch(4)
    assert rows.shape == (4, 2)
    assert shown.shape == vector.draw(torch.empty(4, 0)).shape == (4, 0)
    assert vector.cross_entropy(rows, shown) == 0


LETTERS = {"first": "ab", "second": "cde", "third": "fg"}


@pytest.fixture
def letters(tmp_path):
    """1,200 rows of three independent discrete columns with a number before each."""
    rng = np.random.default_rng(0)
    table = {}
    for name, values in LETTERS.items():
        table[f"before_{name}"] = rng.normal(0, 1, 1_200).round(3)
        table[name] = rng.choice(list(values), 1_200)
    path = tmp_path / "letters.csv"
    pd.DataFrame(table).to_csv(path, index=False)
    return path


@pytest.fixture
def obedient(letters, training):
    """A CTGAN that was trained long enough to do as it is asked."""
    return training(
        f"data.path={letters}", "data.target=null", "model.lr=5e-3", "data.batch_size=100",
        "model.generator.hidden_dims=[32]", "trainer.log_every_n_steps=50", model="ctgan",
    ).fit(max_epochs=20)  # fmt: skip


@pytest.mark.slow
def test_generated_rows_have_the_value_that_was_asked_of_the_column(obedient):
    encoder, vector = obedient.data.encoder, obedient.module.vector
    for name, position, letter in [("second", 0, "c"), ("second", 2, "e"), ("third", 1, "g")]:
        rows = obedient.module.sample(asking(vector, name, position, 500), generator_at(0))
        table = encoder.decode(rows.numpy(), np.empty((500, 0), np.float32))
        assert (table[name] == letter).mean() > 0.9  # a third to a half, if it did not listen


@pytest.mark.slow
def test_a_condition_of_a_sample_is_asked_through_the_vector(obedient):
    tally, where = Tally(), {"second": "[c,e]", "third": "f"}
    chunks = draw_chunks(
        obedient.module, obedient.data.encoder, n=300, seed=0, where=where, tally=tally
    )
    (table,) = chunks
    assert set(table["second"]) == {"c", "e"}
    assert (table["third"] == "f").all()
    assert tally.hit_rate > 0.55  # f is requested, c or e are two of three; unasked, one of three


def test_ctgan_learns_class_conditions_where_the_target_is_the_condition(training):
    ran = training("encoder.conditional=true", model="ctgan").fit(max_epochs=1)
    where = {"label": "yes"}
    (rows,) = draw_chunks(ran.module, ran.data.encoder, n=50, seed=0, where=where)
    assert (rows["label"] == "yes").all()


def test_each_row_is_judged_with_its_pack(training):
    ran = training(model="ctgan")
    rows, condition = ran.data.encoded("train")
    logits = ran.module.judge(rows[:25], condition[:25])
    assert logits.shape == (25,)
    assert [len(pack.unique()) for pack in logits.split(10)] == [1, 1, 1]


def test_a_batch_smaller_than_a_pack_is_refused(training):
    ran = training("data.batch_size=20", "model.critic.pack=30", model="ctgan")
    with pytest.raises(TabganError, match=r"groups of 30 rows, a batch has 20; choose a smaller"):
        ran.fit(max_epochs=1)


def test_rows_beyond_the_last_whole_pack_are_left_out(training):
    ran = training("data.batch_size=25", model="ctgan").fit(max_epochs=1)
    assert ran.trainer.callback_metrics["train/critic_loss"].isfinite()
