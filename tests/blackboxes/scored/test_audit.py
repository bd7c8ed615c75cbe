"""A scored run from its training to its audit, as a person meets it: on the command line."""

import json
import shutil
import sys
import threading
import types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

pytestmark = pytest.mark.slow


@pytest.fixture
def scored_copy(scored_run, tmp_path):
    return shutil.copytree(scored_run, tmp_path / "run")


@pytest.fixture
def by_age():
    """A black box of one's own: ages_box:score, 0 at 18 and 1 at 70, until a test changes it."""
    made = types.ModuleType("ages_box")
    made.score = lambda rows: (rows["age"].to_numpy("float64") - 18) / 52
    sys.modules["ages_box"] = made
    yield made
    del sys.modules["ages_box"]


FUNCTION = ("blackbox=function", "blackbox.function=ages_box:score")


class Server:
    """A black box on localhost that stops answering after ``last`` requests."""

    def __init__(self, last=None):
        self.requested, server = 0, self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["rows"]
                server.requested += 1
                if last is not None and server.requested > last:
                    self.close_connection = True
                    return
                scores = [(row["age"] - 18) / 52 for row in rows]
                content = json.dumps({"scores": scores}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *words):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.words = ("blackbox=http", f"blackbox.url=http://127.0.0.1:{self.http.server_port}/")
        self.words += ("blackbox.retries=0",)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()


@pytest.fixture
def serve():
    servers = []

    def start(last=None):
        servers.append(Server(last))
        return servers[-1]

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()
        server.thread.join()


def test_a_scored_run_has_its_curves_and_scatters(scored_run):
    events = EventAccumulator(str(scored_run / "tensorboard"), size_guidance={"images": 0}).Reload()
    tags = events.Tags()
    wanted = {
        "train/generator_loss", "train/surrogate_mae", "train/queries", "val/score_mae",
        "val/score_loss", "val/scored_nll",
    }  # fmt: skip
    assert wanted <= set(tags["scalars"])
    assert "asked_and_obtained" in tags["images"]


def test_an_audit_leaves_rows_figures_and_a_page(command, scored_copy):
    ended = command("audit", f"run={scored_copy}", "n=60", "tolerance=0.1", "threads=1")
    assert ended.status == 0, ended.err
    out = scored_copy / "audit"
    rows = pd.read_csv(out / "generated_60_samples.csv")
    assert len(rows) == 60
    assert rows["score_asked"].between(0, 1).all()
    figures = json.loads((out / "audit.json").read_text())
    error = (rows["score_asked"] - rows["score_obtained"]).abs()
    assert figures["mae"] == pytest.approx(error.mean())
    assert figures["within_10"] == pytest.approx((error <= 0.1 + 1e-9).mean())
    names = ("one_shot.mae", "retrieval.mae", "best_of_k.mae", "c2st_matched_auc", "transfer.mae")
    assert all(0 <= figures[name] <= 1 for name in names)
    assert figures["retrieval.duplicate_rate"] == 1.0
    assert figures["training_queries"] >= 500  # the labels, and validation rows
    assert figures["range.0.0.asked"] == ((rows["score_asked"] < 0.1).sum())
    page = (out / "audit.html").read_text()
    assert {"Which class", "Which range", "Why", "Transfer"} <= {
        word for word in ("Which class", "Which range", "Why", "Transfer") if f"{word}:" in page
    }
    assert all(isinstance(value, int | float | str) for value in figures.values())


def test_the_same_seed_writes_the_same_bytes(command, scored_run, tmp_path):
    files = [tmp_path / name for name in ("one.csv", "two.csv")]
    for file in files:
        words = (f"run={scored_run}", "score=uniform", "n=30", "tolerance=0.2", f"out={file}")
        assert command("sample", *words).status == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    sidecar = json.loads(files[0].with_name("one.csv.json").read_text())
    assert sidecar["kept"] == len(pd.read_csv(files[0]))


def test_any_run_can_be_asked_for_a_score(command, trained, tmp_path, by_age):  # noqa: ARG001
    out = tmp_path / "rows.csv"
    words = ("score=0.5", "n=10", "tolerance=0.1", f"out={out}", *FUNCTION)
    ended = command("sample", f"run={trained}", *words)
    assert ended.status == 0, ended.err
    rows = pd.read_csv(out)
    assert rows["age"].between(18 + 0.4 * 52, 18 + 0.6 * 52).all()
    assert (rows["score_asked"] == 0.5).all()


def test_a_range_that_cannot_be_reached_is_named(command, trained, tmp_path, by_age):
    by_age.score = lambda rows: (rows["age"].to_numpy("float64") - 18) / 520  # at most .1
    words = ("score=uniform", "n=40", f"out={tmp_path / 'rows.csv'}", *FUNCTION)
    ended = command("sample", f"run={trained}", *words)
    assert ended.status == 0, ended.err
    sidecar = json.loads((tmp_path / "rows.csv.json").read_text())
    assert len(sidecar["unreached"]) >= 8
    assert "0.9 to 1.0" in sidecar["unreached"][-1]
    assert sidecar["best_score_per_tenth"]["0.9"] <= 0.11


def test_a_constant_box_has_one_score(command, trained, by_age):
    by_age.score = lambda rows: [0.25] * len(rows)
    ended = command("sample", f"run={trained}", "score=0.9", "n=5", *FUNCTION)
    assert ended.status == 1
    assert "no row came within 0.02 of its score" in ended.err
    assert "the best was 0.250" in ended.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("score=1.5",), "score=1.5: expected a score in [0, 1], or uniform"),
        (("score=0.5", "n=9", "budget=3"), "budget=3: 9 rows take at least as many queries"),
        (("score=0.5", "tolerance=0"), "tolerance=0: expected a number above 0"),
        (("score=0.5", "mix=no:1"), "score=0.5 and mix: give one of them"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_line(command, scored_run, words, says):
    ended = command("sample", f"run={scored_run}", *words)
    assert ended.status == 1
    assert says in ended.err


def test_a_run_without_a_box_says_how_to_give_one(command, trained):
    ended = command("sample", f"run={trained}", "score=0.5")
    assert ended.status == 1
    assert "the run has no black box; give blackbox=<name>" in ended.err


def test_a_run_folder_starts_no_code_and_no_connection(command, scored_copy):
    shutil.rmtree(scored_copy / "blackbox")
    config = scored_copy / ".hydra" / "config.yaml"
    text = config.read_text().replace("blackboxes.forest.fit_forest", "blackboxes.http.HttpBox")
    config.write_text(text)
    ended = command("sample", f"run={scored_copy}", "score=0.5")
    assert ended.status == 1
    assert "a run folder may not start by itself" in ended.err


def test_a_box_over_http_is_audited(command, scored_copy, serve):
    ended = command("audit", f"run={scored_copy}", "n=40", "threads=1", *serve().words)
    assert ended.status == 0, ended.err
    assert (scored_copy / "audit" / "audit.html").is_file()


def test_a_box_that_dies_on_the_way_leaves_what_was_kept(command, scored_run, serve, tmp_path):
    out = tmp_path / "rows.csv"
    words = ("score=uniform", "n=80", f"out={out}", *serve(last=2).words)
    ended = command("sample", f"run={scored_run}", *words)
    assert ended.status == 1
    kept = len(pd.read_csv(out))
    assert 0 < kept < 80
    assert f"the {kept} rows kept until then: {out}" in ended.err


def test_a_constant_box_is_audited_and_called_so(command, trained, tmp_path, by_age):
    by_age.score = lambda rows: [0.25] * len(rows)
    words = ("n=40", "threads=1", f"out={tmp_path / 'audit'}", *FUNCTION)
    ended = command("audit", f"run={trained}", *words)
    assert ended.status == 0, ended.err
    figures = json.loads((tmp_path / "audit" / "audit.json").read_text())
    assert figures["answer.range"].startswith("The black box answers 0.250 to every real row")
    assert (figures["attainable.min"], figures["attainable.max"]) == (0.25, 0.25)
    assert figures["kept"] < 10  # of 40 even scores about two lie within .02 of .25


def test_an_audit_whose_box_dies_leaves_what_was_kept(command, scored_copy, serve):
    ended = command("audit", f"run={scored_copy}", "n=80", "threads=1", *serve(last=2).words)
    assert ended.status == 1
    path = scored_copy / "audit" / "generated_80_samples.csv"
    assert f"the rows of the closed loop: {path}" in ended.err
    rows = pd.read_csv(path)
    assert 0 < len(rows) < 80
    assert ((rows["score_asked"] - rows["score_obtained"]).abs() <= 0.02 + 1e-9).all()


def test_a_black_box_is_trained_described_and_used(command, mixed_arff, trained, tmp_path):
    box = tmp_path / "box"
    words = (f"data.path={mixed_arff}", "data.target=label", "blackbox.n_estimators=5")
    ended = command("blackbox", *words, f"out={box}")
    assert ended.status == 0, ended.err
    facts = json.loads((box / "blackbox.json").read_text())
    assert 0.5 <= facts["held.min_confidence"] <= facts["held.mean_confidence"] <= 1
    assert 0 <= facts["cv_in_order"] <= 1
    out = tmp_path / "rows.csv"
    words = (f"blackbox.path={box}", "score=0.4", "tolerance=0.11", "n=5", f"out={out}")
    ended = command("sample", f"run={trained}", "blackbox=saved", *words)
    assert ended.status == 0, ended.err
    assert pd.read_csv(out)["score_obtained"].between(0.29, 0.51).all()
