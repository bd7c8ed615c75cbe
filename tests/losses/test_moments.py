import torch

from tabgan.losses.moments import moment_distance, table_moments

SPANS = [slice(0, 2), slice(2, 4)]
TABLE = torch.tensor([[1.0, 0, 1, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 1, 0, 1]])


def test_moments_are_pair_frequencies_and_weigh_what_is_rare():
    moments = table_moments(TABLE, SPANS)
    assert moments.means[0, 2] == 0.5
    torch.testing.assert_close(moments.weights[0, 2], torch.tensor(1 / 0.501 / 2))
    torch.testing.assert_close(moments.weights[0, 3], torch.tensor(1 / 0.001 / 2))
    assert not moments.weights[:2, :2].any()


def test_rows_like_the_tables_are_at_distance_zero():
    twice = torch.cat([TABLE, TABLE])
    assert moment_distance(twice, table_moments(TABLE, SPANS)) == 0


def test_swapped_pairs_are_as_far_as_the_formula_says():
    swapped = TABLE[:, [0, 1, 3, 2]]
    distance = moment_distance(torch.cat([swapped, swapped]), table_moments(TABLE, SPANS))
    # Two blocks of 2 x 2 places: .5 too little twice, .5 too much twice.
    expected = (2 * 0.25 / 0.501 + 2 * 0.25 / 0.001) * 2 / 2  # two ordered pairs of columns
    torch.testing.assert_close(distance, torch.tensor(expected))
