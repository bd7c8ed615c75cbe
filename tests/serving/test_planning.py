from tabgan.serving.planning import plan


def test_a_large_table_gets_full_batches_and_components():
    # 30,000 / 500 = 60 steps an epoch, 2,000 / 60 = 33.3 epochs
    assert plan(30_000) == {
        "data.batch_size": 500,
        "trainer.max_epochs": 34,
        "model.generator.n_components": 1000,
    }


def test_a_tiny_table_gets_two_steps_an_epoch_and_few_components():
    assert plan(135) == {
        "data.batch_size": 67,
        "trainer.max_epochs": 2000,
        "model.generator.n_components": 6,
    }


def test_fewer_than_20_000_rows_get_twice_the_steps():
    assert plan(19_999)["trainer.max_epochs"] == 103  # 4,000 / 39 = 102.6
    assert plan(20_000)["trainer.max_epochs"] == 50  # 2,000 / 40


def test_two_rows_are_enough_to_plan():
    assert min(plan(2).values()) >= 1
