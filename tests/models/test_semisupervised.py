"""A classifier of two labels and many rows."""

from functools import partial

import pytest
import torch
from pytorch_lightning import Trainer

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.models.nets.generator import Generator
from tabgan.models.semisupervised import LabelledSteps, SemiSupervisedModule
from tabgan.runs.session import begin, undisturbed

LAYOUT = RowLayout.from_widths([("x", "continuous", 1), ("y", "continuous", 1)])
STEPS = 60


@pytest.fixture
def clusters():
    """400 rows around (-2, 0) and (2, 0), in turn: of class 0 and of class 1."""
    rows = torch.randn(400, 2, generator=torch.Generator().manual_seed(0)) / 2
    rows[::2, 0] -= 2
    rows[1::2, 0] += 2
    return CodedRows.of(rows, LAYOUT)


def fitted(rows, *, adversarial):
    generator = partial(Generator, hidden_dims=[8], temperature=1.0, hard=True, scalar="linear")
    steps = LabelledSteps(
        rows, torch.tensor([0, 1]), torch.tensor([0, 1]), batch_size=50, n_steps=STEPS, seed=0
    )
    with undisturbed():
        begin(seed=0, threads=1)
        module = SemiSupervisedModule(
            layout=LAYOUT, n_classes=2, generator=generator, hidden_dims=[16], noise_dim=4,
            dropout=0.1, input_noise=0.1, lr=1e-2, weight_decay=0.0, average=0.9,
            adversarial=adversarial,
        )  # fmt: skip
        start = [weight.clone() for weight in module.generator.parameters()]
        trainer = Trainer(
            max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(module, steps)
    moved = any(
        not torch.equal(old, new)
        for old, new in zip(start, module.generator.parameters(), strict=True)
    )
    return module, moved


def test_one_label_per_cluster_is_enough_and_the_generator_plays_along(clusters):
    module, moved = fitted(clusters, adversarial=1.0)
    chances = module.predict(clusters[:])
    assert torch.allclose(chances.sum(dim=1), torch.ones(400))
    assert (chances.argmax(dim=1) == torch.arange(400) % 2).float().mean() > 0.95
    assert moved


def test_on_the_labels_alone_no_generator_is_trained(clusters):
    _, moved = fitted(clusters, adversarial=0.0)
    assert not moved


def test_steps_are_the_same_each_time(clusters):
    steps = LabelledSteps(
        clusters, torch.tensor([3, 8]), torch.tensor([1, 0]), batch_size=5, n_steps=2, seed=1
    )
    assert len(steps) == len(list(steps)) == 2
    for one, other in zip(steps, steps, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
        rows, labelled, classes = one
        assert rows.shape == labelled.shape == (5, 2)
        assert torch.equal(labelled, clusters[torch.where(classes == 1, 3, 8)])
