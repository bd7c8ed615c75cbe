"""``python -m tabgan.bench``: a peer beside the anchors, and ours beside a peer."""

import numpy as np
import pandas as pd
import pytest

from tabgan.studies.bench import ratios_to_peers

TINY = (
    "model.generator.hidden_dim=16", "model.critic.hidden_dims=[16]", "model.noise_dim=8",
    "data.batch_size=50", "trainer.max_epochs=1", "refiner.rounds=1",
    "model.lr=0", "model.rounds=0",  # independent columns: there is something to refine
)  # fmt: skip


@pytest.fixture
def bench(command, copyist, mixed_arff, tmp_path):
    """The bench on 300 rows with the copyist as its peer: ``bench("seeds=0,1")``."""

    def run(*words, **settings):
        told = "".join(f", {name}: {value}" for name, value in settings.items())
        peer = (
            f"{{driver: {copyist}, requirements: [], settings: {{calls: {tmp_path}/calls{told}}}}}"
        )
        table = [f"data.path={mixed_arff}", "data.target=label", "data.drop=[joined]"]
        said = ["cache=cache", "out=out", "speed_rows=1000", f"+peer.copyist={peer}"]
        return command("bench", *table, *said, "baselines=", "peers=copyist", *words)

    return run


@pytest.fixture
def baselines(command, mixed_arff, tmp_path):
    """The bench on the same rows with baselines alone: their lines, by contestant."""

    def run(*words):
        table = [f"data.path={mixed_arff}", "data.target=label"]  # its dates too
        said = ["cache=cache", "out=out", "speed_rows=1000", "experiments=", "peers="]
        ended = command("bench", *table, *said, *words)
        assert ended.status == 0, ended.err
        return pd.read_csv(tmp_path / "out" / "bench.csv").set_index("contestant"), ended

    return run


@pytest.mark.slow
def test_every_table_shows_cart_and_interpolation_of_any_file(baselines):
    lines, ended = baselines()
    assert list(lines.index) == [
        "real test rows", "independent columns", "cart_5", "cart_20", "cart_100", "smote",
    ]  # fmt: skip
    own = lines[lines["side"] == "baseline"]
    assert (own["cpu"] > 0).all()
    assert (own["rows_per_second"] > 1_000).all()
    assert own["c2st_test_auc"].between(0, 1).all()
    assert own["peak_mb"].isna().all() if "peak_mb" in own else True
    # smaller leaves are nearer to the training rows
    assert own.loc["cart_5", "membership_auc"] > own.loc["cart_100", "membership_auc"]
    heads = ended.out.partition("\n| ---")[0].rpartition("\n")[2]
    assert heads.endswith(
        "| table | contestant | rows | C2ST AUC | AUC by trees | AUC by a net | copies | "
        "C2ST score | wNMIS | MLE AUC | trend err % | DCR q02 % | DCR q05 % | CPU, s | rows/s |"
    )  # of 30 test rows no rate at 1 % false positives


@pytest.mark.slow
def test_a_resplit_gives_the_share_of_rows_near_the_half_that_was_learned(baselines):
    lines, _ = baselines("baselines=cart_5", "resplit=true")
    assert lines.loc["cart_5", "dcr_share"] > 0.55  # 135 rows each, and leaves of five
    assert pd.isna(lines.loc["independent columns", "dcr_share"])


@pytest.mark.slow
def test_baselines_are_done_once_too(baselines, tmp_path):
    first, _ = baselines("baselines=cart_20")
    cell = next((tmp_path / "cache" / "cells").glob("people-*/cart_20-*"))
    (cell / "raw_speed_1000.json").unlink()  # as if it had been stopped there
    again, _ = baselines("baselines=cart_20")
    same = [name for name in first if name != "rows_per_second"]
    pd.testing.assert_frame_equal(first[same], again[same])


@pytest.mark.slow
def test_a_leaf_is_a_setting_of_a_peer(baselines):
    lines, _ = baselines("baselines=cart_20,cart", "peer.cart.leaf=2")
    assert lines.loc["cart", "membership_auc"] > lines.loc["cart_20", "membership_auc"]


@pytest.fixture
def calls(tmp_path):
    """What the copyist was requested to do, in order."""
    return lambda: (tmp_path / "calls").read_text().split()


@pytest.mark.slow
def test_a_peer_stands_beside_the_anchors(bench, tmp_path):
    ended = bench("experiments=")
    assert ended.status == 0, ended.err
    lines = pd.read_csv(tmp_path / "out" / "bench.csv").set_index("side")
    assert list(lines["table"].unique()) == ["people"]
    assert lines.loc["peer", "duplicate_rate"] == 1  # it copies
    assert lines.loc["peer", "rows_per_second"] == pytest.approx(1000)
    assert lines.loc["peer", "wall"] > lines.loc["peer", "fit_wall"] > 0
    assert lines.loc["peer", "peak_mb"] < 100  # a bare Python
    assert "| people | independent columns | raw | 0." in ended.out
    assert ended.out.rstrip().endswith("bench.md")


@pytest.mark.slow
@pytest.mark.usefixtures("made_up_figures")
def test_a_bench_that_is_asked_again_runs_nothing(bench, calls):
    first = bench("experiments=", "seeds=0,1")
    assert calls() == ["fit", "sample", "sample"] * 2  # rows to judge, then rows to time
    assert bench("experiments=", "seeds=0,1").status == first.status == 0
    assert calls() == ["fit", "sample", "sample"] * 2


@pytest.mark.slow
@pytest.mark.usefixtures("made_up_figures")
def test_a_bench_that_stopped_goes_on_where_it_was(bench, calls):
    ended = bench("experiments=", stumbles=1)
    assert ended.status == 1
    assert "raw.csv ended with 1: out of memory (" in ended.err
    assert bench("experiments=", stumbles=1).status == 0
    assert calls() == ["fit", "sample", "sample", "sample"]  # the fit is not done again


@pytest.mark.usefixtures("made_up_figures")
def test_peers_may_be_trained_with_fewer_seeds(bench, calls, tmp_path):
    assert bench("experiments=", "seeds=0,1", "peer_seeds=1").status == 0
    assert calls().count("fit") == 1
    lines = pd.read_csv(tmp_path / "out" / "bench.csv").set_index("side")
    assert lines.loc["peer", "seed"] == 1


@pytest.mark.slow
@pytest.mark.usefixtures("made_up_figures")
def test_other_settings_are_another_run(bench, calls):
    bench("experiments=")
    bench("experiments=", depth=3)
    assert calls().count("fit") == 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["peers=false"], "no peer 'false'; expected one of"),
        (["peers=ctgn"], "no peer 'ctgn'; did you mean 'ctgan'?"),
        (["baselines=carts", "peers="], "no peer 'carts'; did you mean 'cart'?"),
        (["experiments=cgan_adlt", "peers="], "no experiment 'cgan_adlt'; did you mean"),
        (['overrides=["model.lrr=3"]', "peers="], "model.lrr: no such key; did you mean 'lr'?"),
        (["tables=adlut"], "no data 'adlut'; did you mean 'adult'?"),
    ],
)
def test_a_mistake_is_one_line(command, tmp_path, words, text):
    ended = command("bench", f"cache={tmp_path / 'cache'}", *words)
    assert (ended.status, ended.err.count("\n")) == (1, 1)
    assert text in ended.err


def test_a_peer_that_takes_no_dates_says_so(command, mixed_arff):
    ended = command("bench", f"data.path={mixed_arff}", "experiments=", "cache=cache")
    assert (ended.status, ended.err.count("\n")) == (1, 1)
    assert (
        "peer ctgan takes no dates: give data.drop=['joined'], or leave the peer out" in ended.err
    )


def line(side, contestant, rows, **figures):
    return {
        "table": "pets",
        "side": side,
        "contestant": contestant,
        "rows": rows,
        "seed": 0,
    } | figures


def test_ratios_are_the_peers_costs_over_ours():
    lines = [
        line("ours", "cgan", "raw", wall=10.0, cpu=8.0, peak_mb=400.0, rows_per_second=3000.0),
        line("peer", "ctgan", "raw", wall=60.0, cpu=60.0, peak_mb=200.0, rows_per_second=150.0),
        line("anchor", "real", "raw"),
    ]
    assert ratios_to_peers(lines) == [
        "pets: cgan, raw, against ctgan: 6.0x less time, 7.5x less CPU time, 2.0x more memory, "
        "20.0x the rows per second"
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_ours_stands_beside_a_peer_raw_and_refined(bench, tmp_path):
    rng = np.random.default_rng(0)
    left, right, is_odd = rng.integers(0, 2, (3, 400))
    is_odd = np.where(rng.random(400) < 0.05, is_odd, left ^ right)  # a few steps do not teach it
    near = pd.DataFrame({"left": left, "right": right, "label": np.where(is_odd, "yes", "no")})
    near.to_csv(tmp_path / "near.csv", index=False)
    words = (f"data.path={tmp_path / 'near.csv'}", "data.drop=[]")
    ended = bench("experiments=cgan_adult", f"overrides={list(TINY)}".replace("'", '"'), *words)
    assert ended.status == 0, ended.err
    lines = pd.read_csv(tmp_path / "out" / "bench.csv")
    ours = lines[lines["side"] == "ours"].set_index("rows")
    assert list(ours.index) == ["raw", "refined"]
    assert ours["c2st_test_auc"].between(0, 1).all()
    assert ours[["fit_wall", "wall", "cpu"]].iloc[0].tolist() == [2.0, 4.0, 2.0]  # a fit, a draw
    assert ended.out.count("against copyist") == 2
