from tabgan.serving.planning import plan


def test_a_large_table_gets_full_batches_and_components():
    # 30,000 / 500 = 60 steps an epoch, 4,000 / 60 = 66.7 epochs
    assert plan(30_000, 3_333) == {
        "data.batch_size": 500,
        "trainer.max_epochs": 67,
        "model.generator.n_components": 1000,
        "callbacks.checkpoint.tolerance": 0.01,
    }


def test_a_tiny_table_gets_two_steps_an_epoch_and_few_components():
    assert plan(135, 15) == {
        "data.batch_size": 67,
        "trainer.max_epochs": 2000,
        "model.generator.n_components": 6,
        "callbacks.checkpoint.tolerance": 0.105,  # the root of 1 / (6 * 15)
    }


def test_boundary_seeking_takes_three_quarters_of_the_steps_over_from_20_000_rows_on():
    assert plan(19_999, 2_000, seeking=True)["trainer.max_epochs"] == 103  # 4,000 / 39 = 102.6
    assert plan(20_000, 2_000, seeking=True)["trainer.max_epochs"] == 25  # 1,000 / 40
    assert plan(20_000, 2_000)["trainer.max_epochs"] == 100


def test_a_surrogate_halves_the_steps_from_20_000_rows_on():
    assert plan(20_000, 2_000, scored=True)["trainer.max_epochs"] == 50  # 2,000 / 40
    assert plan(19_999, 2_000, scored=True)["trainer.max_epochs"] == 103


def test_two_rows_are_enough_to_plan():
    assert plan(2, 1) == {
        "data.batch_size": 1,
        "trainer.max_epochs": 2000,
        "model.generator.n_components": 1,
        "callbacks.checkpoint.tolerance": 0.408,
    }


def test_a_batch_size_that_is_asked_changes_the_epochs_and_not_the_steps():
    for batch_size, epochs in ((250, 9), (500, 17), (1_000, 34)):  # 1,000 / (30,000 / size)
        planned = plan(30_000, 3_000, batch_size=batch_size, seeking=True)
        assert (planned["data.batch_size"], planned["trainer.max_epochs"]) == (batch_size, epochs)
