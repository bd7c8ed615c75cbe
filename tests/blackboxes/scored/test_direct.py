"""The report's generator for scores: a loss without a gradient."""

import torch

WORDS = (
    "model=scored_report", "model.generator.hidden_dims=[16]", "model.critic.hidden_dims=[16]",
    "blackbox.n_estimators=5", "data.batch_size=50", "trainer.max_epochs=2",
)  # fmt: skip


def test_the_reports_loss_moves_no_weight(make):
    made = make(*WORDS)
    before = [weight.clone() for weight in made.module.parameters()]
    made.fit()
    for old, new in zip(before, made.module.parameters(), strict=True):
        assert torch.equal(new, old)
    assert 0 <= made.trainer.callback_metrics["train/score_mae"] <= 1


def test_rows_are_drawn_for_scores_and_for_none(make):
    module = make(*WORDS).module
    assert len(module.sample_scored(torch.rand(7))) == 7
    assert module.sample(torch.empty(7, 0)).shape == (7, module.layout.width)
