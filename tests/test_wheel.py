"""A wheel built through the sdist trains from any folder, in an environment of its own."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
PYTHON = sys.executable


def done(*words, folder):
    """What a command prints, after it has ended well."""
    ended = subprocess.run(
        list(map(str, words)), cwd=folder, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout[-2_000:] + ended.stderr[-2_000:]
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    done(
        sys.executable, "-m", "build", "--outdir", folder, ROOT, folder=folder
    )  # sdist, then wheel
    assert len(list(folder.glob("*.tar.gz"))) == 1
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The Python of an environment with the wheel, and the tests' packages by their path.

    What the wheel requires is there already: pip finds it, and installs nothing but the wheel. The
    package under test is not: an editable install is a file that only its own folder reads.
    """
    folder = tmp_path_factory.mktemp("bare")
    done(PYTHON, "-m", "venv", "--without-pip", folder / "env", folder=folder)
    found = folder / "env" / "bin" / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'), end='')"
    own, packages = (Path(done(each, "-c", where, folder=folder)) for each in (found, PYTHON))
    (own / "packages.pth").write_text(f"{packages}\n", "utf-8")
    words = ["-m", "pip", "install", "--quiet", "--no-index", "--ignore-installed", "--no-deps"]
    done(found, *words, wheel, folder=folder)
    return found


def test_the_wheel_holds_configuration_and_data_and_no_tests(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {f"tabgan/{path.relative_to(ROOT)}" for path in (ROOT / "conf").rglob("*.yaml")}
    pages = {str(path.relative_to(ROOT)) for path in (ROOT / "tabgan").rglob("templates/*")}
    assert {Path(name).suffix for name in pages} == {".html", ".css"}
    assert names >= shipped | pages | {"tabgan/tables/assets/adult.arff.gz", "tabgan/train.py"}
    assert not [name for name in names if name.startswith(("tests/", "scripts/", "outputs/"))]


def test_the_distribution_has_a_name_of_its_own(wheel):
    assert wheel.name.startswith("tabgan_lightning-")


def test_the_environment_is_consistent(python, tmp_path):
    assert "No broken requirements found" in done(python, "-m", "pip", "check", folder=tmp_path)


def test_the_code_that_runs_is_the_wheels(python, tmp_path):
    told = done(python, "-c", "import tabgan; print(tabgan.__file__)", folder=tmp_path)
    assert "site-packages" in told


def test_the_configuration_is_printed_from_another_folder(python, tmp_path):
    told = done(python, "-m", "tabgan.train", "--cfg", "job", folder=tmp_path)
    assert "_target_: tabgan.models.chain.ChainModule" in told
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["tabgan-train", "tabgan-sample"])
def test_the_console_commands_help(python, tmp_path, name):
    told = done(python.with_name(name), "--help", folder=tmp_path)
    assert told.startswith(f"{name} KEY=VALUE")
    assert "threads" in told


def test_two_batches_of_adult_train_and_sample_from_another_folder(python, tmp_path):
    words = ("+experiment=cgan_adult", "+debug=smoke")
    told = done(python, "-m", "tabgan.train", *words, folder=tmp_path)
    assert "48,842 rows of 15 columns" in told
    (run,) = tmp_path.glob("outputs/*/*")
    out = tmp_path / "rows.csv"
    words = (f"run={run}", "n=20", "where.income='>50K'", f"out={out}")
    done(python, "-m", "tabgan.sample", *words, folder=tmp_path)
    rows = out.read_text("utf-8").splitlines()[1:]
    assert len(rows) == 20
    assert all(row.endswith(">50K") for row in rows)
    of_a_file = (
        "import shutil, sys; from tabgan import TableGAN; from tabgan.sample import run\n"
        f"TableGAN.load({str(run)!r}).save('adult.tabgan'); shutil.rmtree({str(run)!r})\n"
        "sys.argv[1:] = ['run=adult.tabgan', 'n=5']; run()\n"
    )
    done(python, "-c", of_a_file, folder=tmp_path)
    assert len((tmp_path / "adult_rows_seed0.csv").read_text("utf-8").splitlines()) == 6
