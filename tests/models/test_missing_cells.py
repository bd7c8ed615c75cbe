"""Training on rows with missing cells: what the critic sees, what comes out, what is refused."""

import numpy as np
import pytest

from tabgan.errors import TabganError
from tabgan.sampling.draw import draw_chunks

HEADER = """@relation pairs
@attribute left {a,b}
@attribute right {a,b}
@attribute length real
@data
"""


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """2,000 rows in which left and right are equal, length is near 2 for a and near -2 for b.

    A third of the cells is missing.
    """
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(2_000):
        side = "ab"[rng.integers(2)]
        cells = [side, side, f"{rng.normal(2 if side == 'a' else -2):.3f}"]
        lines.append(",".join("?" if rng.random() < 1 / 3 else cell for cell in cells) + "\n")
    path = tmp_path_factory.mktemp("pairs") / "pairs.arff"
    path.write_text(HEADER + "".join(lines), "utf-8")
    return path


def words(pairs):
    """Nothing is derived, so that left and right both have to be learned."""
    own = f"data.path={pairs}", "data.target=null"
    return (*own, "encoder.missing=masked", "encoder.derive=false")


def test_the_critic_sees_generated_rows_under_the_missing_cells_of_real_ones(training, pairs):
    ran = training(*words(pairs), model="cgan_basic")
    seen = []
    ran.module.critic.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    ran.fit(max_epochs=1)
    halves = [both.chunk(2) for both in seen if len(both) == 2 * ran.data.batch_size]
    assert halves
    (left, right) = (ran.data.layout.of(name)[0].span for name in ("left", "right"))
    for real, fake in halves:
        assert real.isfinite().all()
        for span in (left, right):  # a missing cell is a one-hot without its 1
            assert (real[:, span].sum(dim=1) == fake[:, span].sum(dim=1).round()).all()
            assert 0 < float((real[:, span].sum(dim=1) == 0).float().mean()) < 1


@pytest.mark.slow
def test_whole_rows_are_learned_from_rows_with_missing_cells(training, pairs):
    own = ("model.lr=5e-3", "model.average=0.95", "model.dropout=0")
    ran = training(*words(pairs), *own, model="cgan_basic").fit(max_epochs=8)
    (rows,) = draw_chunks(ran.module, ran.data.encoder, n=2_000, seed=0)
    assert not rows.isna().any().any()
    # as independent columns half of the rows would be equal; real ones all are
    assert float((rows["left"] == rows["right"]).mean()) > 0.85
    assert float((rows["left"] == "a").mean()) == pytest.approx(0.5, abs=0.15)
    lengths = rows.groupby("left", observed=True)["length"].mean()
    assert lengths.tolist() == pytest.approx([2, -2], abs=0.4)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["data.balance=smote"], "data.balance=smote needs whole rows"),
        (["data.out_of_core=true"], "codes on the disk have no missing cells"),
    ],
)
def test_what_needs_whole_rows_is_refused(training, pairs, more, message):
    with pytest.raises(TabganError, match=message):
        training(*words(pairs), *more, model="cgan_basic")


def test_a_model_that_asks_for_known_cells_is_refused(training, pairs):
    message = "^encoder.missing=masked: CTGANModule learns from whole rows alone; choose another"
    with pytest.raises(TabganError, match=message):
        training(*words(pairs), model="ctgan")


@pytest.mark.slow
def test_a_chain_learns_whole_rows_from_rows_with_missing_cells(training, pairs):
    own = ("model.likelihood_steps=400", "model.dropout=0", "model.average=0.9")
    ran = training(*words(pairs), *own, model="cgan")
    assert ran.module.rounds == 0  # critics would tell real rows by their missing cells
    ran.fit(max_epochs=10)
    (rows,) = draw_chunks(ran.module, ran.data.encoder, n=2_000, seed=0)
    assert not rows.isna().any().any()
    assert float((rows["left"] == rows["right"]).mean()) > 0.97
    assert float((rows["left"] == "a").mean()) == pytest.approx(0.5, abs=0.06)
    lengths = rows.groupby("left", observed=True)["length"].mean()
    assert lengths.tolist() == pytest.approx([2, -2], abs=0.2)
    deviations = rows.groupby("left", observed=True)["length"].std()
    assert deviations.tolist() == pytest.approx([1, 1], abs=0.15)
