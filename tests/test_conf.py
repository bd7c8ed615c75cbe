"""Every experiment, sweep and group composes, and every key has a reader; nothing is built."""

from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from tabgan.config.checks import check_config
from tabgan.config.keys import command_keys
from tabgan.config.trust import check_stored_targets
from tabgan.errors import TabganError
from tabgan.paths import conf_dir
from tabgan.training.journey import check_groups


def composed(*overrides, config="train"):
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose(config, overrides=list(overrides))


def names(group):
    return sorted(path.stem for path in (conf_dir() / group).glob("*.yaml"))


@pytest.mark.parametrize("experiment", names("experiment"))
def test_every_experiment_composes_and_every_key_is_read(experiment):
    check_config(composed(f"+experiment={experiment}"))
    check_groups(composed(f"+experiment={experiment}"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["model=cgan", "+traffic=nsl_kdd"], "traffic: ChainModule reads none, so leave it"),
        (["model=tvae", "+blackbox=forest"], "blackbox: TVAEModule reads none, so leave it"),
        (["model=evasion", "+refiner=boosted"], "refiner: EvasionModule reads none, so leave"),
    ],
)
def test_a_group_that_the_model_does_not_read_is_refused(words, told):
    with pytest.raises(TabganError, match=f"^{told}"):
        check_groups(composed(*words))


@pytest.mark.parametrize("sweep", names("sweep"))
def test_every_sweep_composes_on_an_experiment(sweep):
    check_config(composed("+experiment=cgan_report_adult", f"+sweep={sweep}"))


@pytest.mark.parametrize("debug", names("debug"))
def test_every_debug_file_composes(debug):
    check_config(composed("+experiment=cgan_adult", f"+debug={debug}"))


GROUPS = ["data", "model", "encoder", "loss", "penalty", "tool", "trainer", "callbacks", "logger"]


@pytest.mark.slow
@pytest.mark.parametrize(("group", "name"), [(g, n) for g in GROUPS for n in names(g)])
def test_every_choice_of_a_group_composes(group, name):
    check_config(composed(f"{group}={name}"))


@pytest.mark.slow
@pytest.mark.parametrize("model", names("model"))
def test_every_model_has_the_four_keys_that_sweeps_use(model):
    cfg = composed(f"model={model}")
    assert {"lr", "noise_dim", "dropout"} <= set(cfg.model)
    assert "batch_size" in cfg.data


def test_a_key_that_nothing_reads_is_refused_with_the_nearest_name():
    with pytest.raises(TabganError, match=r"model\.lrr: did you mean 'lr'\?"):
        check_config(composed("+model.lrr=3"))


def test_an_unknown_top_level_key_is_refused():
    with pytest.raises(TabganError, match=r"sead: did you mean 'seed'\?"):
        check_config(composed("+sead=3"))


def test_a_stored_configuration_may_not_call_anything_else():
    cfg = OmegaConf.create({"model": {"_target_": "os.system"}, "loss": {}, "penalty": {}})
    with pytest.raises(TabganError, match=r"model\._target_: .* got 'os\.system'"):
        check_stored_targets(cfg)


@pytest.mark.parametrize("path", sorted(conf_dir().rglob("*.yaml")), ids=lambda p: p.stem)
def test_a_package_header_stands_in_the_first_line(path: Path):
    lines = path.read_text("utf-8").splitlines()
    assert all("@package" not in line for line in lines[1:])


COMMANDS = ["audit", "bench", "blackbox", "evaluate", "explore", "impute", "sample", "study"]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_keys_of_a_command_are_those_that_its_file_composes_to(command):
    keys = set(command_keys(command))
    chosen = ["blackbox=forest"] if "blackbox" in keys else []  # else null, which is no key
    assert keys == {*map(str, composed(*chosen, config=command))}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_key_of_a_command_stands_in_a_base_file_too(command):
    own = yaml.safe_load((conf_dir() / f"{command}.yaml").read_text("utf-8"))
    for base in ("command", "table_command"):
        shared = yaml.safe_load((conf_dir() / f"{base}.yaml").read_text("utf-8"))
        assert not own.keys() & shared.keys() - {"defaults"}
