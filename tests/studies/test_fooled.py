import json

import numpy as np
import pandas as pd
import pytest
import torch

from tabgan.config.opening import open_run
from tabgan.models.losses.adversarial import nonsaturating, relativistic
from tabgan.models.losses.divergences import f_gan
from tabgan.sampling.judging import draw_judged, interval, logits, logits_of_table, threshold_of
from tabgan.studies.sharing import cliffs_delta, shared_traits

pytestmark = pytest.mark.slow

STUDY = (
    "+study=fooled",
    "study.judged=200",
    "study.most=200",
    "study.each=5",
    "study.real_rows=30",
)
FILES = ("generate_samples.csv", "shown_rows.csv", "shared.csv", "collapse.csv")


@pytest.fixture(scope="module")
def run(trained):
    return open_run(trained)


@pytest.fixture
def studied(command, trained, tmp_path):
    """What the command said, and the folder that it wrote."""
    ended = command("evaluate", f"run={trained}", *STUDY, f"out={tmp_path / 'study'}")
    assert ended.status == 0, ended.err
    return ended, tmp_path / "study"


def test_the_study_leaves_its_rows_tables_and_picture(studied):
    ended, out = studied
    rows = pd.read_csv(out / "generate_samples.csv")
    facts = json.loads((out / "fooled.json").read_text("utf-8"))
    assert len(rows) == facts["first.rows"] == 100
    assert rows["passed"].sum() == facts["first.passed"]
    assert facts["generated.rows"] == 200
    assert 0 <= facts["first.low"] <= facts["first.rate"] <= facts["first.high"] <= 1
    assert facts["real.rows"] == 30  # a tenth of 300 rows is for testing
    assert facts["real_part"] == "test"
    shown = pd.read_csv(out / "shown_rows.csv")
    assert shown["passed"].sum() == facts["fooling_shown"]
    assert (~shown["passed"]).sum() == facts["failing_shown"]
    assert (out / "fooled.png").read_bytes().startswith(b"\x89PNG")
    assert "real, held out (test)" in ended.out
    assert {"column", "lost", "entropy_ratio"} <= set(pd.read_csv(out / "collapse.csv"))


def test_the_same_seed_gives_the_same_files(studied, command, trained, tmp_path):
    again = tmp_path / "again"
    command("evaluate", f"run={trained}", *STUDY, f"out={again}")
    for name in (*FILES, "fooled.json", "fooled.png"):
        assert (again / name).read_bytes() == (studied[1] / name).read_bytes(), name


def test_a_study_needs_a_run_and_takes_no_other_table(command, trained):
    assert "give run=<folder>" in command("evaluate", "+study=fooled").err
    ended = command("evaluate", f"run={trained}", "+study=fooled", "real=rows.csv")
    assert (ended.status, ended.err) == (
        1,
        "error: real: a study takes run=, out=, seed= and keys of study\n",
    )


def test_rows_that_all_get_one_verdict_are_said(command, run_copy, monkeypatch):
    monkeypatch.setattr(
        "tabgan.studies.fooled.draw_judged",
        lambda *args, **kwargs: (draw_judged(*args, **kwargs)[0], np.full(kwargs["n"], -1e9)),
    )
    ended = command("evaluate", f"run={run_copy}", *STUDY)
    said = " ".join(ended.out.split())
    assert ended.status == 0, ended.err
    assert "only 0 fooling rows among 200 drawn; 5 were wanted" in said
    assert "no picture" in said  # five rows are too few for t-SNE
    assert "every row has the same verdict" in said
    assert not (run_copy / "fooled" / "fooled.png").exists()
    assert (run_copy / "fooled" / "generate_samples.csv").is_file()


def test_a_column_called_passed_is_left_as_it_is(command, tmp_path):
    lines = [f"{i % 7},{'ab'[i % 2]},{'xy'[i % 3 == 0]}\n" for i in range(120)]
    (tmp_path / "table.csv").write_text("n,passed,label\n" + "".join(lines), "utf-8")
    words = ["data.path=table.csv", "data.target=label", "model=cgan_basic", "data.batch_size=20"]
    small = ["model.generator.hidden_dims=[8]", "model.critic.hidden_dims=[8]"]
    ended = command(
        "train", *words, *small, "trainer.max_epochs=1", "hydra.run.dir=run", "logger=none"
    )
    assert ended.status == 0, ended.err
    ended = command("evaluate", "run=run", *STUDY)
    assert ended.status == 0, ended.err
    rows = pd.read_csv(tmp_path / "run" / "fooled" / "generate_samples.csv")
    assert set(rows["passed"]) <= {"a", "b"}
    assert rows["passed_critic"].dtype == bool


def test_a_cross_entropy_critic_passes_above_one_half(run):
    run.module.loss = nonsaturating()
    assert threshold_of(run.module, torch.zeros(3, 1), torch.zeros(3, 0)).logit == 0


def test_an_f_gans_critic_passes_above_the_logit_of_even_odds(run):
    run.module.loss = f_gan(divergence="kl", trick=True)
    threshold = threshold_of(run.module, torch.zeros(3, 1), torch.zeros(3, 0))
    assert threshold.logit == 1  # T = 1 + log p/q
    assert "as likely real as generated" in threshold.says


def test_another_critic_passes_above_the_median_of_real_rows(run, monkeypatch):
    run.module.loss = relativistic()
    monkeypatch.setattr("tabgan.sampling.judging.logits", lambda *_: np.array([1.0, 5.0, 2.0]))
    threshold = threshold_of(run.module, torch.zeros(3, 1), torch.zeros(3, 0))
    assert threshold.logit == 2
    assert "median of 3 real validation rows" in threshold.says


def test_judging_is_the_critics_own_logit_and_changes_nothing(run):
    table, found = draw_judged(run.module, run.encoder, n=20, seed=1, piece=0)
    rows = torch.from_numpy(run.encoder.encode(table))
    condition = torch.from_numpy(run.encoder.encode_condition(table))
    assert found.shape == (20,)
    with torch.no_grad():
        expected = run.module.critic(rows, condition).double().numpy()
    np.testing.assert_allclose(logits(run.module, rows, condition), expected)
    written = logits_of_table(run.module, run.encoder, table, seed=0)
    np.testing.assert_allclose(written, expected, rtol=1e-5)


def test_wilsons_interval_of_no_hit_in_ten():
    low, high = interval(0, 10)  # 0 to z^2 / (n + z^2)
    assert (low, high) == (0, pytest.approx(1.96**2 / (10 + 1.96**2)))


def test_cliffs_delta_counts_pairs():
    # 3 > 1, 3 > 2, 2 > 1, 2 = 2: three wins, no loss, of four pairs
    assert cliffs_delta(np.array([3.0, 2.0, np.nan]), np.array([1.0, 2.0])) == 3 / 4
    assert cliffs_delta(np.array([np.nan]), np.array([1.0])) == 0


def test_shared_traits_name_the_over_represented_category_and_the_medians():
    def rows(job, pay):
        return pd.DataFrame({"job": pd.Categorical(job), "pay": pay})

    fooling = rows(["cook"] * 9 + ["clerk"], np.arange(10.0))
    failing = rows(["cook"] * 4 + [None] * 6, np.arange(10.0))
    real = rows(["cook", "clerk"], [1.0, 3.0])
    traits = shared_traits(fooling, failing, real)
    assert traits["column"].tolist() == ["job", "pay"]
    job, pay = traits.to_dict("records")
    assert (job["trait"], job["fooling"], job["failing"], job["real"]) == ("cook", 0.9, 0.4, 0.5)
    assert job["effect"] == pytest.approx(0.5)
    assert (pay["trait"], pay["fooling"], pay["real"], pay["effect"]) == ("median", 4.5, 2, 0)
    assert pay["p"] == 1  # every permutation is as far from nothing
    assert job["p"] < 0.1


def test_an_effect_of_chance_is_not_significant():
    rng = np.random.default_rng(0)
    first, second = (pd.DataFrame({"n": rng.normal(size=100)}) for _ in range(2))
    assert shared_traits(first, second, first)["p"].item() > 0.05
    assert shared_traits(first + 2, second, first)["p"].item() == 1 / 500


def test_a_number_of_rows_that_is_none_is_one_line(command, trained):
    ended = command("evaluate", f"run={trained}", "+study=fooled", "study.each=few")
    assert ended.err == "error: study.each=few: expected a whole number, at least 1\n"
