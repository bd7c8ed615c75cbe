import pytest
import torch

from tabgan.data.batches import BatchLoader, EpochOrder
from tabgan.errors import TabganError


def loader(epoch, seed=0):
    order = EpochOrder(10, seed=seed)
    order.set_epoch(epoch)
    rows = torch.arange(10.0)[:, None]
    return BatchLoader(rows, torch.empty(10, 0), batch_size=3, order=order)


def seen(batches):
    return torch.cat([rows[:, 0] for rows, _ in batches]).tolist()


def test_an_epoch_holds_whole_batches_without_repetition():
    batches = loader(epoch=0)
    assert len(batches) == len(list(batches)) == 3  # 10 rows, 1 left out
    assert len(set(seen(batches))) == 9


def test_the_order_is_a_function_of_seed_and_epoch():
    assert seen(loader(epoch=1)) == seen(loader(epoch=1))
    assert seen(loader(epoch=1)) != seen(loader(epoch=2))
    assert seen(loader(epoch=1)) != seen(loader(epoch=1, seed=1))


def test_the_rest_of_an_epoch_is_served_after_its_state_is_loaded():
    whole, broken, resumed = loader(epoch=2), loader(epoch=2), loader(epoch=2)
    next(iter(broken))
    assert broken.state_dict() == {"epoch": 2, "batches": 1}
    resumed.load_state_dict(broken.state_dict())
    assert seen(resumed) == seen(whole)[3:]  # batches of 3
    assert seen(resumed) == seen(whole)  # the epoch after is whole again


def test_a_state_of_another_epoch_skips_nothing():
    resumed = loader(epoch=3)
    resumed.load_state_dict({"epoch": 2, "batches": 3})
    assert len(list(resumed)) == 3


def test_validation_rows_come_in_order_and_complete():
    rows = torch.arange(10.0)[:, None]
    batches = BatchLoader(rows, torch.empty(10, 0), batch_size=4)
    assert [len(batch) for batch, _ in batches] == [4, 4, 2]
    assert seen(batches) == list(range(10))


def test_processes_share_each_batch_and_leave_no_row_of_it_out():
    rows, order = torch.arange(10.0)[:, None], EpochOrder(10, seed=0)
    given = {"condition": torch.empty(10, 0), "batch_size": 4, "order": order}
    alone = BatchLoader(rows, **given)
    shared = [BatchLoader(rows, **given, rank=rank, ranks=2) for rank in (0, 1)]
    for (whole, _), (first, _), (other, _) in zip(alone, *shared, strict=True):
        assert len(first) == len(other) == 2
        assert sorted(torch.cat([first, other]).tolist()) == sorted(whole.tolist())


def test_a_batch_that_processes_cannot_share_is_refused():
    with pytest.raises(TabganError, match=r"data.batch_size=5: no multiple of the 2 processes"):
        BatchLoader(torch.ones(10, 1), torch.empty(10, 0), batch_size=5, ranks=2)
