"""Command words before Hydra, and mistakes in one line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hypothesis import assume, given
from hypothesis import strategies as st

from tabgan.config.overrides import as_words, hydra_words, quote
from tabgan.errors import TabganError
from tabgan.paths import conf_dir
from tabgan.tables.schema import Column, TableSchema


@pytest.fixture
def run(tmp_path):
    """A folder with the schema of a run whose columns have awkward names."""
    names = ("a", "a=b", "hours per.week", "label")
    columns = tuple(Column(name=name, kind="numeric") for name in names)
    TableSchema(name="odd", columns=columns).save(tmp_path / "schema.json")
    return tmp_path


@pytest.fixture
def where(run):
    """What Hydra is given as ``where`` for some words, read back by Hydra."""

    def requested(*words):
        return json.loads(read_by_hydra("sample", *hydra_words([f"run={run}", *words])).where)

    return requested


def read_by_hydra(config, *words):
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose(config, overrides=list(words))


@pytest.mark.parametrize(
    "value", [">50K", "<=50K", "[cook,clerk]", "?", "1..5", "${seed}", "a=b, c", "{x: 1}", "\\"]
)
def test_a_condition_is_taken_as_it_is_written(where, value):
    assert where(f"where.label={value}") == {"label": value}


def test_the_longest_column_name_wins(where):
    assert where("where.a=b=c") == {"a=b": "c"}
    assert where("where.a=c") == {"a": "c"}


def test_a_column_may_hold_spaces_and_dots(where):
    assert where("where.hours per.week=40") == {"hours per.week": "40"}


@pytest.mark.parametrize("value", ["'>50K'", '">50K"'])
def test_one_pair_of_quotes_is_stripped(where, value):
    assert where(f"where.label={value}") == {"label": ">50K"}


def test_the_inner_of_two_pairs_of_quotes_stays(where):
    assert where("where.label='\"x\"'") == {"label": '"x"'}


def test_conditions_on_several_columns_are_gathered(where):
    assert where("where.label=x", "where.a=1") == {"label": "x", "a": "1"}


def test_a_condition_on_an_unknown_column_offers_the_nearest(run):
    with pytest.raises(TabganError, match=r"where\.lable: no such column; did you mean 'label'\?"):
        hydra_words([f"run={run}", "where.lable=x"])


def test_a_condition_needs_a_run():
    with pytest.raises(TabganError, match=r"where\.label=x: give run=<folder> too"):
        hydra_words(["where.label=x"])


def test_a_condition_on_a_folder_that_is_no_run_names_the_file(tmp_path):
    with pytest.raises(TabganError, match=r"not a run folder: .* has no schema\.json"):
        hydra_words([f"run={tmp_path}", "where.label=x"])


@pytest.mark.parametrize(
    ("written", "meant"), [("1e9", 1_000_000_000), ("25", 25), ("2.5e3", 2_500), ("3.0", 3)]
)
def test_n_is_a_whole_number_in_any_spelling(written, meant):
    assert hydra_words([f"n={written}"]) == [f"n={meant}"]


@pytest.mark.parametrize("written", ["1.5", "0", "-3", "ten", "", "inf", "nan", "1e400"])
def test_n_of_no_whole_number_is_refused(written):
    with pytest.raises(TabganError, match=r"^n=.*: expected a whole number of rows, at least 1$"):
        hydra_words([f"n={written}"])


PATHS = (
    "a=b/c d.arff",
    "[x]/{y}.csv",
    "it's",
    'say "so"',
    "${seed}",
    "\\${seed}",
    "a,b",
    "\\",
    "ä",
)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_survives_hydra(path):
    words = hydra_words([f"run={path}", f"out={path}"])
    cfg = read_by_hydra("sample", *words)
    assert (cfg.run, cfg.out) == (path, path)


@given(st.text(alphabet="ab ='\"[]{}$\\,():?*~+@!#%&<>;|/.-", max_size=12))
def test_any_text_survives_hydra(text):
    assume(text != "???")  # OmegaConf's own word for a value that is to be given
    # compose is slow, so this asks the parser and OmegaConf, which compose does too
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    override = OverridesParser.create().parse_override(f"run={quote(text)}")
    assert OmegaConf.create({"run": override.value()}).run == text


def test_a_table_given_by_path_names_the_run():
    words = hydra_words(["data.path=my data/people.arff.gz"])
    assert read_by_hydra("train", *words).run_name == "people"


def test_a_run_name_that_is_given_stays():
    words = hydra_words(["data.path=people.arff", "run_name=mine"])
    assert read_by_hydra("train", *words).run_name == "mine"


def test_other_words_pass_untouched():
    words = ["+experiment=cgan_adult", "model.lr=1e-3,2e-3", "~callbacks.panel", "foo"]
    assert hydra_words(words) == words


@pytest.mark.parametrize("words", ["tables=adult,bank", "tables=[adult,bank]"])
def test_names_with_commas_are_a_list_and_no_sweep(words):
    assert hydra_words([words, "peers=", "seeds=0"]) == [
        "tables=[adult,bank]",
        "peers=[]",
        "seeds=[0]",
    ]


def test_flags_go_last_with_their_values():
    words = ["-m", "seed=1,2", "--cfg", "job", "~callbacks.panel", "threads=1"]
    overrides = ["seed=1,2", "~callbacks.panel", "threads=1"]
    assert hydra_words(words) == [*overrides, "-m", "--cfg", "job"]


SMALL = ("model=cgan_basic", "data.batch_size=50", "+debug=smoke")
MISTAKES = {
    "no experiment 'cgan_adlt'; did you mean 'cgan_adult'?": ["+experiment=cgan_adlt"],
    "no model 'cgann'; did you mean 'cgan'?": ["model=cgann"],
    "no data 'adlut'; did you mean 'adult'?": ["data=adlut"],
    "no trainer 'gppu'; did you mean 'gpu'?": ["trainer=gppu"],
    "No match in the defaults list. To append to your default list use +experiment=cgan_adult": [
        "experiment=cgan_adult"
    ],
    "experimen: did you mean 'experiment'?": ["+experimen=cgan_adult"],
    "modell: no such key; did you mean 'model'?": ["modell=cgan"],
    "sead: did you mean 'seed'?": ["+sead=3"],
    "model.lrr: no such key; did you mean 'lr'?": ["model.lrr=3"],
    "model.lrr: did you mean 'lr'?": ["+model.lrr=3"],
    "modl.lr: no such key; top level: did you mean 'model'?": ["modl.lr=3"],
    "model.critic.slop: no such key; did you mean 'slope'?": ["model.critic.slop=1"],
    "trainer.max_epoch: no such key; did you mean 'max_epochs'?": ["trainer.max_epoch=3"],
    "seed=-1: expected a whole number, at least 0": ["seed=-1"],
    "data.batch_size=many: expected a whole number, at least 2": ["data.batch_size=many"],
    "data.batch_size=1: expected a whole number, at least 2": ["data.batch_size=1"],
    "threads=0: expected a whole number, at least 1": ["threads=0"],
    "trainer.max_epochs=two: expected a whole number, at least 1": ["trainer.max_epochs=two"],
    "trainer.max_epochs=0: expected a whole number, at least 1": ["trainer.max_epochs=0"],
    "trainer.max_steps=two: expected a whole number, at least 1": ["+trainer.max_steps=two"],
    "=3: expected key=value": ["=3"],
    "error: model.lr: expected key=value\n": ["model.lr"],
    """data.constraints='["one", "two"]' is a list""": ["data.constraints=[a <= b]"],
    "where=x: expected key=value, or where.<column>=<value>": ["where=x"],
}


def told_in_one_line(ended, text):
    """Whether a command ended with ``text`` in its one line on stderr, and status 1."""
    assert ended.status == 1
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert ended.err.endswith("\n")
    assert text in ended.err
    return True


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: text[:40])
def test_a_mistake_in_train_is_one_line(command, text):
    assert told_in_one_line(command("train", *MISTAKES[text]), text)


def test_the_nearest_key_is_looked_up_in_the_chosen_model(command):
    ended = command("train", "model=cgan_report", "model.generator.hidden_dim=[3]")
    assert told_in_one_line(ended, "no such key; did you mean 'hidden_dims'?")
    assert "scalar" not in ended.err  # which the default model's generator has, the report's not


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["rnu=x"], "rnu: no such key; did you mean 'run'?"),
        (["run=x", "sede=3"], "sede: no such key; did you mean 'seed'?"),
        (["run=x", "+sede=3"], "sede: did you mean 'seed'?"),
        (["n=10"], "run= is needed: give run=<folder of a training>"),
        (["run=x", "n=1.5"], "n=1.5: expected a whole number of rows"),
        (["run=x", "seed=one"], "seed=one: expected a whole number, at least 0"),
    ],
)
def test_a_mistake_in_sample_is_one_line(command, words, text):
    assert told_in_one_line(command("sample", *words), text)


@pytest.mark.parametrize("package", ["wandb", "mlflow"])
def test_a_logger_without_its_package_says_what_to_install(
    command, mixed_arff, package, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    words = [f"data.path={mixed_arff}", "data.target=label", *SMALL]
    ended = command("train", *words, f"logger={package}")
    assert told_in_one_line(ended, "a package is missing")
    assert package in ended.err
    assert not list(tmp_path.glob("outputs/*"))


@pytest.mark.slow
def test_an_error_of_our_own_keeps_its_traceback(command, monkeypatch):
    def broken(_):
        raise KeyError("not the user's")

    monkeypatch.setattr("tabgan.config.launch.check_numbers", broken)
    with pytest.raises(KeyError, match="not the user's"):
        command("train", "+debug=smoke")


@pytest.mark.slow
def test_a_mistake_in_one_job_lets_the_other_jobs_of_a_multirun_finish(
    command, mixed_arff, tmp_path
):
    words = [f"data.path={mixed_arff}", "data.target=label", *SMALL]
    ended = command("train", "-m", *words, "data.batch_size=1000,50")
    assert ended.status == 1
    told = "error: 1 of 2 jobs failed; 0: data.batch_size=1000 is larger than"
    assert ended.err.splitlines()[-1].startswith(told)
    finished = [path.parent.name for path in tmp_path.glob("outputs/people/*/*/metrics.json")]
    assert finished == ["1"]


@pytest.mark.parametrize("words", [["--help"], ["--cfg", "job"]], ids=["help", "cfg"])
@pytest.mark.parametrize("name", ["train", "sample"])
def test_help_answers_without_torch(name, words, tmp_path):
    program = (
        f"import sys, runpy; sys.argv[1:] = {words!r}\n"
        "try:\n"
        f"    runpy.run_module('tabgan.{name}', run_name='__main__')\n"
        "finally:\n"
        "    heavy = {'torch', 'pytorch_lightning', 'pandas'} & set(sys.modules)\n"
        "    print(sorted(heavy), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.strip()
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (None, "k=null"),
        (True, "k=true"),
        (5e-4, "k=0.0005"),
        ("it's", r"k='it\'s'"),
        ([1, "a"], "k=[1,'a']"),
        ({"a": 1}, "k={a:1}"),
        (Path("x"), "k='x'"),
    ],
)
def test_values_become_words_of_the_command_line(value, word):
    assert as_words({"k": value}) == [word]
