"""The mixture of products and its EM, on codes."""

import math

import pytest
import torch

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.nets.mixture import _factors, _groups, _log_joint, _State, fit_mixture

LAYOUT = RowLayout.from_widths([("a", "discrete", 2), ("x", "continuous", 1), ("b", "discrete", 3)])


def table(n):
    """Two sorts of rows: (a0, x near -2, b0) and (a1, x near 2, b2); the second is class 1."""
    rng = torch.Generator().manual_seed(0)
    second = torch.arange(n) % 4 == 0
    rows = torch.zeros(n, LAYOUT.width)
    rows[:, 0], rows[:, 1] = ~second, second
    rows[:, 2] = torch.where(second, 2.0, -2.0) + 0.3 * torch.randn(n, generator=rng)
    rows[:, 3], rows[:, 5] = ~second, second
    return rows, torch.eye(2)[second.long()]


def fitted(rows, condition, n_components=2):
    return fit_mixture(
        rows,
        condition,
        table(80),
        LAYOUT,
        n_components=n_components,
        smoothing=1.0,
        passes=20,
        rng=torch.Generator().manual_seed(1),
    )


def test_two_sorts_of_rows_become_two_components():
    mixture = fitted(*table(400))
    first, second = mixture.centres[:, 2].argsort()
    assert mixture.centres[[first, second], 2].tolist() == pytest.approx([-2, 2], abs=0.1)
    assert mixture.centres[second, 5].exp() > 0.95
    # p(k | class): each class has its component, but for the smoothing
    assert mixture.log_weights[first, 0].exp() > 0.95
    assert mixture.log_weights[second, 1].exp() > 0.95


def test_codes_and_dense_rows_give_the_same_mixture():
    rows, condition = table(400)
    dense, coded = fitted(rows, condition), fitted(CodedRows.of(rows, LAYOUT), condition)
    for name in ("log_weights", "centres", "log_scales", "factors"):
        assert torch.equal(getattr(dense, name), getattr(coded, name))


def one_component():
    """With share .25: a of .2 and .8, x of mean 1 and deviation 2, b of .5, .4 and .1."""
    return _State(
        log_weights=torch.tensor([0.25]).log(),
        centres=torch.cat([torch.tensor([[0.2, 0.8]]).log(), torch.tensor([[1.0]]),
                           torch.tensor([[0.5, 0.4, 0.1]]).log()], dim=1),
        factors=torch.tensor([[[2.0]]]),
    )  # fmt: skip


def test_the_joint_density_is_a_product_of_shares_and_normals():
    state = one_component()
    rows = CodedRows.of(torch.tensor([[0.0, 1, 5, 0, 1, 0]]), LAYOUT)
    # x = 5 is two deviations of 2 from 1
    normal = math.exp(-2.0) / (2 * math.sqrt(2 * math.pi))
    expected = math.log(0.25 * 0.8 * 0.4 * normal)
    assert _log_joint(rows, state)(rows).item() == pytest.approx(expected, abs=1e-5)


def test_one_component_is_the_table_itself():
    rows, condition = table(400)
    mixture = fitted(rows, condition, n_components=1)
    assert mixture.centres[0, :2].exp().tolist() == pytest.approx([0.75, 0.25], abs=1e-4)
    assert mixture.centres[0, 2].item() == pytest.approx(rows[:, 2].mean().item(), abs=1e-4)


def test_two_correlated_scalars_keep_their_correlation():
    layout = RowLayout.from_widths([("x", "continuous", 1), ("y", "continuous", 1)])
    x = torch.randn(2_000, 2, generator=torch.Generator().manual_seed(0))
    rows = torch.stack([x[:, 0], 0.8 * x[:, 0] + 0.6 * x[:, 1]], dim=1)  # correlation .8
    nothing = torch.empty(2_000, 0)
    mixture = fit_mixture(
        rows,
        nothing,
        (rows, nothing),
        layout,
        n_components=1,
        smoothing=1.0,
        passes=5,
        rng=torch.Generator().manual_seed(0),
    )
    factor = mixture.factors[0]
    assert (factor @ factor.T)[0, 1].item() == pytest.approx(0.8, abs=0.02)
    assert factor.norm(dim=1).tolist() == pytest.approx([1, 1], abs=1e-5)
    assert mixture.log_scales[0].exp().tolist() == pytest.approx([1, 1], abs=0.05)


def test_what_rounding_has_left_no_covariance_becomes_the_nearest_one():
    # [[1, 1.01], [1.01, 1]] has the variances 2.01 along (1, 1) and -.01 along (1, -1)
    sound, broken = torch.tensor([[1.0, 0.5], [0.5, 1.0]]), torch.tensor([[1.0, 1.01], [1.01, 1.0]])
    found = _factors(torch.stack([sound, broken]), 0.001)
    assert torch.equal(found[0], torch.linalg.cholesky(sound + 0.001 * torch.eye(2)))
    variances = torch.linalg.eigvalsh(found[1] @ found[1].T)
    assert variances.tolist() == pytest.approx([0.001, 2.011], abs=1e-6)


def test_more_scalars_than_32_share_one_covariance():
    layout = RowLayout.from_widths([(f"x{i}", "continuous", 1) for i in range(33)])
    common = torch.randn(500, 1, generator=torch.Generator().manual_seed(0))
    own = torch.randn(500, 33, generator=torch.Generator().manual_seed(1))
    rows, nothing = common + own, torch.empty(500, 0)  # any two correlate by .5
    mixture = fit_mixture(
        rows,
        nothing,
        (rows, nothing),
        layout,
        n_components=2,
        smoothing=1.0,
        passes=3,
        rng=torch.Generator().manual_seed(0),
    )
    assert mixture.factors.shape == (1, 33, 33)
    assert mixture.log_scales.shape == (2, 33)
    assert (mixture.factors[0] @ mixture.factors[0].T).diagonal().tolist() == pytest.approx(
        [1.0] * 33, abs=1e-4
    )


def with_holes(rows, layout, **holes):
    """Coded rows, the named columns unknown where a mask says so."""
    coded = CodedRows.empty(len(rows), layout, masked=True)
    coded.fill(layout.blocks, rows)
    for name, hidden in holes.items():
        coded.hide(layout.of(name), hidden)
    return coded


def test_a_hole_leaves_its_column_out_of_the_joint_density():
    state = one_component()
    row, hidden = torch.tensor([[0.0, 1, 5, 0, 1, 0]]), torch.tensor([True])
    without_b = with_holes(row, LAYOUT, b=hidden)
    normal = math.exp(-2.0) / (2 * math.sqrt(2 * math.pi))
    found = _log_joint(without_b, state, torch.tensor([True]))(without_b).item()
    assert found == pytest.approx(math.log(0.25 * 0.8 * normal), abs=1e-5)
    without_x = with_holes(row, LAYOUT, x=hidden)
    found = _log_joint(without_x, state, torch.tensor([False]))(without_x).item()
    assert found == pytest.approx(math.log(0.25 * 0.8 * 0.4), abs=1e-5)


def test_holes_do_not_move_the_shares_of_a_column():
    rows, condition = table(400)
    hidden = torch.arange(400) % 3 == 0
    mixture = fitted(with_holes(rows, LAYOUT, a=hidden), condition, n_components=1)
    # of 266 known cells 66 are a's second category (every fourth row, less every twelfth)
    assert mixture.centres[0, :2].exp().tolist() == pytest.approx([200 / 266, 66 / 266], abs=1e-4)


def test_a_scalar_that_is_unknown_where_another_is_large_keeps_its_mean():
    """y correlates by .8 with x and is unknown where x > 0: the known ones' mean is -.64."""
    layout = RowLayout.from_widths([("x", "continuous", 1), ("y", "continuous", 1)])
    free = torch.randn(4_000, 2, generator=torch.Generator().manual_seed(0))
    rows = torch.stack([free[:, 0], 0.8 * free[:, 0] + 0.6 * free[:, 1]], dim=1)
    hidden = rows[:, 0] > 0
    assert rows[~hidden, 1].mean().item() == pytest.approx(-0.8 * math.sqrt(2 / math.pi), abs=0.05)
    holed, nothing = with_holes(rows, layout, y=hidden), torch.empty(4_000, 0)
    mixture = fit_mixture(
        holed,
        nothing,
        (rows, nothing),
        layout,
        n_components=1,
        smoothing=1.0,
        passes=50,
        rng=torch.Generator().manual_seed(0),
    )
    assert mixture.centres[0, 1].item() == pytest.approx(0, abs=0.1)
    assert mixture.log_scales[0].exp().tolist() == pytest.approx([1, 1], abs=0.1)
    assert (mixture.factors[0] @ mixture.factors[0].T)[0, 1].item() == pytest.approx(0.8, abs=0.05)


def test_patterns_beyond_the_most_lose_their_scalars_alone(monkeypatch):
    monkeypatch.setattr("tabgan.nets.mixture.MOST_PATTERNS", 1)
    layout = RowLayout.from_widths([("x", "continuous", 1), ("y", "continuous", 1)])
    rows = with_holes(torch.ones(5, 2), layout, y=torch.arange(5) < 2)
    groups = {tuple(known.tolist()): len(group) for known, group in _groups(rows)}
    assert groups == {(True, True): 3, (False, False): 2}
