"""The whole journey on a GPU: chosen with ``-m gpu``, where there is one."""

import pytest
import torch

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def test_a_training_on_a_gpu_is_looked_at_and_sampled(command, mixed_arff, tmp_path):
    table = (f"data.path={mixed_arff}", "data.target=label")
    run = tmp_path / "run"
    words = (*table, "trainer=gpu", "trainer.max_epochs=40", f"hydra.run.dir={run}")
    assert command("train", *words).status == 0
    assert command("sample", f"run={run}", "n=50", f"out={tmp_path / 'rows.csv'}").status == 0
    assert len((tmp_path / "rows.csv").read_text("utf-8").splitlines()) == 51
