"""Near pairs first, every position once."""

import numpy as np

from tabgan.blackboxes.scored.pairing import nearest_pairs, score_matched


def test_each_place_is_used_once():
    mine, theirs = nearest_pairs(np.array([0.5, 0.5]), np.array([0.5, 0.6, 0.9]))
    assert sorted(zip(mine.tolist(), theirs.tolist(), strict=True)) in (
        [(0, 0), (1, 1)],
        [(0, 1), (1, 0)],
    )


def test_beyond_the_widest_there_is_no_pair():
    mine, theirs = nearest_pairs(np.array([0.1, 0.9]), np.array([0.12]), [0.01, 0.02])
    assert (mine.tolist(), theirs.tolist()) == ([0], [0])
    assert len(nearest_pairs(np.array([0.9]), np.array([0.12]), [0.02])[0]) == 0


def test_a_pair_exactly_as_far_apart_as_allowed_counts():
    # .7 - .68 is .019999999999999907 or .02 and a little, by the machine's leave
    assert len(nearest_pairs(np.array([0.7]), np.array([0.72]), [0.02])[0]) == 1
    assert len(nearest_pairs(np.array([0.7]), np.array([0.68]), [0.02])[0]) == 1


def test_as_many_pairs_as_can_be():
    # .30 could take .31 or .33; only .31 is near enough to .29 as well
    mine, _ = nearest_pairs(np.array([0.29, 0.30]), np.array([0.31, 0.33]), [0.03])
    assert sorted(mine.tolist()) == [0, 1]


def test_matched_rows_stand_in_the_order_of_the_scores():
    scores = np.array([0.9, 0.1, 0.5])
    real = np.array([0.1, 0.11, 0.5, 0.9, 0.4])
    assert real[score_matched(scores, real)].tolist() == [0.9, 0.1, 0.5]


def test_of_equal_scores_lots_decide_and_not_the_order_of_the_rows():
    wanted, offered = np.full(100, 0.5), np.full(10_000, 0.5)
    _, theirs = nearest_pairs(wanted, offered)
    # 100 positions drawn from 0 ... 9,999: their mean is 5,000, with a standard error of 289
    assert abs(theirs.mean() - 5_000) < 4 * 289
    assert theirs.tolist() == nearest_pairs(wanted, offered)[1].tolist()
